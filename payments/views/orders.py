"""Asking for the price of an exchange, confirming it, and saying what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, facts, history, words
from payments.decision import is_proved
from payments.enums import OrderStatus
from payments.forms.trades import QuoteForm, SettleOrderForm
from payments.models import NotPossible, OrderSettlement, Trade, TradeOrder
from payments.sight import MAY_SEE, Sight
from payments.trading import life, matching, prices
from payments.views import seconding
from payments.views.withdrawal import STOP_POLLING
from staff import lists, sessions
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of
from staff.texts import Lowered
from upstreams import credentials
from upstreams.enums import Upstream
from upstreams.outbox import has_another_key, waits_for_people

ASKED = ("from_currency", "to_currency", "from_amount", "to_amount")
NEWEST_FIRST = lists.Order("created_at", newest_first=True)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.ASK_QUOTES)
def trade_new(request: HttpRequest) -> HttpResponse:
    """Ask for the price of an exchange."""
    if request.method == "GET":
        asked = {name: request.GET[name] for name in ASKED if name in request.GET}
        return _quote_page(request, QuoteForm(asked=asked))
    form = QuoteForm(request.POST)
    if form.is_valid() and (order := _priced(request, form)):
        return redirect(order)
    return _quote_page(request, form)


@require_safe
@permission_required(*MAY_SEE)
def orders(request: HttpRequest) -> HttpResponse:
    """What was asked for here."""
    now = timezone.now()
    rows = TradeOrder.objects.select_related("trade", "created_by", "confirmed_by")
    page = lists.page(rows.defer("trade__raw"), order=NEWEST_FIRST, query=request.GET)
    context = {
        "now": now,
        "page": page,
        "pages": lists.steps(page, query=request.GET, total=lists.count(rows)),
        "rows": [(order, *_state(order, now)) for order in page.rows],
        "may_ask": can(request.user, Permission.ASK_QUOTES),
    }
    return render(request, "payments/orders.html", context)


@require_safe
@permission_required(*MAY_SEE)
def order(request: HttpRequest, code: str) -> HttpResponse:
    """One exchange that was asked for here: its price, who confirms it, how it stands."""
    return _order_page(request, _find(code))


@require_safe
@permission_required(*MAY_SEE)
def order_live(request: HttpRequest, code: str) -> HttpResponse:
    """How it stands now; stops asking when all is over."""
    row = _find(code)
    context = _context(request, row)
    status = 200 if context["is_moving"] else STOP_POLLING
    return render(request, "payments/_order_live.html", context, status=status)


@require_POST
@permission_required(Permission.TRADE)
def order_confirm(request: HttpRequest, code: str) -> HttpResponse:
    """Exchange the money at the price that is shown."""
    row, now = _find(code), timezone.now()
    if _must_prove(request, row, now):
        back = urlencode({REDIRECT_FIELD_NAME: row.get_absolute_url()})
        return redirect(f"{reverse('account_reauthenticate')}?{back}")
    try:
        confirmed = actions.confirm_quote(
            order_id=row.pk,
            proved_at=sessions.proved_at(request),
            by=person_of(request),
            at=now,
        )
    except NotPossible as refusal:
        return _order_page(request, _find(code), refusal=str(refusal))
    if confirmed.status == OrderStatus.QUEUED:
        said = gettext("%(code)s is confirmed. It is sent now.") % {"code": code}
        messages.success(request, said)
    else:  # a second click: it has moved on since the first
        state = Lowered(confirmed.get_status_display())
        told = {"code": code, "state": state}
        messages.info(request, gettext("%(code)s was confirmed already. It is %(state)s.") % told)
    return redirect(row)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RECONCILE, Permission.SIGN_WITHDRAWALS)
def order_settle(request: HttpRequest, code: str) -> HttpResponse:
    """Say what became of an unknown outcome; a second person confirms or drops it."""
    row = _find(code)
    if seconding.is_answer(request):
        return _second_opinion(request, row)
    form = SettleOrderForm(
        request.POST if request.method == "POST" else None,
        order=row,
        another_key=_has_another_key(row),
    )
    if form.is_valid():
        return _proposed(request, row, form)
    return _settle_page(request, row, form)


# --- A price --------------------------------------------------------------------------------------


def _priced(request: HttpRequest, form: QuoteForm) -> TradeOrder | None:
    """Return the order with its price, or None with the form saying what stands in the way."""
    try:
        return actions.request_quote(wish=form.wish(), by=person_of(request), at=timezone.now())
    except actions.InvalidDraft as refusal:
        for name, message in refusal.errors.items():
            form.add_error(form.place_of(name), message)
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
    return None


def _quote_page(request: HttpRequest, form: QuoteForm) -> HttpResponse:
    context = {
        "form": form,
        "is_configured": credentials.is_configured(Upstream.LUMETRADE),
        "may_confirm": can(request.user, Permission.TRADE),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "payments/trade_form.html", context, status=status)


# --- An order -------------------------------------------------------------------------------------


def _find(code: str) -> TradeOrder:
    rows = TradeOrder.objects.select_related("trade", "created_by", "confirmed_by")
    return get_object_or_404(rows, code=code)


def _order_page(request: HttpRequest, row: TradeOrder, *, refusal: str = "") -> HttpResponse:
    context = {**_context(request, row), "refusal": refusal}
    return render(request, "payments/order.html", context, status=409 if refusal else 200)


def _context(request: HttpRequest, row: TradeOrder) -> dict[str, Any]:
    """What the page, its live fragment and its question share."""
    now = timezone.now()
    is_quoted = row.status == OrderStatus.QUOTED
    is_open = is_quoted and not row.has_expired(now=now)
    purses = prices.purses(row) if is_open else []
    state, state_words = _state(row, now)
    return {
        "order": row,
        "trade": row.trade,
        "theirs": words.theirs(row.trade.upstream_status) if row.trade else "",
        "state": state,
        "state_words": state_words,
        "life": life.tell(row, now=now),
        "price": prices.in_words(row),
        "purses": purses,
        "is_quoted": is_quoted,
        "is_open": is_open,
        "seconds_left": max(0, int((row.expires_at - now).total_seconds())),
        "cannot_confirm": _against_confirming(request, row, purses) if is_open else "",
        "must_prove": is_open and _must_prove(request, row, now),
        "again": _again(row),
        "may_ask": can(request.user, Permission.ASK_QUOTES),
        "timeline": history.of_order(row, sight=Sight.of(request.user)),
        "is_moving": life.is_moving(row, now=now),
        "can_settle": _can_settle(request, row),
        "now": now,
    }


def _state(row: TradeOrder, now: datetime) -> tuple[str, str]:
    """A mark and a word: a quote that nobody confirmed in time is called what it is."""
    if row.status == OrderStatus.QUOTED and row.has_expired(now=now):
        return "expired", gettext("Quote expired")
    return row.status, gettext(row.get_status_display())


def _must_prove(request: HttpRequest, row: TradeOrder, now: datetime) -> bool:
    return prices.needs_proof(row) and not is_proved(sessions.proved_at(request), now=now)


def _against_confirming(request: HttpRequest, row: TradeOrder, purses: list[prices.Purse]) -> str:
    """Why this person cannot confirm it now; "" if they can."""
    if not can(request.user, Permission.TRADE):
        return gettext("Your roles do not exchange money; an ops lead confirms it.")
    return str(prices.against(row, purses))


def _again(row: TradeOrder) -> str:
    """The query that begins a form like the one this was asked with."""
    currency, amount, name = (
        (row.to_currency, row.bought, "to_amount")
        if row.fixes_bought
        else (row.from_currency, row.sold, "from_amount")
    )
    pair = {"from_currency": row.from_currency, "to_currency": row.to_currency}
    return f"?{urlencode({**pair, name: facts.plain(amount, currency)})}"


# --- An unknown outcome ---------------------------------------------------------------------------


def _can_settle(request: HttpRequest, row: TradeOrder) -> bool:
    if row.status != OrderStatus.UNKNOWN:
        return False
    command = life.newest_command(row)
    may = can(request.user, Permission.RECONCILE) or can(request.user, Permission.SIGN_WITHDRAWALS)
    return may and command is not None and waits_for_people(command)


def _proposed(request: HttpRequest, row: TradeOrder, form: SettleOrderForm) -> HttpResponse:
    """Propose what the form says; what stands against it is told beside what was typed."""
    try:
        actions.propose_order_settlement(
            order_id=row.pk,
            trade=form.trade,
            upstream_id=form.cleaned_data["upstream_id"],
            written_word=form.cleaned_data.get("written_word", ""),
            reason=form.cleaned_data["reason"],
            by=person_of(request),
            at=timezone.now(),
        )
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return _settle_page(request, _find(row.code), form, status=409)
    said = gettext("Proposed for %(code)s. A second person confirms it.")
    messages.success(request, said % {"code": row.code})
    return redirect(row)


def _has_another_key(row: TradeOrder) -> bool:
    """Whether it was sent under another key than the one set now."""
    command = life.newest_command(row)
    return command is not None and has_another_key(command)


def _open_proposal(row: TradeOrder) -> OrderSettlement | None:
    open_ones = row.settlements.filter(confirmed_at=None, dropped_at=None)
    return open_ones.select_related("proposed_by", "trade").first()


def _settle_page(
    request: HttpRequest, row: TradeOrder, form: SettleOrderForm, *, status: int = 422
) -> HttpResponse:
    proposal = _open_proposal(row)
    command = life.newest_command(row)
    there = matching.evidence(row, command) if command else []
    context = {
        **_context(request, row),
        "form": form,
        "proposal": proposal,
        "cannot_propose": ""
        if can(request.user, Permission.RECONCILE)
        else gettext("Your roles do not propose it; a maker or an ops lead does."),
        "cannot_second": _against_seconding(request, row, proposal),
        "evidence": [(trade, _compared(row, trade)) for trade in there],
        "compared": _compared(row, proposal.trade) if proposal and proposal.trade else "",
        "answered_with": matching.answered_with(command) if command else "",
    }
    code = status if form.errors else 200
    return render(request, "payments/order_settle.html", context, status=code)


def _compared(row: TradeOrder, trade: Trade) -> str:
    """How a trade's amounts compare with what was quoted."""
    if None in (trade.sold, trade.bought):
        return gettext("its amounts are not told yet")
    if (trade.sold, trade.bought) == (row.sold, row.bought):
        return gettext("both amounts as quoted")
    return gettext("not the amounts that were quoted")


