"""Many payouts and one limit at the same moment (proof A-9)."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection, transaction

from payments import actions
from payments.checks import limits
from payments.enums import Status
from payments.models import Policy, Signature, Withdrawal
from tests.payments.deciding import nothing_happened_to
from tests.payments.factories import NOW, WithdrawalFactory, approver, maker
from tests.payments.test_races import at_once, refusals, signing
from tests.support.rounds import rounds

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("ready", "line"),
]

PAYOUTS, FIT = 20, 7


@pytest.fixture(autouse=True)
def _patient_database() -> Iterator[None]:
    """Let a busy machine take its time: here nobody is to give up waiting."""
    options = connection.settings_dict["OPTIONS"]
    usual = options["options"]
    options["options"] = "-c lock_timeout=120s"
    yield
    options["options"] = usual


def forget_the_last_round() -> None:
    Withdrawal.objects.update(status=Status.LAPSED)
    Signature.objects.update(voided_at=NOW)


class TestTwentyPayoutsAtOnce:
    @pytest.mark.parametrize("limit", ["beneficiary_limit", "customer_limit"])
    def test_let_through_exactly_what_fits(self, limit: str) -> None:
        """A-9."""
        people, mara = [approver() for _ in range(PAYOUTS)], maker()
        Policy.objects.update(**{limit: Decimal(100 * FIT + 99)})
        for _ in range(rounds(3)):
            forget_the_last_round()
            payouts = [
                WithdrawalFactory(created_by=mara, amount=Decimal(100)) for _ in range(PAYOUTS)
            ]

            results = at_once(
                *(signing(row, person) for row, person in zip(payouts, people, strict=True))
            )

            refused = refusals(results, actions.Blocked)
            went = Withdrawal.objects.filter(status=Status.APPROVED)
            assert len(refused) == PAYOUTS - FIT
            assert went.count() == FIT
            assert all("is passed by 1.00 AUD: 700.00 AUD stand ahead" in str(no) for no in refused)

    def test_of_different_amounts_never_pass_the_limit(self) -> None:
        people, mara = [approver() for _ in range(PAYOUTS)], maker()
        Policy.objects.update(beneficiary_limit=Decimal(1000))
        for _ in range(rounds(3)):
            forget_the_last_round()
            payouts = [
                WithdrawalFactory(created_by=mara, amount=Decimal(37 * number))
                for number in range(1, PAYOUTS + 1)
            ]

            results = at_once(
                *(signing(row, person) for row, person in zip(payouts, people, strict=True))
            )

            refusals(results, actions.Blocked)
            went = Withdrawal.objects.filter(status=Status.APPROVED)
            total = sum(went.values_list("amount", flat=True))
            # The first six fit (777), and nothing that is left does.
            assert (went.count(), total) == (6, Decimal(777))

    def test_of_one_approver_pass_their_own_limit_never(self) -> None:
        ada, mara = approver(), maker()
        Policy.objects.update(approver_limit=Decimal(100 * FIT + 99))
        for _ in range(rounds(3)):
            forget_the_last_round()
            payouts = [
                WithdrawalFactory(created_by=mara, amount=Decimal(100)) for _ in range(PAYOUTS)
            ]

            results = at_once(*(signing(row, ada) for row in payouts))

            assert len(refusals(results, actions.SignedTooMuch)) == PAYOUTS - FIT
            assert Withdrawal.objects.filter(status=Status.APPROVED).count() == FIT


class TestWaitingTooLong:
    def test_signs_nothing_and_says_so(self) -> None:
        """Somebody holds the limits of this currency and does not let go."""
        Policy.objects.update(beneficiary_limit=Decimal(10_000))
        withdrawal, ada = WithdrawalFactory(), approver()
        click = signing(withdrawal, ada)

        def impatient() -> actions.Receipt:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            return click()

        with transaction.atomic():
            limits.take_lock(withdrawal)
            (refusal,) = at_once(impatient)

        assert isinstance(refusal, actions.TooManyAtOnce)
        assert nothing_happened_to(withdrawal)
        assert isinstance(click(), actions.Receipt)
