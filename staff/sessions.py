"""Whose session it is and how long it lasts: until its owner is away too long, and never beyond
the working day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from staff.models import User

SIGNED_IN_AT = "staff_signed_in_at"
ACTIVE_AT = "staff_active_at"

# Being active is noted in the session, but not at every click.
NOTED_EVERY = timedelta(minutes=1)

# A page that refreshes itself says so, and keeps nobody signed in.
UNATTENDED_HEADER = "X-Unattended"


def start(*, request: HttpRequest, **_: Any) -> None:
    """Note when a session began. Called at every sign-in, whichever way it came."""
    now = timezone.now().timestamp()
    request.session[SIGNED_IN_AT] = request.session[ACTIVE_AT] = now


def is_signed_in(request: HttpRequest) -> bool:
    return SESSION_KEY in request.session


def person_of(request: HttpRequest) -> User:
    """Return who sent the request to a page: only people who are signed in get there."""
    assert isinstance(request.user, User)
    return request.user


def proved_at(request: HttpRequest) -> datetime | None:
    """Return when who sent the request last proved who they are: at sign-in, or asked anew."""
    records = get_authentication_records(request, person_of(request))
    return datetime.fromtimestamp(records[-1]["at"], UTC) if records else None


def go_on(request: HttpRequest, *, at: datetime) -> bool:
    """Whether the session may go on; if so, note that its owner is there."""
    session, now = request.session, at.timestamp()
    if now - session.get(SIGNED_IN_AT, 0) >= settings.SESSION_COOKIE_AGE:
        return False
    away = now - session.get(ACTIVE_AT, 0)
    if away >= settings.SESSION_IDLE_AGE:
        return False
    if away >= NOTED_EVERY.total_seconds() and UNATTENDED_HEADER not in request.headers:
        session[ACTIVE_AT] = now
    return True


def forget_expired(*, at: datetime) -> None:
    """Remove the rows of sessions and cache entries that ran out; nothing else does.

    Counted sign-ins are cache entries. Left alone, guesses at many accounts would pile them up.
    """
    Session.objects.filter(expire_date__lt=at).delete()
    table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    moment = connection.ops.adapt_datetimefield_value(at.astimezone(UTC).replace(tzinfo=None))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [moment])
