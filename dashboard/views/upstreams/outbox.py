"""Every command that was or will be sent: its attempts, and what is not known about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from customers.models import CustomerRequest
from dashboard.context import MAY_SEE_UPSTREAMS
from payments.models import AccountOpening, PaymentRequest, TradeOrder, Withdrawal
from staff import lists
from staff.permissions import permission_required
from upstreams.enums import CommandState
from upstreams.models import Command

NEWEST_FIRST = lists.Order("created_at", newest_first=True)
# What commands are about and has a code of its own.
Subject: TypeAlias = Withdrawal | PaymentRequest | TradeOrder | AccountOpening | CustomerRequest
SUBJECTS: tuple[type[Subject], ...] = (
    *(Withdrawal, PaymentRequest, TradeOrder, AccountOpening),
    CustomerRequest,
)


@dataclass(frozen=True)
class Row:
    """One command and the thing it is about."""

    command: Command
    subject: str
    url: str


@require_safe
@permission_required(*MAY_SEE_UPSTREAMS)
def outbox(request: HttpRequest) -> HttpResponse:
    """The list, newest first, by state."""
    wanted = request.GET.get("state", "")
    state = wanted if wanted in CommandState.values else ""
    totals = {key: lists.count(_in(key)) for key in ("", *CommandState.values)}
    page = lists.page(_in(state), order=NEWEST_FIRST, query=request.GET)
    context = {
        "now": timezone.now(),
        "rows": _rows(page.rows),
        "pages": lists.steps(page, query=request.GET, total=totals[state]),
        "tabs": [
            {
                "label": gettext(CommandState(key).label if key else "All"),
                "url": lists.address(request.GET, state=key or None),
                "count": total.shown,
                "is_current": key == state,
            }
            for key, total in totals.items()
        ],
    }
    return render(request, "upstreams/outbox.html", context)


def _in(state: str) -> QuerySet[Command]:
    rows = Command.objects.defer("request")
    return rows.filter(state=state) if state else rows


def _rows(commands: Iterable[Command]) -> list[Row]:
    """Name what each command is about. One query for each kind of thing on the page."""
    known = {
        (model._meta.label_lower, str(one.pk)): one
        for model in SUBJECTS
        for one in _of_kind(model, commands)
    }
    rows = []
    for command in commands:
        about = known.get((command.subject_type, command.subject_id))
        rows.append(
            Row(
                command=command,
                subject=about.code if about else f"{command.subject_type} {command.subject_id}",
                url=about.get_absolute_url() if about else "",
            )
        )
    return rows


def _of_kind(model: type[Subject], commands: Iterable[Command]) -> list[Subject]:
    label = model._meta.label_lower
    ids = [row.subject_id for row in commands if row.subject_type == label]
    return list(model._default_manager.filter(pk__in=ids).only("code")) if ids else []
