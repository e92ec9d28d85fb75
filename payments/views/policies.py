"""The signing rules: what is in force, what was, and how two people change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, policies
from payments.enums import LimitPer, PolicyState
from payments.forms.policies import ProposeForm, TierForm
from payments.models import NotPossible, Policy, PolicyVersion
from payments.policies import telling
from payments.policies.rehearsal import Rehearsal, rehearse
from payments.sight import MAY_SEE
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

VERSIONS_SHOWN = 50
MANAGE = permission_required(Permission.MANAGE_POLICIES)


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
    versions = PolicyVersion.objects.select_related("written_by", "decided_by")
    open_ones = {
        version.state: version
        for version in versions.filter(state__in=[PolicyState.DRAFT, PolicyState.PROPOSED])
    }
    context = {
        "now": now,
        "rows": rows_of(tiers),
        "in_force": tiers[0].version_id if tiers else None,
        "draft": open_ones.get(PolicyState.DRAFT),
        "proposal": open_ones.get(PolicyState.PROPOSED),
        "versions": versions.order_by("-number")[:VERSIONS_SHOWN],
        "without_policy": policies.WITHOUT_POLICY,
        "may_manage": can(request.user, Permission.MANAGE_POLICIES),
    }
    return render(request, "payments/policies.html", context)


@require_safe
@permission_required(*MAY_SEE)
def policy(request: HttpRequest, number: int) -> HttpResponse:
    """One version: its tiers, what it changes, what it would have done, who decided about it."""
    return _page(request, _find(number), ProposeForm())


@require_POST
@MANAGE
def policy_begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft from what is in force."""
    try:
        draft = actions.begin_policy(by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect("payments:policies")
    return redirect(draft)


@require_http_methods(["GET", "POST"])
@MANAGE
def policy_tier(request: HttpRequest, number: int, pk: int | None = None) -> HttpResponse:
    """Add a tier to a draft, change one, or take it out."""
    version, person = _find(number), person_of(request)
    tier = get_object_or_404(version.tiers, pk=pk) if pk else None
    if version.state != PolicyState.DRAFT or version.written_by_id != person.pk:
        messages.error(request, gettext("Only who began a draft changes it."))
        return redirect(version)
    if request.POST.get("do") == "remove" and tier:
        actions.remove_tier(version_id=version.pk, tier_id=tier.pk, by=person)
        messages.success(request, gettext("The tier is taken out of the draft."))
        return redirect(version)
    form = TierForm(request.POST if request.method == "POST" else None, tier=tier)
    if form.is_valid() and _saved(request, form, version, tier):
        messages.success(request, gettext("The draft is changed. Nothing is published yet."))
        return redirect(version)
    context = {"form": form, "version": version, "tier": tier}
    status = 422 if form.is_bound else 200
    return render(request, "payments/policy_tier.html", context, status=status)


@require_POST
@MANAGE
def policy_propose(request: HttpRequest, number: int) -> HttpResponse:
    """Lay a draft before the others, with a reason."""
    version, form = _find(number), ProposeForm(request.POST)
    if not form.is_valid():
        return _page(request, version, form, status=422)
    propose = partial(actions.propose_policy, reason=form.cleaned_data["reason"])
    done = gettext("%(version)s is proposed. A second ops lead confirms it.")
    return _done(request, version, form, propose, done)


@require_POST
@MANAGE
def policy_decide(request: HttpRequest, number: int) -> HttpResponse:
    """Publish what somebody else proposed, or put it aside."""
    version, form = _find(number), ProposeForm()
    if request.POST.get("do") == "drop":
        done = gettext("%(version)s is dropped. What was in force stays in force.")
        return _done(request, version, form, actions.drop_policy, done)
    done = gettext("%(version)s is published and holds from now on.")
    return _done(request, version, form, actions.confirm_policy, done)


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


def _find(number: int) -> PolicyVersion:
    rows = PolicyVersion.objects.select_related("written_by", "decided_by", "base")
    return get_object_or_404(rows, number=number)


def _saved(
    request: HttpRequest, form: TierForm, version: PolicyVersion, tier: Policy | None
) -> bool:
    try:
        actions.save_tier(
            version_id=version.pk,
            tier_id=tier.pk if tier else None,
            values=form.cleaned_data,
            by=person_of(request),
        )
    except NotPossible as refusal:
        form.add_error("from_amount", str(refusal))
        return False
    return True


def _done(
    request: HttpRequest,
    version: PolicyVersion,
    form: ProposeForm,
    act: Callable[..., PolicyVersion],
    done: str,
) -> HttpResponse:
    try:
        act(version_id=version.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        return _page(request, _find(version.number), form, refusal=str(refusal), status=409)
    messages.success(request, done % {"version": version})
    return redirect(version)


def _page(
    request: HttpRequest,
    version: PolicyVersion,
    form: ProposeForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    now, person = timezone.now(), person_of(request)
    tiers = list(version.tiers.all())
    base = list(version.base.tiers.all()) if version.base else []
    is_mine = version.written_by_id == person.pk
    is_draft = version.state == PolicyState.DRAFT
    is_open = is_draft or version.state == PolicyState.PROPOSED
    may_manage = can(person, Permission.MANAGE_POLICIES)
    context: dict[str, Any] = {
        "now": now,
        "version": version,
        "rows": rows_of(tiers),
        "changes": telling.differences(base, tiers),
        "form": form,
        "refusal": refusal,
        "is_draft": is_draft,
        "may_edit": is_draft and is_mine and may_manage,
        "may_decide": is_open and may_manage,
        "cannot_confirm": gettext("You proposed it, so somebody else confirms it.")
        if is_mine
        else "",
        "rehearsal": None,
    }
    if context["may_decide"]:
        context |= _rehearsal(rehearse(tiers, in_force=policies.published(now), now=now))
    return render(request, "payments/policy.html", context, status=status)


def _rehearsal(told: Rehearsal) -> dict[str, Any]:
    lines = sorted(told.lines.values(), key=lambda line: telling.order(line.tier))
    findings = [
        (gettext("Stopped by the limit per customer"), told.stopped[LimitPer.CUSTOMER]),
        (gettext("Stopped by the limit per beneficiary"), told.stopped[LimitPer.BENEFICIARY]),
        (gettext("Signatures past their signer's own limit"), told.stopped[LimitPer.APPROVER]),
        (gettext("Nobody could have signed"), told.nobody),
        (gettext("Too few people could have signed"), told.too_few),
    ]
    return {
        "rehearsal": told,
        "rehearsal_lines": [
            {
                "name": telling.name(line.tier) if line.tier else gettext("No tier covers it"),
                "withdrawals": line.withdrawals,
                "signatures": line.signatures,
                "people": line.people,
            }
            for line in lines
        ],
        "findings": [
            {"label": label, "number": found.number, "examples": [*reversed(found.examples)]}
            for label, found in findings
        ],
    }
