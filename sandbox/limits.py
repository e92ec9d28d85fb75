"""Rate limits per key: fixed windows that open with the first call in them."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

STANDARD = "standard"
Rate = tuple[int, float]
"""So many calls in so many seconds."""


@dataclass
class Window:
    limit: int
    seconds: float
    ends: float = 0
    used: int = 0

    def renew(self, now: float) -> None:
        if now >= self.ends:
            self.ends, self.used = now + self.seconds, 0

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class Verdict:
    """Whether a call may pass, and the headers that say how things stand."""

    passed: bool
    headers: dict[str, str]


class RateLimiter:
    def __init__(self, rates: Mapping[str, tuple[Rate, ...]], wire: Callable[[], float]) -> None:
        """`rates` by class of calls."""
        self._rates = rates
        self._wire = wire
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], tuple[Window, ...]] = {}

    def take(self, owner: str, cls: str = STANDARD) -> Verdict:
        """Count one call of this key. A refused call uses nothing up."""
        with self._lock:
            windows = self._windows.setdefault((owner, cls), self._new(cls))
            now = self._wire()
            for window in windows:
                window.renew(now)
            passed = all(window.left for window in windows)
            if passed:
                for window in windows:
                    window.used += 1
            return Verdict(passed, _headers(windows, now, passed=passed))

    def reset(self) -> None:
        with self._lock:
            self._windows.clear()

    def _new(self, cls: str) -> tuple[Window, ...]:
        return tuple(Window(limit, seconds) for limit, seconds in self._rates[cls])


def _headers(windows: Iterable[Window], now: float, *, passed: bool) -> dict[str, str]:
    """The tightest window speaks; of two used up, the one that opens later."""
    tight = min(windows, key=lambda window: (window.left, -window.ends))
    headers = {
        "X-RateLimit-Limit": str(tight.limit),
        "X-RateLimit-Remaining": str(tight.left),
        "X-RateLimit-Reset": str(math.ceil(tight.ends)),
    }
    if not passed:
        headers["Retry-After"] = str(max(1, math.ceil(tight.ends - now)))
    return headers
