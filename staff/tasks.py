"""What staff does by itself."""

from celery import shared_task
from django.utils import timezone

from staff import drafts, sessions


@shared_task
def forget_expired(**_: object) -> None:
    """Remove the sessions, the counted sign-ins and the drafts whose time is over."""
    now = timezone.now()
    sessions.forget_expired(at=now)
    drafts.forget_old(at=now)
