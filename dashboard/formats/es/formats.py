"""Amounts in sentences look like amounts in tables, which Babel writes: 2.500,00."""

THOUSAND_SEPARATOR = "."
