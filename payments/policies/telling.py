"""A tier, and the difference between two versions, as people read them: in their language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from payments import words
from payments.enums import LimitPer, Origin, Window
from payments.models import Limit, Policy
from staff.permissions import Role

Key = tuple[str, str, str, str, Decimal]


@dataclass(frozen=True)
class Line:
    """One thing that a tier asks for: what it is about and what is asked."""

    name: str
    label: str
    tell: Callable[[Policy], str]


@dataclass(frozen=True)
class Change:
    """One line of a diff. An empty `before` is a tier that is new, an empty `after` one that goes.

    Labels and texts are in the reader's language.
    """

    label: str
    before: str
    after: str


def applies_to(policy: Policy) -> str:
    """Which withdrawals the tier is about, without its bound."""
    told = [
        policy.currency or gettext("Any currency"),
        words.method(policy.method) if policy.method else "",
        gettext(Origin(policy.origin).label) if policy.origin else "",
        policy.get_upstream_display() if policy.upstream else "",
    ]
    return " · ".join(filter(None, told))


def amount(value: Decimal) -> str:
    """An amount without its currency, in the reader's notation."""
    plain = value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()
    return number_format(plain, use_l10n=True, force_grouping=True)


def roles(policy: Policy) -> str:
    if not policy.roles:
        return gettext("any role that signs")
    return gettext(" or ").join(gettext(Role(role).label) for role in policy.signing_roles)


def span(hours: int) -> str:
    """A time in hours or, where they make whole days, in days."""
    if hours % 24:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}


def limits(policy: Policy) -> list[str]:
    """The limits that are set."""
    return [one_limit(limit) for limit in policy.limits]


def one_limit(limit: Limit) -> str:
    """One limit: `10,000 per customer in 24 hours`."""
    return gettext("%(amount)s per %(whom)s in %(window)s") % {
        "amount": amount(limit.amount),
        "whom": gettext(limit.per.label),
        "window": gettext(limit.window.label),
    }


def demands(policy: Policy) -> list[str]:
    """What is asked of whoever signs."""
    told = []
    if policy.typed_amount:
        told.append(gettext("type the amount"))
    if policy.reauthenticate:
        told.append(gettext("prove who you are"))
    return told


def _limit(per: LimitPer) -> Callable[[Policy], str]:
    def tell(policy: Policy) -> str:
        for limit in policy.limits:
            if limit.per == per:
                window = gettext(Window(limit.window).label)
                return gettext("%(amount)s in %(window)s") % {
                    "amount": amount(limit.amount),
                    "window": window,
                }
        return gettext("no limit")

    return tell


def _yes_or_no(name: str) -> Callable[[Policy], str]:
    return lambda policy: gettext("yes") if getattr(policy, name) else gettext("no")


LINES: Final = (
    Line("signatures", _("Signatures"), lambda policy: str(policy.signatures)),
    Line("roles", _("Who may sign"), roles),
    Line("typed_amount", _("Amount typed once more"), _yes_or_no("typed_amount")),
    Line("reauthenticate", _("Sign-in proved anew"), _yes_or_no("reauthenticate")),
    Line("customer", _("Limit per customer"), _limit(LimitPer.CUSTOMER)),
    Line("beneficiary", _("Limit per beneficiary"), _limit(LimitPer.BENEFICIARY)),
    Line("approver", _("Limit per approver"), _limit(LimitPer.APPROVER)),
    Line("lapse", _("Lapses after it was due"), lambda policy: span(policy.lapse_hours)),
)


def differences(before: Iterable[Policy], after: Iterable[Policy]) -> list[Change]:
    """What differs between two sets of tiers, line by line, in the order of the page."""
    old, new = ({_key(tier): tier for tier in tiers} for tiers in (before, after))
    changes: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        changes.extend(_changes(old.get(key), new.get(key)))
    return changes


def in_order(tiers: Iterable[Policy]) -> Sequence[Policy]:
    """The tiers as they are shown: by what they are about, then by their bound."""
    return sorted(tiers, key=_key)


def order(policy: Policy | None) -> tuple[bool, Key]:
    """Where a tier stands among the others; what no tier covers comes last."""
    return policy is None, _key(policy) if policy else ("", "", "", "", Decimal(0))


def name(policy: Policy) -> str:
    """What the tier is about, with its bound."""
    return gettext("%(what)s from %(amount)s") % {
        "what": applies_to(policy),
        "amount": amount(policy.from_amount),
    }


def _changes(old: Policy | None, new: Policy | None) -> Iterable[Change]:
    if old is None or new is None:
        tier = old or new
        assert tier is not None
        whole = "; ".join(f"{gettext(line.label)}: {line.tell(tier)}" for line in LINES)
        yield Change(name(tier), whole if old else "", whole if new else "")
        return
    for line in LINES:
        before, after = line.tell(old), line.tell(new)
        if before != after:
            yield Change(f"{name(old)}: {gettext(line.label)}", before, after)


def _key(policy: Policy) -> Key:
    return (
        policy.currency,
        policy.method,
        policy.origin,
        policy.upstream,
        policy.from_amount.normalize(),
    )
