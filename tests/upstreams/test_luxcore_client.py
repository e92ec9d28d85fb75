"""What the LuxCore client sends and how it reads the shapes that come back."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from typing import Any

import httpx
import pytest
import stamina
import time_machine
from pytest_django import Settings

from tests.upstreams.wire import (
    BASE,
    HMAC_SECRET,
    KEY,
    Answers,
    answer,
    luxcore,
    payment,
    refusal,
)
from upstreams.budget import Priority
from upstreams.circuit import Circuit
from upstreams.errors import BadPayload, NotConfigured, NotFound, Rejected, Unavailable, Unknown
from upstreams.luxcore import client as luxcore_client
from upstreams.luxcore.calls.base import all_pages
from upstreams.luxcore.schemas import UploadSlot

TICKET = {"success": True, "data": {"ticket_id": "t-1", "title": "T", "status": "open"}}
ELSEWHERE = "https://files.example/put?sig=canary"


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def listed(*items: Any, total: Any = None, **more: Any) -> httpx.Response:
    count = len(items) if total is None else total
    return answer(200, {"success": True, "data": list(items), "total": count, **more})


def slot(url: str, headers: dict[str, str] | None = None) -> UploadSlot:
    return UploadSlot(attachment_id="a", url=url, headers=headers or {}, expires_at=None)


class TestShapes:
    def test_of_one_object_are_wrapped_or_bare(self) -> None:
        wrapped = answer(200, {"success": True, "data": payment()})

        assert luxcore(Answers(answer(200, payment()))).get_payment("pay_1").id
        assert luxcore(Answers(wrapped)).get_payment("pay_1").id

    def test_of_balances_are_flat_or_wrapped(self) -> None:
        balance = {
            "currency": "ARS", "balance_type": "main", "balance_amount": "900000",
            "available_amount": "700000", "frozen_amount": "200000",
        }  # fmt: skip
        for body in [
            {"success": True, "total_balances": 1, "balances": [balance]},
            {"success": True, "data": [balance]},
            {"success": True, "data": {"balances": [balance]}},
        ]:
            (read,) = luxcore(Answers(answer(200, body))).balances()
            assert read.available.to_minor() == 700000

    def test_of_a_creation_may_tell_that_the_reference_was_used(self) -> None:
        told = {"error_code": "MERCHANT_REFERENCE_DUPLICATE", "message": "exists"}

        created = luxcore(Answers(answer(200, payment(**told)))).create_payment(b"{}")

        assert not created.is_new
        assert created.record.error_code == ""  # it spoke about the request
        assert "error_code" not in created.record.raw

    def test_of_a_failed_payment_keep_its_error(self) -> None:
        failed = payment(status="failed", error_code="BANK_REJECTED", error_message="closed")

        created = luxcore(Answers(answer(200, failed))).create_payment(b"{}")

        assert created.record.error_code == "BANK_REJECTED"


class TestLists:
    """Scenarios U-6 and U-8."""

    def test_keep_a_broken_record_apart(self) -> None:
        good, bad = payment(), payment(transaction_id="pay_2", amount=None)
        client = luxcore(Answers(listed(good, bad, "nonsense", good, total=4)))

        page = client.list_payments()

        assert len(page.items) == 2
        assert [item.record_id for item in page.refused] == ["pay_2", ""]
        assert page.refused[0].payload == bad
        assert page.total == 4

    @pytest.mark.parametrize(
        "flawed",
        [b'{"status": "a", "status": "b"}', b'{"amount": NaN}', b'{"amount": ' + b"9" * 5000 + b"}",
         b'{"amount": 1e400}', b'{"customer": {"name": 1, "name": 2}}'],
    )  # fmt: skip
    def test_survive_a_record_that_is_hardly_json(self, flawed: bytes) -> None:
        good = json.dumps(payment()).encode()
        body = b'{"success": true, "total": 2, "data": [' + flawed + b", " + good + b"]}"

        page = luxcore(Answers(answer(200, body))).list_payments()

        assert (len(page.items), len(page.refused)) == (1, 1)
        assert json.dumps(page.refused[0].payload)

    @pytest.mark.parametrize(
        "body",
        [{}, {"success": True}, {"data": {}}, {"data": None}, {"data": "x"}, 5, None,
         {"data": [], "total": -1}, {"data": [], "total": "many"}, {"data": [], "total": True},
         {"data": [], "total": 1.5}],
    )  # fmt: skip
    def test_of_another_shape_are_refused(self, body: Any) -> None:
        with pytest.raises(BadPayload):
            luxcore(Answers(answer(200, body))).list_payments()

    def test_may_come_bare(self) -> None:
        page = luxcore(Answers(answer(200, [payment()]))).list_payments(offset=40)

        assert (len(page.items), page.total) == (1, 41)

    def test_ask_for_a_hundred_at_most(self) -> None:
        answers = Answers(listed())
        client = luxcore(answers)

        client.list_payments(limit=5000, offset=7, status="")

        assert dict(answers.last.url.params) == {"limit": "100", "offset": "7"}

    def test_are_read_page_by_page_to_the_end(self) -> None:
        answers = Answers(
            listed(payment(), payment(), total=3),
            listed(payment(), total=3),
        )
        client = luxcore(answers)

        pages = list(
            all_pages(
                lambda limit, offset: client.list_payments(limit=limit, offset=offset), limit=2
            )
        )

        assert [len(page.items) for page in pages] == [2, 1]
        assert [r.url.params["offset"] for r in answers.requests] == ["0", "2"]

    def test_end_at_an_empty_page_whatever_the_total_says(self) -> None:
        client = luxcore(Answers(listed(payment(), total=50), listed(total=50)))

        pages = list(all_pages(lambda limit, offset: client.list_payments(offset=offset)))

        assert [len(page.items) for page in pages] == [1, 0]

    def test_that_never_end_are_stopped(self) -> None:
        endless = listed(*[{}] * 100, total=10**9)
        client = luxcore(Answers(endless))

        with pytest.raises(BadPayload):
            for page in all_pages(lambda limit, offset: client.list_payments(offset=offset)):
                assert page.offset < 10_000


class TestSignatures:
    """upstreams.md §3.2 and LC-A1."""

    @time_machine.travel(1_737_452_100, tick=False)
    def test_cover_time_nonce_method_path_and_body(self) -> None:
        answers = Answers(answer(201, payment()))
        body = b'{"amount":1}'
        luxcore(answers, api_key="", merchant_id="77", hmac_secret=HMAC_SECRET).create_payment(body)

        headers = answers.last.headers
        text = ".".join(
            ["v1", "1737452100", headers["x-nonce"], "POST", "/api/v2/payments",
             hashlib.sha256(body).hexdigest()]
        )  # fmt: skip
        wanted = hmac.new(HMAC_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        assert headers["x-signature"] == f"hmac_sha256={wanted}"
        assert headers["x-timestamp"] == "1737452100"
        assert headers["x-merchant-id"] == "77"
        assert headers["x-signature-version"] == "v1"
        assert "x-api-key" not in headers

    def test_cover_the_query_exactly_as_sent(self) -> None:
        answers = Answers(
            answer(200, {"currency": "ARS", "balance_type": "main", "balance_amount": "1",
                         "available_amount": "1", "frozen_amount": "0"})
        )  # fmt: skip
        luxcore(answers, merchant_id="77", hmac_secret=HMAC_SECRET).balance("ARS")

        headers, path = answers.last.headers, answers.last.url.raw_path.decode()
        assert path == "/api/v2/balance?currency=ARS&balance_type=main"
        text = ".".join(
            ["v1", headers["x-timestamp"], headers["x-nonce"], "GET", path,
             hashlib.sha256(b"").hexdigest()]
        )  # fmt: skip
        wanted = hmac.new(HMAC_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        assert headers["x-signature"] == f"hmac_sha256={wanted}"

    def test_are_fresh_for_every_try(self) -> None:
        answers = Answers(answer(503, b""))
        client = luxcore(answers, api_key="", merchant_id="77", hmac_secret=HMAC_SECRET)

        with pytest.raises(Unavailable):
            client.balance()

        nonces = {request.headers["x-nonce"] for request in answers.requests}
        assert len(nonces) == len(answers.requests) == 3
        assert all(8 <= len(nonce) <= 128 for nonce in nonces)

    def test_are_only_for_what_version_two_offers(self) -> None:
        answers = Answers(answer(200, payment()))
        client = luxcore(answers, merchant_id="77", hmac_secret=HMAC_SECRET)

        client.get_payment("pay_1")
        client.create_payment(b"{}")

        assert [r.url.path for r in answers.requests] == [
            "/api/v1/payments/pay_1",
            "/api/v2/payments",
        ]
        assert answers.requests[0].headers["x-api-key"] == KEY


class TestFiles:
    """Scenario U-15."""

    @pytest.mark.parametrize("url", [ELSEWHERE, f"{BASE}/../../uploads/1?sig=x"])
    def test_are_put_without_credentials(self, url: str) -> None:
        answers = Answers(answer(200, b""))

        luxcore(answers).upload(
            slot(url, {"x-amz-acl": "private", "Host": "evil.example", "Content-Type": "a/b"}),
            b"content",
            content_type="text/plain",
        )

        request = answers.last
        assert (request.method, request.content) == ("PUT", b"content")
        assert request.headers["x-amz-acl"] == "private"
        assert request.headers.get_list("content-type") == ["a/b"]
        assert request.headers["host"] == request.url.netloc.decode()
        for name in ["x-api-key", "authorization", "x-signature", "cookie"]:
            assert name not in request.headers
        assert KEY not in str(request.headers.raw)

    @pytest.mark.parametrize(
        "url",
        ["http://files.example/x", "http://127.0.0.1/x", "javascript:alert(1)", "file:///etc/passwd",
         "ftp://files.example/x", "//files.example/x", "/uploads/1", "", "https://",
         "https://user:pw@files.example/x", "https://api.lux-core.io@evil.example/x",
         "http://api.lux-core.io/api/v1/x", "https://files.example:99999/x", "https://[bad/x",
         "data:text/plain,x", "https://\x00/x"],
    )  # fmt: skip
    def test_are_not_put_to_an_unsafe_address(self, url: str) -> None:
        answers = Answers(answer(200, b""))

        with pytest.raises(BadPayload):
            luxcore(answers).upload(slot(url), b"content", content_type="text/plain")

        assert not answers.requests

    @pytest.mark.parametrize(
        ("status", "error"), [(403, Rejected), (404, NotFound), (500, Unknown), (302, Unknown)]
    )
    def test_may_be_refused_by_the_store(self, status: int, error: type[Exception]) -> None:
        circuit = Circuit("luxcore")

        for _ in range(6):
            with pytest.raises(error):
                luxcore(Answers(answer(status, b"<xml/>")), circuit=circuit).upload(
                    slot(ELSEWHERE), b"content", content_type="text/plain"
                )

        assert not circuit.is_open  # somebody else's trouble is not LuxCore's

    def test_are_read_with_the_name_and_type_they_came_with(self) -> None:
        given = answer(
            200, b"\x89PNG", content_type="image/png; charset=x",
            content_disposition="attachment; filename*=UTF-8''a%C3%B1o.png",
        )  # fmt: skip

        file = luxcore(Answers(given)).download_attachment("t", "a")

        assert (file.content, file.content_type, file.file_name) == (
            b"\x89PNG",
            "image/png",
            "año.png",
        )
        assert "año" not in repr(file)

    def test_that_look_like_json_stay_bytes(self) -> None:
        file = luxcore(Answers(answer(200, b"{not json"))).download_attachment("t", "a")

        assert file.content == b"{not json"

    def test_follow_one_redirect_without_credentials(self) -> None:
        answers = Answers(answer(302, b"", location=ELSEWHERE), answer(200, b"content"))

        file = luxcore(answers).download_attachment("t", "a")

        assert file.content == b"content"
        assert answers.requests[0].headers["x-api-key"] == KEY
        assert str(answers.last.url) == ELSEWHERE
        assert "x-api-key" not in answers.last.headers

    def test_follow_no_second_redirect(self) -> None:
        answers = Answers(answer(302, b"", location=ELSEWHERE))

        with pytest.raises(BadPayload):
            luxcore(answers).download_attachment("t", "a")

        assert len(answers.requests) == 2

    @pytest.mark.parametrize("location", ["http://files.example/x", "http://169.254.169.254/"])
    def test_do_not_follow_to_an_unsafe_address(self, location: str) -> None:
        answers = Answers(answer(302, b"", location=location))

        with pytest.raises(BadPayload):
            luxcore(answers).download_attachment("t", "a")

        assert len(answers.requests) == 1

    @pytest.mark.parametrize("location", ["javascript:alert(1)", "https://[bad", "\\", "http:a"])
    def test_do_not_follow_to_no_address_at_all(self, location: str) -> None:
        answers = Answers(answer(302, b"", location=location))

        with pytest.raises((BadPayload, Unavailable)):
            luxcore(answers).download_attachment("t", "a")
        with pytest.raises(Unknown):
            luxcore(answers).create_payment(b"{}")

    def test_larger_than_allowed_are_refused(self) -> None:
        with pytest.raises(BadPayload):
            luxcore(Answers(answer(200, b"x" * 10_485_761))).download_attachment("t", "a")

    def test_that_are_not_there_are_told_apart(self) -> None:
        with pytest.raises(NotFound):
            luxcore(Answers(refusal(404, "ATTACHMENT_NOT_FOUND"))).download_attachment("t", "a")


class TestGetClient:
    @pytest.fixture
    def configured(self, settings: Settings) -> Settings:
        settings.LUXCORE_API_KEY = KEY
        return settings

    def test_refuses_without_a_key(self) -> None:
        with pytest.raises(NotConfigured):
            luxcore_client.get_client()
        assert luxcore_client.fingerprint() == ""
        assert luxcore_client.get_budget() is None

    def test_shares_connections_between_callers(self, configured: Settings) -> None:
        one = luxcore_client.get_client(priority=Priority.OPERATOR, deadline=2.0)
        other = luxcore_client.get_client()

        assert one._v1._http is other._v1._http
        assert one.budget is other.budget
        assert (one._v1.deadline, other._v1.deadline) == (2.0, 20.0)
        assert (one._v1.priority, other._v1.priority) == (Priority.OPERATOR, Priority.BACKGROUND)

    def test_is_another_for_another_key(self, configured: Settings) -> None:
        one = luxcore_client.get_client()
        configured.LUXCORE_API_KEY = "qp_test_sk_rotated"

        assert luxcore_client.get_client()._v1._http is not one._v1._http

    def test_is_another_after_a_fork(
        self, configured: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = luxcore_client.get_client()
        child = os.getpid() + 1
        monkeypatch.setattr(os, "getpid", lambda: child)

        assert luxcore_client.get_client()._v1._http is not one._v1._http

    def test_names_the_credential_without_showing_it(self, configured: Settings) -> None:
        name = luxcore_client.fingerprint()

        assert name == hashlib.sha256(KEY.encode()).hexdigest()[:12]
        configured.LUXCORE_MERCHANT_ID, configured.LUXCORE_HMAC_SECRET = "77", HMAC_SECRET
        assert luxcore_client.fingerprint() not in ("", name)

    def test_names_the_reading_credential_and_the_paying_one_together(
        self, configured: Settings
    ) -> None:
        """A list read for another account does not show what this one paid."""
        configured.LUXCORE_MERCHANT_ID, configured.LUXCORE_HMAC_SECRET = "77", "h" * 64
        both = luxcore_client.fingerprint()

        configured.LUXCORE_API_KEY = "qp_test_sk_other"

        assert luxcore_client.fingerprint() not in ("", both)

    def test_speaks_version_two_when_the_merchant_is_there(self, configured: Settings) -> None:
        configured.LUXCORE_MERCHANT_ID, configured.LUXCORE_HMAC_SECRET = "77", HMAC_SECRET

        assert luxcore_client.get_client()._v2_or_v1.base_url.endswith("/api/v2")


class TestTicketBody:
    def test_leaves_out_what_was_not_given(self) -> None:
        answers = Answers(answer(201, TICKET))

        luxcore(answers).create_ticket(title="T", requires_refund=False)

        assert json.loads(answers.last.content) == {"title": "T", "requires_refund": False}

    def test_repeats_filters_with_several_values(self) -> None:
        answers = Answers(listed())

        luxcore(answers).list_tickets(statuses=["open", "closed"])

        assert answers.last.url.params.get_list("status") == ["open", "closed"]


def test_the_clock_of_a_signature_is_now() -> None:
    answers = Answers(answer(201, payment()))
    before = int(time.time())

    luxcore(answers, api_key="", merchant_id="77", hmac_secret=HMAC_SECRET).create_payment(b"{}")

    assert before <= int(answers.last.headers["x-timestamp"]) <= int(time.time())
