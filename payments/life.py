"""Where a withdrawal stands, in words: what is known, whether money moved, what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext, ngettext

from customers.models import Hold
from payments import handout, words
from payments.checks.holds import over, told
from payments.enums import Kind, PaymentStatus, Status
from payments.facts import LABELS
from payments.models import PAID_STATUSES, Payment, Withdrawal
from payments.sight import Sight
from staff import audit
from upstreams.enums import Upstream
from upstreams.lux.words import AWAITS_FUNDS
from upstreams.models import Command, SendingSwitch
from upstreams.outbox import LADDER, has_another_key, waits_for_people

# While a withdrawal is here it can move by itself, and its page keeps looking.
MOVING = frozenset({Status.APPROVED, Status.SENDING, Status.UNKNOWN, Status.SENT})


@dataclass(frozen=True)
class Life:
    """One state in three sentences. Where there is a `next_at`, it ends the third one."""

    tone: str
    known: str
    money: str
    next: str
    next_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What the outbox knows about one withdrawal."""

    withdrawal: Withdrawal
    command: Command | None
    switch: SendingSwitch | None
    holds: Sequence[Hold]

    @property
    def is_stopped(self) -> bool:
        return self.switch is not None and not self.switch.is_on

    @property
    def provider(self) -> str:
        return self.withdrawal.get_upstream_display()

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """How what the provider holds differs from what was asked: field, asked, there."""
        if self.command is None or self.command.outcome.get("outcome") != "mismatch":
            return []
        return [tuple(one) for one in self.command.outcome["differences"]]


def facts(withdrawal: Withdrawal) -> Facts:
    """Read the newest command about the withdrawal, the switch of its provider, and what holds an
    approved one. Two queries, a few more for one that is approved."""
    subject_type, subject_id = audit.subject_of(withdrawal)
    commands = Command.objects.about(subject_type=subject_type, subject_id=subject_id)
    return Facts(
        withdrawal=withdrawal,
        command=commands.last(),
        switch=SendingSwitch.objects.filter(upstream=withdrawal.upstream).first(),
        holds=over([withdrawal])[withdrawal.pk] if withdrawal.status == Status.APPROVED else [],
    )


def tell(facts: Facts, *, now: datetime, sight: Sight) -> Life:
    """Return where the withdrawal stands, with nothing in it that `sight` masks."""
    match Status(facts.withdrawal.status):
        case Status.AWAITING_APPROVAL:
            return _awaiting(facts)
        case Status.APPROVED:
            return _approved(facts, now)
        case Status.SENDING:
            return _sending(facts)
        case Status.UNKNOWN:
            return _unknown(facts, now)
        case Status.SENT:
            return _sent(facts)
        case over:
            return _over(facts, over, sight)


def _awaiting(facts: Facts) -> Life:
    if facts.withdrawal.payment_id:
        return Life(
            tone="wait",
            known=gettext(
                "%(provider)s already holds this payout as pending; it was not made here."
            )
            % {"provider": facts.provider},
            money=gettext("No money has moved as far as we know."),
            next=gettext(
                "%(provider)s may pay it without us. To sign only records that you agree; to "
                "reject it asks %(provider)s to cancel it."
            )
            % {"provider": facts.provider},
        )
    return Life(
        tone="wait",
        known=gettext("It waits for signatures."),
        money=gettext("Nothing has been sent."),
        next=gettext("It is sent after the last signature."),
    )


def _approved(facts: Facts, now: datetime) -> Life:
    known = gettext("All signatures are given.")
    money = gettext("Nothing has been sent yet.")
    if facts.is_stopped:
        assert facts.switch is not None
        return Life(
            tone="warn",
            known=known,
            money=money,
            next=gettext(
                "Sending to %(provider)s is stopped: “%(reason)s” It goes when an ops lead "
                "resumes sending."
            )
            % {"provider": facts.provider, "reason": facts.switch.words},
        )
    due = facts.command.next_at if facts.command else None
    if due and due > now:
        why = facts.command.error if facts.command else ""
        if facts.holds:
            return Life(
                tone="warn",
                known=str(told(facts.holds)),
                money=money,
                next=gettext(
                    "It goes by itself once compliance lets the customer go. Until then an "
                    "approver may undo the approval."
                ),
            )
        if why:
            return Life(
                tone="warn",
                known=gettext("It could not be sent yet: %(why)s") % {"why": why},
                money=money,
                next=gettext("It is tried again by itself"),
                next_at=due,
            )
        seconds = max(1, round((due - now).total_seconds()))
        return Life(
            tone="flow",
            known=known,
            money=money,
            next=ngettext(
                "It is sent in %(seconds)s second.", "It is sent in %(seconds)s seconds.", seconds
            )
            % {"seconds": seconds},
        )
    return Life(
        tone="flow", known=known, money=money, next=gettext("It is sent within a few seconds.")
    )


