"""The same key from several calls at the same moment."""

from __future__ import annotations

from collections import Counter

import pytest

from payments.models import IdempotencyKey, Withdrawal
from staff import audit
from staff.api.callers import TokenThrottle
from tests.payments.api.helpers import Caller, told
from tests.payments.test_races import at_once
from tests.support.rounds import rounds

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def test_one_key_makes_one_withdrawal(caller: Caller) -> None:
    for number in range(1, rounds(20) + 1):
        key = f"payroll-{number}"

        responses = at_once(*[lambda key=key: caller.ask("UYU", key=key)] * 4)

        assert Counter(response.status_code for response in responses) == {201: 1, 200: 3}
        assert len({told(response)["code"] for response in responses}) == 1
        assert Withdrawal.objects.count() == IdempotencyKey.objects.count() == number
    assert audit.verify().ok


def test_counts_every_call_of_many_at_once(
    caller: Caller, clean_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenThrottle, "rate", "5/min", raising=False)

    responses = at_once(*[lambda: caller.get("/api/v1/payments/")] * 12)

    assert Counter(response.status_code for response in responses) == {200: 5, 429: 7}


def test_two_bodies_under_one_key_make_one_withdrawal(caller: Caller) -> None:
    for number in range(1, rounds(20) + 1):
        key = f"payroll-{number}"

        responses = at_once(
            lambda key=key: caller.ask("UYU", key=key),
            lambda key=key: caller.ask("UYU", amount="801", key=key),
        )

        assert sorted(response.status_code for response in responses) == [201, 422]
        assert Withdrawal.objects.count() == number
