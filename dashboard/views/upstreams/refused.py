"""Records of a provider that could not be stored, each with its reason. The rest went on."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from payments.sight import Sight
from staff import lists
from staff.permissions import Permission, permission_required
from upstreams.models import RefusedRecord

NEWEST_FIRST = lists.Order("last_seen_at", newest_first=True)


@dataclass(frozen=True)
class Row:
    """One refused record, as this person may read it."""

    record: RefusedRecord
    payload: str


@require_safe
@permission_required(Permission.SEE_PAYMENTS, Permission.MANAGE_FEEDS)
def refused(request: HttpRequest) -> HttpResponse:
    """The list: what is still refused, or all that ever was."""
    sight, is_all = Sight.of(request.user), request.GET.get("show") == "all"
    still, ever = RefusedRecord.objects.filter(resolved_at=None), RefusedRecord.objects.all()
    totals = {False: lists.count(still), True: lists.count(ever)}
    page = lists.page(ever if is_all else still, order=NEWEST_FIRST, query=request.GET)
    context = {
        "now": timezone.now(),
        "rows": [Row(record, _payload(record, sight)) for record in page.rows],
        "pages": lists.steps(page, query=request.GET, total=totals[is_all]),
        "tabs": [
            {
                "label": label,
                "url": lists.address(request.GET, show="all" if shows_all else None),
                "count": totals[shows_all].shown,
                "is_current": shows_all == is_all,
            }
            for shows_all, label in ((False, gettext("Still refused")), (True, gettext("All")))
        ],
    }
    return render(request, "upstreams/refused.html", context)


def _payload(record: RefusedRecord, sight: Sight) -> str:
    try:
        return sight.raw(json.loads(record.payload))
    except ValueError:
        return gettext("Not JSON, %(n)s characters.") % {"n": len(record.payload)}
