"""Fields that more than one form of the desk uses."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.rules import extras

PLAIN = {"autocomplete": "off", "spellcheck": "false"}

# ASCII digits alone: "1e3", "1_000" and "١٠٠" are numbers to Python and a slip of money to us.
PLAIN_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


class AmountField(forms.CharField):
    """An amount in major units as plain digits: `2500.00`. Cleans to a Decimal; None if empty."""

    widget = forms.TextInput(
        attrs={"inputmode": "decimal", "autocomplete": "off", "spellcheck": "false"}
    )
    default_error_messages = {
        "plain": _("Write the amount in plain digits with a point, such as 2500.00."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def clean(self, value: Any) -> Any:
        text: str = super().clean(value)
        if not text:
            return None
        if not PLAIN_AMOUNT.fullmatch(text):
            raise forms.ValidationError(self.error_messages["plain"], code="plain")
        return Decimal(text)


def events_field() -> forms.MultipleChoiceField:
    """What the webhook of one payment tells of."""
    return forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: created, completed, failed and refunded, but not cancelled."),
        choices=[(code, _(name)) for code, name in extras.EVENTS.items()],
    )


def metadata_field() -> forms.CharField:
    """A free object that comes back with the payment. Read it with `metadata_of`."""
    return forms.CharField(
        label=_("Metadata"),
        required=False,
        max_length=extras.MOST_METADATA,
        widget=forms.Textarea(attrs={**PLAIN, "rows": 2}),
        help_text=_('A JSON object, such as {"order": "A-17"}. It comes back with the payment.'),
    )


def metadata_of(text: str) -> dict[str, Any]:
    """What was typed into it; raises ValidationError in words."""
    try:
        return extras.read_metadata(text)
    except extras.NotMetadata as problem:
        raise forms.ValidationError(str(problem.says)) from None
