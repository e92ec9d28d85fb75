"""Faults: what goes wrong, for which calls or events, and how often.

A fault is taken in the order it was added, as often as `times` says, or each time with
`probability` (drawn from its own seeded dice, so a run can be repeated).
"""

import itertools
import random
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.web import Json

BEFORE = frozenset(
    {
        "delay",  # seconds
        "drop_before",  # reset
        "error",  # status, body, content_type: the call is not accepted
        "refuse",  # error_code, message, status: a business refusal, not accepted
        "rate_limited",  # retry_after, reset: header texts; null leaves the header out
        "accept_late",  # seconds: answered 504 now, carried out later
    }
)
AFTER = frozenset(
    {
        "delay_after",  # seconds
        "drop",  # reset: accepted, then no answer
        "drop_midway",  # reset: half an answer
        "slow_headers",  # seconds between bytes, and no end
        "slow_body",  # bytes_per_second
        "answer",  # status, body, content_type, headers: instead of the real answer
        "answer_500",
        "answer_502_html",
        "answer_504",
        "answer_308",  # location
        "answer_truncated",
        "answer_empty_object",
        "answer_empty_list",
        "answer_null",
        "answer_wrong_type",
        "malformed_json",
        "gzip_bomb",  # megabytes
        "huge_body",  # megabytes
        "huge_list",  # items, bytes of each, bad: positions of unusable ones
        "deep_json",  # depth
        "alter",  # set: {dotted name: value}; index: which record of a list, null for all
        "echo_amount",  # amount
        "echo_currency",  # currency
        "echo_recipient",  # recipient_name
        "unknown_status",  # status
        "missing_field",  # field
        "malformed_record",  # index, record
    }
)
EVENTS = frozenset(
    {
        "webhook_duplicate",  # copies
        "webhook_late",  # seconds
        "webhook_reorder",  # held until the next event about the same thing
        "webhook_forge",  # how: wrong_secret, no_signature or tampered; an extra delivery
        "webhook_stale",  # seconds the timestamp lies in the past
        "webhook_withhold",  # never sent, logged as failed
    }
)
KINDS = BEFORE | AFTER | EVENTS


class BadFault(ValueError):
    """A fault that means nothing."""


@dataclass(kw_only=True)
class Fault:
    """`path` and `event` are shell patterns (`*` also matches slashes).

    `times` of None means until cleared; left out it is once, or unlimited beside a probability.
    """

    kind: str
    method: str = "*"
    path: str = "/api/*"
    event: str = "*"
    times: int | None = -1
    probability: float = 1
    seed: int = 0
    params: Json = field(default_factory=dict)
    id: int = 0
    taken: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadFault(f"unknown kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if not 0 <= self.probability <= 1:
            raise BadFault("probability must be between 0 and 1")
        if self.times == -1:
            self.times = 1 if self.probability == 1 else None
        if self.times is not None and self.times < 1:
            raise BadFault("times must be positive, or null for until cleared")
        self._dice = random.Random(self.seed)

    @property
    def spent(self) -> bool:
        return self.times is not None and self.taken >= self.times

    def wants_call(self, method: str, path: str) -> bool:
        if self.kind in EVENTS or self.method not in ("*", method):
            return False
        return fnmatchcase(path, self.path)

    def wants_event(self, name: str) -> bool:
        return self.kind in EVENTS and fnmatchcase(name, self.event)

    def take(self) -> bool:
        if self.spent or self._dice.random() >= self.probability:
            return False
        self.taken += 1
        return True

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "kind": self.kind,
            "method": self.method,
            "path": self.path,
            "event": self.event,
            "times": self.times,
            "probability": self.probability,
            "seed": self.seed,
            "params": self.params,
            "taken": self.taken,
        }


def fault_from_json(body: object) -> Fault:
    """Read a fault given over the control door, or raise `BadFault`."""
    if not isinstance(body, dict):
        raise BadFault("a fault is an object with a kind")
    kinds: dict[str, tuple[type, ...]] = {
        "kind": (str,),
        "method": (str,),
        "path": (str,),
        "event": (str,),
        "times": (int, type(None)),
        "probability": (int, float),
        "seed": (int,),
        "params": (dict,),
    }
    given: dict[str, Any] = {}
    for name, value in body.items():
        if name not in kinds:
            raise BadFault(f"unknown member {name!r}; known: {', '.join(kinds)}")
        if not isinstance(value, kinds[name]):
            raise BadFault(f"{name} has the wrong type")
        given[name] = value
    if "kind" not in given:
        raise BadFault("kind is missing")
    return Fault(**given)


class FaultBook:
    """The faults in force. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        with self._lock:
            kept = [fault for fault in self._faults if fault.id != fault_id]
            found = len(kept) < len(self._faults)
            self._faults = kept
        return found

    def clear(self) -> None:
        with self._lock:
            self._faults = []

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def for_call(self, method: str, path: str) -> list[Fault]:
        """The faults that strike this call; each counts as taken."""
        with self._lock:
            return [f for f in self._faults if f.wants_call(method, path) and f.take()]

    def for_event(self, name: str) -> list[Fault]:
        with self._lock:
            return [f for f in self._faults if f.wants_event(name) and f.take()]
