"""Tags for table cells and sentences.

They are put together with `format_html`: a template render per cell is what a long list pays for.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Model
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from dashboard.look import clocks, numbers, people, states
from dashboard.look.icons import icon as draw_icon
from dashboard.templatetags.desk.library import register
from staff.audit import subject_of
from staff.reveals import may_reveal

NOTHING = mark_safe('<span class="quiet">—</span>')
_COPYABLE = (
    '<span class="copyable">{}<button type="button" class="copy" data-copy="{}" aria-label="{}">'
    f'<span class="ask-copy">{draw_icon("copy")}</span>'
    f'<span class="done">{draw_icon("check")}</span></button></span>'
)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw one lucide icon; give a `label` only when no word stands beside it."""
    return draw_icon(str(name), label)


@register.simple_tag
def badge(
    state: object, word: object = "", *, tone: str = "", icon: str = "", by: object = ""
) -> SafeString:
    """Show a state as mark, word and colour. `by` names whose state it is, when not ours.

    An enum's label is translated here; another's own word is shown as they say it.
    """
    mark = states.mark(str(state), tone=tone, icon=icon)
    text = str(word or states.word(state))
    if by:
        return format_html(
            '<span class="badge theirs {}">{}<span><span class="by">{}:</span> {}</span></span>',
            mark.tone,
            draw_icon(mark.icon),
            by,
            text,
        )
    return format_html(
        '<span class="badge {}">{}{}</span>', mark.tone, draw_icon(mark.icon), gettext(text)
    )


@register.simple_tag
def money(amount: Decimal | None, currency: str, *, big: bool = False) -> SafeString:
    """Show an amount with its quiet currency, in the reader's notation and never rounded."""
    if amount is None:
        return NOTHING
    tone = (" big" if big else "") + (" below" if amount < 0 else "")
    text = numbers.amount_text(amount, currency)
    return format_html(
        '<span class="money{}"><span class="n">{}</span> <span class="cur">{}</span></span>',
        tone,
        text,
        currency,
    )


@register.simple_tag
def ago(at: datetime | None, *, short: bool = False, now: datetime | None = None) -> SafeString:
    """Show a moment with its zone and, beside it, how long ago it was.

    `short` keeps only the relative part and moves the moment into the title, for table cells.
    """
    if at is None:
        return NOTHING
    iso, absolute = at.isoformat(), clocks.moment(at)
    relative = clocks.relative(at, now=now or timezone.now())
    if short:
        return format_html(
            '<time datetime="{}" title="{}" data-ago>{}</time>', iso, absolute, relative
        )
    return format_html(
        '<span class="ago"><time datetime="{}">{}</time> '
        '<time class="rel small" datetime="{}" data-ago>{}</time></span>',
        iso,
        absolute,
        iso,
        relative,
    )


@register.simple_tag
def due(
    at: datetime | None, *, now: datetime | None = None, paused: str = "", met: bool = False
) -> SafeString:
    """Show a deadline as time left or time late. `paused` says why the clock stands still."""
    if at is None or met:
        return NOTHING
    if paused:
        return format_html('<span class="due paused">{}{}</span>', draw_icon("pause"), paused)
    clock = clocks.due(at, now=now or timezone.now())
    return format_html(
        '<span class="due {}" title="{}" data-due="{}">{}<span>{}</span></span>',
        clock.tone,
        clocks.moment(at),
        at.isoformat(),
        draw_icon("alarm-clock") if clock.tone else "",
        clock.text,
    )


@register.simple_tag
def copy(value: str, *, href: str = "", shown: str = "") -> SafeString:
    """Show an identifier with a button that copies it whole, even where `shown` shortens it."""
    text = shown or value
    if href:
        name = format_html('<a class="id open" href="{}">{}</a>', href, text)
    else:
        name = format_html('<span class="id">{}</span>', text)
    return format_html(_COPYABLE, name, value, gettext("Copy %(value)s") % {"value": text})


@register.simple_tag
def person(who: object, *, viewer: object = None, name_only: bool = False) -> SafeString:
    """Show a person as initials and e-mail; the reader is "You", nobody is the system."""
    if name_only:
        return format_html("{}", people.name(who, viewer=viewer))
    return format_html(
        '<span class="person">{}<span class="mail">{}</span></span>',
        people.face(who),
        people.name(who, viewer=viewer),
    )


@register.simple_tag
def face(who: object, *, big: bool = False) -> SafeString:
    """Show a person's initials alone, where their name stands beside it."""
    return people.face(who, big=big)


@register.simple_tag
def pick(value: object, label: object, *, name: str = "pick", checked: bool = False) -> SafeString:
    """Give a row its checkbox; `label` says what is selected."""
    return format_html(
        '<label><input type="checkbox" name="{}" value="{}"{}><span class="sr">{}</span></label>',
        name,
        value,
        mark_safe(" checked") if checked else "",
        gettext("Select %(what)s") % {"what": label},
    )


@register.simple_tag(takes_context=True)
def pii(
    context: Context,
    masked: object,
    *,
    of: Model | None = None,
    field: str = "",
    kind: object = "",
) -> SafeString:
    """Show a masked personal value. `of` and `field` say which one it is: whoever may see it, with
    a reason and for a minute, is offered to."""
    if not masked:
        return NOTHING
    value = format_html('<span class="masked id" title="{}">{}</span>', gettext("Masked"), masked)
    note = format_html(' <span class="quiet small">{}</span>', kind) if kind else ""
    return format_html('<span class="pii">{}{}{}</span>', value, note, _reveal(context, of, field))


def _reveal(context: Context, of: Model | None, field: str) -> SafeString:
    """The link that asks why it must be seen, in place; "" where this person may not see it."""
    request = getattr(context, "request", None)
    if of is None or request is None or not may_reveal(request.user, subject=of, field=field):
        return mark_safe("")
    subject_type, subject_id = subject_of(of)
    url = reverse("customers:reveal", args=[subject_type, subject_id, field])
    return format_html(
        ' <a href="{}" data-hx-get="{}" data-hx-target="closest .pii" data-hx-swap="outerHTML">'
        "{}{}</a>",
        url,
        url,
        draw_icon("eye"),
        gettext("Reveal"),
    )


register.filter("unbroken", numbers.unbroken)


@register.filter
def number(value: int | Decimal | str | None) -> str:
    """Group a count in thousands; words ("more than 10,000") pass through."""
    if value is None:
        return ""
    return value if isinstance(value, str) else numbers.number(value)


@register.filter
def moment(at: datetime | None) -> str:
    """Say a moment in the reader's zone, as plain text."""
    return clocks.moment(at) if at else ""


@register.simple_tag
def join_words(words: Iterable[object]) -> SafeString:
    """Set short facts in one line with middle dots between them, leaving out empty ones."""
    told = ((numbers.unbroken(str(word)),) for word in words if word)
    return format_html_join(mark_safe(' <span aria-hidden="true">·</span> '), "{}", told)
