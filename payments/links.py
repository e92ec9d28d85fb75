"""What payments registers with upstreams and with the demonstration."""

from __future__ import annotations

from datetime import timedelta

from payments import (
    demo,
    feeds,
    feeds_lumetrade,
    feeds_lux,
    hooks,
    openings,
    reveals,
    senders,
    senders_lumetrade,
    senders_lux,
)
from payments.deposits import sending as deposit_sending
from payments.reconciliation import lumetrade, luxcore
from payments.trading import sending as trade_sending
from staff import demo as demonstration
from upstreams import schedule, webhooks
from upstreams.enums import Upstream


def register() -> None:
    """Register feeds, webhook handlers, senders and tasks (once, when the application is ready)."""
    feeds.register_feeds()
    feeds_lumetrade.register_feeds()
    feeds_lux.register_feeds()
    senders.register_senders()
    senders_lumetrade.register_sender()
    senders_lux.register_senders()
    deposit_sending.register_sender()
    trade_sending.register_sender()
    openings.register_sender()
    reveals.register()
    luxcore.register()
    lumetrade.register()
    webhooks.register(Upstream.LUXCORE, "payment.", hooks.apply_payment)
    webhooks.register(Upstream.LUXCORE, "balance.", hooks.apply_balance)
    webhooks.register(Upstream.LUX, "transfer.", hooks.apply_transfer)
    schedule.register("payments.tasks.check_invariants", every=timedelta(minutes=1))
    schedule.register("payments.tasks.verify_chain", every=timedelta(hours=1))
    schedule.register("payments.tasks.verify_whole_chain", every=timedelta(days=1))
    schedule.register("payments.tasks.settle_answered", every=timedelta(minutes=1))
    schedule.register("payments.tasks.lapse_forgotten", every=timedelta(hours=1))
    schedule.register("payments.tasks.reconcile", every=timedelta(minutes=1))
    schedule.register("payments.tasks.work_on_imports", every=timedelta(minutes=1))
    schedule.register("payments.tasks.discard_forgotten_imports", every=timedelta(hours=1))
    schedule.register("payments.tasks.work_on_bulk_runs", every=timedelta(seconds=10))
    schedule.register("payments.tasks.discard_forgotten_bulk_runs", every=timedelta(hours=1))
    demonstration.register(demo.build)
