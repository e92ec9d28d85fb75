"""What the customers' desk does by itself."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from customers import linking, mirror
from customers.screening import hooks
from upstreams import clock, credentials
from upstreams.enums import Upstream
from upstreams.errors import NotFound, RateLimited, Unavailable
from upstreams.lux.client import get_client

logger = structlog.get_logger(__name__)


@shared_task
def match_new(**_: object) -> None:
    """Find out who of those that were told of is somebody we know."""
    matched = linking.match_new(at=timezone.now())
    if matched.linked or matched.suggested:
        logger.info("customers.matched", linked=matched.linked, suggested=matched.suggested)


@shared_task(autoretry_for=(Unavailable, RateLimited), retry_backoff=True, max_retries=3)
def read_customer(*, upstream_id: str, **_: object) -> None:
    """Read one customer of whom an event told too little."""
    try:
        record = get_client().get_customer(upstream_id)
    except NotFound:
        logger.warning("customers.customer.not_found", upstream_id=upstream_id)
        return
    mirror.store_profiles([record], at=clock.database_now())


@shared_task(autoretry_for=(Unavailable, RateLimited), retry_backoff=True, max_retries=3)
def read_account(*, upstream_id: str, **_: object) -> None:
    """Read one external account of which an event told too little."""
    try:
        record = get_client().get_external_account(upstream_id)
    except NotFound:
        logger.warning("customers.external_account.not_found", upstream_id=upstream_id)
        return
    mirror.store_accounts([record], at=clock.database_now())


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
