"""How people are shown: initials in a disc, and an e-mail address or "You"."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from dashboard.look.icons import icon


def _address(who: object) -> str:
    return str(getattr(who, "email", "") or who)


def initials(who: object) -> str:
    """Return two letters for a person, from their name or else their address."""
    text = getattr(who, "name", "") or _address(who).partition("@")[0]
    words = [word for word in text.replace(".", " ").replace("_", " ").split() if word]
    if not words:
        return "?"
    letters = words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()


def face(who: object, *, big: bool = False) -> SafeString:
    """Return the disc of a person, or the machine's where `who` is empty."""
    if not who:
        return format_html(
            '<span class="face system" aria-hidden="true">{}</span>', icon("monitor")
        )
    size = " big" if big else ""
    return format_html('<span class="face{}" aria-hidden="true">{}</span>', size, initials(who))


def name(who: object, *, viewer: object = None) -> str:
    """Return what a person is called here."""
    if not who:
        return gettext("Lightdesk")
    if viewer is not None and _address(who) == _address(viewer):
        return gettext("You")
    return _address(who)
