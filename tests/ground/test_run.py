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


class TestRefusals:
    @pytest.mark.parametrize(("name", "other"), [("PORT", "8010"), ("SANDBOX_PORT", "8110")])
    def test_says_in_one_line_that_a_port_is_taken(
        self, tmp_path: Path, taken_port: str, name: str, other: str
    ) -> None:
        result = attempt(tmp_path, **{name: taken_port})

        assert result.returncode == 1
        assert result.stderr == (
            f"CommandError: Port {taken_port} is taken: "
            f"stop what listens there or run {name}={other} make run\n"
        )
        assert list(tmp_path.iterdir()) == []  # nothing was begun

    @pytest.mark.parametrize(
        ("name", "yours"),
        [
            ("LUXCORE_API_KEY", {"LUXCORE_WEBHOOK_SECRETS": "s"}),
            (
                "LUMETRADE_API_KEY",
                {"LUMETRADE_API_SECRET": "s", "LUMETRADE_BASE_URL": "https://staging.example"},
            ),
        ],
    )
    def test_never_mixes_a_key_of_yours_with_the_sandbox(
        self, tmp_path: Path, name: str, yours: dict[str, str]
    ) -> None:
        result = attempt(tmp_path, **{name: "qp_test_sk_mine"}, **yours)

        assert result.returncode == 1
        assert f"{name} is set, but the sandbox is on" in result.stderr

    def test_is_not_for_production(self, tmp_path: Path) -> None:
        result = attempt(tmp_path, DEBUG="0", SECRET_KEY="x")

        assert result.returncode == 1
        assert "This is for your own machine" in result.stderr


def answer(desk: Desk, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(desk.url + path, timeout=10) as response:
        return response.status, response.read()


def logs_of(desk: Desk) -> dict[str, str]:
    return {path.name: path.read_text() for path in (desk.directory / "log").iterdir()}


class TestRun:
    def test_runs_the_whole_desk_and_leaves_nothing_but_its_data(self, tmp_path: Path) -> None:
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

        desk.start()

        assert (tmp_path / "sandbox-webhook-secret").read_text() == secret
        assert desk.stop(signal.SIGHUP) == 0
        assert started_with("VAR_DIR", str(tmp_path)) == []


def _serious(desk: Desk) -> list[Any]:
    return [line for line in desk.said().splitlines() if "error: " in line or "Traceback" in line]
