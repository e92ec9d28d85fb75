"""What workers are asked to do. Every task may run twice, late, or never: the rows know better."""

from __future__ import annotations

import structlog
from celery import shared_task

from upstreams import credentials, feeds, outbox, webhooks

logger = structlog.get_logger(__name__)


@shared_task
def deliver_command(*, command_id: int, **_: object) -> None:
    outbox.deliver(command_id)


@shared_task
def process_event(*, event_id: int, **_: object) -> None:
    webhooks.process(event_id)


@shared_task
def run_feed(*, name: str, **_: object) -> None:
    if not credentials.is_configured(feeds.get(name).upstream):
        return  # its pages say so; a failed run every few seconds would say nothing more
    feeds.run(name)


@shared_task
def sweep(**_: object) -> None:
    """Do what nobody rang for. `manage.py deliver --every 2` does it sooner and without Redis."""
    outbox.sweep()
    webhooks.sweep()
