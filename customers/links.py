"""What customers register with upstreams and with the demonstration."""

from __future__ import annotations

from customers.kyc import sending as kyc_sending
from customers.requests import sending as request_sending
from customers.screening import hooks as screening_hooks
from customers.screening import rescreening
from customers.screening import sending as screening_sending


def register() -> None:
    """Register feeds, webhook handlers, senders and tasks (once, when the application is ready)."""
    request_sending.register_senders()
    rescreening.register_feeds()
    screening_sending.register_sender()
    screening_hooks.register()
    kyc_sending.register_sender()
