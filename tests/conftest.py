"""What every test lives under: no network, hooks that run, services that are there or an error.

Warnings are errors, the order is random and a template variable nobody set fails the test that
rendered it (`pyproject.toml`).
"""

import gc
import os
import socket
from collections.abc import Generator, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone, translation

from tests.support.browsers import chromium_executable
from tests.support.redis import RedisServer, running_redis
from tests.support.rounds import rounds
from upstreams.http import keeping
from upstreams.http.client import UpstreamClient

WITH_SERVICES = os.environ.get("LIGHTDESK_SERVICES") == "1"  # set by `make test-services`
IN_CI = os.environ.get("CI") == "true"
# How long a generated case takes says something about the machine, nothing about the desk. A
# developer's run looks for new cases; CI's can be repeated. The run with services tries the most.
hypothesis.settings.register_profile(
    "desk",
    deadline=None,
    max_examples=rounds(40, with_services=100),
    derandomize=IN_CI,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("desk")

LONGEST_IN_A_NAME = 200  # letters of a parameter
FIRST_REDIS_DATABASE = 8  # of the named Redis; each process of the suite empties one


# --- Which tests run ------------------------------------------------------------------------------


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to start without what `make test-services` promises to test on."""
    if not WITH_SERVICES:
        return
    if connection.vendor != "postgresql":
        raise pytest.UsageError("make test-services needs DATABASE_URL to name a PostgreSQL")
    _refuse_without("PostgreSQL", settings.DATABASES["default"]["HOST"], _ask_postgresql)
    _refuse_without("Redis", settings.SERVICES_REDIS_URL, _ask_redis)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unwanted = {}
    if not WITH_SERVICES:
        unwanted["services"] = "they need PostgreSQL and Redis: make test-services"
        unwanted["walk"] = "they look at every page: make test-services"
    if chromium_executable() is None:
        if IN_CI and any(item.get_closest_marker("browser") for item in items):
            raise pytest.UsageError("the browser tests need Chromium, and there is none")
        unwanted["browser"] = "they need Chromium: install it or set CHROMIUM"
    for marker, why in unwanted.items():
        out = [item for item in items if item.get_closest_marker(marker)]
        if out:
            items[:] = [item for item in items if item not in out]
            config.hook.pytest_deselected(items=out)
            config.stash.setdefault(_LEFT_OUT, {})[marker] = f"{len(out)} tests left out, {why}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(_LEFT_OUT, {}).values():
        terminalreporter.write_line(line)


_LEFT_OUT = pytest.StashKey[dict[str, str]]()


def _refuse_without(name: str, where: str, ask: Any) -> None:
    try:
        ask()
    except Exception as problem:
        raise pytest.UsageError(f"make test-services: no {name} at {where}: {problem}") from None


def _ask_postgresql() -> None:
    # Not through Django: pytest-django keeps tests that did not ask for it from the database.
    where = {**connection.get_connection_params(), "dbname": "postgres"}
    where.pop("cursor_factory", None)
    where.pop("context", None)
    psycopg.connect(**where).close()


def _ask_redis() -> None:
    with redis.Redis.from_url(settings.SERVICES_REDIS_URL, socket_connect_timeout=3) as client:
        client.ping()


# --- Time -----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from what stays: all that is imported, and thousands of tests.

    It would look through them again and again, which was a fifth of the suite's time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test after the length of what is long: the processes tell each other every name."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_IN_A_NAME:
        return f"{argname} of {len(val)}"
    return None


# --- The world outside ----------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="session")
def _no_network_but_loopback() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""

    def guarded(original: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
                raise RuntimeError(f"a test tried to reach {address[0]}")
            return original(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


@pytest.fixture(autouse=True)
def _connections_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what the test's clients keep open: a socket left to the garbage fails another test."""
    opened: list[UpstreamClient] = []
    original = UpstreamClient.__init__

    def remembered(self: UpstreamClient, **given: Any) -> None:
        original(self, **given)
        opened.append(self)

    monkeypatch.setattr(UpstreamClient, "__init__", remembered)
    monkeypatch.setattr(keeping, "_clients", {})
    yield
    for client in opened:
        client.close()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _language_and_zone_end_with_their_test() -> Iterator[None]:
    """A request leaves its reader's language and time zone behind in the thread."""
    with translation.override(settings.LANGUAGE_CODE), timezone.override(None):
        yield


# --- The database ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _commit_hooks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `transaction.on_commit` hooks where production would.

    A test lives in a transaction that is rolled back, so Django never runs them. Here they run when
    the outermost block *of the code under test* ends; a block that fails drops its hooks.
    """
    original_exit = transaction.Atomic.__exit__
    original_on_commit = BaseDatabaseWrapper.on_commit

    def only_the_test_is_open(database: BaseDatabaseWrapper) -> bool:
        blocks = database.atomic_blocks
        return bool(blocks) and all(block._from_testcase for block in blocks)

    def exit_and_run(self: transaction.Atomic, *exc_info: Any) -> None:
        original_exit(self, *exc_info)
        database = transaction.get_connection(self.using)
        if only_the_test_is_open(database) and not self._from_testcase:
            hooks, database.run_on_commit = database.run_on_commit, []
            for _, hook, _ in hooks:
                hook()

    def on_commit(self: BaseDatabaseWrapper, func: Any, robust: bool = False) -> None:
        if only_the_test_is_open(self):
            func()
        else:
            original_on_commit(self, func, robust)

    monkeypatch.setattr(transaction.Atomic, "__exit__", exit_and_run)
    monkeypatch.setattr(BaseDatabaseWrapper, "on_commit", on_commit)


@pytest.fixture(autouse=True, scope="session")
def _what_is_kept_for_ever_may_be_emptied_between_tests() -> Iterator[None]:
    """Rest the append-only tables' triggers while a transactional test's database is emptied.

    They refuse TRUNCATE, which is how Django empties PostgreSQL. Inside tests they are awake.
    """
    if connection.vendor != "postgresql":
        yield
        return
    operations = type(connection.ops)
    original = operations.execute_sql_flush

    def flush_with_triggers_resting(self: Any, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor:
            for table in ("staff_auditevent", "staff_reveal"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            original(self, sql_list)
            for table in ("staff_auditevent", "staff_reveal"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flush_with_triggers_resting)
        yield


@pytest.fixture
def clean_cache(db: None) -> Iterator[None]:
    """Forget counted sign-ins and other cached facts before the test and after it."""
    cache.clear()
    yield
    cache.clear()


# --- Redis ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _shared_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if WITH_SERVICES:
        number = FIRST_REDIS_DATABASE + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        yield urlsplit(settings.SERVICES_REDIS_URL)._replace(path=f"/{number}").geturl()
        return
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def redis_url(_shared_redis_url: str) -> Iterator[str]:
    """The address of an empty Redis database that no other test uses meanwhile."""
    with redis.Redis.from_url(_shared_redis_url) as client:
        client.flushdb()
    yield _shared_redis_url


@pytest.fixture
def redis_server(tmp_path: Any) -> Iterator[RedisServer]:
    """A Redis that this test may kill and freeze."""
    with running_redis(tmp_path) as server:
        yield server
