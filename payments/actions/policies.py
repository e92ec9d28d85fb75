"""How the signing rules change: one person drafts and proposes, another confirms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import translation

from payments import policies
from payments.actions.common import refusal_is_recorded, stated
from payments.actions.errors import PolicyNotPossible
from payments.enums import PolicyState
from payments.journal import Journal
from payments.models import Policy, PolicyVersion
from payments.policies import staffing, telling
from staff import audit
from staff.models import User
from staff.permissions import Permission, require

# What a draft copies from the tiers in force, and what a form may set.
TIER_FIELDS = tuple(
    field.attname
    for field in Policy._meta.concrete_fields
    if field.attname not in {"id", "version_id", "published_at"}
)


def begin_policy(*, by: User, at: datetime) -> PolicyVersion:
    """Begin a draft with a copy of what is in force. Raises NotPermitted, PolicyNotPossible."""
    require(by, Permission.MANAGE_POLICIES)
    try:
        with transaction.atomic():
            in_force = policies.published(at)
            newest = PolicyVersion.objects.aggregate(number=Max("number"))["number"] or 0
            draft = PolicyVersion.objects.create(
                number=newest + 1,
                base=in_force[0].version if in_force else None,
                written_by=by,
                created_at=at,
            )
            Policy.objects.bulk_create(
                Policy(version=draft, **{name: getattr(tier, name) for name in TIER_FIELDS})
                for tier in in_force
            )
    except IntegrityError:
        raise PolicyNotPossible("Somebody has begun a draft already: see who, and ask.") from None
    return draft


def save_tier(
    *, version_id: int, tier_id: int | None, values: Mapping[str, Any], by: User
) -> Policy:
    """Change one tier of one's own draft, or add one. Raises NotPermitted, PolicyNotPossible."""
    with transaction.atomic():
        draft = _own_draft(version_id, by)
        tier = draft.tiers.get(pk=tier_id) if tier_id else Policy(version=draft)
        for name in TIER_FIELDS:
            setattr(tier, name, values[name])
        try:
            with transaction.atomic():
                tier.save()
        except IntegrityError:
            raise PolicyNotPossible("The draft has a tier for exactly this already.") from None
    return tier


def remove_tier(*, version_id: int, tier_id: int, by: User) -> None:
    """Take a tier out of one's own draft. Raises NotPermitted, PolicyNotPossible."""
    with transaction.atomic():
        _own_draft(version_id, by).tiers.filter(pk=tier_id).delete()


def propose_policy(*, version_id: int, reason: str, by: User, at: datetime) -> PolicyVersion:
    """Lay one's draft before the others: nobody changes it any more, somebody else confirms it.

    Raises NotPermitted, ReasonMissing, PolicyNotPossible.
    """
    require(by, Permission.MANAGE_POLICIES)
    reason = stated(reason)
    with transaction.atomic():
        draft = _own_draft(version_id, by)
        _refuse_unfit(draft, at)
        draft.state, draft.reason, draft.proposed_at = PolicyState.PROPOSED, reason, at
        try:
            with transaction.atomic():
                draft.save(update_fields=["state", "reason", "proposed_at"])
        except IntegrityError:
            raise PolicyNotPossible(
                "Another proposal waits for a second person: that one is decided first."
            ) from None
        _record("proposed", draft, by=by, at=at)
    return draft


def confirm_policy(*, version_id: int, by: User, at: datetime) -> PolicyVersion:
    """Publish what somebody else proposed: it holds from this moment.

    Raises NotPermitted, PolicyNotPossible. Every refusal is audited.
    """
    subject = (PolicyVersion._meta.label_lower, str(version_id))
    with refusal_is_recorded("payments.policy.confirmation_refused", subject, by=by, at=at):
        by.forget_roles()
        require(by, Permission.MANAGE_POLICIES)
        with transaction.atomic():
            version = _locked(version_id)
            if version.state == PolicyState.PUBLISHED and version.decided_by_id == by.pk:
                return version  # the same click again
            if version.state != PolicyState.PROPOSED:
                raise PolicyNotPossible(
                    f"{version} is {_state(version)}: there is nothing to confirm."
                )
            if version.written_by_id == by.pk:
                raise PolicyNotPossible("You proposed it, so somebody else confirms it.")
            _refuse_unfit(version, at)
            version.tiers.update(published_at=at)
            _decide(version, PolicyState.PUBLISHED, by=by, at=at)
            _record("published", version, by=by, at=at)
    return version


def drop_policy(*, version_id: int, by: User, at: datetime) -> PolicyVersion:
    """Put a draft or a proposal aside; it stays in the history.

    Raises NotPermitted, PolicyNotPossible.
    """
    require(by, Permission.MANAGE_POLICIES)
    with transaction.atomic():
        version = _locked(version_id)
        if version.state == PolicyState.DROPPED:
            return version
        if version.state == PolicyState.PUBLISHED:
            raise PolicyNotPossible(f"{version} was published: propose another version instead.")
        _decide(version, PolicyState.DROPPED, by=by, at=at)
        _record("dropped", version, by=by, at=at)
    return version


def _own_draft(version_id: int, by: User) -> PolicyVersion:
    require(by, Permission.MANAGE_POLICIES)
    version = _locked(version_id)
    if version.state != PolicyState.DRAFT:
        raise PolicyNotPossible(f"{version} is {_state(version)} and is not changed any more.")
    if version.written_by_id != by.pk:
        raise PolicyNotPossible("Only who began a draft changes it; you may drop it.")
    return version


def _refuse_unfit(version: PolicyVersion, at: datetime) -> None:
    """Refuse rules that say nothing new, grew from old ones, or that nobody could satisfy."""
    in_force, tiers = policies.published(at), list(version.tiers.all())
    if version.base_id != (in_force[0].version.pk if in_force else None):
        raise PolicyNotPossible(
            f"{in_force[0].version} was published since {version} was begun: begin anew from it."
        )
    if not tiers:
        raise PolicyNotPossible("There is no tier in it.")
    if not telling.differences(in_force, tiers):
        raise PolicyNotPossible("It changes nothing.")
    for short in staffing.shortages(tiers, staffing.Crew.now()):
        raise PolicyNotPossible(
            f"{short.tier} asks for {short.signatures} signatures, and people who hold a role "
            f"that may give one: {short.people}."
        )


def _locked(version_id: int) -> PolicyVersion:
    return (
        PolicyVersion.objects.select_for_update(of=("self",))
        .select_related("written_by")
        .get(pk=version_id)
    )


def _decide(version: PolicyVersion, state: PolicyState, *, by: User, at: datetime) -> None:
    version.state, version.decided_by, version.decided_at = state, by, at
    version.save(update_fields=["state", "decided_by", "decided_at"])


def _record(what: str, version: PolicyVersion, *, by: User, at: datetime) -> None:
    journal = Journal(by=by, at=at)
    before = list(version.base.tiers.all()) if version.base else []
    with translation.override("en"):  # the trail speaks one language
        changes = telling.differences(before, version.tiers.all())
        lines = [f"{change.label}: {change.before} -> {change.after}" for change in changes]
    journal.add(
        f"payments.policy.{what}",
        version,
        after={
            "version": version.number,
            "state": version.state,
            "written_by": version.written_by.email if version.written_by else audit.SYSTEM,
            "changes": lines,
        },
        reason=version.reason,
    )
    journal.write()


def _state(version: PolicyVersion) -> str:
    return str(PolicyState(version.state).label).lower()
