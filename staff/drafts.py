"""What people typed and have not sent: kept for them, so that no lost claim or session takes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from staff.audit import Subject, subject_of
from staff.models import Draft, User

KEPT_FOR = timedelta(days=30)  # then nobody comes back for it


def keep(*, subject: Subject, data: Mapping[str, Any], by: User, at: datetime) -> None:
    """Keep this in place of what they had typed about it before.

    Without NUL, which PostgreSQL keeps in no text.
    """
    subject_type, subject_id = subject_of(subject)
    Draft.objects.update_or_create(
        user=by,
        subject_type=subject_type,
        subject_id=subject_id,
        defaults={"data": _without_nul(dict(data)), "at": at},
    )


def _without_nul(typed: Any) -> Any:
    match typed:
        case str():
            return typed.replace("\x00", "")
        case list():
            return [_without_nul(one) for one in typed]
        case dict():
            return {name: _without_nul(one) for name, one in typed.items()}
    return typed


def of(*, subject: Subject, by: User) -> Draft | None:
    """What this person had typed about it; None where there is nothing."""
    subject_type, subject_id = subject_of(subject)
    return Draft.objects.filter(user=by, subject_type=subject_type, subject_id=subject_id).first()


def discard(*, subject: Subject, by: User) -> None:
    """Forget it: it was sent, or is not wanted."""
    subject_type, subject_id = subject_of(subject)
    Draft.objects.filter(user=by, subject_type=subject_type, subject_id=subject_id).delete()


def forget_old(*, at: datetime) -> None:
    """Remove what was left behind long ago."""
    Draft.objects.filter(at__lt=at - KEPT_FOR).delete()
