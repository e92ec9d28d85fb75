"""What narrows the lists of payments."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.db.models import Q
from django.http import QueryDict
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
from staff.filters import ANY, FilterForm, choice, day, midnight
from staff.lists import begins
from upstreams.enums import Upstream

TRIGRAM = 3  # letters; an index of trigrams finds nothing by fewer
FEW_CUSTOMERS = 1_000


def _person() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Number of the customer"), min_value=1, max_value=2**63 - 1, required=False
    )


class WithdrawalFilter(FilterForm):
    """Narrows the withdrawals of one tab."""

    ranges = [("amount_from", "amount_to")]

    q = forms.CharField(label=_("Text"), max_length=120, required=False)
    currency = choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    method = choice(_("Method"), words.METHODS.items())
    origin = choice(_("Origin"), Origin.choices)
    amount_from = AmountField(label=_("Amount from"), required=False)
    amount_to = AmountField(label=_("Amount to"), required=False)
    beneficiary = forms.CharField(label=_("Beneficiary"), max_length=16, required=False)
    person = _person()

    def narrow(self, rows: WithdrawalQuerySet) -> WithdrawalQuerySet:
        """Return the rows that match."""
        rows = rows.filter(**self.exact("currency", "method", "origin"), **self.between("amount"))
        if code := self.in_force.get("beneficiary"):
            rows = rows.filter(beneficiary=Beneficiary.objects.filter(code=code).values("pk")[:1])
        if number := self.in_force.get("person"):
            rows = rows.filter(_of_person(number))
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
    currency = choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    upstream = choice(_("Provider"), Upstream.choices)
    lately = choice(_("Lately"), LATELY)

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            self.fields["q"].label = _("Code")

    def narrow(self, rows: BeneficiaryQuerySet, *, now: datetime) -> BeneficiaryQuerySet:
        """Return the rows that match: codes by their beginning, names by any part."""
        rows = rows.filter(**self.exact("currency", "upstream"))
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

    status = choice(_("Status"), PaymentStatus.choices)
    upstream = choice(_("Provider"), Upstream.choices)
    kind = choice(_("Kind"), Kind.choices)
    method = choice(_("Method"), words.METHODS.items())
    amount_from = AmountField(label=_("Amount from"), required=False)
    amount_to = AmountField(label=_("Amount to"), required=False)
    from_date = day(_("From"))
    to_date = day(_("To"))
    currency = choice(_("Currency"), zip(words.CURRENCIES, words.CURRENCIES, strict=True))
    reference = forms.CharField(label=_("Id or reference"), max_length=255, required=False)
    customer = forms.CharField(
        label=_("Customer"), min_length=TRIGRAM, max_length=255, required=False
    )
    person = _person()

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            del self.fields["customer"]

    def narrow(self, rows: PaymentQuerySet) -> PaymentQuerySet:
        """Return the payments that match. Dates are days in the reader's zone, both included."""
        wanted = self.in_force
        rows = rows.filter(**self.exact("status", "upstream", "kind", "method", "currency"))
        rows = rows.filter(**self.between("amount"))
        if first := wanted.get("from_date"):
            rows = rows.filter(created_at__gte=midnight(first))
        if last := wanted.get("to_date"):
            rows = rows.filter(created_at__lt=midnight(last + timedelta(days=1)))
        if text := wanted.get("reference"):
            rows = rows.filter(begins("upstream_id", text) | begins("merchant_reference", text))
        if text := wanted.get("customer"):
            rows = rows.filter(Q(counterparty_name__icontains=text) | _of_customer(text))
        if number := wanted.get("person"):
            rows = rows.filter(_of_person(number))
        return rows


class TradeFilter(FilterForm):
    """Narrows the mirror of exchanges."""

    ranges = [("from_date", "to_date")]

    status = choice(_("Status"), TradeStatus.choices)
    from_currency = forms.ChoiceField(label=_("Sold"), required=False)
    to_currency = forms.ChoiceField(label=_("Bought"), required=False)
    from_date = day(_("From"))
    to_date = day(_("To"))

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
        rows = rows.filter(**self.exact("status", "from_currency", "to_currency"))
        if first := wanted.get("from_date"):
            rows = rows.filter(created_at__gte=midnight(first))
        if last := wanted.get("to_date"):
            rows = rows.filter(created_at__lt=midnight(last + timedelta(days=1)))
        return rows


def _of_person(number: int) -> Q:
    """What belongs to any row that is known to be the same person as this one."""
    row = Customer.objects.filter(pk=number).first()
    rows = Customer.objects.same_as(row) if row else Customer.objects.none()
    return Q(customer__in=list(rows.values_list("pk", flat=True)))


def _of_customer(text: str) -> Q:
    """The payments of customers of this name.

    A few customers are looked up first: an index finds the payments of so many. Those of
    thousands are met soon enough on the way through the list.
    """
    named = Customer.objects.filter(name__icontains=text).order_by()
    few = list(named.values_list("pk", flat=True)[: FEW_CUSTOMERS + 1])
    return Q(customer__in=few if len(few) <= FEW_CUSTOMERS else named)
