"""Showing one masked value to one person for a minute, and writing down who looked and why.

The domains say which fields of their rows are masked, and how they are read (`register`). The
ledger and the audit trail keep the field's name, never its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.utils.translation import gettext_noop as _

from staff import audit
from staff.models import Reveal, User
from staff.permissions import NotPermitted, Permission, Person, can, require
from staff.texts import Text

LASTS: Final = timedelta(seconds=60)
SHORTEST_REASON: Final = 3


class ReasonMissing(ValueError):
    """A value was to be shown without saying why."""

    def __init__(self) -> None:
        super().__init__(Text(_("Say why you must see it: it is kept with your name.")))


class NothingToReveal(LookupError):
    """There is no such thing, no such field, or nothing in it."""


@dataclass(frozen=True)
class Secret:
    """One field that pages mask. The label is English until a page shows it."""

    label: str
    read: Callable[[Any], str]
    mask: Callable[[str], str]


@dataclass(frozen=True)
class Kind:
    """One kind of row with masked fields; its pages are for people with one of `may_see`."""

    model: type[models.Model]
    secrets: Mapping[str, Secret]
    may_see: Sequence[Permission]
    page: Callable[[Any], str]

    @property
    def subject_type(self) -> str:
        return self.model._meta.label_lower


@dataclass(frozen=True)
class Found:
    """One field of one row: what it is called, what it holds, and the page it stands on."""

    subject: models.Model
    field: str
    secret: Secret
    page: str

    @property
    def value(self) -> str:
        return self.secret.read(self.subject)

    @property
    def masked(self) -> str:
        return self.secret.mask(self.value)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make these fields ones that can be revealed. A second time is a mistake."""
    if kind.subject_type in _kinds:
        raise ValueError(f"{kind.subject_type} is registered already")
    _kinds[kind.subject_type] = kind


def may_reveal(person: Person, *, subject: models.Model, field: str) -> bool:
    """Whether this person may ask to see this field. No query."""
    kind = _kinds.get(subject._meta.label_lower)
    return (
        kind is not None
        and field in kind.secrets
        and can(person, Permission.REVEAL_PERSONAL_DATA)
        and any(can(person, permission) for permission in kind.may_see)
    )


def find(*, subject_type: str, subject_id: str, field: str, by: Person) -> Found:
    """Return the field of this row; raises NotPermitted, NothingToReveal."""
    require(by, Permission.REVEAL_PERSONAL_DATA)
    kind = _kinds.get(subject_type)
    if kind is None or field not in kind.secrets:
        raise NothingToReveal(field)
    if not any(can(by, permission) for permission in kind.may_see):
        raise NotPermitted(kind.may_see[0])
    subject = _row(kind, subject_id)
    if subject is None or not kind.secrets[field].read(subject):
        raise NothingToReveal(field)
    return Found(subject, field, kind.secrets[field], kind.page(subject))


def reveal(*, found: Found, reason: str, by: User, at: datetime) -> Reveal:
    """Write down that this person looks at this field, and let them for a minute.

    Raises NotPermitted, ReasonMissing.
    """
    require(by, Permission.REVEAL_PERSONAL_DATA)
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise ReasonMissing
    subject_type, subject_id = audit.subject_of(found.subject)
    with transaction.atomic():
        made = Reveal.objects.create(
            subject_type=subject_type,
            subject_id=subject_id,
            field=found.field,
            by=by,
            at=at,
            reason=reason,
            expires_at=at + LASTS,
        )
        audit.record(
            "staff.personal_data.revealed",
            found.subject,
            by=by,
            at=at,
            after={"field": found.field, "reveal": made.pk},
            reason=reason,
        )
    return made


def shown(made: Reveal, *, by: Person, at: datetime) -> Found | None:
    """What may still be shown to whom it was revealed to; None when the minute is over."""
    if made.by_id != by.pk or not made.at <= at < made.expires_at:
        return None
    return of(made, by=by)


def of(made: Reveal, *, by: Person) -> Found:
    """The field that was revealed; raises NotPermitted, NothingToReveal."""
    return find(subject_type=made.subject_type, subject_id=made.subject_id, field=made.field, by=by)


def label_of(made: Reveal) -> str:
    """What the field is called, in English; its own name where nobody masks it any more."""
    kind = _kinds.get(made.subject_type)
    return kind.secrets[made.field].label if kind and made.field in kind.secrets else made.field


def _row(kind: Kind, subject_id: str) -> models.Model | None:
    if not (subject_id.isascii() and subject_id.isdigit() and len(subject_id) < 19):
        return None
    rows: models.QuerySet[models.Model] = kind.model._default_manager.filter(pk=int(subject_id))
    return rows.first()
