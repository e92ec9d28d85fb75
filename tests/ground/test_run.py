"""`make run`, as a person meets it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from dashboard.management.commands import run
from tests.support.desk import OWN, Desk
from tests.support.ports import free_port
from tests.support.processes import started_with
from tests.support.waiting import wait_until


def attempt(var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it where it cannot start."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    told = {"DEBUG": "1", "ENVIRONMENT": "sandbox", "VAR_DIR": str(var), "PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "manage.py", "run"],
        env=inherited | told | {"SANDBOX_PORT": str(free_port())} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


@pytest.fixture
def own_machine(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Settings:
    """Settings under which nothing is refused; what would begin then fails the test."""
    settings.DEBUG = settings.SANDBOX = True
    settings.PORT, settings.SANDBOX_PORT = free_port(), free_port()
    monkeypatch.setattr(run, "_write_line_by_line", lambda: pytest.fail("it began"))
    return settings


class TestRefusals:
    def test_says_in_one_line_that_a_port_is_taken(self, tmp_path: Path, taken_port: str) -> None:
        result = attempt(tmp_path, PORT=taken_port)

        assert result.returncode == 1
        assert result.stderr == (
            f"CommandError: Port {taken_port} is taken: "
            "stop what listens there or run PORT=8010 make run\n"
        )
        assert list(tmp_path.iterdir()) == []  # nothing was begun

    def test_says_which_port_the_sandbox_can_have(
        self, own_machine: Settings, taken_port: str
    ) -> None:
        own_machine.SANDBOX_PORT = int(taken_port)

        with pytest.raises(CommandError, match="or run SANDBOX_PORT=8110 make run"):
            call_command("run")

    def test_never_mixes_a_key_of_yours_with_the_sandbox(self, tmp_path: Path) -> None:
        yours = {"LUMETRADE_API_SECRET": "s", "LUMETRADE_BASE_URL": "https://staging.example"}
        result = attempt(tmp_path, LUMETRADE_API_KEY="lt_mine", **yours)

        assert result.returncode == 1
        assert "LUMETRADE_API_KEY is set, but the sandbox is on" in result.stderr

    @pytest.mark.parametrize("name", ["LUXCORE_API_KEY", "LUX_API_KEY", "LUMETRADE_API_KEY"])
    def test_never_takes_a_key_of_yours(self, own_machine: Settings, name: str) -> None:
        setattr(own_machine, name, "qp_test_sk_mine")

        with pytest.raises(CommandError, match=f"{name} is set, but the sandbox is on"):
            call_command("run")

    def test_is_not_for_production(self, own_machine: Settings) -> None:
        own_machine.DEBUG = False

        with pytest.raises(CommandError, match="This is for your own machine"):
            call_command("run")


def answer(desk: Desk, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(desk.url + path, timeout=10) as response:
        return response.status, response.read()


def logs_of(desk: Desk) -> dict[str, str]:
    return {path.name: path.read_text() for path in (desk.directory / "log").iterdir()}


class TestRun:
    def test_runs_the_whole_desk_and_leaves_nothing_but_its_data(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        desk = Desk(tmp_path)
        desk.start()
        assert answer(desk, "/readyz")[0] == 200
        assert answer(desk, "/accounts/login/")[0] == 200
        assert f"Lightdesk is ready: {desk.url}/" in desk.said()
        assert "approver@lightdesk.test" in desk.said()
        wait_until(lambda: "GET /payments" in desk.log("worker"), seconds=60, what="a first sync")
        secret = (tmp_path / "sandbox-webhook-secret").read_text()

        code = desk.stop(signal.SIGINT)

        assert code == 0, desk.said()
        assert started_with("VAR_DIR", str(tmp_path)) == []
        assert _serious(desk) == []
        other = (tmp_path / "sandbox-lumetrade-secret").read_text()
        texts = [desk.said(), *logs_of(desk).values()]
        assert not any(kept in text for kept in (secret, other) for text in texts)
        settings.VAR_DIR = tmp_path
        assert run.kept_secret("sandbox-webhook-secret") == secret  # for the next start


def _serious(desk: Desk) -> list[Any]:
    return [line for line in desk.said().splitlines() if "error: " in line or "Traceback" in line]
