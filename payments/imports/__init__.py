"""Payouts from a file: read as a stream, judged row by row, created all at once or not at all."""
