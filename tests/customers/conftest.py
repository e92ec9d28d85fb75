"""What the tests of the customers' desk share: a Lux Financial to read from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.customers.lux import Place


@pytest.fixture
def lux_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place()
    for asker in ("feeds", "tasks"):
        monkeypatch.setattr(f"customers.{asker}.get_client", place.get_client)
    yield place
    place.close()
