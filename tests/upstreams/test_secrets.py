"""Scenarios D-1 and D-2: keys and personal data never show, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stamina
import structlog

from tests.upstreams.test_http import MEANINGS
from tests.upstreams.wire import (
    HMAC_SECRET,
    KEY,
    Answers,
    answer,
    hostile,
    luxcore,
    payment,
    refusal,
)
from upstreams.errors import UpstreamError
from upstreams.http import HmacAuth, KeyAuth
from upstreams.luxcore.client import Access, LuxCoreClient

EMAIL = "juan@example.com"  # by this name below: a traceback shows our own lines
PERSON = ["Juan Perez Martinez", "0110012345678901234567", EMAIL]
BODY = json.dumps({"recipient_name": PERSON[0], "email": EMAIL}).encode()
CANARIES = [KEY, HMAC_SECRET, *PERSON]

CALLS: dict[str, Callable[[LuxCoreClient], Any]] = {
    "read": lambda client: client.get_payment("pay_1"),
    "list": lambda client: client.list_payments(),
    "write": lambda client: client.create_payment(BODY),
    "search": lambda client: client.list_tickets(search=EMAIL),
    "by id": lambda client: client.get_payment(EMAIL),
}


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def assert_clean(text: str) -> None:
    assert [canary for canary in CANARIES if canary in text] == []


class TestFailures:
    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("name", MEANINGS)
    def test_show_nothing(
        self, name: str, call: str, caplog: pytest.LogCaptureFixture, capsys: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        client = luxcore(
            Answers(MEANINGS[name][0]), merchant_id="77", hmac_secret=HMAC_SECRET, deadline=4.0
        )

        with structlog.testing.capture_logs() as lines:
            try:
                CALLS[call](client)
            except UpstreamError as exc:
                assert_clean(f"{exc} {exc!r}")
                assert_clean("".join(traceback.format_exception(exc)))

        assert_clean(f"{lines} {caplog.text} {capsys.readouterr()} {client!r}")

    @pytest.mark.parametrize("call", CALLS)
    def test_that_echo_what_was_sent_show_nothing(self, call: str) -> None:
        echo = f"Unknown key {KEY} of Juan: juan@example.com, account 0110012345678901234567"
        for status in (400, 401, 403, 404, 422, 429, 500):
            with pytest.raises(UpstreamError) as caught:
                CALLS[call](luxcore(Answers(refusal(status, "X", echo)), deadline=0.5))

            assert_clean("".join(traceback.format_exception(caught.value)))

    def test_over_real_sockets_show_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with hostile(lambda connection: connection.close()) as server:
            client = luxcore(base_url=server.url, deadline=2)
            for call in CALLS.values():
                with pytest.raises(UpstreamError) as caught:
                    call(client)
                assert_clean("".join(traceback.format_exception(caught.value)))
            client.close()

        assert_clean(caplog.text)


class TestRepr:
    @pytest.mark.parametrize(
        "thing",
        [
            KeyAuth(header="X-API-Key", key=KEY),
            HmacAuth(merchant_id="77", secret=HMAC_SECRET, canonical="{nonce}"),
            Access(base_url="https://x", api_key=KEY, merchant_id="77", hmac_secret=HMAC_SECRET),
            luxcore(Answers(answer()), merchant_id="77", hmac_secret=HMAC_SECRET),
            luxcore(Answers(answer()))._v1,
            luxcore(Answers(answer()))._v1.judge,
        ],
    )
    def test_shows_nothing(self, thing: object) -> None:
        assert_clean(f"{thing} {thing!r}")

    def test_of_a_record_shows_nothing(self) -> None:
        record = luxcore(Answers(answer(200, payment()))).get_payment("pay_1")

        assert_clean(repr(record))

    def test_of_a_refused_item_shows_nothing(self) -> None:
        body = {"data": [payment(amount=None)], "total": 1}
        page = luxcore(Answers(answer(200, body))).list_payments()

        assert page.refused
        assert_clean(repr(page))


class TestSuccess:
    def test_logs_nothing_personal(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        client = luxcore(Answers(answer(200, payment())))

        client.create_payment(BODY)
        client.get_payment("pay_1234567890_abcdefgh")

        assert "upstreams.call" in caplog.text
        assert_clean(caplog.text)
        assert "pay_1234567890" not in caplog.text
        assert "api.lux-core.io" not in caplog.text  # httpx's own line, which holds the query


def test_httpx_would_have_shown_the_key() -> None:
    assert KEY in repr(httpx.Headers({"X-API-Key": KEY}))  # why no header is ever logged
