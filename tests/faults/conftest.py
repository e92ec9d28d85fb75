"""A desk connected to a sandbox of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staff.models import User
from tests.payments.factories import PolicyFactory
from tests.staff.factories import UserFactory
from tests.support.sandbox import API_KEY, SandboxProcess, running_sandbox
from upstreams import feeds


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--rate-standard", "1000000", "--approval-delay", "86400") as sandbox:
        yield sandbox


@pytest.fixture
def luxcore(_sandbox: SandboxProcess, settings: Any, db: None) -> SandboxProcess:
    """The sandbox, empty; the desk points at it, has read it, and leaves no time to undo."""
    _sandbox.reset()
    settings.LUXCORE_BASE_URL = _sandbox.api
    settings.LUXCORE_API_KEY = API_KEY
    settings.LUXCORE_STANDARD_PER_MINUTE = 1_000_000
    settings.UNDO_SECONDS = 0
    PolicyFactory()
    feeds.run("luxcore.payments")
    feeds.run("luxcore.balances")
    return _sandbox


@pytest.fixture
def maker(db: None) -> User:
    return UserFactory(roles=["maker"])


@pytest.fixture
def approver(db: None) -> User:
    return UserFactory(roles=["approver"])
