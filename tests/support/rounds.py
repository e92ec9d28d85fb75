"""How often a race or a fault is tried."""

import os


def rounds(usual: int) -> int:
    """Return `usual`, or what LIGHTDESK_ROUNDS asks for (`make test-faults`)."""
    return int(os.environ.get("LIGHTDESK_ROUNDS", usual))
