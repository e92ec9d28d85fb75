"""What narrows the queue of KYC cases, and what people type when they decide one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from customers import words
from customers.enums import CustomerKind, Outcome
from customers.kyc import queue, reasons
from customers.kyc.checklist import Point
from customers.models.cases import KycCaseQuerySet
from staff.filters import FilterForm, choice
from staff.lists import begins
from staff.models import User


class CaseFilter(FilterForm):
    """Narrows the cases of one tab."""

    CLAIMED = (
        ("me", gettext_noop("By me")),
        ("others", gettext_noop("By others")),
        ("nobody", gettext_noop("By nobody")),
    )

    q = forms.CharField(label=_("Code or name"), max_length=255, required=False)
    theirs = choice(_("KYC at Lux Financial"), words.KYC_STATUSES.items())
    risk = choice(_("Risk"), words.RISKS.items())
    kind = choice(_("Kind"), CustomerKind.choices)
    claimed = choice(_("Claimed"), CLAIMED)
    due = choice(_("Due"), (("late", gettext_noop("Late")),))

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            self.fields["q"].label = _("Code")

    def narrow(self, rows: KycCaseQuerySet, *, person: User, now: datetime) -> KycCaseQuerySet:
        lookups = {
            "theirs": "customer__profile__kyc_status",
            "risk": "customer__profile__risk_rating",
            "kind": "customer__profile__kind",
        }
        for name, lookup in lookups.items():
            if value := self.in_force.get(name):
                rows = rows.filter(**{lookup: value})
        if self.in_force.get("due"):
            rows = rows.under_way().filter(due_at__lte=now)
        match self.in_force.get("claimed"):
            case "me":
                rows = rows.filter(pk__in=queue.claimed_by(person, at=now))
            case "others":
                rows = rows.filter(pk__in=queue.claimed_by_others(person, at=now))
            case "nobody":
                rows = rows.exclude(pk__in=queue.claimed_by_anybody(at=now))
        return rows.filter(self._called()) if self.in_force.get("q") else rows

    def _called(self) -> Q:
        text = str(self.in_force["q"]).strip()
        match = begins("code", f"kyc-{text.lower().removeprefix('kyc-').upper()}")
        return match | Q(customer__name__icontains=text) if self.with_names else match


def _codes(outcome: Outcome, label: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(one.code, _(one.label)) for one in reasons.for_outcome(outcome)],
    )


class DecisionForm(forms.Form):
    """The decision rail: ticks, outcome, reasons, what the customer reads, and what they do not."""

    ticked = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        widget=forms.RadioSelect,
        choices=[(one.value, _(one.label)) for one in Outcome],
    )
    ask_again = _codes(Outcome.ASK_AGAIN, _("What is to be sent again"))
    reject = _codes(Outcome.REJECT, _("Why, for good"))
    customer_text = forms.CharField(
        label=_("The customer reads"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A sentence for each reason, in a line of its own. Lux Financial shows it."),
    )
    internal_note = forms.CharField(
        label=_("Internal note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Never leaves the desk. Kept for ever with your name."),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        points: Sequence[Point],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), auto_id="decide_%s")
        ticked = self.fields["ticked"]
        assert isinstance(ticked, forms.MultipleChoiceField)
        ticked.choices = [(point.code, _(point.label)) for point in points]

    @property
    def outcome_asked(self) -> Outcome | None:
        """The outcome that was chosen, None where none was."""
        found = self.cleaned_data.get("outcome", "")
        return Outcome(found) if found else None

    @property
    def codes(self) -> list[str]:
        """The reasons that belong to the outcome; others may have been ticked before it was."""
        if self.outcome_asked in (None, Outcome.APPROVE):
            return []
        found: list[str] = self.cleaned_data.get(str(self.outcome_asked.value), [])
        return found

    def typed(self) -> dict[str, Any]:
        """What was typed and ticked, as a draft keeps it."""
        single = ("outcome", "customer_text", "internal_note")
        many = ("ticked", "ask_again", "reject")
        assert isinstance(self.data, QueryDict)
        found: dict[str, Any] = {name: self.data.get(name, "")[:2000] for name in single}
        return found | {name: self.data.getlist(name)[:40] for name in many}
