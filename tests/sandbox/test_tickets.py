"""Tickets: the conversation with support, its statuses, and attachments."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.helpers import Bench, Json

MOVES = {
    "open": {"close": "closed"},
    "in_progress": {"close": "closed"},
    "resolved": {"close": "closed", "reopen": "open"},
    "closed": {"reopen": "open"},
}
WAY = {
    "open": [],
    "in_progress": ["start"],
    "resolved": ["start", "resolve"],
    "closed": ["close"],
}
URL = "http://127.0.0.1:9/webhooks/luxcore/"


def ask(luxcore: Bench, **changes: Any) -> Json:
    answer = luxcore.api.post("/tickets", json={"title": "Deposit missing", **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def say(luxcore: Bench, ticket: Json, content: str = "Hello", **more: Any) -> httpx.Response:
    path = f"/tickets/{ticket['ticket_id']}/comments"
    return luxcore.api.post(path, json={"content": content, **more})


def upload(luxcore: Bench, ticket: Json, content: bytes = b"a,b\n", **changes: Any) -> Json:
    body = {"file_name": "días.csv", "content_type": "text/csv", "file_size": len(content)}
    path = f"/tickets/{ticket['ticket_id']}/upload-url"
    link = luxcore.api.post(path, json=body | changes).json()["data"]
    put = luxcore.api.put(link["upload_url"], content=content, headers=link["headers"])
    assert put.status_code == 200, put.text
    return dict(link)


class TestTicket:
    def test_is_created_open_and_shown_whole(self, luxcore: Bench) -> None:
        given = {
            "title": "Refund order 17",
            "description": "Paid twice",
            "category": "refund_request",
            "sub_category": "double",
            "payment_id": "pay_1",
            "transaction_id": "tx_1",
            "reference": "order_17",
            "requires_refund": True,
        }
        made = ask(luxcore, **given)

        assert made == given | {
            "ticket_id": made["ticket_id"],
            "status": "open",
            "attachments": [],
            "comments_count": 0,
            "created_at": "2026-03-31T12:00:00Z",
            "updated_at": "2026-03-31T12:00:00Z",
            "closed_at": None,
        }
        shown = luxcore.api.get(f"/tickets/{made['ticket_id']}").json()
        assert shown == {"success": True, "data": made}

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "title must be a string"),
            ({"title": ""}, "title should not be empty"),
            ({"title": "x" * 201}, "title must be shorter than or equal to 200 characters"),
            ({"title": "x", "requires_refund": "yes"}, "requires_refund must be a boolean value"),
            ({"title": "x", "category": 4}, "category must be a string"),
        ],
    )
    def test_is_refused_when_malformed(self, luxcore: Bench, body: Json, message: str) -> None:
        answer = luxcore.api.post("/tickets", json=body)

        assert answer.status_code == 400
        assert answer.json()["message"] == [message]

    @pytest.mark.parametrize("deed", ["close", "reopen"])
    @pytest.mark.parametrize("status", list(MOVES))
    def test_is_closed_and_reopened_as_allowed(
        self, luxcore: Bench, status: str, deed: str
    ) -> None:
        ticket = ask(luxcore)
        for step in WAY[status]:
            luxcore.control(f"/tickets/{ticket['ticket_id']}/{step}", {})

        answer = luxcore.api.post(f"/tickets/{ticket['ticket_id']}/{deed}")

        reached = MOVES[status].get(deed)
        if reached is None:
            assert answer.status_code == 400
            assert answer.json()["error_code"] == "INVALID_TICKET_STATUS"
            return
        assert answer.status_code == 200
        assert answer.json()["data"]["status"] == reached
        assert (answer.json()["data"]["closed_at"] is not None) is (reached == "closed")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", ""),
            ("POST", "/close"),
            ("POST", "/reopen"),
            ("GET", "/comments"),
            ("POST", "/comments"),
            ("POST", "/upload-url"),
            ("GET", "/attachments/x"),
            ("GET", "/comments/x/attachments/x"),
        ],
    )
    def test_is_named_when_unknown(self, luxcore: Bench, method: str, path: str) -> None:
        answer = luxcore.api.request(method, f"/tickets/nobody{path}", json={"content": "x"})

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "TICKET_NOT_FOUND"


class TestTicketList:
    def test_narrows_and_sorts(self, luxcore: Bench) -> None:
        first = ask(luxcore, title="Alpha", category="other", description="About PAYOUTS")
        luxcore.pass_time(60)
        second = ask(luxcore, title="Beta", category="payment_issue", payment_id="pay_9")
        luxcore.pass_time(60)
        third = ask(luxcore, title="Gamma payouts", category="account_issue")
        luxcore.api.post(f"/tickets/{first['ticket_id']}/close")
        luxcore.control(f"/tickets/{second['ticket_id']}/start", {})

        def titles(*params: tuple[str, str]) -> list[str]:
            answer = luxcore.api.get("/tickets", params=list(params))
            assert answer.status_code == 200, answer.text
            return [row["title"] for row in answer.json()["data"]]

        assert titles() == ["Gamma payouts", "Beta", "Alpha"]
        assert titles(("sort_order", "asc")) == ["Alpha", "Beta", "Gamma payouts"]
        updated = titles(("sort_by", "updated_at"), ("sort_order", "asc"))
        assert updated == ["Alpha", "Beta", "Gamma payouts"]
        assert titles(("status", "closed"), ("status", "in_progress")) == ["Beta", "Alpha"]
        assert titles(("category", "other"), ("category", "account_issue")) == [
            "Gamma payouts",
            "Alpha",
        ]
        assert titles(("search", "payOuts")) == ["Gamma payouts", "Alpha"]
        assert titles(("search", "%")) == []
        assert titles(("payment_id", "pay_9")) == ["Beta"]
        assert titles(("created_after", "2026-03-31T12:01:00Z")) == ["Gamma payouts", "Beta"]
        assert titles(("created_before", "2026-03-31T12:01:00Z")) == ["Beta", "Alpha"]
        assert titles(("limit", "1"), ("offset", "1")) == ["Beta"]
        assert third["status"] == "open"

    @pytest.mark.parametrize(
        "params",
        [
            {"status": "lost"},
            {"search": "x" * 101},
            {"sort_by": "title"},
            {"sort_order": "up"},
            {"created_after": "soon"},
        ],
    )
    def test_refuses_a_parameter_that_means_nothing(
        self, luxcore: Bench, params: dict[str, str]
    ) -> None:
        assert luxcore.api.get("/tickets", params=params).status_code == 400


class TestComments:
    def test_are_listed_oldest_first_with_their_authors(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        mine = say(luxcore, ticket, "Any news?")
        luxcore.control(f"/tickets/{ticket['ticket_id']}/answer", {"content": "We are looking"})

        body = luxcore.api.get(f"/tickets/{ticket['ticket_id']}/comments").json()

        assert mine.status_code == 201
        first, second = body["data"]
        assert (
            first
            == mine.json()["data"]
            == {
                "comment_id": first["comment_id"],
                "ticket_id": ticket["ticket_id"],
                "author_type": "merchant",
                "author_name": "Merchant",
                "content": "Any news?",
                "attachments": [],
                "created_at": "2026-03-31T12:00:00Z",
            }
        )
        assert (second["author_type"], second["content"]) == ("support", "We are looking")
        assert body["total"] == 2
        shown = luxcore.api.get(f"/tickets/{ticket['ticket_id']}").json()["data"]
        assert (shown["comments_count"], shown["status"]) == (2, "in_progress")

    @pytest.mark.parametrize("body", [{}, {"content": " "}, {"content": 5}])
    def test_need_some_content(self, luxcore: Bench, body: Json) -> None:
        ticket = ask(luxcore)

        answer = luxcore.api.post(f"/tickets/{ticket['ticket_id']}/comments", json=body)

        assert answer.status_code == 400

    def test_are_not_taken_by_a_closed_ticket(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        luxcore.api.post(f"/tickets/{ticket['ticket_id']}/close")

        assert say(luxcore, ticket).json()["error_code"] == "INVALID_TICKET_STATUS"


class TestAttachments:
    def test_are_uploaded_to_a_signed_address_and_downloaded(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        link = upload(luxcore, ticket, b"a;b\n1;2\n")

        path = f"/tickets/{ticket['ticket_id']}"
        answer = luxcore.api.get(f"{path}/attachments/{link['attachment_id']}")
        (listed,) = luxcore.api.get(path).json()["data"]["attachments"]

        assert answer.content == b"a;b\n1;2\n"
        assert answer.headers["Content-Type"] == "text/csv"
        disposition = answer.headers["Content-Disposition"]
        assert disposition == "attachment; filename*=UTF-8''d%C3%ADas.csv"
        assert (listed["file_name"], listed["file_size"]) == ("días.csv", 8)
        assert link["method"] == "PUT"
        assert link["expires_at"] == "2026-03-31T12:15:00.000Z"

    def test_move_to_the_comment_that_names_them(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        link = upload(luxcore, ticket)

        comment = say(luxcore, ticket, attachment_ids=[link["attachment_id"]]).json()["data"]
        again = say(luxcore, ticket, attachment_ids=[link["attachment_id"]])

        path = f"/tickets/{ticket['ticket_id']}"
        of_comment = f"{path}/comments/{comment['comment_id']}/attachments"
        assert luxcore.api.get(f"{of_comment}/{link['attachment_id']}").content == b"a,b\n"
        assert luxcore.api.get(f"{path}/attachments/{link['attachment_id']}").status_code == 404
        assert [a["attachment_id"] for a in comment["attachments"]] == [link["attachment_id"]]
        assert again.status_code == 400
        assert luxcore.api.get(f"{path}/comments").json()["total"] == 1

    def test_can_be_meant_for_a_comment_from_the_start(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        comment = say(luxcore, ticket).json()["data"]

        link = upload(luxcore, ticket, comment_id=comment["comment_id"])

        body = luxcore.api.get(f"/tickets/{ticket['ticket_id']}/comments").json()
        shown = body["data"][0]["attachments"]
        assert [a["attachment_id"] for a in shown] == [link["attachment_id"]]

    @pytest.mark.parametrize(
        "changes",
        [
            {"content_type": "text/html"},
            {"content_type": "image/svg+xml"},
            {"file_size": 10 * 1024 * 1024 + 1},
            {"file_size": 0},
            {"file_name": ""},
            {"file_name": None},
        ],
    )
    def test_are_refused_before_the_upload(self, luxcore: Bench, changes: Json) -> None:
        ticket = ask(luxcore)
        body = {"file_name": "a.csv", "content_type": "text/csv", "file_size": 4}

        path = f"/tickets/{ticket['ticket_id']}/upload-url"
        answer = luxcore.api.post(path, json=body | changes)

        assert answer.status_code == 400

    def test_are_refused_when_they_are_not_what_was_announced(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        body = {"file_name": "a.csv", "content_type": "text/csv", "file_size": 4}
        path = f"/tickets/{ticket['ticket_id']}/upload-url"
        url = luxcore.api.post(path, json=body).json()["data"]["upload_url"]
        csv = {"Content-Type": "text/csv"}

        too_long = luxcore.api.put(url, content=b"12345", headers=csv)
        other_type = luxcore.api.put(url, content=b"1234", headers={"Content-Type": "text/html"})
        forged = luxcore.api.put(url.replace("sig=", "sig=0"), content=b"1234", headers=csv)
        luxcore.pass_time(15 * 60 + 1)
        late = luxcore.api.put(url, content=b"1234", headers=csv)

        statuses = [a.status_code for a in (too_long, other_type, forged, late)]
        assert statuses == [400, 400, 403, 403]

    def test_do_not_exist_before_their_upload(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        body = {"file_name": "a.csv", "content_type": "text/csv", "file_size": 4}
        path = f"/tickets/{ticket['ticket_id']}"
        link = luxcore.api.post(f"{path}/upload-url", json=body).json()["data"]

        answer = luxcore.api.get(f"{path}/attachments/{link['attachment_id']}")

        assert answer.json()["error_code"] == "ATTACHMENT_NOT_FOUND"
        assert luxcore.api.get(path).json()["data"]["attachments"] == []


class TestTicketEvents:
    def test_tell_what_happened_on_their_side_and_ours(
        self, make_bench: Callable[..., Bench]
    ) -> None:
        luxcore = make_bench(webhook_url=URL, webhook_secret="whsec_start")
        ticket = ask(luxcore)
        say(luxcore, ticket)
        luxcore.control(f"/tickets/{ticket['ticket_id']}/answer", {"content": "Hello"})
        luxcore.api.post(f"/tickets/{ticket['ticket_id']}/close")
        luxcore.api.post(f"/tickets/{ticket['ticket_id']}/reopen")
        luxcore.pass_time(0)

        (created,) = luxcore.mail.of("ticket.created")
        (comment,) = luxcore.mail.of("ticket.comment_added")
        (closed,) = luxcore.mail.of("ticket.closed")
        updates = [body["ticket"]["status"] for body in luxcore.mail.of("ticket.updated")]
        assert created["ticket"]["ticket_id"] == ticket["ticket_id"]
        assert comment["comment"]["content"] == "Hello"
        assert comment["comment"]["author_type"] == "support"
        assert closed["ticket"]["status"] == "closed"
        assert sorted(updates) == ["in_progress", "open"]


class TestSupport:
    def test_answers_while_there_is_traffic(self, luxcore: Bench) -> None:
        ticket = ask(luxcore)
        luxcore.pass_time(60)
        silent = luxcore.api.get(f"/tickets/{ticket['ticket_id']}").json()["data"]
        luxcore.control("/traffic", {"pace": 0.001})
        luxcore.pass_time(1)

        answered = luxcore.api.get(f"/tickets/{ticket['ticket_id']}").json()["data"]
        assert (silent["comments_count"], silent["status"]) == (0, "open")
        assert (answered["comments_count"], answered["status"]) == (1, "in_progress")

    def test_refunds_what_a_ticket_asks_for(self, luxcore: Bench) -> None:
        payment = luxcore.create()
        luxcore.act(payment, "complete")
        ticket = ask(luxcore, payment_id=payment["transaction_id"], requires_refund=True)

        luxcore.control(f"/tickets/{ticket['ticket_id']}/answer", {})

        assert luxcore.get(payment)["status"] == "refunded"
        shown = luxcore.api.get(f"/tickets/{ticket['ticket_id']}").json()["data"]
        assert shown["status"] == "resolved"

    def test_says_so_when_it_cannot_refund(self, luxcore: Bench) -> None:
        payment = luxcore.create()
        ticket = ask(luxcore, payment_id=payment["transaction_id"], requires_refund=True)

        luxcore.control(f"/tickets/{ticket['ticket_id']}/answer", {})

        assert luxcore.get(payment)["status"] == "processing"
        body = luxcore.api.get(f"/tickets/{ticket['ticket_id']}/comments").json()
        assert "cannot be refunded" in body["data"][0]["content"]
