"""Asking why a masked value must be seen, and showing it for a minute.

In place where scripts run, as pages of their own where they do not. What was shown is masked again
by the page's own clock; the server shows it no more then, whatever a page says.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from customers import reveals
from customers.forms.reveals import RevealForm
from staff import reveals as ledger
from staff.models import Reveal
from staff.permissions import Permission, permission_required
from staff.reveals import Found, NothingToReveal, ReasonMissing
from staff.sessions import person_of


@require_http_methods(["GET", "POST"])
@permission_required(Permission.REVEAL_PERSONAL_DATA)
def reveal(request: HttpRequest, subject_type: str, subject_id: str, field: str) -> HttpResponse:
    """Ask why, and show the value."""
    person = person_of(request)
    try:
        found = ledger.find(
            subject_type=subject_type, subject_id=subject_id, field=field, by=person
        )
    except NothingToReveal as nothing:
        raise Http404 from nothing
    form = RevealForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = reveals.reveal(
                found=found, reason=form.cleaned_data["reason"], by=person, at=timezone.now()
            )
        except ReasonMissing as refusal:
            form.add_error("reason", str(refusal))
        else:
            return _answer(request, made, found)
    if _in_place(request):
        # 200: what asks in place shows no answer that is refused.
        context = _context(found, form=form, address=request.path)
        return render(request, "customers/_reveal.html", context)
    status = 422 if form.errors else 200
    return render(request, "customers/reveal.html", _context(found, form=form), status=status)


@require_safe
@permission_required(Permission.REVEAL_PERSONAL_DATA)
def revealed(request: HttpRequest, pk: int) -> HttpResponse:
    """The value, for the rest of the minute, to whoever asked; masked again after that."""
    person, now = person_of(request), timezone.now()
    made = get_object_or_404(Reveal, pk=pk, by=person)
    try:
        found = ledger.of(made, by=person)
    except NothingToReveal as nothing:
        raise Http404 from nothing
    is_shown = ledger.shown(made, by=person, at=now) is not None
    seconds = max(0, round((made.expires_at - now).total_seconds()))
    context = _context(found, made=made, value=found.value if is_shown else "", seconds=seconds)
    response = render(request, "customers/revealed.html", context)
    if is_shown:
        response["Refresh"] = str(seconds + 1)  # without scripts too, it is masked again
    return response


def _answer(request: HttpRequest, made: Reveal, found: Found) -> HttpResponse:
    if not _in_place(request):
        return redirect("customers:revealed", made.pk)
    seconds = round(ledger.LASTS.total_seconds())
    context = _context(found, made=made, value=found.value, seconds=seconds)
    return render(request, "customers/_revealed.html", context)


def _context(found: Found, **more: object) -> dict[str, object]:
    return {
        "found": found,
        "label": gettext(found.secret.label),
        "masked": found.masked,
        "back": found.page,
        **more,
    }


def _in_place(request: HttpRequest) -> bool:
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx)
