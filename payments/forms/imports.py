"""Uploading a file of payouts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.imports import reading, rows


class UploadForm(forms.Form):
    """The file; what can be seen at once is said at once."""

    file = forms.FileField(
        label=_("CSV file"),
        max_length=255,
        help_text=_("UTF-8, with commas or semicolons; at most 8 MB and 10,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > reading.MOST_BYTES:
            raise forms.ValidationError(gettext("It is larger than 8 MB. Split it."))
        beginning = file.read(reading.PIECE)
        file.seek(0)
        try:
            rows.columns_of(reading.header_of(beginning))
        except (reading.Unreadable, rows.HeaderProblem) as problem:
            raise forms.ValidationError(str(problem)) from None
        return file
