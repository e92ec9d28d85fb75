"""Documents of a customer: what is there, what is added, looked at and judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers.actions import documents as actions
from customers.documents import checking, storing, submitting, uploads, viewing
from customers.documents.decoding import NoRoom
from customers.documents.reasons import NotTaken, Reason
from customers.enums import DocumentKind, DocumentVerdict
from customers.forms.documents import OF_A_PERSON, TWO_SIDED, DocumentForm, VerdictForm
from customers.models import Customer, Document
from customers.sight import Sight
from customers.views.submissions import submissions_of
from staff.models import User
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

# Nothing in a document of a stranger runs, loads or frames anything.
_LOCKED: Final = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'"


@require_safe
@permission_required(Permission.SEE_KYC)
def documents(request: HttpRequest, pk: int) -> HttpResponse:
    """What is kept of one person, with the viewer and what is said of each document."""
    customer, person = _customer(pk), person_of(request)
    if customer.merged_into_id is not None:
        return redirect("customers:documents", customer.merged_into_id)
    word = request.GET.get(viewing.PARAMETER, "")
    viewer = viewing.viewer(customer, person=person, word=word, back=request.get_full_path())
    return render(
        request,
        "customers/documents.html",
        {
            **submissions_of(customer, request),
            "cannot_submit": submitting.why_not_now(submitting.profile_of(customer)) or "",
            "name": Sight.of(person).name(customer.name) or gettext("not named"),
            "viewer": viewer,
            "lines": lines(customer, viewer.documents, person),
            "verdicts": [(one.value, gettext(one.label)) for one in DocumentVerdict],
            "can_add": can(person, Permission.PROPOSE_KYC),
            "cannot_add": _cannot_add(),
        },
    )


@csrf_exempt  # only until it is known how large the body is: looking for the token reads all of it
@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def documents_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload a document; files that are too long are refused before they are read."""
    customer = _customer(pk)
    if request.method == "POST" and uploads.is_too_long(request):
        form = DocumentForm.too_long(checking.said(Reason.TOO_LARGE))
        return _form(request, customer, form, status=413)
    request.upload_handlers = [uploads.ShortFilesInMemory(request)]
    return _add(request, customer)


@csrf_protect
def _add(request: HttpRequest, customer: Customer) -> HttpResponse:
    if request.method != "POST":
        return _form(request, customer, DocumentForm(), status=200)
    form = DocumentForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, customer, form, status=422)
    sent = form.uploads()
    try:
        kept = actions.add_documents(
            customer=customer,
            kind=DocumentKind(form.cleaned_data["kind"]),
            uploads=sent,
            by=person_of(request),
            at=timezone.now(),
        )
    except actions.FilesRefused as refusal:
        form.refused_with(refusal.says)
    except actions.DocumentNotPossible as refusal:
        form.add_error(None, str(refusal.says))
    else:
        said = gettext("Kept, encrypted: %(names)s.")
        messages.success(request, said % {"names": ", ".join(map(viewing.label, kept))})
        return redirect("customers:documents", customer.merged_into_id or customer.pk)
    too_long = any(upload.size > len(upload.content) for upload in sent)
    return _form(request, customer, form, status=413 if too_long else 422)


