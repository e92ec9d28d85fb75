"""What the Lux Financial client sends, what it makes of each answer, and where lists end."""

from __future__ import annotations

import itertools
import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stamina
import structlog
from pytest_django import Settings

from tests.upstreams.lux import (
    BASE,
    KEY,
    customer,
    flat,
    listed,
    lux,
    refusal,
    screening,
    transfer,
)
from tests.upstreams.wire import Answers, answer
from upstreams import credentials, health
from upstreams.budget import Priority
from upstreams.checks import check_lux_secrets
from upstreams.enums import Upstream
from upstreams.errors import (
    AlreadyExists,
    BadPayload,
    Conflict,
    Forbidden,
    NotConfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.lux import client as lux_client
from upstreams.lux import words
from upstreams.lux.calls import base
from upstreams.lux.calls.base import every_page
from upstreams.lux.calls.customers import Picture, changes_body, decision_body, kyc_body
from upstreams.lux.calls.sanctions import Entity
from upstreams.lux.calls.transfers import account_transfer_body, transfer_body
from upstreams.lux.client import Access, LuxClient
from upstreams.lux.errors import read_error
from upstreams.money import Money

HTML = b"<html><body>Bad gateway</body></html>"
EMAIL = "amara@example.com"
PERSON = ["Amara Okafor", "+2348012345678", EMAIL]
BODY = json.dumps({"name": PERSON[0], "phone": PERSON[1], "email": EMAIL}).encode()

# what comes back, what a read makes of it, what a write makes of it
MEANINGS: dict[str, tuple[httpx.Response | Exception, type[Exception], type[Exception]]] = {
    "no connection": (httpx.ConnectError("refused"), Unavailable, Unavailable),
    "no answer in time": (httpx.ReadTimeout("slow"), Unavailable, Unknown),
    "reset while reading": (httpx.ReadError("reset"), Unavailable, Unknown),
    "reset while writing": (httpx.WriteError("reset"), Unavailable, Unknown),
    "400 nested": (refusal(400, "invalid_parameter"), Rejected, Rejected),
    "400 flat": (answer(400, flat("bad_customer_request")), Rejected, Rejected),
    "400 of the screening": (refusal(400, "SANCTIONS_003"), Rejected, Rejected),
    "400 as HTML": (answer(400, HTML), BadPayload, Unknown),
    "400 of LuxCore": (
        answer(400, {"statusCode": 400, "message": "No", "error_code": "X"}),
        BadPayload,
        Unknown,
    ),
    "400 of Lumetrade": (answer(400, {"code": 1133, "message": "No"}), BadPayload, Unknown),
    "400 without a message": (answer(400, flat("bad_request", ...)), BadPayload, Unknown),
    "401 without a key": (refusal(401, "required"), Unauthorized, Unauthorized),
    "401 expired": (refusal(401, "expired"), Unauthorized, Unauthorized),
    "401 as HTML": (answer(401, HTML), Unauthorized, Unauthorized),
    "403 of the key": (refusal(403, "forbidden"), Forbidden, Forbidden),
    "403 as HTML": (answer(403, HTML), Forbidden, Forbidden),
    "403 of the money": (refusal(403, "aml_violation"), Rejected, Rejected),
    "403 of the rail": (answer(403, flat("endorsement_required")), Rejected, Rejected),
    "404": (refusal(404, "not_found"), NotFound, NotFound),
    "404 of a customer": (answer(404, flat("customer_not_found")), NotFound, NotFound),
    "404 of no such route": (answer(404, {"status": 404}), BadPayload, Unknown),
    "409": (refusal(409, "conflict"), Rejected, Conflict),
    "409 of what exists": (refusal(409, "already_exists"), Rejected, AlreadyExists),
    "409 as HTML": (answer(409, HTML), BadPayload, Conflict),
    "422": (refusal(422, "kyc_required"), Rejected, Rejected),
    "429": (refusal(429, "rate_limit_exceeded"), RateLimited, RateLimited),
    "500": (refusal(500, "unexpected"), Unavailable, Unknown),
    "502 as HTML": (answer(502, HTML), Unavailable, Unknown),
    "503": (refusal(503, "service_unavailable"), Unavailable, Unknown),
    "308": (answer(308, b"", location="https://evil.example/"), BadPayload, Unknown),
    "200 as HTML": (answer(200, HTML), BadPayload, Unknown),
    "200 empty": (answer(200, b""), BadPayload, Unknown),
    "200 null": (answer(200, None), BadPayload, Unknown),
    "200 with an error": (refusal(200, "bad_request"), BadPayload, Unknown),
    "201 without a state": (answer(201, transfer(state=...)), BadPayload, Unknown),
    "201 with a name twice": (
        answer(201, b'{"id":"a","id":"b","state":"awaiting_funds"}'),
        BadPayload,
        Unknown,
    ),
}
WRITES: dict[str, Callable[[LuxClient], Any]] = {
    "POST": lambda client: client.create_transfer(BODY, idempotency_key="k"),
    "PATCH": lambda client: client.update_customer("cus_1", BODY),
    "DELETE": lambda client: client.delete_customer("cus_1"),
}


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class TestMeaning:
    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_read(self, name: str) -> None:
        given, expected, _ = MEANINGS[name]

        with pytest.raises(UpstreamError) as caught:
            lux(Answers(given), deadline=4.0).get_transfer("txfr_1")

        assert type(caught.value) is expected
        assert caught.value.upstream == "lux"

    @pytest.mark.parametrize("write", WRITES)
    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_write_that_is_sent_once(self, name: str, write: str) -> None:
        given, _, expected = MEANINGS[name]
        answers = Answers(given)

        with pytest.raises(UpstreamError) as caught:
            WRITES[write](lux(answers))

        if expected is AlreadyExists and write != "POST":
            expected = Conflict
        assert type(caught.value) is expected
        assert len(answers.requests) == 1

    @pytest.mark.parametrize("nested", [True, False])
    def test_of_a_refusal_is_told_by_field(self, nested: bool) -> None:
        source = {"location": "body", "key": "first_name, email"}
        given = flat("bad_customer_request", "Fields missing", source=source)
        body = {"error": given} if nested else given

        with pytest.raises(Rejected) as caught:
            lux(Answers(answer(400, body))).create_customer(BODY, idempotency_key="k")

        assert caught.value.code == "bad_customer_request"
        assert caught.value.field_errors == {
            "first_name": "Fields missing",
            "email": "Fields missing",
        }

    def test_of_a_refusal_names_no_header_as_a_field(self) -> None:
        found = read_error(flat("x", source={"location": "header", "key": "Api-Key"}))

        assert found is not None
        assert found.field_errors == {}

    @pytest.mark.parametrize(
        "body", [None, [], "x", {}, {"error": "no"}, {"code": "a b", "message": "x"}]
    )
    def test_of_what_is_no_envelope_is_nothing(self, body: Any) -> None:
        assert read_error(body) is None


# §4.3: what comes first, and how often the client then calls
REPEATS: dict[str, tuple[httpx.Response | Exception, int]] = {
    "timeout": (httpx.ReadTimeout("slow"), 3),
    "429": (answer(429, flat("rate_limit_exceeded"), retry_after="1"), 3),
    "500": (refusal(500, "unexpected"), 3),
    "400": (refusal(400, "bad_request"), 1),
    "404": (refusal(404, "not_found"), 1),
}


class TestRepeating:
    @pytest.mark.parametrize("name", REPEATS)
    @pytest.mark.parametrize(
        "read",
        [
            lambda client: client.get_customer("cus_1"),
            lambda client: client.list_transfers(),
            lambda client: client.check_transfer(b"{}"),
        ],
        ids=["object", "list", "dry run"],
    )
    def test_of_what_has_no_effect(
        self, read: Callable[[LuxClient], Any], name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given, times = REPEATS[name]
        answers = Answers(given)
        client = lux(answers)
        monkeypatch.setattr(client.budget, "pause", lambda *_: None)

        with pytest.raises(UpstreamError):
            read(client)

        assert len(answers.requests) == times

    def test_a_dry_run_has_another_key_than_what_it_tries(self) -> None:
        answers = Answers(answer(200, {"state": "valid", "notes": []}))
        client = lux(answers)

        client.check_transfer(b'{"amount": "1.00"}')
        client.check_transfer(b'{"amount": "1.00"}')

        first, second = (request.headers["Idempotency-Key"] for request in answers.requests)
        assert first != second
        assert json.loads(answers.last.content) == {"amount": "1.00", "dry_run": True}


class TestRequests:
    def test_carry_the_key_and_nothing_else_of_us(self) -> None:
        answers = Answers(answer(200, customer()))

        lux(answers).get_customer("cus/1")

        sent = answers.last
        assert sent.headers["Api-Key"] == KEY
        assert str(sent.url) == f"{BASE}/customers/cus%2F1"
        assert "idempotency-key" not in sent.headers

    @pytest.mark.parametrize(
        "post",
        [
            lambda c: c.create_customer(b"{}", idempotency_key="k-1"),
            lambda c: c.submit_kyc("cus_1", b"{}", idempotency_key="k-1"),
            lambda c: c.create_wallet(b"{}", idempotency_key="k-1"),
            lambda c: c.create_external_account(b"{}", idempotency_key="k-1"),
            lambda c: c.verify_external_account("ext_1", b"{}", idempotency_key="k-1"),
            lambda c: c.create_transfer(b"{}", idempotency_key="k-1"),
            lambda c: c.screen(Entity("A"), idempotency_key="k-1"),
            lambda c: c.screen_batch([Entity("A")], idempotency_key="k-1"),
            lambda c: c.refresh_sources(idempotency_key="k-1"),
            lambda c: c.create_webhook(url="u", events=[], secret="s", idempotency_key="k-1"),
        ],
    )
    def test_that_create_carry_their_idempotency_key(self, post: Callable[[Any], Any]) -> None:
        answers = Answers(refusal(400, "bad_request"))

        with pytest.raises(Rejected):
            post(lux(answers))

        assert answers.last.method == "POST"
        assert answers.last.headers["Idempotency-Key"] == "k-1"

    def test_send_the_very_bytes(self) -> None:
        answers = Answers(answer(201, transfer()))

        lux(answers).create_transfer(b'{ "amount" :"1" }', idempotency_key="k")

        assert answers.last.content == b'{ "amount" :"1" }'

    def test_send_only_filters_that_are_set(self) -> None:
        answers = Answers(listed())
        since = datetime(2026, 1, 1, tzinfo=UTC)

        lux(answers).list_transfers(state="in_review", since=since, limit=1000)
        lux(answers).list_customers(cursor="cur_1", limit=0)

        assert dict(answers.requests[0].url.params) == {
            "state": "in_review",
            "since": "2026-01-01T00:00:00.000Z",
            "limit": "100",
        }
        assert dict(answers.requests[1].url.params) == {"limit": "1", "cursor": "cur_1"}

    def test_write_rails_and_currencies_in_lower_case_and_amounts_as_text(self) -> None:
        body = transfer_body(
            amount=Money(Decimal("1000"), "USD"),
            on_behalf_of="cus_1",
            source={"payment_rail": "ACH", "currency": "USD"},
            destination={"payment_rail": "Polygon", "currency": "USDC", "to_address": "0xAbC"},
            developer_fee=Money(Decimal("1.5"), "USD"),
        )

        assert json.loads(body) == {
            "amount": "1000.00",
            "on_behalf_of": "cus_1",
            "source": {"payment_rail": "ach", "currency": "usd"},
            "destination": {"payment_rail": "polygon", "currency": "usdc", "to_address": "0xAbC"},
            "developer_fee": "1.50",
        }

    def test_write_the_short_form(self) -> None:
        body = account_transfer_body(
            amount=Money(Decimal("5"), "USD"), source="acc_1", destination="acc_2"
        )

        assert json.loads(body)["source"] == {"account_id": "acc_1"}
        assert json.loads(body)["currency"] == "USD"

    def test_write_documents_as_data(self) -> None:
        front = Picture("image/png", b"\x89PNG")

        assert json.loads(kyc_body("passport", front=front)) == {
            "document_type": "passport",
            "document_front": "data:image/png;base64,iVBORw==",
        }
        for both in ("drivers_license", "national_id"):
            with pytest.raises(ValueError, match="back"):
                kyc_body(both, front=front)
        assert "PNG" not in repr(front)

    def test_write_exactly_what_changes(self) -> None:
        assert json.loads(changes_body({"phone": None, "address": {"city": "Rome"}})) == {
            "phone": None,
            "address": {"city": "Rome"},
        }
        assert json.loads(decision_body("approved")) == {"kyc_status": "approved"}
        assert json.loads(decision_body("rejected", ["fake"]))["rejection_reasons"] == ["fake"]


class TestABatchOfScreenings:
    def test_is_in_the_order_asked_for(self) -> None:
        found = [screening(id="a"), screening(id="b")]
        for body in (found, {"data": found}, {"results": found}):
            client = lux(Answers(answer(200, body)))

            records = client.screen_batch([Entity("A"), Entity("B")], idempotency_key="k")

            assert [record.id for record in records] == ["a", "b"]

    @pytest.mark.parametrize("found", [[], [screening()] * 3, [screening(), {"id": "x"}], {}])
    def test_is_unknown_when_it_does_not_fit(self, found: Any) -> None:
        with pytest.raises(Unknown):
            lux(Answers(answer(200, {"data": found}))).screen_batch(
                [Entity("A"), Entity("B")], idempotency_key="k"
            )

    @pytest.mark.parametrize("count", [0, 101])
    def test_has_a_size(self, count: int) -> None:
        answers = Answers(answer(200, []))

        with pytest.raises(ValueError, match="1 to 100"):
            lux(answers).screen_batch([Entity("A")] * count, idempotency_key="k")

        assert answers.requests == []


def _walk(answers: Callable[[httpx.Request], httpx.Response]) -> tuple[list[str], list[str]]:
    """The ids read and refused, up to where reading stopped."""
    client = lux(answers)
    read: list[str] = []
    refused: list[str] = []
    try:
        for page in every_page(lambda cursor: client.list_customers(cursor=cursor)):
            read += [item.id for item in page.items]
            refused += [item.record_id for item in page.refused]
    except BadPayload as stopped:
        refused.append(str(stopped))
    return read, refused


def _page(*ids: str, cursor: str | None = None) -> httpx.Response:
    return listed(*(customer(id=name) for name in ids), cursor=cursor)


class TestLists:
    def test_are_read_from_cursor_to_cursor(self) -> None:
        answers = Answers(_page("a", "b", cursor="c1"), _page("c", cursor="c2"), _page())

        assert _walk(answers) == (["a", "b", "c"], [])
        assert [request.url.params.get("cursor") for request in answers.requests] == [
            None,
            "c1",
            "c2",
        ]

    def test_set_aside_what_cannot_be_used(self) -> None:
        bad = customer(id="bad", status=...)
        answers = Answers(listed(customer(), bad, "x", 7))

        assert _walk(answers) == (["cus_1"], ["bad", "", ""])

    def test_stop_at_a_cursor_that_comes_again(self) -> None:
        answers = Answers(_page("a", cursor="c1"), _page("b", cursor="c2"), _page("c", cursor="c1"))

        read, (why,) = _walk(answers)

        assert read == ["a", "b", "c"]
        assert "a cursor of a list again" in why

    def test_stop_at_a_page_that_comes_again_under_new_cursors(self) -> None:
        numbers = itertools.count()

        read, (why,) = _walk(lambda _: _page("a", "b", cursor=f"c{next(numbers)}"))

        assert read == ["a", "b"]
        assert "a page of a list again" in why

    def test_stop_at_empty_pages_without_end(self) -> None:
        numbers = itertools.count()

        read, (why,) = _walk(lambda _: _page(cursor=f"c{next(numbers)}"))

        assert (read, next(numbers)) == ([], 3)
        assert "empty pages" in why

    def test_stop_at_pages_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "MAX_PAGES", 5)
        numbers = itertools.count()

        def more(_: httpx.Request) -> httpx.Response:
            number = next(numbers)
            return _page(f"cus_{number}", cursor=f"c{number}")

        read, (why,) = _walk(more)

        assert len(read) == 5
        assert "more than 5 pages" in why

    @pytest.mark.parametrize(
        "body",
        [
            [],
            {"data": []},
            {"data": {}, "has_more": False},
            {"data": [], "has_more": "no"},
            {"data": [], "has_more": True},
            {"data": [], "has_more": True, "cursor": ""},
            {"data": [], "has_more": True, "cursor": 7},
            {"data": None, "has_more": False},
        ],
    )
    def test_are_not_read_from_what_is_none(self, body: Any) -> None:
        with pytest.raises(BadPayload):
            lux(Answers(answer(200, body))).list_customers()

    def test_go_on_where_they_stopped(self) -> None:
        answers = Answers(_page("z"))
        client = lux(answers)

        list(every_page(lambda cursor: client.list_customers(cursor=cursor), cursor="c9"))

        assert answers.last.url.params["cursor"] == "c9"


class TestWords:
    @pytest.mark.parametrize("status", [*words.KYC_STATUSES, "on_the_moon", ""])
    def test_of_kyc_say_what_may_be_done(self, status: str) -> None:
        assert words.may_transact(status) is (status == "approved")
        assert words.is_final_kyc(status) is (status in {"approved", "rejected"})
        assert words.takes_documents(status) is (status in {"not_started", "pending", "incomplete"})

    def test_of_kyc_lead_to_known_ones_and_owners_are_of_businesses(self) -> None:
        for status in words.KYC_STATUSES:
            assert words.next_kyc(status, customer_type="business") <= set(words.KYC_STATUSES)
            assert "awaiting_ubo" not in words.next_kyc(status, customer_type="individual")
        assert "awaiting_ubo" in words.next_kyc("pending", customer_type="business")
        assert words.next_kyc("on_the_moon", customer_type="business") == set()

    @pytest.mark.parametrize(
        ("state", "final"),
        [
            ("awaiting_funds", False),
            ("funds_received", False),
            ("in_review", False),
            ("payment_submitted", False),
            ("payment_processed", True),
            ("canceled", True),
            ("undeliverable", False),
            ("returned", True),
            ("refunded", True),
            ("on_the_moon", False),
            ("cancelled", False),
        ],
    )
    def test_of_transfers_are_final_where_nothing_follows(self, state: str, final: bool) -> None:
        assert words.is_final_transfer(state) is final

    @pytest.mark.parametrize(
        ("rails", "needed"),
        [
            (("wire", "polygon"), {"can_wire_transfer", "can_trade_stablecoins"}),
            (("ACH_push", "ach_same_day"), {"can_ach_transfer"}),
            (("sepa",), {"can_sepa_transfer"}),
            (("swift", "tron"), {"can_swift_transfer", "can_trade_stablecoins"}),
            (("pix", "carrier_pigeon"), set()),
        ],
    )
    def test_of_rails_need_endorsements(self, rails: tuple[str, ...], needed: set[str]) -> None:
        assert words.endorsements_for(*rails) == needed


class TestGetClient:
    @pytest.fixture
    def configured(self, settings: Settings) -> Settings:
        settings.LUX_API_KEY = KEY
        return settings

    def test_refuses_without_a_key(self) -> None:
        with pytest.raises(NotConfigured):
            lux_client.get_client()
        assert not credentials.is_configured(Upstream.LUX)
        assert lux_client.get_budget() is None

    def test_shares_connections_between_callers(self, configured: Settings) -> None:
        one = lux_client.get_client(priority=Priority.OPERATOR, deadline=2.0)
        other = lux_client.get_client()

        assert one.http._http is other.http._http
        assert one.budget is other.budget
        assert (one.http.deadline, other.http.deadline) == (2.0, 20.0)

    def test_is_another_for_another_key(self, configured: Settings) -> None:
        one, name = lux_client.get_client(), credentials.fingerprint(Upstream.LUX)
        configured.LUX_API_KEY = "sk_test_rotated"

        assert lux_client.get_client().http._http is not one.http._http
        assert credentials.fingerprint(Upstream.LUX) not in ("", name)

    def test_keeps_to_the_configured_rates(self, configured: Settings) -> None:
        configured.LUX_RATE_LIMIT_RPS, configured.LUX_RATE_LIMIT_RPD = 100, 1_000_000

        second, day = lux_client.get_client().budget.rates["standard"]

        assert (second.limit, second.seconds) == (100, 1)
        assert (day.limit, day.seconds) == (1_000_000, 86_400)

    @pytest.mark.django_db
    def test_shows_on_the_pill_what_is_left(self, configured: Settings) -> None:
        shown = health.status(Upstream.LUX, datetime.now(UTC))

        assert shown.state == health.State.NEVER_SYNCED
        assert shown.budget_left is not None

    @pytest.mark.django_db
    def test_is_not_configured_on_the_pill_without_a_key(self) -> None:
        shown = health.status(Upstream.LUX, datetime.now(UTC))

        assert (shown.state, shown.budget_left) == (health.State.NOT_CONFIGURED, None)

    def test_needs_a_webhook_secret_too(self, configured: Settings) -> None:
        (error,) = check_lux_secrets(app_configs=None)
        configured.LUX_WEBHOOK_SECRETS = ["whsec_1"]

        assert error.id == "upstreams.E006"
        assert check_lux_secrets(app_configs=None) == []


CALLS: dict[str, Callable[[LuxClient], Any]] = {
    "read": lambda client: client.get_customer(EMAIL),
    "list": lambda client: client.list_external_accounts(customer_id=EMAIL),
    "write": lambda client: client.create_customer(BODY, idempotency_key="k"),
    "screening": lambda client: client.screen(Entity(PERSON[0]), idempotency_key="k"),
}


def assert_clean(text: str) -> None:
    assert [canary for canary in (KEY, *PERSON) if canary in text] == []


class TestSecrets:
    @pytest.mark.parametrize("call", CALLS)
    def test_are_not_in_failures(
        self, call: str, caplog: pytest.LogCaptureFixture, capsys: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for given, _, _ in MEANINGS.values():
            client = lux(Answers(given), deadline=0.5)
            with structlog.testing.capture_logs() as lines:
                try:
                    CALLS[call](client)
                except UpstreamError as exc:
                    assert_clean("".join(traceback.format_exception(exc)))
            assert_clean(f"{lines} {client!r}")

        assert_clean(f"{caplog.text} {capsys.readouterr()}")

    @pytest.mark.parametrize("call", CALLS)
    def test_are_not_in_what_echoes_them(self, call: str) -> None:
        echo = f"Unknown key {KEY} of amara@example.com, phone +2348012345678"
        for status in (400, 401, 403, 404, 409, 422, 429, 500):
            with pytest.raises(UpstreamError) as caught:
                CALLS[call](lux(Answers(refusal(status, "bad_request", echo)), deadline=0.5))

            assert_clean("".join(traceback.format_exception(caught.value)))

    def test_are_not_in_anything_shown(self) -> None:
        client = lux(Answers(listed(customer(), customer(id=None, name=PERSON[0]))))
        things = [
            Access(base_url="https://x", api_key=KEY),
            client,
            client.http.judge,
            client.list_customers(),
            Entity(PERSON[0]),
        ]

        assert_clean(f"{things} {things!r}")
