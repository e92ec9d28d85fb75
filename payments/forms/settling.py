"""What the forms share in which people say what became of an unknown outcome."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _


class SettlingForm(forms.Form):
    """How somebody knows, and where no list proves anything, what the provider wrote."""

    written_word = forms.CharField(
        label=_("The provider's written word"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "What they said, and where that stands, such as a ticket or an e-mail of which day. "
            "Kept for ever with your name. No account numbers, please."
        ),
    )
    reason = forms.CharField(
        label=_("How you know"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, data: QueryDict | None = None, *, another_key: bool = False) -> None:
        """`another_key`: it was sent under one that is not set now, so no list proves anything."""
        super().__init__(data)
        self.another_key = another_key
        if not another_key:
            del self.fields["written_word"]

    def ask_for_word(self) -> None:
        """Say that the provider's word is missing."""
        self.add_error(
            "written_word",
            _("Write down what the provider says, and where that stands. Nothing else proves it."),
        )
