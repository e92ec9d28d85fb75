"""Waiting for something to become true, with a deadline and never a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(
    condition: Callable[[], Answer], *, seconds: float = 60.0, every: float = 0.02, what: str = ""
) -> Answer:
    """Ask `condition` until its answer is true and return that answer.

    Raises AssertionError when `seconds` pass first; `what` says in words what did not happen.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(every)
    return answer
