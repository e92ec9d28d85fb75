"""What the actions share: locking, refusals that leave a trace, receipts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import OperationalError, transaction
from django.utils.translation import gettext_noop as _

from payments.actions.errors import (
    AlreadyDecided,
    IntroducerCannotSign,
    MakerCannotSign,
    ReasonMissing,
    SettlementNotPossible,
)
from payments.decision import introduced, wrote
from payments.enums import Status, Verdict
from payments.models import NotPossible, PaymentRequest, Signature, TradeOrder, Withdrawal
from staff import audit
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from staff.texts import Text, in_english, packed
from staff.timelines import SAID
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command

# To somebody who answers a proposal that they cannot have seen.
NOT_SEEN: Final = _(
    "Somebody proposed an outcome meanwhile: look at it, and then confirm or drop it."
)


LOCK_NOT_AVAILABLE = "55P03"  # what PostgreSQL calls a wait that was too long


def waiting_command(
    asked: Withdrawal | PaymentRequest | TradeOrder, *, kinds: Iterable[str]
) -> Command:
    """The command in doubt that no machine will try again; raises SettlementNotPossible."""
    if asked.status != Status.UNKNOWN.value:  # the same word for all of them
        raise SettlementNotPossible(
            Text(_("The outcome of %(code)s is not unknown."), code=asked.code)
        )
    subject_type, subject_id = audit.subject_of(asked)
    command = (
        Command.objects.about(subject_type=subject_type, subject_id=subject_id)
        .filter(kind__in=kinds, state=CommandState.UNKNOWN)
        .last()
    )
    if command is None or not outbox.waits_for_people(command):
        raise SettlementNotPossible(
            Text(
                _("The desk is still looking for %(code)s at the provider by itself."),
                code=asked.code,
            )
        )
    return command


def has_word(command: Command, written_word: str) -> bool:
    """Whether the provider's written word stands for what nobody can see under the key set now."""
    return bool(written_word) and outbox.has_another_key(command)


def refuse_unproven(command: Command, written_word: str) -> None:
    """That nothing happened takes that word, where a list proves nothing."""
    if outbox.has_another_key(command) and not has_word(command, written_word):
        raise SettlementNotPossible(
            Text(
                _(
                    "It was sent under another key, so no list that is read now proves "
                    "that nothing came of it: write down what the provider says, and where "
                    "that stands."
                )
            )
        )


@dataclass(frozen=True)
class Receipt:
    """Proof of a decision. `repeated`: this was the same decision again, and changed nothing."""

    withdrawal: Withdrawal
    signature: Signature
    audit: AuditEvent
    repeated: bool = False


def stated(reason: str) -> str:
    """The reason without blanks around it; raises ReasonMissing when nothing is left."""
    if text := reason.strip():
        return text
    raise ReasonMissing


def waited_too_long(problem: OperationalError) -> bool:
    """Whether the database gave up waiting for what somebody else has locked."""
    return getattr(problem.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE


@contextmanager
def refusal_is_kept(what: str, *, withdrawal_id: int, by: User, at: datetime) -> Iterator[None]:
    """Write a refused attempt into the audit trail, in a transaction of its own, and raise it on.

    The refusal itself rolled everything back; the attempt must be remembered all the same. What
    was said is kept so that every reader of the trail gets it in their own language.
    """
    verb, subject = f"payments.withdrawal.{what}_refused", str(withdrawal_id)
    with refusal_is_recorded(verb, ("payments.withdrawal", subject), by=by, at=at):
        yield


@contextmanager
def refusal_is_recorded(
    verb: str, subject: tuple[str, str], *, by: User, at: datetime
) -> Iterator[None]:
    """The same for anything else: `verb` is how the trail calls the refusal."""
    try:
        yield
    except (NotPermitted, NotPossible) as refusal:
        with transaction.atomic():
            audit.record(
                verb,
                subject,
                by=by,
                at=at,
                after={"refusal": type(refusal).__name__, SAID: packed(refusal.says)},
                reason=in_english(refusal.says),
            )
        raise


def refuse_askers(withdrawal: Withdrawal, by: User) -> None:
    """Refuse whoever had a hand in asking for it, whatever is to be decided: no exception.

    Raises MakerCannotSign for everybody who wrote any revision, and IntroducerCannotSign for who
    brought its beneficiary.
    """
    if wrote(withdrawal, by):
        raise MakerCannotSign
    if introduced(withdrawal, by):
        raise IntroducerCannotSign


def refuse_decided(withdrawal: Withdrawal) -> None:
    """Raise AlreadyDecided, saying who and when, unless the withdrawal still awaits a decision."""
    if withdrawal.status == Status.AWAITING_APPROVAL:
        return
    verdict = Status(withdrawal.status)
    last = (
        withdrawal.signatures.valid()
        .filter(revision=withdrawal.revision)
        .select_related("by")
        .order_by("at", "pk")
        .last()
    )
    if verdict == Status.RETRACTED:
        who, when = withdrawal.created_by, withdrawal.settled_at
    elif verdict == Status.LAPSED or last is None:
        who, when = None, withdrawal.settled_at
    else:
        who, when = last.by, last.at
    if last and verdict not in (Status.RETRACTED, Status.LAPSED):
        verdict = Status.REJECTED if last.verdict == Verdict.REJECT else Status.APPROVED
    raise AlreadyDecided(code=withdrawal.code, by=who, at=when, verdict=verdict)


def first_receipt(withdrawal: Withdrawal, *, by: User, verdict: Verdict) -> Receipt | None:
    """The receipt of the same decision by the same person, if they made it already."""
    signature = (
        withdrawal.signatures.valid()
        .filter(by=by, revision=withdrawal.revision, verdict=verdict)
        .first()
    )
    if signature is None:
        return None
    subject_type, subject_id = audit.subject_of(withdrawal)
    event = AuditEvent.objects.about(subject_type=subject_type, subject_id=subject_id).filter(
        verb=VERBS[verdict], by=by, after__signature=signature.pk
    )
    return Receipt(withdrawal, signature, event.get(), repeated=True)


# How the two decisions are called in the audit trail.
VERBS = {
    Verdict.APPROVE: "payments.withdrawal.signed",
    Verdict.REJECT: "payments.withdrawal.signed_against",
}
