"""All providers side by side: what differs on top, then the totals of every day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from payments import actions
from payments.forms.reconciliation import AGE_LABELS, TABS, CompareForm, DriftFilter
from payments.models import Drift, NotPossible
from payments.models.reconciliation import DriftQuerySet
from payments.reconciliation import report
from payments.sight import MAY_SEE, Sight
from payments.views.reconciliation import sides
from staff import lists
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

OLDEST_FIRST = lists.Order("since_day")
NEWEST_FIRST = lists.Order("closed_at", newest_first=True)


@dataclass(frozen=True)
class Line:
    """One difference in the list."""

    drift: Drift
    what: str


@require_safe
@permission_required(*MAY_SEE)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(
        request, "payments/reconciliation.html", _context(request, CompareForm(today=_today()))
    )


@require_POST
@permission_required(Permission.RECONCILE)
def reconciliation_start(request: HttpRequest) -> HttpResponse:
    """Compare some days now, in a worker."""
    form = CompareForm(request.POST, today=_today())
    if form.is_valid():
        try:
            actions.start_reconciliation(
                **form.cleaned_data, by=person_of(request), at=timezone.now()
            )
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.info(request, gettext("A worker compares these days now."))
            return redirect("payments:reconciliation")
    return render(request, "payments/reconciliation.html", _context(request, form), status=422)


def _context(request: HttpRequest, form: CompareForm) -> dict[str, Any]:
    today, query, sight = _today(), request.GET, Sight.of(request.user)
    standings = report.standings(today=today)
    narrowed = DriftFilter(query)
    current = query.get("tab", "") if query.get("tab", "") in TABS else "open"
    found = narrowed.narrow(Drift.objects.all(), today=today)
    rows = _tab(found, current).select_related("event", "withdrawal").defer("raw")
    order = OLDEST_FIRST if current == "open" else NEWEST_FIRST
    page = lists.page(rows, order=order, query=query)
    counts = {key: lists.count(_tab(found, key)) for key in TABS}
    return {
        "now": timezone.now(),
        "standings": standings,
        "is_running": any(one.newest and one.newest.is_running for one in standings),
        "ages": _ages(standings, query),
        "lines": [Line(drift, sides.in_short(drift, sight)) for drift in page.rows],
        "pages": lists.steps(page, query=query, total=counts[current]),
        "tab": current,
        "tabs": [
            {
                "label": gettext(label),
                "url": lists.address(query, tab=key),
                "count": counts[key].shown,
                "is_current": key == current,
            }
            for key, (label, _states) in TABS.items()
        ],
        "filter": narrowed,
        "chips": narrowed.chips(query),
        "cleared": narrowed.cleared(query),
        "totals": report.totals(standings),
        "most_totals": report.MOST_TOTALS,
        "form": form,
        "cannot_start": _against_starting(request, form),
    }


def _ages(standings: list[report.Standing], query: Any) -> list[dict[str, Any]]:
    """How many are open of each age, over all providers."""
    return [
        {
            "label": label,
            "number": sum(one.ages[age] for one in standings),
            "url": lists.address(query, age=age, tab="open"),
            "tone": "warn" if age == "older" else "",
        }
        for age, label in AGE_LABELS.items()
    ]


def _tab(rows: DriftQuerySet, key: str) -> DriftQuerySet:
    return rows.filter(state__in=TABS[key][1])


def _against_starting(request: HttpRequest, form: CompareForm) -> str:
    if not can(request.user, Permission.RECONCILE):
        return gettext("Your roles look at it; makers and ops leads compare.")
    if not form.fields["upstream"].choices:  # type: ignore[attr-defined]
        return gettext("No provider is configured that could be compared.")
    return ""


def _today() -> date:
    return datetime.now(tz=UTC).date()
