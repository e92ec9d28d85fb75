"""Forms that narrow a list. They are sent by GET: the address holds the whole view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments import words
from payments.enums import Kind, Origin, PaymentStatus
from payments.forms.fields import AmountField
from payments.models.payments import PaymentQuerySet
from payments.queues import WithdrawalQuerySet
from staff import lists
from upstreams.enums import Upstream

ANY = ("", _("Any"))


@dataclass(frozen=True)
class Chip:
    """One filter in force, and the address of the same view without it."""

    label: str
    value: str
    remove_url: str


class FilterForm(forms.Form):
    """A filter that shows what it does as chips. A field left empty, or wrong, narrows nothing."""

    @property
    def in_force(self) -> Mapping[str, Any]:
        """The fields that narrow the list now."""
        if not self.is_bound:
            return {}
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
        """Return the address of the view with none of these filters."""
        return lists.address(query, **dict.fromkeys(self.fields))

    def _exact(self, *names: str) -> dict[str, Any]:
        return {name: self.in_force[name] for name in names if name in self.in_force}

    def _words(self, name: str, value: Any) -> str:
        choices = dict(getattr(self.fields[name], "choices", ()))
        if isinstance(value, Decimal):
            return f"{value:f}"
        return str(choices.get(value, value))


def _choice(label: Any, choices: Iterable[tuple[str, Any]]) -> forms.ChoiceField:
    named = [(code, _(name)) for code, name in choices]
    return forms.ChoiceField(label=label, choices=[ANY, *named], required=False)


def _day(label: Any) -> forms.DateField:
    """A day that stays a moment in every zone: at the ends of the calendar there is none."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class WithdrawalFilter(FilterForm):
    """Narrows the withdrawals of one tab."""

    q = forms.CharField(label=_("Text"), max_length=120, required=False)
    currency = _choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    method = _choice(_("Method"), words.METHODS.items())
    origin = _choice(_("Origin"), Origin.choices)
    amount_from = AmountField(label=_("Amount from"), required=False)
    amount_to = AmountField(label=_("Amount to"), required=False)

    def narrow(self, rows: WithdrawalQuerySet, *, with_names: bool) -> WithdrawalQuerySet:
        """Return the rows that match.

        `with_names=False` leaves names and what else is masked out of the text search, for people
        who must not guess them.
        """
        wanted = self.in_force
        rows = rows.filter(**self._exact("currency", "method", "origin"))
        if text := wanted.get("q"):
            match = Q(code__istartswith=text) | Q(merchant_reference__istartswith=text)
            masked = Q(recipient_name__icontains=text) | Q(payout_reference__istartswith=text)
            rows = rows.filter(match | masked if with_names else match)
        if (lowest := wanted.get("amount_from")) is not None:
            rows = rows.filter(amount__gte=lowest)
        if (highest := wanted.get("amount_to")) is not None:
            rows = rows.filter(amount__lte=highest)
        return rows


class PaymentFilter(FilterForm):
    """Narrows the mirror of money movements."""

    q = forms.CharField(label=_("Text"), max_length=120, required=False)
    status = _choice(_("Status"), PaymentStatus.choices)
    upstream = _choice(_("Provider"), Upstream.choices)
    kind = _choice(_("Kind"), Kind.choices)
    method = _choice(_("Method"), words.METHODS.items())
    currency = _choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    from_date = _day(_("From"))
    to_date = _day(_("To"))

    def narrow(self, rows: PaymentQuerySet, *, with_names: bool) -> PaymentQuerySet:
        """Return the payments that match. Dates are days in the reader's zone, both included."""
        wanted = self.in_force
        rows = rows.filter(**self._exact("status", "upstream", "kind", "method", "currency"))
        if text := wanted.get("q"):
            match = Q(upstream_id__istartswith=text) | Q(merchant_reference__istartswith=text)
            names = Q(counterparty_name__icontains=text) | Q(customer__name__icontains=text)
            rows = rows.filter(match | names if with_names else match)
        if first := wanted.get("from_date"):
            rows = rows.filter(created_at__gte=_midnight(first))
        if last := wanted.get("to_date"):
            rows = rows.filter(created_at__lt=_midnight(last + timedelta(days=1)))
        return rows
