"""Exchanges at the provider, as last seen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from payments import history, words
from payments.enums import OrderStatus
from payments.forms.filters import TradeFilter
from payments.models import Trade, TradeOrder
from payments.sight import MAY_SEE, Sight
from payments.trading import prices
from staff import lists
from staff.columns import Column, Columns
from staff.permissions import Permission, can, permission_required
from staff.saved_views import opens_first
from upstreams import credentials
from upstreams.enums import Upstream

NEWEST_FIRST = lists.Order("created_at", newest_first=True)
COLUMNS = (
    Column("created", _("Created"), is_fixed=True),
    Column("id", _("Id"), is_fixed=True),
    Column("sold", _("We gave"), "num", is_fixed=True),
    Column("bought", _("We got"), "num", is_fixed=True),
    Column("price", _("Price")),
    Column("state", _("State")),
    Column("order", _("Asked for here")),
)
WAITING = (OrderStatus.QUEUED, OrderStatus.SENDING, OrderStatus.UNKNOWN)
MOST_WAITING = 10


@require_safe
@permission_required(*MAY_SEE)
@opens_first
def trades(request: HttpRequest) -> HttpResponse:
    """The list, and above it what was asked for here and has no answer yet."""
    query = request.GET
    form = TradeFilter(query)
    rows = form.narrow(Trade.objects.all())
    page = lists.page(rows.select_related("order").defer("raw"), order=NEWEST_FIRST, query=query)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    waiting = TradeOrder.objects.filter(status__in=WAITING).order_by("-created_at", "-pk")
    context = {
        "now": timezone.now(),
        "page": page,
        "columns": Columns(COLUMNS, request.GET),
        "pages": lists.steps(page, query=query, total=lists.count(rows)),
        "rows": [(trade, prices.in_words(trade)) for trade in page.rows],
        "filter": form,
        "chips": form.chips(query),
        "cleared": form.cleared(query),
        "waiting": list(waiting[:MOST_WAITING]),
        "may_ask": can(request.user, Permission.ASK_QUOTES),
        "is_configured": credentials.is_configured(Upstream.LUMETRADE),
    }
    template = "payments/trades.html"
    is_fragment = htmx and htmx.target == "results"
    return render(request, f"{template}#results" if is_fragment else template, context)


@require_safe
@permission_required(*MAY_SEE)
def trade(request: HttpRequest, upstream_id: str) -> HttpResponse:
    """One exchange: its parts, and what happened to it."""
    rows = Trade.objects.select_related("order")
    row = get_object_or_404(rows, upstream=Upstream.LUMETRADE, upstream_id=upstream_id)
    order = getattr(row, "order", None)
    sight = Sight.of(request.user)
    context = {
        "trade": row,
        "order": order,
        "price": prices.in_words(row),
        "theirs": words.theirs(row.upstream_status),
        "fills": [
            (fill, words.theirs(fill.upstream_status))
            for fill in row.fills.order_by("created_at", "pk")
        ],
        "timeline": history.of_trade(row, order, sight=sight),
        "raw": sight.raw(row.raw),
        "now": timezone.now(),
    }
    return render(request, "payments/trade.html", context)
