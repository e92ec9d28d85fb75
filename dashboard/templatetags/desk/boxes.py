"""Tags that frame, warn, offer and show figures."""

from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.look.charts import Bar, bar_layout
from dashboard.look.icons import icon as draw_icon
from dashboard.templatetags.desk.library import register

NOTICE_ICONS = {
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "octagon-alert",
    "flow": "info",
    "wait": "hourglass",
    "": "info",
}
_ASIDE = "<!--aside-->"


@register.simple_block_tag
def aside(content: str) -> SafeString:
    """Stand at the right of the heading of the surrounding `panel` or `filter_chips`."""
    return mark_safe(f"{_ASIDE}{content}{_ASIDE}")


def take_aside(content: str) -> tuple[SafeString, SafeString]:
    """Return the block's own text and what stood in its `aside`."""
    before, _, rest = content.partition(_ASIDE)
    taken, _, after = rest.partition(_ASIDE)
    return mark_safe((before + after).strip()), mark_safe(taken.strip())


@register.simple_block_tag
def panel(
    content: str,
    title: object,
    *,
    icon: str = "",
    tone: str = "",
    flush: bool = False,
    id: str = "",
) -> SafeString:
    """Frame a part of a page under a heading. `flush` leaves no space around a table."""
    inner, at_right = take_aside(content)
    return render_to_string(
        "components/panel.html",
        {
            "content": inner,
            "aside": at_right,
            "title": title,
            "icon_name": icon,
            "tone": tone,
            "flush": flush,
            "id": id,
        },
    )


@register.simple_block_tag
def notice(content: str, *, tone: str = "", icon: str = "", live: bool = False) -> SafeString:
    """Say something that concerns the whole page. `live` has it read out when it appears."""
    return format_html(
        '<div class="notice {}"{}>{}<div>{}</div></div>',
        tone,
        mark_safe(' role="status"') if live else "",
        draw_icon(icon or NOTICE_ICONS[tone]),
        mark_safe(content.strip()),
    )


@register.simple_block_tag
def empty(content: str, title: object, *, icon: str = "inbox") -> SafeString:
    """Say why there is nothing here, and what to do about it."""
    return format_html(
        '<div class="blank">{}<h2>{}</h2><div class="prose">{}</div></div>',
        draw_icon(icon),
        title,
        mark_safe(content.strip()),
    )


@register.simple_block_tag
def live(content: str, url: str, *, id: str, every: int = 5) -> SafeString:
    """Refresh a fragment by itself every `every` seconds, until the server answers 286.

    Nothing moves while somebody types, selects text or has a menu open inside it. An element with
    `data-announce` inside is read out when its words change.
    """
    return format_html(
        '<div id="{}" data-live data-hx-get="{}" data-hx-trigger="every {}s" '
        'data-hx-swap="innerHTML">{}</div>',
        id,
        url,
        every,
        mark_safe(content.strip()),
    )


@register.inclusion_tag("components/empty_cell.html")
def empty_row(columns: int, text: object) -> dict[str, object]:
    """Fill a table that has no rows."""
    return {"columns": columns, "text": text}


@register.inclusion_tag("components/stat.html")
def stat(
    label: object,
    value: object,
    *,
    sub: object = "",
    href: str = "",
    icon: str = "",
    tone: str = "",
    sub_tone: str = "",
) -> dict[str, object]:
    """Show one figure with its label and the words that put it in proportion."""
    return {
        "label": label,
        "value": value,
        "sub": sub,
        "href": href,
        "icon_name": icon,
        "tone": tone,
        "sub_tone": sub_tone,
    }


@register.inclusion_tag("components/action.html")
def action(
    label: object,
    *,
    href: str = "",
    name: str = "",
    value: object = "",
    to: str = "",
    tone: str = "",
    icon: str = "",
    key: str = "",
    refused: object = "",
    wide: bool = False,
    busy: object = "",
) -> dict[str, object]:
    """Offer one thing to do: a link with `href`, else a submit button of the form around it.

    `to` sends that form to another address than its own. `refused` disables it and stands beside it
    as the reason. `key` is the letter that presses it.
    """
    return {
        "label": label,
        "href": href,
        "name": name,
        "value": value,
        "to": to,
        "tone": tone,
        "icon_name": icon,
        "key": key,
        "refused": refused,
        "wide": wide,
        "busy": busy,
    }


@register.inclusion_tag("components/bar_chart.html")
def bar_chart(
    bars: Sequence[Bar], *, title: object, unit: object = "", usual: object = ""
) -> dict[str, object]:
    """Draw bars with their axis and, behind a fold, the same figures as a table.

    Bars have label, value (Decimal), text and optionally href and usual; the last one is today.
    """
    return {
        "layout": bar_layout(bars),
        "bars": bars,
        "title": title,
        "unit": unit,
        "usual": usual,
    }
