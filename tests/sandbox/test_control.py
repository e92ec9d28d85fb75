"""The control door: open on loopback, for tests and for people."""

from html.parser import HTMLParser

import httpx
import pytest

from sandbox.app import create_app
from sandbox.config import Config
from tests.sandbox.helpers import Bench, client

DOOR = "http://sandbox/_control"


class Buttons(HTMLParser):
    """The targets of a page's forms."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.targets.append(dict(attrs).get("action") or "")


class TestDoor:
    @pytest.mark.parametrize(
        ("host", "status"),
        [("127.0.0.1", 200), ("::1", 200), ("localhost", 200), ("0.0.0.0", 404), ("10.0.0.7", 404)],
    )
    def test_opens_on_loopback_only(self, host: str, status: int) -> None:
        with create_app(Config(host=host)) as sandbox, client(sandbox) as api:
            assert api.get(f"{DOOR}/clock").status_code == status

    def test_needs_no_key_and_has_no_limit(self, luxcore: Bench) -> None:
        with client(luxcore.sandbox, key="") as nobody:
            statuses = {nobody.get(f"{DOOR}/payments").status_code for _ in range(150)}

        assert statuses == {200}

    def test_stays_shut_to_pages_of_other_sites(self, luxcore: Bench) -> None:
        theirs = {"Origin": "https://evil.example"}
        ours = {"Origin": "http://sandbox"}

        refused = luxcore.api.post(f"{DOOR}/faults/clear", json={}, headers=theirs)
        taken = luxcore.api.post(f"{DOOR}/faults/clear", json={}, headers=ours)

        assert (refused.status_code, taken.status_code) == (403, 200)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nowhere", 404),
            ("POST", "/payments/pay_nobody/complete", 404),
            ("POST", "/tickets/nobody/start", 404),
            ("PATCH", "/clock", 405),
        ],
    )
    def test_names_what_is_not_there(
        self, luxcore: Bench, method: str, path: str, status: int
    ) -> None:
        assert luxcore.api.request(method, DOOR + path).status_code == status

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/clock", {"set": "later"}),
            ("/clock", [1]),
            ("/seed", {}),
            ("/seed", {"payments": "many"}),
            ("/seed", {"payments": 1, "status": "lost"}),
            ("/traffic", {"pace": 601}),
            ("/traffic", {"pace": -1}),
            ("/balances", {"currency": "ARS"}),
        ],
    )
    def test_refuses_what_it_does_not_understand(
        self, luxcore: Bench, path: str, body: object
    ) -> None:
        assert luxcore.api.post(DOOR + path, json=body).status_code == 400


class TestClock:
    def test_is_set_and_advanced_with_what_is_due(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        luxcore.control("/clock", {"set": "2026-03-31T12:00:03Z"})
        released = luxcore.get(payment)["status"]
        shown = luxcore.control("/clock", {"advance": 4})

        assert (released, luxcore.get(payment)["status"]) == ("processing", "completed")
        assert shown == {"now": "2026-03-31T12:00:07.000Z", "frozen": True}

    def test_runs_on_and_stops(self, luxcore: Bench) -> None:
        luxcore.control("/clock", {"freeze": False})
        luxcore.wire.at += 5
        running = luxcore.control("/clock")
        luxcore.control("/clock", {"freeze": True})
        luxcore.wire.at += 5

        assert running == {"now": "2026-03-31T12:00:05.000Z", "frozen": False}
        assert luxcore.control("/clock")["now"] == "2026-03-31T12:00:05.000Z"


class TestLedger:
    def test_counts_payments_per_reference(self, luxcore: Bench) -> None:
        first = luxcore.withdraw()
        luxcore.act(first, "fail")
        luxcore.withdraw()
        luxcore.create()

        body = luxcore.control("/payments")

        assert body["references"] == {"payout_vendor_001": 2, "order_abc123": 1}
        assert [line["status"] for line in body["payments"]] == ["failed", "pending", "processing"]
        assert {line["source"] for line in body["payments"]} == {"api"}

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("?reference=payout_vendor_001", 1),
            ("?status=processing", 1),
            ("?source=traffic", 0),
            ("?type=withdrawal&currency=ARS", 1),
        ],
    )
    def test_can_be_narrowed(self, luxcore: Bench, query: str, count: int) -> None:
        luxcore.withdraw()
        luxcore.create()

        assert luxcore.control(f"/payments{query}")["total"] == count


class TestRequests:
    def test_are_logged_with_their_faults(self, luxcore: Bench) -> None:
        luxcore.fault("drop", method="POST")
        with pytest.raises(httpx.ReadError):
            luxcore.withdraw()
        luxcore.api.get("/payments", params={"limit": 3})

        first, second = luxcore.control("/requests")["requests"]

        assert (first["method"], first["path"], first["status"]) == (
            "POST",
            "/api/v1/payments",
            None,
        )
        assert first["faults"] == ["drop"]
        assert "payout_vendor_001" in first["body"]
        assert first["key"] == "dbox"
        assert (second["query"], second["status"], second["faults"]) == ("limit=3", 200, [])
        assert luxcore.control("/requests?method=GET")["total"] == 1

    def test_can_be_forgotten(self, luxcore: Bench) -> None:
        luxcore.create()
        luxcore.api.delete(f"{DOOR}/requests")

        assert luxcore.control("/requests")["total"] == 0


class TestReset:
    def test_starts_over(self, luxcore: Bench) -> None:
        opening = luxcore.control("/balances")
        luxcore.withdraw()
        luxcore.fault("error", times=None)
        luxcore.control("/reset", {})

        assert luxcore.control("/payments")["total"] == 0
        assert luxcore.control("/balances") == opening
        assert luxcore.api.get("/tickets").json()["total"] == 0


class TestPage:
    def test_has_a_button_for_every_deed_that_is_possible(self, luxcore: Bench) -> None:
        pending = luxcore.withdraw()["transaction_id"]
        done = luxcore.create()
        luxcore.act(done, "complete")

        page = luxcore.api.get(f"{DOOR}/")

        targets = set(Buttons(page.text).targets)
        deeds = ("release", "decline", "complete", "cancel")
        expected = {f"/_control/payments/{pending}/{deed}" for deed in deeds}
        expected.add(f"/_control/payments/{done['transaction_id']}/refund")
        assert targets == expected | {"/_control/traffic", "/_control/faults"}
        assert "script" not in page.text

    def test_escapes_what_people_wrote(self, luxcore: Bench) -> None:
        luxcore.create(
            merchant_reference="<i>1</i>", customer={"name": "<script>alert(1)</script>"}
        )

        page = luxcore.api.get(f"{DOOR}/").text

        assert "<script>" not in page
        assert "&lt;i&gt;1&lt;/i&gt;" in page

    def test_comes_back_after_a_button(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()

        url = f"{DOOR}/payments/{payment['transaction_id']}/release"
        answer = luxcore.api.post(url, data={"deed": "release"})

        assert (answer.status_code, answer.headers["Location"]) == (303, "/_control/")
        assert luxcore.get(payment)["status"] == "processing"

    def test_adds_and_clears_a_fault(self, luxcore: Bench) -> None:
        form = {"kind": "delay", "method": "POST", "path": "", "event": "", "times": "3"}
        answer = luxcore.api.post(f"{DOOR}/faults", data=form | {"params": '{"seconds": 2}'})
        (fault,) = luxcore.control("/faults")["faults"]
        page = luxcore.api.get(f"{DOOR}/").text
        luxcore.api.post(f"{DOOR}/faults/clear", data={"clear": "all"})

        assert answer.status_code == 303
        assert (fault["method"], fault["path"], fault["times"]) == ("POST", "/api/*", 3)
        assert fault["params"] == {"seconds": 2}
        assert "0 of 3" in page
        assert luxcore.control("/faults") == {"faults": []}

    def test_refuses_settings_that_are_not_json(self, luxcore: Bench) -> None:
        answer = luxcore.api.post(f"{DOOR}/faults", data={"kind": "delay", "params": "2 s"})

        assert answer.status_code == 400

    def test_sets_the_pace(self, luxcore: Bench) -> None:
        luxcore.api.post(f"{DOOR}/traffic", data={"pace": "12"})

        assert luxcore.control("/traffic") == {"pace": 12}
        assert luxcore.control("/traffic", {"running": False}) == {"pace": 0}


class TestDocumentation:
    def test_lists_every_endpoint(self, luxcore: Bench) -> None:
        with client(luxcore.sandbox, key="") as nobody:
            index = nobody.get("/openapi.json").json()
            page = nobody.get("/docs").text

        operations = [op for path in index["paths"].values() for op in path]
        assert len(operations) == 30
        assert "/api/v1/payments/{payment_id}/cancel" in index["paths"]
        assert page.count("<tr><td>") == 30
