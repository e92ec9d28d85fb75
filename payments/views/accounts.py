"""Our accounts at Lumetrade: what lies on each, how money comes in, and opening another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, openings
from payments.enums import RequestStatus
from payments.forms.trades import OpenAccountForm
from payments.life import Life
from payments.models import AccountOpening, Balance, DepositWallet, NotPossible
from payments.sight import MAY_SEE
from payments.trading import currencies
from payments.views.withdrawal import STOP_POLLING
from staff import masking
from staff.forms import ReasonForm
from staff.permissions import Permission, Person, can, permission_required
from staff.sessions import person_of
from upstreams import credentials
from upstreams.enums import Upstream
from upstreams.outbox import waits_for_people

SHOWN_FOR = timedelta(hours=12)  # what became of an opening
# What many accounts share is shown to everybody, whatever way it is spelled. All else is masked for
# those who hand nothing on: a new field of theirs tells an account until somebody has looked at it.
_SHARED = frozenset(
    {
        *("bankname", "bankcode", "branchcode", "branchname", "accounttype", "swiftcode", "bic"),
        *("currency", "country", "network"),
    }
)
_NAMES = frozenset({"accountname", "accountholder", "name"})


@dataclass(frozen=True)
class Way:
    """One way to pay in: name and value of each line, and whether it may be copied."""

    name: str
    lines: list[tuple[str, str, bool]]
    as_text: str


@dataclass(frozen=True)
class Account:
    """One currency: what lies there, and how money comes in."""

    balance: Balance
    ways: list[Way]


@require_safe
@permission_required(*MAY_SEE)
def accounts(request: HttpRequest) -> HttpResponse:
    """Every account, with the ways to pay into it."""
    return _page(request, OpenAccountForm())


@require_safe
@permission_required(*MAY_SEE)
def accounts_live(request: HttpRequest) -> HttpResponse:
    """How what was asked for stands now; stops asking when all is over."""
    context = {**_openings(request), "is_live": True}
    status = 200 if context["is_moving"] else STOP_POLLING
    return render(request, "payments/_openings.html", context, status=status)


@require_POST
@permission_required(Permission.OPEN_ACCOUNTS)
def account_open(request: HttpRequest) -> HttpResponse:
    """Ask for an account in another currency."""
    form = OpenAccountForm(request.POST)
    if form.is_valid():
        try:
            made = actions.open_account(
                currency=form.cleaned_data["currency"], by=person_of(request), at=timezone.now()
            )
        except NotPossible as refusal:
            form.add_error("currency", str(refusal))
        else:
            said = gettext("An account in %(currency)s is asked for.")
            messages.success(request, said % {"currency": made.currency})
            return redirect("payments:accounts")
    return _page(request, form, status=422)


@require_POST
@permission_required(Permission.OPEN_ACCOUNTS)
def account_look(request: HttpRequest, code: str) -> HttpResponse:
    """Let the desk look once more for an account whose opening got no clear answer."""
    opening = get_object_or_404(AccountOpening, code=code)
    try:
        actions.look_for_account(opening_id=opening.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("The desk looks for it now."))
    return redirect("payments:accounts")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.OPEN_ACCOUNTS)
def account_close(request: HttpRequest, code: str) -> HttpResponse:
    """Ask why, and close an opening without a clear answer as not opened."""
    opening = get_object_or_404(AccountOpening.objects.select_related("created_by"), code=code)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.close_opening(
                opening_id=opening.pk,
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            )
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("%(code)s is closed.") % {"code": code})
            return redirect("payments:accounts")
    context = {"opening": opening, "form": form, "now": timezone.now()}
    status = 422 if form.errors else 200
    return render(request, "payments/account_close.html", context, status=status)


def _page(request: HttpRequest, form: OpenAccountForm, *, status: int = 200) -> HttpResponse:
    context = {
        **_openings(request),
        "is_live": False,
        "accounts": _accounts(request.user),
        "form": form,
        "may_open": can(request.user, Permission.OPEN_ACCOUNTS),
        "may_ask": can(request.user, Permission.ASK_QUOTES),
        "is_configured": credentials.is_configured(Upstream.LUMETRADE),
        "now": timezone.now(),
    }
    return render(request, "payments/accounts.html", context, status=status)


def _accounts(person: Person) -> list[Account]:
    """Two queries, however many accounts there are."""
    hands_on = can(person, Permission.MAKE_DEPOSITS) or can(person, Permission.OPEN_ACCOUNTS)
    ways = defaultdict(list)
    rows = DepositWallet.objects.listed().filter(upstream=Upstream.LUMETRADE)
    for wallet in rows.order_by("currency", "method", "network", "pk"):
        ways[wallet.currency].append(_way(wallet, hands_on=hands_on))
    balances = currencies.accounts().order_by("currency")
    return [Account(balance, ways[balance.currency]) for balance in balances]


def _way(wallet: DepositWallet, *, hands_on: bool) -> Way:
    if not hands_on:
        masked = [(label, _masked(name, value), False) for name, label, value in wallet.lines]
        return Way(wallet.way, masked, as_text="")
    lines = [(label, value, True) for _name, label, value in wallet.lines]
    text = "\n".join(f"{label}: {value}" for label, value, _ in lines)
    return Way(wallet.way, lines, as_text=f"{wallet.currency} {wallet.way}\n{text}")


def _masked(name: str, value: str) -> str:
    plain = name.replace("_", "").lower()
    if plain in _SHARED:
        return value
    return masking.mask_name(value) if plain in _NAMES else masking.mask_account(value)


def _openings(request: HttpRequest) -> dict[str, Any]:
    """What was asked for lately: one query, and one for each whose outcome is unknown."""
    now = timezone.now()
    lately = Q(created_at__gte=now - SHOWN_FOR)
    rows = AccountOpening.objects.under_way() | AccountOpening.objects.filter(lately)
    shown = list(rows.order_by("-created_at", "-pk")[:5])
    may_open = can(request.user, Permission.OPEN_ACCOUNTS)
    return {
        "openings": [_told(opening, may_open=may_open) for opening in shown],
        "is_moving": any(openings.is_moving(opening) for opening in shown),
        "now": now,
    }


def _told(opening: AccountOpening, *, may_open: bool) -> tuple[AccountOpening, Life, bool]:
    """An opening, where it stands, and whether this person may let the desk look again."""
    in_doubt = opening.status == RequestStatus.UNKNOWN
    command = openings.newest_command(opening) if in_doubt else None
    is_given_up = command is not None and waits_for_people(command)
    return opening, openings.tell(opening, command), may_open and is_given_up
