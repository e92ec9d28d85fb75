"""One switch per provider: while it is off, nothing leaves for that provider.

It is thrown under the lock of the audit chain and nowhere else. So who holds that lock knows where
the switch stands until their transaction ends, and a transaction throws it after every row lock.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from staff import audit
from staff.texts import Sayable, in_english, packed
from upstreams import alarms
from upstreams.models import SendingSwitch

STOPPED = "sending-stopped"  # the alarm that stays open while a switch is off


def sending_is_on(upstream: str) -> bool:
    """Whether commands may leave now; for long, only to who holds the lock of the audit chain."""
    return not SendingSwitch.objects.filter(upstream=upstream, is_on=False).exists()


def stop_sending(upstream: str, *, reason: Sayable, by_label: str, at: datetime) -> bool:
    """Turn the provider off. What is queued stays queued. False when it was off already."""
    with transaction.atomic():
        audit.take_chain_lock()
        SendingSwitch.objects.get_or_create(
            upstream=upstream, defaults={"is_on": True, "changed_at": at}
        )
        changed = SendingSwitch.objects.filter(upstream=upstream, is_on=True).update(
            is_on=False,
            reason=in_english(reason),
            said=packed(reason),
            changed_at=at,
            changed_by_label=by_label,
        )
        if changed:
            alarms.raise_alarm(upstream=upstream, code=STOPPED, text=reason, at=at)
            audit.record(
                "upstreams.sending.stopped",
                ("upstreams.sendingswitch", upstream),
                by=None,
                by_label=by_label,
                at=at,
                before={"is_on": True},
                after={"is_on": False},
                reason=in_english(reason),
            )
    return bool(changed)


def resume_sending(upstream: str, *, reason: str, by_label: str, at: datetime) -> bool:
    """Turn the provider on again; the sweep sends what has waited. False when it was on."""
    with transaction.atomic():
        audit.take_chain_lock()
        changed = SendingSwitch.objects.filter(upstream=upstream, is_on=False).update(
            is_on=True,
            reason=reason,
            said=packed(reason),
            changed_at=at,
            changed_by_label=by_label,
        )
        if changed:
            alarms.close(upstream=upstream, code=STOPPED, at=at, by_label=by_label, reason=reason)
            audit.record(
                "upstreams.sending.resumed",
                ("upstreams.sendingswitch", upstream),
                by=None,
                by_label=by_label,
                at=at,
                before={"is_on": False},
                after={"is_on": True},
                reason=reason,
            )
    return bool(changed)
