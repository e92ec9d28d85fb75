"""Why somebody must see a masked value."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class RevealForm(forms.Form):
    """It goes to the ledger and the audit trail, word for word."""

    reason = forms.CharField(
        label=_("Why must you see it?"),
        max_length=300,
        help_text=_("Kept for ever with your name; everybody who sees the customer can read it."),
    )
