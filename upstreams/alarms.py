"""Calling a person: a row that stays open until somebody closes it, a log line, an e-mail."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from staff import audit
from staff.texts import Sayable, in_english, packed
from upstreams.models import Alarm, AlarmQuerySet

logger = structlog.get_logger(__name__)


def raise_alarm(
    *, upstream: str, code: str, text: Sayable, at: datetime, subject: tuple[str, str] = ("", "")
) -> Alarm:
    """Open an alarm, or return the one that is open for this code and subject already.

    `upstream` is the provider it has to do with, DESK for none. `text` is read by people, each in
    their language, and sent by e-mail in English: it holds no personal data. A new one is written
    under the lock of the audit chain, so it comes after every row lock.
    """
    if known := _open(upstream, code, subject).first():
        return known
    subject_type, subject_id = subject
    with transaction.atomic():
        audit.take_chain_lock()
        alarm, is_new = Alarm.objects.get_or_create(
            upstream=upstream,
            code=code,
            subject_type=subject_type,
            subject_id=subject_id,
            closed_at=None,
            defaults={"text": in_english(text), "said": packed(text), "raised_at": at},
        )
    if is_new:
        logger.error("upstreams.alarm.raised", upstream=upstream, code=code, alarm=alarm.pk)
        transaction.on_commit(partial(_send, alarm))
    return alarm


def close(
    *,
    upstream: str,
    code: str,
    at: datetime,
    by_label: str,
    reason: str,
    subject: tuple[str, str] = ("", ""),
) -> bool:
    """Close the open alarm of this code and subject. False when there is none.

    It is closed under the lock of the audit chain, so this comes after every row lock.
    """
    alarm = _open(upstream, code, subject)
    if not alarm.exists():
        return False
    with transaction.atomic():
        audit.take_chain_lock()
        closed = alarm.update(closed_at=at, closed_by_label=by_label, closed_reason=reason)
    return bool(closed)


def _open(upstream: str, code: str, subject: tuple[str, str]) -> AlarmQuerySet:
    subject_type, subject_id = subject
    return Alarm.objects.open().filter(
        upstream=upstream, code=code, subject_type=subject_type, subject_id=subject_id
    )


def _send(alarm: Alarm) -> None:
    """Send the e-mail. A mail server that fails must not undo what raised the alarm."""
    if not settings.ALARM_EMAILS:
        return
    try:
        send_mail(
            subject=f"[Lightdesk] {alarm.get_upstream_display()}: {alarm.code}",
            message=alarm.text,
            from_email=None,
            recipient_list=settings.ALARM_EMAILS,
        )
    except Exception:
        logger.exception("upstreams.alarm.not_mailed", alarm=alarm.pk)
