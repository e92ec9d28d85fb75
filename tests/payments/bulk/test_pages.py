"""The pages of decisions about many withdrawals at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments.enums import BulkState, Outcome, RejectCode, Status, Verdict
from payments.models import BulkRun, Policy, Signature, Withdrawal
from staff.models import AuditEvent
from tests.payments.bulk.helpers import confirmed, looked_through, outcomes, started, worked
from tests.payments.deciding import status_of
from tests.payments.factories import (
    NOW,
    BulkRunFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    maker,
)
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.staff.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]

START = "/withdrawals/bulk/start/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with at(NOW):
        yield


def payouts(number: int, **fields: Any) -> list[Withdrawal]:
    mara = maker()
    return [
        WithdrawalFactory(amount=Decimal(100 + each), created_by=mara, **fields)
        for each in range(number)
    ]


def begin(client: Client, query: str = "", **fields: Any) -> BulkRun:
    response = client.post(f"{START}{query}", {"verdict": "approve", **fields})
    run = BulkRun.objects.latest("pk")
    assert response.headers["Location"] == f"/withdrawals/bulk/{run.pk}/"
    return run


class TestSelecting:
    def test_takes_what_was_picked_in_the_order_it_is_due(self) -> None:
        one, other, _ = payouts(3)

        run = begin(as_role("approver"), pick=[other.code, one.code, "wd-NOBODY"])

        assert list(run.items.values_list("withdrawal", "position")) == [(one.pk, 1), (other.pk, 2)]
        assert (run.verdict, run.is_cut) == (Verdict.APPROVE, False)

    def test_takes_the_whole_view_under_its_filter_and_no_more_than_go_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payouts(3)
        payouts(1, currency="UYU")
        client = as_role("approver")

        everything = begin(client, "?currency=AUD", whole="1")
        monkeypatch.setattr("payments.views.bulk.MOST_AT_ONCE", 2)
        cut = begin(client, "?currency=AUD", whole="1", pick="wd-OTHER")

        assert (everything.items.count(), everything.is_cut) == (3, False)
        assert (cut.items.count(), cut.is_cut) == (2, True)
        assert "these are the first of them" in text_of(client.get(f"/withdrawals/bulk/{cut.pk}/"))

    def test_says_when_nothing_was_selected(self) -> None:
        response = as_role("approver").post(f"{START}?tab=mine", follow=True)

        assert response.redirect_chain[-1][0] == "/withdrawals/?tab=mine"
        assert "Nothing was selected." in text_of(response)

    def test_is_offered_to_those_who_sign(self) -> None:
        payouts(1)

        assert START in text_of(as_role("approver").get("/withdrawals/?tab=mine"))
        assert START not in text_of(as_role("maker").get("/withdrawals/?tab=mine"))

    def test_says_how_many_go_at_once(self) -> None:
        payouts(1)
        client = as_role("approver")

        page = text_of(client.get("/withdrawals/?tab=mine"))
        claimed = client.post(
            "/withdrawals/claim/", {"pick": [f"wd-{each}" for each in range(101)]}, follow=True
        )

        assert 'data-most-picks="500"' in page
        assert "No more than 500 can be selected." in page
        assert "At most 100 are claimed at once." in text_of(claimed)


class TestFromTheQueueToTheReceipts:
    def test_signs_what_was_confirmed(self) -> None:
        ada = approver()
        fine, own = payouts(2)
        Withdrawal.objects.filter(pk=own.pk).update(created_by=ada)
        client = client_of(ada)

        run = worked(begin(client, pick=[fine.code, own.code]))
        address = f"/withdrawals/bulk/{run.pk}/"
        dry = client.get(address)
        question = client.get(f"{address}confirm/")
        client.post(f"{address}confirm/", {"reason": "Friday's list."})
        moving = client.get(address)
        worked(run)
        done = client.get(address)

        item = run.items.get(withdrawal=fine)
        assert "Will be approved and sent" in text_of(dry)
        assert "Written by the person who decides" in text_of(dry)
        assert item.digest in text_of(dry)
        assert "Sign 1…" in text_of(dry)
        plain = text_of(question).replace("<b>", "").replace("</b>", "")
        assert "Sign 1 payout" in plain
        assert "100.00" in plain
        assert "See how far it is" in text_of(moving)
        assert f"#{item.audit_number}" in text_of(done)
        assert (status_of(fine), status_of(own)) == (Status.APPROVED, Status.AWAITING_APPROVAL)
        assert Signature.objects.get().reason == "Friday's list."

    def test_rejects_with_a_code_and_words(self) -> None:
        (row,) = payouts(1)
        ada = approver()
        client = client_of(ada)
        run = worked(begin(client, pick=row.code, verdict="reject"))
        address = f"/withdrawals/bulk/{run.pk}/confirm/"

        wordless = client.post(address, {"code": "other", "reason": " "})
        client.post(address, {"code": "other", "reason": "No contract."})
        worked(run)

        assert wordless.status_code == 422
        assert wordless.context["form"]["code"].value() == "other"
        assert outcomes(run) == {row.code: (Outcome.REJECTED, "")}
        assert run.reject_code == RejectCode.OTHER

    def test_asks_for_the_password_once_and_keeps_the_note(self) -> None:
        Policy.objects.update(reauthenticate=True)
        rows = payouts(2)
        ada = approver()
        client = Client()
        client.login(username=ada.email, password=PASSWORD)
        run = looked_through(rows, by=ada)
        address = f"/withdrawals/bulk/{run.pk}/confirm/"

        sent_away = client.post(address, {"reason": "Looked at."})
        client.post(sent_away.headers["Location"], {"password": PASSWORD})
        back = client.get(address)
        client.post(address, {"reason": back.context["form"]["reason"].value()})
        worked(run)

        assert sent_away.headers["Location"].startswith("/accounts/reauthenticate/")
        assert {outcome for outcome, _ in outcomes(run).values()} == {Outcome.APPROVED}
        assert set(Signature.objects.values_list("reason", flat=True)) == {"Looked at."}

    def test_shows_what_changed_and_leads_to_another_dry_run(self) -> None:
        (row,) = payouts(1)
        ada = approver()
        run = looked_through([row], by=ada)
        Withdrawal.objects.filter(pk=row.pk).update(amount=Decimal(9900))
        confirmed(run)
        client = client_of(ada)

        shown = text_of(client.get(run.get_absolute_url()))
        again = client.post(f"{run.get_absolute_url()}retry/")

        assert "Amount: <del>100.00</del> <ins>9900.00</ins>" in shown
        assert "Try 1 again…" in shown
        assert again.headers["Location"] == BulkRun.objects.latest("pk").get_absolute_url()

    def test_can_be_discarded_and_stopped(self) -> None:
        rows = payouts(2)
        ada = approver()
        client = client_of(ada)
        dropped, stopped = looked_through(rows[:1], by=ada), looked_through(rows[1:], by=ada)
        client.post(f"{stopped.get_absolute_url()}confirm/")

        for run in (dropped, stopped):
            client.post(f"{run.get_absolute_url()}drop/")

        assert worked(stopped).state == BulkState.STOPPED
        assert BulkRun.objects.get(pk=dropped.pk).state == BulkState.DROPPED
        assert "The run was stopped" in text_of(client.get(stopped.get_absolute_url()))


class TestReading:
    def test_is_for_other_signers_and_auditors_and_theirs_alone_to_go_on(self) -> None:
        run = BulkRunFactory()

        for role in ("approver", "auditor"):
            page = text_of(as_role(role).get(run.get_absolute_url()))
            assert "Sign 1…" not in page
            assert "Discard" not in page
        answer = as_role("approver").post(f"{run.get_absolute_url()}confirm/")
        assert answer.status_code == 409
        assert "Only the person who began this run" in text_of(answer)

    def test_offers_every_signer_to_stop_what_is_being_decided(self) -> None:
        run = BulkRunFactory(state=BulkState.DECIDING)

        page = text_of(as_role("approver").get(run.get_absolute_url()))

        assert "Stop here" in page
        assert "Stop here" not in text_of(as_role("auditor").get(run.get_absolute_url()))

    def test_masks_account_numbers_in_the_note(self) -> None:
        run = BulkRunFactory(reason="Paid to 123456789012 before.")

        page = text_of(as_role("approver").get(run.get_absolute_url()))

        assert "Paid to ••••9012 before." in page

    def test_counts_warnings_and_narrows_to_one(self) -> None:
        ada = approver()
        rows = payouts(2, customer_number="77", metadata={"batch": "friday"})
        Withdrawal.objects.filter(pk=rows[0].pk).update(created_by=ada)
        run = looked_through(rows, by=ada)
        client, link = client_of(ada), f"{run.get_absolute_url()}?warning=beneficiary"

        narrowed = client.get(link)
        question = text_of(client.get(f"{run.get_absolute_url()}confirm/"))

        assert [line["withdrawal"] for line in narrowed.context["rows"]] == [rows[1]]
        assert link in question
        assert "The account is new to us" in question
        assert "LuxCore's customer number: 77" in unescape(text_of(narrowed))
        assert "friday" in text_of(narrowed)

    def test_narrows_to_one_group(self) -> None:
        ada = approver()
        rows = payouts(2)
        Withdrawal.objects.filter(pk=rows[0].pk).update(created_by=ada)
        run = looked_through(rows, by=ada)
        client = client_of(ada)

        def codes(query: str) -> list[str]:
            shown = client.get(f"{run.get_absolute_url()}{query}").context["rows"]
            return [line["withdrawal"].code for line in shown]

        assert codes("?group=leave.own") == [rows[0].code]
        assert codes("?group=send") == [rows[1].code]
        assert codes("?group=%3Cscript%3E") == [rows[0].code, rows[1].code]

    def test_costs_the_same_for_one_row_and_for_many(self) -> None:
        ada = approver()
        few, many = started(payouts(1), by=ada), started(payouts(5), by=ada)
        client = client_of(ada)
        client.get("/")
        with CaptureQueriesContext(connection) as one:
            client.get(few.get_absolute_url())

        with CaptureQueriesContext(connection) as five:
            client.get(many.get_absolute_url())

        assert len(five) == len(one)
        assert len(one) <= 20

    def test_moves_until_it_stands_still(self) -> None:
        run = started(payouts(1), by=approver())
        client = as_role("approver")

        moving = client.get(f"{run.get_absolute_url()}live/")
        worked(run)
        ready = client.get(f"{run.get_absolute_url()}live/")

        assert (moving.status_code, ready.status_code) == (200, 286)
        assert ready.headers["HX-Refresh"] == "true"

    def test_takes_the_receipts_along_as_a_file(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=101, typed_amount=True)
        rows = payouts(2)
        run = confirmed(looked_through(rows, by=approver()))

        answer = as_role("auditor").post(f"{run.get_absolute_url()}export/")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

        one, other = csv.DictReader(io.StringIO(text))
        assert (one["code"], one["dry_run"], one["outcome"]) == (rows[0].code, "send", "approved")
        assert (other["outcome"], other["cause"]) == ("left_out", "typed")
        assert other["reason"] == "It is signed alone: its tier asks for the typed amount."
        assert one["amount"] == "100.00"
        assert AuditEvent.objects.filter(verb="staff.export.started").exists()
