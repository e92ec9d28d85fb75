"""Asking for a payout, and changing what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from payments import actions
from payments.forms.drafts import PLACES, DraftForm
from payments.forms.lumetrade import BeneficiaryPayoutForm
from payments.forms.lux import TransferForm
from payments.models import NotPossible, Withdrawal
from payments.views.withdrawal import back_to, find
from staff.permissions import Permission, permission_required
from staff.sessions import person_of
from upstreams.enums import Upstream

PayoutForm: TypeAlias = DraftForm | BeneficiaryPayoutForm | TransferForm

RAIL = ("currency", "method", "payment_type")  # what an address may bring to the form
WAY = ("on_behalf_of", "source_rail", "destination_rail")
_PLACES_OF_OTHERS: Final = {
    Upstream.LUMETRADE: "payments:withdrawal-lumetrade",
    Upstream.LUX: "payments:withdrawal-lux",
}


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def withdrawal_new(request: HttpRequest) -> HttpResponse:
    """Ask for a payout: from nothing, to who was paid before, or as a copy of one that ended.

    A copy is made of what ended without money moving.
    """
    source, like = _named(request, "copy_of"), _named(request, "like")
    for row in (source, like):
        if row and row.upstream in _PLACES_OF_OTHERS:
            place = reverse(_PLACES_OF_OTHERS[Upstream(row.upstream)])
            return redirect(f"{place}?{request.GET.urlencode()}")
    if request.method == "GET":
        asked = {name: request.GET[name] for name in RAIL if name in request.GET}
        form = DraftForm(source=source, like=like, asked=asked)
        return _form_page(request, form, source, like=like)
    if "continue" in request.POST:
        form = DraftForm(source=source, like=like, asked=_typed(request))
        return _form_page(request, form, source, like=like)
    form = DraftForm(request.POST, source=source, like=like)

    def ask() -> Withdrawal:
        return actions.request_withdrawal(
            draft=form.draft(),
            by=person_of(request),
            at=timezone.now(),
            copy_of=source,
            token=form.cleaned_data["token"],
        )

    if form.is_valid() and (made := _tried(form, ask)):
        messages.success(
            request,
            gettext("%(code)s is requested. Others sign it now.") % {"code": made.code},
        )
        return redirect(made)
    return _form_page(request, form, source, like=like)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def withdrawal_to_beneficiary(request: HttpRequest) -> HttpResponse:
    """Ask for a payout through Lumetrade, to somebody whom they have confirmed."""
    source, like = _named(request, "copy_of"), _named(request, "like")
    if request.method == "GET":
        form = BeneficiaryPayoutForm(source=source, like=like)
        return _beneficiary_page(request, form, source)
    form = BeneficiaryPayoutForm(request.POST, source=source)

    def ask() -> Withdrawal:
        return actions.request_withdrawal(
            draft=form.draft(),
            by=person_of(request),
            at=timezone.now(),
            copy_of=source,
            token=form.cleaned_data["token"],
        )

    if form.is_valid() and (made := _tried(form, ask)):
        messages.success(
            request,
            gettext("%(code)s is requested. Others sign it now.") % {"code": made.code},
        )
        return redirect(made)
    return _beneficiary_page(request, form, source)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def withdrawal_by_transfer(request: HttpRequest) -> HttpResponse:
    """Ask for a payout through Lux Financial, for one of the customers there."""
    source, like = _named(request, "copy_of"), _named(request, "like")
    if request.method == "GET":
        asked = {name: request.GET[name] for name in WAY if name in request.GET}
        return _transfer_page(request, TransferForm(source=source, like=like, asked=asked), source)
    if "continue" in request.POST:
        form = TransferForm(source=source, like=like, asked=request.POST.dict())
        return _transfer_page(request, form, source)
    form = TransferForm(request.POST, source=source, like=like)

    def ask() -> Withdrawal:
        return actions.request_withdrawal(
            draft=form.draft(),
            by=person_of(request),
            at=timezone.now(),
            copy_of=source,
            token=form.cleaned_data["token"],
        )

    if form.is_valid() and (made := _tried(form, ask)):
        messages.success(
            request,
            gettext("%(code)s is requested. Others sign it now.") % {"code": made.code},
        )
        return redirect(made)
    return _transfer_page(request, form, source)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def withdrawal_amend(request: HttpRequest, code: str) -> HttpResponse:
    """Change what is asked for, while it awaits approval."""
    row = find(code)
    if row.upstream == Upstream.LUMETRADE:
        return _amend_to_beneficiary(request, row)
    if row.upstream == Upstream.LUX:
        return _amend_transfer(request, row)
    if request.method == "GET":
        return _form_page(request, DraftForm(source=row, amends=True), row, amends=True)
    if "continue" in request.POST:
        form = DraftForm(source=row, asked=_typed(request), amends=True)
        return _form_page(request, form, row, amends=True)
    form = DraftForm(request.POST, source=row, amends=True)
    return _amended(request, form, row) or _form_page(request, form, row, amends=True)


def _amend_to_beneficiary(request: HttpRequest, row: Withdrawal) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = BeneficiaryPayoutForm(data, source=row, amends=True)
    done = _amended(request, form, row) if form.is_bound else None
    return done or _beneficiary_page(request, form, row, amends=True)


def _amend_transfer(request: HttpRequest, row: Withdrawal) -> HttpResponse:
    if request.method == "GET":
        return _transfer_page(request, TransferForm(source=row, amends=True), row, amends=True)
    if "continue" in request.POST:
        form = TransferForm(source=row, asked=request.POST.dict(), amends=True)
        return _transfer_page(request, form, row, amends=True)
    form = TransferForm(request.POST, source=row, amends=True)
    return _amended(request, form, row) or _transfer_page(request, form, row, amends=True)


def _amended(request: HttpRequest, form: PayoutForm, row: Withdrawal) -> HttpResponse | None:
    """Change it to what was typed; None with the form saying what stands in the way."""

    def amend() -> Withdrawal:
        return actions.amend_withdrawal(
            withdrawal_id=row.pk,
            draft=form.draft(),
            reason=form.cleaned_data["reason"],
            by=person_of(request),
            at=timezone.now(),
        )

    if not form.is_valid() or (changed := _tried(form, amend)) is None:
        return None
    messages.success(
        request,
        gettext("%(code)s is changed: this is revision %(number)s.")
        % {"code": changed.code, "number": changed.revision},
    )
    return back_to(request, changed)


def _tried(form: PayoutForm, act: Callable[[], Withdrawal]) -> Withdrawal | None:
    """Return what the action made, or None with the form saying what stands in the way."""
    try:
        return act()
    except actions.InvalidDraft as refusal:
        for name, message in refusal.errors.items():
            place = PLACES.get(name, name)
            form.add_error(place if place in form.fields else None, message)
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
    return None


def _typed(request: HttpRequest) -> dict[str, Any]:
    """All that was typed so far, to go on with."""
    return {**request.POST.dict(), "webhook_events": request.POST.getlist("webhook_events")}


def _named(request: HttpRequest, name: str) -> Withdrawal | None:
    """Return the withdrawal whose code the address gives under this name, or raise the 404."""
    code = request.GET.get(name, "")
    return get_object_or_404(Withdrawal, code=code) if code else None


def _form_page(
    request: HttpRequest,
    form: DraftForm,
    source: Withdrawal | None,
    *,
    like: Withdrawal | None = None,
    amends: bool = False,
) -> HttpResponse:
    """Draw the form, or with htmx only the fields that follow the country and the method."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    template = "payments/withdrawal_form.html"
    back = source.get_absolute_url() if source else reverse("payments:withdrawals")
    context = {"form": form, "source": source, "like": like, "amends": amends, "back": back}
    return render(
        request,
        f"{template}#fields" if htmx and htmx.target == "fields" else template,
        context,
        status=422 if form.is_bound and form.errors else 200,
    )


def _beneficiary_page(
    request: HttpRequest,
    form: BeneficiaryPayoutForm,
    source: Withdrawal | None,
    *,
    amends: bool = False,
) -> HttpResponse:
    back = source.get_absolute_url() if source else reverse("payments:withdrawals")
    context = {"form": form, "source": source, "amends": amends, "back": back}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "payments/withdrawal_lumetrade.html", context, status=status)


def _transfer_page(
    request: HttpRequest,
    form: TransferForm,
    source: Withdrawal | None,
    *,
    amends: bool = False,
) -> HttpResponse:
    """Draw the form, or with htmx only the fields that follow the customer and the rails."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    template = "payments/withdrawal_lux.html"
    back = source.get_absolute_url() if source else reverse("payments:withdrawals")
    return render(
        request,
        f"{template}#fields" if htmx and htmx.target == "fields" else template,
        {"form": form, "source": source, "amends": amends, "back": back},
        status=422 if form.is_bound and form.errors else 200,
    )
