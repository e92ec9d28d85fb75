"""Rate limits: what they allow, how they are announced, when they open again."""

from collections.abc import Callable

import pytest

from tests.sandbox.helpers import Bench, client, deposit

START = 1_800_000_000


class TestStandardCalls:
    def test_are_a_hundred_a_minute(self, luxcore: Bench) -> None:
        statuses = [luxcore.api.get("/balance").status_code for _ in range(101)]

        assert statuses == [200] * 100 + [429]

    def test_are_refused_in_the_business_shape(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(rate_standard=1)
        luxcore.api.get("/balance")
        luxcore.wire.at += 17.5

        answer = luxcore.api.get("/balance")

        assert answer.status_code == 429
        assert answer.json()["error_code"] == "RATE_LIMIT_EXCEEDED"
        assert answer.json()["timestamp"]
        assert answer.headers["Retry-After"] == "43"
        assert answer.headers["X-RateLimit-Limit"] == "1"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert answer.headers["X-RateLimit-Reset"] == str(START + 60)

    def test_count_down_in_the_headers_of_every_answer(self, luxcore: Bench) -> None:
        answers = [
            luxcore.api.get("/balance"),
            luxcore.api.get("/payments/pay_nobody"),
            luxcore.api.get("/payments", params={"limit": "ten"}),
            luxcore.api.get("/nowhere"),
        ]

        assert [a.status_code for a in answers] == [200, 404, 400, 404]
        remaining = [a.headers["X-RateLimit-Remaining"] for a in answers]
        assert remaining == ["99", "98", "97", "96"]
        assert {a.headers["X-RateLimit-Reset"] for a in answers} == {str(START + 60)}

    def test_are_announced_to_strangers_too(self, luxcore: Bench) -> None:
        with client(luxcore.sandbox, key="qp_test_sk_wrong") as stranger:
            answer = stranger.get("/balance")

        assert answer.status_code == 401
        assert answer.headers["X-RateLimit-Limit"] == "100"

    def test_open_again_after_the_window(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(rate_standard=2, rate_window=5)
        for _ in range(3):
            luxcore.api.get("/balance")
        luxcore.wire.at += 4.9
        still = luxcore.api.get("/balance").status_code
        luxcore.wire.at += 0.1

        assert (still, luxcore.api.get("/balance").status_code) == (429, 200)

    def test_are_counted_per_key(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(rate_standard=1)
        luxcore.control("/keys", {"key": "qp_test_sk_second"})
        luxcore.api.get("/balance")

        with client(luxcore.sandbox, key="qp_test_sk_second") as second:
            assert second.get("/balance").status_code == 200
        assert luxcore.api.get("/balance").status_code == 429

    def test_leave_creation_alone(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(rate_standard=1)
        luxcore.api.get("/balance")

        assert luxcore.api.post("/payments", json=deposit()).status_code == 201


class TestCreation:
    @pytest.mark.parametrize(
        ("settings", "wait", "limit"),
        [
            ({"rate_create": 3, "rate_burst": 5}, 60, "3"),
            ({"rate_create": 5, "rate_burst": 3}, 10, "3"),
        ],
    )
    def test_has_a_limit_per_minute_and_one_per_ten_seconds(
        self,
        make_bench: Callable[..., Bench],
        settings: dict[str, int],
        wait: int,
        limit: str,
    ) -> None:
        luxcore = make_bench(**settings)
        answers = [luxcore.api.post("/payments", json=deposit()) for _ in range(4)]

        assert [a.status_code for a in answers] == [201, 200, 200, 429]
        assert answers[-1].headers["X-RateLimit-Limit"] == limit
        assert answers[-1].headers["Retry-After"] == str(wait)
        luxcore.wire.at += wait
        assert luxcore.api.post("/payments", json=deposit()).status_code == 200

    def test_uses_up_nothing_when_it_is_refused(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(rate_create=1, rate_window=5, rate_burst=2, burst_window=60)
        statuses = [luxcore.api.post("/payments", json=deposit()).status_code for _ in range(3)]
        luxcore.wire.at += 5

        assert statuses == [201, 429, 429]
        assert luxcore.api.post("/payments", json=deposit()).status_code == 200

    def test_has_the_documented_limits(self, luxcore: Bench) -> None:
        headers = luxcore.api.post("/payments", json=deposit()).headers

        assert headers["X-RateLimit-Limit"] == "500"
        assert headers["X-RateLimit-Remaining"] == "499"
        assert headers["X-RateLimit-Reset"] == str(START + 10)
