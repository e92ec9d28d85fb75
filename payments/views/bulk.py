"""Many decisions at once: start a run, its dry run, confirm, receipts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, decision, exports, facts
from payments.bulk import totals
from payments.enums import BulkState, Cause, Outcome, Plan, RejectCode, Verdict
from payments.forms.bulk import ApproveManyForm, RejectManyForm
from payments.models import BulkItem, BulkRun, NotPossible, Withdrawal
from payments.models.bulk import MOST_AT_ONCE
from payments.sight import Sight
from payments.views.queue import QueueView
from payments.views.withdrawal import STOP_POLLING
from staff import lists, sessions
from staff.exports import Export, as_csv
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

MAY_READ = (Permission.SIGN_WITHDRAWALS, Permission.READ_AUDIT)
NEWEST_FIRST = lists.Order("started_at", newest_first=True)
IN_TURN = lists.Order("position")
STATED = ("customer_number", "metadata")

# In the session, while they prove who they are: the note somebody typed for a run.
TYPED = "payments_bulk_typed"


@require_safe
@permission_required(*MAY_READ)
def bulk_runs(request: HttpRequest) -> HttpResponse:
    """Every run there was."""
    runs = BulkRun.objects.select_related("by")
    page = lists.page(runs, order=NEWEST_FIRST, query=request.GET)
    context = {
        "page": page,
        "pages": lists.steps(page, query=request.GET, total=lists.count(runs)),
        "now": timezone.now(),
    }
    return render(request, "payments/bulk_runs.html", context)


@require_POST
@permission_required(Permission.SIGN_WITHDRAWALS)
def bulk_start(request: HttpRequest) -> HttpResponse:
    """Begin the dry run of what was picked, or of all that the view of the queue holds."""
    view = QueueView(request)
    rows = Withdrawal.objects.filter(code__in=request.POST.getlist("pick"))
    if "whole" in request.POST:
        rows = view.rows()
    found = list(rows.due_first().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    is_rejection = request.POST.get("verdict") == Verdict.REJECT
    try:
        run = actions.start_bulk_run(
            withdrawal_ids=found[:MOST_AT_ONCE],
            verdict=Verdict.REJECT if is_rejection else Verdict.APPROVE,
            by=view.person,
            at=view.now,
            is_cut=len(found) > MOST_AT_ONCE,
        )
    except NotPossible as refusal:
        messages.info(request, str(refusal))
        return redirect(view.list_address)
    return redirect(run)


@require_safe
@permission_required(*MAY_READ)
def bulk_run(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, its groups and what they add up to, and every item."""
    run = _find(pk)
    context = _context(request, run)
    groups: totals.Groups = context["groups"]
    chosen: totals.Group | None = context["chosen"]
    warned: totals.Warned | None = context["warned"]
    rows = run.items.select_related("withdrawal__payment").defer("seen")
    if chosen is not None:
        rows = rows.filter(**groups.lookup(chosen))
    elif warned is not None:
        rows = rows.filter(pk__in=warned.ids)
    page = lists.page(rows, order=IN_TURN, query=request.GET)
    total = lists.Count((chosen or warned or groups).number)
    sight = Sight.of(request.user)
    context |= {
        "rows": [_line(item, sight) for item in page.rows],
        "pages": lists.steps(page, query=request.GET, total=total),
    }
    return render(request, "payments/bulk_run.html", context)


@require_safe
@permission_required(*MAY_READ)
def bulk_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page; once it stands still, the whole page comes anew."""
    run = _find(pk)
    response = render(
        request,
        "payments/_bulk_live.html",
        _context(request, run),
        status=200 if run.is_moving else STOP_POLLING,
    )
    if not run.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SIGN_WITHDRAWALS)
def bulk_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Restate the totals per currency, ask what the tiers ask once, and decide."""
    run = _find(pk)
    context = _context(request, run)
    form = _form(request, run)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        if context["must_prove"]:
            return _prove_first(request, run)
        try:
            actions.confirm_bulk_run(
                run_id=run.pk,
                by=person_of(request),
                at=timezone.now(),
                proved_at=sessions.proved_at(request),
                reason=form.cleaned_data["reason"],
                code=RejectCode(form.cleaned_data["code"]) if "code" in form.fields else None,
            )
            request.session.pop(TYPED, None)
            return redirect(run)
        except NotPossible as problem:
            refusal = str(problem)
    status = 409 if refusal else 422 if form.errors else 200
    context |= {"form": form, "refusal": refusal, "cannot_confirm": _against_confirming(context)}
    return render(request, "payments/bulk_confirm.html", context, status=status)


