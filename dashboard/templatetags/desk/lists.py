"""Tags around lists: which state, which filter, which page."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from dashboard.templatetags.desk.boxes import take_aside
from dashboard.templatetags.desk.library import register
from staff import saved_views as kept
from staff.columns import Columns
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


@register.inclusion_tag("components/table_head.html")
def table_head(columns: Columns, *, picks: object = False) -> dict[str, object]:
    """Head a table with its columns; the table has the class `columns.hiding`."""
    return {"columns": columns, "picks": picks}


@register.inclusion_tag("components/choose_columns.html")
def choose_columns(columns: Columns) -> dict[str, object]:
    """Offer to leave columns out. The address remembers them."""
    return {"columns": columns}


@register.inclusion_tag("components/kept_columns.html")
def kept_columns(columns: Columns) -> dict[str, object]:
    """Carry the chosen columns through a form that narrows the list."""
    return {"asked": columns.asked}


@register.inclusion_tag("components/saved_views.html", takes_context=True)
def saved_views(context: Context) -> dict[str, object]:
    """Offer the saved views of this list, and to save the one that is open. Two queries."""
    request: HttpRequest = context["request"]
    assert request.resolver_match is not None
    page = request.resolver_match.view_name
    views = kept.offers(page=page, person=context["user"], query=request.GET)
    return {
        "page": page,
        "query": kept.normal(request.GET),
        "views": views,
        "current": next((one.view for one in views if one.is_current), None),
        "everything": f"?{kept.NO_VIEW}=" if any(one.is_first for one in views) else "",
        "user": context["user"],
        "csrf_token": context.get("csrf_token"),
    }
