"""The payments desk for the company's own systems: `/api/v1/withdrawals/`, `/api/v1/payments/`.

They ask for payouts, read, and take back what they asked for. Signing is for people alone.
"""
