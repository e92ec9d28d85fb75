from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.customers.lux import Place


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Lux Financial at the other end."""
    made = Place()
    monkeypatch.setattr("customers.requests.sending.get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    yield made
    made.close()
