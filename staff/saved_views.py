"""Lists as people like to look at them: kept under a name, shared, opened first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Final

from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_noop as _

from staff.lists import CURSORS
from staff.models import FirstView, SavedView, User
from staff.permissions import P, View
from staff.texts import Sayable, Text

MOST: Final = 30  # of one person, for one list
LONGEST: Final = 2_000
# An address with this is answered as it stands, also where a view opens first.
NO_VIEW: Final = "view"
# What people write here to find somebody: it is theirs alone.
_ABOUT_PEOPLE: Final = frozenset({"q", "customer", "person", "reference", "beneficiary"})
_PASSING: Final = frozenset({*CURSORS, NO_VIEW, "since"})


class ViewNotPossible(Exception):
    """The view cannot be kept like this: `says` tells why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


@dataclass(frozen=True)
class Offer:
    """One view to choose, as it stands to this person and to the page that is open."""

    view: SavedView
    address: str
    is_mine: bool
    is_first: bool
    is_current: bool


def normal(query: QueryDict) -> str:
    """The view that an address shows, spelled in one way: no page of it, nothing empty."""
    kept = QueryDict(mutable=True)
    for name in sorted(query):
        values = [value for value in query.getlist(name) if value]
        if values and name not in _PASSING:
            kept.setlist(name, values)
    return kept.urlencode()


def keep(
    *, owner: User, page: str, name: str, query: str, is_shared: bool, at: datetime
) -> SavedView:
    """Keep a view; the owner's own of this name is written over. Raises ViewNotPossible."""
    name, wanted = name.strip(), QueryDict(query)
    if not name or len(name) > 60:
        raise ViewNotPossible(Text(_("Give the view a name of at most 60 letters.")))
    if len(kept := normal(wanted)) > LONGEST:
        raise ViewNotPossible(Text(_("This view holds too much to be kept.")))
    if is_shared and any(wanted.get(field) for field in _ABOUT_PEOPLE):
        raise ViewNotPossible(
            Text(_("A view that looks for somebody is yours alone: take the text out to share it."))
        )
    mine = SavedView.objects.filter(owner=owner, page=page)
    if mine.exclude(name=name).count() >= MOST:
        raise ViewNotPossible(
            Text(_("You have %(most)s views of this list: forget one first."), most=MOST)
        )
    view, _made = SavedView.objects.update_or_create(
        owner=owner,
        page=page,
        name=name,
        defaults={"query": kept, "is_shared": is_shared, "made_at": at},
    )
    if not is_shared:
        FirstView.objects.filter(view=view).exclude(person=owner).delete()
    return view


def forget(*, view: SavedView, by: User) -> None:
    """Take a view of one's own away, for whoever used it too. Another's stays."""
    SavedView.objects.filter(pk=view.pk, owner=by).delete()


def open_first(*, view: SavedView, person: User) -> None:
    """Let the list open with this view for this person."""
    FirstView.objects.update_or_create(person=person, page=view.page, defaults={"view": view})


def open_plain(*, page: str, person: User) -> None:
    """Let the list open as it comes again."""
    FirstView.objects.filter(person=person, page=page).delete()


def offers(*, page: str, person: User, query: QueryDict) -> Sequence[Offer]:
    """What this person may choose from on this page, their own first. Two queries."""
    shown = normal(query)
    views = SavedView.objects.offered_to(person, page=page).select_related("owner")
    first = FirstView.objects.filter(person=person, page=page).values_list("view", flat=True)
    first_id = first.first()
    found = [
        Offer(
            view=view,
            address=f"?{view.query or NO_VIEW + '='}",
            is_mine=view.owner_id == person.pk,
            is_first=view.pk == first_id,
            is_current=view.query == shown,
        )
        for view in views.order_by("name", "pk")
    ]
    return sorted(found, key=lambda offer: not offer.is_mine)


def opens_first(view: View[P]) -> View[P]:
    """Let a list that is opened without any question open with the person's first view."""

    @wraps(view)
    def opening(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.GET or not isinstance(request.user, User) or request.resolver_match is None:
            return view(request, *args, **kwargs)
        page = request.resolver_match.view_name
        first = FirstView.objects.filter(person=request.user, page=page)
        query = first.values_list("view__query", flat=True).first()
        if not query:
            return view(request, *args, **kwargs)
        return HttpResponseRedirect(f"{request.path}?{query}")

    return opening
