"""Tags of detail pages and forms: evidence, signatures, history, fields."""

from collections.abc import Iterable
from typing import Any

from django.forms import BoundField
from django.utils.translation import gettext

from dashboard.look import states
from dashboard.templatetags.desk.library import register


@register.inclusion_tag("components/check_list.html")
def check_list(checks: Iterable[Any]) -> dict[str, object]:
    """List checks (level, text, as_of, links): what passed, what warns, what blocks."""
    return {"checks": [(check, states.mark(str(check.level))) for check in checks]}


@register.inclusion_tag("components/timeline.html")
def timeline(entries: Iterable[Any], *, viewer: object = None) -> dict[str, object]:
    """List what happened, newest first as given: at, who, text, kind, and optional extras.

    `kind` is person, system or upstream; extras are tone, icon, detail, quote and href.
    """
    return {"entries": entries, "viewer": viewer}


@register.inclusion_tag("components/signatures.html")
def signatures(
    given: Iterable[Any],
    *,
    missing: int = 0,
    who: object = "",
    maker: object = None,
    viewer: object = None,
) -> dict[str, object]:
    """List who asked, who signed (by, at, verdict, reason) and how many signatures are missing."""
    return {
        "given": given,
        "missing": range(1, missing + 1),
        "who": who,
        "maker": maker,
        "viewer": viewer,
    }


@register.inclusion_tag("components/diff.html")
def diff(
    differences: Iterable[Any], *, before: object = "", after: object = ""
) -> dict[str, object]:
    """Show what changed, field by field: label, before, after."""
    return {
        "differences": differences,
        "before": before or gettext("Before"),
        "after": after or gettext("Now"),
    }


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField,
    *,
    label: object = "",
    help: object = "",
    half: bool = False,
    show_when: str = "",
) -> dict[str, object]:
    """Show a form field with its label, help and errors, tied together for screen readers.

    `show_when` ("method=payid currency=AUD|NZD") hides it while other fields say otherwise.
    """
    widget: Any = bound.field.widget
    return {
        "field": bound,
        "label": label or bound.label,
        "help": help or bound.help_text,
        "half": half,
        "show_when": show_when,
        "is_tick": getattr(widget, "input_type", "") == "checkbox" and not widget.use_fieldset,
        "is_group": widget.use_fieldset,
    }


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: Any) -> dict[str, object]:
    """Show what is wrong with a form as a whole, and how many fields need another look."""
    wrong = [name for name in form.errors if name != "__all__"]
    return {"general": form.non_field_errors(), "wrong": [form[name] for name in wrong]}
