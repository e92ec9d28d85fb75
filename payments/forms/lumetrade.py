"""The form of a payout through Lumetrade: to whom that they know, how much, and what for."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments import rules
from payments.forms.fields import PLAIN
from payments.models import SavedBeneficiary, Withdrawal
from payments.rules import WithdrawalDraft, lumetrade
from staff import masking
from upstreams.money import BadMoney, exponent, is_known

MOST_CHOICES = 500


class BeneficiaryPayoutForm(forms.Form):
    """A payout to a beneficiary at Lumetrade.

    `source` is the withdrawal amended or copied, `like` another payout to the same beneficiary.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    payee_id = forms.CharField(label=_("Beneficiary"), max_length=120, widget=forms.Select)
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        help_text=_("In the beneficiary's currency: plain digits with a point, such as 2500.00."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=255,
        required=False,
        help_text=_("For ourselves; Lumetrade is not told."),
        widget=forms.TextInput(attrs=PLAIN),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        source: Withdrawal | None = None,
        like: Withdrawal | None = None,
        amends: bool = False,
    ) -> None:
        known = {"payee_id": like.payee_id} if like else _known(source)
        super().__init__(data, initial={"token": uuid.uuid4(), **known})
        listed = SavedBeneficiary.objects.listed().by_name()[:MOST_CHOICES]
        self.choices = [(payee.upstream_id, _told(payee)) for payee in listed]
        self.fields["payee_id"].widget = forms.Select(choices=[("", "—"), *self.choices])
        if amends:
            self.fields["reason"] = forms.CharField(
                label=_("Why it is changed"),
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("Given signatures are void after a change."),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        payee = lumetrade.payee_of(data.get("payee_id", ""))
        if payee is None or not is_known(payee.currency):
            if "payee_id" in data:
                self.add_error("payee_id", _("Choose one of the beneficiaries in the list."))
            return data
        if "amount" not in data:
            return data
        try:
            amount = rules.parse_amount(data["amount"], payee.currency)
        except BadMoney as problem:
            self.add_error("amount", str(problem))
            return data
        data["draft"] = lumetrade.draft_to(
            payee, amount=amount, description=data.get("description", "")
        )
        for name, message in rules.validate(data["draft"]).items():
            self.add_error(name if name in self.fields else None, str(message))
        return data

    def draft(self) -> WithdrawalDraft:
        """Return what was typed. Only after is_valid()."""
        draft: WithdrawalDraft = self.cleaned_data["draft"]
        return draft


def _told(payee: SavedBeneficiary) -> str:
    account = masking.mask_account(str(payee.account))
    return " · ".join(filter(None, [payee.currency, payee.nickname, account]))


def _known(source: Withdrawal | None) -> dict[str, Any]:
    if source is None:
        return {}
    return {
        "payee_id": source.payee_id,
        "amount": f"{source.amount:.{exponent(source.currency)}f}",
        "description": source.description,
    }
