"""What happened to something, told from the audit trail: people, the desk itself, providers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext

from staff import audit
from staff.models import AuditEvent, User
from staff.texts import unpacked

SAID: Final = "said"  # where an event keeps what a person was told, to be said in any language
LONGEST: Final = 100  # events on one page; the audit trail holds the rest

# What a verb of the audit trail is called, and how it is coloured.
Words = Mapping[str, tuple[Promise, str]]


@dataclass(frozen=True)
class Entry:
    """One line of a timeline. `kind` is person, system or upstream."""

    at: datetime
    who: User | str
    text: str
    kind: str
    detail: str
    quote: str
    tone: str = ""
    href: str = ""


def of_event(
    event: AuditEvent, *, words: Words, quote: str, providers: Collection[str], href: str = ""
) -> Entry:
    """Return one event as people read it; a verb without words is made readable."""
    text, tone = words.get(event.verb, (_plain(event.verb), ""))
    return Entry(
        at=event.at,
        who=event.by or _machine(event.by_label),
        text=str(text),
        tone=tone,
        kind="person" if event.by else _kind(event.by_label, providers),
        detail=gettext("audit #%(number)s") % {"number": event.sequence},
        quote=quote,
        href=href,
    )


def reason_of(event: AuditEvent) -> str:
    """Return the reason: a person's words as they are, the desk's own in the reader's language."""
    return str(unpacked(event.after[SAID])) if SAID in event.after else event.reason


def _machine(label: str) -> str:
    return gettext("Lightdesk") if label == audit.SYSTEM else label


def _kind(label: str, providers: Collection[str]) -> str:
    return "upstream" if label in providers else "system"


def _plain(verb: str) -> str:
    """Return a readable form of a verb nobody gave words to yet."""
    return verb.rpartition(".")[2].replace("_", " ")
