"""The form of a payout through Lux Financial: for whom, from where, to where, how much."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, ExternalAccount, Identity
from customers.words import ACCOUNT_KINDS
from payments import rules, words
from payments.forms.fields import PLAIN
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft, lux
from staff import masking
from upstreams.enums import Upstream
from upstreams.lux import words as vendor
from upstreams.money import BadMoney, exponent

MOST_ACCOUNTS = 200
MOST_CUSTOMERS = 200
_CURRENCIES = tuple(dict.fromkeys(code for codes in vendor.CURRENCIES.values() for code in codes))


def _text(label: Any, *, most: int, **rest: Any) -> forms.CharField:
    widget = forms.TextInput(attrs=PLAIN)
    return forms.CharField(label=label, max_length=most, required=False, widget=widget, **rest)


def _choice(label: Any, *, required: bool = True) -> forms.CharField:
    """Not a choice field: the rules say in better words why a rail does not exist."""
    return forms.CharField(label=label, max_length=120, required=required, widget=forms.Select)


class TransferForm(forms.Form):
    """A payout through Lux Financial.

    The choices follow the customer and the rails: until those are chosen, what depends on them is
    not asked. `source` is the withdrawal amended or copied, `like` another one of that customer's,
    `asked` what was typed so far.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    on_behalf_of = forms.CharField(
        label=_("Customer at Lux Financial"),
        max_length=120,
        help_text=_("Their id there, like cus_…: begin with it, or with their name."),
        widget=forms.TextInput(attrs={**PLAIN, "list": "customers"}),
    )
    source_rail = _choice(_("Funds come by"))
    source_currency = _choice(_("Funds come in"))
    from_address = _text(_("From the address"), most=120)
    destination_rail = _choice(_("Paid out by"))
    destination_currency = _choice(_("Paid out in"))
    external_account_id = _choice(_("External account"), required=False)
    to_address = _text(_("To the address"), most=120)
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        help_text=_("What is sent, in the currency the funds come in: plain digits with a point."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )
    developer_fee = _text(
        _("Our fee"), most=40, help_text=_("An amount in the currency the funds come in.")
    )
    developer_fee_percent = _text(
        _("Our fee in percent"), most=12, help_text=_("From 0 to 100. Instead of the amount.")
    )
    swift_charges = _choice(_("SWIFT charges"), required=False)
    wire_message = _text(_("Message with the wire"), most=lux.MOST_REFERENCE)
    sepa_reference = _text(_("SEPA reference"), most=lux.MOST_REFERENCE)
    swift_reference = _text(_("SWIFT reference"), most=lux.MOST_REFERENCE)
    description = _text(
        _("Description"), most=255, help_text=_("For ourselves; Lux Financial is not told.")
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        source: Withdrawal | None = None,
        like: Withdrawal | None = None,
        asked: Mapping[str, str] | None = None,
        amends: bool = False,
    ) -> None:
        self.source = source or like
        known = _known(source) | _alike(like) | dict(asked or {})
        super().__init__(data, initial={"token": uuid.uuid4(), **known})
        self.told = {
            name: str((data.get(name, "") if data is not None else known.get(name)) or "")
            for name in self.fields
        }
        for end in ("source", "destination"):
            self._offer(f"{end}_rail", [(rail, words.method(rail)) for rail in vendor.CURRENCIES])
            carried = vendor.CURRENCIES.get(self.told[f"{end}_rail"], _CURRENCIES)
            self._offer(f"{end}_currency", [(code, code) for code in carried])
            if len(carried) == 1:
                self.initial[f"{end}_currency"] = carried[0]
        self._offer("swift_charges", [(code, gettext(name)) for code, name in lux.SWIFT_CHARGES])
        self.customer = _customer(self.told["on_behalf_of"])
        self.accounts = _accounts_of(self.customer)
        self._offer("external_account_id", self.accounts)
        self.carried = self._set_aside()
        for name in [name for name in _NEEDED if name in self.fields]:
            self._ask_for(name)
        if amends:
            self.fields["reason"] = forms.CharField(
                label=_("Why it is changed"),
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("Given signatures are void after a change."),
            )

    @property
    def customer_name(self) -> str:
        """Whom the id names, for the maker to see; "" while nobody is known by it."""
        return self.customer.name or gettext("somebody without a name") if self.customer else ""

    @property
    def bank_texts(self) -> list[forms.BoundField]:
        """What the chosen rail carries for the bank."""
        return [self[name] for name in _BY_RAIL if name in self.fields]

    @property
    def pays_to_bank(self) -> bool:
        return "external_account_id" in self.fields

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if set(_ALWAYS) - data.keys():
            return data
        told = {name: str(data.get(name, "")) for name in lux.FIELDS}
        told |= {name: told[name] or self._kept(name) for name in _ADDRESSES & self.fields.keys()}
        try:
            amount = rules.parse_amount(data["amount"], data["source_currency"])
        except BadMoney as problem:
            self.add_error("amount", str(problem))
            return data
        data["draft"] = lux.draft_of(told, amount=amount)
        for name, message in rules.validate(data["draft"]).items():
            if name not in self.errors:  # what is missing was said already
                self.add_error(name if name in self.fields else None, str(message))
        return data

    def draft(self) -> WithdrawalDraft:
        """Return what was typed. Only after is_valid()."""
        draft: WithdrawalDraft = self.cleaned_data["draft"]
        return draft

    @property
    def customers(self) -> list[tuple[str, str]]:
        """Those who may be paid for, to choose from while writing: their ids and names."""
        rows = Identity.objects.filter(
            upstream=Upstream.LUX, customer__profile__kyc_status=vendor.APPROVED
        )
        newest = rows.select_related("customer").order_by("-pk")[:MOST_CUSTOMERS]
        return [(row.upstream_id, row.customer.name) for row in newest]

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].widget = forms.Select(choices=[("", "—"), *choices])

    def _set_aside(self) -> list[tuple[str, str]]:
        """Take off what the chosen rails do not ask; what was typed there waits, hidden."""
        source, destination = self.told["source_rail"], self.told["destination_rail"]
        needless = [name for name, rail in _BY_RAIL.items() if destination != rail]
        if not lux.is_crypto(source):
            needless.append("from_address")
        needless.append("external_account_id" if lux.is_crypto(destination) else "to_address")
        for name in needless:
            del self.fields[name]
        return [(name, self.told[name]) for name in needless if self.told[name]]

    def _ask_for(self, name: str) -> None:
        """Have it given, unless what this is made from has it."""
        field, kept = self.fields[name], self._kept(name) if name in _ADDRESSES else ""
        if kept:
            field.help_text = gettext("It is %(masked)s. Leave this empty to keep it.") % {
                "masked": masking.mask_account(kept)
            }
            return
        field.required = True
        field.error_messages["required"] = _NEEDED[name]

    def _kept(self, name: str) -> str:
        """The address of what this is made from, which no form shows in clear."""
        if self.source is None:
            return ""
        rail = "source_rail" if name == "from_address" else "destination_rail"
        told = lux.told_of(self.source)
        return told[name] if told[rail] == self.told[rail] else ""