def _sending(facts: Facts) -> Life:
    return Life(
        tone="flow",
        known=gettext("The request is on its way to %(provider)s.") % {"provider": facts.provider},
        money=gettext("Money may move from now on."),
        next=gettext("The answer comes within a minute. There is nothing to do."),
    )


def _unknown(facts: Facts, now: datetime) -> Life:
    if facts.differences:
        return _different(facts)
    known = gettext("%(provider)s was asked to pay and gave no clear answer.") % {
        "provider": facts.provider
    }
    money = gettext("It may have been paid. Do not pay it in any other way.")
    if facts.command is not None and not waits_for_people(facts.command):
        if facts.is_stopped:
            next_ = gettext("Sending to %(provider)s is stopped: it is looked for when resumed.")
            return Life(
                tone="bad", known=known, money=money, next=next_ % {"provider": facts.provider}
            )
        return _looked_for(facts.command, known, money, now)
    if facts.command is not None and has_another_key(facts.command):
        return Life(
            tone="bad",
            known=known,
            money=money,
            next=gettext(
                "The key was changed since it was sent, so the desk can neither repeat it nor "
                "trust a list it reads now. Two people settle it here by the provider's written "
                "word. Where the desk was still looking, it goes on once the old key is back."
            ),
        )
    return Life(
        tone="bad",
        known=known,
        money=money,
        next=gettext(
            "The desk asks no more. A maker or an ops lead reads what became of it at %(provider)s "
            "and says so here, and a second person confirms it."
        )
        % {"provider": facts.provider},
    )


def _looked_for(command: Command, known: str, money: str, now: datetime) -> Life:
    """It is looked for again and again, each time later; then people decide."""
    left = len(LADDER) - command.doubts
    if left > 0:
        then = ngettext(
            "There is nothing to do: if it is not found after %(n)s more look, two people settle "
            "it. The desk looks for it",
            "There is nothing to do: if it is not found after %(n)s more looks, two people settle "
            "it. The desk looks for it",
            left,
        ) % {"n": left}
    else:
        then = gettext(
            "There is nothing to do yet: if it is not found now, two people settle it. "
            "The desk looks for it"
        )
    due = command.next_at
    if due is None or due <= now:
        return Life(tone="warn", known=known, money=money, next=f"{then} {gettext('now.')}")
    return Life(tone="warn", known=known, money=money, next=then, next_at=due)


def _different(facts: Facts) -> Life:
    """The provider holds something else under our reference than was asked for."""
    found = "; ".join(
        gettext("%(field)s: %(asked)s was asked for, %(there)s is there")
        % {"field": gettext(LABELS.get(field, field)), "asked": asked, "there": there}
        for field, asked, there in facts.differences
    )
    return Life(
        tone="bad",
        known=gettext("%(provider)s holds something else than was asked for: %(differences)s.")
        % {"provider": facts.provider, "differences": found},
        money=gettext("What is there may be paid as it is there. Do not pay it in any other way."),
        next=gettext("An ops lead calls %(provider)s before anybody settles it here.")
        % {"provider": facts.provider},
    )


def _sent(facts: Facts) -> Life:
    if facts.withdrawal.payment_id is None:
        return Life(
            tone="warn",
            known=gettext("Two people settled it by the written word of %(provider)s.")
            % {"provider": facts.provider},
            money=gettext("It was paid, or is being paid, under a key that is not set now."),
            next=gettext("Its end shows here once the desk sees the payment they named."),
        )
    known = gettext("%(provider)s has it and says: %(status)s.") % {
        "provider": facts.provider,
        "status": words.at_provider(facts.withdrawal),
    }
    if handout.waits_for_payee(facts.withdrawal.payment):
        return Life(
            tone="wait",
            known=known,
            money=gettext("No money moves before the payee has said on the page where to."),
            next=handout.why_not(facts.withdrawal)
            or gettext("A maker hands the page's address on; who has it gets the money."),
        )
    payment = facts.withdrawal.payment
    assert payment is not None
    if payment.status == PaymentStatus.UNKNOWN:
        return Life(
            tone="warn",
            known=known,
            money=gettext("The desk does not know this word, so nor whether it was paid."),
            next=gettext("An ops lead asks %(provider)s what it means. The desk keeps reading it.")
            % {"provider": facts.provider},
        )
    if facts.withdrawal.upstream == Upstream.LUX:
        return _transferring(payment, known)
    if payment.status == PaymentStatus.CREATED and not facts.withdrawal.is_ours:
        return Life(
            tone="wait",
            known=known,
            money=gettext("No money has moved as far as we know."),
            next=gettext("%(provider)s decides when it is paid; nothing is sent from here.")
            % {"provider": facts.provider},
        )
    return Life(
        tone="flow",
        known=known,
        money=gettext("The money is on its way."),
        next=gettext("It arrives %(usually)s.") % {"usually": words.expected(facts.withdrawal)},
    )


