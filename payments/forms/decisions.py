"""What people type when they decide: why, how much, and what became of an unknown outcome."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments.enums import RejectCode, Status
from payments.forms.fields import AmountField
from payments.forms.settling import SettlingForm
from payments.models import Payment, Withdrawal


class ApproveForm(forms.Form):
    """Approve what was seen. Larger amounts are typed once more."""

    seen = forms.CharField(widget=forms.HiddenInput)
    typed_amount = AmountField(
        label=_("Type the amount"),
        help_text=_("Digits and a point, such as 2500.00. The policy asks for it here."),
    )
    reason = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        seen: str = "",
        amount: Decimal,
        typed: bool,
        known: Mapping[str, str] | None = None,
    ) -> None:
        """`known`: what they typed before they were asked who they are."""
        super().__init__(data, initial={**(known or {}), "seen": seen})
        self.amount = amount
        if not typed:
            del self.fields["typed_amount"]

    def clean_typed_amount(self) -> Decimal:
        typed: Decimal = self.cleaned_data["typed_amount"]
        if typed != self.amount:
            raise forms.ValidationError(_("This is not the amount shown. Nothing was signed."))
        return typed


class RejectForm(forms.Form):
    """Refuse it for good, with a code that can be counted and words that can be read."""

    seen = forms.CharField(widget=forms.HiddenInput)
    code = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("Choose…")), *((code.value, _(code.label)) for code in RejectCode)],
    )
    reason = forms.CharField(
        label=_("In words"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The maker reads this. It is kept for ever with your name."),
    )

    def __init__(self, data: QueryDict | None = None, *, seen: str = "") -> None:
        super().__init__(data, initial={"seen": seen})


class SettleForm(SettlingForm):
    """What one person read at the provider about an outcome that no machine could settle."""

    outcome = forms.ChoiceField(
        label=_("What did you find at the provider?"),
        choices=[
            (Status.SENT, _("It was paid, or is being paid")),
            (Status.REFUSED, _("It was not paid and will not be")),
        ],
        widget=forms.RadioSelect,
    )
    upstream_id = forms.CharField(
        label=_("Payment id at the provider"),
        max_length=120,
        required=False,
        help_text=_("Needed when it was paid, such as pay_8f3a."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        withdrawal: Withdrawal,
        another_key: bool = False,
    ) -> None:
        super().__init__(data, another_key=another_key)
        self.withdrawal = withdrawal

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("outcome") == Status.SENT:
            self._clean_paid(data.get("upstream_id", ""), data.get("written_word", ""))
        elif data.get("outcome") == Status.REFUSED:
            data["upstream_id"] = ""
            if self.another_key and not data.get("written_word"):
                self.ask_for_word()
        return data

    def _clean_paid(self, upstream_id: str, written_word: str) -> None:
        if not upstream_id:
            self.add_error("upstream_id", _("Write the id of the payment you found."))
            return
        if Payment.objects.filter(
            upstream=self.withdrawal.upstream, upstream_id=upstream_id
        ).exists():
            return
        if not self.another_key:
            self.add_error(
                "upstream_id", _("The desk has not seen this payment yet. Refresh it first.")
            )
        elif not written_word:
            self.ask_for_word()