def _against_seconding(
    request: HttpRequest, row: TradeOrder, proposal: OrderSettlement | None
) -> str:
    """Why this person is not the second one; "" if they may be."""
    person = person_of(request)
    if proposal is not None and proposal.proposed_by_id == person.pk:
        return gettext("You proposed it, so somebody else confirms it.")
    if row.confirmed_by_id == person.pk:
        return gettext("You confirmed the quote, so somebody else says what became of it.")
    if not can(person, Permission.SIGN_WITHDRAWALS):
        return gettext("Your roles do not confirm it; an approver does.")
    return ""


def _second_opinion(request: HttpRequest, row: TradeOrder) -> HttpResponse:
    act, done = (
        (
            actions.drop_order_settlement,
            _("The proposal for %(code)s is dropped. Its outcome is still unknown."),
        )
        if seconding.is_drop(request)
        else (actions.confirm_order_settlement, _("%(code)s is settled by two people."))
    )
    return _told(
        request,
        row,
        lambda: act(
            order_id=row.pk,
            settlement_id=seconding.proposal_id(request),
            by=person_of(request),
            at=timezone.now(),
        ),
        done=done,
    )


def _told(
    request: HttpRequest, row: TradeOrder, act: Callable[[], object], *, done: Promise
) -> HttpResponse:
    try:
        act()
    except NotPossible as refusal:
        return _order_page(request, _find(row.code), refusal=str(refusal))
    messages.success(request, str(done) % {"code": row.code})
    return redirect(row)
