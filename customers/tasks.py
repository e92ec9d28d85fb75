"""What the customers' desk does by itself."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from customers.screening import hooks
from upstreams import credentials
from upstreams.enums import Upstream
from upstreams.errors import RateLimited, Unavailable


@shared_task(
    name=hooks.READ_AGAIN,
    autoretry_for=(Unavailable, RateLimited),
    retry_backoff=True,
    max_retries=6,
)
def read_screening(*, screening_id: str, **_: object) -> None:
    """Read again a screening that an event told of."""
    if credentials.is_configured(Upstream.LUX):
        hooks.read_again(screening_id, at=timezone.now())
