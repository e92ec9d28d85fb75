"""Lux Financial v0: customers and their KYC, accounts, transfers and screenings, with webhooks."""
