"""Payouts from a file: upload, a report row by row, confirm or discard."""

from __future__ import annotations

import csv
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, rules
from payments.enums import ImportState
from payments.forms.imports import UploadForm
from payments.imports import creating, reading
from payments.imports.rows import COLUMNS, REQUIRED
from payments.models import ImportRow, NotPossible, PayoutImport
from payments.sight import Sight
from payments.views.withdrawal import STOP_POLLING
from staff import lists
from staff.permissions import Permission, permission_required
from staff.sessions import person_of

FORM_BYTES = 64 * 1024  # what a browser sends around the file
NEWEST_FIRST = lists.Order("uploaded_at", newest_first=True)
AS_IN_THE_FILE = lists.Order("number")
TABS = {"all": _("All rows"), "bad": _("With errors"), "warned": _("With warnings")}


@csrf_exempt  # only until it is known how large the body is: looking for the token reads all of it
@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def imports(request: HttpRequest) -> HttpResponse:
    """Upload a file, and find the earlier ones."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > reading.MOST_BYTES + FORM_BYTES:
        return _imports(request, UploadForm.too_large(), status=413)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm()
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                made = actions.upload_import(
                    file_name=file.name,
                    pieces=file.chunks(reading.PIECE),
                    by=person_of(request),
                    at=timezone.now(),
                )
                return redirect(made)
            except NotPossible as refusal:
                form.add_error("file", str(refusal))
    return _imports(request, form, status=422 if form.errors else 200)


def _imports(request: HttpRequest, form: UploadForm, *, status: int) -> HttpResponse:
    page = lists.page(
        PayoutImport.objects.select_related("uploaded_by"), order=NEWEST_FIRST, query=request.GET
    )
    context = {
        "form": form,
        "page": page,
        "pages": lists.steps(
            page, query=request.GET, total=lists.count(PayoutImport.objects.all())
        ),
        "required": REQUIRED,
        "rails": _rails(),
        "now": timezone.now(),
    }
    return render(request, "payments/imports.html", context, status=status)


@require_safe
@permission_required(Permission.MAKE_WITHDRAWALS)
def import_template(request: HttpRequest) -> HttpResponse:
    """An empty file with every column."""
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="payouts-template.csv"'},
    )
    csv.writer(response).writerow(COLUMNS)
    return response


@require_safe
@permission_required(Permission.MAKE_WITHDRAWALS)
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, what it adds up to, and the report row by row."""
    run = _find(pk)
    sight, query = Sight.of(request.user), request.GET
    tab = query.get("tab", "") if query.get("tab", "") in TABS else "all"
    rows = run.rows.select_related("withdrawal").defer("draft")
    narrowed = {
        "all": rows,
        "bad": rows.filter(is_good=False),
        "warned": rows.filter(has_warnings=True),
    }
    page = lists.page(narrowed[tab], order=AS_IN_THE_FILE, query=query)
    numbers = {"all": run.good + run.bad, "bad": run.bad, "warned": run.warned}
    context = {
        **_context(run, request),
        "rows": [_line(row, sight) for row in page.rows],
        "pages": lists.steps(page, query=query, total=lists.Count(numbers[tab])),
        "tabs": [
            {
                "label": gettext(label),
                "url": lists.address(query, tab=key),
                "count": numbers[key],
                "is_current": key == tab,
            }
            for key, label in TABS.items()
        ],
    }
    return render(request, "payments/import.html", context)


@require_safe
@permission_required(Permission.MAKE_WITHDRAWALS)
def import_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page; once it stands still, the whole page comes anew."""
    run = _find(pk)
    response = render(
        request,
        "payments/_import_live.html",
        _context(run, request),
        status=200 if run.is_moving else STOP_POLLING,
    )
    if not run.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Restate what it adds up to, then ask for all of it."""
    run = _find(pk)
    refusal = ""
    if request.method == "POST":
        try:
            actions.confirm_import(import_id=run.pk, by=person_of(request), at=timezone.now())
            messages.info(request, gettext("A worker creates these payouts now."))
            return redirect(run)
        except NotPossible as problem:
            refusal = str(problem)
            run.refresh_from_db()
    context = {**_context(run, request), "refusal": refusal}
    return render(request, "payments/import_confirm.html", context, status=409 if refusal else 200)


@require_POST
@permission_required(Permission.MAKE_WITHDRAWALS)
def import_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard it."""
    run = _find(pk)
    try:
        actions.drop_import(import_id=run.pk, by=person_of(request), at=timezone.now())
        messages.info(request, gettext("The file is discarded. Nothing was created."))
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect(run)


def _find(pk: int) -> PayoutImport:
    found = PayoutImport.objects.select_related("uploaded_by", "confirmed_by")
    return get_object_or_404(found, pk=pk)


def _context(run: PayoutImport, request: HttpRequest) -> dict[str, Any]:
    is_ready = run.state == ImportState.READY
    is_theirs = run.uploaded_by_id == person_of(request).pk
    return {
        "run": run,
        "now": timezone.now(),
        "read": run.good + run.bad,
        "totals": [] if run.state == ImportState.READING else creating.totals(run),
        "is_theirs": is_theirs,
        "can_confirm": is_ready and run.good > 0 and is_theirs,
        "can_drop": run.state in (ImportState.READING, ImportState.READY),
    }


def _line(row: ImportRow, sight: Sight) -> dict[str, Any]:
    return {
        "row": row,
        "recipient": sight.name(row.recipient_name),
        "errors": row.problems,
    }


def _rails() -> list[dict[str, Any]]:
    """Which columns each rail asks for, as the form does."""
    return [
        {
            "currency": currency,
            "method": method,
            "required": [field.name for field in fields if field.required],
            "optional": [field.name for field in fields if not field.required],
        }
        for (currency, method), fields in rules.FIELDS.items()
    ]
