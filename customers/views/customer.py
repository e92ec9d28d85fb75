"""One customer across the systems that know them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from customers import people
from customers.models import Customer
from customers.sight import MAY_SEE, Sight
from staff.permissions import permission_required


@require_safe
@permission_required(*MAY_SEE)
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole person; the address of one that was linked leads to the one it is."""
    row = get_object_or_404(people.with_members(Customer.objects.all()), pk=pk)
    if row.merged_into_id is not None:
        return redirect(row)
    sight, person = Sight.of(request.user), people.person(row)
    return render(
        request,
        "customers/customer.html",
        {
            "customer": row,
            "person": person,
            "name": sight.name(person.name) or gettext("not named"),
            "now": timezone.now(),
        },
    )
