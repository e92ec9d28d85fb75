"""Saying which customers are one person, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers import linking
from customers.enums import CaseStatus, HitState, LinkState
from customers.models import ON_ITS_WAY, Hit, Hold, KycCase, Link
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, can, require
from staff.texts import Sayable, Text, listed

_DECIDED: Final = (CaseStatus.PROPOSED, *ON_ITS_WAY)
# What stops a whole person, as the trail names it and as people do.
_STANDS: Final[Mapping[str, str]] = {
    "holds": _("a hold"),
    "hits": _("a screening hit"),
    "cases": _("a KYC decision that is proposed or on its way"),
}


class LinkNotPossible(Exception):
    """The two cannot be linked or parted like this: `says` tells why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


def accept_link(*, link_id: int, reason: str, by: User, at: datetime) -> Link:
    """Make the two one person: a suggestion, or two of whom it was said that they are not.

    A link that stands already stays as it is. Raises NotPermitted, LinkNotPossible.
    """
    require(by, Permission.LINK_CUSTOMERS)
    reason = _stated(reason)
    with transaction.atomic():
        linking.take_lock()
        link = Link.objects.select_related("other", "into").get(pk=link_id)
        if link.state == LinkState.LINKED:
            return link
        journal = Journal(by=by, at=at)
        try:
            linking.join(
                link.other, link.into, by=by, at=at, journal=journal, reason=reason, known=link
            )
        except linking.NotTwo:
            raise LinkNotPossible(Text(_("They are one person already."))) from None
        journal.write()
    return link


def dismiss_link(*, link_id: int, reason: str, by: User, at: datetime) -> Link:
    """Say that the two are not the same: nobody is asked about them again.

    Raises NotPermitted, LinkNotPossible where it is not, or no longer, a suggestion.
    """
    require(by, Permission.LINK_CUSTOMERS)
    reason = _stated(reason)
    with transaction.atomic():
        linking.take_lock()
        link = Link.objects.get(pk=link_id)
        if link.state == LinkState.DISMISSED:
            return link
        if link.state != LinkState.SUGGESTED:
            raise LinkNotPossible(Text(_("It is no suggestion any more. Look at it again.")))
        journal = Journal(by=by, at=at)
        linking.dismiss(link, by=by, at=at, journal=journal, reason=reason)
        journal.write()
    return link


def undo_link(*, link_id: int, reason: str, by: User, at: datetime) -> Link:
    """Take the two apart again. They are not linked by themselves a second time.

    What stands on one row stops the other no more: while anything does, this is for those who may
    lift holds. Raises NotPermitted, LinkNotPossible where they are not linked, or for that.
    """
    require(by, Permission.LINK_CUSTOMERS)
    reason = _stated(reason)
    with transaction.atomic():
        linking.take_lock()
        link = Link.objects.get(pk=link_id)
        if link.state == LinkState.UNDONE:
            return link
        if link.state != LinkState.LINKED:
            raise LinkNotPossible(Text(_("They are not linked.")))
        rows = linking.locked_members(link)
        audit.take_chain_lock()  # holds are placed and decisions proposed under it
        stands = _what_stands(rows)
        if stands and not can(by, Permission.LIFT_HOLDS):
            raise LinkNotPossible(_only_who_lifts(stands))
        journal = Journal(by=by, at=at)
        linking.part(link, rows, by=by, at=at, journal=journal, reason=reason, stands=stands)
        journal.write()
    return link


def _what_stands(rows: Sequence[int]) -> dict[str, int]:
    """How many holds, hits and decisions stop these rows; what there is none of is left out."""
    found = Hit.objects.filter(customer__in=rows, is_listed=True, state=HitState.TRUE)
    stands = {
        "holds": Hold.objects.in_force().filter(customer__in=rows).count(),
        "hits": Hit.objects.open().filter(customer__in=rows).count() + found.count(),
        "cases": KycCase.objects.filter(customer__in=rows, status__in=_DECIDED).count(),
    }
    return {name: number for name, number in stands.items() if number}


def _only_who_lifts(stands: Mapping[str, int]) -> Sayable:
    return Text(
        _("Only who may lift holds takes them apart now. On one of them stands: %(what)s."),
        what=listed(Text(_STANDS[name]) for name in stands),
    )


def _stated(reason: str) -> str:
    if text := reason.strip():
        return text
    raise LinkNotPossible(Text(_("Say why, in a few words: it is kept with the link.")))
