"""What was asked of Lux Financial, on the pages of customers."""

from django import template
from django.template import Context
from django.utils import timezone

from customers.models import Customer, Profile
from customers.requests import life, listing
from customers.requests.looking import DELETED
from customers.sight import Sight
from staff.permissions import Permission, can

register = template.Library()


@register.inclusion_tag("customers/_requests_panel.html", takes_context=True)
def customer_requests(context: Context, customer: Customer) -> dict[str, object]:
    """Show what is on its way about a customer, and what was settled lately."""
    now = timezone.now()
    requests = listing.about(customer, sight=Sight.of(context["request"].user), now=now)
    return {
        "customer": customer,
        "requests": requests,
        "is_moving": any(life.is_moving(one.request) for one in requests),
        "now": now,
        "user": context["request"].user,
    }


@register.inclusion_tag("customers/_request_actions.html", takes_context=True)
def customer_request_actions(context: Context, profile: Profile | None) -> dict[str, object]:
    """Offer what may be asked for about a customer whom Lux Financial knows."""
    may_edit = can(context["request"].user, Permission.EDIT_CUSTOMERS)
    is_open = profile is not None and profile.status != DELETED
    return {"profile": profile, "may_edit": may_edit and is_open}


@register.inclusion_tag("customers/_new_action.html", takes_context=True)
def customer_new_action(context: Context) -> dict[str, object]:
    """Offer the form of a new customer."""
    return {"may_edit": can(context["request"].user, Permission.EDIT_CUSTOMERS)}
