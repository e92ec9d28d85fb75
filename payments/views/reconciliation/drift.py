"""One difference: ours beside theirs, and what is done about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from payments import actions
from payments.enums import DriftKind, Remedy, RemedyState
from payments.forms.reconciliation import EXPLAINED, WORDS, LinkForm, ResolveForm
from payments.models import Drift, NotPossible, Resolution
from payments.reconciliation import remedies
from payments.sight import MAY_SEE, Sight
from payments.views.reconciliation import sides
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

_ACTIONS = {
    Remedy.ACCEPT_THEIRS: actions.accept_theirs,
    Remedy.READ_AGAIN: actions.read_again,
    Remedy.SEND_AGAIN: actions.send_again,
    Remedy.WRITE_OFF: actions.propose_write_off,
}


@require_safe
@permission_required(*MAY_SEE)
def drift(request: HttpRequest, pk: int) -> HttpResponse:
    """The page."""
    return render(request, "payments/drift.html", _context(request, _find(pk)))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RECONCILE)
def drift_resolve(request: HttpRequest, pk: int, remedy: str) -> HttpResponse:
    """Ask once more, and why; then do it, or propose it."""
    row = _find(pk)
    if remedy not in Remedy.values:
        raise Http404
    form = _form(request, row, Remedy(remedy))
    if form.is_valid():
        return _answered(request, row, Remedy(remedy), form)
    what, button = WORDS[Remedy(remedy)]
    context = {
        **_context(request, row),
        "form": form,
        "remedy": Remedy(remedy),
        "what": what,
        "button": button,
        "refused": remedies.refusal(row, Remedy(remedy)) if row.is_open else "",
    }
    status = 422 if form.errors else 200
    return render(request, "payments/drift_resolve.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RECONCILE, Permission.SIGN_WITHDRAWALS)
def drift_second(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person's answer to what was proposed."""
    row = _find(pk)
    waiting = _waiting(row)
    if request.method == "GET" or waiting is None:
        return redirect(row)
    person, at = person_of(request), timezone.now()
    try:
        if request.POST.get("do") == "drop":
            actions.drop_resolution(resolution_id=waiting.pk, by=person, at=at)
            messages.success(request, gettext("The proposal is dropped. The difference is open."))
        else:
            actions.confirm_resolution(
                resolution_id=waiting.pk, seen=request.POST.get("seen", ""), by=person, at=at
            )
            messages.success(request, gettext("Confirmed by two people."))
    except NotPossible as refusal:
        return _refused(request, row, str(refusal))
    return redirect(row)


def _find(pk: int) -> Drift:
    rows = Drift.objects.select_related(
        "payment", "withdrawal", "withdrawal__payment", "event", "last_run"
    )
    return get_object_or_404(rows, pk=pk)


def _waiting(row: Drift) -> Resolution | None:
    found = row.resolutions.filter(state=RemedyState.WAITING)
    return found.select_related("asked_by", "settlement__payment").first()


def _form(request: HttpRequest, row: Drift, remedy: Remedy) -> ResolveForm:
    data = request.POST if request.method == "POST" else None
    if remedy != Remedy.LINK or row.withdrawal is None:
        return ResolveForm(data, seen=row.fingerprint)
    found = remedies.candidates(row.withdrawal)[: remedies.MOST_CANDIDATES]
    return LinkForm(data, seen=row.fingerprint, candidates=found)


def _answered(request: HttpRequest, row: Drift, remedy: Remedy, form: ResolveForm) -> HttpResponse:
    given: dict[str, Any] = {
        "drift_id": row.pk,
        "seen": form.cleaned_data["seen"],
        "reason": form.cleaned_data["reason"],
        "by": person_of(request),
        "at": timezone.now(),
    }
    try:
        if remedy == Remedy.LINK:
            actions.link_payment(payment_id=form.cleaned_data.get("payment", 0), **given)
        else:
            _ACTIONS[remedy](**given)
    except NotPossible as refusal:
        return _refused(request, row, str(refusal))
    messages.success(request, _done(remedy))
    return redirect(row)


def _done(remedy: Remedy) -> str:
    match remedy:
        case Remedy.ACCEPT_THEIRS:
            return gettext("What they say is taken over.")
        case Remedy.READ_AGAIN:
            return gettext("A worker asks the provider now.")
        case Remedy.SEND_AGAIN:
            return gettext("The outbox tries it now. This closes when it has gone on.")
    return gettext("Proposed. A second person confirms it.")


def _refused(request: HttpRequest, row: Drift, why: str) -> HttpResponse:
    context = {**_context(request, _find(row.pk)), "refusal": why}
    return render(request, "payments/drift.html", context, status=409)


def _context(request: HttpRequest, row: Drift) -> dict[str, Any]:
    sight, waiting = Sight.of(request.user), _waiting(row)
    return {
        "drift": row,
        "now": timezone.now(),
        "rows": sides.rows(row, sight),
        "explained": EXPLAINED[DriftKind(row.kind)] % {"provider": row.get_upstream_display()},
        "offers": remedies.offers(row) if row.is_open and not waiting else [],
        "waiting": waiting,
        "needs_second": waiting is not None and waiting.remedy in (Remedy.WRITE_OFF, Remedy.LINK),
        "cannot_confirm": _against_confirming(request, waiting),
        "may_resolve": can(request.user, Permission.RECONCILE),
        "history": row.resolutions.select_related("asked_by", "confirmed_by").order_by("-pk"),
        "raw": sight.raw(row.raw) if row.raw else "",
        "refusal": "",
    }


def _against_confirming(request: HttpRequest, waiting: Resolution | None) -> str:
    if waiting is None:
        return ""
    if waiting.asked_by_id == request.user.pk:
        return gettext("You proposed it, so somebody else confirms it.")
    if waiting.settlement is not None and not can(request.user, Permission.SIGN_WITHDRAWALS):
        return gettext("Your roles do not confirm it; an approver does.")
    return ""
