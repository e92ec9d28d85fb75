"""Lumetrade v1: accounts, withdrawals, deposits and trades that move by themselves."""
