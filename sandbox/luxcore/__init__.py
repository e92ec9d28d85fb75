"""LuxCore v1 and v2: payments, webhooks, balances, tickets and the hosted pages."""
