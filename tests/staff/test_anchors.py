import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings
from structlog.testing import capture_logs

from staff import anchors, audit
from tests.staff.test_audit import record, tamper

NOW = datetime(2026, 11, 20, 3, 44, tzinfo=UTC)


@pytest.fixture(autouse=True)
def var_dir(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.VAR_DIR = tmp_path / "var"
    yield settings.VAR_DIR


def verify_audit(*options: str) -> str:
    out = StringIO()
    call_command("verify_audit", *options, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
class TestWriteHead:
    def test_remembers_the_newest_event_outside_the_database(self, var_dir: Path) -> None:
        record()
        newest = record()

        anchors.write_head(audit.verify(), at=NOW)

        kept = json.loads((var_dir / "audit-head.json").read_text())
        assert kept == {"sequence": 2, "hash": newest.hash, "written_at": NOW.isoformat()}
        assert [path.name for path in var_dir.iterdir()] == ["audit-head.json"]

    def test_leaves_the_known_head_when_writing_fails(
        self, var_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record()
        anchors.write_head(audit.verify(), at=NOW)
        before = (var_dir / "audit-head.json").read_text()
        record()

        def full(descriptor: int) -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(anchors.os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            anchors.write_head(audit.verify(), at=NOW)

        assert (var_dir / "audit-head.json").read_text() == before
        assert len(list(var_dir.iterdir())) == 1

    def test_refuses_to_forget_events_that_are_gone(self) -> None:
        record()
        record()
        anchors.write_head(audit.verify(), at=NOW)
        tamper("DELETE FROM staff_auditevent WHERE sequence = 2")

        with pytest.raises(anchors.DatabaseIsOlder):
            anchors.write_head(audit.verify(), at=NOW)

        assert anchors.database_is_older()


@pytest.mark.django_db
class TestDatabaseIsOlder:
    def test_is_not_when_no_head_was_written_yet(self) -> None:
        record()

        assert anchors.database_is_older() is None

    def test_is_not_when_events_were_only_added(self) -> None:
        record()
        anchors.write_head(audit.verify(), at=NOW)
        record()

        assert anchors.database_is_older() is None

    def test_is_not_for_a_desk_where_nothing_happened(self) -> None:
        anchors.write_head(audit.verify(), at=NOW)

        assert anchors.database_is_older() is None

    def test_is_when_the_newest_events_were_cut_off(self) -> None:
        for _ in range(3):
            record()
        anchors.write_head(audit.verify(), at=NOW)

        tamper("DELETE FROM staff_auditevent WHERE sequence >= 2")

        assert "#3" in (anchors.database_is_older() or "")
        assert audit.verify().ok  # the chain alone cannot tell

    def test_is_when_all_was_computed_anew(self) -> None:
        for _ in range(3):
            record(reason="as it was")
        anchors.write_head(audit.verify(), at=NOW)

        tamper("DELETE FROM staff_auditevent")
        for _ in range(3):
            record(reason="as it suits us")

        assert audit.verify().ok
        assert "not the one" in (anchors.database_is_older() or "")

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"sequence": 1}', '"x"'])
    def test_is_when_the_head_cannot_be_read(self, var_dir: Path, text: str) -> None:
        var_dir.mkdir()
        (var_dir / "audit-head.json").write_text(text)

        assert "cannot be read" in (anchors.database_is_older() or "")


@pytest.mark.django_db
class TestVerifyNew:
    def test_checks_all_at_first_and_writes_the_head(self, var_dir: Path) -> None:
        record()

        assert anchors.verify_new(at=NOW).ok

        assert json.loads((var_dir / "audit-head.json").read_text())["sequence"] == 1

    def test_checks_only_what_came_after_the_head(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            record()
        anchors.verify_new(at=NOW)
        newest = record()
        hashed = []
        original = audit._hash_of
        monkeypatch.setattr(
            audit, "_hash_of", lambda event: hashed.append(event.sequence) or original(event)
        )

        verdict = anchors.verify_new(at=NOW)

        assert (verdict.ok, verdict.checked, verdict.head) == (True, 4, newest.hash)
        assert hashed == [4]

    def test_costs_the_same_questions_however_long_the_chain(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(20):
            record()
        anchors.verify_new(at=NOW)
        record()

        with django_assert_num_queries(3):  # the head twice (before, and before it is replaced)
            anchors.verify_new(at=NOW)

    def test_finds_a_new_event_that_was_changed(self, var_dir: Path) -> None:
        for _ in range(2):
            record()
        anchors.verify_new(at=NOW)
        record()
        record()
        tamper("UPDATE staff_auditevent SET reason = 'other' WHERE sequence = 3")

        verdict = anchors.verify_new(at=NOW)

        assert (verdict.ok, verdict.first_broken_sequence) == (False, 3)
        assert json.loads((var_dir / "audit-head.json").read_text())["sequence"] == 2

    def test_leaves_old_events_to_the_whole_walk(self) -> None:
        for _ in range(3):
            record()
        anchors.verify_new(at=NOW)
        tamper("UPDATE staff_auditevent SET reason = 'other' WHERE sequence = 2")

        assert anchors.verify_new(at=NOW).ok
        assert audit.verify().first_broken_sequence == 2

    def test_checks_all_and_keeps_the_head_when_the_chain_is_another(self, var_dir: Path) -> None:
        for _ in range(3):
            record(reason="as it was")
        anchors.verify_new(at=NOW)
        tamper("DELETE FROM staff_auditevent")
        for _ in range(4):
            record(reason="as it suits us")
        before = (var_dir / "audit-head.json").read_text()

        with capture_logs() as logs:
            verdict = anchors.verify_new(at=NOW)

        assert (verdict.ok, verdict.checked) == (True, 4)
        assert [line["event"] for line in logs] == ["staff.audit.database_is_older"]
        assert (var_dir / "audit-head.json").read_text() == before


@pytest.mark.django_db
class TestVerifyAuditCommand:
    def test_says_that_all_is_well(self) -> None:
        record()
        newest = record()

        assert verify_audit() == f"ok, 2 events, head {newest.hash}"

    def test_names_the_first_broken_event_and_fails(self) -> None:
        for _ in range(3):
            record()
        tamper("UPDATE staff_auditevent SET reason = 'other' WHERE sequence = 2")

        with pytest.raises(CommandError, match="broken at #2: its content was changed") as failure:
            verify_audit()

        assert failure.value.returncode == 1

    def test_finds_a_tail_that_was_cut_off(self) -> None:
        for _ in range(3):
            record()
        verify_audit("--write-head")
        tamper("DELETE FROM staff_auditevent WHERE sequence = 3")

        with pytest.raises(CommandError, match="broken after #2: event #3"):
            verify_audit("--write-head")

    def test_writes_no_head_of_a_broken_chain(self, var_dir: Path) -> None:
        record()
        tamper("UPDATE staff_auditevent SET reason = 'other'")

        with pytest.raises(CommandError):
            verify_audit("--write-head")

        assert not (var_dir / "audit-head.json").exists()

    def test_forgets_the_old_head_when_told_of_a_restore(self) -> None:
        for _ in range(3):
            record()
        verify_audit("--write-head")
        tamper("DELETE FROM staff_auditevent WHERE sequence = 3")

        verify_audit("--write-head", "--after-restore")

        assert verify_audit().startswith("ok, 2 events")
