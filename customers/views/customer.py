"""One customer across the systems that know them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from customers import history, people, reveals, showing
from customers.models import Customer
from customers.screening import showing as screening
from customers.sight import MAY_SEE, Sight
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of


@require_safe
@permission_required(*MAY_SEE)
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole person; the address of one that was linked leads to the one it is."""
    row = get_object_or_404(people.with_members(Customer.objects.all()), pk=pk)
    if row.merged_into_id is not None:
        return redirect(row)
    sight, person = Sight.of(request.user), people.person(row)
    viewer, now = person_of(request), timezone.now()
    return render(
        request,
        "customers/customer.html",
        {
            "customer": row,
            "person": person,
            "name": sight.name(person.name) or gettext("not named"),
            "kind": showing.kind_of(person),
            "now": now,
            "told": [showing.told(profile, sight) for profile in person.profiles],
            "contact": showing.contacts(person, sight),
            "wallets": showing.wallets(person, sight),
            "accounts": showing.accounts(person, sight),
            "pairs": showing.pairs(person, sight),
            "holds": showing.holds(person, sight),
            "timeline": history.of_person(
                person, sight=sight, sees_cases=can(request.user, Permission.SEE_KYC)
            ),
            "hits": screening.section(row, viewer=viewer, now=now, back=row.get_absolute_url()),
            "looked": reveals.who_looked(person.members, viewer=viewer),
            "may_edit": can(request.user, Permission.EDIT_CUSTOMERS),
            "may_link": can(request.user, Permission.LINK_CUSTOMERS),
            "may_place": can(request.user, Permission.PLACE_HOLDS),
            "may_lift": can(request.user, Permission.LIFT_HOLDS),
        },
    )
