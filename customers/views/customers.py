"""The list of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from customers import people, words
from customers.enums import CustomerKind
from customers.forms.filters import CustomerFilter
from customers.models import Customer, Profile
from customers.people import Person
from customers.sight import MAY_SEE, Sight
from staff import lists
from staff.columns import Column, Columns
from staff.permissions import permission_required
from staff.saved_views import opens_first

NEWEST_FIRST = lists.Order("created_at", newest_first=True)
COLUMNS = (
    Column("since", _("Since"), is_fixed=True),
    Column("name", _("Name"), is_fixed=True),
    Column("kind", _("Kind")),
    Column("kyc", _("KYC")),
    Column("risk", _("Risk")),
    Column("flags", _("Flags")),
    Column("rails", _("May use")),
    Column("known", _("Known at")),
)


@dataclass(frozen=True)
class Row:
    """One line of the list, as this person may read it."""

    person: Person
    url: str
    name: str
    kind: str
    profile: Profile | None
    kyc: str
    risk: str
    endorsements: Sequence[str]
    providers: Sequence[str]


@require_safe
@permission_required(*MAY_SEE)
@opens_first
def customers(request: HttpRequest) -> HttpResponse:
    """The list, each person once."""
    sight, query = Sight.of(request.user), request.GET
    form = CustomerFilter(query, with_names=sight.names_in_clear)
    found = form.narrow(Customer.objects.all())
    page = lists.page(people.with_members(found), order=NEWEST_FIRST, query=query)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    context = {
        "now": timezone.now(),
        "page": page,
        "columns": Columns(COLUMNS, query),
        "pages": lists.steps(page, query=query, total=lists.count(found)),
        "rows": [_row(person, sight) for person in people.people(page.rows)],
        "filter": form,
        "chips": form.chips(query),
        "cleared": form.cleared(query),
    }
    template = "customers/customers.html"
    is_fragment = htmx and htmx.target == "results"
    return render(request, f"{template}#results" if is_fragment else template, context)


def _row(person: Person, sight: Sight) -> Row:
    profile = person.profile
    return Row(
        person=person,
        url=person.root.get_absolute_url(),
        name=sight.name(person.name) or gettext("not named"),
        kind=gettext(CustomerKind(person.kind).label) if person.kind else "",
        profile=profile,
        kyc=words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
        risk=words.say(words.RISKS, profile.risk_rating) if profile and profile.risk_rating else "",
        endorsements=words.say_all(words.ENDORSEMENTS, profile.endorsements) if profile else [],
        providers=person.providers,
    )
