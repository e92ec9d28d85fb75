"""The queue of withdrawals: one view of it, and what is new since it was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from payments import checks, policies, words
from payments.enums import Origin, Status
from payments.forms.filters import WithdrawalFilter
from payments.models import Policy, Withdrawal
from payments.models.bulk import MOST_AT_ONCE
from payments.queues import WithdrawalQuerySet
from payments.sight import MAY_SEE, Sight
from staff import claims, lists
from staff.columns import Column, Columns
from staff.models import Claim, User
from staff.permissions import Permission, can, permission_required
from staff.saved_views import opens_first

SUBJECT = "payments.withdrawal"
MOST_CLAIMED = max(lists.SIZES)
MAY_WORK = (Permission.SIGN_WITHDRAWALS, Permission.MAKE_WITHDRAWALS)

COLUMNS = (
    Column("due", _("Due"), is_fixed=True),
    Column("code", _("Code"), is_fixed=True),
    Column("recipient", _("Recipient"), is_fixed=True),
    Column("amount", _("Amount"), "num", is_fixed=True),
    Column("rail", _("Rail")),
    Column("state", _("State")),
    Column("flags", _("Flags")),
    Column("signed", _("Signed")),
    Column("claimed", _("Claimed")),
    Column("theirs", _("Theirs")),
)

ORDERS = {
    "due": (lists.Order("due_at"), _("Due first")),
    "newest": (lists.Order("created_at", newest_first=True), _("Newest first")),
}


@dataclass(frozen=True)
class Tab:
    """One state of the queue, and how it is sorted unless somebody asks otherwise."""

    key: str
    label: Promise
    rows: Callable[[WithdrawalQuerySet, User, datetime], WithdrawalQuerySet]
    order: str = "newest"


TABS = {
    tab.key: tab
    for tab in (
        Tab(
            "mine", _("Needs my decision"), lambda rows, me, now: rows.needs_decision_of(me), "due"
        ),
        Tab(
            "others",
            _("Waiting for others"),
            lambda rows, me, now: rows.waiting_for_others(me),
            "due",
        ),
        Tab("flight", _("In flight"), lambda rows, me, now: rows.in_flight()),
        Tab("attention", _("Needs attention"), lambda rows, me, now: rows.needs_attention(now=now)),
        Tab("done", _("Done"), lambda rows, me, now: rows.done()),
        Tab("all", _("All"), lambda rows, me, now: rows),
    )
}


class QueueView:
    """One person's view of the queue, as its address says it. The detail page walks in it too."""

    def __init__(self, request: HttpRequest) -> None:
        assert isinstance(request.user, User)
        self.query: QueryDict = request.GET
        self.person = request.user
        self.now = timezone.now()
        self.tab = TABS.get(request.GET.get("tab", "")) or _first_tab(request.user)
        wanted = request.GET.get("order", "")
        self.order_key = wanted if wanted in ORDERS else self.tab.order
        self.order = ORDERS[self.order_key][0]
        sight = Sight.of(self.person)
        self.filter = WithdrawalFilter(request.GET, with_names=sight.names_in_clear)

    @cached_property
    def _found(self) -> WithdrawalQuerySet:
        return self.filter.narrow(Withdrawal.objects.all())

    def rows(self, tab: Tab | None = None) -> WithdrawalQuerySet:
        """Return what this view holds, or what another tab would hold under the same filters."""
        return (tab or self.tab).rows(self._found, self.person, self.now)

    @cached_property
    def totals(self) -> dict[str, lists.Count]:
        """How much every tab holds under these filters; one capped count each."""
        return {
            tab.key: lists.count(self.rows(tab), is_current=tab is self.tab)
            for tab in TABS.values()
        }

    def tabs(self) -> list[dict[str, object]]:
        return [
            {
                "label": tab.label,
                "url": lists.address(self.query, tab=tab.key, order=None),
                "count": self.totals[tab.key].shown,
                "is_current": tab is self.tab,
            }
            for tab in TABS.values()
        ]

    def orders(self) -> list[dict[str, object]]:
        return [
            {
                "label": label,
                "url": lists.address(self.query, order=key),
                "is_current": key == self.order_key,
            }
            for key, (_order, label) in ORDERS.items()
        ]

    @property
    def carried(self) -> str:
        """Return what an address needs to remember this view."""
        return f"?{self.query.urlencode()}" if self.query else ""

    def address(self, row: Withdrawal) -> str:
        """Return the address of one withdrawal that remembers this view."""
        return f"{row.get_absolute_url()}{self.carried}"

    @property
    def name(self) -> str:
        """Return what tells this view from others, whichever page of it is shown."""
        return lists.address(self.query, tab=self.tab.key, order=None, size=None)

    @property
    def nothing(self) -> str:
        """Return what to say when the view is empty."""
        if self.filter.in_force:
            return gettext("Nothing fits these filters in this queue.")
        if self.tab.key == "mine":
            return gettext("Nothing waits for your decision.")
        return gettext("Nothing here.")

    @property
    def list_address(self) -> str:
        """Return the way back: the same page of the same view."""
        return f"{reverse('payments:withdrawals')}{self.carried}"


def _first_tab(person: User) -> Tab:
    return TABS["mine" if can(person, Permission.SIGN_WITHDRAWALS) else "others"]


_FLAG_MARKS = {
    checks.holds.HELD: ("bad", "hand"),
    checks.history.DUPLICATE: ("bad", "copy"),
    checks.history.BENEFICIARY: ("warn", "user-plus"),
}


