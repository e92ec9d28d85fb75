"""G-4: merging observations is idempotent, commutative and associative."""

import itertools
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.enums import PaymentStatus, SeenBy
from payments.mirror.merging import Observation, merge
from payments.mirror.observing import observe
from payments.models import Payment
from tests.payments.factories import NOW, payment_json
from tests.support.rounds import rounds
from upstreams.luxcore.schemas import parse_payment

REST = {"transaction_id": "pay_1"}
HOOK = {"transaction_id": None, "id": "pay_1", "payout": None, "merchant_id": 7}


def observation(**members: Any) -> Observation:
    return observe(parse_payment(payment_json(**members)))


# One payment's life as REST and webhooks tell it: each leaves out something the other has.
LIFE = [
    observation(**REST, status="pending"),
    observation(**HOOK, status="pending", status_version=1),
    observation(**REST, status="processing", fee_amount=11250),
    observation(
        **HOOK,
        status="completed",
        status_version=3,
        fee=11250,
        net_amount=261250,
        confirmed_at="2026-02-18T10:40:00Z",
    ),
    observation(**REST, status="completed", fee_amount=11250),
    observation(**HOOK, status="partial_refund", status_version=4, refunded_amount=1000),
    observation(**HOOK, status="refunded", status_version=5, refunded_amount=250000),
]


def merged(seen: list[Observation]) -> dict[str, Any]:
    """The row that these observations make in this order: all of it that was told by them."""
    row = seen[0].as_new(seen_by=SeenBy.POLL, at=NOW)
    for one in seen:
        assert not merge(row, one).contradiction
    return state_of(row)


def state_of(row: Payment) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in LIFE[0].values}
    return told | {"stamps": {name: list(stamp) for name, stamp in row.stamps.items()}}


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Anything LuxCore might say of one payment that does not contradict itself about its end."""
    word = draw(
        st.sampled_from(
            ["pending", "processing", "completed", "partial_refund", "refunded", "on_hold", "odd"]
        )
    )
    shape = draw(st.sampled_from([REST, HOOK]))
    return observation(
        **shape,
        status=word,
        status_version=draw(st.none() | st.integers(min_value=0, max_value=3)),
        fee_amount=draw(st.none() | st.integers(min_value=0, max_value=3)),
        refunded_amount=draw(st.none() | st.integers(min_value=0, max_value=3)),
        description=draw(st.none() | st.sampled_from(["a", "b"])),
        error_code=draw(st.none() | st.sampled_from(["E1", "E2"])),
        completed_at=draw(st.none() | st.just("2026-02-18T10:40:00Z")),
    )


class TestMergeLaws:
    @given(st.lists(observations(), min_size=1, max_size=6), st.randoms(use_true_random=False))
    @settings(max_examples=rounds(100, with_services=400))
    def test_order_and_repeats_do_not_matter(self, seen: list[Observation], random: Any) -> None:
        expected = merged(seen)
        shuffled = seen + random.choices(seen, k=3)
        random.shuffle(shuffled)

        assert merged(shuffled) == expected

    @given(st.lists(observations(), min_size=1, max_size=5))
    def test_a_second_look_changes_nothing(self, seen: list[Observation]) -> None:
        row = seen[0].as_new(seen_by=SeenBy.POLL, at=NOW)
        for one in seen:
            merge(row, one)
        before = deepcopy(state_of(row))

        assert not any(merge(row, one).changed for one in seen)
        assert state_of(row) == before

    def test_every_order_of_one_life_ends_alike(self) -> None:
        """W-2."""
        expected = merged(LIFE)

        assert all(merged(list(order)) == expected for order in itertools.permutations(LIFE))

    def test_every_prefix_of_a_life_ends_where_it_came(self) -> None:
        words = [merged(LIFE[: length + 1])["upstream_status"] for length in range(len(LIFE))]

        assert words == [
            "pending",
            "pending",
            "processing",
            "completed",
            "completed",
            "partial_refund",
            "refunded",
        ]


class TestMerge:
    def test_keeps_what_a_later_observation_leaves_out(self) -> None:
        state = merged(LIFE)

        assert state["fee"] == 112.5
        assert state["net"] == 2612.5
        assert state["counterparty"]["payid"] == "james@example.com"
        assert state["refunded"] == 2500

    def test_never_reopens_what_has_ended(self) -> None:
        row = LIFE[4].as_new(seen_by=SeenBy.POLL, at=NOW)

        merge(row, observation(**HOOK, status="processing", status_version=99))

        assert row.status == PaymentStatus.COMPLETED

    @pytest.mark.parametrize("unpaid", ["failed", "cancelled", "expired"])
    @pytest.mark.parametrize("late", ["completed", "refunded", "failed", "cancelled", "expired"])
    def test_keeps_the_first_of_two_ends_and_says_so(self, unpaid: str, late: str) -> None:
        """M-16."""
        row = observation(**REST, status=unpaid).as_new(seen_by=SeenBy.POLL, at=NOW)

        outcome = merge(row, observation(**REST, status=late))

        assert row.upstream_status == unpaid
        assert bool(outcome.contradiction) == (late != unpaid)

    def test_shows_a_word_that_nobody_knows_and_stays_open(self) -> None:
        row = LIFE[0].as_new(seen_by=SeenBy.POLL, at=NOW)

        merge(row, observation(**REST, status="on_hold"))

        assert (row.status, row.upstream_status) == (PaymentStatus.UNKNOWN, "on_hold")
        assert row.is_open
        merge(row, LIFE[3])
        assert row.status == PaymentStatus.COMPLETED

    @pytest.mark.parametrize("change", [{"amount": 1}, {"currency": "USD"}, {"type": "deposit"}])
    def test_does_not_let_a_payment_become_another_one(self, change: dict[str, Any]) -> None:
        row = LIFE[0].as_new(seen_by=SeenBy.POLL, at=NOW)
        before = state_of(row)

        outcome = merge(row, observation(**(REST | change), status="completed"))

        assert "is not what it was" in str(outcome.contradiction)
        assert state_of(row) == before

    def test_takes_the_larger_refund_whatever_comes_first(self) -> None:
        part, more = (
            observation(**REST, status="partial_refund", refunded_amount=amount)
            for amount in (900, 1000)
        )

        assert merged([part, more]) == merged([more, part])
        assert merged([more, part])["refunded"] == 10
