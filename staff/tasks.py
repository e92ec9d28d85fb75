"""What staff does by itself."""

import structlog
from celery import shared_task
from django.utils import timezone

from staff import anchors, sessions

logger = structlog.get_logger(__name__)


@shared_task
def write_audit_head(**_: object) -> None:
    """Write down the newest audit event; once a day is enough, and more often does no harm."""
    try:
        head = anchors.write_head(at=timezone.now())
    except anchors.DatabaseIsOlder as exc:
        logger.error("staff.audit.database_is_older", reason=str(exc))
        return
    logger.info("staff.audit.head_written", sequence=head.sequence, hash=head.hash)


@shared_task
def forget_expired(**_: object) -> None:
    """Remove the sessions and the counted sign-ins whose time is over."""
    sessions.forget_expired(at=timezone.now())
