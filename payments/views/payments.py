"""Money movements at the providers, as last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from payments import actions, facts, handout, history, transfers, words
from payments.enums import Kind, PaymentStatus
from payments.forms.filters import PaymentFilter
from payments.models import NotPossible, Payment
from payments.models.payments import PaymentQuerySet
from payments.sight import MAY_SEE, Sight
from staff import lists, masking
from staff.columns import Column, Columns
from staff.permissions import Permission, can, permission_required
from staff.saved_views import opens_first
from staff.sessions import person_of
from upstreams.errors import UpstreamError

NEWEST_FIRST = lists.Order("created_at", newest_first=True)
COLUMNS = (
    Column("created", _("Created"), is_fixed=True),
    Column("id", _("Id"), is_fixed=True),
    Column("kind", _("Kind")),
    Column("customer", _("Customer")),
    Column("amount", _("Amount"), "num", is_fixed=True),
    Column("rail", _("Rail")),
    Column("state", _("State")),
    Column("reference", _("Reference")),
    Column("seen", _("Seen")),
)

# A deposit's details repeat them, in minor units.
_SAID_ABOVE = frozenset({"amount", "currency"})

# The tabs of the list: a name, and the statuses behind it (none: all).
TABS: dict[str, tuple[str, tuple[PaymentStatus, ...]]] = {
    "all": (gettext_noop("All"), ()),
    "open": (
        gettext_noop("Open"),
        (
            PaymentStatus.CREATED,
            PaymentStatus.IN_PROGRESS,
            PaymentStatus.IN_REVIEW,
            PaymentStatus.UNKNOWN,
        ),
    ),
    "completed": (gettext_noop("Completed"), (PaymentStatus.COMPLETED,)),
    "returned": (gettext_noop("Returned"), (PaymentStatus.RETURNED, PaymentStatus.PARTLY_RETURNED)),
    "unpaid": (
        gettext_noop("Not paid"),
        (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED),
    ),
}


@dataclass(frozen=True)
class Row:
    """One line of the list, as this person may read it."""

    payment: Payment
    url: str
    name: str


@require_safe
@permission_required(*MAY_SEE)
@opens_first
def payments(request: HttpRequest) -> HttpResponse:
    """The list."""
    sight, query = Sight.of(request.user), request.GET
    form = PaymentFilter(query, with_names=sight.names_in_clear)
    current = query.get("tab", "")
    current = current if current in TABS else "all"
    found = form.narrow(Payment.objects.all())
    shown = narrowed(found, current).select_related("customer").defer("raw", "stamps")
    page = lists.page(shown, order=NEWEST_FIRST, query=query)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    totals = _totals(found, current)
    context = {
        "now": timezone.now(),
        "page": page,
        "columns": Columns(COLUMNS, request.GET),
        "pages": lists.steps(page, query=query, total=totals[current]),
        "rows": [
            Row(payment, _address(payment, request), _name(payment, sight)) for payment in page.rows
        ],
        "tabs": [
            {
                "label": gettext(label),
                "url": lists.address(query, tab=key),
                "count": totals[key].shown,
                "is_current": key == current,
            }
            for key, (label, _statuses) in TABS.items()
        ],
        "tab": current,
        "filter": form,
        "chips": form.chips(query),
        "cleared": form.cleared(query),
        "query": query,
    }
    template = "payments/payments.html"
    is_fragment = htmx and htmx.target == "results"
    return render(request, f"{template}#results" if is_fragment else template, context)


@require_safe
@permission_required(*MAY_SEE)
def payment(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """One money movement: what is known, and what happened to it."""
    row = _find(upstream, upstream_id)
    sight = Sight.of(request.user)
    back = reverse("payments:payments")
    return render(
        request,
        "payments/payment.html",
        {
            "payment": row,
            "withdrawal": getattr(row, "withdrawal", None),
            "now": timezone.now(),
            "name": _name(row, sight),
            "counterparty": _labelled(sight.counterparty(row)),
            "headline": [gettext(row.get_kind_display()), words.method(row.method)]
            + ([gettext("hosted page")] if row.hosted else []),
            "net_label": gettext("Debited in all")
            if row.kind == Kind.WITHDRAWAL
            else gettext("Net"),
            "query": f"?{request.GET.urlencode()}" if request.GET else "",
            "cannot_refresh": ""
            if can(request.user, Permission.SEE_PAYMENTS)
            else gettext("Your roles see payments as they were last read."),
            "description": row.description if sight.names_in_clear else "",
            "error_message": sight.text(row.error_message, about=row),
            "status_words": words.theirs(row.upstream_status),
            "timeline": history.of_payment(row, sight=sight),
            "raw": sight.raw(row.raw),
            "back": f"{back}?{request.GET.urlencode()}" if request.GET else back,
            "transfer": transfers.facts_of(
                row, hands_on=can(request.user, Permission.MAKE_DEPOSITS)
            ),
            "fee_known": row.fee is not None and row.fee != Decimal(0),
        },
    )


@require_POST
@permission_required(Permission.SEE_PAYMENTS)
def payment_refresh(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """Ask the provider about this payment now."""
    row = _find(upstream, upstream_id)
    before = row.status
    try:
        fresh = actions.refresh_payment(payment_id=row.pk, by=person_of(request), at=timezone.now())
    except UpstreamError as problem:
        messages.error(
            request,
            gettext(
                "%(provider)s could not be asked: %(problem)s What you see is as old as before."
            )
            % {"provider": row.get_upstream_display(), "problem": problem},
        )
    else:
        said = gettext(fresh.get_status_display())
        messages.success(
            request,
            gettext("It is %(status)s, as before.") % {"status": said.lower()}
            if fresh.status == before
            else gettext("It has changed: %(status)s.") % {"status": said.lower()},
        )
    return redirect(_address(row, request))


@require_POST
@permission_required(Permission.MAKE_WITHDRAWALS)
def payment_address(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """Show the address of a payout's page to whoever hands it on, once: it is noted who saw it."""
    row = _find(upstream, upstream_id)
    try:
        found = actions.show_address(payment_id=row.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(row)
    response = render(
        request, "payments/payment_address.html", {"payment": row, **handout.drawn(found)}
    )
    response["Cache-Control"] = "no-store"
    return response


def _labelled(counterparty: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """Return the values with the names our own withdrawals use for them, and what is masked."""
    labels = {**words.ENDS, **facts.LABELS}
    return [
        (
            gettext(labels[name]) if name in labels else name.replace("_", " ").capitalize(),
            words.method(value) if name in ("from_rail", "to_rail") else value,
            masking.DOTS in value,
        )
        for name, value in counterparty.items()
        if name not in _SAID_ABOVE
    ]


def _find(upstream: str, upstream_id: str) -> Payment:
    rows = Payment.objects.select_related("customer", "withdrawal")
    return get_object_or_404(rows, upstream=upstream, upstream_id=upstream_id)


def _totals(found: PaymentQuerySet, current: str) -> dict[str, lists.Count]:
    """Count every tab: all of them at once where little is found, else each up to its cap."""
    few = found.order_by()[: lists.TAB_CAP + 1].aggregate(
        **{key: Count("pk", filter=_states(key)) for key in TABS}
    )
    if few["all"] <= lists.TAB_CAP:
        return {key: lists.Count(number) for key, number in few.items()}
    return {key: lists.count(narrowed(found, key), is_current=key == current) for key in TABS}


def narrowed(rows: PaymentQuerySet, key: str) -> PaymentQuerySet:
    return rows.filter(_states(key))


def _states(key: str) -> Q:
    statuses = TABS[key][1]
    return Q(status__in=statuses) if statuses else Q()


def _address(row: Payment, request: HttpRequest) -> str:
    path = row.get_absolute_url()
    return f"{path}?{request.GET.urlencode()}" if request.GET else path


def _name(row: Payment, sight: Sight) -> str:
    known = row.counterparty_name or (row.customer.name if row.customer else "")
    return sight.name(known)
