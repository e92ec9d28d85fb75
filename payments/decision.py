"""Everything a person needs to decide about one withdrawal, and proof of what they were shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from payments import checks, facts, policies
from payments.checks import Check, limits
from payments.enums import Level, Status, Verdict
from payments.models import Beneficiary, Signature, Withdrawal
from payments.policies import Requirement
from payments.references import PAYOUTS
from staff import audit
from staff.models import User
from staff.permissions import Permission, Person, Role, can
from staff.texts import Lowered, Sayable, Text, in_english, joined
from upstreams.enums import CommandState
from upstreams.models import Command

_SALT = "payments.decision.seen"
PROVED_WITHIN = timedelta(minutes=5)
YOUNG = timedelta(hours=24)  # a younger role signs the first tier only (design §8)


@dataclass(frozen=True)
class Difference:
    """One fact that is not what the person saw. Personal values are masked."""

    field: str
    label: Sayable
    before: Sayable
    after: Sayable


@dataclass(frozen=True)
class Review:
    """One withdrawal as one person may see and decide it. The `cannot_…` are "" or why not."""

    facts: dict[str, str]
    seen: str
    digest: str
    requirement: Requirement
    signatures: list[Signature]
    checks: list[Check]
    cannot_sign: str
    cannot_reject: str
    cannot_retract: str
    cannot_undo: str
    cannot_amend: str
    introducer: User | None

    @property
    def missing(self) -> int:
        """How many more signatures are needed, of people who hold a role that is asked for."""
        given = policies.that_count(self.signatures, self.requirement)
        return max(0, self.requirement.signatures - len(given))

    @property
    def blocks(self) -> list[Check]:
        return blocking(self.checks)

    @property
    def who_may_sign(self) -> str:
        roles = policies.role_words(self.requirement.roles)
        who = Text(_("Any %(roles)s who neither wrote it nor signed it."), roles=roles)
        if self.introducer is None:
            return str(who)
        but = Text(
            _("Not %(email)s, who was the first to ask for a payout to this beneficiary."),
            email=self.introducer.email,
        )
        return str(joined([who, but]))


def review(withdrawal: Withdrawal, *, viewer: User, now: datetime) -> Review:
    """Look at a withdrawal for one person. Takes a fixed number of queries."""
    plain = facts.of(withdrawal)
    digest = facts.digest(plain)
    requirement = policies.requirement_for(withdrawal, policies=policies.published(now))
    found = checks.run(withdrawal, now=now)
    mine = list(withdrawal.signatures.valid().select_related("by").order_by("at", "pk"))
    is_open = withdrawal.status == Status.AWAITING_APPROVAL
    signatures = [
        signature
        for signature in mine
        if signature.verdict == Verdict.APPROVE
        and signature.revision == withdrawal.revision
        # Once it was decided the facts may move on; what was signed stays signed.
        and (signature.digest == digest or not is_open)
    ]
    reasons = _Reasons(withdrawal, viewer, mine)
    return Review(
        facts=facts.shown(withdrawal, names_in_clear=can(viewer, Permission.SEE_PAYMENTS)),
        seen=seal(withdrawal, viewer=viewer, requirement=requirement, found=found),
        digest=digest,
        requirement=requirement,
        signatures=signatures,
        checks=found,
        cannot_sign=reasons.against_signing(requirement, found, now),
        cannot_reject=reasons.against_judging,
        cannot_retract=reasons.against_retracting(),
        cannot_undo=reasons.against_undoing(),
        cannot_amend=reasons.against_amending(),
        introducer=_another_introducer(withdrawal),
    )


def _another_introducer(withdrawal: Withdrawal) -> User | None:
    """Who else than its maker does not sign it, because they brought its beneficiary."""
    beneficiary = withdrawal.beneficiary
    if beneficiary is None or beneficiary.first_asked_by_id == withdrawal.created_by_id:
        return None
    return beneficiary.first_asked_by


def blocking(found: Sequence[Check]) -> list[Check]:
    return [check for check in found if check.level == Level.BLOCK]


# --- What was seen --------------------------------------------------------------------------------


def seal(
    withdrawal: Withdrawal, *, viewer: Person, requirement: Requirement, found: Sequence[Check]
) -> str:
    """Sign what one person is shown, for the form to bring back.

    Holds a keyed fingerprint of every fact and the text they may read, so that a difference can be
    named later and no personal value travels in clear.
    """
    shown = facts.shown(withdrawal, names_in_clear=can(viewer, Permission.SEE_PAYMENTS))
    shown[_POLICY] = in_english(requirement.words)
    plain = facts.of(withdrawal) | {_POLICY: shown[_POLICY]}
    content = {
        "withdrawal": withdrawal.pk,
        "viewer": viewer.pk,
        "facts": {name: [_fingerprint(name, plain[name]), shown[name]] for name in plain},
        "warnings": sorted({check.code for check in found if check.level != Level.PASS}),
    }
    return signing.dumps(content, salt=_SALT, compress=True)


def differences(
    seen: str,
    withdrawal: Withdrawal,
    *,
    viewer: Person,
    requirement: Requirement,
    found: Sequence[Check] = (),
) -> list[Difference]:
    """What is not as it was when `seen` was sealed, with every warning that is new since."""
    try:
        content: Mapping[str, Any] = signing.loads(seen, salt=_SALT)
    except signing.BadSignature:
        return [_UNREADABLE]
    if (content["withdrawal"], content.get("viewer")) != (withdrawal.pk, viewer.pk):
        return [_UNREADABLE]
    shown = facts.shown(withdrawal, names_in_clear=can(viewer, Permission.SEE_PAYMENTS))
    shown[_POLICY] = in_english(requirement.words)
    plain = facts.of(withdrawal) | {_POLICY: shown[_POLICY]}
    changed = []
    for name in plain:
        fingerprint, before = content["facts"].get(name, ["", ""])
        if not constant_time_compare(fingerprint, _fingerprint(name, plain[name])):
            after: Sayable = shown[name]
            if after == before:
                after = Text(_("%(value)s (another one)"), value=after)
            changed.append(Difference(name, Text(_LABELS.get(name, name)), before, after))
    changed.extend(
        Difference(f"check:{check.code}", Text(_("Checks")), Text(_("not there")), check.says)
        for check in found
        if check.level == Level.WARN and check.code not in content["warnings"]
    )
    return changed


_POLICY = "policy"
_LABELS = facts.LABELS | {_POLICY: _("Policy")}
_UNREADABLE = Difference(
    "seen",
    Text(_("This form")),
    Text(_("damaged or from another page")),
    Text(_("shown anew")),
)


def _fingerprint(name: str, value: str) -> str:
    return salted_hmac(_SALT, f"{name}\n{value}", algorithm="sha256").hexdigest()[:32]


# --- Who may do what ------------------------------------------------------------------------------


def wrote(withdrawal: Withdrawal, user: Person) -> bool:
    """Whether this person made or edited the withdrawal, in any revision."""
    if user.pk in (withdrawal.created_by_id, withdrawal.last_edited_by_id):
        return True
    return withdrawal.revisions.filter(by=user.pk).exists()


def introduced(withdrawal: Withdrawal, user: Person) -> bool:
    """Whether this person was the first to ask for a payout to its beneficiary.

    Of a locked withdrawal it is read here, and not joined to what the lock had to wait for. One
    that was asked for before there were beneficiaries, and given none, goes by its account.
    """
    if user.pk is None:
        return False
    if withdrawal.beneficiary_id is None and withdrawal.account_key:
        known = Beneficiary.objects.filter(account_key=withdrawal.account_key)
        return known.filter(first_asked_by=user.pk).exists()
    return withdrawal.introducer_id() == user.pk


def roles_that_sign(user: User, *, requirement: Requirement) -> list[Role]:
    """The roles of this person whose signature counts here; none: somebody else signs it."""
    return [role for role in requirement.roles if role in user.held_roles]


def wrong_role(requirement: Requirement) -> Text:
    return Text(_("Here only %(roles)s may sign."), roles=policies.role_words(requirement.roles))


def role_is_too_young(user: User, *, requirement: Requirement, now: datetime) -> bool:
    """Whether every role by which they could sign was granted less than a day ago."""
    if not requirement.above_first_tier:
        return False
    held = roles_that_sign(user, requirement=requirement)
    return all(now - user.held_roles[role] < YOUNG for role in held)


def is_proved(proved_at: datetime | None, *, now: datetime) -> bool:
    """Whether somebody proved who they are just now."""
    return proved_at is not None and now - proved_at < PROVED_WITHIN


TOO_YOUNG = _(
    "You have had your role for less than 24 hours: until then you sign only small amounts, those "
    "of the first tier. Ask another approver."
)
SIGNED_IT = _("You have signed this already.")
WROTE_IT = _("You wrote this withdrawal, so somebody else signs it.")
INTRODUCED_IT = _(
    "You were the first to ask for a payout to this beneficiary, so somebody else signs whatever "
    "goes there."
)


@dataclass(frozen=True)
class _Reasons:
    """Why this person cannot do something with this withdrawal now."""

    withdrawal: Withdrawal
    viewer: User
    signatures: list[Signature]

    @cached_property
    def against_judging(self) -> str:
        """Why they can neither approve nor reject."""
        if not can(self.viewer, Permission.SIGN_WITHDRAWALS):
            return gettext("Your roles do not sign withdrawals.")
        if reason := self._not_awaiting():
            return reason
        if wrote(self.withdrawal, self.viewer):
            return gettext(WROTE_IT)
        if introduced(self.withdrawal, self.viewer):
            return gettext(INTRODUCED_IT)
        if any(
            signature.by_id == self.viewer.pk and signature.revision == self.withdrawal.revision
            for signature in self.signatures
        ):
            return gettext(SIGNED_IT)
        return ""

    def against_signing(
        self, requirement: Requirement, found: Sequence[Check], now: datetime
    ) -> str:
        if reason := self.against_judging:
            return reason
        if not roles_that_sign(self.viewer, requirement=requirement):
            return str(wrong_role(requirement))
        if role_is_too_young(self.viewer, requirement=requirement, now=now):
            return gettext(TOO_YOUNG)
        if blocks := blocking(found):
            return gettext("A check blocks it: %(why)s") % {"why": blocks[0].text}
        return str(
            limits.against_signer(
                self.withdrawal, signer=self.viewer, requirement=requirement, now=now
            )
        )

    def against_retracting(self) -> str:
        if not can(self.viewer, Permission.MAKE_WITHDRAWALS):
            return gettext("Your roles do not retract withdrawals.")
        if reason := self._not_awaiting():
            return reason
        if self.withdrawal.created_by_id != self.viewer.pk:
            return gettext("Only the person who asked for it retracts it.")
        return ""

    def against_undoing(self) -> str:
        if not can(self.viewer, Permission.SIGN_WITHDRAWALS):
            return gettext("Your roles do not undo approvals.")
        if self.withdrawal.status != Status.APPROVED:
            return gettext("It is %(status)s: there is no approval to undo.") % self._status
        if not self._can_be_taken_back():
            return gettext("Sending has begun: it cannot be taken back.")
        return ""

    def against_amending(self) -> str:
        if not can(self.viewer, Permission.MAKE_WITHDRAWALS):
            return gettext("Your roles do not change withdrawals.")
        if not self.withdrawal.is_ours:
            return gettext("It was asked for at the provider and cannot be changed here.")
        return self._not_awaiting()

    def _not_awaiting(self) -> str:
        if self.withdrawal.status == Status.AWAITING_APPROVAL:
            return ""
        return gettext("It is %(status)s and awaits no decision.") % self._status

    @property
    def _status(self) -> dict[str, Lowered]:
        return {"status": Lowered(Status(self.withdrawal.status).label)}

    def _can_be_taken_back(self) -> bool:
        subject_type, subject_id = audit.subject_of(self.withdrawal)
        return (
            Command.objects.about(subject_type=subject_type, subject_id=subject_id)
            .filter(kind__in=PAYOUTS.values(), state=CommandState.QUEUED)
            .exists()
        )
