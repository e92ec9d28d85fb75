"""Words and parts of the payments desk in templates."""

from django import template
from django.template import Context
from django.urls import reverse

from payments import words
from staff.permissions import Permission, can

register = template.Library()

register.filter("method", words.method)


@register.inclusion_tag("payments/_export.html", takes_context=True)
def export_list(context: Context, name: str) -> dict[str, object]:
    """Offer the list of this very address as a file, to those who may have it."""
    request = context["request"]
    address = f"{reverse(name)}?{request.GET.urlencode()}"
    return {
        "address": address if can(request.user, Permission.EXPORT_LISTS) else "",
        "csrf_token": context.get("csrf_token"),
    }
