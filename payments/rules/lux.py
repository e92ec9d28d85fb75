"""What a payout through Lux Financial is: a transfer for a customer, from one rail to another.

`amount` and `currency` are those of the source, as in their answers; `method` is the rail by which
it is paid out. What other providers know nothing of stands in the draft's `lux`, as `Terms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from customers.models import ExternalAccount, Identity, Profile
from payments.models import Withdrawal
from payments.rules.drafts import WithdrawalDraft
from staff.texts import Sayable, Text
from upstreams.enums import Upstream
from upstreams.lux import words
from upstreams.lux.calls.transfers import transfer_body
from upstreams.money import BadMoney, Money

# Nowhere documented: what these rails carry everywhere.
MOST_REFERENCE: Final = 140
SWIFT_CHARGES: Final = (("sha", _("Shared")), ("our", _("Ours")), ("ben", _("The recipient's")))
_BANK_LETTERS: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+& ]+")
_PERCENT: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)
_EVM: Final = re.compile(r"0x[0-9A-Fa-f]{40}")
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_ADDRESSES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "solana": (re.compile(_BASE58 + "{32,44}"), _("32 to 44 letters and digits, none of 0OIl")),
    "stellar": (re.compile(r"G[A-Z2-7]{55}"), _("G and 55 capital letters or digits from 2 to 7")),
    "tron": (re.compile("T" + _BASE58 + "{33}"), _("T and 33 letters and digits, none of 0OIl")),
}
_EVM_FORM: Final = _("0x and 40 hexadecimal digits")
# A text for the bank, the rail that carries it, and what that rail is called.
_TEXTS: Final = {
    "wire_message": ("wire", _("Wire")),
    "sepa_reference": ("sepa", "SEPA"),
    "swift_reference": ("swift", "SWIFT"),
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The words of a transfer for which a withdrawal has no column of its own. "": not said."""

    on_behalf_of: str = ""
    source_rail: str = ""
    from_address: str = ""
    destination_currency: str = ""
    swift_charges: str = ""
    wire_message: str = ""
    sepa_reference: str = ""
    swift_reference: str = ""
    developer_fee: str = ""
    developer_fee_percent: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Terms:
        return cls(**{name: str(told.get(name) or "") for name in TERMS})

    def values(self) -> dict[str, str]:
        """What is said, as it is kept."""
        return {name: value for name, value in asdict(self).items() if value}


TERMS: Final = tuple(field.name for field in fields(Terms))
# Everything there is to say about such a payout; API and form call it so.
FIELDS: Final = (
    "on_behalf_of",
    "amount",
    "source_rail",
    "source_currency",
    "from_address",
    "destination_rail",
    "destination_currency",
    "external_account_id",
    "to_address",
    *TERMS[4:],
    "description",
)


def is_crypto(rail: str) -> bool:
    return rail in words.CRYPTO_RAILS


def draft_of(told: Mapping[str, str], *, amount: Decimal) -> WithdrawalDraft:
    """The draft of a transfer on these terms (`FIELDS`), with what we know of whom it names."""
    terms = Terms.of(told)
    profile = profile_of(terms.on_behalf_of)
    account = account_of(told.get("external_account_id", ""))
    customer = profile.customer if profile else None
    return WithdrawalDraft(
        upstream=Upstream.LUX,
        amount=amount,
        currency=told.get("source_currency", "").upper(),
        method=told.get("destination_rail", ""),
        payee_id=told.get("external_account_id", ""),
        recipient_name=_recipient(account, profile),
        bank_account=account.last_4 if account else told.get("to_address", ""),
        customer_name=customer.name if customer else "",
        customer_email=customer.email if customer else "",
        customer_phone=customer.phone if customer else "",
        description=told.get("description", ""),
        lux=Terms.of({**told, "destination_currency": terms.destination_currency.upper()}).values(),
    )


def told_of(withdrawal: Withdrawal) -> dict[str, str]:
    """What would make such a draft again: the terms by the names of `FIELDS`."""
    terms = Terms.of(withdrawal.lux)
    return asdict(terms) | {
        "source_currency": withdrawal.currency,
        "destination_rail": withdrawal.method,
        "external_account_id": withdrawal.payee_id,
        "to_address": "" if withdrawal.payee_id else withdrawal.bank_account,
        "description": withdrawal.description,
    }


