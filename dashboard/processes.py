"""Several programs in one foreground: started in order, stopped in reverse, nothing left behind."""

import contextlib
import ctypes
import json
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

START_SECONDS = 120.0
STOP_SECONDS = 8.0  # then it is killed; every piece of work is a row and survives that
LOG_BYTES = 5_000_000
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SERIOUS = frozenset({"warning", "error", "critical"})
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program to keep running; the next one starts when `is_ready` says so.

    What a `quiet` one prints goes to its file only.
    """

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    quiet: bool = False


class Stopped(Exception):
    """The crew has to stop; `str()` says why when nobody asked for it."""


class Crew:
    """Programs that live and die together.

    What they print is kept in `logs`, one file each. The terminal shows their plain lines and, of
    their JSON log lines, the warnings and errors.
    """

    def __init__(
        self, *, environment: Mapping[str, str], logs: Path, show: Callable[[str, str], None]
    ) -> None:
        self._environment = environment
        self._logs = logs
        self._show = show
        self._asked_to_stop = threading.Event()
        self._running: list[tuple[Program, subprocess.Popen[str]]] = []
        self._readers: list[threading.Thread] = []

    def run(self, programs: Sequence[Program], *, when_ready: Callable[[], None]) -> str:
        """Run until somebody asks to stop (Ctrl-C, SIGTERM, a terminal that closes), or one ends.

        Returns "" in the first case and what went wrong in the second.
        """
        before = {number: signal.signal(number, self._on_signal) for number in STOPPING_SIGNALS}
        try:
            for program in programs:
                self._start(program)
            when_ready()
            while True:
                self._watch(seconds=0.5)
        except Stopped as why:
            return str(why)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked_to_stop.is_set():  # asked twice: somebody is in a hurry
            for _, process in self._running:
                _kill_group(process)
        self._asked_to_stop.set()

    def _start(self, program: Program) -> None:
        process = subprocess.Popen(
            program.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us alone: we stop them in order
            preexec_fn=_end_with_parent if _LIBC else None,
        )
        self._running.append((program, process))
        reader = threading.Thread(target=self._read, args=(program, process), daemon=True)
        reader.start()
        self._readers.append(reader)
        deadline = time.monotonic() + START_SECONDS
        while not program.is_ready():
            self._watch(seconds=0.1)
            if time.monotonic() > deadline:
                raise Stopped(f"{program.name} was not ready within {START_SECONDS:.0f} seconds")

    def _watch(self, *, seconds: float) -> None:
        """Wait a moment; raise Stopped when asked to stop or when a program has ended."""
        if self._asked_to_stop.wait(seconds):
            raise Stopped
        for program, process in self._running:
            if (code := process.poll()) is not None:
                raise Stopped(f"{program.name} ended by itself (exit code {code})")

    def _stop_all(self) -> None:
        for _, process in reversed(self._running):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_SECONDS)
            _kill_group(process)
            process.wait()
        for reader in self._readers:
            reader.join(timeout=1)

    def _read(self, program: Program, process: subprocess.Popen[str]) -> None:
        keep = _log_file(self._logs / f"{program.name}.log")
        assert process.stdout is not None
        for line in process.stdout:
            keep.emit(logging.makeLogRecord({"msg": line.rstrip("\n")}))
            if not program.quiet:
                for shown in worth_showing(line.rstrip("\n")):
                    self._show(program.name, shown)
        keep.close()


def worth_showing(line: str) -> list[str]:
    """Return what a terminal shows for one line of output: nothing for an everyday log line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return [line] if line.strip() else []
    if not isinstance(entry, dict) or "level" not in entry:
        return [line]
    if entry["level"] not in SERIOUS:
        return []
    trace = str(entry.pop("exception", "")).splitlines()
    level, event = entry.pop("level"), entry.pop("event", "")
    details = " ".join(f"{key}={value}" for key, value in entry.items() if key != "timestamp")
    return [f"{level}: {event} {details}".rstrip(), *trace]


def _log_file(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)


def _kill_group(process: subprocess.Popen[str]) -> None:
    """End a program and every child it left behind (it leads a process group of its own)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent() -> None:
    """Ask Linux to stop this child if its parent is killed and cannot say goodbye."""
    assert _LIBC is not None
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
