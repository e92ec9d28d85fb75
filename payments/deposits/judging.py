"""Saying what is wrong with a deposit, at its field, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from customers.columns import longest
from payments import words
from payments.deposits.drafts import SCHEMES, DepositDraft
from payments.models import PaymentMethod, PaymentRequest
from payments.rules import MOST_MINOR_UNITS, extras
from staff import letters
from upstreams.enums import Upstream
from upstreams.money import BadMoney, Money, exponent

# What can be paid in now, by currency and method.
Rails: TypeAlias = Mapping[tuple[str, str], PaymentMethod]

IPAY: Final = "ipay"
_IPAY_LEAST_MINOR: Final = 100  # upstreams.md §3.7
_TEXTS: Final = (
    "description",
    "customer_name",
    "customer_email",
    "customer_phone",
    "customer_external_id",
)


def open_rails() -> dict[tuple[str, str], PaymentMethod]:
    """What LuxCore takes deposits by, as it last said (one query)."""
    offered = PaymentMethod.objects.for_deposits().filter(upstream=Upstream.LUXCORE)
    return {(row.currency, row.code): row for row in offered.order_by("currency", "code")}


def validate(draft: DepositDraft, *, rails: Rails) -> dict[str, str]:
    """What is wrong with each field; empty when it may be asked for."""
    if draft.upstream != Upstream.LUXCORE:
        return {"upstream": gettext("Deposits come in through LuxCore only.")}
    found = {
        "currency": _currency_problem(draft, rails),
        "customer_number": str(extras.number_problem(draft.customer_number)),
        "scheme": _scheme_problem(draft),
        "metadata": str(extras.metadata_problem(draft.metadata)),
        "webhook_url": str(extras.webhook_problem(draft.webhook_url, draft.webhook_events)),
        "webhook_events": str(extras.events_problem(draft.webhook_events)),
        "customer_email": _email_problem(draft.customer_email),
        **{name: problem for name in _TEXTS if (problem := _text_problem(draft, name))},
    }
    if not found["currency"]:
        found["method"] = _method_problem(draft, rails)
        found["amount"] = _amount_problem(draft, rails.get((draft.currency, draft.method)))
    return {name: problem for name, problem in found.items() if problem}


def _currency_problem(draft: DepositDraft, rails: Rails) -> str:
    known = list(dict.fromkeys(currency for currency, _method in rails))
    if not known:
        return gettext("LuxCore has not told yet what it takes deposits by. Try again in a minute.")
    if draft.currency in known:
        return ""
    return gettext("LuxCore takes deposits in %(known)s; %(currency)s is not among them.") % {
        "known": ", ".join(known),
        "currency": draft.currency[:12] or gettext("no currency"),
    }


def _method_problem(draft: DepositDraft, rails: Rails) -> str:
    if (draft.currency, draft.method) in rails:
        return ""
    known = [words.method(method) for currency, method in rails if currency == draft.currency]
    return gettext("LuxCore takes %(currency)s by %(methods)s.") % {
        "currency": draft.currency,
        "methods": ", ".join(known),
    }


def _amount_problem(draft: DepositDraft, method: PaymentMethod | None) -> str:
    try:
        minor = Money(draft.amount, draft.currency).to_minor()
    except BadMoney:
        if not draft.amount.is_finite():
            return gettext("The amount is not a number.")
        return gettext("%(currency)s has %(places)s decimals; this amount has more.") % {
            "currency": draft.currency,
            "places": exponent(draft.currency),
        }
    if minor <= 0:
        return gettext("The amount must be more than zero.")
    if minor > MOST_MINOR_UNITS:
        return gettext("The amount is too large for one deposit.")
    least = _least(draft, method)
    if least is not None and draft.amount < least:
        return gettext("%(method)s takes no less than %(amount)s.") % {
            "method": words.method(draft.method),
            "amount": _shown(least, draft.currency),
        }
    if method and method.most is not None and draft.amount > method.most:
        return gettext("%(method)s takes no more than %(amount)s.") % {
            "method": words.method(draft.method),
            "amount": _shown(method.most, draft.currency),
        }
    return ""


def _least(draft: DepositDraft, method: PaymentMethod | None) -> Decimal | None:
    """The smallest amount: as documented for iPay, whatever the list says of it."""
    bounds = [method.least] if method and method.least is not None else []
    if draft.method == IPAY:
        bounds.append(Money.from_minor(_IPAY_LEAST_MINOR, draft.currency).amount)
    return max(bounds, default=None)


def _shown(amount: Decimal, currency: str) -> str:
    return f"{amount:.{exponent(currency)}f} {currency}"


def _scheme_problem(draft: DepositDraft) -> str:
    if not draft.scheme:
        return ""
    if draft.method != IPAY:
        return gettext("Leave this empty: only iPay has schemes.")
    if draft.scheme in SCHEMES:
        return ""
    return gettext("iPay can be paid by %(schemes)s.") % {"schemes": ", ".join(SCHEMES.values())}


def _email_problem(email: str) -> str:
    try:
        validate_email(email or "nobody@example.com")
    except ValidationError:
        return gettext("This is not an e-mail address.")
    return ""


def _text_problem(draft: DepositDraft, name: str) -> str:
    text: str = getattr(draft, name)
    most = longest(PaymentRequest, name)
    if unseen := letters.first_unseen(text):
        return gettext("There is an invisible character in it (%(code)s).") % {
            "code": letters.code_point(unseen)
        }
    if most and len(text) > most:
        return gettext("At most %(most)s characters; this has %(length)s.") % {
            "most": most,
            "length": len(text),
        }
    return ""
