"""Forms that narrow a list. They are sent by GET: the address holds the whole view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff import lists, masking
from staff.saved_views import NO_VIEW

ANY = ("", _("Any"))


@dataclass(frozen=True)
class Chip:
    """One filter in force, and the address of the same view without it."""

    label: str
    value: str
    remove_url: str


class FilterForm(forms.Form):
    """A filter that shows what it does as chips. A field left empty, or wrong, narrows nothing."""

    ranges: ClassVar[Sequence[tuple[str, str]]] = ()

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        """`with_names` offers to find by name: not to people who read names masked."""
        super().__init__(data)
        self.with_names = with_names

    def clean(self) -> dict[str, Any]:
        """Refuse ends of ranges that come before their beginnings."""
        for first, last in self.ranges:
            lowest, highest = self.cleaned_data.get(first), self.cleaned_data.get(last)
            if lowest is not None and highest is not None and highest < lowest:
                self.add_error(last, _("This range ends before it begins."))
        return self.cleaned_data

    @property
    def in_force(self) -> Mapping[str, Any]:
        """The fields that narrow the list now."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def chips(self, query: QueryDict) -> list[Chip]:
        return [
            Chip(
                label=str(self.fields[name].label),
                value=self._words(name, value),
                remove_url=lists.address(query, **{name: None}),
            )
            for name, value in self.in_force.items()
        ]

    def problems(self) -> list[str]:
        """What was asked for and could not be understood: those filters are not in force."""
        return [
            f"{self.fields[name].label}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]

    def cleared(self, query: QueryDict) -> str:
        """Return the address of the view with none of these filters, whichever view opens first."""
        return lists.address(query, **{**dict.fromkeys(self.fields), NO_VIEW: ""})

    def exact(self, *names: str) -> dict[str, Any]:
        """The lookups of fields that are called like their columns."""
        return {name: self.in_force[name] for name in names if name in self.in_force}

    def between(self, name: str) -> dict[str, Any]:
        """The lookups of a range whose ends are the fields `name_from` and `name_to`."""
        asked = {f"{name}__gte": f"{name}_from", f"{name}__lte": f"{name}_to"}
        return {lookup: self.in_force[end] for lookup, end in asked.items() if end in self.in_force}

    def _words(self, name: str, value: Any) -> str:
        choices = dict(getattr(self.fields[name], "choices", ()))
        if isinstance(value, Decimal):
            return f"{value:f}"
        return str(choices.get(value, value))


def choice(label: Any, choices: Iterable[tuple[str, Any]]) -> forms.ChoiceField:
    """One of these, or any."""
    named = [(code, _(name)) for code, name in choices]
    return forms.ChoiceField(label=label, choices=[ANY, *named], required=False)


def day(label: Any) -> forms.DateField:
    """A day that stays a moment in every zone: at the ends of the calendar there is none."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
    )


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def asked(form: FilterForm, **more: str) -> Mapping[str, str]:
    """The filter in words for the audit trail: of what was typed freely only its length."""
    told = {name: _told(form.fields[name], value) for name, value in form.in_force.items()}
    return told | {name: value for name, value in more.items() if value}


def _told(field: forms.Field, value: Any) -> str:
    is_free = isinstance(value, str) and not isinstance(field, forms.ChoiceField)
    return f"{masking.DOTS} ({len(value)} characters)" if is_free else str(value)
