"""The list of customers as a file: the very list that its page shows."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

from customers import people
from customers.exports import customer_columns
from customers.forms.filters import CustomerFilter
from customers.models import Customer
from customers.sight import Sight
from customers.views.customers import NEWEST_FIRST
from staff.exports import Export, as_csv
from staff.filters import asked
from staff.permissions import Permission, permission_required
from staff.sessions import person_of


@require_POST
@permission_required(Permission.EXPORT_LISTS)
def customers_export(request: HttpRequest) -> HttpResponseBase:
    """The customers of the list's address, newest first, each person once."""
    reader = person_of(request)
    sight = Sight.of(reader)
    form = CustomerFilter(request.GET, with_names=sight.names_in_clear)
    export = Export(
        name="customers",
        columns=customer_columns(sight),
        rows=people.with_members(form.narrow(Customer.objects.all())),
        order=NEWEST_FIRST,
        asked=asked(form),
    )
    return as_csv(export, by=reader, at=timezone.now())
