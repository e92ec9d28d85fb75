"""How every provider stands: its feeds, its sending switch, what calls for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from dashboard.context import MAY_SEE_UPSTREAMS
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of
from upstreams import alarms, doorbell, feeds, health, outbox
from upstreams.enums import Upstream
from upstreams.models import Alarm, FeedRun, FeedState, RefusedRecord, SendingSwitch
from upstreams.tasks import run_feed

# Stopping is safe, so many may; sending again moves money, so only people who sign may.
MAY_STOP = (
    Permission.SIGN_WITHDRAWALS,
    Permission.MAKE_WITHDRAWALS,
    Permission.MANAGE_FEEDS,
)
LATE_AFTER = 3  # turns of a feed's clock without a success
SHOWN = 50  # open alarms; more than that are read in the database


@dataclass(frozen=True)
class FeedRow:
    """One feed: what is registered, where it stands, how its last run ended."""

    feed: feeds.Feed
    state: FeedState | None
    run: FeedRun | None
    refused: int
    now: datetime

    @property
    def last_success_at(self) -> datetime | None:
        return self.state.last_success_at if self.state else None

    @property
    def complete_until(self) -> datetime | None:
        """All that was created there before this moment has been read."""
        return self.state.complete_until if self.state else None

    @property
    def standing(self) -> health.State:
        if self.last_success_at is None:
            return health.State.NEVER_SYNCED
        if self.last_success_at < self.now - LATE_AFTER * self.feed.every:
            return health.State.LATE
        return health.State.FRESH


@dataclass(frozen=True)
class Provider:
    """One upstream with all that belongs to it."""

    health: health.Health
    switch: SendingSwitch | None
    feeds: list[FeedRow]

    @property
    def is_stopped(self) -> bool:
        return self.switch is not None and not self.switch.is_on


@require_safe
@permission_required(*MAY_SEE_UPSTREAMS)
def upstreams(request: HttpRequest) -> HttpResponse:
    """The page."""
    now = timezone.now()
    return render(
        request,
        "upstreams/upstreams.html",
        {
            "now": now,
            "providers": _providers(now),
            "alarms": Alarm.objects.open().order_by("-raised_at", "-pk")[:SHOWN],
            "may_stop": any(can(request.user, permission) for permission in MAY_STOP),
            "may_resume": can(request.user, Permission.SIGN_WITHDRAWALS),
            "may_manage": can(request.user, Permission.MANAGE_FEEDS),
        },
    )


@require_POST
@permission_required(*MAY_STOP)
def sending_stop(request: HttpRequest, upstream: str) -> HttpResponse:
    """Stop all sending to one provider. What is queued stays queued."""
    provider = _known(upstream)
    if reason := _reason(request):
        outbox.stop_sending(
            upstream, reason=reason, by_label=person_of(request).email, at=timezone.now()
        )
        messages.success(
            request,
            gettext("Sending to %(provider)s is stopped. What is approved waits.")
            % {"provider": provider.label},
        )
    return redirect("upstreams")


@require_POST
@permission_required(Permission.SIGN_WITHDRAWALS)
def sending_resume(request: HttpRequest, upstream: str) -> HttpResponse:
    """Let commands leave again."""
    provider = _known(upstream)
    if reason := _reason(request):
        outbox.resume_sending(
            upstream, reason=reason, by_label=person_of(request).email, at=timezone.now()
        )
        messages.success(
            request,
            gettext("Sending to %(provider)s goes on. What has waited leaves within seconds.")
            % {"provider": provider.label},
        )
    return redirect("upstreams")


@require_POST
@permission_required(Permission.MANAGE_FEEDS)
def feed_run(request: HttpRequest, name: str) -> HttpResponse:
    """Ask a worker to read one feed now."""
    try:
        feed = feeds.get(name)
    except feeds.UnknownFeed as unknown:
        raise Http404 from unknown
    doorbell.ring(run_feed, name=feed.name)
    messages.info(
        request,
        gettext("%(feed)s: a worker was asked to read it now. Its line changes when it has.")
        % {"feed": feed.label},
    )
    return redirect("upstreams")


@require_POST
@permission_required(Permission.MANAGE_FEEDS)
def alarm_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that an alarm is dealt with, and how."""
    alarm = get_object_or_404(Alarm, pk=pk)
    if reason := _reason(request):
        alarms.close(
            upstream=alarm.upstream,
            code=alarm.code,
            subject=(alarm.subject_type, alarm.subject_id),
            at=timezone.now(),
            by_label=person_of(request).email,
            reason=reason,
        )
        messages.success(request, gettext("The alarm is closed."))
    return redirect("upstreams")


def _providers(now: datetime) -> list[Provider]:
    """Gather everything in a fixed number of queries."""
    switches = SendingSwitch.objects.in_bulk()
    rows = _feed_rows(now)
    return [
        Provider(
            health=standing,
            switch=switches.get(standing.upstream),
            feeds=[row for row in rows if row.feed.upstream == standing.upstream],
        )
        for standing in health.all(now)
    ]


def _feed_rows(now: datetime) -> list[FeedRow]:
    states = FeedState.objects.in_bulk()
    runs = _last_runs()
    refused: Mapping[str, int] = dict(
        RefusedRecord.objects.filter(resolved_at=None)
        .values_list("source")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return [
        FeedRow(
            feed=feed,
            state=states.get(feed.name),
            run=runs.get(feed.name),
            refused=refused.get(feed.name, 0),
            now=now,
        )
        for feed in feeds.registered()
    ]


def _last_runs() -> dict[str, FeedRun]:
    newest = FeedRun.objects.filter(feed=OuterRef("pk")).order_by("-started_at", "-pk")
    ids = FeedState.objects.annotate(newest=Subquery(newest.values("pk")[:1])).values("newest")
    return {run.feed_id: run for run in FeedRun.objects.filter(pk__in=ids)}


def _known(upstream: str) -> Upstream:
    if upstream not in Upstream.values:
        raise Http404
    return Upstream(upstream)


def _reason(request: HttpRequest) -> str:
    """Return why; without a word, nothing is done and the person is told."""
    reason = request.POST.get("reason", "").strip()[:1000]
    if not reason:
        messages.error(request, gettext("Say why, in a few words. Nothing was changed."))
    return reason
