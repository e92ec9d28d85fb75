"""What customers register with upstreams and with the demonstration."""

from __future__ import annotations

from customers.kyc import sending as kyc_sending
from customers.requests import sending


def register() -> None:
    """Register feeds, webhook handlers, senders and tasks (once, when the application is ready)."""
    sending.register_senders()
    kyc_sending.register_sender()
