"""Saying which customers are one person, and taking it back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers import linking
from customers.enums import LinkState
from customers.models import Link
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text


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

    Raises NotPermitted, LinkNotPossible where they are not linked.
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
        journal = Journal(by=by, at=at)
        linking.part(link, by=by, at=at, journal=journal, reason=reason)
        journal.write()
    return link


def _stated(reason: str) -> str:
    if text := reason.strip():
        return text
    raise LinkNotPossible(Text(_("Say why, in a few words: it is kept with the link.")))
