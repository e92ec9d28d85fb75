"""The queue of KYC cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from customers import words
from customers.enums import CustomerKind
from customers.forms.cases import CaseFilter
from customers.kyc import queue
from customers.kyc.queue import SUBJECT, TABS, Tab
from customers.models import OVER, KycCase, Profile
from customers.models.cases import KycCaseQuerySet
from customers.people import profile_of
from customers.sight import Sight
from staff import claims, lists
from staff.columns import Column, Columns
from staff.models import Claim, User
from staff.permissions import Permission, can, permission_required
from staff.saved_views import opens_first
from staff.sessions import person_of

ORDERS: Final = {
    "due": (lists.Order("due_at"), _("Due first")),
    "newest": (lists.Order("opened_at", newest_first=True), _("Newest first")),
}
COLUMNS: Final = (
    Column("due", _("Due"), is_fixed=True),
    Column("code", _("Code"), is_fixed=True),
    Column("customer", _("Customer")),
    Column("ours", _("Ours")),
    Column("theirs", _("Theirs")),
    Column("risk", _("Risk")),
    Column("flags", _("Flags")),
    Column("documents", _("Documents"), "num"),
    Column("claimed", _("Claimed")),
)


class CasesView:
    """One person's view of the queue, as its address says it. The case page walks in it too."""

    def __init__(self, request: HttpRequest) -> None:
        self.query: QueryDict = request.GET
        self.person = person_of(request)
        self.now = timezone.now()
        self.tab = TABS.get(request.GET.get("tab", "")) or self._first_tab
        wanted = request.GET.get("order", "")
        self.order_key = wanted if wanted in ORDERS else self.tab.order
        self.order = ORDERS[self.order_key][0]
        self.sight = Sight.of(self.person)
        self.filter = CaseFilter(request.GET, with_names=self.sight.names_in_clear)

    @property
    def _first_tab(self) -> Tab:
        is_lead = can(self.person, Permission.CONFIRM_KYC)
        return TABS["second" if is_lead else "review"]

    @cached_property
    def _found(self) -> KycCaseQuerySet:
        return self.filter.narrow(KycCase.objects.all(), person=self.person, now=self.now)

    def rows(self, tab: Tab | None = None) -> KycCaseQuerySet:
        """What this view holds, or what another tab would hold under the same filters."""
        return (tab or self.tab).rows(self._found)

    @cached_property
    def totals(self) -> dict[str, lists.Count]:
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
        """What an address needs to remember this view."""
        query = self.query.copy()
        query.pop("look", None)  # the word that opens documents is for one page
        return f"?{query.urlencode()}" if query else ""

    def address(self, case: KycCase) -> str:
        """The address of one case that remembers this view."""
        return f"{case.get_absolute_url()}{self.carried}"

    @property
    def list_address(self) -> str:
        return f"{reverse('customers:cases')}{self.carried}"

    @property
    def nothing(self) -> str:
        """What to say when the view is empty."""
        if self.filter.in_force:
            return gettext("Nothing fits these filters in this queue.")
        if self.tab.key == "review":
            return gettext("Nobody waits to be reviewed.")
        return gettext("Nothing here.")


@dataclass(frozen=True)
class Mark:
    """Something to notice in a row, as icon, word and colour."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Row:
    """One line of the queue, ready to be drawn."""

    case: KycCase
    url: str
    name: str
    kind: str
    profile: Profile | None
    theirs: str
    risk: str
    marks: list[Mark]
    documents: int
    claimed: str
    is_over: bool
    is_late: bool


@require_safe
@permission_required(Permission.SEE_KYC)
@opens_first
def cases(request: HttpRequest) -> HttpResponse:
    """The queue."""
    view = CasesView(request)
    page = lists.page(queue.for_queue(view.rows()), order=view.order, query=view.query)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    is_fragment = htmx and htmx.target == "results"
    following = queue.upcoming(view.person, now=view.now)
    return render(
        request,
        "customers/cases.html#results" if is_fragment else "customers/cases.html",
        {
            "view": view,
            "now": view.now,
            "page": page,
            "columns": Columns(COLUMNS, view.query),
            "pages": lists.steps(page, query=view.query, total=view.totals[view.tab.key]),
            "nothing": view.nothing,
            "rows": _rows(page.rows, view),
            "tabs": view.tabs(),
            "orders": view.orders(),
            "chips": view.filter.chips(view.query),
            "cleared": view.filter.cleared(view.query),
            "next": following[0] if following else None,
        },
    )


def claimed_words(claim: Claim | None, me: User, now: datetime) -> str:
    """Who looks at it, and for how many minutes still."""
    if claim is None:
        return ""
    who = gettext("you") if claim.user_id == me.pk else claim.user.name or claim.user.email
    return gettext("%(who)s, %(n)s min left") % {"who": who, "n": minutes_left(claim, now)}


def minutes_left(claim: Claim, now: datetime) -> int:
    return max(1, round((claim.expires_at - now).total_seconds() / 60))


def _rows(found: list[KycCase], view: CasesView) -> list[Row]:
    """Dress the rows of one page, for as many queries as one row takes."""
    held = claims.for_subjects(SUBJECT, [row.pk for row in found], view.now)
    return [_row(case, held.get(str(case.pk)), view) for case in found]


def _row(case: KycCase, claim: Claim | None, view: CasesView) -> Row:
    profile = profile_of(case.customer)
    is_over = case.status in OVER
    return Row(
        case=case,
        url=view.address(case),
        name=view.sight.name(case.customer.name) or gettext("not named"),
        kind=gettext(CustomerKind(case.customer.kind).label) if case.customer.kind else "",
        profile=profile,
        theirs=words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
        risk=words.say(words.RISKS, profile.risk_rating) if profile and profile.risk_rating else "",
        marks=list(_marks(case)),
        documents=case.kept_documents,  # type: ignore[attr-defined]  # for_queue counts them
        claimed=claimed_words(claim, view.person, view.now),
        is_over=is_over,
        is_late=not is_over and case.due_at <= view.now,
    )


def _marks(case: KycCase) -> list[Mark]:
    marks = []
    if hits := case.open_hits:  # type: ignore[attr-defined]  # for_queue counts them
        word = ngettext("%(n)s open hit", "%(n)s open hits", hits) % {"n": hits}
        marks.append(Mark(word, "bad", "scan-search"))
    if case.standing_holds:  # type: ignore[attr-defined]
        marks.append(Mark(gettext("held"), "bad", "hand"))
    return marks
