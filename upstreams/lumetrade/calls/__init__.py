"""Lumetrade's operations, one method each, by resource."""