@require_POST
@permission_required(Permission.SIGN_WITHDRAWALS)
def bulk_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard the dry run, or stop before the next item."""
    run = _find(pk)
    try:
        run = actions.drop_bulk_run(run_id=run.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(run)
    if run.state == BulkState.DROPPED:
        messages.info(request, gettext("The dry run is discarded. Nothing was decided."))
    else:
        messages.info(request, gettext("It stops. What is decided stays decided."))
    return redirect(run)


@require_POST
@permission_required(Permission.SIGN_WITHDRAWALS)
def bulk_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Look again at what can be tried again, in a run of its own."""
    run = _find(pk)
    try:
        again = actions.retry_bulk_run(run_id=run.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(run)
    return redirect(again)


@require_POST
@permission_required(*MAY_READ)
def bulk_export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The receipts as a file."""
    run, person = _find(pk), person_of(request)
    export = Export(
        name=f"bulk-{run.pk}",
        columns=exports.bulk_columns(Sight.of(person)),
        rows=run.items.select_related("withdrawal__payment").defer("seen"),
        order=IN_TURN,
        asked={"run": str(run.pk)},
    )
    return as_csv(export, by=person, at=timezone.now())


def _find(pk: int) -> BulkRun:
    return get_object_or_404(BulkRun.objects.select_related("by", "retry_of"), pk=pk)


def _context(request: HttpRequest, run: BulkRun) -> dict[str, Any]:
    """What the page of a run, its moving part and its question share."""
    person, groups, now = person_of(request), totals.of(run), timezone.now()
    warnings = totals.warned(run)
    may_sign = can(person, Permission.SIGN_WITHDRAWALS)
    is_mine = run.is_of(person) and may_sign
    asks_proof = run.items.planned().filter(asks_proof=True).exists()
    return {
        "run": run,
        "now": now,
        "groups": groups,
        "reason": Sight.of(person).note(run.reason),
        "lines": [_group(groups, group) for group in groups.rows],
        "chosen": groups.find(request.GET.get("group", "")),
        "warnings": warnings,
        "warned": next((one for one in warnings if one.code == request.GET.get("warning")), None),
        "has_receipts": groups.by == "outcome",
        "is_mine": is_mine,
        "is_rejection": run.verdict == Verdict.REJECT,
        "can_confirm": is_mine and run.state == BulkState.READY and groups.meant > 0,
        "can_drop": is_mine and run.state in (BulkState.LOOKING, BulkState.READY),
        "can_stop": may_sign and run.state == BulkState.DECIDING,
        "can_retry": is_mine and run.has_ended and groups.retryable > 0,
        "must_prove": asks_proof and not decision.is_proved(sessions.proved_at(request), now=now),
        "most_at_once": MOST_AT_ONCE,
    }


def _against_confirming(context: dict[str, Any]) -> str:
    """Why this person cannot confirm it now; "" if they can."""
    if context["can_confirm"]:
        return ""
    if not context["is_mine"]:
        return gettext("Only the person who began this run goes on with it.")
    return gettext("It is not ready to be confirmed.")


def _group(groups: totals.Groups, group: totals.Group) -> dict[str, Any]:
    """One line of the groups: what it is, why, and the way to its items."""
    kind = Plan if groups.by == "plan" else Outcome
    return {
        "group": group,
        "state": group.name or "waiting",
        "label": kind(group.name).label if group.name else gettext("Not yet"),
        "why": gettext(Cause(group.cause).label) if group.cause else "",
        "url": f"?{urlencode({'group': group.key})}",
    }


def _line(item: BulkItem, sight: Sight) -> dict[str, Any]:
    """One item, its free words as this person may read them."""

    def readable(text: object) -> str:
        return sight.text(str(text), about=item.withdrawal)

    withdrawal = item.withdrawal
    # A dry run that was discarded keeps no name of its own.
    named = item.recipient_name or withdrawal.recipient_name or withdrawal.customer_name
    return {
        "item": item,
        "withdrawal": withdrawal,
        "recipient": sight.name(named) or gettext("not named"),
        "why": sight.refusal(item.words, about=withdrawal),
        "stated": _stated(withdrawal, sight),
        "changes": [
            {name: readable(text) for name, text in change.items()} for change in item.changes
        ],
    }


def _stated(withdrawal: Withdrawal, sight: Sight) -> list[dict[str, str]]:
    """What is signed with it and has no column of its own, where there is such a thing."""
    shown = facts.shown(withdrawal, names_in_clear=sight.names_in_clear)
    return [
        {"label": gettext(facts.LABELS[name]), "value": sight.text(shown[name], about=withdrawal)}
        for name in STATED
        if shown[name]
    ]


def _form(request: HttpRequest, run: BulkRun) -> ApproveManyForm | RejectManyForm:
    data = request.POST if request.method == "POST" else None
    if run.verdict == Verdict.REJECT:
        return RejectManyForm(data)
    typed = request.session.get(TYPED, {})
    return ApproveManyForm(data, known=typed if typed.get("run") == run.pk else {})


def _prove_first(request: HttpRequest, run: BulkRun) -> HttpResponse:
    """Ask who they are before they sign. What they typed is there when they come back."""
    request.session[TYPED] = {"run": run.pk, "reason": request.POST.get("reason", "")}
    back = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{back}")
