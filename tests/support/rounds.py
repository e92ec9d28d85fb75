"""How often a test repeats what must never fail."""

import os


def rounds(usual: int, *, with_services: int | None = None) -> int:
    """Return `usual`, or what LIGHTDESK_ROUNDS asks for (`make test-faults`).

    `with_services` is for `make test-services`, which has the time to try more.
    """
    if with_services is not None and os.environ.get("LIGHTDESK_SERVICES") == "1":
        usual = max(usual, with_services)
    return int(os.environ.get("LIGHTDESK_ROUNDS", usual))
