"""Payments: creating, reading and cancelling them, and their lives afterwards."""
