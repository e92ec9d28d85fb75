"""What one attempt to send a command may lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as _

from staff.texts import Sayable, Text


@dataclass(frozen=True)
class Done:
    """It happened. `reference` is the upstream's id; `record` is handed to `settle`, not stored."""

    reference: str
    data: Mapping[str, Any] = field(default_factory=dict)
    record: object = None


@dataclass(frozen=True)
class Refused:
    """A definite no: nothing happened and nothing will. `fields`: what is wrong with which."""

    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefusedRepeat(Refused):
    """No to a repeat of what may have happened: the first sending may itself be the reason."""


@dataclass(frozen=True)
class Postponed:
    """Definitely nothing was sent this time; the same bytes go again after `seconds`."""

    seconds: float
    why: str


@dataclass(frozen=True)
class ProviderClosed(Postponed):
    """Nothing was sent, for want of a key that is accepted: no other command would fare better."""


@dataclass(frozen=True)
class Withheld(Postponed):
    """Nothing was sent, because the domain forbids it by now, say by a hold.

    What is in doubt is then looked for a few times more, and handed to people.
    """


@dataclass(frozen=True)
class Uncertain:
    """It may have happened."""

    why: str


@dataclass(frozen=True)
class Mismatch:
    """It happened, but not as asked: `differences` holds (field, asked, answered)."""

    differences: list[tuple[str, str, str]]
    data: Mapping[str, Any] = field(default_factory=dict)
    record: object = None


Outcome = Done | Refused | Postponed | Uncertain | Mismatch


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as it is kept on the command's row."""
    match outcome:
        case Done(reference, data):
            return {"outcome": "done", "reference": reference, "data": dict(data)}
        case Refused(code, message):
            return {"outcome": "refused", "code": code, "message": message}
        case Postponed(_, why):
            return {"outcome": "postponed", "why": why}
        case Uncertain(why):
            return {"outcome": "uncertain", "why": why}
        case Mismatch(differences, data):
            return {
                "outcome": "mismatch",
                "differences": [list(difference) for difference in differences],
                "data": dict(data),
            }


def in_words(outcome: Outcome) -> Sayable:
    """Return what went wrong, for people; empty when nothing did. Holds no personal data."""
    match outcome:
        case Done():
            return ""
        case Refused(code, message):
            return f"{code}: {message}"
        case Postponed(_, why) | Uncertain(why):
            return why
        case Mismatch(differences):
            fields = ", ".join(field for field, _, _ in differences)
            return Text(_("The answer differs from what was asked in: %(fields)s."), fields=fields)
