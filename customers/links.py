"""What customers register with upstreams and with the demonstration."""

from __future__ import annotations

from datetime import timedelta

from customers import feeds, feeds_documents, hooks, reveals
from customers.documents import submitting
from customers.kyc import sending as kyc_sending
from customers.requests import sending as request_sending
from customers.screening import hooks as screening_hooks
from customers.screening import rescreening
from customers.screening import sending as screening_sending
from upstreams import schedule, webhooks
from upstreams.enums import Upstream


def register() -> None:
    """Register feeds, webhook handlers, senders and tasks (once, when the application is ready)."""
    feeds.register_feeds()
    webhooks.register(Upstream.LUX, "customer.", hooks.apply_customer)
    webhooks.register(Upstream.LUX, "external_account.", hooks.apply_account)
    webhooks.register(Upstream.LUX, "wallet.", hooks.apply_wallet)
    schedule.register("customers.tasks.match_new", every=timedelta(seconds=10))
    request_sending.register_senders()
    rescreening.register_feeds()
    screening_sending.register_sender()
    screening_hooks.register()
    kyc_sending.register_sender()
    submitting.register_sender()
    feeds_documents.register_feed()
    reveals.register()
