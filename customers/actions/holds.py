"""Stopping customers, and letting them go again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers import holds
from customers.enums import HoldKind
from customers.models import Customer, Hold
from staff import audit
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text


class HoldNotPossible(Exception):
    """The hold cannot be placed or lifted like this: `says` tells why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


def place_hold(*, customer: Customer, kind: HoldKind, reason: str, by: User, at: datetime) -> Hold:
    """Stop everything of this customer. One of this kind that is in force already is returned.

    Raises NotPermitted, HoldNotPossible without a reason.
    """
    require(by, Permission.PLACE_HOLDS)
    reason = _stated(reason)
    with transaction.atomic():
        audit.take_chain_lock()
        if known := customer.holds.in_force().filter(kind=kind).first():
            return known
        hold = Hold.objects.create(
            customer=customer, kind=kind, reason=reason, placed_by=by, placed_at=at
        )
        holds.remember_person(customer.pk)
        audit.record(
            "customers.hold.placed",
            customer,
            by=by,
            at=at,
            after={"hold": hold.pk, "kind": kind},
            reason=reason,
        )
    return hold


def lift_hold(*, hold_id: int, reason: str, by: User, at: datetime) -> Hold:
    """Let what waits go on. One that is lifted already stays as it was lifted.

    Raises NotPermitted, HoldNotPossible without a reason.
    """
    require(by, Permission.LIFT_HOLDS)
    reason = _stated(reason)
    with transaction.atomic():
        audit.take_chain_lock()
        hold = Hold.objects.select_related("customer").get(pk=hold_id)
        if hold.lifted_at is not None:
            return hold
        hold.lifted_by, hold.lifted_at, hold.lifted_reason = by, at, reason
        hold.save(update_fields=["lifted_by", "lifted_at", "lifted_reason"])
        audit.record(
            "customers.hold.lifted",
            hold.customer,
            by=by,
            at=at,
            before={"hold": hold.pk, "kind": hold.kind},
            after={"hold": hold.pk},
            reason=reason,
        )
    return hold


def _stated(reason: str) -> str:
    if text := reason.strip():
        return text
    raise HoldNotPossible(Text(_("Say why, in a few words: it is kept with the hold.")))
