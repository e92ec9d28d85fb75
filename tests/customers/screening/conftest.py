"""A Lux Financial of its own at the other end of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.lux import sanctions
from tests.upstreams.lux import lux
from tests.upstreams.test_lux_sandbox import client_of, new_sandbox
from upstreams.errors import NotConfigured
from upstreams.lux.client import LuxClient

_ASKERS = ("sending", "rescreening", "hooks")


class Line:
    """The line to Lux Financial: cut until somebody plugs a client in."""

    def __init__(self) -> None:
        self.client: LuxClient | None = None

    def __call__(self, **_: Any) -> LuxClient:
        if self.client is None:
            raise NotConfigured("Lux Financial is not configured: it has no key", upstream="lux")
        return self.client


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    for asker in _ASKERS:
        monkeypatch.setattr(f"customers.screening.{asker}.get_client", made)
    return made


@pytest.fixture
def answering(line: Line) -> Callable[..., None]:
    """Let a function of the test answer in their place."""

    def plug(handler: Any) -> None:
        line.client = lux(handler)

    return plug


class Lists:
    """Who is listed in the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add(self, name: str, **facts: str) -> None:
        with self._sandbox.store.transaction() as db:
            sanctions.add_listed(self._sandbox.lux.work(db), {"name": name, **facts})

    def strike(self, name: str) -> None:
        with self._sandbox.store.transaction() as db:
            sanctions.strike_listed(self._sandbox.lux.work(db), name)


@pytest.fixture
def lists(line: Line) -> Iterator[Lists]:
    with new_sandbox() as sandbox:
        line.client = client_of(sandbox)
        yield Lists(sandbox)
