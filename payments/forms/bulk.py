"""What people type once for many decisions."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments.forms.decisions import RejectForm


class ApproveManyForm(forms.Form):
    """Approve what the dry run showed; the note goes with every signature."""

    reason = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, known: Mapping[str, str] | None = None
    ) -> None:
        """`known`: what they typed before they were asked who they are."""
        super().__init__(data, initial=dict(known or {}))


class RejectManyForm(RejectForm):
    """Refuse all of them for good, with one code and in the same words."""

    seen = None  # type: ignore[assignment]  # every item brings what was shown of it
