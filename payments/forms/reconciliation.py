"""What people type about our books and theirs: which days to compare, and why they do what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments.enums import DriftKind, DriftState, Remedy
from payments.models import Payment
from payments.models.reconciliation import DriftQuerySet
from payments.reconciliation import readers
from staff.filters import ANY, FilterForm
from staff.forms import ReasonForm
from upstreams.enums import Upstream

USUAL_DAYS = 7
AGE_LABELS = {
    "today": _("Today"),
    "days": _("1–2 days"),
    "week": _("3–7 days"),
    "older": _("Older"),
}


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    input_formats = ["%Y-%m-%d"]


class CompareForm(forms.Form):
    """Which provider and days to compare now."""

    upstream = forms.ChoiceField(label=_("Provider"))
    first_day = DayField(label=_("From"))
    last_day = DayField(label=_("To"))

    def __init__(self, data: QueryDict | None = None, *, today: date) -> None:
        first = today - timedelta(days=USUAL_DAYS - 1)
        super().__init__(data, initial={"first_day": first, "last_day": today})
        self.today = today
        self.fields["upstream"].choices = [  # type: ignore[attr-defined]
            (upstream.value, upstream.label)
            for upstream in Upstream
            if readers.is_readable(upstream)
        ]

    def clean_last_day(self) -> date:
        last: date = self.cleaned_data["last_day"]
        first = self.cleaned_data.get("first_day")
        if last > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        if first is not None and first > last:
            raise forms.ValidationError(_("This is before the first day."))
        return last


class DriftFilter(FilterForm):
    """The list of what does not agree."""

    upstream = forms.ChoiceField(
        label=_("Provider"), choices=[ANY, *Upstream.choices], required=False
    )
    kind = forms.ChoiceField(
        label=_("What"),
        choices=[ANY, *((kind.value, _(kind.label)) for kind in DriftKind)],
        required=False,
    )
    age = forms.ChoiceField(label=_("Since"), choices=[ANY, *AGE_LABELS.items()], required=False)

    def narrow(self, rows: DriftQuerySet, *, today: date) -> DriftQuerySet:
        rows = rows.filter(**self.exact("upstream", "kind"))
        age = self.in_force.get("age")
        return rows.of_age(age, today=today) if age else rows


TABS: dict[str, tuple[str, tuple[DriftState, ...]]] = {
    "open": ("Open", (DriftState.OPEN,)),
    "closed": ("Closed", (DriftState.RESOLVED, DriftState.WRITTEN_OFF, DriftState.GONE)),
}


class ResolveForm(ReasonForm):
    """Do something about what was shown, and say why."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, seen: str) -> None:
        super().__init__(data, initial={"seen": seen})


class LinkForm(ResolveForm):
    """Which payment there our payout is."""

    payment = forms.TypedChoiceField(label=_("Payment there"), coerce=int, widget=forms.RadioSelect)
    field_order = ["payment", "reason"]

    def __init__(
        self, data: QueryDict | None = None, *, seen: str, candidates: Iterable[Payment]
    ) -> None:
        super().__init__(data, seen=seen)
        self.fields["payment"].choices = [  # type: ignore[attr-defined]
            (
                payment.pk,
                f"{payment.upstream_id} · {payment.created_at:%Y-%m-%d %H:%M} UTC · "
                f"{payment.upstream_status}",
            )
            for payment in candidates
        ]


# What each remedy does, in one sentence, and what its button says.
WORDS = {
    Remedy.ACCEPT_THEIRS: (
        _("Take over what the provider says, exactly as it is shown here."),
        _("Accept theirs"),
    ),
    Remedy.READ_AGAIN: (
        _("Ask the provider about it now. What it says is stored, and compared again."),
        _("Read again"),
    ),
    Remedy.SEND_AGAIN: (
        _("Let the outbox try it now: under the same reference, and looked for first."),
        _("Send ours again"),
    ),
    Remedy.LINK: (
        _("Say which payment there it is. A second person confirms it."),
        _("Propose the link"),
    ),
    Remedy.WRITE_OFF: (
        _("Leave the difference as it is, for good. A second person confirms it."),
        _("Propose the write-off"),
    ),
}

# What each kind means, for somebody who has never seen one.
EXPLAINED = {
    DriftKind.MISSING_HERE: _("%(provider)s shows this payment, and the desk does not hold it."),
    DriftKind.MISSING_THERE: _("The desk holds this payment, and %(provider)s does not show it."),
    DriftKind.DIFFERS: _("Both hold this payment, and do not say the same of it."),
    DriftKind.STUCK: _("It should have gone on long ago, and has not."),
    DriftKind.UNMATCHED_EVENT: _(
        "%(provider)s sent a signed event about a payment that the desk does not hold."
    ),
    DriftKind.BALANCE: _(
        "The balance at %(provider)s moved by another amount than the payments between say."
    ),
}
