"""Finding out about requests that got no clear answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.actions.requests import InvalidRequest, ReasonMissing
from customers.enums import RequestKind, RequestStatus
from customers.models import CustomerRequest, ExternalAccount, Identity, Wallet
from customers.requests import life
from customers.requests.life import NotPossible
from staff import audit
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox
from upstreams.models import Command


def look_again(*, request_id: int, by: User, at: datetime) -> CustomerRequest:
    """Let the desk try a request once more that got no clear answer, by the rules of its kind.

    Raises NotPermitted, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    request = CustomerRequest.objects.get(pk=request_id)
    command = _in_doubt(request)
    if why := outbox.why_not_again(command):
        raise NotPossible(why)
    with transaction.atomic():
        if not outbox.try_again(command, at=at):
            raise NotPossible(Text(_("It has moved meanwhile: look at it again.")))
        audit.record("customers.request.looked_for", request, by=by, at=at)
    return request


def settle_request(
    *, request_id: int, was_made: bool, made: str = "", reason: str, by: User, at: datetime
) -> CustomerRequest:
    """Say what somebody found at Lux Financial about a request that no machine looks for any more.

    One person may: no money moves by it. `made` is the id of what was made, which the desk must
    have read by then. Raises NotPermitted, ReasonMissing, InvalidRequest, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    if not (said := reason.strip()):
        raise ReasonMissing
    request = CustomerRequest.objects.get(pk=request_id)
    command = _in_doubt(request)
    if not outbox.waits_for_people(command):
        raise NotPossible(
            Text(_("The desk is still looking for %(code)s by itself."), code=request.code)
        )
    outcome: outbox.Done | outbox.Refused = outbox.Refused(code=life.CLOSED, message=said)
    if was_made:
        outcome = outbox.Done(reference=_known(request, made.strip()))
    with transaction.atomic():
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise NotPossible(Text(_("It has moved meanwhile: look at it again."))) from late
        request.refresh_from_db()
        audit.record(
            "customers.request.settled",
            request,
            by=by,
            at=at,
            after={"was_made": was_made, "made": request.made},
            reason=said,
        )
    return request


def _in_doubt(request: CustomerRequest) -> Command:
    command = life.newest_commands([request]).get(request.pk)
    if request.status != RequestStatus.UNKNOWN or command is None:
        raise NotPossible(Text(_("The outcome of %(code)s is not unknown."), code=request.code))
    return command


def _known(request: CustomerRequest, made: str) -> str:
    """The id of what was made, if our copy has it; what was only changed is known by its own."""
    if request.target:
        return request.target
    match RequestKind(request.kind):
        case RequestKind.CREATE:
            is_known = Identity.objects.filter(upstream=request.upstream, upstream_id=made).exists()
        case RequestKind.ADD_WALLET:
            is_known = Wallet.objects.filter(customer=request.customer, upstream_id=made).exists()
        case _:
            theirs = ExternalAccount.objects.filter(customer=request.customer)
            is_known = theirs.filter(upstream_id=made).exists()
    if not made:
        raise InvalidRequest({"made": Text(_("Write the id of what you found."))})
    if not is_known:
        raise InvalidRequest(
            {"made": Text(_("The desk has not read this yet: wait until it shows here."))}
        )
    return made
