"""The form of a withdrawal: its fields follow the country and the method."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import masking, rules
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft
from upstreams.enums import Upstream
from upstreams.money import BadMoney, exponent

PLAIN = {"autocomplete": "off", "spellcheck": "false"}

# What is masked on every page is masked in a form too: left empty, it stays what it is, and a tick
# beside it empties it.
KEPT: Mapping[str, Callable[[str], str]] = {
    "bank_account": masking.mask_account,
    "payid": lambda text: masking.mask_email(text) if "@" in text else masking.mask_account(text),
    "tax_id": masking.mask_account,
    "customer_email": masking.mask_email,
    "customer_phone": masking.mask_phone,
}


class DraftForm(forms.Form):
    """A withdrawal as its maker types it.

    `source` is the withdrawal that is amended or copied: its masked fields are empty in the form,
    and left empty they stay what they are, unless the tick beside them says otherwise.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    # Not choice fields: the rules say in better words why a rail does not exist.
    currency = forms.CharField(
        label=_("Currency"),
        max_length=12,
        widget=forms.Select(choices=[(code, code) for code in rules.CURRENCIES]),
    )
    method = forms.CharField(label=_("Method"), max_length=40, widget=forms.Select)
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        help_text=_("Plain digits with a point, such as 2500.00."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        source: Withdrawal | None = None,
        asked: Mapping[str, str] | None = None,
        amends: bool = False,
    ) -> None:
        self.source = source
        initial = {"token": uuid.uuid4(), **_known(source), **(asked or {})}
        super().__init__(data, initial=initial)
        self.rail = self._choose_rail()
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
        return self._bound(rules.FIELDS[self.rail])

    @property
    def customer_fields(self) -> list[forms.BoundField]:
        return self._bound(rules.CUSTOMER_FIELDS)

    @property
    def carried_fields(self) -> list[forms.BoundField]:
        """What was typed for another rail: hidden, in case the person goes back to it."""
        shown = {field.name for field in (*rules.FIELDS[self.rail], *rules.CUSTOMER_FIELDS)}
        return [self[name] for name in rules.TEXT_FIELDS if name not in shown]

    @property
    def warnings(self) -> list[str]:
        """What looks wrong in what was typed, and is not refused."""
        return [str(text) for text in rules.warnings(self.draft())] if self.is_valid() else []

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in KEPT:
            data[name] = self._kept_or_new(name, data)
        if "amount" in data:
            self._read_amount(data)
        if "amount" in data and "currency" in data and "method" in data:
            for name, message in rules.validate(self._draft(data)).items():
                self.add_error(name if name in self.fields else None, str(message))
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
        return typed or getattr(self.source, name, "")

    def _read_amount(self, data: dict[str, Any]) -> None:
        try:
            data["amount"] = rules.parse_amount(data["amount"], self.rail[0])
        except BadMoney as problem:
            self.add_error("amount", str(problem))

    def _draft(self, data: Mapping[str, Any]) -> WithdrawalDraft:
        carried = {field.name for field in self.carried_fields}
        texts = {name: "" if name in carried else data.get(name, "") for name in rules.TEXT_FIELDS}
        return WithdrawalDraft(
            upstream=Upstream.LUXCORE,
            amount=data["amount"],
            currency=data["currency"],
            method=data["method"],
            **texts,
        )

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
        for field in (*rules.FIELDS[self.rail], *rules.CUSTOMER_FIELDS):
            self.fields[field.name] = self._form_field(field)
            if self._keeps(field) and not field.required:
                self.fields[_emptying(field.name)] = forms.BooleanField(
                    label=gettext("Empty it: %(field)s") % {"field": self.fields[field.name].label},
                    required=False,
                )
        for name in rules.TEXT_FIELDS:
            if name not in self.fields:
                self.fields[name] = forms.CharField(required=False, widget=forms.HiddenInput)

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
            required=field.required and not kept,
            max_length=255,
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
        return bool(self.source and field.name in KEPT and getattr(self.source, field.name))


def _emptying(name: str) -> str:
    """Return the name of the tick that empties a masked field."""
    return f"{name}_empty"


def _known(source: Withdrawal | None) -> dict[str, Any]:
    """Return what a form about an existing withdrawal begins with: nothing that is masked."""
    if source is None:
        return {}
    names = [name for name in rules.DRAFT_FIELDS if name not in KEPT]
    return {name: getattr(source, name) for name in names} | {"amount": _plain(source)}


def _plain(source: Withdrawal) -> str:
    """Return the amount as its maker would type it: `2500.00`."""
    return f"{source.amount:.{exponent(source.currency)}f}"
