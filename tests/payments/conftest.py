"""What the payments tests share: a LuxCore to talk to, and a desk whose checks pass."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.payments.factories import PolicyFactory, everything_is_fresh
from tests.sandbox.helpers import KEY, Bench, SandboxTransport, bench
from tests.upstreams.wire import luxcore as luxcore_client
from upstreams.errors import NotConfigured
from upstreams.luxcore.client import LuxCoreClient

# Every room that asks for a client of LuxCore by name.
_ASKERS = (
    "payments.senders",
    "payments.feeds",
    "payments.actions.reads",
    "payments.reconciliation.luxcore",
    "upstreams.luxcore.windows",
)


class Line:
    """The line to LuxCore: cut until somebody plugs a client in."""

    def __init__(self) -> None:
        self.client: LuxCoreClient | None = None
        self.asked = 0
        self.deadlines: list[float | None] = []

    def __call__(self, *, deadline: float | None = None, **_: Any) -> LuxCoreClient:
        self.asked += 1
        self.deadlines.append(deadline)
        if self.client is None:
            raise NotConfigured("LuxCore is not configured: it has no key", upstream="luxcore")
        return self.client


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    for asker in _ASKERS:
        monkeypatch.setattr(f"{asker}.get_client", made)
    return made


@pytest.fixture
def sandbox(line: Line) -> Iterator[Bench]:
    """A LuxCore of its own, in this process, at the other end of the line."""
    with bench() as made:
        transport = SandboxTransport(made.sandbox)
        line.client = luxcore_client(transport.handle_request, api_key=KEY)
        yield made


@pytest.fixture
def answering(line: Line) -> Callable[..., None]:
    """Let a function of the test answer in LuxCore's place."""

    def plug(handler: Any) -> None:
        line.client = luxcore_client(handler)

    return plug


@pytest.fixture
def ready(db: None) -> None:
    """One signature for everything, fresh data, plenty of money."""
    PolicyFactory()
    everything_is_fresh()
