"""Tags around lists: which state, which filter, which page."""

from collections.abc import Iterable
from typing import Any

from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from dashboard.templatetags.desk.boxes import take_aside
from dashboard.templatetags.desk.library import register
from staff.permissions import Permission, can


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Any], *, label: object = "") -> dict[str, object]:
    """Show the states of a list with their counts: items have label, url, count, is_current."""
    return {"items": items, "label": label or gettext("States")}


@register.simple_block_tag
def filter_chips(content: str, chips: Iterable[Any], *, clear: str = "") -> SafeString:
    """Show the filters in force (label, value, remove_url); the block is the form to add one."""
    form, at_right = take_aside(content)
    return render_to_string(
        "components/filter_chips.html",
        {"chips": chips, "form": form, "aside": at_right, "clear": clear},
    )


@register.inclusion_tag("components/pager.html")
def pager(
    *, words: object = "", first: str = "", previous: str = "", next: str = ""
) -> dict[str, object]:
    """Move through a list by its keys. An address that is empty is a step that does not exist."""
    return {"words": words, "first": first, "previous": previous, "next": next}


@register.inclusion_tag("components/neighbours.html")
def neighbours(
    *, words: object = "", previous: str = "", next: str = "", back: str = ""
) -> dict[str, object]:
    """Move through the view a page was opened from: "2 of 14", previous and next."""
    return {"words": words, "previous": previous, "next": next, "back": back}


@register.inclusion_tag("components/export.html", takes_context=True)
def export_list(context: Context, name: str) -> dict[str, object]:
    """Offer the list of this very address as a file, to those who may have it."""
    request = context["request"]
    address = f"{reverse(name)}?{request.GET.urlencode()}"
    return {
        "address": address if can(request.user, Permission.EXPORT_LISTS) else "",
        "csrf_token": context.get("csrf_token"),
    }
