"""How often a test repeats what must never fail."""

import os
from collections.abc import Iterable
from typing import TypeVar

from staff.permissions import Role

T = TypeVar("T")

# One role for each way of reading: masked, in clear, with documents, and none of it.
FEW_ROLES = (Role.AGENT, Role.MAKER, Role.REVIEWER, Role.ADMIN)


def rounds(usual: int, *, with_services: int | None = None) -> int:
    """Return `usual`, or what LIGHTDESK_ROUNDS asks for (`make test-faults`).

    `with_services` is for `make test-services`, which has the time to try more.
    """
    if with_services is not None and os.environ.get("LIGHTDESK_SERVICES") == "1":
        usual = max(usual, with_services)
    return int(os.environ.get("LIGHTDESK_ROUNDS", usual))


def widest(every: Iterable[T], few: Iterable[T]) -> list[T]:
    """Return `few` of the cases, and every one where services run (`make test-services`).

    For walks over all pages: the embedded suite stays short, and CI runs both.
    """
    return [*every] if os.environ.get("LIGHTDESK_SERVICES") == "1" else [*few]
