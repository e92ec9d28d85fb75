"""What a decision rests on, frozen: so that a second person confirms exactly what the first saw.

Personal values are not kept. Each stands as a keyed fingerprint, by which a change is noticed, and
as much of it as everybody may read, by which the change is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_noop as _

from customers.enums import DocumentKind, DocumentVerdict, HitState, HoldKind, Side
from customers.models import Customer, Document, Hit, Hold, KycCase, Profile
from customers.screening import latest
from staff import masking
from staff.texts import Sayable, Text

_SALT: Final = "customers.kyc.evidence"
_UNJUDGED: Final = _("not judged")


@dataclass(frozen=True)
class Difference:
    """One fact that is not what the evidence holds. Personal values are masked."""

    field: str
    label: Sayable
    before: Sayable
    after: Sayable


def _dots(value: str) -> str:
    return masking.DOTS if value else ""


# A fact of the profile, what it is called, and as much of it as everybody may read.
_FACTS: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "kind": (_("Kind"), str),
    "first_name": (_("First name"), masking.mask_name),
    "last_name": (_("Last name"), masking.mask_name),
    "date_of_birth": (_("Date of birth"), _dots),
    "email": (_("E-mail"), masking.mask_email),
    "phone": (_("Phone"), masking.mask_phone),
    "country": (_("Country"), str),
    "address": (_("Address"), _dots),
    "business": (_("Business"), _dots),
    "tax_id_provided": (_("Tax id given"), str),
    "status": (_("Status at Lux Financial"), str),
    "kyc_status": (_("KYC status at Lux Financial"), str),
    "risk_rating": (_("Risk"), str),
}
CHECKLIST: Final = _("Checklist")


def gather(case: KycCase, profile: Profile) -> dict[str, Any]:
    """Everything a decision about this case rests on. Six queries, whatever there is."""
    customers = list(
        Customer.objects.same_as(case.customer).order_by("pk").values_list("pk", flat=True)
    )
    return {
        "facts": {name: _fact(profile, name) for name in _FACTS},
        "checklist": sorted(case.checklist),
        "documents": {
            str(document.key): {
                "kind": document.kind,
                "side": document.side,
                "sha256": document.sha256,
                "verdict": document.verdict,
            }
            for document in Document.objects.kept().filter(customer__in=customers).order_by("pk")
        },
        "screenings": {
            str(one.customer_id): {
                "told": _fingerprint("told", one.told),
                "asked": _fingerprint("asked", one.asked),
                "is_current": one.is_current,
            }
            for one in latest.of(case.customer)
        },
        "hits": {
            str(hit.pk): {"state": hit.state, "version": hit.version}
            for hit in Hit.objects.filter(customer__in=customers, is_listed=True).order_by("pk")
        },
        "holds": {
            str(hold.pk): hold.kind
            for hold in Hold.objects.in_force().filter(customer__in=customers).order_by("pk")
        },
    }


def digest(evidence: Mapping[str, Any]) -> str:
    text = json.dumps(evidence, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What is not as it was, one line for each fact, tick, document, screening, hit and
    hold."""
    return [
        *_changed_facts(before["facts"], after["facts"]),
        *_changed_ticks(before["checklist"], after["checklist"]),
        *_changed_rows("documents", before, after, _document_label, _verdict_words),
        *_changed_rows("screenings", before, after, _screening_label, _screening_words),
        *_changed_rows("hits", before, after, lambda _row: Text(_("Screening hit")), _hit_words),
        *_changed_rows("holds", before, after, lambda _row: Text(_("Hold")), _hold_words),
    ]


def _fact(profile: Profile, name: str) -> list[str]:
    """The fingerprint of a fact, and what everybody may read of it."""
    value = getattr(profile, name)
    plain = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    empty = plain in {"", "{}", "null"}
    shown = "" if empty else _FACTS[name][1](plain)
    return [_fingerprint(name, plain), shown]


def _fingerprint(name: str, plain: str) -> str:
    return salted_hmac(_SALT, f"{name}\n{plain}", algorithm="sha256").hexdigest()[:32]


def _changed_facts(
    before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> list[Difference]:
    changed = []
    for name, (label, _mask) in _FACTS.items():
        was, shown_before = before.get(name, ["", ""])
        now, shown_after = after[name]
        if constant_time_compare(was, now):
            continue
        said: Sayable = shown_after
        if shown_before == shown_after:
            said = Text(_("%(value)s (another one)"), value=shown_after)
        changed.append(Difference(name, Text(label), shown_before, said))
    return changed


def _changed_ticks(before: list[str], after: list[str]) -> list[Difference]:
    if before == after:
        return []
    words = [Text(_("%(number)s ticked"), number=len(ticks)) for ticks in (before, after)]
    if len(before) == len(after):
        words[1] = Text(_("%(value)s (other ones)"), value=words[1])
    return [Difference("checklist", Text(CHECKLIST), *words)]


def _changed_rows(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    label: Callable[[Any], Sayable],
    words: Callable[[Any], Sayable],
) -> list[Difference]:
    changed = []
    were, are = before.get(name, {}), after[name]
    for key in dict.fromkeys([*were, *are]):
        was, now = were.get(key), are.get(key)
        if was == now:
            continue
        said_before: Sayable = words(was) if was else ""
        said_after: Sayable = words(now) if now else ""
        if was and now and said_before == said_after:
            said_after = Text(_("%(value)s (another one)"), value=said_after)
        changed.append(Difference(f"{name}:{key}", label(now or was), said_before, said_after))
    return changed


def _document_label(row: Mapping[str, str]) -> Sayable:
    return Text(
        "%(kind)s, %(side)s",
        kind=Text(DocumentKind(row["kind"]).label),
        side=Text(Side(row["side"]).label),
    )


def _verdict_words(row: Mapping[str, str]) -> Sayable:
    if not row["verdict"]:
        return Text(_UNJUDGED)
    return Text(DocumentVerdict(row["verdict"]).label)


def _screening_label(_row: Any) -> Sayable:
    return Text(_("Screening"))


def _screening_words(row: Mapping[str, Any]) -> Sayable:
    if row["is_current"]:
        return Text(_("screened as they are"))
    return Text(_("not screened as they are"))


def _hit_words(row: Mapping[str, str]) -> Sayable:
    return Text(HitState(row["state"]).label)


def _hold_words(kind: str) -> Sayable:
    return Text(HoldKind(kind).label)
