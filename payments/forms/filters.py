"""Forms that narrow a list. They are sent by GET: the address holds the whole view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from customers.models import Customer
from payments import words
from payments.enums import Kind, Origin, PaymentStatus, TradeStatus
from payments.forms.fields import AmountField
from payments.models import Beneficiary
from payments.models.beneficiaries import BeneficiaryQuerySet
from payments.models.beneficiaries import code_begins as beneficiary_code_begins
from payments.models.payments import PaymentQuerySet
from payments.models.trades import TradeQuerySet
from payments.queues import WithdrawalQuerySet, code_begins
from payments.trading import currencies
from staff import lists
from staff.lists import begins
from upstreams.enums import Upstream

ANY = ("", _("Any"))
TRIGRAM = 3  # letters; an index of trigrams finds nothing by fewer
FEW_CUSTOMERS = 1_000


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
        """Return the address of the view with none of these filters."""
        return lists.address(query, **dict.fromkeys(self.fields))

    def _exact(self, *names: str) -> dict[str, Any]:
        return {name: self.in_force[name] for name in names if name in self.in_force}

    def _amounts(self) -> dict[str, Any]:
        asked = {"amount__gte": "amount_from", "amount__lte": "amount_to"}
        return {
            lookup: self.in_force[name] for lookup, name in asked.items() if name in self.in_force
        }

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

    ranges = [("amount_from", "amount_to")]

    q = forms.CharField(label=_("Text"), max_length=120, required=False)
    currency = _choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    method = _choice(_("Method"), words.METHODS.items())
    origin = _choice(_("Origin"), Origin.choices)
    amount_from = AmountField(label=_("Amount from"), required=False)
    amount_to = AmountField(label=_("Amount to"), required=False)
    beneficiary = forms.CharField(label=_("Beneficiary"), max_length=16, required=False)

    def narrow(self, rows: WithdrawalQuerySet) -> WithdrawalQuerySet:
        """Return the rows that match."""
        rows = rows.filter(**self._exact("currency", "method", "origin"), **self._amounts())
        if code := self.in_force.get("beneficiary"):
            rows = rows.filter(beneficiary=Beneficiary.objects.filter(code=code).values("pk")[:1])
        text = self.in_force.get("q")
        return rows.filter(self._named(text)) if text else rows

    def _named(self, text: str) -> Q:
        """References, as they are written, by their beginning; names by any part."""
        match = code_begins(text) | begins("merchant_reference", text)
        if not self.with_names:
            return match
        return match | begins("payout_reference", text) | Q(recipient_name__icontains=text)


class BeneficiaryFilter(FilterForm):
    """Narrows the accounts that payouts went to."""

    LATELY = (
        ("new", gettext_noop("New within 24 hours")),
        ("changed", gettext_noop("Changed within 24 hours")),
    )

    q = forms.CharField(label=_("Code or recipient"), max_length=120, required=False)
    currency = _choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    upstream = _choice(_("Provider"), Upstream.choices)
    lately = _choice(_("Lately"), LATELY)

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            self.fields["q"].label = _("Code")

    def narrow(self, rows: BeneficiaryQuerySet, *, now: datetime) -> BeneficiaryQuerySet:
        """Return the rows that match: codes by their beginning, names by any part."""
        rows = rows.filter(**self._exact("currency", "upstream"))
        match self.in_force.get("lately"):
            case "new":
                rows = rows.new(now)
            case "changed":
                rows = rows.changed(now)
        text = self.in_force.get("q")
        return rows.filter(self._named(text)) if text else rows

    def _named(self, text: str) -> Q:
        match = beneficiary_code_begins(text)
        return match | Q(recipient_name__icontains=text) if self.with_names else match


class PaymentFilter(FilterForm):
    """Narrows the mirror of money movements."""

    ranges = [("amount_from", "amount_to"), ("from_date", "to_date")]

    status = _choice(_("Status"), PaymentStatus.choices)
    upstream = _choice(_("Provider"), Upstream.choices)
    kind = _choice(_("Kind"), Kind.choices)
    method = _choice(_("Method"), words.METHODS.items())
    amount_from = AmountField(label=_("Amount from"), required=False)
    amount_to = AmountField(label=_("Amount to"), required=False)
    from_date = _day(_("From"))
    to_date = _day(_("To"))
    currency = _choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    reference = forms.CharField(label=_("Id or reference"), max_length=255, required=False)
    customer = forms.CharField(
        label=_("Customer"), min_length=TRIGRAM, max_length=255, required=False
    )

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            del self.fields["customer"]

    def narrow(self, rows: PaymentQuerySet) -> PaymentQuerySet:
        """Return the payments that match. Dates are days in the reader's zone, both included."""
        wanted = self.in_force
        rows = rows.filter(**self._exact("status", "upstream", "kind", "method", "currency"))
        rows = rows.filter(**self._amounts())
        if first := wanted.get("from_date"):
            rows = rows.filter(created_at__gte=_midnight(first))
        if last := wanted.get("to_date"):
            rows = rows.filter(created_at__lt=_midnight(last + timedelta(days=1)))
        if text := wanted.get("reference"):
            rows = rows.filter(begins("upstream_id", text) | begins("merchant_reference", text))
        if text := wanted.get("customer"):
            rows = rows.filter(Q(counterparty_name__icontains=text) | _of_customer(text))
        return rows


class TradeFilter(FilterForm):
    """Narrows the mirror of exchanges."""

    ranges = [("from_date", "to_date")]

    status = _choice(_("Status"), TradeStatus.choices)
    from_currency = forms.ChoiceField(label=_("Sold"), required=False)
    to_currency = forms.ChoiceField(label=_("Bought"), required=False)
    from_date = _day(_("From"))
    to_date = _day(_("To"))

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        codes = [(code, code) for code in currencies.known()]
        for name in ("from_currency", "to_currency"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *codes]

    def narrow(self, rows: TradeQuerySet) -> TradeQuerySet:
        """Return the trades that match. Dates are days in the reader's zone, both included."""
        wanted = self.in_force
        rows = rows.filter(**self._exact("status", "from_currency", "to_currency"))
        if first := wanted.get("from_date"):
            rows = rows.filter(created_at__gte=_midnight(first))
        if last := wanted.get("to_date"):
            rows = rows.filter(created_at__lt=_midnight(last + timedelta(days=1)))
        return rows


def _of_customer(text: str) -> Q:
    """The payments of customers of this name.

    A few customers are looked up first: an index finds the payments of so many. Those of
    thousands are met soon enough on the way through the list.
    """
    named = Customer.objects.filter(name__icontains=text).order_by()
    few = list(named.values_list("pk", flat=True)[: FEW_CUSTOMERS + 1])
    return Q(customer__in=few if len(few) <= FEW_CUSTOMERS else named)
