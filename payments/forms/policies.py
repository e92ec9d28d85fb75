"""What ops leads write into the signing rules: one tier at a time, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments import words
from payments.enums import LimitPer, Origin, Window
from payments.forms.fields import AmountField
from payments.models import SIGNING_ROLES, Policy
from payments.models.policies import LAPSE_HOURS
from upstreams.enums import Upstream
from upstreams.money import BadMoney, exponent

MOST_SIGNATURES = 9
MOST_LAPSE_HOURS = 720


def _any(choices: Any) -> list[tuple[str, Any]]:
    return [("", _("Any")), *((code, _(name)) for code, name in choices)]


def _limit(label: Any) -> AmountField:
    return AmountField(label=label, required=False)


def _window(label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[(window.value, _(window.label)) for window in Window],
        coerce=int,
        initial=Window.DAY,
    )


class TierForm(forms.Form):
    """One tier of a draft: what it is about, what it asks for, how much it lets through."""

    currency = forms.CharField(
        label=_("Currency"),
        max_length=12,
        required=False,
        help_text=_("Such as AUD. Empty: any currency, each counted by itself."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    method = forms.ChoiceField(
        label=_("Method"), choices=_any(words.METHODS.items()), required=False
    )
    origin = forms.ChoiceField(label=_("Origin"), choices=_any(Origin.choices), required=False)
    upstream = forms.ChoiceField(
        label=_("Provider"), choices=_any(Upstream.choices), required=False
    )
    from_amount = AmountField(
        label=_("From amount"),
        help_text=_("An amount exactly on it belongs to this tier."),
    )
    signatures = forms.IntegerField(
        label=_("Signatures needed"), min_value=1, max_value=MOST_SIGNATURES
    )
    roles = forms.MultipleChoiceField(
        label=_("Who may sign"),
        choices=[(role.value, _(role.label)) for role in SIGNING_ROLES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none, and every role that signs may."),
    )
    typed_amount = forms.BooleanField(
        label=_("Whoever signs types the amount once more"), required=False
    )
    reauthenticate = forms.BooleanField(
        label=_("Whoever signs proves who they are, at most five minutes before"), required=False
    )
    customer_limit = _limit(_("At most per customer"))
    customer_window = _window(_("Customer: looking back"))
    beneficiary_limit = _limit(_("At most per beneficiary"))
    beneficiary_window = _window(_("Beneficiary: looking back"))
    approver_limit = _limit(_("At most signed by one person"))
    approver_window = _window(_("One person: looking back"))
    lapse_hours = forms.IntegerField(
        label=_("Lapses, in hours after it was due"),
        min_value=1,
        max_value=MOST_LAPSE_HOURS,
        initial=LAPSE_HOURS,
        help_text=_("What nobody has decided by then ends by itself, unpaid."),
    )

    def __init__(self, data: QueryDict | None = None, *, tier: Policy | None = None) -> None:
        super().__init__(data, initial=_known(tier) if tier else {"from_amount": "0"})

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        if not currency:
            return ""
        try:
            exponent(currency)
        except BadMoney:
            raise forms.ValidationError(_("No currency is called that.")) from None
        return currency

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        bound = data.get("from_amount")
        for per in LimitPer:
            name = f"{per}_limit"
            most = data.get(name)
            if most is None or bound is None or name in self.errors:
                continue
            if most <= 0 or most < bound:
                self.add_error(
                    name, _("No payout of this tier would ever fit: it is below the bound.")
                )
        return data


class ProposeForm(forms.Form):
    """Why the rules should change."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The second person reads this. It is kept for ever with your name."),
    )


def _known(tier: Policy) -> dict[str, Any]:
    """Return what the tier says, amounts as one would type them."""
    known = {name: getattr(tier, name) for name in TierForm.base_fields}
    for name, field in TierForm.base_fields.items():
        if isinstance(field, AmountField) and known[name] is not None:
            known[name] = f"{known[name].normalize():f}"
    return known
