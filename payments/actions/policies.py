"""How the signing rules change: one person drafts and proposes, another confirms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext_noop as _

from payments import policies
from payments.actions.common import refusal_is_recorded, stated
from payments.actions.errors import PolicyNotPossible
from payments.enums import PolicyState
from payments.models import Policy, PolicyVersion
from payments.policies import staffing, telling
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Lowered, Text

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
        raise PolicyNotPossible(
            Text(_("Somebody has begun a draft already: see who, and ask."))
        ) from None
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
            raise PolicyNotPossible(
                Text(_("The draft has a tier for exactly this already."))
            ) from None
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
                Text(_("Another proposal waits for a second person: that one is decided first."))
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
                    Text(
                        _("%(version)s is %(state)s: there is nothing to confirm."),
                        version=str(version),
                        state=_state(version),
                    )
                )
            if version.written_by_id == by.pk:
                raise PolicyNotPossible(Text(_("You proposed it, so somebody else confirms it.")))
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
            raise PolicyNotPossible(
                Text(
                    _("%(version)s was published: propose another version instead."),
                    version=str(version),
                )
            )
        _decide(version, PolicyState.DROPPED, by=by, at=at)
        _record("dropped", version, by=by, at=at)
    return version


def _own_draft(version_id: int, by: User) -> PolicyVersion:
    require(by, Permission.MANAGE_POLICIES)
    version = _locked(version_id)
    if version.state != PolicyState.DRAFT:
        raise PolicyNotPossible(
            Text(
                _("%(version)s is %(state)s and is not changed any more."),
                version=str(version),
                state=_state(version),
            )
        )
    if version.written_by_id != by.pk:
        raise PolicyNotPossible(Text(_("Only who began a draft changes it; you may drop it.")))
    return version


def _refuse_unfit(version: PolicyVersion, at: datetime) -> None:
    """Refuse rules that say nothing new, grew from old ones, or that nobody could satisfy."""
    in_force, tiers = policies.published(at), list(version.tiers.all())
    if version.base_id != (in_force[0].version.pk if in_force else None):
        raise PolicyNotPossible(
            Text(
                _("%(newer)s was published since %(version)s was begun: begin anew from it."),
                newer=str(in_force[0].version),
                version=str(version),
            )
        )
    if not tiers:
        raise PolicyNotPossible(Text(_("There is no tier in it.")))
    if not telling.differences(in_force, tiers):
        raise PolicyNotPossible(Text(_("It changes nothing.")))
    for short in staffing.shortages(tiers, staffing.Crew.now()):
        raise PolicyNotPossible(
            Text(
                _(
                    "%(tier)s asks for %(signatures)s signatures, and people who hold a role "
                    "that may give one: %(people)s."
                ),
                tier=short.tier,
                signatures=short.signatures,
                people=short.people,
            )
        )


def _locked(version_id: int) -> PolicyVersion:
    return (
        PolicyVersion.objects.select_for_update(of=("self",), no_key=True)
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


def _state(version: PolicyVersion) -> Lowered:
    return Lowered(PolicyState(version.state).label)
