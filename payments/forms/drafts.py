"""The form of a withdrawal: its fields follow the country and the method."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import rules
from payments.forms.fields import PLAIN, events_field, metadata_field, metadata_of
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft
from payments.rules.extras import metadata_as_text
from staff import masking
from upstreams.enums import Upstream
from upstreams.money import BadMoney, exponent

# LuxCore's words for the two ways in which a payout leaves (upstreams.md §3.6).
TYPES: Mapping[str, Any] = {
    "withdrawal": _("To an account that you write down"),
    "withdrawal_pp": _("On LuxCore's own page, where the payee says where the money goes"),
}
_ONE = Decimal(1)  # stands in for an amount that cannot be read, to judge the other fields
# Where the rules' own words for a member of a draft have another field in the form.
PLACES: Mapping[str, str] = {"hosted": "payment_type"}

# What is masked on every page is masked in a form too: left empty, it stays what it is, and a tick
# beside it empties it.
KEPT: Mapping[str, Callable[[str], str]] = {
    "bank_account": masking.mask_account,
    "payid": lambda text: masking.mask_email(text) if "@" in text else masking.mask_account(text),
    "tax_id": masking.mask_account,
    "customer_email": masking.mask_email,
    "customer_phone": masking.mask_phone,
    "webhook_url": masking.mask_address,
}

# What belongs to one payout, and not to who is paid.
_OF_ONE_PAYOUT = frozenset(
    {
        *("amount", "payout_description", "payout_reference", "description"),
        *("webhook_url", "webhook_events", "metadata"),
    }
)


class DraftForm(forms.Form):
    """A withdrawal as its maker types it.

    `source` is the withdrawal that is amended or copied: its masked fields are empty in the form,
    and left empty they stay what they are, unless the tick beside them says otherwise. `like` is
    another payout to the same person: the form begins with who that is, and nothing else.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    # Not choice fields: the rules say in better words why a rail does not exist.
    currency = forms.CharField(
        label=_("Currency"),
        max_length=12,
        widget=forms.Select(choices=[(code, code) for code in rules.CURRENCIES]),
    )
    method = forms.CharField(label=_("Method"), max_length=40, widget=forms.Select)
    payment_type = forms.ChoiceField(
        label=_("How it is paid out"),
        choices=list(TYPES.items()),
        help_text=_("Of the page you get an address to hand on once it is signed and sent."),
    )
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        help_text=_("Plain digits with a point, such as 2500.00."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )

    webhook_events = events_field()
    metadata = metadata_field()

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        source: Withdrawal | None = None,
        like: Withdrawal | None = None,
        asked: Mapping[str, Any] | None = None,
        amends: bool = False,
    ) -> None:
        self.source = source or like
        self.kept = frozenset(KEPT) if source else frozenset(KEPT) - _OF_ONE_PAYOUT
        known = _known(source) if source else _payee(like)
        initial = {"token": uuid.uuid4(), **known, **(asked or {})}
        super().__init__(data, initial=initial)
        # A page that was open before there was a choice does not send one.
        self.fields["payment_type"].required = data is None or "payment_type" in data
        self.rail = self._choose_rail()
        self.is_hosted = self["payment_type"].value() == rules.vendor_type(hosted=True)
        self._add_fields()
        if amends:
            self.fields["reason"] = forms.CharField(
                label=_("Why it is changed"),
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("Given signatures are void after a change."),
            )

    @property
    def payout_fields(self) -> list[forms.BoundField]:
        """What this rail asks about the recipient, in reading order."""
        return self._bound(rules.payout_fields(self.rail, hosted=self.is_hosted))

    @property
    def customer_fields(self) -> list[forms.BoundField]:
        return self._bound(rules.CUSTOMER_FIELDS)

    @property
    def carried_fields(self) -> list[forms.BoundField]:
        """What was typed for another rail: hidden, in case the person goes back to it."""
        shown = {field.name for field in self._asked}
        return [self[name] for name in rules.TEXT_FIELDS if name not in shown]

    @property
    def extra_fields(self) -> list[forms.BoundField]:
        """What few payouts need: a webhook of its own, metadata."""
        webhook = self._bound([rules.WEBHOOK_FIELD])
        return [*webhook, self["webhook_events"], self["metadata"]]

    @property
    def has_extras(self) -> bool:
        """Whether something stands there, or is wrong there: then it is not folded away."""
        if self._keeps(rules.WEBHOOK_FIELD):
            return True
        return any(bound.value() or bound.errors for bound in self.extra_fields)

    @property
    def warnings(self) -> list[str]:
        """What looks wrong in what was typed, and is not refused."""
        return [str(text) for text in rules.warnings(self.draft())] if self.is_valid() else []

    def clean_metadata(self) -> dict[str, Any]:
        return metadata_of(self.cleaned_data["metadata"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in KEPT:
            data[name] = self._kept_or_new(name, data)
        if "amount" in data:
            self._read_amount(data)
        if "currency" in data and "method" in data:
            for name, message in rules.validate(self._draft(data)).items():
                if name not in self.errors:  # what could not be read was said already
                    place = PLACES.get(name, name)
                    self.add_error(place if place in self.fields else None, str(message))
        return data

    def draft(self) -> WithdrawalDraft:
        """Return what was typed, of the fields that belong to this rail. Only after is_valid()."""
        return self._draft(self.cleaned_data)

    def _kept_or_new(self, name: str, data: Mapping[str, Any]) -> str:
        """Return what a masked field is to hold after what was typed and ticked."""
        typed: str = data.get(name, "")
        if data.get(_emptying(name)):
            if typed:
                self.add_error(name, _("Either write another one here, or have it emptied."))
            return typed
        return typed or (getattr(self.source, name, "") if name in self.kept else "")

    def _read_amount(self, data: dict[str, Any]) -> None:
        try:
            data["amount"] = rules.parse_amount(data["amount"], self.rail[0])
        except BadMoney as problem:
            self.add_error("amount", str(problem))
            data.pop("amount", None)

    def _draft(self, data: Mapping[str, Any]) -> WithdrawalDraft:
        carried = {field.name for field in self.carried_fields}
        texts = {name: "" if name in carried else data.get(name, "") for name in rules.TEXT_FIELDS}
        return WithdrawalDraft(
            upstream=Upstream.LUXCORE,
            amount=data.get("amount", _ONE),
            currency=data["currency"],
            method=data["method"],
            hosted=self.is_hosted,
            metadata=data.get("metadata", {}),
            webhook_events=tuple(data.get("webhook_events", ())),
            lux={},
            **texts,
        )

    @property
    def _is_rail(self) -> bool:
        """Whether it is the rail that was asked for; of another one nothing is missing."""
        sent = (self["currency"].value(), self["method"].value())
        return not self.is_bound or sent == self.rail

    def _choose_rail(self) -> tuple[str, str]:
        """Return the rail that is asked for; where the two do not fit, the currency's first one."""
        currency = str(self["currency"].value() or "")
        if currency not in rules.CURRENCIES:
            currency = rules.CURRENCIES[0]
        methods = rules.methods_for(currency)
        method = str(self["method"].value() or "")
        return currency, method if method in methods else methods[0]

    def _add_fields(self) -> None:
        currency, method = self.rail
        self.initial = {**self.initial, "currency": currency, "method": method}
        self.fields["method"].widget = forms.Select(
            choices=[
                (code, gettext(rules.METHOD_LABELS[code])) for code in rules.methods_for(currency)
            ]
        )
        for field in self._asked:
            self.fields[field.name] = self._form_field(field)
            if self._keeps(field) and not field.required:
                self.fields[_emptying(field.name)] = forms.BooleanField(
                    label=gettext("Empty it: %(field)s") % {"field": self.fields[field.name].label},
                    required=False,
                )
        for name in rules.TEXT_FIELDS:
            if name not in self.fields:
                self.fields[name] = forms.CharField(required=False, widget=forms.HiddenInput)

    @property
    def _asked(self) -> tuple[rules.Field, ...]:
        payout = rules.payout_fields(self.rail, hosted=self.is_hosted)
        return (*payout, *rules.CUSTOMER_FIELDS, rules.WEBHOOK_FIELD)

    def _form_field(self, field: rules.Field) -> forms.Field:
        kept = KEPT[field.name](getattr(self.source, field.name)) if self._keeps(field) else ""
        help_text = (
            gettext("It is %(masked)s. Leave this empty to keep it.") % {"masked": kept}
            if kept
            else gettext(field.help)
        )
        # Required or not is the rules' to say, in words of their own; the star is ours.
        widget: forms.Widget = forms.TextInput(attrs=PLAIN)
        if field.choices:
            widget = forms.Select(choices=[(code, gettext(name)) for code, name in field.choices])
        label = gettext(field.label)
        made = forms.CharField(
            label=label[:1].upper() + label[1:],
            help_text=help_text,
            required=field.required and not kept and self._is_rail,
            max_length=field.most,
            widget=widget,
        )
        if field.missing:
            made.error_messages["required"] = str(field.missing)
        return made

    def _bound(self, asked: Iterable[rules.Field]) -> list[forms.BoundField]:
        """Return the fields asked for, each followed by the tick that empties it, if it has one."""
        names = [name for field in asked for name in (field.name, _emptying(field.name))]
        return [self[name] for name in names if name in self.fields]

    def _keeps(self, field: rules.Field) -> bool:
        return bool(field.name in self.kept and getattr(self.source, field.name, ""))


def _emptying(name: str) -> str:
    """Return the name of the tick that empties a masked field."""
    return f"{name}_empty"


def _known(source: Withdrawal | None) -> dict[str, Any]:
    """Return what a form about an existing withdrawal begins with: nothing that is masked."""
    if source is None:
        return {}
    names = [name for name in rules.DRAFT_FIELDS if name not in KEPT]
    return {name: getattr(source, name) for name in names} | {
        "amount": _plain(source),
        "payment_type": rules.vendor_type(hosted=source.hosted),
        "metadata": metadata_as_text(source.metadata),
    }


def _payee(like: Withdrawal | None) -> dict[str, Any]:
    """Return who was paid, as far as it is not masked: not how much, and not what for."""
    known = _known(like)
    return {name: value for name, value in known.items() if name not in _OF_ONE_PAYOUT}


def _plain(source: Withdrawal) -> str:
    """Return the amount as its maker would type it: `2500.00`."""
    return f"{source.amount:.{exponent(source.currency)}f}"