@dataclass(frozen=True)
class Mark:
    """Something to notice in a row, as icon, word and colour."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Row:
    """One line of the queue, ready to be drawn."""

    withdrawal: Withdrawal
    url: str
    recipient: str
    signed: str
    claimed: str
    theirs: str
    as_of: datetime | None
    marks: list[Mark]
    is_waiting: bool
    is_overdue: bool


@require_safe
@permission_required(*MAY_SEE)
@opens_first
def withdrawals(request: HttpRequest) -> HttpResponse:
    """The queue."""
    view = QueueView(request)
    may_claim = any(can(view.person, permission) for permission in MAY_WORK)
    page = lists.page(view.rows().with_queue_facts(), order=view.order, query=view.query)
    return render(
        request,
        "payments/withdrawals.html#results"
        if _is_fragment(request)
        else "payments/withdrawals.html",
        {
            "view": view,
            "now": view.now,
            "page": page,
            "columns": Columns(COLUMNS, view.query, before=int(may_claim)),
            "pages": lists.steps(page, query=view.query, total=view.totals[view.tab.key]),
            "query": view.carried,
            "nothing": view.nothing,
            "rows": _rows(page.rows, view),
            "tabs": view.tabs(),
            "orders": view.orders(),
            "chips": view.filter.chips(view.query),
            "cleared": view.filter.cleared(view.query),
            "news_url": _news_address(view),
            "may_make": can(view.person, Permission.MAKE_WITHDRAWALS),
            "may_claim": may_claim,
            "may_sign": can(view.person, Permission.SIGN_WITHDRAWALS),
            "bulk_url": f"{reverse('payments:bulk-start')}{view.carried}",
            "whole": view.totals[view.tab.key],
            "most_at_once": MOST_AT_ONCE,
            "most_claimed": MOST_CLAIMED,
        },
    )


@require_safe
@permission_required(*MAY_SEE)
def withdrawals_news(request: HttpRequest) -> HttpResponse:
    """How many rows came into this view since it was drawn. Nothing moves by itself."""
    view = QueueView(request)
    since = _moment(request.GET.get("since", ""))
    fresh = lists.count(view.rows().filter(created_at__gt=since)) if since else lists.Count(0)
    url = f"{reverse('payments:withdrawals')}{lists.address(view.query, since=None)}"
    return render(request, "payments/_news.html", {"fresh": fresh, "url": url})


@require_POST
@permission_required(*MAY_WORK)
def withdrawals_claim(request: HttpRequest) -> HttpResponse:
    """Claim the picked rows, and say which ones somebody else is looking at."""
    view, taken, codes = QueueView(request), [], request.POST.getlist("pick")
    picked = Withdrawal.objects.filter(code__in=codes[:MOST_CLAIMED])
    rows = list(picked.order_by("pk"))
    for row in rows:
        try:
            claims.claim(subject=row, by=view.person, at=view.now)
        except claims.ClaimedByOther as other:
            taken.append(f"{row.code}: {other}")
    if claimed := len(rows) - len(taken):
        messages.success(
            request,
            ngettext("You look at %(n)s.", "You look at %(n)s of them.", claimed) % {"n": claimed},
        )
    for refusal in taken:
        messages.warning(request, refusal)
    if len(codes) > MOST_CLAIMED:
        most = {"most": MOST_CLAIMED}
        messages.info(request, gettext("At most %(most)s are claimed at once.") % most)
    if not rows:
        messages.info(request, gettext("No row was picked."))
    return redirect(view.list_address)


def _is_fragment(request: HttpRequest) -> bool:
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and htmx.target == "results"


def _rows(withdrawals: list[Withdrawal], view: QueueView) -> list[Row]:
    """Dress the rows of one page, for as many queries as one row takes."""
    held = claims.for_subjects(SUBJECT, [row.pk for row in withdrawals], view.now)
    flags = checks.flags_for(withdrawals)
    published = policies.published(view.now)
    sight = Sight.of(view.person)
    return [
        Row(
            withdrawal=row,
            url=view.address(row),
            recipient=sight.name(row.recipient_name or row.customer_name) or gettext("not named"),
            signed=_signed(row, published),
            claimed=_claimed(held.get(str(row.pk)), view.person, view.now),
            theirs=words.at_provider(row),
            as_of=row.payment.seen_at if row.payment else None,
            marks=_marks(row, flags[row.pk]),
            is_waiting=row.status == Status.AWAITING_APPROVAL,
            is_overdue=row.status == Status.AWAITING_APPROVAL and row.due_at <= view.now,
        )
        for row in withdrawals
    ]


def _signed(row: Withdrawal, published: tuple[Policy, ...]) -> str:
    """Return how many signatures there are of those it needs."""
    needed = row.signatures_required
    if row.status == Status.AWAITING_APPROVAL:
        needed = policies.requirement_for(row, policies=published).signatures
    if needed is None:
        return ""
    given: int = row.signed  # type: ignore[attr-defined]  # with_queue_facts counts them
    return gettext("%(given)s of %(needed)s") % {"given": given, "needed": needed}


def _marks(row: Withdrawal, flags: list[checks.Flag]) -> list[Mark]:
    marks = [Mark(flag.text, *_FLAG_MARKS[flag.code]) for flag in flags]
    if row.origin == Origin.UPSTREAM:
        marks.append(Mark(gettext("seen at provider"), "", "cloud-download"))
    return marks


def _claimed(claim: Claim | None, me: User, now: datetime) -> str:
    """Return who looks at it and for how many minutes still."""
    if claim is None:
        return ""
    minutes = max(1, round((claim.expires_at - now).total_seconds() / 60))
    who = gettext("you") if claim.user_id == me.pk else claim.user.email.partition("@")[0]
    return gettext("%(who)s, %(minutes)s min") % {"who": who, "minutes": minutes}


def _news_address(view: QueueView) -> str:
    asked = lists.address(view.query, tab=view.tab.key, since=view.now.isoformat())
    return f"{reverse('payments:withdrawals-news')}{asked}"


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
