"""KYC cases on the pages of customers."""

from django import template
from django.template import Context
from django.utils import timezone

from customers.models import KycCase
from customers.people import Person
from staff.permissions import Permission, can

register = template.Library()

SHOWN = 5


@register.inclusion_tag("customers/_cases.html", takes_context=True)
def customer_cases(context: Context, person: Person) -> dict[str, object]:
    """Show the newest KYC cases of a customer to people who see KYC cases. One query."""
    cases: list[KycCase] = []
    if can(context["request"].user, Permission.SEE_KYC):
        rows = KycCase.objects.filter(customer__in=[row.pk for row in person.members])
        cases = list(rows.order_by("-opened_at", "-pk")[:SHOWN])
    return {"cases": cases, "now": timezone.now()}
