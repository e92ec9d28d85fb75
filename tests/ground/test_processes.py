"""The crew behind `make run`."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.processes import worth_showing
from tests.ground.crew import STUBBORN
from tests.support.processes import is_alive
from tests.support.waiting import wait_until


class CrewProcess:
    """`tests.ground.crew` as a child, with what it said so far."""

    def __init__(self, logs: Path, *arguments: str) -> None:
        self._output = logs / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.ground.crew", str(logs), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self._output.read_text()

    def pids(self) -> list[int]:
        return [int(pid) for pids in re.findall(r"pids (\d+) (\d+)", self.said()) for pid in pids]

    def wait_for_both(self) -> list[int]:
        wait_until(lambda: len(self.pids()) == 4, what="both stand-ins run")
        return self.pids()


@pytest.fixture
def crews(tmp_path: Path) -> Iterator[list[CrewProcess]]:
    started: list[CrewProcess] = []
    yield started
    for crew in started:
        if crew.process.poll() is None:
            crew.process.send_signal(signal.SIGTERM)
            crew.process.wait(timeout=30)


class TestCrew:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_leaves_nobody_behind(
        self, tmp_path: Path, crews: list[CrewProcess], number: signal.Signals
    ) -> None:
        crew = CrewProcess(tmp_path)
        crews.append(crew)
        pids = crew.wait_for_both()

        crew.process.send_signal(number)
        code = crew.process.wait(timeout=30)

        assert code == 0
        assert crew.said().endswith("over: \n")
        assert not any(is_alive(pid) for pid in pids)

    def test_stops_all_when_one_ends(self, tmp_path: Path, crews: list[CrewProcess]) -> None:
        crew = CrewProcess(tmp_path, "raise SystemExit(3)")
        crews.append(crew)

        crew.process.wait(timeout=30)

        assert "over: last ended by itself (exit code 3)" in crew.said()
        assert not any(is_alive(pid) for pid in crew.pids())

    def test_kills_the_stubborn_when_asked_twice(
        self, tmp_path: Path, crews: list[CrewProcess]
    ) -> None:
        crew = CrewProcess(tmp_path, STUBBORN)
        crews.append(crew)
        pids = crew.wait_for_both()
        crew.process.send_signal(signal.SIGINT)

        wait_until(lambda: _ask_again(crew), what="the crew is over")

        assert not any(is_alive(pid) for pid in pids)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child")
    def test_ends_with_a_runner_that_was_killed(
        self, tmp_path: Path, crews: list[CrewProcess]
    ) -> None:
        crew = CrewProcess(tmp_path)
        crews.append(crew)
        leaders = crew.wait_for_both()[::2]

        crew.process.kill()
        crew.process.wait()

        wait_until(lambda: not any(is_alive(pid) for pid in leaders), what="the programs end")

    def test_keeps_what_each_one_said(self, tmp_path: Path, crews: list[CrewProcess]) -> None:
        crew = CrewProcess(tmp_path, "print('good', 'bye')")
        crews.append(crew)

        crew.process.wait(timeout=30)

        assert (tmp_path / "last.log").read_text() == "good bye\n"


def _ask_again(crew: CrewProcess) -> bool:
    if crew.process.poll() is None:
        crew.process.send_signal(signal.SIGINT)
    return crew.process.poll() is not None


class TestWorthShowing:
    def test_leaves_everyday_log_lines_out(self) -> None:
        assert worth_showing(json.dumps({"level": "info", "event": "request_finished"})) == []

    def test_shows_a_warning_in_one_line(self) -> None:
        entry = {"event": "feeds.late", "feed": "x", "level": "warning", "timestamp": "noon"}

        assert worth_showing(json.dumps(entry)) == ["warning: feeds.late feed=x"]

    def test_shows_a_traceback_below_its_error(self) -> None:
        line = json.dumps({"event": "failed", "level": "error", "exception": "Trace\n  here"})

        assert worth_showing(line) == ["error: failed", "Trace", "  here"]

    @pytest.mark.parametrize("line", ["plain words", "12", '{"a": "note"}', "{broken"])
    def test_shows_plain_lines_as_they_are(self, line: str) -> None:
        assert worth_showing(line) == [line]
