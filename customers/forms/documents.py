"""Uploading a customer's documents, judging one, and handing them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.actions.documents import Upload
from customers.enums import DocumentKind, DocumentVerdict, Side
from staff.texts import Sayable

ACCEPTED: Final = ".png,.jpg,.jpeg,.webp,.pdf,image/png,image/jpeg,image/webp,application/pdf"
TWO_SIDED: Final = f"{DocumentKind.DRIVERS_LICENSE}|{DocumentKind.NATIONAL_ID}"
OF_A_PERSON: Final = f"{DocumentKind.PASSPORT}|{TWO_SIDED}"


def _file(label: Any, **options: Any) -> forms.FileField:
    # What is empty or misnamed is told by who checks the content, in one way.
    return forms.FileField(
        label=label,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        **options,
    )


class DocumentForm(forms.Form):
    """One document: its front, and what belongs to it."""

    kind = forms.ChoiceField(label=_("What it is"), choices=())
    front = _file(_("Front, or the whole document"))
    back = _file(_("Back"), required=False, help_text=_("A licence or an identity card needs it."))
    selfie = _file(_("Selfie with the document"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(kind.value, gettext(kind.label)) for kind in DocumentKind]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]

    @classmethod
    def too_long(cls, says: Sayable) -> DocumentForm:
        """The form after files that nobody read, because they said how long they are."""
        form = cls(QueryDict(), MultiValueDict())
        form.errors.clear()
        return form.refused_with({Side.FRONT: says})

    def uploads(self) -> list[Upload]:
        """The files that were chosen, with as much of each as was kept."""
        chosen = ((side, self.cleaned_data.get(side.value)) for side in Side)
        return [_upload(side, file) for side, file in chosen if file is not None]

    def refused_with(self, says: Mapping[Side, Sayable]) -> DocumentForm:
        """The form with what is wrong with each file."""
        for side, why in says.items():
            self.add_error(side.value, str(why))
        return self


def _upload(side: Side, file: UploadedFile[Any]) -> Upload:
    return Upload(side=side, name=file.name or "", content=file.read(), size=file.size or 0)


class VerdictForm(forms.Form):
    verdict = forms.ChoiceField(label=_("It is"), choices=())
    note = forms.CharField(
        label=_("What is wrong with it"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(verdict.value, gettext(verdict.label)) for verdict in DocumentVerdict]
        self.fields["verdict"].choices = choices  # type: ignore[attr-defined]
