"""The signing rules: what is in force, what was, and how they change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from payments import policies
from payments.models import Policy, PolicyVersion
from payments.policies import telling
from payments.sight import MAY_SEE
from staff.permissions import permission_required


@dataclass(frozen=True)
class Row:
    """One tier as a line of the table."""

    tier: Policy
    applies_to: str
    bound: str
    roles: str
    demands: list[str]
    limits: list[str]
    lapses: str


@require_safe
@permission_required(*MAY_SEE)
def policies_home(request: HttpRequest) -> HttpResponse:
    """The version in force, and every other one."""
    now = timezone.now()
    tiers = policies.published(now)
    context = {
        "now": now,
        "rows": rows_of(tiers),
        "in_force": tiers[0].version_id if tiers else None,
        "versions": PolicyVersion.objects.select_related("written_by", "decided_by").order_by(
            "-number"
        )[:VERSIONS_SHOWN],
        "without_policy": policies.WITHOUT_POLICY,
    }
    return render(request, "payments/policies.html", context)


VERSIONS_SHOWN = 50


@require_safe
@permission_required(*MAY_SEE)
def policy(request: HttpRequest, number: int) -> HttpResponse:
    """One version: its tiers, what it changed, and who proposed and confirmed it."""
    version = get_object_or_404(
        PolicyVersion.objects.select_related("written_by", "decided_by", "base"), number=number
    )
    tiers = list(version.tiers.all())
    base = list(version.base.tiers.all()) if version.base else []
    context = {
        "now": timezone.now(),
        "version": version,
        "rows": rows_of(tiers),
        "changes": telling.differences(base, tiers),
    }
    return render(request, "payments/policy.html", context)


def rows_of(tiers: Iterable[Policy]) -> list[Row]:
    return [
        Row(
            tier=tier,
            applies_to=telling.applies_to(tier),
            bound=telling.amount(tier.from_amount),
            roles=telling.roles(tier),
            demands=telling.demands(tier),
            limits=telling.limits(tier),
            lapses=telling.span(tier.lapse_hours),
        )
        for tier in telling.in_order(tiers)
    ]
