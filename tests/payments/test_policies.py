"""How many signatures: the most specific tier that the amount reaches."""

from datetime import timedelta
from decimal import Decimal

import pytest

from payments import demo, policies
from payments.models import Withdrawal
from payments.policies import Requirement
from tests.payments.factories import NOW, PolicyFactory, SignatureFactory, WithdrawalFactory

pytestmark = pytest.mark.django_db


def required(withdrawal: Withdrawal) -> Requirement:
    return policies.requirement_for(withdrawal, policies=policies.published(NOW))


class TestRequirement:
    def test_is_two_signatures_while_nobody_published_any_rule(self) -> None:
        found = required(WithdrawalFactory.build(created_by=None))

        assert (found.policy, found.signatures, found.above_first_tier) == (None, 2, True)

    @pytest.mark.parametrize(
        ("amount", "signatures"),
        [
            ("0.01", 1),
            ("999.99", 1),
            ("1000.00", 2),  # exactly on a bound takes the higher tier
            ("1000.01", 2),
            ("49999.99", 2),
            ("50000", 3),
            ("50000.01", 3),
        ],
    )
    def test_takes_the_tier_whose_bound_the_amount_reaches(
        self, amount: str, signatures: int
    ) -> None:
        demo.publish_sample_policy(at=NOW)
        withdrawal = WithdrawalFactory.build(created_by=None, amount=Decimal(amount))

        assert required(withdrawal).signatures == signatures

    def test_prefers_the_more_specific_of_two_tiers(self) -> None:
        PolicyFactory(currency="AUD", from_amount=1000, signatures=3)
        PolicyFactory(currency="AUD", method="payid", signatures=1)

        assert required(WithdrawalFactory.build(created_by=None)).signatures == 1
        assert (
            required(WithdrawalFactory.build(created_by=None, method="bank_transfer")).signatures
            == 3
        )

    def test_takes_the_stricter_of_two_equally_specific_tiers(self) -> None:
        PolicyFactory(currency="AUD", signatures=1)
        PolicyFactory(method="payid", signatures=3)

        assert required(WithdrawalFactory.build(created_by=None)).signatures == 3

    def test_heeds_the_newest_published_version_only(self) -> None:
        PolicyFactory(version=1, signatures=1)
        PolicyFactory(version=2, signatures=2)
        PolicyFactory(version=3, signatures=3, published_at=NOW + timedelta(days=1))

        assert required(WithdrawalFactory.build(created_by=None)).signatures == 2

    def test_says_which_tier_it_was(self) -> None:
        PolicyFactory(version=4, currency="AUD", from_amount=5000, signatures=2)
        withdrawal = WithdrawalFactory.build(created_by=None, amount=Decimal(9000))

        assert str(required(withdrawal).words) == "Policy v4, AUD from 5,000: 2 signatures."

    def test_says_whose_signatures_it_wants(self) -> None:
        PolicyFactory(upstream="luxcore", roles=["ops_lead"])

        assert str(required(WithdrawalFactory.build(created_by=None)).words) == (
            "Policy v1, any currency at LuxCore: 1 signature by ops lead."
        )


class TestIsSigned:
    def test_holds_for_enough_people_on_one_digest(self) -> None:
        assert policies.is_signed(WithdrawalFactory(approved=True))

    def test_needs_as_many_as_it_was_approved_with(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, signatures_required=2, signed=1)

        assert not policies.is_signed(withdrawal)

    def test_counts_no_voided_signature(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, signed=0)
        SignatureFactory(withdrawal=withdrawal, voided_at=NOW)

        assert not policies.is_signed(withdrawal)

    def test_counts_no_signature_on_another_revision(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, revision=2, signed=0)
        SignatureFactory(withdrawal=withdrawal, revision=1)

        assert not policies.is_signed(withdrawal)

    def test_wants_everybody_on_the_same_facts(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, signatures_required=2, signed=1)
        SignatureFactory(withdrawal=withdrawal, digest="0" * 64)

        assert not policies.is_signed(withdrawal)

    def test_counts_nobody_without_a_role_that_the_tier_asked_for(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, signed=0)
        signature = SignatureFactory(
            withdrawal=withdrawal, policy=PolicyFactory(roles=["ops_lead"]), roles=["approver"]
        )

        assert not policies.is_signed(withdrawal)
        signature.roles = ["approver", "ops_lead"]
        signature.save()
        assert policies.is_signed(withdrawal)

    def test_refuses_a_signer_who_wrote_an_earlier_revision(self) -> None:
        withdrawal = WithdrawalFactory(approved=True, signed=0)
        signature = SignatureFactory(withdrawal=withdrawal)
        withdrawal.revisions.create(number=7, by=signature.by, at=NOW)

        assert not policies.is_signed(withdrawal)
