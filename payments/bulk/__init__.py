"""Decisions about many withdrawals at once."""
