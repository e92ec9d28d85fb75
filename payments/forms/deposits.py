"""The form of a deposit: its fields follow the currency and the method."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import deposits, rules, words
from payments.deposits import DepositDraft
from payments.forms.fields import PLAIN, events_field, metadata_field, metadata_of
from payments.models import Payment, PaymentRequest
from upstreams.enums import Upstream
from upstreams.money import BadMoney

# LuxCore's words for the two ways in which a deposit is paid (upstreams.md §3.6).
TYPES: Mapping[str, Any] = {
    "deposit": _("By details or an address that you hand on"),
    "deposit_pp": _("On LuxCore's own page"),
}
_NOT_FOR_THE_DRAFT = frozenset({"token", "payment_type"})


def _text(label: Any, *, help: Any = "", most: int | None = 255) -> forms.CharField:  # noqa: A002
    return forms.CharField(
        label=label,
        help_text=help,
        required=False,
        max_length=most,
        widget=forms.TextInput(attrs=PLAIN),
    )


class DepositForm(forms.Form):
    """A deposit as its maker types it. What may be asked for is the rules' to say, in words."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    # Not choice fields: the rules say in better words what LuxCore does not take.
    currency = forms.CharField(label=_("Currency"), max_length=12, widget=forms.Select)
    method = forms.CharField(label=_("Method"), max_length=40, widget=forms.Select)
    payment_type = forms.ChoiceField(label=_("How it is paid"), choices=list(TYPES.items()))
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        help_text=_("Plain digits with a point, such as 2500.00."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )
    scheme = forms.CharField(
        label=_("Scheme"),
        required=False,
        max_length=8,
        help_text=_("Leave it to the payer, or allow one only."),
        widget=forms.Select(choices=[("", _("Any"))]),
    )
    customer_name = _text(_("Customer name"))
    customer_email = _text(_("Customer e-mail"), help=_("LuxCore knows a customer again by it."))
    customer_phone = _text(_("Customer phone"), most=50)
    customer_external_id = _text(
        _("Our customer id"),
        help=_("Unique per customer; LuxCore refuses one that somebody else has."),
    )
    customer_number = _text(
        _("LuxCore's customer number"),
        help=_("Of a customer LuxCore knows: the data above then changes nothing on them."),
        most=18,
    )
    description = _text(_("Description"), help=_("For ourselves and for LuxCore."))
    webhook_url = _text(
        _("Address for this payment's events"),
        help=_("Begins with https://. Leave it empty where our usual webhook is enough."),
        most=None,
    )
    webhook_events = events_field()
    metadata = metadata_field()

    def __init__(
        self, data: QueryDict | None = None, *, asked: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial={"token": uuid.uuid4(), **(asked or {})})
        self.rails = deposits.open_rails()
        self.currencies = tuple(dict.fromkeys(currency for currency, _method in self.rails))
        self.rail = self._choose_rail()
        self._arrange()

    @property
    def is_possible(self) -> bool:
        """Whether LuxCore has told by what it takes deposits."""
        return bool(self.rails)

    @property
    def has_schemes(self) -> bool:
        return self.rail[1] == deposits.IPAY

    @property
    def customer_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("customer_")]

    def clean_metadata(self) -> dict[str, Any]:
        return metadata_of(self.cleaned_data["metadata"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.has_schemes:
            data["scheme"] = ""  # typed for another rail
        if "amount" in data:
            self._read_amount(data)
        for name, message in deposits.validate(self._draft(data), rails=self.rails).items():
            if name not in self.errors:  # what could not be read was said already
                self.add_error(name if name in self.fields else None, message)
        return data

    def draft(self) -> DepositDraft:
        """Return what was typed. Only after is_valid()."""
        return self._draft(self.cleaned_data)

    def _draft(self, data: Mapping[str, Any]) -> DepositDraft:
        given = {name: data.get(name, "") for name in self.fields if name not in _NOT_FOR_THE_DRAFT}
        told = {
            "amount": data.get("amount", Decimal(0)),
            "hosted": data.get("payment_type") == "deposit_pp",
            "metadata": data.get("metadata", {}),
            "webhook_events": tuple(data.get("webhook_events", ())),
        }
        return DepositDraft(upstream=Upstream.LUXCORE, **(given | told))

    def _read_amount(self, data: dict[str, Any]) -> None:
        currency = data.get("currency", "")
        try:
            known = currency if currency in self.currencies else self.rail[0]
            data["amount"] = rules.parse_amount(data["amount"], known)
        except BadMoney as problem:
            self.add_error("amount", str(problem))
            data.pop("amount", None)

    def _choose_rail(self) -> tuple[str, str]:
        """Return the rail that is asked for; where the two do not fit, the currency's first one."""
        currency = str(self["currency"].value() or "")
        if currency not in self.currencies:
            currency = next(iter(self.currencies), "")
        methods = [method for known, method in self.rails if known == currency]
        method = str(self["method"].value() or "")
        return currency, method if method in methods else next(iter(methods), "")

    def _arrange(self) -> None:
        currency, method = self.rail
        self.initial = {**self.initial, "currency": currency, "method": method}
        self.fields["currency"].widget = forms.Select(
            choices=[(code, code) for code in self.currencies]
        )
        self.fields["method"].widget = forms.Select(
            choices=[(code, words.method(code)) for known, code in self.rails if known == currency]
        )
        if self.has_schemes:
            choices = [("", gettext("Any")), *deposits.SCHEMES.items()]
            self.fields["scheme"].widget = forms.Select(choices=choices)
        else:
            self.fields["scheme"].widget = forms.HiddenInput()


class SettleRequestForm(forms.Form):
    """What somebody read at the provider about a deposit whose outcome no machine could find."""

    outcome = forms.ChoiceField(
        label=_("What did you find at the provider?"),
        choices=[
            ("made", _("The deposit is there")),
            ("none", _("It was not made and will not be")),
        ],
        widget=forms.RadioSelect,
    )
    upstream_id = forms.CharField(
        label=_("Payment id at the provider"),
        max_length=120,
        required=False,
        help_text=_("Needed when it is there, such as pay_8f3a."),
    )
    reason = forms.CharField(
        label=_("How you know"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, data: QueryDict | None = None, *, request: PaymentRequest) -> None:
        super().__init__(data)
        self.request = request
        self.payment: Payment | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("outcome") != "made":
            return data
        if not (upstream_id := data.get("upstream_id", "")):
            self.add_error("upstream_id", _("Write the id of the payment you found."))
            return data
        self.payment = Payment.objects.filter(
            upstream=self.request.upstream, upstream_id=upstream_id
        ).first()
        if self.payment is None:
            self.add_error(
                "upstream_id", _("The desk has not seen this payment yet. Refresh it first.")
            )
        return data
