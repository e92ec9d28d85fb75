from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Barrier
from uuid import UUID

import pytest
import structlog
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.db.transaction import TransactionManagementError
from django.db.utils import DatabaseError

from staff import audit
from staff.models import AppendOnlyError, AuditEvent
from staff.permissions import Role
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds

NOW = datetime(2026, 11, 20, 3, 44, 5, 123456, tzinfo=UTC)
SUBJECT = ("payments.withdrawal", "7")


@transaction.atomic
def record(verb: str = "payments.withdrawal.approved", **values: object) -> AuditEvent:
    return audit.record(verb, SUBJECT, **{"by": None, "at": NOW} | values)  # type: ignore[arg-type]


def tamper(sql: str, *values: object) -> None:
    """Change rows as somebody would who has the table to themselves."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(sql, values)
            return
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered with checks waiting
        cursor.execute("ALTER TABLE staff_auditevent DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE staff_auditevent ENABLE TRIGGER USER")


@pytest.mark.django_db
class TestRecord:
    def test_keeps_who_what_when_and_why(self) -> None:
        person = UserFactory(email="ada@lightdesk.test")

        record(by=person, before={"status": "a"}, after={"status": "b"}, reason="looks right")

        event = AuditEvent.objects.get()
        assert (event.sequence, event.verb) == (1, "payments.withdrawal.approved")
        assert (event.subject_type, event.subject_id) == SUBJECT
        assert (event.by, event.by_label, event.at) == (person, "ada@lightdesk.test", NOW)
        assert (event.before, event.after) == ({"status": "a"}, {"status": "b"})
        assert event.reason == "looks right"

    def test_names_the_desk_itself_or_an_upstream_when_nobody_did_it(self) -> None:
        assert record().by_label == "system"
        assert record(by_label="LuxCore").by_label == "LuxCore"

    def test_takes_request_and_address_from_the_log_context(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id="r-1", ip="203.0.113.9"):
            event = record()

        assert (event.request_id, event.address) == ("r-1", "203.0.113.9")

    def test_links_each_event_to_the_one_before(self) -> None:
        older, newer = record(), record()

        assert newer.sequence == older.sequence + 1
        assert newer.previous_hash == older.hash
        assert newer.hash != older.hash

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            (Decimal("1500.10"), "1500.10"),
            (Decimal("1E+3"), "1E+3"),
            (
                datetime(2026, 11, 20, 4, 44, tzinfo=timezone(timedelta(hours=1))),
                "2026-11-20T03:44:00.000000+00:00",
            ),
            (date(2026, 11, 20), "2026-11-20"),
            (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
            (Role.MAKER, "maker"),
            (None, None),
            (True, True),
            (10**30, 10**30),
            ((1, ["a"]), [1, ["a"]]),
            ({"deep": {"er": Decimal("0.10")}}, {"deep": {"er": "0.10"}}),
            ("nul \x00 and half \ud800", "nul � and half ?"),
            ("ñandú 漢", "ñandú 漢"),
        ],
    )
    def test_keeps_values_as_exact_text(self, value: object, kept: object) -> None:
        record(after={"value": value})

        assert AuditEvent.objects.get().after == {"value": kept}
        assert audit.verify().ok

    @pytest.mark.parametrize("value", [1.5, object(), {1, 2}, b"bytes", timedelta(1)])
    def test_refuses_values_without_exact_text(self, value: object) -> None:
        with pytest.raises(TypeError, match="no exact text"):
            record(after={"value": value})

    @pytest.mark.parametrize("verb", ["", "x" * 81])
    def test_refuses_a_verb_that_does_not_fit(self, verb: str) -> None:
        with pytest.raises(ValidationError, match="verb"):
            record(verb)

    def test_cuts_what_came_from_outside_to_its_column(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id="r" * 500, ip="1" * 500):
            record(by_label="L" * 500, reason="why " * 5000)

        assert audit.verify().ok

    def test_refuses_to_work_outside_a_transaction(self) -> None:
        with pytest.raises(TransactionManagementError, match=r"transaction\.atomic"):
            audit.record("staff.x", SUBJECT, by=None, at=NOW)

    def test_leaves_no_trace_of_a_change_that_was_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            record()
            raise ZeroDivisionError

        assert record().sequence == 1
        assert audit.verify().ok


@pytest.mark.django_db
class TestAuditEvent:
    @pytest.mark.parametrize(
        "attempt",
        [
            lambda event: AuditEvent.objects.update(reason="other"),
            lambda event: AuditEvent.objects.filter(pk=event.pk).update(reason="other"),
            lambda event: AuditEvent.objects.all().delete(),
            lambda event: AuditEvent.objects.bulk_update([event], ["reason"]),
            lambda event: AuditEvent.objects.bulk_create([AuditEvent(sequence=9)]),
            lambda event: AuditEvent.objects.update_or_create(
                sequence=1, defaults={"reason": "other"}
            ),
            lambda event: event.save(),
            lambda event: event.save(update_fields=["reason"]),
            lambda event: event.delete(),
        ],
    )
    def test_refuses_to_be_changed_or_removed(
        self, attempt: Callable[[AuditEvent], object]
    ) -> None:
        event = record(reason="as it was")

        with pytest.raises(AppendOnlyError):
            attempt(event)

        assert AuditEvent.objects.get().reason == "as it was"

    def test_keeps_its_person_from_being_removed(self) -> None:
        person = UserFactory()
        record(by=person)

        with pytest.raises(ProtectedError):
            person.delete()


@pytest.mark.django_db
class TestVerify:
    def test_finds_an_empty_chain_whole(self) -> None:
        verdict = audit.verify()

        assert (verdict.ok, verdict.checked) == (True, 0)

    def test_counts_a_whole_chain_and_names_its_head(self) -> None:
        events = [record(reason=f"event {number}") for number in range(5)]

        verdict = audit.verify()

        assert (verdict.ok, verdict.checked, verdict.head) == (True, 5, events[-1].hash)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("verb", "payments.withdrawal.rejected"),
            ("subject_type", "payments.payment"),
            ("subject_id", "8"),
            ("by_label", "somebody else"),
            ("by_id", None),
            ("at", "2026-11-20 03:44:05.123457+00:00"),
            ("before", '{"amount": "1.01"}'),
            ("after", "{}"),
            ("reason", "another"),
            ("request_id", "another"),
            ("address", "192.0.2.1"),
            ("hash", "f" * 64),
        ],
    )
    def test_names_the_event_whose_content_was_edited(self, column: str, value: object) -> None:
        person = UserFactory()
        for _ in range(5):
            record(by=person, before={"amount": "1.00"}, after={"amount": "2.00"})

        tamper(f"UPDATE staff_auditevent SET {column} = %s WHERE sequence = 3", value)

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 3)
        assert verdict.reason == "its content was changed"

    def test_names_the_event_that_is_missing(self) -> None:
        for _ in range(5):
            record()

        tamper("DELETE FROM staff_auditevent WHERE sequence = 3")

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 3)
        assert "missing" in verdict.reason

    def test_names_the_event_after_a_gap_that_was_closed(self) -> None:
        for _ in range(5):
            record()

        tamper("DELETE FROM staff_auditevent WHERE sequence = 3")
        tamper("UPDATE staff_auditevent SET sequence = 3 WHERE sequence = 4")
        tamper("UPDATE staff_auditevent SET sequence = 4 WHERE sequence = 5")

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 3)
        assert verdict.reason == "it does not follow the event before it"

    def test_names_an_event_that_was_put_in(self) -> None:
        for _ in range(5):
            record()

        tamper("UPDATE staff_auditevent SET sequence = 6 WHERE sequence = 5")
        tamper(
            "INSERT INTO staff_auditevent (sequence, verb, subject_type, subject_id, by_label, at,"
            " before, after, reason, request_id, address, previous_hash, hash)"
            " SELECT 5, verb, subject_type, '9', by_label, at, before, after, reason, request_id,"
            f" address, hash, '{'a' * 64}' FROM staff_auditevent WHERE sequence = 4"
        )

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 5)

    def test_names_the_first_of_two_that_were_swapped(self) -> None:
        for number in range(5):
            record(reason=f"event {number}")

        for old, new in ((2, 99), (4, 2), (99, 4)):
            tamper("UPDATE staff_auditevent SET sequence = %s WHERE sequence = %s", new, old)

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 2)

    def test_names_an_edited_event_even_if_its_own_hash_was_made_to_fit(self) -> None:
        events = [record(reason=f"event {number}") for number in range(5)]
        forged = AuditEvent.objects.get(sequence=3)
        forged.reason = "forged"

        tamper(
            "UPDATE staff_auditevent SET reason = %s, hash = %s WHERE sequence = 3",
            forged.reason,
            audit._hash_of(forged),
        )

        verdict = audit.verify()
        assert events[2].hash != audit._hash_of(forged)
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 4)

    def test_names_an_event_that_cannot_be_read(self) -> None:
        no_moment = "someday" if connection.vendor == "sqlite" else "infinity"
        for _ in range(3):
            record()

        tamper("UPDATE staff_auditevent SET at = %s WHERE sequence = 2", no_moment)

        verdict = audit.verify()
        assert (verdict.ok, verdict.first_broken_sequence) == (False, 2)


@pytest.mark.services
@pytest.mark.django_db
class TestTriggers:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE staff_auditevent SET reason = 'x'",
            "DELETE FROM staff_auditevent",
            "TRUNCATE staff_auditevent",
            "UPDATE staff_auditevent SET sequence = 9 WHERE sequence = 0",
        ],
    )
    def test_refuse_what_the_model_never_saw(self, sql: str) -> None:
        record()
        connection.check_constraints()

        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)

        assert audit.verify().checked == 1


@pytest.mark.django_db(transaction=True)
class TestManyWriters:
    def test_keep_the_chain_in_one_line(self) -> None:
        writers = 8
        each = rounds(125) if connection.vendor == "postgresql" else 10
        start = Barrier(writers)

        def write(name: str) -> None:
            try:
                start.wait(timeout=10)
                for number in range(each):
                    record(by_label=name, after={"number": number})
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=writers) as pool:
            list(pool.map(write, [f"writer {number}" for number in range(writers)]))

        verdict = audit.verify()
        assert (verdict.ok, verdict.checked) == (True, writers * each), verdict.reason
        parents = AuditEvent.objects.values_list("previous_hash", flat=True)
        assert len(set(parents)) == writers * each
