"""The queue of customers who look like somebody listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from customers import words
from customers.forms.screening import ScreeningFilter
from customers.models import Customer, CustomerQuerySet, Hit, SanctionsList, ScreeningStanding
from customers.models.screenings import StandingQuerySet
from customers.people import profile_of
from customers.screening import showing
from customers.sight import Sight
from staff import lists
from staff.permissions import Permission, permission_required

LIKELIEST = lists.Order("rank", newest_first=True)
LATEST = lists.Order("screened_at", newest_first=True)
NEWEST = lists.Order("created_at", newest_first=True)
NEVER = "never"


@dataclass(frozen=True)
class Tab:
    """One state of the queue, and how it is sorted."""

    key: str
    label: Promise
    rows: Callable[[StandingQuerySet], StandingQuerySet]
    order: lists.Order = LIKELIEST


TABS = {
    tab.key: tab
    for tab in (
        Tab("review", _("To review"), lambda rows: rows.to_review()),
        Tab("unsure", _("Not sure"), lambda rows: rows.unsure()),
        Tab("true", _("It is them"), lambda rows: rows.found()),
        Tab("all", _("All"), lambda rows: rows, LATEST),
    )
}


@dataclass(frozen=True)
class Row:
    """One line of the queue, as this person may read it."""

    name: str
    url: str
    kyc: str
    kyc_words: str
    standing: ScreeningStanding | None
    hit: Hit | None
    likeliest: str
    agreeing: Sequence[str]
    since: datetime


class ScreeningsView:
    """One person's view of the queue, as its address says it. The page of one walks in it too."""

    def __init__(self, request: HttpRequest) -> None:
        self.query: QueryDict = request.GET
        self.sight = Sight.of(request.user)
        self.now = timezone.now()
        wanted = request.GET.get("tab", "")
        self.is_never = wanted == NEVER
        self.tab = TABS.get(wanted) or TABS["review"]
        self.filter = ScreeningFilter(request.GET)

    @cached_property
    def _found(self) -> StandingQuerySet:
        return self.filter.narrow(ScreeningStanding.objects.all())

    def rows(self, tab: Tab | None = None) -> StandingQuerySet:
        """Return what this view holds, or what another tab would hold under the same filters."""
        return (tab or self.tab).rows(self._found)

    def never(self) -> CustomerQuerySet:
        """Customers of Lux Financial's about whom nobody was asked yet."""
        known = Customer.objects.filter(profile__isnull=False, standing=None)
        return self.filter.narrow_customers(known.exclude(Q(profile__status="deleted")))

    @cached_property
    def total(self) -> lists.Count:
        return lists.count(self.never() if self.is_never else self.rows())

    def tabs(self) -> list[dict[str, object]]:
        told: list[dict[str, object]] = [
            {
                "label": tab.label,
                "url": lists.address(self.query, tab=tab.key),
                "count": self._count(self.rows(tab), not self.is_never and tab is self.tab),
                "is_current": not self.is_never and tab is self.tab,
            }
            for tab in TABS.values()
        ]
        never: dict[str, object] = {
            "label": gettext("Never screened"),
            "url": lists.address(self.query, tab=NEVER),
            "count": self._count(self.never(), self.is_never),
            "is_current": self.is_never,
        }
        return [*told, never]

    @property
    def carried(self) -> str:
        """Return what an address needs to remember this view."""
        kept = self.query.copy()
        for name in ("hit", "back"):
            kept.pop(name, None)
        return f"?{kept.urlencode()}" if kept else ""

    @property
    def list_address(self) -> str:
        return f"{reverse('customers:screenings')}{self.carried}"

    def address(self, customer_id: int) -> str:
        """Return the page of one customer's hits, within this view."""
        return f"{reverse('customers:screening', args=[customer_id])}{self.carried}"

    @property
    def nothing(self) -> str:
        """Return what to say when the view is empty."""
        if self.filter.in_force:
            return gettext("Nobody fits these filters in this queue.")
        if self.is_never:
            return gettext("Everybody whom Lux Financial knows has been screened.")
        if self.tab.key == "review":
            return gettext("No hit waits for a verdict.")
        return gettext("Nobody here.")

    def _count(self, rows: StandingQuerySet | CustomerQuerySet, is_current: bool) -> int | str:
        return self.total.shown if is_current else lists.count(rows, is_current=False).shown


@require_safe
@permission_required(Permission.SEE_KYC)
def screenings(request: HttpRequest) -> HttpResponse:
    """The queue, and how fresh the lists are."""
    view = ScreeningsView(request)
    if view.is_never:
        new = lists.page(view.never().select_related("profile"), order=NEWEST, query=view.query)
        pages = lists.steps(new, query=view.query, total=view.total)
        rows = [_row(customer, None, None, view) for customer in new.rows]
        size = new.size
    else:
        found = view.rows().select_related("customer__profile")
        page = lists.page(found, order=view.tab.order, query=view.query)
        pages = lists.steps(page, query=view.query, total=view.total)
        likeliest = _likeliest([standing.customer_id for standing in page.rows])
        rows = [
            _row(standing.customer, standing, likeliest.get(standing.customer_id), view)
            for standing in page.rows
        ]
        size = page.size
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    context = {
        "view": view,
        "now": view.now,
        "rows": rows,
        "pages": pages,
        "size": size,
        "tabs": view.tabs(),
        "chips": view.filter.chips(view.query),
        "cleared": view.filter.cleared(view.query),
        "lists": SanctionsList.objects.order_by("-is_listed", "code"),
    }
    template = "customers/screenings.html"
    is_fragment = htmx and htmx.target == "results"
    return render(request, f"{template}#results" if is_fragment else template, context)


def _likeliest(customers: Sequence[int]) -> dict[int, Hit]:
    """The hit that puts each of them where they stand: an open one before the others."""
    found: dict[int, Hit] = {}
    hits = Hit.objects.filter(customer__in=customers, is_listed=True).likeliest_first()
    for hit in sorted(hits, key=lambda hit: not hit.is_open):
        found.setdefault(hit.customer_id, hit)
    return found


def _row(
    customer: Customer, standing: ScreeningStanding | None, hit: Hit | None, view: ScreeningsView
) -> Row:
    profile = profile_of(customer)
    return Row(
        name=view.sight.name(customer.name) or gettext("not named"),
        url=view.address(customer.pk),
        kyc=profile.kyc_status if profile else "",
        kyc_words=words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
        standing=standing,
        hit=hit,
        likeliest=view.sight.name(str(hit.facts.get("matched_name", ""))) if hit else "",
        agreeing=showing.agreeing_words(hit.agreeing) if hit else [],
        since=customer.created_at,
    )
