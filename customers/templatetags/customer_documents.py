"""The documents of a customer, on other pages about them."""

from django import template
from django.template import Context

from customers.models import Customer, Document
from staff.permissions import Permission, can

register = template.Library()


@register.inclusion_tag("customers/_documents_action.html", takes_context=True)
def customer_documents_action(context: Context, customer: Customer) -> dict[str, object]:
    """Lead those who see KYC cases to what is kept of a customer."""
    may_see = can(context["request"].user, Permission.SEE_KYC)
    them = Customer.objects.same_as(customer)
    number = Document.objects.kept().filter(customer__in=them).count() if may_see else 0
    return {"customer": customer, "may_see": may_see, "number": number}
