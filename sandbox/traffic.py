"""The pace of things that come by themselves: when the next ones are due."""

import random
import threading

from sandbox.clock import MINUTE

LONGEST_PAUSE = MINUTE  # after a longer one (a sleeping laptop) nothing is made up for


class Pace:
    """Arrivals at random moments, so many a minute on average. Moments are milliseconds."""

    def __init__(self, per_minute: float, dice: random.Random) -> None:
        self._lock = threading.Lock()
        self._dice = dice
        self._per_minute = 0.0
        self._next: int | None = None
        self._seen = 0
        self.set(per_minute)

    @property
    def per_minute(self) -> float:
        return self._per_minute

    def set(self, per_minute: float) -> None:
        """Change the pace; 0 stops."""
        with self._lock:
            self._per_minute = max(0.0, per_minute)
            self._next = None

    def arrivals(self, now: int) -> int:
        """How many came since the last call."""
        with self._lock:
            jumped = not 0 <= now - self._seen <= LONGEST_PAUSE
            self._seen = now
            if not self._per_minute:
                return 0
            if self._next is None or jumped:
                self._next = now + self._gap()
            count = 0
            while self._next <= now:
                self._next += self._gap()
                count += 1
            return count

    def _gap(self) -> int:
        return max(1, round(self._dice.expovariate(self._per_minute / MINUTE)))