def _transferring(payment: Payment | None, known: str) -> Life:
    """A transfer waits for somebody to pay in, and goes its way from there by itself."""
    if payment is not None and payment.upstream_status == AWAITS_FUNDS:
        return Life(
            tone="wait",
            known=gettext("Lux Financial has it and waits for the funds."),
            money=gettext("Nothing is paid out before they have arrived."),
            next=gettext("A maker hands on how to pay in, as told below; the rest goes by itself."),
        )
    return Life(
        tone="flow",
        known=known,
        money=gettext("The funds are there and on their way."),
        next=gettext("Nothing is to be done: Lux Financial says when they have arrived."),
    )


def _not_transferred(payment: Payment, said: str) -> Life:
    """A transfer that did not arrive: what was paid in comes back, or has."""
    status = {"status": words.theirs(payment.upstream_status), "said": said}
    back = gettext("Nothing had been paid in, or Lux Financial returns it.")
    if payment.will_come_back:
        back = gettext("The money is on its way back to who paid it in.")
    elif payment.came_back_unpaid:
        back = gettext("The money is back with who paid it in.")
    return Life(
        tone="warn" if payment.will_come_back else "bad",
        known=gettext("Lux Financial ended it: %(status)s. %(said)s") % status,
        money=back,
        next=gettext("If it must still be paid, make a new one from it."),
    )


def _over(facts: Facts, status: Status, sight: Sight) -> Life:
    withdrawal, provider = facts.withdrawal, facts.provider
    reason = sight.text(withdrawal.status_reason, about=withdrawal)
    match status:
        case Status.COMPLETED if withdrawal.contradicted_at is not None:
            return _came_back(facts)
        case Status.REJECTED if withdrawal.contradicted_at is not None:
            return _went_on(facts, reason)
        case Status.COMPLETED:
            return Life(
                tone="good",
                known=gettext("%(provider)s says it is completed.") % {"provider": provider},
                money=gettext("The money was paid out."),
                next="",
            )
        case Status.FAILED | Status.CANCELLED:
            payment = withdrawal.payment
            theirs = payment.error_message if payment else ""
            said = sight.text(theirs, about=withdrawal) or reason
            if payment is not None and payment.kind == Kind.TRANSFER:
                return _not_transferred(payment, said)
            return Life(
                tone="bad",
                known=gettext("%(provider)s ended it: %(status)s. %(said)s")
                % {"provider": provider, "status": gettext(status.label).lower(), "said": said},
                money=gettext("The money was not paid out."),
                next=gettext("If it must still be paid, a maker makes a new one from it."),
            )
        case Status.REFUSED:
            return Life(
                tone="bad",
                known=gettext("%(provider)s refused it: %(said)s")
                % {"provider": provider, "said": reason or withdrawal.error_code},
                money=gettext("No money has moved."),
                next=gettext(
                    "A maker mends what is wrong in a new one made from it, and has that signed."
                ),
            )
        case _:
            money = gettext("No money has moved.")
            if not withdrawal.went_unpaid():
                money = gettext("%(provider)s has it and says: %(status)s.") % {
                    "provider": provider,
                    "status": words.at_provider(withdrawal),
                }
            if status == Status.REJECTED:
                return Life(
                    tone="",
                    known=f"{gettext(withdrawal.get_reject_code_display())}: {reason}",
                    money=money,
                    next=gettext("If it must be paid after all, a maker makes a new one from it."),
                )
            return Life(tone="", known=reason, money=money, next="")


def _came_back(facts: Facts) -> Life:
    """It was paid, and the money was sent back afterwards."""
    payment = facts.withdrawal.payment
    whole = payment is None or payment.status == PaymentStatus.RETURNED
    told = {"provider": facts.provider, "status": words.at_provider(facts.withdrawal)}
    return Life(
        tone="bad",
        known=gettext("It was paid, and later %(provider)s said: %(status)s.") % told,
        money=gettext("The money came back to us.")
        if whole
        else gettext("A part of the money came back to us."),
        next=gettext("If it is still owed, a maker makes a new one.")
        if whole
        else gettext("If that part is still owed, a maker asks for it anew."),
    )


def _went_on(facts: Facts, reason: str) -> Life:
    """It was rejected here, and the provider went on with it all the same."""
    withdrawal = facts.withdrawal
    is_paid = withdrawal.payment is not None and withdrawal.payment.status in PAID_STATUSES
    return Life(
        tone="bad",
        known=reason,
        money=gettext("%(provider)s paid it all the same.") % {"provider": facts.provider}
        if is_paid
        else gettext("%(provider)s goes on with it all the same: %(status)s.")
        % {"provider": facts.provider, "status": words.at_provider(withdrawal)},
        next=gettext("An ops lead asks %(provider)s for the money back.")
        % {"provider": facts.provider}
        if is_paid
        else gettext("An ops lead asks %(provider)s to stop it.") % {"provider": facts.provider},
    )