def profile_of(on_behalf_of: str) -> Profile | None:
    """What Lux Financial tells of the customer whom it calls so."""
    if not on_behalf_of:
        return None
    known = Identity.objects.filter(upstream=Upstream.LUX, upstream_id=on_behalf_of)
    rows = Profile.objects.filter(customer__in=known.values("customer"))
    return rows.select_related("customer").first()


def account_of(upstream_id: str) -> ExternalAccount | None:
    if not upstream_id:
        return None
    rows = ExternalAccount.objects.filter(upstream_id=upstream_id)
    return rows.select_related("customer").first()


def customer_id_of(draft: WithdrawalDraft) -> int | None:
    """Whose payout it is, where the draft names them by their id at Lux Financial."""
    profile = profile_of(draft.lux.get("on_behalf_of", ""))
    return profile.customer_id if profile else None


def problems(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """What is wrong with a transfer, by the names of `FIELDS`. Reads customer and account."""
    terms = Terms.of(draft.lux)
    found = _legs(draft, terms) | _ends(draft, terms) | _texts(draft, terms) | _fees(draft, terms)
    if unknown := set(draft.lux) - set(TERMS):
        found["description"] = Text(
            _("Lux Financial knows no such terms: %(names)s."), names=", ".join(sorted(unknown))
        )
    profile = profile_of(terms.on_behalf_of)
    if profile is None:
        found["on_behalf_of"] = Text(_("Choose a customer whom Lux Financial knows."))
    if not is_crypto(draft.method) and draft.payee_id and "external_account_id" not in found:
        account = account_of(draft.payee_id)
        if text := _account_problem(account, profile) or _changed(draft, account, profile):
            found["external_account_id"] = text
    return found


def payload(withdrawal: Withdrawal) -> bytes:
    """The exact body of POST /transfers for this withdrawal."""
    terms = Terms.of(withdrawal.lux)
    to_bank = not is_crypto(withdrawal.method)
    source = {
        "payment_rail": terms.source_rail,
        "currency": withdrawal.currency,
        "from_address": terms.from_address,
    }
    destination = {
        "payment_rail": withdrawal.method,
        "currency": terms.destination_currency,
        "external_account_id": withdrawal.payee_id if to_bank else "",
        "to_address": "" if to_bank else withdrawal.bank_account,
        "swift_charges": terms.swift_charges,
        "wire_message": terms.wire_message,
        "sepa_reference": terms.sepa_reference,
        "swift_reference": terms.swift_reference,
    }
    fee = terms.developer_fee
    return transfer_body(
        amount=Money(withdrawal.amount, withdrawal.currency),
        on_behalf_of=terms.on_behalf_of,
        source=_said(source),
        destination=_said(destination),
        client_reference_id=withdrawal.merchant_reference,
        developer_fee=Money.from_decimal_text(fee, withdrawal.currency) if fee else None,
        developer_fee_percent=terms.developer_fee_percent,
    )


def _said(leg: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in leg.items() if value}


def _recipient(account: ExternalAccount | None, profile: Profile | None) -> str:
    if account is not None and account.account_name:
        return account.account_name
    return profile.customer.name if profile else ""


# --- What can be wrong ----------------------------------------------------------------------------


def _legs(draft: WithdrawalDraft, terms: Terms) -> dict[str, Sayable]:
    """Whether each rail exists and carries its currency."""
    return _leg("source", terms.source_rail, draft.currency) | _leg(
        "destination", draft.method, terms.destination_currency
    )


def _leg(end: str, rail: str, currency: str) -> dict[str, Sayable]:
    if rail not in words.CURRENCIES:
        return {f"{end}_rail": Text(_("Choose one of the rails of Lux Financial."))}
    carried = words.CURRENCIES[rail]
    if currency in carried:
        return {}
    text = Text(_("This rail carries %(currencies)s only."), currencies=", ".join(carried))
    return {f"{end}_currency": text}


def _ends(draft: WithdrawalDraft, terms: Terms) -> dict[str, Sayable]:
    """Whether each end says where: an address on a chain, an account at a bank."""
    found: dict[str, Sayable] = {}
    if text := _address_problem(terms.source_rail, terms.from_address):
        found["from_address"] = text
    if is_crypto(draft.method):
        if draft.payee_id:
            found["external_account_id"] = Text(_("Leave this empty: a chain pays to an address."))
        if text := _address_problem(draft.method, draft.bank_account):
            found["to_address"] = text
        elif draft.bank_account == terms.from_address and draft.method == terms.source_rail:
            found["to_address"] = Text(_("It would go back to where it came from."))
    elif not draft.payee_id:
        text = Text(_("Choose an account of this customer that Lux Financial has verified."))
        found["external_account_id"] = text
        if draft.bank_account:
            found["to_address"] = Text(_("Leave this empty: a bank rail pays to an account."))
    return found


def _address_problem(rail: str, address: str) -> Sayable:
    if not is_crypto(rail):
        return Text(_("Leave this empty: only a chain has addresses.")) if address else ""
    if not address:
        return Text(_("This chain needs the address."))
    pattern, form = _ADDRESSES.get(rail, (_EVM, _EVM_FORM))
    if pattern.fullmatch(address):
        return ""
    return Text(_("An address on this chain is %(form)s."), form=Text(form))


def _account_problem(account: ExternalAccount | None, profile: Profile | None) -> Sayable:
    if account is None:
        return Text(_("Lux Financial lists no such account."))
    if profile is not None and account.customer.root_id != profile.customer.root_id:
        return Text(_("This account belongs to another customer."))
    if not account.is_listed:
        return Text(_("Lux Financial lists this account no longer."))
    if account.kind == words.CRYPTO_ADDRESS:
        return Text(_("This is an address on a chain: a bank rail pays to a bank account."))
    if account.status != words.VERIFIED:
        return Text(
            _("Lux Financial has not verified this account: it is %(status)s."),
            status=account.status,
        )
    return ""


def _changed(
    draft: WithdrawalDraft, account: ExternalAccount | None, profile: Profile | None
) -> Sayable:
    told = (_recipient(account, profile), account.last_4 if account else "")
    if profile is None or (draft.recipient_name, draft.bank_account) == told:
        return ""
    return Text(_("This account was changed at Lux Financial: ask for the payout anew."))


def _texts(draft: WithdrawalDraft, terms: Terms) -> dict[str, Sayable]:
    """What is said to the bank, where its rail carries that."""
    found: dict[str, Sayable] = {}
    for name, (rail, label) in _TEXTS.items():
        if text := _text_problem(getattr(terms, name), is_carried=draft.method == rail, rail=label):
            found[name] = text
    if terms.swift_charges and draft.method != "swift":
        found["swift_charges"] = _only_by("SWIFT")
    elif terms.swift_charges and terms.swift_charges not in dict(SWIFT_CHARGES):
        found["swift_charges"] = Text(_("The charges are sha, our or ben."))
    return found


def _text_problem(value: str, *, is_carried: bool, rail: str) -> Sayable:
    if not value:
        return ""
    if not is_carried:
        return _only_by(rail)
    if len(value) > MOST_REFERENCE:
        return Text(
            _("At most %(most)s characters; this has %(length)s."),
            most=MOST_REFERENCE,
            length=len(value),
        )
    if not _BANK_LETTERS.fullmatch(value):
        return Text(_("Banks carry plain letters, digits, blanks and / - ? : ( ) . , ' + & only."))
    return ""


def _only_by(rail: str) -> Text:
    return Text(_("Leave this empty: only %(rail)s carries it."), rail=Text(rail))


def _fees(draft: WithdrawalDraft, terms: Terms) -> dict[str, Sayable]:
    if terms.developer_fee and terms.developer_fee_percent:
        return {"developer_fee_percent": Text(_("Give an amount or a percentage, not both."))}
    if terms.developer_fee and (text := _fee_problem(draft, terms.developer_fee)):
        return {"developer_fee": text}
    percent = terms.developer_fee_percent
    if percent and not (_PERCENT.fullmatch(percent) and Decimal(percent) <= 100):
        return {"developer_fee_percent": Text(_("Write a percentage from 0 to 100, like 1.5."))}
    return {}


def _fee_problem(draft: WithdrawalDraft, fee: str) -> Sayable:
    try:
        exact = Money.from_decimal_text(fee, draft.currency)
        exact.to_minor()
    except BadMoney:
        return Text(_("Write our fee in plain digits, in the currency that is sent."))
    if exact.amount >= draft.amount or exact.amount < 0:
        return Text(_("Our fee has to be less than the amount."))
    return ""
