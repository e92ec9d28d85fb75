"""How many signatures a withdrawal needs and of whom, and whether it has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop as _

from payments.models import SIGNING_ROLES, Limit, Policy, Signature, Withdrawal
from payments.models.policies import LAPSE_HOURS
from payments.policies.words import scope, signatures_by
from staff.permissions import Role
from staff.texts import Text

WITHOUT_POLICY = 2  # signatures, while nobody has published any rule
LAPSES_AFTER = timedelta(hours=LAPSE_HOURS)  # where no tier says otherwise


@dataclass(frozen=True)
class Requirement:
    """What the rules ask of one withdrawal. `policy` None: no rule matched, the default holds."""

    policy: Policy | None
    signatures: int
    above_first_tier: bool
    words: Text

    @property
    def roles(self) -> Sequence[Role]:
        """The roles whose signatures count."""
        return self.policy.signing_roles if self.policy else SIGNING_ROLES

    @property
    def limits(self) -> Sequence[Limit]:
        """How much may go at most, per whom and in what time."""
        return self.policy.limits if self.policy else ()

    @property
    def lapses_after(self) -> timedelta:
        """How long after it was due a request waits before it ends by itself."""
        return self.policy.lapses_after if self.policy else LAPSES_AFTER

    @property
    def typed_amount(self) -> bool:
        """Whether whoever signs types the amount once more."""
        return self.policy is None or self.policy.typed_amount

    @property
    def reauthenticate(self) -> bool:
        """Whether whoever signs proves anew who they are."""
        return self.policy is not None and self.policy.reauthenticate


def published(now: datetime) -> tuple[Policy, ...]:
    """The tiers of the version in force. One query each time: load it once per page."""
    rows = Policy.objects.filter(published_at__lte=now)
    newest = rows.order_by("-version").values("version")[:1]
    return tuple(rows.filter(version=newest).select_related("version"))


def requirement_for(withdrawal: Withdrawal, *, policies: Sequence[Policy]) -> Requirement:
    """Find the tier that holds for this withdrawal.

    Of all tiers that match and whose bound the amount reaches (exactly on it counts), the most
    specific one wins: the one that names most of provider, currency, method and origin. Among
    equally specific ones the highest bound wins, and then the one that asks for more.
    """
    reached = [
        policy
        for policy in policies
        if _matches(policy, withdrawal) and withdrawal.amount >= policy.from_amount
    ]
    if not reached:
        return Requirement(
            policy=None,
            signatures=WITHOUT_POLICY,
            above_first_tier=True,
            words=Text(
                _("No policy covers this: %(signatures)s needed."),
                signatures=signatures_by(WITHOUT_POLICY, ()),
            ),
        )
    policy = max(reached, key=lambda tier: (_specifics(tier), tier.from_amount, tier.signatures))
    return Requirement(
        policy=policy,
        signatures=policy.signatures,
        above_first_tier=policy.from_amount > 0,
        words=Text(
            _("Policy v%(version)s, %(scope)s: %(signatures)s."),
            version=policy.version_id,
            scope=scope(policy),
            signatures=signatures_by(policy.signatures, policy.roles),
        ),
    )


def valid_approvals(withdrawal: Withdrawal, *, digest: str) -> list[Signature]:
    """The approvals of this revision, not voided and on exactly these facts."""
    return list(
        withdrawal.signatures.valid()
        .approvals()
        .filter(revision=withdrawal.revision, digest=digest)
        .select_related("by")
        .order_by("at", "pk")
    )


def that_count(signatures: Iterable[Signature], requirement: Requirement) -> list[Signature]:
    """The signatures given by people who held a role that this tier asks for."""
    return [
        signature for signature in signatures if _counts(signature.roles, policy=requirement.policy)
    ]


def is_signed(withdrawal: Withdrawal) -> bool:
    """Whether an approved withdrawal carries what it was approved with.

    Enough distinct people of the roles asked for, on one digest, none of whom wrote it.
    """
    if withdrawal.signatures_required is None:
        return False
    writers = {withdrawal.created_by_id, withdrawal.last_edited_by_id}
    writers.update(withdrawal.revisions.values_list("by", flat=True))
    approvals = list(
        withdrawal.signatures.valid()
        .approvals()
        .filter(revision=withdrawal.revision)
        .select_related("policy")
    )
    return are_enough(approvals, needed=withdrawal.signatures_required, writers=writers)


def are_enough(
    approvals: Sequence[Signature], *, needed: int, writers: AbstractSet[int | None]
) -> bool:
    """Whether these are approvals of enough people who may give them, on one digest.

    What the last one was given under are the rules by which the withdrawal was approved.
    """
    if len({signature.digest for signature in approvals}) != 1:
        return False
    asked = max(approvals, key=lambda signature: signature.pk).policy
    counted = {signature.by_id for signature in approvals if _counts(signature.roles, policy=asked)}
    return len(counted) >= needed and not {signature.by_id for signature in approvals} & writers


def _counts(held: Iterable[str], *, policy: Policy | None) -> bool:
    return policy is None or not policy.roles or not set(policy.roles).isdisjoint(held)


def _matches(policy: Policy, withdrawal: Withdrawal) -> bool:
    return all(
        not asked or asked == found
        for asked, found in (
            (policy.upstream, withdrawal.upstream),
            (policy.currency, withdrawal.currency),
            (policy.method, withdrawal.method),
            (policy.origin, withdrawal.origin),
        )
    )


def _specifics(policy: Policy) -> int:
    return sum(map(bool, (policy.upstream, policy.currency, policy.method, policy.origin)))
