"""Handing documents in at Lux Financial, and saying what became of them where no machine can."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from customers.actions.documents import DocumentNotPossible
from customers.documents import submitting
from customers.documents.submitting import Choice
from customers.models import Customer, Document, Profile, Submission
from staff import audit
from staff.models import AuditEvent, User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.models import Command


def submit_documents(
    *, customer: Customer, front_key: UUID, by: User, at: datetime
) -> tuple[Submission, AuditEvent]:
    """Queue one document with what belongs to it; it is handed in once.

    Raises NotPermitted, and DocumentNotPossible where Lux Financial takes none now, where one is
    on its way, or where these cannot be handed in.
    """
    require(by, Permission.PROPOSE_KYC)
    try:
        with transaction.atomic():
            profile, identity = _lux_side(customer)
            choice = _choice(customer, front_key)
            submission = Submission.objects.create(
                customer=profile.customer,
                kind=choice.front.kind,
                front=choice.front,
                back=choice.back,
                selfie=choice.selfie,
                created_by=by,
                created_at=at,
            )
            submitting.put(submission, upstream_id=identity, at=at)
            event = audit.record(
                "customers.submission.asked",
                submission,
                by=by,
                at=at,
                after={
                    "customer": submission.customer_id,
                    "kind": submission.kind,
                    "documents": [str(one.key) for one in submission.documents],
                },
            )
    except IntegrityError:
        raise DocumentNotPossible(
            Text(_("Documents of this customer are on their way to Lux Financial already."))
        ) from None
    return submission, event


def look_for_submission(*, code: str, by: User, at: datetime) -> Submission:
    """Let the desk try once more what got no clear answer, under the same key.

    Raises NotPermitted, DocumentNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    submission, command = _given_up(code)
    if why := outbox.why_not_again(command):
        raise DocumentNotPossible(why)
    with transaction.atomic():
        if not outbox.try_again(command, at=at):
            raise DocumentNotPossible(Text(_("It has moved meanwhile: look at it again.")))
        audit.record("customers.submission.looked_for", submission, by=by, at=at)
    return submission


def settle_submission(
    *, code: str, is_there: bool, reason: str, by: User, at: datetime
) -> Submission:
    """Say whether Lux Financial has what got no clear answer. One person may: no money moves.

    Raises NotPermitted, DocumentNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    said = reason.strip()
    if not said:
        raise DocumentNotPossible(Text(_("Say how you know.")))
    submission, command = _given_up(code)
    outcome = (
        outbox.Done(reference="")
        if is_there
        else outbox.Refused(code=submitting.CLOSED, message=said)
    )
    with transaction.atomic():
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise DocumentNotPossible(
                Text(_("It has moved meanwhile: look at it again."))
            ) from late
        submission.refresh_from_db()
        audit.record("customers.submission.settled", submission, by=by, at=at, reason=said)
    return submission


def _lux_side(customer: Customer) -> tuple[Profile, str]:
    """What Lux Financial tells of them, locked, and how it calls them."""
    them = Customer.objects.same_as(customer)
    rows = Profile.objects.select_for_update(of=("self",), no_key=True).select_related("customer")
    profile = rows.filter(customer__in=them).order_by("customer").first()
    if why := submitting.why_not_now(profile):
        raise DocumentNotPossible(why)
    assert profile is not None  # else there is a reason why not
    identity = profile.customer.identities.filter(upstream=Upstream.LUX).order_by("pk").first()
    if identity is None:
        raise DocumentNotPossible(Text(_("Lux Financial does not know this customer.")))
    return profile, identity.upstream_id


def _choice(customer: Customer, front_key: UUID) -> Choice:
    rows = Document.objects.kept().filter(customer__in=Customer.objects.same_as(customer))
    for choice in submitting.choices(rows):
        if choice.front.key == front_key:
            return choice
    raise DocumentNotPossible(
        Text(_("These cannot be handed in: a side is missing, or they were found wanting."))
    )


def _given_up(code: str) -> tuple[Submission, Command]:
    """The submission and the command that no machine tries again; raises DocumentNotPossible."""
    submission = Submission.objects.get(code=code)
    command = submitting.newest_commands([submission]).get(submission.pk)
    if command is None or not submitting.is_given_up(submission, command):
        raise DocumentNotPossible(
            Text(_("The desk is still looking for %(code)s by itself."), code=code)
        )
    return submission, command
