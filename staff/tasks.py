"""What staff does by itself."""

from celery import shared_task
from django.utils import timezone

from staff import sessions


@shared_task
def forget_expired(**_: object) -> None:
    """Remove the sessions and the counted sign-ins whose time is over."""
    sessions.forget_expired(at=timezone.now())
