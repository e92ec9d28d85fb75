"""Against the sandbox: every payment is read while others come and change."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.sandbox.helpers import KEY, Bench, SandboxTransport, bench, deposit
from upstreams.budget import Budget
from upstreams.circuit import Circuit
from upstreams.feeds import FeedPage
from upstreams.luxcore.client import RATES, Access, LuxCoreClient, make_client
from upstreams.luxcore.windows import read_windows


@pytest.fixture
def luxcore() -> Iterator[Bench]:
    with bench(rate_create=100_000, rate_burst=100_000) as sandbox:
        yield sandbox


class BusyTransport(httpx.BaseTransport):
    """Between any two calls a second passes: ten payments are created and ten change."""

    def __init__(self, sandbox: Bench) -> None:
        self.sandbox = sandbox
        self._inner = SandboxTransport(sandbox.sandbox)
        self.statuses: list[int] = []
        self.created = 0
        self._random = random.Random(7)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        self.statuses.append(answer.status_code)
        self.sandbox.clock.advance(1)
        self._let_ten_be_created()
        self._let_ten_change()
        return answer

    def _let_ten_be_created(self) -> None:
        for _ in range(10):
            self.created += 1
            self.sandbox.create(**deposit(merchant_reference=f"busy-{self.created}"))

    def _let_ten_change(self) -> None:
        pending = self.sandbox.control("/payments?status=processing")["payments"]
        for payment in self._random.sample(pending, min(10, len(pending))):
            self.sandbox.control(f"/payments/{payment['transaction_id']}/complete", {})


def client(transport: httpx.BaseTransport) -> LuxCoreClient:
    return make_client(
        Access(base_url="http://sandbox/api/v1", api_key=KEY),
        budget=Budget(upstream="luxcore", credential="test", rates=RATES, share=1),
        circuit=Circuit("luxcore"),
        transport=transport,
    )


@pytest.mark.parametrize("payments", [600, pytest.param(5_000, marks=pytest.mark.services)])
def test_the_first_run_and_the_next_miss_nothing_and_meet_no_429(
    luxcore: Bench, payments: int
) -> None:
    luxcore.control("/seed", {"payments": payments})
    transport = BusyTransport(luxcore)
    reader = client(transport)
    read: list[FeedPage] = []

    for _ in range(2):
        cursor = read[-1].cursor if read else {}
        now = datetime.fromtimestamp(luxcore.clock.now() / 1000, UTC)
        read.extend(read_windows(cursor=cursor, now=now, client=reader))
        luxcore.clock.advance(10)

    complete_until = read[-1].complete_until
    assert complete_until is not None
    there = {
        row["transaction_id"]
        for row in luxcore.control("/payments")["payments"]
        if datetime.fromisoformat(row["created_at"]) <= complete_until - timedelta(seconds=1)
    }
    seen = {record.id for page in read for record in page.records}
    assert len(there) > payments + 50
    assert there <= seen
    assert {*transport.statuses} == {200}
    assert [page.remark for page in read if page.remark] == []
