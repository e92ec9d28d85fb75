"""A person's API tokens, under their settings; everybody's for those who may revoke them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from staff import lists, tokens
from staff.models import ApiToken, User
from staff.permissions import Permission, can
from staff.sessions import person_of

NEWEST_FIRST = lists.Order("created_at", newest_first=True)
LIVES = {"30": _("30 days"), "90": _("90 days"), "365": _("A year")}


class TokenForm(forms.Form):
    """What a token is called, what it may do, and how long."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("The system that will use it, such as “payroll”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple
    )
    days = forms.ChoiceField(
        label=_("It lives for"), choices=[*LIVES.items()], widget=forms.RadioSelect, initial="90"
    )

    def __init__(self, *args: object, person: User) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (scope.value, f"{gettext(scope.label)} ({scope})") for scope in tokens.scopes_of(person)
        ]

    def expires_at(self, now: datetime) -> datetime:
        return now + timedelta(days=int(self.cleaned_data["days"]))


@require_http_methods(["GET", "POST"])
def api_tokens(request: HttpRequest) -> HttpResponse:
    """The tokens there are, and the form for one more. Its secret is shown in the answer, once."""
    person, now = person_of(request), timezone.now()
    if request.method == "GET":
        return _page(request, TokenForm(person=person))
    form = TokenForm(request.POST, person=person)
    if not form.is_valid():
        return _page(request, form)
    try:
        made, secret = tokens.make(
            owner=person,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(now),
            at=now,
        )
    except tokens.TokenNotPossible as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form)
    return _page(request, TokenForm(person=person), made=made, secret=secret)


@require_POST
def api_token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Close one token for ever."""
    token = get_object_or_404(ApiToken, pk=pk)
    tokens.revoke(token=token, by=person_of(request), at=timezone.now())
    messages.success(
        request,
        gettext("%(token)s is revoked: it opens nothing any more.") % {"token": token.prefix},
    )
    return redirect("api-tokens")


def _page(
    request: HttpRequest, form: TokenForm, *, made: ApiToken | None = None, secret: str = ""
) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    sees_all = can(person, Permission.REVOKE_TOKENS)
    rows = ApiToken.objects.select_related("owner")
    rows = rows if sees_all else rows.filter(owner=person)
    page = lists.page(rows, order=NEWEST_FIRST, query=request.GET)
    return render(
        request,
        "dashboard/tokens.html",
        {
            "form": form,
            "page": page,
            "rows": [(token, token.state(at=now)) for token in page.rows],
            "pages": lists.steps(page, query=request.GET, total=lists.count(rows)),
            "sees_all": sees_all,
            "made": made,
            "secret": secret,
            "now": now,
        },
        status=422 if form.is_bound and form.errors else 200,
    )
