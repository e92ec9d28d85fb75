"""What people type when they hold a customer."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.enums import HoldKind
from staff.forms import ReasonForm


class HoldForm(ReasonForm):
    """Stop a customer, for one of the reasons that are told apart."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(kind.value, _(kind.label)) for kind in HoldKind]
    )
