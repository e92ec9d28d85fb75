"""Sentences for people: kept in English, said in the language of whoever reads them.

A sentence that is written down (an alarm, a refusal in the audit trail) is kept as its English and
what stands in its places, apart; so every reader gets it in their own language, years later too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

ENGLISH = "en"


class Text(Promise):
    """One sentence. `str()` says it in the language that is active then.

    `english` is marked with `gettext_noop` where it is written, and has places like `%(code)s`.
    A place may hold another Text, or a list of them, which are said one after another.
    """

    def __init__(self, english: str, /, **places: object) -> None:
        self.english, self.places = english, places

    def __str__(self) -> str:
        said = gettext(self.english)
        if not self.places:
            return said
        return said % {name: _said(value) for name, value in self.places.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({in_english(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and packed(self) == packed(other)

    def __hash__(self) -> int:
        return hash(self.english)


class Lowered(Text):
    """A label in the middle of a sentence."""

    def __str__(self) -> str:
        return super().__str__().lower()


Sayable = str | Text


def _write_number(number: Decimal, places: int) -> str:
    return number_format(round(number, places), places, use_l10n=True, force_grouping=True)


# A number for a place of a Text, in the notation of whoever reads it.
written_number = lazy(_write_number, str)


def joined(texts: Iterable[Sayable]) -> Text:
    """Sentences one after another."""
    return Text("%(texts)s", texts=list(texts))


def listed(texts: Iterable[Sayable]) -> Sayable:
    """Words one after another with commas between them."""
    return reduce(lambda one, other: Text("%(one)s, %(other)s", one=one, other=other), texts)


def either(texts: Iterable[Sayable]) -> Sayable:
    """Words of which one will do."""
    return reduce(lambda one, other: Text(_("%(one)s or %(other)s"), one=one, other=other), texts)


def in_english(text: Sayable) -> str:
    """The words that logs, e-mails and the audit trail keep."""
    with override(ENGLISH):
        return str(text)


def packed(text: Sayable) -> dict[str, Any]:
    """The sentence as JSON. Words that nobody translates, a person's own, are kept as they are."""
    if not isinstance(text, Text):
        return {"words": text}
    kind = {"lowered": True} if isinstance(text, Lowered) else {}
    places = {name: _packed(value) for name, value in text.places.items()}
    return {"english": text.english, "places": places, **kind}


def unpacked(kept: Mapping[str, Any]) -> Sayable:
    """The sentence that was packed."""
    if "words" in kept:
        return str(kept["words"])
    kind = Lowered if kept.get("lowered") else Text
    return kind(
        kept["english"], **{name: _unpacked(value) for name, value in kept["places"].items()}
    )


def _said(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _packed(value: object) -> object:
    if isinstance(value, Text):
        return packed(value)
    if isinstance(value, list):
        return [_packed(item) for item in value]
    with override(ENGLISH):
        return str(value)


def _unpacked(value: Any) -> object:
    if isinstance(value, Mapping):
        return unpacked(value)
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    return value
