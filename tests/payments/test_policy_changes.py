"""The rules change by two people: one drafts and proposes, another publishes (proof A-14)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payments import actions, policies
from payments.actions.policies import TIER_FIELDS
from payments.enums import PolicyState
from payments.models import Policy, PolicyVersion
from staff import audit
from staff.models import AuditEvent, RoleGrant, User
from staff.permissions import NotPermitted, Permission, Role
from tests.dashboard.routes import may
from tests.payments.factories import NOW, PolicyFactory, WithdrawalFactory, approver
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)
AFTER = NOW + timedelta(minutes=2)


def lead(**fields: Any) -> User:
    person = UserFactory(roles=["ops_lead"], **fields)
    assert isinstance(person, User)
    return person


def tier(**fields: Any) -> dict[str, Any]:
    """What the form of a tier says."""
    return {name: getattr(Policy(signatures=1), name) for name in TIER_FIELDS} | fields


def drafted(by: User) -> PolicyVersion:
    """A draft in which AUD from 1,000 needs two signatures."""
    draft = actions.begin_policy(by=by, at=NOW)
    values = tier(currency="AUD", from_amount=Decimal(1000), signatures=2)
    actions.save_tier(version_id=draft.pk, tier_id=None, values=values, by=by)
    return draft


def proposed(by: User) -> PolicyVersion:
    return actions.propose_policy(version_id=drafted(by).pk, reason="More eyes.", by=by, at=LATER)


def needed(at: Any = AFTER) -> int:
    withdrawal = WithdrawalFactory.build(created_by=None)
    return policies.requirement_for(withdrawal, policies=policies.published(at)).signatures


@pytest.fixture(autouse=True)
def _in_force(db: None) -> None:
    PolicyFactory(customer_limit=Decimal(9000), roles=["approver", "ops_lead"])
    approver()


class TestDraft:
    def test_begins_as_a_copy_of_what_is_in_force(self) -> None:
        draft = actions.begin_policy(by=lead(), at=NOW)

        (copy,), (original,) = draft.tiers.all(), policies.published(NOW)
        assert (draft.number, draft.base) == (2, original.version)
        assert [getattr(copy, name) for name in TIER_FIELDS] == [
            getattr(original, name) for name in TIER_FIELDS
        ]

    def test_changes_nothing_that_is_in_force(self) -> None:
        drafted(lead())

        assert needed() == 1

    def test_is_one_at_a_time(self) -> None:
        drafted(lead())

        with pytest.raises(actions.PolicyNotPossible, match="begun a draft already"):
            actions.begin_policy(by=lead(), at=NOW)

    def test_is_changed_by_who_began_it_alone(self) -> None:
        draft = drafted(lead())

        with pytest.raises(actions.PolicyNotPossible, match="Only who began"):
            actions.save_tier(version_id=draft.pk, tier_id=None, values=tier(), by=lead())
        with pytest.raises(actions.PolicyNotPossible, match="Only who began"):
            actions.remove_tier(version_id=draft.pk, tier_id=0, by=lead())

    def test_has_one_tier_per_bound(self) -> None:
        olga = lead()
        draft = drafted(olga)

        with pytest.raises(actions.PolicyNotPossible, match="exactly this already"):
            actions.save_tier(
                version_id=draft.pk,
                tier_id=None,
                values=tier(currency="AUD", from_amount=Decimal(1000)),
                by=olga,
            )

    def test_touches_no_tier_of_another_version(self) -> None:
        olga = lead()
        draft, published = drafted(olga), policies.published(NOW)[0]

        actions.remove_tier(version_id=draft.pk, tier_id=published.pk, by=olga)
        with pytest.raises(Policy.DoesNotExist):
            actions.save_tier(version_id=draft.pk, tier_id=published.pk, values=tier(), by=olga)

        assert needed() == 1


class TestPropose:
    def test_needs_a_reason(self) -> None:
        olga = lead()

        with pytest.raises(actions.ReasonMissing):
            actions.propose_policy(version_id=drafted(olga).pk, reason=" ", by=olga, at=LATER)

    def test_ends_the_drafting(self) -> None:
        olga = lead()
        proposal = proposed(olga)

        with pytest.raises(actions.PolicyNotPossible, match="v2 is proposed"):
            actions.save_tier(version_id=proposal.pk, tier_id=None, values=tier(), by=olga)
        assert needed() == 1

    def test_keeps_every_line_that_changes(self) -> None:
        proposed(lead())

        event = AuditEvent.objects.get(verb="payments.policy.proposed")
        assert event.reason == "More eyes."
        (line,) = event.after["changes"]
        assert line.startswith("AUD from 1,000:  -> Signatures: 2; Who may sign: any role")

    def test_refuses_what_changes_nothing(self) -> None:
        olga = lead()
        draft = actions.begin_policy(by=olga, at=NOW)

        with pytest.raises(actions.PolicyNotPossible, match="It changes nothing"):
            actions.propose_policy(version_id=draft.pk, reason="So.", by=olga, at=LATER)

    def test_refuses_an_empty_set(self) -> None:
        olga = lead()
        draft = actions.begin_policy(by=olga, at=NOW)
        draft.tiers.all().delete()

        with pytest.raises(actions.PolicyNotPossible, match="no tier in it"):
            actions.propose_policy(version_id=draft.pk, reason="So.", by=olga, at=LATER)

    @pytest.mark.parametrize(
        ("signatures", "roles", "people"), [(3, [], 2), (2, ["ops_lead"], 1), (2, ["approver"], 1)]
    )
    def test_refuses_what_the_people_who_work_here_could_never_sign(
        self, signatures: int, roles: list[str], people: int
    ) -> None:
        olga = lead()
        UserFactory(roles=["approver"], is_active=False)
        draft = actions.begin_policy(by=olga, at=NOW)
        values = tier(from_amount=Decimal(5000), signatures=signatures, roles=roles)
        actions.save_tier(version_id=draft.pk, tier_id=None, values=values, by=olga)

        with pytest.raises(actions.PolicyNotPossible) as refusal:
            actions.propose_policy(version_id=draft.pk, reason="So.", by=olga, at=LATER)

        assert str(refusal.value) == (
            f"Any currency from 5,000 asks for {signatures} signatures, and people who hold a role "
            f"that may give one: {people}."
        )

    def test_waits_for_the_proposal_before_it(self) -> None:
        proposed(lead())
        otto = lead()

        draft = drafted(otto)
        with pytest.raises(actions.PolicyNotPossible, match="decided first"):
            actions.propose_policy(version_id=draft.pk, reason="So.", by=otto, at=LATER)


class TestConfirm:
    def test_publishes_what_somebody_else_proposed(self) -> None:
        proposal, otto = proposed(lead()), lead()

        published = actions.confirm_policy(version_id=proposal.pk, by=otto, at=AFTER)

        assert (published.state, published.decided_by) == (PolicyState.PUBLISHED, otto)
        assert (needed(LATER), needed(AFTER)) == (1, 2)
        assert audit.verify().ok

    def test_is_refused_to_the_proposer_and_leaves_a_trace(self) -> None:
        olga = lead()
        proposal = proposed(olga)

        with pytest.raises(actions.PolicyNotPossible, match="somebody else confirms it"):
            actions.confirm_policy(version_id=proposal.pk, by=olga, at=AFTER)

        assert needed() == 1
        event = AuditEvent.objects.get(verb="payments.policy.confirmation_refused")
        assert (event.by, event.after["refusal"]) == (olga, "PolicyNotPossible")

    def test_is_refused_to_the_proposer_by_the_database_itself(self) -> None:
        proposal = proposed(lead())

        with pytest.raises(IntegrityError), transaction.atomic():
            PolicyVersion.objects.filter(pk=proposal.pk).update(
                state=PolicyState.PUBLISHED, decided_by=proposal.written_by, decided_at=AFTER
            )

    @pytest.mark.parametrize("role", sorted(set(Role) - may(Permission.MANAGE_POLICIES)))
    def test_is_refused_to_every_other_role(self, role: Role) -> None:
        proposal, person = proposed(lead()), UserFactory(roles=[role])

        for act in (actions.confirm_policy, actions.drop_policy):
            with pytest.raises(NotPermitted):
                act(version_id=proposal.pk, by=person, at=AFTER)

        assert needed() == 1

    def test_notices_a_role_that_was_taken_meanwhile(self) -> None:
        proposal, otto = proposed(lead()), lead()
        assert otto.held_roles
        RoleGrant.objects.filter(user=otto).delete()

        with pytest.raises(NotPermitted):
            actions.confirm_policy(version_id=proposal.pk, by=otto, at=AFTER)

    def test_twice_is_once(self) -> None:
        proposal, otto = proposed(lead()), lead()
        for moment in (AFTER, AFTER + timedelta(seconds=1)):
            published = actions.confirm_policy(version_id=proposal.pk, by=otto, at=moment)

        assert published.decided_at == AFTER
        assert AuditEvent.objects.filter(verb="payments.policy.published").count() == 1

    def test_is_refused_for_one_that_grew_from_older_rules(self) -> None:
        olga, otto = lead(), lead()
        proposal, draft = proposed(olga), drafted(otto)
        actions.confirm_policy(version_id=proposal.pk, by=otto, at=AFTER)

        with pytest.raises(actions.PolicyNotPossible, match="v2 was published since v3"):
            actions.propose_policy(version_id=draft.pk, reason="So.", by=otto, at=AFTER)


class TestDrop:
    def test_puts_a_proposal_aside_and_makes_room_for_the_next(self) -> None:
        olga = lead()
        proposal = proposed(olga)

        dropped = actions.drop_policy(version_id=proposal.pk, by=lead(), at=AFTER)

        assert dropped.state == PolicyState.DROPPED
        assert needed() == 1
        with pytest.raises(actions.PolicyNotPossible, match="nothing to confirm"):
            actions.confirm_policy(version_id=proposal.pk, by=lead(), at=AFTER)
        assert proposed(olga).number == 3

    def test_leaves_what_is_published(self) -> None:
        version = policies.published(NOW)[0].version

        with pytest.raises(actions.PolicyNotPossible, match="was published"):
            actions.drop_policy(version_id=version.pk, by=lead(), at=AFTER)
