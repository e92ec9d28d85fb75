"""The whole desk as `make run` starts it, on ports and a database of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

from staff import demo
from tests.support.ports import free_port
from tests.support.waiting import wait_until

OWN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class Desk:
    """Sandbox, Redis, web, worker, beat and sender, running as children of one process."""

    password: Final = demo.PASSWORD

    def __init__(self, directory: Path, **environment: str) -> None:
        """Keep the desk's state in `directory`; `environment` holds settings in words."""
        self.directory = directory
        self.url = f"http://127.0.0.1:{free_port()}"
        self.sandbox_url = f"http://127.0.0.1:{free_port()}"
        self._environment = environment
        self._output = directory / "output.log"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Return once people can sign in."""
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                env=self._told(),
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_ready_or_over, seconds=240, what="the desk is ready")
        assert self.process.poll() is None, self.said()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as a person would and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=90)

    def said(self) -> str:
        return self._output.read_text(errors="replace")

    def log(self, program: str) -> str:
        return (self.directory / "log" / f"{program}.log").read_text(errors="replace")

    def _is_ready_or_over(self) -> bool:
        return "Lightdesk is ready" in self.said() or self.process.poll() is not None

    def _told(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in OWN}
        return {
            **inherited,
            "DEBUG": "1",
            "ENVIRONMENT": "sandbox",
            "SANDBOX": "1",
            "VAR_DIR": str(self.directory),
            "PORT": self.url.rpartition(":")[2],
            "SANDBOX_PORT": self.sandbox_url.rpartition(":")[2],
            **self._environment,
        }


@contextmanager
def running_desk(directory: Path, **environment: str) -> Iterator[Desk]:
    """A desk for as long as the block lasts."""
    desk = Desk(directory, **environment)
    desk.start()
    try:
        yield desk
    finally:
        if desk.process.poll() is None:
            desk.stop()
