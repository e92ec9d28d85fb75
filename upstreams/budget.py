"""How many calls may still be made: one budget per upstream credential, shared by all processes.

A budget has classes of endpoints, a class has one or more windows ("100 in 60 s"). Windows slide:
every call is counted in Redis until it is older than the window, so no stretch of that length ever
holds more than the limit. A window of a day would remember a million calls: such a one counts by
the grain, and forgets a grain when the youngest call in it is old enough. Background work stops at
80 %, so a person's click always finds room.
The upstream corrects the count: calls it saw and we did not are added, a 429 closes the class.

While Redis is away each process keeps to a fixed share of its own and reports what it used when
Redis is back.
"""

from __future__ import annotations

import bisect
import enum
import itertools
import os
import random
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from upstreams import redis
from upstreams.errors import RateLimited

STANDARD: Final = "standard"  # the class of calls that belong to no other
BACKGROUND_SHARE: Final = 0.8
LONGEST_PAUSE: Final = 60.0
SHORTEST_PAUSE: Final = 1.0
REPORTED_AT_ONCE: Final = 500  # calls made alone that Redis hears of with one call


class Priority(enum.Enum):
    """Who waits for the answer."""

    OPERATOR = "operator"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` calls in any `seconds`. `slack` seconds more are counted, because a call
    may reach the upstream later than the one after it left here. With a `grain` (seconds), calls
    are not remembered one by one, and leave together up to so much later."""

    limit: int
    seconds: float
    slack: float = 1.0
    grain: float = 0.0

    @property
    def counted(self) -> float:
        return self.seconds + self.slack

    def allowed(self, priority: Priority) -> int:
        if priority is Priority.OPERATOR:
            return self.limit
        return max(1, int(self.limit * BACKGROUND_SHARE))


# KEYS: pause, then one key per window: a sorted set of calls (score: microseconds on Redis' clock),
#       or with a grain a hash of how many there were in each.
# ARGV: this call's name ("" only looks), number of windows, then per window the allowed count, the
#       limit, the length and the grain in microseconds; then the ages in microseconds of calls made
#       alone.
# Answers {microseconds to wait, calls left in the tightest window}.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local name, windows = ARGV[1], tonumber(ARGV[2])
local wait, left = 0, math.huge

local function add(key, grain, at, called)
  if grain > 0 then
    redis.call('HINCRBY', key, string.format('%.0f', math.floor(at / grain)), 1)
  else
    redis.call('ZADD', key, at, called)
  end
end

-- How many calls count, and how long until fewer than `allowed` do.
local function one_by_one(key, allowed, length)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - length)
  local used = redis.call('ZCARD', key)
  if used < allowed then return used, 0 end
  local blocking = redis.call('ZRANGE', key, used - allowed, used - allowed, 'WITHSCORES')
  return used, tonumber(blocking[2]) + length - now
end

local function by_the_grain(key, allowed, length, grain)
  local counts, grains, used = redis.call('HGETALL', key), {}, 0
  for i = 1, #counts, 2 do
    local leaves = (tonumber(counts[i]) + 1) * grain + length
    if leaves <= now then
      redis.call('HDEL', key, counts[i])
    else
      used = used + tonumber(counts[i + 1])
      grains[#grains + 1] = {leaves, tonumber(counts[i + 1])}
    end
  end
  table.sort(grains, function(a, b) return a[1] < b[1] end)
  local pausing, still = 0, used
  for _, pair in ipairs(grains) do
    if still < allowed then break end
    still, pausing = still - pair[2], pair[1] - now
  end
  return used, pausing
end

local paused = tonumber(redis.call('GET', KEYS[1]) or '0')
if paused > now then wait = paused - now end
for w = 1, windows do
  local key, base = KEYS[w + 1], 4 * w
  local allowed, limit = tonumber(ARGV[base - 1]), tonumber(ARGV[base])
  local length, grain = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2])
  for a = 3 + 4 * windows, #ARGV do
    add(key, grain, now - tonumber(ARGV[a]), name .. ':alone:' .. a)
  end
  local used, pausing
  if grain > 0 then
    used, pausing = by_the_grain(key, allowed, length, grain)
  else
    used, pausing = one_by_one(key, allowed, length)
  end
  left, wait = math.min(left, limit - used), math.max(wait, pausing)
end
if name ~= '' and wait == 0 then
  left = left - 1
  for w = 1, windows do
    local length, grain = tonumber(ARGV[4 * w + 1]), tonumber(ARGV[4 * w + 2])
    add(KEYS[w + 1], grain, now, name)
    redis.call('PEXPIRE', KEYS[w + 1], math.ceil((length + grain) / 1000) + 1000)
  end
end
if left == math.huge then left = 0 end
return {math.ceil(wait), math.max(left, 0)}
"""

# KEYS: one window. ARGV: name, limit, length, calls left as the upstream counts, microseconds until
# its window ends. Adds what others used under the same credential; it leaves with their window.
_CORRECT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limit, length = tonumber(ARGV[2]), tonumber(ARGV[3])
local theirs, ending = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - length)
local missing = limit - redis.call('ZCARD', KEYS[1]) - theirs
for i = 1, missing do
  redis.call('ZADD', KEYS[1], now + ending - length, ARGV[1] .. ':' .. i)
end
if missing > 0 then
  redis.call('PEXPIRE', KEYS[1], math.ceil(length / 1000) + 1000)
end
return missing
"""

# KEYS: pause. ARGV: microseconds. The later end wins.
_PAUSE: Final = """
local clock = redis.call('TIME')
local ending = clock[1] * 1000000 + clock[2] + tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or '0') < ending then
  redis.call('SET', KEYS[1], string.format('%.0f', ending), 'PX', math.ceil(ARGV[1] / 1000))
end
return 1
"""


class Budget:
    """The budget of one upstream credential. Thread-safe."""

    def __init__(
        self,
        *,
        upstream: str,
        credential: str,
        rates: Mapping[str, tuple[Rate, ...]],
        share: int = 8,
    ) -> None:
        """`credential` is a fingerprint, never the key. One process alone gets 1/`share`."""
        self.upstream, self.rates = upstream, rates
        self._prefix = f"lightdesk:budget:{upstream}:{credential}"
        self._alone = {name: _AloneBudget(windows, share) for name, windows in rates.items()}

    def acquire(self, cls: str, priority: Priority, wait: float = 0.0) -> int:
        """Take one call of class `cls`, waiting up to `wait` seconds; raises RateLimited.

        Answers how many calls are left after this one.
        """
        give_up = time.monotonic() + wait
        while True:
            seconds, left = self._try(cls, priority)
            if not seconds:
                return left
            if time.monotonic() + seconds > give_up:
                raise RateLimited(
                    "Our share of the provider's rate limit is used up for the moment",
                    retry_after=seconds,
                    upstream=self.upstream,
                )
            # A little jitter, or all waiters would come back in the same instant.
            time.sleep(seconds + random.uniform(0, 0.05))

    def left(self, cls: str) -> int:
        """Calls an operator could make now."""
        if not redis.redis_is_away():
            try:
                return self._look(cls)
            except redis.RedisError:
                redis.note_failure()
        return self._alone[cls].left()

    def correct(self, cls: str, *, limit: int, remaining: int, seconds: float) -> None:
        """The upstream says that `remaining` of `limit` are left for `seconds` more.

        A window that counts by the grain is not corrected: what is added would stay for a day.
        """
        windows = self.rates[cls]
        place = next((i for i, rate in enumerate(windows) if rate.limit == limit), 0)
        rate = windows[place]
        if rate.grain:
            return
        arguments = (
            _name(),
            rate.limit,
            _micro(rate.counted),
            max(0, min(remaining, rate.limit)),
            _micro(min(max(seconds, SHORTEST_PAUSE), rate.counted)),
        )
        if not redis.redis_is_away():
            try:
                redis.get_redis().eval(_CORRECT, 1, self._keys(cls)[place + 1], *arguments)
            except redis.RedisError:
                redis.note_failure()

    def pause(self, cls: str, seconds: float) -> None:
        """The upstream said 429: nobody calls this class for `seconds` (1 to 60)."""
        seconds = clamp_pause(seconds)
        self._alone[cls].pause(seconds)
        if not redis.redis_is_away():
            try:
                redis.get_redis().eval(_PAUSE, 1, self._keys(cls)[0], _micro(seconds))
            except redis.RedisError:
                redis.note_failure()

    def _try(self, cls: str, priority: Priority) -> tuple[float, int]:
        """Take one call. Answers 0, or the seconds after which to ask again, and what is left."""
        alone = self._alone[cls]
        if not redis.redis_is_away():
            unreported = alone.unreported()
            try:
                seconds, left = self._take(cls, priority, unreported)
            except redis.RedisError:
                redis.note_failure()
            else:
                alone.reported(unreported)
                if not seconds:
                    alone.note_shared()
                return seconds, left
        return alone.take(priority), alone.left()

    def _take(self, cls: str, priority: Priority, alone: list[float]) -> tuple[float, int]:
        now = time.monotonic()
        ages = [_micro(now - moment) for moment in alone]
        waiting, left = self._run_take(cls, _name(), priority, ages)
        return waiting / 1_000_000, left

    def _look(self, cls: str) -> int:
        return self._run_take(cls, "", Priority.OPERATOR, [])[1]

    def _run_take(
        self, cls: str, name: str, priority: Priority, ages: list[int]
    ) -> tuple[int, int]:
        windows = self.rates[cls]
        arguments: list[str | int] = [name, len(windows)]
        for rate in windows:
            arguments += [rate.allowed(priority), rate.limit]
            arguments += [_micro(rate.counted), _micro(rate.grain)]
        keys = self._keys(cls)
        answer = redis.get_redis().eval(_TAKE, len(keys), *keys, *arguments, *ages)
        waiting, left = cast(list[int], answer)
        return waiting, left

    def _keys(self, cls: str) -> list[str]:
        base = f"{{{self._prefix}:{cls}}}"  # braces: one slot, should it be a cluster one day
        return [f"{base}:pause", *(f"{base}:{rate.seconds:g}" for rate in self.rates[cls])]


class _AloneBudget:
    """One process's own count of one class: its share while Redis is away.

    Calls made with Redis count here too, so that the share is not added on top of them.
    """

    def __init__(self, windows: tuple[Rate, ...], share: int) -> None:
        self._windows = [
            Rate(max(1, rate.limit // share), rate.seconds, rate.slack) for rate in windows
        ]
        self._lock = threading.Lock()
        self._made: list[float] = []  # oldest first
        self._unreported: list[float] = []
        self._paused_until = 0.0

    def take(self, priority: Priority) -> float:
        with self._lock:
            now = time.monotonic()
            wait = max(self._wait(now, priority), self._paused_until - now)
            if wait > 0:
                return wait
            self._made.append(now)
            self._unreported.append(now)
            return 0.0

    def left(self) -> int:
        with self._lock:
            now = time.monotonic()
            if now < self._paused_until:
                return 0
            return max(0, min(rate.limit - self._used(now, rate) for rate in self._windows))

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def note_shared(self) -> None:
        with self._lock:
            self._forget_old(time.monotonic())
            self._made.append(time.monotonic())

    def unreported(self) -> list[float]:
        """Moments of calls Redis has not heard of, as far as they still count; the latest first to
        be told, and not all at once."""
        with self._lock:
            oldest = time.monotonic() - max(rate.counted for rate in self._windows)
            self._unreported = [moment for moment in self._unreported if moment > oldest]
            return self._unreported[-REPORTED_AT_ONCE:]

    def reported(self, moments: list[float]) -> None:
        if moments:
            done = set(moments)
            with self._lock:
                self._unreported = [m for m in self._unreported if m not in done]

    def _wait(self, now: float, priority: Priority) -> float:
        self._forget_old(now)
        wait = 0.0
        for rate in self._windows:
            used, allowed = self._used(now, rate), rate.allowed(priority)
            if used >= allowed:
                wait = max(wait, self._made[-allowed] + rate.counted - now)
        return wait

    def _used(self, now: float, rate: Rate) -> int:
        return len(self._made) - bisect.bisect_right(self._made, now - rate.counted)

    def _forget_old(self, now: float) -> None:
        """Forget what counts no more: too old, or older than as many calls as may count."""
        oldest = now - max(rate.counted for rate in self._windows)
        most = max(rate.limit for rate in self._windows)
        gone = bisect.bisect_right(self._made, oldest)
        del self._made[: max(gone, len(self._made) - most)]


def clamp_pause(seconds: float) -> float:
    """A wait that an upstream asked for, as long as we are willing to believe."""
    return min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE)


_counter = itertools.count()
_host = socket.gethostname()


def _name() -> str:
    """A name no other call has, in any process."""
    return f"{_host}:{os.getpid()}:{next(_counter)}"


def _micro(seconds: float) -> int:
    return int(seconds * 1_000_000)
