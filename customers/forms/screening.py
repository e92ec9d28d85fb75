"""What people type when they judge a hit, and how they narrow the queue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from customers.enums import HitState, WhyOpen
from customers.models import CustomerQuerySet, Hit, SanctionsList
from customers.models.screenings import StandingQuerySet
from staff.filters import ANY, FilterForm, choice

KEYS = {HitState.TRUE: "t", HitState.FALSE: "f", HitState.UNSURE: "u"}


class Verdicts(forms.RadioSelect):
    """Three answers, each with the letter that chooses it. Sending them takes a button."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        option["attrs"]["data-key"] = KEYS[option["value"]]
        return option


class ReasonForm(forms.Form):
    """Why somebody does something. It goes to the audit trail, word for word."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "data-key": "n"}),
        help_text=_("Kept for ever with your name. No account numbers, please."),
    )
    saw = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, saw: str) -> None:
        """`saw`: what is shown now; what was shown then is in what they send."""
        super().__init__(data, initial={"saw": saw})


class VerdictForm(ReasonForm):
    """Whether the listed entity is the customer."""

    verdict = forms.ChoiceField(
        label=_("Is it them?"),
        choices=[(state.value, _(state.label)) for state in KEYS],
        widget=Verdicts,
    )


class ScreeningFilter(FilterForm):
    """Narrows the queue of customers with hits."""

    q = forms.CharField(label=_("Name"), max_length=120, required=False)
    source = forms.ChoiceField(label=_("List"), required=False)
    why = choice(_("Why open"), WhyOpen.choices)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, with_names=True)
        lists = SanctionsList.objects.order_by("code").values_list("code", "name")
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [ANY, *((code, name or code) for code, name in lists)]

    def narrow(self, rows: StandingQuerySet) -> StandingQuerySet:
        """Return the customers that match, with one hit that does."""
        if text := self.in_force.get("q"):
            rows = rows.filter(customer__name__icontains=text)
        wanted = {
            lookup: self.in_force[name]
            for name, lookup in (("source", "facts__source"), ("why", "why_open"))
            if name in self.in_force
        }
        if not wanted:
            return rows
        hits = Hit.objects.filter(customer=OuterRef("customer"), is_listed=True, **wanted)
        return rows.filter(Exists(hits))

    def narrow_customers(self, rows: CustomerQuerySet) -> CustomerQuerySet:
        """The same for customers who have no hits yet: only their names can match."""
        text = self.in_force.get("q")
        return rows.filter(name__icontains=text) if text else rows
