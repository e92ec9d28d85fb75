"""The hits on one customer: looked at one by one, side by side with what we know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers import actions
from customers.enums import HitState
from customers.forms.screening import ReasonForm, VerdictForm
from customers.models import Customer, Hit, ScreeningStanding
from customers.screening import showing
from customers.screening.showing import Section, Shown
from customers.sight import Sight
from customers.views.screenings import ScreeningsView
from staff import lists
from staff.permissions import Permission, permission_required
from staff.sessions import person_of
from upstreams import credentials
from upstreams.enums import Upstream

STOP_POLLING = 286  # htmx: swap this one in and ask no more


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was shown."""

    label: str
    before: str
    after: str


class Page:
    """All that the page of one customer's hits shows to one person."""

    def __init__(self, request: HttpRequest, pk: int) -> None:
        self.request = request
        self.view = ScreeningsView(request)
        self.person = person_of(request)
        self.customer = get_object_or_404(Customer.objects.select_related("merged_into"), pk=pk)
        self.now = self.view.now
        self.back = _local(request.GET.get("back", ""))

    @cached_property
    def section(self) -> Section:
        found = showing.section(
            self.customer, viewer=self.person, now=self.now, back=self.back, compares=True
        )
        assert found is not None  # the view is for those who see KYC cases
        return found

    @cached_property
    def current(self) -> Shown | None:
        """The hit that the address asks for, else the likeliest open one, else the first."""
        wanted = self.request.GET.get("hit", "")
        for shown in self.section.hits:
            if str(shown.hit.pk) == wanted:
                return shown
        return self.section.hits[0] if self.section.hits else None

    @cached_property
    def place(self) -> lists.Place[ScreeningStanding] | None:
        """Where this customer stands in the queue it was opened from."""
        standing = ScreeningStanding.objects.filter(customer=self.customer).first()
        if standing is None or self.view.is_never:
            return None
        return lists.place(self.view.rows(), order=self.view.tab.order, row=standing)

    def address(self, hit_id: int | None = None) -> str:
        """This page, at one of the hits."""
        url = reverse("customers:screening", args=[self.customer.pk])
        if hit_id is None:
            return f"{url}{self.query}"
        return f"{url}{self.query or '?'}{'&' if self.query else ''}{urlencode({'hit': hit_id})}"

    def find(self, hit_id: int) -> Hit:
        """One of this person's hits, or the 404."""
        return get_object_or_404(
            Hit.objects.of(self.customer).select_related("screening"), pk=hit_id
        )

    @property
    def query(self) -> str:
        """What the page carries on: its view, and the way back."""
        query = self.request.GET.copy()
        query.pop("hit", None)
        return f"?{query.urlencode()}" if query else ""

    @property
    def name(self) -> str:
        return Sight.of(self.person).name(self.customer.name) or gettext("not named")

    @property
    def cannot_screen(self) -> str:
        if not credentials.is_configured(Upstream.LUX):
            return gettext("Lux Financial is not configured.")
        return ""

    def context(self) -> dict[str, Any]:
        return {
            "page": self,
            "hits": self.section,
            "current": self.current,
            "customer": self.customer,
            "now": self.now,
        }


