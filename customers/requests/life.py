"""Where a request stands: the moves of its row, and the same in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from customers.enums import RequestKind, RequestStatus
from customers.models import CustomerRequest
from customers.requests.sentences import SENTENCES
from staff.journal import Journal
from staff.texts import Lowered, Sayable, Text
from upstreams.models import Command
from upstreams.outbox import has_another_key, waits_for_people

CLOSED: Final = "CLOSED_BY_PEOPLE"


class NotPossible(Exception):
    """Base of every "no" about a request: `str()` says why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


class RequestNotMovable(NotPossible):
    """The request may not go from where it stands to where it was asked to go."""

    def __init__(self, *, code: str, current: RequestStatus, wanted: RequestStatus) -> None:
        super().__init__(
            Text(
                _("%(code)s is %(current)s; it cannot become %(wanted)s."),
                code=code,
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


@dataclass(frozen=True)
class Standing:
    """One state in sentences. Where there is a `next_at`, it ends the last one."""

    tone: str
    known: str
    meaning: str
    next: str = ""
    next_at: datetime | None = None


def move(
    request: CustomerRequest,
    wanted: RequestStatus,
    *,
    journal: Journal,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked request, save it and note the move; raises RequestNotMovable."""
    current = RequestStatus(request.status)
    if not request.can_become(wanted):
        raise RequestNotMovable(code=request.code, current=current, wanted=wanted)
    request.status, request.status_reason = wanted, reason
    for name, value in changes.items():
        setattr(request, name, value)
    request.save(update_fields={"status", "status_reason", "customer", *changes})
    journal.add(
        f"customers.request.{wanted.value}",
        request,
        before={"status": current},
        after={"status": wanted, "kind": request.kind, "customer": request.customer_id},
        reason=reason,
    )


def is_moving(request: CustomerRequest) -> bool:
    """Whether it can still change by itself, so that its page keeps looking."""
    return not request.is_settled


def newest_commands(requests: Iterable[CustomerRequest]) -> Mapping[int, Command]:
    """The newest command about each of these, by the request's key. One query."""
    ids = {str(one.pk) for one in requests}
    if not ids:
        return {}
    label = CustomerRequest._meta.label_lower
    commands = Command.objects.filter(subject_type=label, subject_id__in=ids).defer("request")
    return {int(command.subject_id): command for command in commands.order_by("pk")}


def is_given_up(request: CustomerRequest, command: Command | None) -> bool:
    """Whether no machine will find out what became of it."""
    is_unknown = request.status == RequestStatus.UNKNOWN
    return is_unknown and command is not None and waits_for_people(command)


def tell(request: CustomerRequest, command: Command | None) -> Standing:
    """Say where it stands; `command` is its newest."""
    words = SENTENCES[RequestKind(request.kind)]
    match RequestStatus(request.status):
        case RequestStatus.MADE:
            return Standing("good", gettext(words.made), gettext(words.afterwards))
        case RequestStatus.REFUSED:
            return Standing("bad", _refusal(request), gettext("Nothing was changed there."))
        case RequestStatus.UNKNOWN:
            return _unknown(request, command)
    if why := _what_delays(command):
        known = gettext("It could not be sent yet: %(why)s") % {"why": why}
        return Standing(
            "warn",
            known,
            gettext("Nothing has been sent."),
            gettext("It is tried again by itself"),
            command.next_at if command else None,
        )
    return Standing("flow", gettext(words.asked), gettext("The answer comes within a minute."))


def what_was_wrong(request: CustomerRequest) -> list[tuple[str, str]]:
    """Which fields Lux Financial took exception to, by their readable names, and what it says."""
    return [
        (field.replace(".", " ").replace("_", " ").capitalize(), str(said))
        for field, said in request.field_errors.items()
    ]


def _refusal(request: CustomerRequest) -> str:
    special = {
        CLOSED: _("Somebody closed it: it was not carried out. %(said)s"),
        "OTHER_AMOUNTS": _(
            "The amounts are not those that arrived: the account waits for the right ones. "
            "Too many wrong tries make it fail for good."
        ),
        "NOT_VERIFIED": _("The account failed verification: it cannot be paid to."),
        "already_exists": _("Somebody else has this e-mail at Lux Financial already."),
    }
    said = special.get(request.error_code, _("Lux Financial refused it: %(said)s"))
    return gettext(said) % {"said": request.status_reason}


def _unknown(request: CustomerRequest, command: Command | None) -> Standing:
    known = gettext("Lux Financial was asked and gave no clear answer.")
    meaning = gettext("It may have been carried out.")
    if command is not None and waits_for_people(command):
        following = gettext(
            "No machine looks again: let the desk look once more, or look at Lux Financial and "
            "say what you found."
        )
        if has_another_key(command):
            following = gettext(
                "It was sent under another key than the one set now, so the desk does not look "
                "again. Look at Lux Financial and say what you found."
            )
        return Standing("bad", known, meaning, following)
    following = gettext("There is nothing to do: the desk looks for it again")
    return Standing("warn", known, meaning, following, command.next_at if command else None)


def _what_delays(command: Command | None) -> str:
    return command.error if command is not None else ""
