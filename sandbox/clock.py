"""The time the upstreams live in, and how it is written.

Business time (creation, delays, expiry) follows `Clock.now`, which tests set and move. What
goes over the wire and is compared with the other side's watch (signature timestamps, rate
windows) follows `Clock.wire`, the real clock: a jump of a day must not make signatures stale.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock:
    """Milliseconds since 1970 UTC: the system's, shifted, or standing still."""

    def __init__(
        self, start_at: datetime | None = None, *, wire: Callable[[], float] = time.time
    ) -> None:
        self._lock = threading.Lock()
        self._wire = wire
        self._offset = 0
        self._frozen: int | None = None
        if start_at is not None:
            self._frozen = to_ms(start_at)

    def now(self) -> int:
        with self._lock:
            return self._read()

    def wire(self) -> float:
        """The real time in Unix seconds, whatever the business clock says."""
        return self._wire()

    def set(self, at: datetime) -> None:
        """Go to a moment; a running clock runs on from there, a frozen one stays there."""
        with self._lock:
            self._go(to_ms(at))

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._go(self._read() + round(seconds * SECOND))

    def freeze(self) -> None:
        with self._lock:
            self._frozen = self._read()

    def run(self) -> None:
        """Let a frozen clock run on from where it stands."""
        with self._lock:
            moment, self._frozen = self._read(), None
            self._go(moment)

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def _read(self) -> int:
        if self._frozen is not None:
            return self._frozen
        return int(self._wire() * SECOND) + self._offset

    def _go(self, moment: int) -> None:
        if self._frozen is not None:
            self._frozen = moment
            return
        self._offset = moment - int(self._wire() * SECOND)


def to_ms(at: datetime) -> int:
    """Milliseconds of a moment; one without a zone is taken as UTC."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * SECOND)


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO 8601 date or moment, or raise `ValueError`."""
    try:
        return to_ms(datetime.fromisoformat(text))
    except OverflowError as exc:
        raise ValueError(text) from exc


@lru_cache(maxsize=50_000)  # lists show the same moments again and again
def iso(ms: int) -> str:
    """Whole seconds, as payments are dated: ``2025-01-21T10:30:00Z``."""
    return datetime.fromtimestamp(ms // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(ms: int) -> str:
    """With milliseconds, as errors are dated: ``2025-01-28T10:00:00.000Z``."""
    moment = datetime.fromtimestamp(ms // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{ms % SECOND:03d}Z"


def iso_or_none(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
