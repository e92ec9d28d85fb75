"""What is looked at before anybody signs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import checks, feeds
from payments.checks import Check
from payments.enums import Level, PaymentStatus, Status
from payments.models import Balance, Withdrawal
from tests.payments.factories import (
    NOW,
    BalanceFactory,
    PaymentFactory,
    WithdrawalFactory,
    everything_is_fresh,
)
from upstreams import outbox
from upstreams.models import FeedState

pytestmark = pytest.mark.django_db


def found(withdrawal: Withdrawal, code: str) -> Check:
    (check,) = [check for check in checks.run(withdrawal, now=NOW) if check.code == code]
    return check


class TestPayoutRules:
    def test_pass_for_what_may_be_requested(self) -> None:
        assert found(WithdrawalFactory(), "payout_rules").level == Level.PASS

    def test_block_what_breaks_them(self) -> None:
        check = found(WithdrawalFactory(payid=""), "payout_rules")

        assert (check.level, check.text) == (Level.BLOCK, "The PayID is missing.")

    def test_only_warn_about_what_the_provider_took_already(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True, payid="")

        assert found(withdrawal, "payout_rules").level == Level.WARN

    def test_warn_about_check_digits(self) -> None:
        withdrawal = WithdrawalFactory(payid="51824753557", payid_type="abn")

        assert found(withdrawal, "payout_rules").level == Level.WARN


class TestBalance:
    def test_says_what_is_left_after_this_with_the_assumed_fee(self) -> None:
        BalanceFactory(available=Decimal("5000"))

        check = found(WithdrawalFactory(), "balance")

        assert check.level == Level.PASS
        assert check.text.startswith("2,387.50 AUD left after this: 5,000.00 AUD available")
        assert "assumed 4.50 %" in check.text
        assert check.as_of == NOW

    def test_uses_the_highest_rate_of_the_latest_payouts(self) -> None:
        BalanceFactory(available=Decimal("5000"))
        for number in range(6):  # the oldest one is not looked at any more
            PaymentFactory(
                completed=True,
                fee=Decimal(25 * (6 - number)),
                created_at=NOW - timedelta(hours=6 - number),
            )

        check = found(WithdrawalFactory(), "balance")

        assert "estimated 5.00 %" in check.text

    @pytest.mark.parametrize(
        ("available", "level"), [("2612.50", Level.PASS), ("2612.49", Level.BLOCK)]
    )
    def test_blocks_from_the_first_cent_that_is_missing(self, available: str, level: Level) -> None:
        BalanceFactory(available=Decimal(available))

        assert found(WithdrawalFactory(), "balance").level == level

    def test_counts_what_was_approved_before(self) -> None:
        BalanceFactory(available=Decimal("10450"))
        for trait in ("approved", "sending", "unknown"):
            WithdrawalFactory(**{trait: True})
        last = WithdrawalFactory()

        assert found(last, "balance").text.startswith("0.00 AUD left")
        WithdrawalFactory(approved=True, amount=Decimal("0.01"))
        assert found(last, "balance").level == Level.BLOCK

    def test_counts_what_was_sent_after_the_balance_was_read(self) -> None:
        BalanceFactory(available=Decimal("5225"), as_of=NOW - timedelta(seconds=10))
        WithdrawalFactory(sent=True, payment=PaymentFactory())

        check = found(WithdrawalFactory(), "balance")

        assert check.text.startswith("0.00 AUD left")
        Balance.objects.update(as_of=NOW + timedelta(seconds=1))
        assert found(WithdrawalFactory(), "balance").text.startswith("2,612.50 AUD left")

    @pytest.mark.parametrize(
        "other",
        [
            {"approved": True, "currency": "MXN"},
            {"seen_upstream": True, "status": Status.APPROVED},
            {"status": Status.AWAITING_APPROVAL},
            {"status": Status.REFUSED},
            {"unknown": True, "payment_made": True},
        ],
    )
    def test_does_not_count_what_takes_nothing_from_it(self, other: dict[str, Any]) -> None:
        BalanceFactory(available=Decimal("2612.50"))
        if other.pop("payment_made", False):
            other["payment"] = PaymentFactory()
        WithdrawalFactory(**other)

        assert found(WithdrawalFactory(), "balance").level == Level.PASS

    def test_blocks_while_no_balance_is_known(self) -> None:
        BalanceFactory(balance_type="commission")

        check = found(WithdrawalFactory(), "balance")

        assert (check.level, check.text) == (
            Level.BLOCK,
            "The AUD balance at LuxCore is not known.",
        )

    def test_passes_what_the_provider_has_set_aside(self) -> None:
        assert found(WithdrawalFactory(seen_upstream=True), "balance").level == Level.PASS


class TestDuplicate:
    def test_warns_about_the_same_payout_within_three_days(self) -> None:
        other = WithdrawalFactory(created_at=NOW - timedelta(hours=72))

        check = found(WithdrawalFactory(created_at=NOW), "duplicate")

        assert check.level == Level.WARN
        assert other.code in check.text
        assert check.links == ((other.code, other.get_absolute_url()),)

    @pytest.mark.parametrize("ended", [Status.LAPSED, Status.REJECTED])
    def test_warns_about_one_that_ended_here_and_was_paid_there(self, ended: Status) -> None:
        other = WithdrawalFactory(
            seen_upstream=True, payment__status=PaymentStatus.COMPLETED, status=ended
        )

        check = found(WithdrawalFactory(), "duplicate")

        assert check.level == Level.WARN
        assert other.code in check.text

    @pytest.mark.parametrize(
        "other",
        [
            {"created_at": NOW - timedelta(hours=72, seconds=1)},
            {"amount": Decimal("2500.01")},
            {"payid": "jim@example.com"},
            *(
                {"status": status}
                for status in (
                    Status.REJECTED,
                    Status.RETRACTED,
                    Status.REFUSED,
                    Status.FAILED,
                    Status.CANCELLED,
                    Status.LAPSED,
                )
            ),
        ],
    )
    def test_is_silent_about_anything_else(self, other: dict[str, Any]) -> None:
        WithdrawalFactory(**other)

        assert found(WithdrawalFactory(created_at=NOW), "duplicate").level == Level.PASS

    def test_sees_through_spelling(self) -> None:
        WithdrawalFactory(payid="JAMES@example.com")

        assert found(WithdrawalFactory(), "duplicate").level == Level.WARN

    def test_sees_what_was_made_at_the_provider(self) -> None:
        payment = PaymentFactory(completed=True)

        check = found(WithdrawalFactory(), "duplicate")

        assert check.level == Level.WARN
        assert payment.upstream_id in check.text

    def test_does_not_take_its_own_payment_for_another(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        assert found(withdrawal, "duplicate").level == Level.PASS


class TestBeneficiary:
    def test_warns_about_an_account_that_was_never_paid(self) -> None:
        PaymentFactory()  # pending: nothing paid yet

        check = found(WithdrawalFactory(), "beneficiary")

        assert (check.level, check.text) == (Level.WARN, "First payout to this account.")

    def test_says_how_often_and_since_when_it_was_paid(self) -> None:
        for days in (1, 2, 30):
            PaymentFactory(completed=True, created_at=NOW - timedelta(days=days))

        check = found(WithdrawalFactory(), "beneficiary")

        assert check.text == "Paid 3 times before, first on 2026-01-19."
        assert check.level == Level.PASS

    def test_warns_when_the_name_changed(self) -> None:
        PaymentFactory(completed=True, counterparty_name="Jane Smith")

        assert "another name" in found(WithdrawalFactory(), "beneficiary").text


class TestDataAge:
    @pytest.mark.parametrize(
        ("age", "level"),
        [
            (timedelta(minutes=2), Level.PASS),
            (timedelta(minutes=2, seconds=1), Level.WARN),
            (timedelta(minutes=15), Level.WARN),
            (timedelta(minutes=15, seconds=1), Level.BLOCK),
        ],
    )
    @pytest.mark.parametrize("stale", ["feed", "balance"])
    def test_goes_by_the_older_of_feed_and_balance(
        self, age: timedelta, level: Level, stale: str
    ) -> None:
        everything_is_fresh()
        if stale == "feed":
            FeedState.objects.filter(name=feeds.PAYMENTS).update(last_success_at=NOW - age)
        else:
            Balance.objects.update(as_of=NOW - age)

        assert found(WithdrawalFactory(), "data_age").level == level

    def test_blocks_what_was_never_read(self) -> None:
        assert found(WithdrawalFactory(), "data_age").level == Level.BLOCK

    def test_is_content_with_a_payment_that_was_read_just_now(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        assert found(withdrawal, "data_age").level == Level.PASS


class TestFlow:
    def test_warns_while_sending_is_off(self) -> None:
        outbox.stop_sending("luxcore", reason="test", by_label="test", at=NOW)

        assert found(WithdrawalFactory(), "sending").level == Level.WARN

    def test_blocks_a_reference_that_is_taken_there(self) -> None:
        withdrawal = WithdrawalFactory()
        PaymentFactory(merchant_reference=withdrawal.merchant_reference)

        assert found(withdrawal, "reference").level == Level.BLOCK

    @pytest.mark.parametrize(
        ("status", "level"),
        [(PaymentStatus.CREATED, Level.PASS), (PaymentStatus.IN_PROGRESS, Level.BLOCK)],
    )
    def test_blocks_what_is_no_longer_pending_there(
        self, status: PaymentStatus, level: Level
    ) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True, payment__status=status)

        assert found(withdrawal, "pending_there").level == level


class TestFlags:
    def test_mark_what_a_list_should_show(self) -> None:
        first, second = WithdrawalFactory(), WithdrawalFactory()
        known = WithdrawalFactory(payid="jim@example.com")
        PaymentFactory(
            completed=True,
            counterparty={"payid": "jim@example.com", "payid_type": "email"},
            amount=1,
        )

        flags = checks.flags_for([first, second, known])

        assert [flag.text for flag in flags[first.pk]] == ["duplicate?", "new beneficiary"]
        assert flags[known.pk] == []

    def test_cost_for_fifty_what_they_cost_for_one(self, django_assert_num_queries: Any) -> None:
        rows = [WithdrawalFactory(amount=number + 1) for number in range(50)]

        with django_assert_num_queries(5):
            checks.flags_for(rows[:1])
        with django_assert_num_queries(5):
            checks.flags_for(rows)

    def test_are_none_for_an_empty_page(self) -> None:
        assert checks.flags_for([]) == {}
