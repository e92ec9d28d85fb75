"""Who signs: never somebody who wrote it, never somebody without the role."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from payments import actions, decision
from payments.enums import Status, Verdict
from payments.models import Policy, Signature, Withdrawal
from staff.models import AuditEvent, RoleGrant, User
from staff.permissions import NotPermitted, Role
from tests.payments.deciding import nothing_happened_to, sign, status_of
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    draft,
    maker,
    seen_by,
)
from tests.staff.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


class TestMakerIsNeverChecker:
    """A-3, P-5: refused on every path."""

    @pytest.fixture(autouse=True)
    def _small_team(self, settings: Any) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True

    def both_roles(self, **fields: Any) -> User:
        person = UserFactory(roles=["maker", "approver"], **fields)
        assert isinstance(person, User)
        return person

    def test_refuses_the_maker(self) -> None:
        mara = self.both_roles()
        withdrawal = WithdrawalFactory(created_by=mara)

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, mara)

        assert nothing_happened_to(withdrawal)

    def test_refuses_a_superuser_who_made_it(self) -> None:
        root = self.both_roles(is_superuser=True)
        withdrawal = WithdrawalFactory(created_by=root)

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, root)

        assert nothing_happened_to(withdrawal)

    def test_refuses_a_maker_who_became_an_approver_later(self) -> None:
        mara = maker()
        withdrawal = actions.request_withdrawal(draft=draft(), by=mara, at=NOW)
        RoleGrant.objects.filter(user=mara).delete()
        mara = self._turned(mara, Role.APPROVER)

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, mara)

        assert nothing_happened_to(withdrawal)

    def test_refuses_the_last_editor(self) -> None:
        milo = self.both_roles()
        withdrawal = WithdrawalFactory()
        actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=draft(amount=Decimal(100)),
            by=milo,
            at=NOW,
            reason="typed wrong",
        )

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, milo)

    def test_refuses_whoever_edited_before_the_last_editor(self) -> None:
        milo, withdrawal = self.both_roles(), WithdrawalFactory()
        for person, amount in ((milo, 100), (maker(), 200)):
            actions.amend_withdrawal(
                withdrawal_id=withdrawal.pk,
                draft=draft(amount=Decimal(amount)),
                by=person,
                at=NOW,
                reason="typed wrong",
            )

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, milo)

    def test_refuses_the_maker_to_reject_it_too(self) -> None:
        mara = self.both_roles()
        withdrawal = WithdrawalFactory(created_by=mara)

        with pytest.raises(actions.MakerCannotSign):
            actions.reject_withdrawal(
                withdrawal_id=withdrawal.pk,
                seen=seen_by(mara, withdrawal),
                code="duplicate",
                reason="mine",
                by=mara,
                at=NOW,
            )

        assert nothing_happened_to(withdrawal)

    def test_refuses_who_first_asked_for_the_beneficiary_for_ever(self) -> None:
        mara = self.both_roles()
        first = actions.request_withdrawal(draft=draft(), by=mara, at=NOW - timedelta(days=900))
        withdrawal = WithdrawalFactory(beneficiary=first.beneficiary)

        with pytest.raises(actions.IntroducerCannotSign) as refusal:
            sign(withdrawal, mara)
        with pytest.raises(actions.IntroducerCannotSign):
            actions.reject_withdrawal(
                withdrawal_id=withdrawal.pk,
                seen=seen_by(mara, withdrawal),
                code="duplicate",
                reason="mine",
                by=mara,
                at=NOW,
            )

        assert nothing_happened_to(withdrawal)
        assert "You were the first to ask for a payout to this beneficiary" in str(refusal.value)
        kept = AuditEvent.objects.filter(verb="payments.withdrawal.signature_refused").get()
        assert kept.after["refusal"] == "IntroducerCannotSign"

    def test_refuses_who_brought_the_beneficiary_while_the_page_was_open(self) -> None:
        """The look before the lock passes; the one under it does not."""
        mara = self.both_roles()
        mine = BeneficiaryFactory(payid="mine@example.com", first_asked_by=mara)
        withdrawal = WithdrawalFactory(beneficiary=BeneficiaryFactory())
        page = seen_by(mara, withdrawal)

        def moved(*_: Any, **__: Any) -> None:
            Withdrawal.objects.filter(pk=withdrawal.pk).update(beneficiary=mine)

        with (
            mock.patch("payments.actions.reads.reread", moved),
            pytest.raises(actions.IntroducerCannotSign),
        ):
            sign(withdrawal, mara, seen=page)

        assert nothing_happened_to(withdrawal)

    def test_lets_others_sign_and_says_who_brought_the_beneficiary(self) -> None:
        mara, ada = self.both_roles(), self.both_roles()
        withdrawal = WithdrawalFactory(beneficiary=BeneficiaryFactory(first_asked_by=mara))

        for_mara, for_ada = (
            decision.review(withdrawal, viewer=person, now=NOW) for person in (mara, ada)
        )

        assert for_ada.who_may_sign == (
            "Any approver or ops lead who neither wrote it nor signed it. "
            f"Not {mara.email}, who was the first to ask for a payout to this beneficiary."
        )
        assert "the first to ask" in for_mara.cannot_sign == for_mara.cannot_reject
        assert for_ada.cannot_sign == ""
        sign(withdrawal, ada)
        assert Signature.objects.get().introducer == mara

    def test_looks_for_who_brought_the_beneficiary_with_one_query(self) -> None:
        ada, withdrawal = approver(), WithdrawalFactory(beneficiary=BeneficiaryFactory())
        page = seen_by(ada, withdrawal)

        with CaptureQueriesContext(connection) as queries:
            sign(withdrawal, ada, seen=page)

        asked = [query["sql"] for query in queries if 'FROM "payments_beneficiary"' in query["sql"]]
        assert len(asked) == 1

    @pytest.mark.parametrize("role", ["created_by", "last_edited_by", "introducer"])
    def test_is_refused_by_the_database_itself(self, role: str) -> None:
        mara = self.both_roles()
        wrote = {} if role == "introducer" else {role: mara}
        withdrawal = WithdrawalFactory(**wrote)

        with pytest.raises(IntegrityError), transaction.atomic():
            Signature.objects.create(
                withdrawal=withdrawal,
                revision=1,
                by=mara,
                maker=withdrawal.created_by,
                editor=withdrawal.last_edited_by,
                introducer=mara if role == "introducer" else None,
                verdict=Verdict.APPROVE,
                digest="0" * 64,
                at=NOW,
            )

    def test_leaves_a_trace_of_the_attempt(self) -> None:
        mara = self.both_roles()
        withdrawal = WithdrawalFactory(created_by=mara)

        with pytest.raises(actions.MakerCannotSign):
            sign(withdrawal, mara)

        event = AuditEvent.objects.get()
        assert (event.verb, event.by) == ("payments.withdrawal.signature_refused", mara)
        assert event.after["refusal"] == "MakerCannotSign"

    def _turned(self, person: User, role: Role) -> User:
        other = UserFactory(roles=[role])
        RoleGrant.objects.filter(user=other).update(user=person)
        return User.objects.get(pk=person.pk)


class TestPermission:
    @pytest.mark.parametrize("role", [*set(Role) - {Role.APPROVER, Role.OPS_LEAD}])
    def test_refuses_every_role_that_does_not_sign(self, role: Role) -> None:
        withdrawal, person = WithdrawalFactory(), UserFactory(roles=[role])

        with pytest.raises(NotPermitted):
            sign(withdrawal, person)

        assert nothing_happened_to(withdrawal)
        assert AuditEvent.objects.get().after["refusal"] == "NotPermitted"

    def test_refuses_a_superuser_without_a_role(self) -> None:
        withdrawal, root = WithdrawalFactory(), UserFactory(is_superuser=True)

        with pytest.raises(NotPermitted):
            sign(withdrawal, root)

        assert nothing_happened_to(withdrawal)

    def test_notices_a_role_that_was_taken_between_page_and_click(self) -> None:
        """A-8."""
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        assert ada.held_roles
        RoleGrant.objects.filter(user=ada).delete()

        with pytest.raises(NotPermitted):
            sign(withdrawal, ada, seen=page)

        assert nothing_happened_to(withdrawal)


class TestYoungRole:
    def test_signs_the_first_tier(self) -> None:
        withdrawal = WithdrawalFactory()
        ada = UserFactory(roles=["approver"], roles__since=NOW - timedelta(hours=23))

        sign(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED

    def test_does_not_sign_above_it(self) -> None:
        PolicyFactory(from_amount=1000, signatures=1)
        withdrawal = WithdrawalFactory()
        ada = UserFactory(roles=["approver"], roles__since=NOW - timedelta(hours=23))

        with pytest.raises(actions.RoleTooYoung):
            sign(withdrawal, ada)

        assert nothing_happened_to(withdrawal)

    def test_is_old_enough_after_a_day(self) -> None:
        PolicyFactory(from_amount=1000, signatures=1)
        withdrawal = WithdrawalFactory()
        ada = UserFactory(roles=["approver"], roles__since=NOW - timedelta(hours=24))

        sign(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED


class TestNamedRoles:
    """A tier may say whose signatures it wants."""

    @pytest.fixture(autouse=True)
    def _by_an_ops_lead(self) -> None:
        PolicyFactory(currency="AUD", roles=["ops_lead"])

    def test_refuses_a_signer_without_one_of_them(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        with pytest.raises(actions.RoleCannotSign, match="only ops lead may sign"):
            sign(withdrawal, ada)

        assert nothing_happened_to(withdrawal)
        assert AuditEvent.objects.get().after["refusal"] == "RoleCannotSign"

    def test_takes_the_signature_of_one_who_has_it_and_keeps_why(self) -> None:
        withdrawal, olga = WithdrawalFactory(), UserFactory(roles=["ops_lead"])

        receipt = sign(withdrawal, olga)

        assert receipt.signature.roles == ["ops_lead"]
        assert status_of(withdrawal) == Status.APPROVED

    def test_counts_no_signature_that_was_given_under_other_rules(self) -> None:
        Policy.objects.update(roles=[], signatures=2)
        withdrawal = WithdrawalFactory()
        sign(withdrawal, approver())
        Policy.objects.update(roles=["ops_lead"])

        sign(withdrawal, UserFactory(roles=["ops_lead"]))

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL
        sign(withdrawal, UserFactory(roles=["ops_lead"]))
        assert status_of(withdrawal) == Status.APPROVED

    def test_goes_by_the_age_of_the_role_that_counts(self) -> None:
        Policy.objects.filter(currency="AUD").update(from_amount=1000)
        olga = UserFactory(roles=["approver", "ops_lead"])
        RoleGrant.objects.filter(user=olga, group__name="ops_lead").update(
            granted_at=NOW - timedelta(hours=23)
        )

        with pytest.raises(actions.RoleTooYoung):
            sign(WithdrawalFactory(), olga)

    def test_are_named_to_whoever_looks(self) -> None:
        review = decision.review(WithdrawalFactory(), viewer=approver(), now=NOW)

        assert review.who_may_sign == "Any ops lead who neither wrote it nor signed it."
        assert review.cannot_sign == "Here only ops lead may sign."
        assert review.cannot_reject == ""


class TestProof:
    """A tier may want whoever signs to have proved who they are just now."""

    @pytest.fixture(autouse=True)
    def _asked_for(self) -> None:
        PolicyFactory(currency="AUD", reauthenticate=True)

    @pytest.mark.parametrize("proved_at", [None, NOW - timedelta(minutes=5)])
    def test_refuses_one_that_is_missing_or_too_old(self, proved_at: datetime | None) -> None:
        withdrawal = WithdrawalFactory()

        with pytest.raises(actions.ProofTooOld):
            sign(withdrawal, approver(), proved_at=proved_at)

        assert nothing_happened_to(withdrawal)

    def test_takes_one_that_is_recent(self) -> None:
        withdrawal = WithdrawalFactory()

        sign(withdrawal, approver(), proved_at=NOW - timedelta(minutes=4, seconds=59))

        assert status_of(withdrawal) == Status.APPROVED


class TestTypedAmount:
    @pytest.fixture(autouse=True)
    def _asked_for(self) -> None:
        PolicyFactory(currency="AUD", typed_amount=True)

    @pytest.mark.parametrize("typed", [None, Decimal("2500.01"), Decimal(250000)])
    def test_refuses_another_amount(self, typed: Decimal | None) -> None:
        withdrawal = WithdrawalFactory()

        with pytest.raises(actions.AmountNotTyped):
            sign(withdrawal, approver(), typed_amount=typed)

        assert nothing_happened_to(withdrawal)

    def test_takes_the_amount_however_it_is_written(self) -> None:
        withdrawal = WithdrawalFactory()

        sign(withdrawal, approver(), typed_amount=Decimal("2500.0"))

        assert status_of(withdrawal) == Status.APPROVED

    def test_is_asked_for_while_there_are_no_rules(self) -> None:
        Policy.objects.all().delete()

        with pytest.raises(actions.AmountNotTyped):
            sign(WithdrawalFactory(), approver())
