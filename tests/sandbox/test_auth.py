"""Who may do what: keys, scopes, environments, and v2 signatures."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.config import ApiKey
from sandbox.luxcore.config import SCOPES
from sandbox.luxcore.routes import ROUTES
from tests.sandbox.helpers import Bench, client, deposit, withdrawal

SECRET = "hmac_secret_of_77"


def sign(
    luxcore: Bench, method: str, path: str, body: bytes = b"", **changes: str
) -> dict[str, str]:
    """The headers of a v2 request; `changes` replaces some after signing."""
    stamp, nonce = str(int(luxcore.wire.at)), changes.pop("nonce", "nonce-0001")
    stamp = changes.pop("stamp", stamp)
    digest = hashlib.sha256(body).hexdigest()
    text = f"v1.{stamp}.{nonce}.{method}.{path}.{digest}"
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-Merchant-Id": "77",
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature-Version": "v1",
        "X-Signature": f"hmac_sha256={signature}",
        "Content-Type": "application/json",
    }
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


@pytest.fixture
def v2(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(hmac_secret=SECRET)


def post_v2(luxcore: Bench, body: bytes, headers: dict[str, str]) -> httpx.Response:
    with client(luxcore.sandbox, key="") as api:
        return api.post("http://sandbox/api/v2/payments", content=body, headers=headers)


class TestKeys:
    @pytest.mark.parametrize("key", ["", "qp_test_sk_other", "QP_TEST_SK_SANDBOX"])
    def test_are_needed_for_every_endpoint(self, luxcore: Bench, key: str) -> None:
        with client(luxcore.sandbox, key=key) as stranger:
            for route in ROUTES:
                path = route.path.replace("<", "").replace(">", "")
                answer = stranger.request(route.method, path)

                assert answer.status_code == 401
                assert answer.json() == {
                    "statusCode": 401,
                    "message": "Invalid or missing API key",
                    "error": "INVALID_API_KEY",
                }

    def test_need_the_scope_of_the_endpoint(self, luxcore: Bench) -> None:
        for route in ROUTES:
            key = f"qp_test_sk_without_{route.scope}"
            scopes = sorted(SCOPES - {route.scope})
            luxcore.control("/keys", {"key": key, "scopes": scopes})
            path = route.path.replace("<", "").replace(">", "")
            with client(luxcore.sandbox, key=key) as api:
                answer = api.request(route.method, path)

            assert answer.status_code == 403, route
            assert answer.json()["error_code"] == "INSUFFICIENT_SCOPE"

    def test_may_name_a_scope_by_its_alias(self, make_bench: Callable[..., Bench]) -> None:
        key = ApiKey("qp_test_sk_sandbox", frozenset({"payments.view"}))
        luxcore = make_bench(api_keys=(key,))

        assert luxcore.api.get("/payments").status_code == 200
        assert luxcore.api.get("/balance").status_code == 403

    def test_can_be_revoked_while_it_runs(self, luxcore: Bench) -> None:
        before = luxcore.api.get("/balance").status_code
        luxcore.api.delete("http://sandbox/_control/keys/qp_test_sk_sandbox")

        assert (before, luxcore.api.get("/balance").status_code) == (200, 401)

    def test_keep_test_and_production_apart(self, make_bench: Callable[..., Bench]) -> None:
        keys = (ApiKey("qp_test_sk_sandbox"), ApiKey("qp_prod_sk_1"))
        luxcore = make_bench(api_keys=keys)
        made = luxcore.withdraw(customer={"email": "a@example.com"})

        with client(luxcore.sandbox, key="qp_prod_sk_1") as production:
            unseen = production.get(f"/payments/{made['transaction_id']}")
            listed = production.get("/payments").json()
            frozen = production.get("/balance", params={"currency": "ARS"}).json()
            body = withdrawal(customer={"email": "a@example.com"})
            own = production.post("/payments", json=body)

        assert unseen.status_code == 404
        assert listed["total"] == 0
        assert frozen["frozen_amount"] == "0"
        assert own.status_code == 201
        assert own.json()["customer_id"] != made["customer_id"]

    def test_do_not_open_what_does_not_exist(self, luxcore: Bench) -> None:
        unknown = luxcore.api.get("/refunds")
        wrong_method = luxcore.api.delete("/payments")

        assert (unknown.status_code, wrong_method.status_code) == (404, 405)
        assert unknown.json()["message"] == "Cannot GET /api/v1/refunds"


class TestSignedRequests:
    def test_create_payments(self, v2: Bench) -> None:
        body = json.dumps(deposit()).encode()

        answer = post_v2(v2, body, sign(v2, "POST", "/api/v2/payments", body))

        assert answer.status_code == 201
        assert v2.get(answer.json())["status"] == "processing"

    @pytest.mark.parametrize(
        "path", ["/api/v2/balance?currency=ARS", "/api/v2/balance/all", "/api/v2/balance"]
    )
    def test_read_balances(self, v2: Bench, path: str) -> None:
        answer = v2.api.get(f"http://sandbox{path}", headers=sign(v2, "GET", path))

        assert answer.status_code == 200
        assert answer.json()["merchant_id"] == 77

    def test_cover_the_query_string(self, v2: Bench) -> None:
        headers = sign(v2, "GET", "/api/v2/balance?currency=ARS")

        answer = v2.api.get("http://sandbox/api/v2/balance?currency=MXN", headers=headers)

        assert answer.json()["error_code"] == "INVALID_SIGNATURE"

    @pytest.mark.parametrize("path", ["/api/v2/payments", "/api/v2/tickets"])
    def test_open_nothing_else(self, v2: Bench, path: str) -> None:
        answer = v2.api.get(f"http://sandbox{path}", headers=sign(v2, "GET", path))

        assert answer.status_code in (404, 405)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"X_Signature_Version": "v2"}, "UNSUPPORTED_SIGNATURE_VERSION"),
            ({"X_Signature": "hmac_sha256=" + "0" * 64}, "INVALID_SIGNATURE"),
            ({"X_Signature": ""}, "INVALID_SIGNATURE"),
            ({"X_Merchant_Id": "78"}, "INVALID_SIGNATURE"),
            ({"X_Nonce": "nonce-0002"}, "INVALID_SIGNATURE"),
            ({"nonce": "short"}, "INVALID_SIGNATURE"),
            ({"nonce": "x" * 129}, "INVALID_SIGNATURE"),
            ({"stamp": "1799999699"}, "TIMESTAMP_OUT_OF_RANGE"),
            ({"stamp": "1800000301"}, "TIMESTAMP_OUT_OF_RANGE"),
            ({"stamp": "now"}, "TIMESTAMP_OUT_OF_RANGE"),
            ({"stamp": "1799999700"}, None),
            ({"stamp": "1800000300"}, None),
        ],
    )
    def test_are_refused_for_what_is_wrong_with_them(
        self, v2: Bench, changes: dict[str, str], code: str | None
    ) -> None:
        body = json.dumps(deposit()).encode()

        answer = post_v2(v2, body, sign(v2, "POST", "/api/v2/payments", body, **changes))

        assert answer.status_code == (401 if code else 201)
        assert answer.json().get("error_code") == code

    def test_are_refused_with_another_body(self, v2: Bench) -> None:
        headers = sign(v2, "POST", "/api/v2/payments", b"{}")

        answer = post_v2(v2, json.dumps(deposit()).encode(), headers)

        assert answer.json()["error_code"] == "INVALID_SIGNATURE"

    def test_are_refused_twice(self, v2: Bench) -> None:
        body = json.dumps(deposit()).encode()
        headers = sign(v2, "POST", "/api/v2/payments", body)
        first = post_v2(v2, body, headers)

        again = post_v2(v2, body, headers)

        assert (first.status_code, again.status_code) == (201, 401)
        assert again.json()["error_code"] == "NONCE_REUSED"

    def test_are_refused_with_a_key_instead(self, v2: Bench) -> None:
        answer = v2.api.post("http://sandbox/api/v2/payments", json=deposit())

        assert answer.status_code == 401

    def test_are_refused_where_the_merchant_is_not_on_v2(self, luxcore: Bench) -> None:
        body = json.dumps(deposit()).encode()

        answer: Any = post_v2(luxcore, body, sign(luxcore, "POST", "/api/v2/payments", body))

        assert answer.json()["error_code"] == "INVALID_SIGNATURE"
