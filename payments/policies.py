"""How many signatures a withdrawal needs, and whether it has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from payments.models import Policy, Signature, Withdrawal

WITHOUT_POLICY = 2  # signatures, while nobody has published any rule


@dataclass(frozen=True)
class Requirement:
    """What the rules ask of one withdrawal. `policy` None: no rule matched, the default holds."""

    policy: Policy | None
    signatures: int
    above_first_tier: bool
    words: str


def published(now: datetime) -> tuple[Policy, ...]:
    """The tiers of the newest published version. One query each time: load it once per page."""
    rows = Policy.objects.filter(published_at__lte=now)
    newest = rows.aggregate(newest=Max("version"))["newest"]
    return tuple(rows.filter(version=newest)) if newest is not None else ()


def requirement_for(withdrawal: Withdrawal, *, policies: tuple[Policy, ...]) -> Requirement:
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
            words=f"No policy covers this: {_signatures(WITHOUT_POLICY)} needed.",
        )
    policy = max(reached, key=lambda tier: (_specifics(tier), tier.from_amount, tier.signatures))
    return Requirement(
        policy=policy,
        signatures=policy.signatures,
        above_first_tier=policy.from_amount > 0,
        words=f"Policy v{policy.version}, {_scope(policy)}: {_signatures(policy.signatures)}.",
    )


def valid_approvals(withdrawal: Withdrawal, *, digest: str) -> list[Signature]:
    """The approvals that count: not voided, on this revision and on exactly these facts."""
    return list(
        withdrawal.signatures.valid()
        .approvals()
        .filter(revision=withdrawal.revision, digest=digest)
        .select_related("by")
        .order_by("at", "pk")
    )


def is_signed(withdrawal: Withdrawal) -> bool:
    """Whether an approved withdrawal carries what it was approved with.

    Enough distinct people, on one digest, none of whom wrote it.
    """
    if withdrawal.signatures_required is None:
        return False
    writers = {withdrawal.created_by_id, withdrawal.last_edited_by_id}
    writers.update(withdrawal.revisions.values_list("by", flat=True))
    approvals = list(
        withdrawal.signatures.valid()
        .approvals()
        .filter(revision=withdrawal.revision)
        .values_list("by", "digest")
    )
    signers = {by for by, _ in approvals}
    return (
        len(signers) >= withdrawal.signatures_required
        and len({digest for _, digest in approvals}) == 1
        and not signers & writers
    )


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


def _scope(policy: Policy) -> str:
    words = [policy.currency or "any currency", policy.method.replace("_", " "), policy.origin]
    if policy.from_amount > 0:
        words.append(f"from {policy.from_amount.normalize():,f}")
    return " ".join(filter(None, words))


def _signatures(number: int) -> str:
    return "1 signature" if number == 1 else f"{number} signatures"