@require_POST
@permission_required(Permission.SEE_KYC_DOCUMENTS)
def documents_look(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that somebody looks, and lead them back to the page they came from with a word."""
    customer, person, at = _customer(pk), person_of(request), timezone.now()
    shown = list(viewing.documents_of(customer))
    if not shown:
        return redirect(_back(request, customer))
    actions.note_looking(customer=customer, documents=shown, by=person, at=at)
    word = viewing.begin(customer, person=person, at=at)
    path, _, query = _back(request, customer).partition("?")
    told = QueryDict(query, mutable=True)
    told[viewing.PARAMETER] = word
    return redirect(f"{path}?{told.urlencode()}#documents")


@require_safe
@permission_required(Permission.SEE_KYC_DOCUMENTS)
def document_page(request: HttpRequest, key: UUID, number: int = 1) -> HttpResponse:
    """One page as a picture, marked with who looks at it; for those who just asked to look."""
    document = get_object_or_404(Document.objects.kept().select_related("customer"), key=key)
    person = person_of(request)
    word = request.GET.get(viewing.PARAMETER, "")
    if not 1 <= number <= document.pages or not viewing.may_fetch(
        document, person=person, word=word
    ):
        raise Http404
    try:
        picture = viewing.picture(document, page=number, person=person, at=timezone.now())
    except NoRoom:
        return _locked(HttpResponse(status=503, headers={"Retry-After": "5"}))
    except (storing.Unreadable, NotTaken):
        raise Http404 from None
    name = f"{document.name.rpartition('.')[0]}-{number}.jpg"
    return _locked(_file(picture, media_type="image/jpeg", name=name, as_attachment=False))


@require_POST
@permission_required(Permission.SEE_KYC_DOCUMENTS)
def document_download(request: HttpRequest, key: UUID) -> HttpResponse:
    """The PDF as it was handed in, to be saved and never shown here; recorded every time."""
    found = get_object_or_404(Document.objects.kept(), key=key)
    try:
        document, content = actions.take_original(
            document_key=key, by=person_of(request), at=timezone.now()
        )
    except actions.DocumentNotPossible as refusal:
        messages.error(request, str(refusal.says))
        return redirect("customers:documents", found.customer_id)
    except storing.Unreadable:
        messages.error(request, gettext("It cannot be read. People were called."))
        return redirect("customers:documents", found.customer_id)
    answer = _file(content, media_type=document.media_type, name=document.name, as_attachment=True)
    return _locked(answer)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def document_judge(request: HttpRequest, key: UUID) -> HttpResponse:
    """Say of one document whether it will do."""
    document = get_object_or_404(Document.objects.select_related("customer"), key=key)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Say whether it will do, in at most 500 letters."))
        return redirect(_back(request, document.customer))
    try:
        actions.judge_document(
            document_key=key,
            verdict=DocumentVerdict(form.cleaned_data["verdict"]),
            note=form.cleaned_data["note"],
            by=person_of(request),
            at=timezone.now(),
        )
        messages.success(request, gettext("Noted of %(name)s.") % {"name": viewing.label(document)})
    except actions.DocumentNotPossible as refusal:
        messages.error(request, str(refusal.says))
    return redirect(_back(request, document.customer))


def _form(
    request: HttpRequest, customer: Customer, form: DocumentForm, *, status: int
) -> HttpResponse:
    context = {
        "customer": customer,
        "name": Sight.of(request.user).name(customer.name) or gettext("not named"),
        "form": form,
        "two_sided": f"kind={TWO_SIDED}",
        "of_a_person": f"kind={OF_A_PERSON}",
        "cannot_add": _cannot_add(),
    }
    return render(request, "customers/document_form.html", context, status=status)


def _customer(pk: int) -> Customer:
    return get_object_or_404(Customer, pk=pk)


def _cannot_add() -> str:
    if storing.can_keep():
        return ""
    return gettext("No key for documents is set (DOCUMENT_KEYS), so none can be kept.")


def lines(
    customer: Customer, documents: Iterable[Document], person: User
) -> list[dict[str, object]]:
    """These documents of one customer, and why this person may not judge each. One query."""
    handed_in = submitting.handed_in_by(person, customer)
    return [_line(one, person, handed_in) for one in documents]


def _line(
    document: Document, person: User, handed_in: frozenset[tuple[str, str]]
) -> dict[str, object]:
    why_not = ""
    if not can(person, Permission.PROPOSE_KYC):
        why_not = gettext("Reviewers judge documents.")
    elif submitting.brought(document, person=person, handed_in=handed_in):
        why_not = gettext("You uploaded it: somebody else judges it.")
    return {
        "document": document,
        "label": viewing.label(document),
        "is_pdf": document.media_type == checking.PDF,
        "cannot_judge": why_not,
    }


def _back(request: HttpRequest, customer: Customer) -> str:
    """Where the form came from, if that is a page of ours; else the customer's documents."""
    wanted = request.POST.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted.partition("#")[0]
    return reverse("customers:documents", args=[customer.merged_into_id or customer.pk])


def _file(content: bytes, *, media_type: str, name: str, as_attachment: bool) -> HttpResponse:
    """A file under a name of ours (RFC 6266), of the type that we say it is."""
    response = HttpResponse(content, content_type=media_type)
    disposition = content_disposition_header(as_attachment, name)
    response["Content-Disposition"] = disposition or "attachment"
    return response


def _locked(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = _LOCKED
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
