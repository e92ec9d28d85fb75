"""Asking Lux Financial to make, change or delete: the forms, and what they are asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from customers import actions, words
from customers.enums import CustomerKind, ExternalAccountKind, WalletKind
from customers.forms.requests import (
    AccountForm,
    ChangeForm,
    CustomerForm,
    ReasonForm,
    VerifyForm,
    WalletForm,
    say,
)
from customers.models import Customer, CustomerRequest, ExternalAccount, Profile
from customers.sight import Sight
from staff.permissions import Permission, permission_required
from staff.sessions import person_of
from upstreams import credentials
from upstreams.enums import Upstream

Ask = Callable[[], CustomerRequest]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def customer_new(request: HttpRequest) -> HttpResponse:
    """Ask for a new customer of one kind."""
    kind = _chosen(request, CustomerKind)
    form = CustomerForm(kind, _typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.create_customer(
                kind=kind,
                given=form.given(),
                token=form.cleaned_data["token"],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    context = {"form": form, "kinds": _tabs(kind, CustomerKind)}
    return _page(request, "customers/new.html", form, context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def customer_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a change: type it, look at the difference, send it."""
    profile, sight = _profile(pk), Sight.of(request.user)
    form = ChangeForm(profile, sight, _typed(request))
    context = {**_about(profile, sight), "form": form}
    if "again" in request.POST or not form.is_valid():
        if "again" in request.POST:
            form.errors.clear()
        return _page(request, "customers/edit.html", form, context)
    changes = actions.changes_of(profile, form.wanted())
    if "confirm" not in request.POST and changes:
        context["differences"] = form.differences(changes)
        return render(request, "customers/edit_confirm.html", context)
    try:
        made = actions.change_customer(
            customer_id=profile.customer_id,
            wanted=form.wanted(),
            shown=form.cleaned_data["seen"],
            shown_now=form.shown,
            by=person_of(request),
            at=timezone.now(),
        )
    except actions.ProfileChanged as late:
        context |= {
            "form": form.shown_anew(sight, late.differences),
            "refusal": str(late),
            "differences": late.differences,
        }
        return _page(request, "customers/edit.html", form, context, status=409)
    except actions.NotPossible as refusal:
        form.add_error(None, str(refusal))
        return _page(request, "customers/edit.html", form, context)
    return _asked(request, made)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def customer_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, and ask for the soft deletion."""
    profile = _profile(pk)
    form = ReasonForm(_typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.delete_customer(
                customer_id=profile.customer_id,
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    context = {**_about(profile, Sight.of(request.user)), "form": form}
    return _page(request, "customers/delete.html", form, context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def wallet_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a wallet of one kind."""
    profile, kind = _profile(pk), _chosen(request, WalletKind)
    form = WalletForm(kind, _typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.add_wallet(
                customer_id=profile.customer_id,
                given=form.given(),
                token=form.cleaned_data["token"],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    needed = "can_use_mpc" if kind == WalletKind.MPC else "can_hold_custody"
    context = {
        **_about(profile, Sight.of(request.user)),
        "form": form,
        "kinds": _tabs(kind, WalletKind),
        "lacks": "" if needed in profile.endorsements else words.say(words.ENDORSEMENTS, needed),
    }
    return _page(request, "customers/wallet_new.html", form, context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def account_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for an external account of one type."""
    profile, kind = _profile(pk), _chosen(request, ExternalAccountKind)
    form = AccountForm(kind, _typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.add_external_account(
                customer_id=profile.customer_id,
                kind=kind,
                given=form.given(),
                is_sure=form.cleaned_data["is_sure"],
                token=form.cleaned_data["token"],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    context = {
        **_about(profile, Sight.of(request.user)),
        "form": form,
        "kinds": _tabs(kind, ExternalAccountKind),
    }
    return _page(request, "customers/account_new.html", form, context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def account_verify(request: HttpRequest, pk: int, account: int) -> HttpResponse:
    """Say which two small deposits arrived."""
    row = _account(pk, account)
    form = VerifyForm(_typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.verify_external_account(
                account_id=row.pk,
                amounts=[form.cleaned_data["first"], form.cleaned_data["second"]],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    context = {**_about_account(row, request), "form": form}
    return _page(request, "customers/account_verify.html", form, context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def account_remove(request: HttpRequest, pk: int, account: int) -> HttpResponse:
    """Ask why, and ask for the removal."""
    row = _account(pk, account)
    form = ReasonForm(_typed(request))
    if form.is_valid():
        made = _tried(
            form,
            lambda: actions.remove_external_account(
                account_id=row.pk,
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            ),
        )
        if made:
            return _asked(request, made)
    context = {**_about_account(row, request), "form": form}
    return _page(request, "customers/account_remove.html", form, context)


def _typed(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _chosen(request: HttpRequest, kinds: type[models.TextChoices]) -> str:
    """Which kind the address names; the first where it names none."""
    kind = request.GET.get("type", "")
    return kind if kind in kinds.values else str(kinds.values[0])


def _tabs(chosen: str, kinds: type[models.TextChoices]) -> list[dict[str, Any]]:
    return [
        {
            "label": gettext(str(label)),
            "url": f"?type={value}",
            "is_current": value == chosen,
        }
        for value, label in kinds.choices
    ]


def _tried(form: forms.Form, ask: Ask) -> CustomerRequest | None:
    """Return what the action made, or None with the form saying what stands in the way."""
    try:
        return ask()
    except actions.InvalidRequest as refusal:
        say(form, refusal.errors)
    except actions.NotPossible as refusal:
        form.add_error(None, str(refusal))
    return None


def _asked(request: HttpRequest, made: CustomerRequest) -> HttpResponse:
    said = gettext("%(code)s is asked for. It is sent now.")
    messages.success(request, said % {"code": made.code})
    return redirect(made)


def _page(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    context: dict[str, Any],
    *,
    status: int = 0,
) -> HttpResponse:
    known = {"is_configured": credentials.is_configured(Upstream.LUX), "now": timezone.now()}
    status = status or (422 if form.is_bound and form.errors else 200)
    return render(request, template, {"refusal": "", **known, **context}, status=status)


def _profile(pk: int) -> Profile:
    """What Lux Financial holds of this customer, or of a row known to be the same person."""
    customer = get_object_or_404(Customer, pk=pk)
    rows = Profile.objects.filter(customer__in=Customer.objects.same_as(customer))
    found = list(rows.select_related("customer").order_by("customer_id"))
    own = [profile for profile in found if profile.customer_id == pk]
    if not found:
        raise Http404("Lux Financial does not know this customer.")
    return (own or found)[0]


def _account(pk: int, account: int) -> ExternalAccount:
    """An account of this customer's, or of a row known to be the same person."""
    customer = get_object_or_404(Customer, pk=pk)
    theirs = ExternalAccount.objects.filter(customer__in=Customer.objects.same_as(customer))
    return get_object_or_404(theirs.select_related("customer"), pk=account, is_listed=True)


def _about(profile: Profile, sight: Sight) -> dict[str, Any]:
    customer = profile.customer
    return {
        "customer": customer,
        "profile": profile,
        "name": sight.name(customer.name) or gettext("not named"),
        "back": customer.get_absolute_url(),
    }


def _about_account(account: ExternalAccount, request: HttpRequest) -> dict[str, Any]:
    sight = Sight.of(request.user)
    return {
        "account": account,
        "kind": gettext(dict(ExternalAccountKind.choices).get(account.kind, account.kind)),
        "number": sight.number(account.address) or f"••••{account.last_4}",
        "customer": account.customer,
        "name": sight.name(account.customer.name) or gettext("not named"),
        "back": account.customer.get_absolute_url(),
    }