_ALWAYS = ("amount", "source_rail", "source_currency", "destination_rail", "destination_currency")
_ADDRESSES = frozenset({"from_address", "to_address"})  # in clear to nobody
_NEEDED = {
    "from_address": _("This chain needs the address."),
    "to_address": _("This chain needs the address."),
    "external_account_id": _("Choose an account of this customer that Lux Financial has verified."),
}
_BY_RAIL = {
    "swift_charges": "swift",
    "swift_reference": "swift",
    "wire_message": "wire",
    "sepa_reference": "sepa",
}


def _customer(on_behalf_of: str) -> Customer | None:
    if not on_behalf_of or "\0" in on_behalf_of:
        return None
    rows = Identity.objects.filter(upstream=Upstream.LUX, upstream_id=on_behalf_of)
    identity = rows.select_related("customer").first()
    return identity.customer if identity else None


def _accounts_of(customer: Customer | None) -> list[tuple[str, str]]:
    """The bank accounts of this person that may be paid to, as a maker tells them apart."""
    if customer is None:
        return []
    root = customer.root_id
    rows = ExternalAccount.objects.filter(
        Q(customer=root) | Q(customer__merged_into=root), is_listed=True, status=vendor.VERIFIED
    ).exclude(kind=vendor.CRYPTO_ADDRESS)
    listed = rows.order_by("account_name", "pk")[:MOST_ACCOUNTS]
    return [(account.upstream_id, _told(account)) for account in listed]


def _told(account: ExternalAccount) -> str:
    kind = gettext(ACCOUNT_KINDS[account.kind]) if account.kind in ACCOUNT_KINDS else account.kind
    ending = f"{masking.DOTS}{account.last_4}" if account.last_4 else ""
    return " · ".join(filter(None, [account.account_name, account.bank_name, ending, kind]))


def _known(source: Withdrawal | None) -> dict[str, Any]:
    if source is None:
        return {}
    amount = f"{source.amount:.{exponent(source.currency)}f}"
    told = {name: value for name, value in lux.told_of(source).items() if name not in _ADDRESSES}
    return {**told, "amount": amount}


def _alike(like: Withdrawal | None) -> dict[str, Any]:
    """The way of another payout: its amount, and what was written about it, are its own."""
    if like is None:
        return {}
    own = {"amount", "description", "wire_message", "sepa_reference", "swift_reference"}
    return {name: value for name, value in _known(like).items() if name not in own}
