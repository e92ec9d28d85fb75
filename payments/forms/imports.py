"""Uploading a file of payouts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from payments.imports import reading, rows

TOO_LARGE = _("It is larger than 8 MB. Split it.")


class UploadForm(forms.Form):
    """The file; what can be seen at once is said at once."""

    file = forms.FileField(
        label=_("CSV file"),
        max_length=255,
        help_text=_("UTF-8, with commas or semicolons; at most 8 MB and 10,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    @classmethod
    def too_large(cls) -> UploadForm:
        """The form after a file that nobody read, because it said how long it is."""
        form = cls(QueryDict(), MultiValueDict())
        form.errors["file"] = form.error_class([str(TOO_LARGE)])
        return form

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > reading.MOST_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        beginning = file.read(reading.PIECE)
        file.seek(0)
        try:
            rows.columns_of(reading.header_of(beginning))
        except (reading.Unreadable, rows.HeaderProblem) as problem:
            raise forms.ValidationError(str(problem)) from None
        return file
