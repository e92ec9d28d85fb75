"""What the payments desk does by itself."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from payments import invariants, lapsing

logger = structlog.get_logger(__name__)


@shared_task
def check_invariants(**_: object) -> None:
    """Hold what must always be true against what is; a breach stops the provider."""
    breaches = invariants.check(now=timezone.now())
    logger.info("payments.invariants.checked", breaches=len(breaches))


@shared_task
def verify_chain(**_: object) -> None:
    """Walk what was added to the audit chain; a broken one stops every provider."""
    invariants.verify_chain(now=timezone.now())


@shared_task
def verify_whole_chain(**_: object) -> None:
    """Walk the audit chain from its first event: an old one may have been changed."""
    invariants.verify_chain(now=timezone.now(), whole=True)


@shared_task
def lapse_forgotten(**_: object) -> None:
    """Close requests that nobody decided for a week."""
    lapsed = lapsing.lapse_forgotten(at=timezone.now())
    logger.info("payments.withdrawals.lapsed", number=lapsed)
