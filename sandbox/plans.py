"""What happens by itself: stored with each thing, pairs of a delay and the next stage.

The ticker carries plans out; the control door may come first, and the rest of a plan that no longer
fits is dropped.
"""

import json
import random
import sqlite3
from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from sandbox.clock import SECOND
from sandbox.web import Refusal

Plan = list[tuple[int, str]]
"""Delays in milliseconds."""


class Work(Protocol):
    """What an upstream's own Work has: the open transaction and its moment."""

    @property
    def db(self) -> sqlite3.Connection: ...
    @property
    def now(self) -> int: ...
    @property
    def dice(self) -> random.Random: ...
    def at(self, moment: int) -> Self: ...


W = TypeVar("W", bound=Work)
Move = Callable[[W, str, str], object]
"""Takes the id of the thing and the stage to bring it to."""


def delay(work: Work, seconds: float) -> int:
    """About so many seconds, in milliseconds."""
    return round(seconds * SECOND * work.dice.uniform(0.7, 1.3))


def follow(work: Work, table: str, identity: str, plan: Plan) -> None:
    """What is to happen by itself from now on."""
    due = work.now + plan[0][0] if plan else None
    work.db.execute(
        f"UPDATE {table} SET plan = ?, due_at = ? WHERE id = ?", (json.dumps(plan), due, identity)
    )


def run_due(work: W, table: str, move: Move[W], *, limit: int) -> int:
    """Carry out what is due, oldest first, each at its own moment; returns how many there were."""
    rows = work.db.execute(
        f"SELECT * FROM {table} WHERE due_at <= ? ORDER BY due_at LIMIT ?", (work.now, limit)
    ).fetchall()
    for row in rows:
        then = work.at(row["due_at"])
        (_, stage), *rest = json.loads(row["plan"])
        try:
            move(then, row["id"], stage)
        except Refusal:  # somebody was here before
            rest = []
        follow(then, table, row["id"], rest)
    return len(rows)
