"""Why an action did not happen. Every `str()` is ready to be shown to the person who asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext_noop as _

from payments.checks import Check
from payments.decision import INTRODUCED_IT, SIGNED_IT, TOO_YOUNG, WROTE_IT, Difference
from payments.enums import Status
from payments.models import NotPossible
from staff.models import User
from staff.texts import Lowered, Sayable, Text, joined, listed


class InvalidDraft(NotPossible):
    """The payout details break a rule; `errors` names field and reason."""

    def __init__(self, errors: Mapping[str, Sayable]) -> None:
        self.errors = {name: str(text) for name, text in errors.items()}
        super().__init__(joined(errors.values()))


class ReasonMissing(NotPossible):
    """A reason is asked for and was not given."""

    def __init__(self) -> None:
        super().__init__(Text(_("Say why, in a few words: it is kept with the decision.")))


class FactsChanged(NotPossible):
    """Something is not as the person saw it. Nothing was signed."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = list(differences)
        labels = listed(dict.fromkeys(difference.label for difference in self.differences))
        super().__init__(
            Text(
                _("Nothing was signed: it has changed since you looked (%(labels)s)."),
                labels=labels,
            )
        )


class AlreadyDecided(NotPossible):
    """Somebody, or the provider, was faster. `by` None: not a person of this desk."""

    def __init__(self, *, code: str, by: User | None, at: datetime | None, verdict: Status) -> None:
        self.by, self.at, self.verdict = by, at, verdict
        super().__init__(
            Text(
                _("%(code)s is already %(status)s%(who)s%(when)s."),
                code=code,
                status=Lowered(verdict.label),
                who=Text(_(" by %(email)s"), email=by.email) if by else "",
                when=Text(_(" at %(moment)s UTC"), moment=f"{at:%Y-%m-%d %H:%M:%S}") if at else "",
            )
        )


class MakerCannotSign(NotPossible):
    """Who wrote a withdrawal never decides about it, whatever rights they hold."""

    def __init__(self) -> None:
        super().__init__(Text(WROTE_IT))


class IntroducerCannotSign(NotPossible):
    """Who first asked for a payout to a beneficiary never decides about any that goes there."""

    def __init__(self) -> None:
        super().__init__(Text(INTRODUCED_IT))


class SignedAlready(NotPossible):
    """This person has decided about this revision already, the other way."""

    def __init__(self) -> None:
        super().__init__(Text(SIGNED_IT))


class RoleCannotSign(NotPossible):
    """The rules name roles for this withdrawal, and this person holds none of them."""


class SignedTooMuch(NotPossible):
    """This person has signed as much as one person signs in the time that the rules look at."""


class ProofTooOld(NotPossible):
    """The rules want whoever signs to have proved who they are just now."""

    def __init__(self) -> None:
        super().__init__(
            Text(_("Nothing was signed: prove who you are again, and sign within 5 minutes."))
        )


class AmountNotTyped(NotPossible):
    """The rules want whoever signs to type the amount, and this is not what was typed."""

    def __init__(self) -> None:
        super().__init__(Text(_("Nothing was signed: type the amount exactly as it is shown.")))


class TooManyAtOnce(NotPossible):
    """Others decide about the same money or limits right now, and it takes too long."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                _(
                    "Nothing was signed: others decide about payouts in this currency right now. "
                    "Try again in a moment."
                )
            )
        )


class AskedAtOnce(NotPossible):
    """Others ask for payouts to the same new beneficiary right now, and it takes too long."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                _(
                    "Nothing was asked for: others ask for payouts to this beneficiary right now. "
                    "Try again in a moment."
                )
            )
        )


class ProviderUnread(NotPossible):
    """It lies at the provider, who could not be asked how it stands there now."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            Text(
                _(
                    "Nothing was signed: %(provider)s did not say how it stands there now. "
                    "Try again in a moment."
                ),
                provider=provider,
            )
        )


class BulkNotPossible(NotPossible):
    """This cannot be done with a run of many decisions now, or not by this person."""


class RoleTooYoung(NotPossible):
    """The role was granted less than a day ago and this is above the first tier."""

    def __init__(self) -> None:
        super().__init__(Text(TOO_YOUNG))


class Blocked(NotPossible):
    """A check forbids it. Nothing was signed."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = list(checks)
        super().__init__(
            Text(_("Nothing was signed: %(why)s"), why=[check.says for check in self.checks])
        )


class NotYours(NotPossible):
    """Only the person who asked for a payout takes it back."""

    def __init__(self, code: str) -> None:
        super().__init__(Text(_("Only the person who asked for %(code)s retracts it."), code=code))


class KeyReused(NotPossible):
    """Another system's key has made a withdrawal already, from a request that said otherwise."""

    def __init__(self, code: str) -> None:
        super().__init__(
            Text(
                _(
                    "This key asked for %(code)s with another body. Send that body again, or a "
                    "new key."
                ),
                code=code,
            )
        )


class TooLateToUndo(NotPossible):
    """Sending has begun; the money may have moved."""

    def __init__(self, code: str) -> None:
        super().__init__(
            Text(_("Sending %(code)s has begun: it cannot be taken back any more."), code=code)
        )


class CancelNotPossible(NotPossible):
    """This payment cannot be cancelled now, or not by this person. Nothing was asked."""


class PolicyNotPossible(NotPossible):
    """The rules cannot be changed like this, now, or by this person."""


class SettlementNotPossible(NotPossible):
    """This outcome cannot be settled by people now, or not by this person, or not like this."""


class QuoteNotPossible(NotPossible):
    """No price could be had, or this one cannot be confirmed. Nothing was exchanged."""


class QuoteExpired(QuoteNotPossible):
    """The price held until a moment ago."""

    def __init__(self) -> None:
        super().__init__(Text(_("The quote has expired: ask again. Nothing was exchanged.")))


class OpeningNotPossible(NotPossible):
    """This account cannot be opened now. Nothing was asked."""
