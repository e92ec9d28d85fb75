"""Payouts from a file: what is read, what is refused, what is created, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments import actions, tasks
from payments.enums import ImportState, Origin, Status
from payments.imports import creating, discarding, reading, running
from payments.imports.rows import COLUMNS
from payments.models import (
    Beneficiary,
    ImportPiece,
    ImportRow,
    PayoutImport,
    Revision,
    SavedBeneficiary,
    Withdrawal,
)
from payments.views import imports as views
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.factories import (
    PayoutImportFactory,
    SavedBeneficiaryFactory,
    WithdrawalFactory,
    approver,
    maker,
)
from tests.payments.imports.helpers import confirm, file_of, line, read, upload
from tests.payments.pages.helpers import client_of, text_of

pytestmark = pytest.mark.django_db

# One wrong cell each, and the column that is named for it.
WRONG = [
    ({"amount": "2,500.00"}, "amount"),
    ({"amount": "1e3"}, "amount"),
    ({"amount": "2500.001"}, "amount"),
    ({"amount": "0"}, "amount"),
    ({"currency": "EUR"}, "currency"),
    ({"currency": "LKR"}, "currency"),
    ({"method": "spei"}, "method"),
    ({"recipient_name": ""}, "recipient_name"),
    ({"payid": "nobody"}, "payid"),
    ({"payid_type": ""}, "payid_type"),
    ({"customer_email": "nobody"}, "customer_email"),
    ({"recipient_name": "=cmd|' /C calc'!A0"}, "recipient_name"),
    ({"description": "@SUM(A1)"}, "description"),
    ({"description": "x" * 300}, "description"),
    ({"customer_name": "Ja\0mes"}, "customer_name"),
    ({"upstream": "lux"}, "upstream"),
    ({"payee_id": "ben_1"}, "payee_id"),
    ({"currency": "A" * 50}, "currency"),
    (
        {"currency": "ARS", "method": "bank_transfer", "payid": "", "payid_type": "",
         "bank_account": "1" * 21},
        "bank_account",
    ),
]  # fmt: skip


def test_names_every_bad_row_by_its_number_and_column() -> None:
    mara = maker()
    lines = []
    for number, (wrong, _column) in enumerate(WRONG):
        lines += [line(amount=f"{number + 1}.00"), line(**wrong)]

    run = read(file_of(lines), by=mara)

    bad = {row.number: row.errors for row in run.rows.filter(is_good=False)}
    expected = {3 + 2 * index: column for index, (_, column) in enumerate(WRONG)}
    assert {number: next(iter(errors)) for number, errors in bad.items()} == expected
    assert all(len(errors) == 1 and all(errors.values()) for errors in bad.values()), bad
    assert (run.state, run.good, run.bad) == (ImportState.READY, len(WRONG), len(WRONG))
    assert not Withdrawal.objects.exists()
    assert not ImportPiece.objects.exists()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [True, False])
def test_reads_the_usual_ways_of_writing(delimiter: str, bom: bool) -> None:
    lines = [line(recipient_name="José, “Pepe”\nMuñoz"), line(recipient_name="Ana Ñu", amount="1")]

    run = read(file_of(lines, delimiter=delimiter, bom=bom), by=maker())

    assert run.rows.get(number=3).recipient_name == "Ana Ñu"
    assert run.rows.get(number=2).errors.keys() == {"recipient_name"}  # a line break is not seen


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"amount,currency,method,recipient_name\n1,AUD,payid,Jos\xe9\n", "not UTF-8"),
        (b'amount,currency,method,recipient_name\n1,AUD,payid,"James\n', "Row 2 is not closed"),
        (b"amount,currency,method,recipient_name\n\n", "no rows"),
        (b"amount,currency,method,recipient_name\n" + b"x" * 70_000, "far too long"),
        (b"amount,currency,method\n1,AUD,payid\n", "lacks columns: recipient_name"),
    ],
)
def test_fails_whole_and_keeps_nothing_of_a_file_that_is_no_table(
    content: bytes, told: str
) -> None:
    run = read(content, by=maker())

    assert run.state == ImportState.FAILED
    assert told in str(run.error)
    assert not ImportRow.objects.exists()
    assert not ImportPiece.objects.exists()


def test_reads_payouts_through_lumetrade_beside_others() -> None:
    payee = SavedBeneficiaryFactory(upstream_id="ben_1")
    to_payee = {**dict.fromkeys(COLUMNS, ""), "upstream": "lumetrade", "payee_id": "ben_1"}
    lines = [
        line(),
        to_payee | {"amount": "101.00", "description": "Rent"},
        to_payee | {"amount": "101.001"},
        to_payee | {"amount": "1", "payee_id": "ben_nobody"},
        to_payee | {"amount": "1", "currency": "USD"},
        to_payee | {"amount": "1", "bank_account": "62812345678"},
    ]

    run = confirm(read(file_of(lines), by=maker()))

    assert {row.number: [*row.errors] for row in run.rows.filter(is_good=False)} == {
        4: ["amount"],
        5: ["payee_id"],
        6: ["currency"],
        7: ["bank_account"],
    }
    paid = Withdrawal.objects.get(upstream="lumetrade")
    assert (paid.payee_id, paid.currency, paid.amount) == (payee.upstream_id, "ZAR", 101)
    assert paid.recipient_name == payee.nickname


def test_looks_beneficiaries_up_once_for_many_rows() -> None:
    SavedBeneficiaryFactory(upstream_id="ben_1")
    content = b"upstream,payee_id,amount\n" + b"lumetrade,ben_1,5\nlumetrade,ben_2,5\n" * 5

    with CaptureQueriesContext(connection) as asked:
        run = confirm(read(content, by=maker()))

    assert (run.good, run.bad) == (5, 5)
    table = f'FROM "{SavedBeneficiary._meta.db_table}"'
    assert sum(table in query["sql"] for query in asked) == 2  # as it was read, and made


def test_needs_fewer_columns_where_beneficiaries_are_named() -> None:
    SavedBeneficiaryFactory(upstream_id="ben_1")
    content = b"upstream;payee_id;amount\nlumetrade;ben_1;5\n;;5\n"

    run = read(content, by=maker())

    assert run.good == 1
    assert run.rows.get(is_good=False).errors.keys() == {"currency"}


def test_forgets_a_file_that_nobody_confirmed() -> None:
    old = timezone.now() - discarding.KEPT_FOR
    forgotten = PayoutImportFactory(uploaded_at=old)
    fresh = PayoutImportFactory(uploaded_at=old + timedelta(minutes=5))
    PayoutImportFactory(uploaded_at=old, state=ImportState.DONE)

    tasks.discard_forgotten_imports()

    forgotten.refresh_from_db()
    assert forgotten.state == ImportState.DROPPED
    assert str(forgotten.error) == "Nobody confirmed it within 7 days."
    assert not forgotten.rows.exists()
    assert PayoutImport.objects.get(pk=fresh.pk).rows.exists()
    told = AuditEvent.objects.get(verb="payments.import.dropped")
    assert (told.by, told.reason) == (None, "Nobody confirmed it within 7 days.")


def test_marks_what_was_asked_for_in_the_file_or_lately() -> None:
    known = WithdrawalFactory(amount="77.00", created_at=timezone.now())
    lines = [line(amount="5"), line(amount="5.00"), line(amount="77"), line(amount="6")]

    run = read(file_of(lines), by=maker())

    told = {row.number: list(map(str, row.remarks)) for row in run.rows.all()}
    assert told[2] == told[5] == []
    assert told[3] == ["Row 2 asks for the same amount to the same account."]
    assert told[4] == [f"{known.code} asks for the same amount to the same account."]
    assert run.warned == 2


@pytest.mark.parametrize("batch", [1, 250])
def test_marks_pages_of_luxcore_by_their_customer(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(running, "BATCH", batch)
    known = WithdrawalFactory(
        amount="77.00", customer_email="Ana@example.com", created_at=timezone.now()
    )
    page = dict.fromkeys(("recipient_name", "payid", "payid_type", "customer_email"), "")
    page |= {"type": "withdrawal_pp", "customer_name": "Ana"}
    lines = [
        line(amount="5", customer_email="ana@example.com"),
        line() | page | {"amount": "5", "customer_email": "ANA@example.com"},
        line() | page | {"amount": "77", "customer_email": "ana@example.com"},
        line() | page | {"amount": "6", "customer_phone": "+61412345678"},
        line() | page | {"amount": "6", "customer_phone": "+61498765432"},
        line() | page | {"amount": "6", "customer_phone": "+61412345678"},
    ]

    run = read(file_of(lines), by=maker())

    told = {row.number: list(map(str, row.remarks)) for row in run.rows.all()}
    assert run.bad == 0, [row.errors for row in run.rows.all()]
    assert told == {
        **dict.fromkeys((2, 5, 6), []),
        3: ["Row 2 asks for the same amount for the same customer."],
        4: [f"{known.code} asks for the same amount for the same customer."],
        7: ["Row 5 asks for the same amount for the same customer."],
    }


def test_notes_each_beneficiary_once_in_the_name_of_who_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(creating, "BATCH", 3)  # one account lies in two batches
    mara = maker()
    lines = [line(amount=f"{n}.00", payid=f"p{n % 4}@example.com") for n in range(1, 9)]

    confirm(read(file_of(lines), by=mara))

    assert Beneficiary.objects.filter(first_asked_by=mara).count() == 4
    made = Withdrawal.objects.select_related("beneficiary")
    assert {w.account_key for w in made} == {w.beneficiary.account_key for w in made}


def test_creates_the_good_rows_in_the_name_of_who_confirmed() -> None:
    mara = maker()
    lines = [line(amount=f"{number}.00") for number in range(1, 4)]
    run = read(file_of([*lines, line(amount="x")]), by=mara)

    done = confirm(run)

    assert done.state == ImportState.DONE
    made = list(Withdrawal.objects.order_by("amount"))
    assert [int(one.amount) for one in made] == [1, 2, 3]
    assert {(w.origin, w.status, w.created_by) for w in made} == {
        (Origin.IMPORT, Status.AWAITING_APPROVAL, mara)
    }
    assert Revision.objects.filter(number=1, by=mara).count() == 3
    assert len({one.merchant_reference for one in made}) == 3
    assert AuditEvent.objects.filter(verb="payments.withdrawal.requested", by=mara).count() == 3
    assert audit.verify().ok
    assert not run.rows.exclude(draft={}).exists()


def test_is_confirmed_by_nobody_but_who_uploaded_it() -> None:
    """Whoever wrote the file would else be free to sign what it asks for."""
    run = read(file_of([line()]), by=maker())
    other = maker()

    with pytest.raises(actions.ImportNotPossible, match="who uploaded it, confirms it"):
        actions.confirm_import(import_id=run.pk, by=other, at=timezone.now())

    assert "Confirm…" not in text_of(client_of(other).get(run.get_absolute_url()))
    assert "Confirm…" in text_of(client_of(run.uploaded_by).get(run.get_absolute_url()))


def test_says_in_the_trail_what_was_confirmed_and_no_personal_value() -> None:
    run = confirm(read(file_of([line()]), by=maker()))

    told = AuditEvent.objects.get(verb="payments.import.confirmed").after
    assert told["file"] == run.file_hash
    assert told["totals"].keys() == {"AUD"}
    everything = str(list(AuditEvent.objects.values_list("after", flat=True)))
    assert "james@example.com" not in everything
    assert "James Smith" not in everything


def test_creates_a_file_once_however_often_it_is_confirmed() -> None:
    mara, content = maker(), file_of([line()])
    first, again = read(content, by=mara), read(content, by=mara)
    confirm(first, by=mara)

    actions.confirm_import(import_id=first.pk, by=mara, at=timezone.now())
    assert running.work(first.pk) is None
    with pytest.raises(actions.ImportNotPossible, match="very file"):
        actions.confirm_import(import_id=again.pk, by=mara, at=timezone.now())

    assert Withdrawal.objects.count() == 1


def test_creates_nothing_when_a_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    mara = maker()
    run = read(file_of([line(amount="1"), line(amount="2")]), by=mara)
    actions.confirm_import(import_id=run.pk, by=mara, at=timezone.now())

    def fail(*_: Any) -> None:
        raise ValueError("James Smith")

    with monkeypatch.context() as patch:
        patch.setattr(creating.asking, "tell", fail)
        put_off = running.work(run.pk)

    assert put_off is not None
    assert (put_off.state, put_off.failures) == (ImportState.CREATING, 1)
    assert "James" not in str(put_off.error)
    assert not Withdrawal.objects.exists()
    PayoutImport.objects.update(next_at=timezone.now())
    done = running.work(run.pk)
    assert done is not None
    assert (done.state, Withdrawal.objects.count()) == (ImportState.DONE, 2)


def test_creates_nothing_for_somebody_who_may_not_ask_any_more() -> None:
    mara = maker()
    run = read(file_of([line()]), by=mara)
    actions.confirm_import(import_id=run.pk, by=mara, at=timezone.now())
    mara.grants.all().delete()

    done = running.work(run.pk)

    assert done is not None
    assert done.state == ImportState.FAILED
    assert not Withdrawal.objects.exists()


class Interrupted(BaseException):
    """As a worker that is killed: nothing of ours catches it."""


def test_goes_on_after_the_last_batch_that_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    run = upload(file_of([line(amount=str(number)) for number in range(1, 6)]), by=maker())

    def die(place: str) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(running, "reach", die)
        with pytest.raises(Interrupted):
            running.work(run.pk)
    assert running.work(run.pk) is None  # its lease has not run out
    PayoutImport.objects.update(lease_until=None)
    done = running.work(run.pk)

    assert done is not None
    assert (done.state, done.good) == (ImportState.READY, 5)
    assert list(done.rows.order_by("number").values_list("number", flat=True)) == [2, 3, 4, 5, 6]


def test_discards_a_file_with_all_that_was_read() -> None:
    run = PayoutImportFactory()

    actions.drop_import(import_id=run.pk, by=maker(), at=timezone.now())

    assert not ImportRow.objects.exists()
    with pytest.raises(actions.ImportNotPossible):
        actions.confirm_import(import_id=run.pk, by=maker(), at=timezone.now())


@pytest.mark.parametrize("act", ["confirm_import", "drop_import"])
def test_is_for_makers(act: str) -> None:
    run = PayoutImportFactory()

    with pytest.raises(NotPermitted):
        getattr(actions, act)(import_id=run.pk, by=approver(), at=timezone.now())


def test_refuses_more_rows_than_it_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 2)

    run = read(file_of([line(amount=str(number)) for number in range(1, 4)]), by=maker())

    assert run.state == ImportState.FAILED
    assert "more than 2 rows" in str(run.error)


class TestPages:
    def test_leads_from_the_template_to_created_payouts(self) -> None:
        mara = maker()
        client = client_of(mara)
        header = client.get("/withdrawals/import/template/").content.decode().strip()
        cells = line()
        content = f"{header}\n{','.join(cells[name] for name in header.split(','))}\n"

        uploaded = client.post(
            "/withdrawals/import/", {"file": SimpleUploadedFile("a.csv", content.encode())}
        )
        run = PayoutImport.objects.get()
        if run.state == ImportState.READING:  # nobody heard the bell
            assert "Being read" in text_of(client.get(uploaded.headers["Location"]))
            running.work(run.pk)
        shown = text_of(client.get(uploaded.headers["Location"]))
        question = text_of(client.get(f"{uploaded.headers['Location']}confirm/"))
        client.post(f"{uploaded.headers['Location']}confirm/")
        running.work(run.pk)
        done = text_of(client.get(uploaded.headers["Location"]))

        assert "James Smith" in shown
        assert "2,500.00" in question
        assert Withdrawal.objects.get().code in done

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "empty"),
            (b"name,money\n1,2\n", "do not exist: name, money"),
            ("amount".encode("utf-16"), "not UTF-8"),
        ],
    )
    def test_says_at_the_field_what_is_wrong_with_a_file(self, content: bytes, told: str) -> None:
        file = SimpleUploadedFile("a.csv", content)

        answer = client_of(maker()).post("/withdrawals/import/", {"file": file})

        assert answer.status_code == 422
        assert told in text_of(answer)
        assert not PayoutImport.objects.exists()

    def test_does_not_read_a_body_that_says_it_is_too_large(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "MOST_BYTES", 1_000)
        monkeypatch.setattr(views, "FORM_BYTES", 0)
        client = Client(enforce_csrf_checks=True)
        client.force_login(maker())
        file = SimpleUploadedFile("a.csv", b"x" * 2_000)

        answer = client.post("/withdrawals/import/", {"file": file})

        assert answer.status_code == 413
        assert "larger than 8 MB" in text_of(answer)
        assert not answer.wsgi_request._read_started
        small = SimpleUploadedFile("a.csv", b"x")
        assert client.post("/withdrawals/import/", {"file": small}).status_code == 403

    def test_stops_asking_once_it_stands_still(self) -> None:
        run = PayoutImportFactory()

        answer = client_of(maker()).get(f"/withdrawals/import/{run.pk}/live/")

        assert answer.status_code == 286
        assert answer.headers["HX-Refresh"] == "true"
