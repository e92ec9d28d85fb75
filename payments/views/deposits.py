"""Asking for a deposit, following it, handing on what its payer needs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from payments import actions, history, words
from payments.deposits import life, vendor_type
from payments.enums import RequestStatus
from payments.forms.deposits import TYPES, DepositForm, SettleRequestForm
from payments.models import NotPossible, PaymentRequest
from payments.sight import MAY_SEE, Sight
from payments.views.withdrawal import STOP_POLLING
from staff import lists, masking
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of
from upstreams.outbox import waits_for_people

ASKED = ("currency", "method", "payment_type", "amount")  # what an address may bring to the form
NEWEST_FIRST = lists.Order("created_at", newest_first=True)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_DEPOSITS)
def payment_new(request: HttpRequest) -> HttpResponse:
    """Ask for a deposit."""
    if request.method == "GET":
        return _form_page(request, DepositForm(asked=_asked(request, *ASKED)))
    if "continue" in request.POST:
        chosen = {"webhook_events": request.POST.getlist("webhook_events")}
        return _form_page(request, DepositForm(asked={**request.POST.dict(), **chosen}))
    form = DepositForm(request.POST)
    if form.is_valid() and (made := _tried(request, form)):
        messages.success(
            request, gettext("%(code)s is asked for. It is sent now.") % {"code": made.code}
        )
        return redirect(made)
    return _form_page(request, form)


@require_safe
@permission_required(*MAY_SEE)
def requests(request: HttpRequest) -> HttpResponse:
    """The deposits that were asked for here."""
    sight = Sight.of(request.user)
    rows = PaymentRequest.objects.select_related("payment", "created_by")
    page = lists.page(rows, order=NEWEST_FIRST, query=request.GET)
    context = {
        "now": timezone.now(),
        "page": page,
        "pages": lists.steps(page, query=request.GET, total=lists.count(rows)),
        "rows": [(row, sight.name(row.customer_name)) for row in page.rows],
        "may_make": can(request.user, Permission.MAKE_DEPOSITS),
    }
    return render(request, "payments/requests.html", context)


@require_safe
@permission_required(*MAY_SEE)
def request_page(request: HttpRequest, code: str) -> HttpResponse:
    """One deposit that was asked for here: how it stands, and what is to be handed on."""
    row = _find(code)
    context = {
        **_context(request, row),
        "again": _again(row),
        "may_make": can(request.user, Permission.MAKE_DEPOSITS),
    }
    return render(request, "payments/request.html", context)


@require_safe
@permission_required(*MAY_SEE)
def request_live(request: HttpRequest, code: str) -> HttpResponse:
    """How it stands now; stops asking when all is over."""
    row = _find(code)
    status = 200 if life.is_moving(row) else STOP_POLLING
    return render(request, "payments/_request_live.html", _context(request, row), status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RECONCILE)
def request_settle(request: HttpRequest, code: str) -> HttpResponse:
    """Say what became of a deposit whose outcome no machine could find."""
    row = _find(code)
    form = SettleRequestForm(request.POST if request.method == "POST" else None, request=row)
    if form.is_valid():
        try:
            actions.settle_request(
                request_id=row.pk,
                payment=form.payment,
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            )
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("%(code)s is settled.") % {"code": row.code})
            return redirect(row)
    context = {**_context(request, row), "form": form}
    return render(
        request, "payments/request_settle.html", context, status=422 if form.errors else 200
    )


def _tried(request: HttpRequest, form: DepositForm) -> PaymentRequest | None:
    """Return what the action made, or None with the form saying what stands in the way."""
    try:
        return actions.request_deposit(
            draft=form.draft(),
            by=person_of(request),
            at=timezone.now(),
            token=form.cleaned_data["token"],
        )
    except actions.InvalidDraft as refusal:
        for name, message in refusal.errors.items():
            form.add_error(name if name in form.fields else None, message)
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
    return None


def _form_page(request: HttpRequest, form: DepositForm) -> HttpResponse:
    """Draw the form, or with htmx only the fields that follow the currency and the method."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    template = "payments/deposit_form.html"
    return render(
        request,
        f"{template}#fields" if htmx and htmx.target == "fields" else template,
        {"form": form},
        status=422 if form.is_bound and form.errors else 200,
    )


def _asked(request: HttpRequest, *names: str) -> dict[str, str]:
    return {name: request.GET[name] for name in names if name in request.GET}


def _find(code: str) -> PaymentRequest:
    rows = PaymentRequest.objects.select_related("payment", "created_by")
    return get_object_or_404(rows, code=code)


def _context(request: HttpRequest, row: PaymentRequest) -> dict[str, Any]:
    """What the page, its live fragment and its question share."""
    now, sight = timezone.now(), Sight.of(request.user)
    is_unsettled = row.status == RequestStatus.UNKNOWN and _is_given_up(row)
    return {
        "deposit": row,
        "payment": row.payment,
        "theirs": words.theirs(row.payment.upstream_status) if row.payment else "",
        "life": life.tell(row, now=now, sight=sight),
        "headline": [words.method(row.method), str(TYPES[vendor_type(hosted=row.hosted)])],
        "facts": _facts(row, sight),
        "timeline": history.of_request(row, sight=sight),
        "is_moving": life.is_moving(row),
        "can_settle": is_unsettled and can(request.user, Permission.RECONCILE),
        "now": now,
    }


def _is_given_up(row: PaymentRequest) -> bool:
    command = life.newest_command(row)
    return command is None or waits_for_people(command)


def _facts(row: PaymentRequest, sight: Sight) -> list[tuple[str, str, bool]]:
    """Label, value as this person may read it, and whether it is masked."""
    told = [
        (gettext("Customer"), sight.name(row.customer_name), not sight.names_in_clear),
        (gettext("Customer e-mail"), masking.mask_email(row.customer_email), True),
        (gettext("Customer phone"), masking.mask_phone(row.customer_phone), True),
        (gettext("Our customer id"), row.customer_external_id, False),
        (gettext("LuxCore's customer number"), row.customer_number, False),
        (gettext("Scheme"), row.scheme, False),
        (
            gettext("Description"),
            sight.text(row.description, about=row) if sight.names_in_clear else "",
            False,
        ),
        (gettext("Events go to"), row.webhook_host, False),
        (gettext("Events"), ", ".join(row.webhook_events), False),
        (gettext("Metadata"), ", ".join(row.metadata), False),
    ]
    return [fact for fact in told if fact[1]]


def _again(row: PaymentRequest) -> str:
    """The query that begins a form with what holds no personal data of this one."""
    kind = vendor_type(hosted=row.hosted)
    return f"?currency={row.currency}&method={row.method}&payment_type={kind}"