@require_safe
@permission_required(Permission.SEE_KYC)
def screening(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one customer's hits."""
    return _shown(Page(request, pk))


@require_safe
@permission_required(Permission.SEE_KYC)
def screening_live(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether they are still being screened; stops asking when there is an answer."""
    page = Page(request, pk)
    status = 200 if page.section.under_way else STOP_POLLING
    context = {**page.context(), "is_answered": not page.section.under_way}
    return render(request, "customers/_screening_live.html", context, status=status)


@require_POST
@permission_required(Permission.JUDGE_HITS)
def screening_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Have this customer screened now."""
    page = Page(request, pk)
    try:
        actions.screen_now(customer=page.customer, by=page.person, at=timezone.now())
    except actions.ScreeningNotPossible as refusal:
        messages.warning(request, str(refusal))
    return redirect(page.address())


@require_POST
@permission_required(Permission.JUDGE_HITS)
def hit_judge(request: HttpRequest, pk: int, hit_id: int) -> HttpResponse:
    """Say of one hit whether it is the customer, and go on with the next."""
    page = Page(request, pk)
    hit = page.find(hit_id)
    form = VerdictForm(request.POST, saw=actions.hit_as_seen(hit))
    if not form.is_valid():
        return _shown(page, form=form, hit=hit)
    try:
        judged = actions.judge_hit(
            hit_id=hit.pk,
            verdict=HitState(form.cleaned_data["verdict"]),
            reason=form.cleaned_data["reason"],
            saw=form.cleaned_data["saw"],
            by=page.person,
            at=timezone.now(),
        )
    except actions.ScreeningNotPossible as refusal:
        form.add_error(None, str(refusal))
        return _shown(page, form=form, hit=hit)
    except actions.HitChanged as refusal:
        return _changed(page, refusal)
    return _go_on(page, judged)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.JUDGE_HITS)
def hit_reopen(request: HttpRequest, pk: int, hit_id: int) -> HttpResponse:
    """Ask why, and take a verdict back."""
    page = Page(request, pk)
    hit = page.find(hit_id)
    form = ReasonForm(
        request.POST if request.method == "POST" else None, saw=actions.hit_as_seen(hit)
    )
    if form.is_valid():
        try:
            actions.reopen_hit(
                hit_id=hit.pk,
                reason=form.cleaned_data["reason"],
                saw=form.cleaned_data["saw"],
                by=page.person,
                at=timezone.now(),
            )
        except actions.ScreeningNotPossible as refusal:
            form.add_error(None, str(refusal))
        except actions.HitChanged as refusal:
            return _changed(page, refusal)
        else:
            messages.success(request, gettext("The hit is open again."))
            return redirect(page.address(hit.pk))
    shown = showing.shown(hit, sight=Sight.comparing(page.person), url=page.address())
    context = {**page.context(), "form": form, "shown": shown, "back": page.address(hit.pk)}
    status = 422 if form.errors else 200
    return render(request, "customers/hit_reopen.html", context, status=status)


def _shown(page: Page, *, form: VerdictForm | None = None, hit: Hit | None = None) -> HttpResponse:
    """Draw the page at one hit, with what was typed about it."""
    current = page.current
    if hit is not None:
        current = next(shown for shown in page.section.hits if shown.hit.pk == hit.pk)
    if form is None and current is not None:
        form = VerdictForm(saw=actions.hit_as_seen(current.hit))
    place = page.place
    context = {
        **page.context(),
        "current": current,
        "form": form,
        "place_words": _place_words(place) if place else "",
        "previous": page.view.address(place.previous.customer_id)
        if place and place.previous
        else "",
        "next": page.view.address(place.next.customer_id) if place and place.next else "",
    }
    status = 422 if form is not None and form.errors else 200
    return render(page.request, "customers/screening.html", context, status=status)


def _go_on(page: Page, judged: Hit) -> HttpResponse:
    """To the next open hit of this customer, or back to where the page was opened from."""
    waiting = [shown for shown in page.section.hits if shown.is_unseen]
    if judged.state == HitState.TRUE:
        messages.warning(
            page.request,
            gettext("The customer is held: nothing of theirs is signed or sent."),
        )
    if waiting:
        return redirect(page.address(waiting[0].hit.pk))
    messages.success(
        page.request, gettext("All hits on %(name)s are looked at.") % {"name": page.name}
    )
    return redirect(page.back or page.address(judged.pk))


def _changed(page: Page, refusal: actions.HitChanged) -> HttpResponse:
    """The 409: somebody else was faster, or they were screened again."""
    context = {
        **page.context(),
        "refusal": str(refusal),
        "differences": _differences(refusal),
        "back": page.address(refusal.hit.pk),
    }
    return render(page.request, "customers/hit_changed.html", context, status=409)


def _differences(refusal: actions.HitChanged) -> list[Difference]:
    """What is not as it was shown; a form that was tampered with shows no more than that."""
    hit, seen = refusal.hit, gettext("as you saw it")
    state, version, asked, listed = [*refusal.saw.split("."), "", "", "", ""][:4]
    now = actions.hit_as_seen(hit).split(".")
    found = []
    if state != now[0]:
        before = gettext(HitState(state).label) if state in HitState.values else seen
        found.append(Difference(gettext("Verdict"), before, _verdict(hit)))
    if version != now[1]:
        found.append(Difference(gettext("What the list tells"), seen, gettext("something else")))
    if asked != now[2]:
        found.append(Difference(gettext("The customer's data"), seen, gettext("something else")))
    if listed != now[3]:
        found.append(Difference(gettext("On the list"), seen, showing.state_words(hit)))
    return found


def _verdict(hit: Hit) -> str:
    words = showing.state_words(hit)
    if hit.state == HitState.OPEN or hit.judged_by is None:
        return words
    return gettext("%(verdict)s, says %(who)s") % {"verdict": words, "who": hit.judged_by.email}


def _place_words(place: lists.Place[ScreeningStanding]) -> str:
    if place.position is None:
        return gettext("not in this queue, %(total)s there") % {"total": place.total}
    return gettext("%(position)s of %(total)s") % {
        "position": place.position,
        "total": place.total,
    }


def _local(path: str) -> str:
    """A way back within the desk, "" for any other."""
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, None)
    return path if is_ours else ""
