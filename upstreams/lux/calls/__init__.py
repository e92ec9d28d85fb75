"""Lux Financial's operations, one method each, by resource."""
