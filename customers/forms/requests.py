"""What people type to have something made, changed or deleted at Lux Financial.

What may be asked for is the rules' to say, in words; a form only reads.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.enums import WalletKind
from customers.models import Profile
from customers.requests import accounts, checking, countries, fields, seen
from customers.requests.fields import Field
from customers.requests.seen import Difference
from customers.requests.shown import shown_of
from customers.sight import Sight

PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
NOT_EMPTY: Final = _("Lux Financial documents no way to empty a field.")


class ReasonForm(forms.Form):
    """Why somebody asks for it. It goes to the audit trail, word for word."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept for ever with your name. No account numbers, please."),
    )


class CustomerForm(forms.Form):
    """A new customer of one kind."""

    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, kind: str, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"token": uuid.uuid4()})
        self.kind = kind
        self.known = fields.fields_for(kind)
        for field in self.known:
            self.fields[field.key] = _field(field, required=field.required)

    @property
    def about(self) -> list[forms.BoundField]:
        return [self[one.key] for one in self.known if not one.name.startswith("address.")]

    @property
    def address(self) -> list[forms.BoundField]:
        return [self[one.key] for one in self.known if one.name.startswith("address.")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        say(self, fields.problems(self.kind, _filled(self.known, data)))
        return data

    def given(self) -> dict[str, str]:
        """Return what was typed. Only after is_valid()."""
        return _filled(self.known, self.cleaned_data)


class ChangeForm(forms.Form):
    """What a customer is to become. What nobody may read is left empty to keep it."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(
        self, profile: Profile, sight: Sight, data: QueryDict | Mapping[str, Any] | None = None
    ) -> None:
        self.profile, self.shown = profile, shown_of(profile, sight)
        super().__init__(data, initial={"seen": seen.seal(profile, self.shown)})
        self.known = fields.fields_for(profile.kind, to_change=True)
        for field in self.known:
            stays = bool(self.shown[field.name]) and not field.hides
            self.fields[field.key] = _field(field, required=stays, keeps=self._kept(field))
            self.fields[field.key].error_messages["required"] = NOT_EMPTY
            if not field.hides:
                self.initial[field.key] = self.shown[field.name]

    @property
    def about(self) -> list[forms.BoundField]:
        return [self[one.key] for one in self.known if not one.name.startswith("address.")]

    @property
    def address(self) -> list[forms.BoundField]:
        return [self[one.key] for one in self.known if one.name.startswith("address.")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        say(self, fields.change_problems(self.profile.kind, _filled(self.known, data)))
        return data

    def wanted(self) -> dict[str, str]:
        """Return what was typed. Only after is_valid()."""
        return _filled(self.known, self.cleaned_data)

    def differences(self, changes: Mapping[str, str]) -> list[dict[str, str]]:
        """Each field that becomes another: what they may read of it now, and what was typed."""
        return [
            {
                "label": gettext(fields.BY_NAME[name].label),
                "before": self.shown[name],
                "after": value,
            }
            for name, value in changes.items()
        ]

    def shown_anew(self, sight: Sight, differences: Sequence[Difference]) -> ChangeForm:
        """The same form with what was typed, and what is there now where nothing was typed."""
        typed = {name: self.data.get(name, "") for name in self.fields if name != "seen"}
        for one in differences:
            field = fields.BY_NAME.get(one.name)
            if field and not field.hides and typed.get(field.key) == one.before:
                typed[field.key] = self.shown[one.name]
        fresh = seen.seal(self.profile, shown_of(self.profile, sight))
        return ChangeForm(self.profile, sight, {**typed, "seen": fresh})

    def _kept(self, field: Field) -> str:
        """What stands beside a field that is not shown in clear."""
        if not field.hides or not self.shown[field.name]:
            return ""
        return gettext("Now %(value)s. Leave empty to keep.") % {"value": self.shown[field.name]}


class WalletForm(forms.Form):
    """A wallet of one kind."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    label = forms.CharField(
        label=_("Label"),
        max_length=checking.LONGEST,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Not used by another wallet of theirs: it is found again by it."),
    )
    chains = forms.MultipleChoiceField(
        label=_("Chains"),
        choices=[(chain, chain.capitalize()) for chain in accounts.WALLET_CHAINS],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, kind: str, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"token": uuid.uuid4()})
        self.kind = kind
        if kind == WalletKind.MPC:
            self.fields["threshold"] = forms.IntegerField(
                label=_("Shares needed"), help_text=_("So many must agree to move anything.")
            )
            self.fields["parties"] = forms.IntegerField(
                label=_("Shares in all"), help_text=_("So many hold a share of the key.")
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        say(self, accounts.wallet_problems({**data, "type": self.kind}))
        return data

    def given(self) -> dict[str, Any]:
        """Return what was typed. Only after is_valid()."""
        return {**self.cleaned_data, "type": self.kind}


class AccountForm(forms.Form):
    """An external account of one type. `is_sure` is asked where a check digit does not fit."""

    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, kind: str, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"token": uuid.uuid4()})
        self.kind = kind
        for name in accounts.NEEDED[kind]:
            self.fields[name] = _account_field(name, kind)
        for name in accounts.OPTIONAL.get(kind, ()):
            self.fields[name] = _account_field(name, kind)
            self.fields[name].required = False
        self.fields["is_sure"] = forms.BooleanField(
            label=_("It is right as I typed it"), required=False
        )

    @property
    def asked(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("token", "is_sure")]

    @property
    def asks_twice(self) -> bool:
        """Whether something looks wrong, so that somebody has to be sure of it."""
        return "is_sure" in self.errors or bool(self.data.get("is_sure"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        tidy = self._tidy(data)
        say(self, accounts.account_problems(self.kind, tidy))
        if not self.errors and not data.get("is_sure"):
            for doubt in accounts.account_warnings(self.kind, tidy):
                self.add_error("is_sure", str(doubt))
        return data

    def given(self) -> dict[str, str]:
        """Return what was typed. Only after is_valid()."""
        return self._tidy(self.cleaned_data)

    def _tidy(self, data: Mapping[str, Any]) -> dict[str, str]:
        names = (*accounts.NEEDED[self.kind], *accounts.OPTIONAL.get(self.kind, ()))
        return accounts.tidied({name: data.get(name) or "" for name in names})


class VerifyForm(forms.Form):
    """The two small deposits that arrived."""

    first = forms.CharField(
        label=_("One deposit"),
        max_length=8,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
        help_text=_("As it arrived, such as 0.12."),
    )
    second = forms.CharField(
        label=_("The other deposit"),
        max_length=8,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        typed = {name: data[name].strip() for name in ("first", "second") if name in data}
        wrong = {name: accounts.amount_problem(value) for name, value in typed.items()}
        say(self, {name: text for name, text in wrong.items() if text})
        return data


class SettleForm(ReasonForm):
    """What somebody found at Lux Financial about a request that no machine finds out about."""

    outcome = forms.ChoiceField(
        label=_("What did you find at Lux Financial?"),
        choices=[
            ("made", _("It was carried out")),
            ("none", _("It was not carried out and will not be")),
        ],
        widget=forms.RadioSelect,
    )
    made = forms.CharField(
        label=_("Id of what was made"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Needed when something new was made, such as cus_8f3a."),
    )
    field_order = ("outcome", "made", "reason")


def say(form: forms.Form, errors: Mapping[str, Any]) -> None:
    """Put what the rules say beside the fields; what a field said already stands."""
    for name, text in errors.items():
        key = name.replace(".", "_")
        if key not in form.fields:
            form.add_error(None, str(text))
        elif key not in form.errors:
            form.add_error(key, str(text))


def _filled(known: tuple[Field, ...], data: Mapping[str, Any]) -> dict[str, str]:
    typed = {field.name: str(data.get(field.key) or "").strip() for field in known}
    return {name: value for name, value in typed.items() if value}


def _field(field: Field, *, required: bool, keeps: str = "") -> forms.CharField:
    options: dict[str, Any] = {
        "label": _(field.label),
        "required": required,
        "help_text": keeps or (_(field.help) if field.help else ""),
    }
    choices = _choices(field)
    widget = forms.Select(choices=choices) if choices else forms.TextInput(attrs=PLAIN)
    return forms.CharField(widget=widget, **options)


def _choices(field: Field) -> list[tuple[str, Any]]:
    if field.problem is checking.country:
        return [("", "—"), *countries.by_name()]
    if field.problem is checking.business_type:
        return [("", "—"), *((code, _(name)) for code, name in checking.BUSINESS_TYPES.items())]
    return []


_ACCOUNT_LABELS: Final = {
    "account_name": _("Name on the account"),
    "account_type": _("Kind of account"),
    "routing_number": _("Routing number"),
    "account_number": _("Account number"),
    "iban": _("IBAN"),
    "bic": _("BIC"),
    "bank_name": _("Bank"),
    "bank_country": _("Country of the bank"),
    "clabe": _("CLABE"),
    "chain": _("Chain"),
    "address": _("Address"),
    "label": _("Label"),
}
_ACCOUNT_HELP: Final = {
    "routing_number": _("Nine digits."),
    "account_number": _("4 to 17 digits."),
    "clabe": _("18 digits."),
    "bic": _("Eight or eleven characters."),
    "address": _("Copy it, never type it: what is sent to a wrong one is lost."),
}


def _account_field(name: str, kind: str) -> forms.CharField:
    choices: Mapping[str, list[tuple[str, Any]]] = {
        "account_type": [(code, _(label)) for code, label in accounts.ACCOUNT_TYPES.items()],
        "bank_country": countries.by_name(),
        "chain": [(chain, chain.replace("_", " ").capitalize()) for chain in accounts.CHAINS],
    }
    known = choices.get(name)
    widget = forms.Select(choices=[("", "—"), *known]) if known else forms.TextInput(attrs=PLAIN)
    return forms.CharField(
        label=_ACCOUNT_LABELS[name],
        help_text=_ACCOUNT_HELP.get(name, ""),
        widget=widget,
        max_length=checking.LONGEST,
    )
