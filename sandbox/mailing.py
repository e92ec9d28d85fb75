"""Webhooks on their way: queued with what they say, posted by a schedule, written down when tried.

Each upstream has tables of its own, `<prefix>webhook`, `<prefix>event` and `<prefix>delivery`.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from sandbox.clock import SECOND, Clock
from sandbox.delivery import Courier, Outcome, Parcel, Sender
from sandbox.faults import FaultBook
from sandbox.store import Store
from sandbox.web import Json

HELD_FOR = 30 * SECOND  # a held event leaves by itself after this time
PARCELS = 200  # handed to the courier at once


@dataclass(frozen=True)
class Target:
    """Who gets an event; no `webhook_id` where it is no registered one."""

    webhook_id: str | None
    url: str
    secret: str


@dataclass(frozen=True)
class Letter:
    """One event to be signed: `stamp` is the moment of the attempt in Unix seconds."""

    secret: str
    name: str
    event_id: str
    body: bytes
    stamp: int


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """How one upstream posts. Retries are pauses in seconds, stretched by `scale`.

    `sign` gives the headers of an attempt, the signature under `signature_header`. `falsify` makes
    an event say what is not so. `give_up` is told which webhook a last attempt failed for.
    """

    prefix: str
    retries: tuple[float, ...]
    scale: float
    signature_header: str
    sign: Callable[[Letter], dict[str, str]]
    falsify: Callable[[Json], None]
    give_up: Callable[[sqlite3.Connection, str], None] = lambda db, webhook_id: None

    def queue(
        self,
        db: sqlite3.Connection,
        faults: FaultBook,
        targets: Iterable[Target],
        *,
        event_id: str,
        name: str,
        subject: str,
        body: bytes,
        now: int,
    ) -> None:
        """Queue an event about `subject` for each of these."""
        db.execute(
            f"INSERT INTO {self.prefix}event (id, name, body) VALUES (?, ?, ?)",
            (event_id, name, body),
        )
        # Whatever was held back to arrive out of order may go now, after this one.
        db.execute(
            f"UPDATE {self.prefix}delivery SET held = 0, next_at = ?"
            " WHERE subject = ? AND held = 1",
            (now + SECOND, subject),
        )
        for target in targets:
            self._queue_one(db, faults, target, (event_id, name, subject), now)

    def _queue_one(
        self,
        db: sqlite3.Connection,
        faults: FaultBook,
        target: Target,
        event: tuple[str, str, str],
        now: int,
    ) -> None:
        due: int | None = now + round(self.retries[0] * self.scale * SECOND)
        status, error, held = "pending", None, 0
        tricks: Json = {}
        for fault in faults.for_event(event[1]):
            match fault.kind:
                case "webhook_late":
                    due = now + round(float(fault.params.get("seconds", 5)) * SECOND)
                case "webhook_reorder":
                    due, held = now + HELD_FOR, 1
                case "webhook_withhold":
                    due, status, error = None, "failed", "withheld by a fault"
                case "webhook_duplicate":
                    tricks["copies"] = int(fault.params.get("copies", 1))
                case "webhook_forge":
                    tricks["forge"] = str(fault.params.get("how", "wrong_secret"))
                case "webhook_stale":
                    tricks["stale"] = float(fault.params.get("seconds", 3600))
        db.execute(
            f"INSERT INTO {self.prefix}delivery (event_id, name, subject, webhook_id, url, secret,"
            " status, error, tricks, held, created_at, next_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *event,
                target.webhook_id,
                target.url,
                target.secret,
                status,
                error,
                json.dumps(tricks),
                held,
                now,
                due,
            ),
        )

    def due(
        self,
        db: sqlite3.Connection,
        *,
        now: int,
        wire: float,
        busy: Collection[int],
        limit: int,
    ) -> list[Parcel]:
        """What should be sent now, oldest first, leaving out what is on its way (`busy`)."""
        self._leave_disabled(db, now)
        rows = db.execute(
            f"SELECT d.*, e.body FROM {self.prefix}delivery d"
            f" JOIN {self.prefix}event e ON e.id = d.event_id"
            " WHERE d.status = 'pending' AND d.next_at <= ? ORDER BY d.next_at, d.serial LIMIT ?",
            (now, limit + len(busy)),
        ).fetchall()
        chosen = [row for row in rows if row["serial"] not in busy][:limit]
        return [self._parcel(row, wire) for row in chosen]

    def _leave_disabled(self, db: sqlite3.Connection, now: int) -> None:
        """A disabled webhook gets nothing; what was due counts as failed."""
        db.execute(
            f"UPDATE {self.prefix}delivery SET status = 'failed', error = 'webhook disabled'"
            " WHERE status = 'pending' AND next_at <= ?"
            f" AND webhook_id IN (SELECT id FROM {self.prefix}webhook WHERE active = 0)",
            (now,),
        )

    def record(self, db: sqlite3.Connection, *, serial: int, outcome: Outcome, now: int) -> None:
        """Write an attempt to the log and set the next one, or give up after the last."""
        row = db.execute(
            f"SELECT attempts, webhook_id FROM {self.prefix}delivery WHERE serial = ?", (serial,)
        ).fetchone()
        if row is None:
            return  # its webhook was deleted meanwhile
        attempts = row["attempts"] + 1
        status, next_at = "delivered", None
        if not outcome.ok:
            status = "failed"
            if attempts < len(self.retries):
                pause = self.retries[attempts] * self.scale
                status, next_at = "pending", now + round(pause * SECOND)
        db.execute(
            f"UPDATE {self.prefix}delivery SET status = ?, attempts = ?, response_code = ?,"
            " error = ?, last_attempt_at = ?, next_at = ? WHERE serial = ?",
            (status, attempts, outcome.status, outcome.error, now, next_at, serial),
        )
        if status == "failed" and row["webhook_id"]:
            self.give_up(db, row["webhook_id"])

    def _parcel(self, row: sqlite3.Row, wire: float) -> Parcel:
        tricks: Json = json.loads(row["tricks"])
        body: bytes = row["body"]
        stamp = int(wire - tricks.get("stale", 0))
        letter = Letter(row["secret"], row["name"], row["event_id"], body, stamp)
        posts = [(self.sign(letter), body)] * (1 + int(tricks.get("copies", 0)))
        if "forge" in tricks:
            posts.append(self._forged(letter, str(tricks["forge"])))
        return Parcel(serial=row["serial"], url=row["url"], posts=posts)

    def _forged(self, letter: Letter, how: str) -> tuple[dict[str, str], bytes]:
        """What somebody else would send: another event, claiming what is not so."""
        event: Json = json.loads(letter.body)
        event["id"] = f"{letter.event_id}_forged"
        self.falsify(event)
        body = json.dumps(event).encode()
        if how == "tampered":  # the signature is right, but for the event it was taken from
            taken = Letter(letter.secret, letter.name, event["id"], letter.body, letter.stamp)
            return self.sign(taken), body
        made_up = Letter("whsec_guessed", letter.name, event["id"], body, letter.stamp)
        headers = self.sign(made_up)
        if how == "no_signature":
            del headers[self.signature_header]
        return headers, body


class PostOffice:
    """Hands what is due of one upstream to a courier and writes down what came of it."""

    def __init__(
        self,
        mailing: Mailing,
        *,
        store: Store,
        clock: Clock,
        sender: Sender,
    ) -> None:
        self._mailing = mailing
        self._store = store
        self._clock = clock
        self.courier = Courier(sender, self._report)

    def dispatch(self) -> None:
        """Give the courier what is due now; it sends in its own threads."""
        busy = self.courier.busy
        with self._store.transaction() as db:
            parcels = self._mailing.due(
                db, now=self._clock.now(), wire=self._clock.wire(), busy=busy, limit=PARCELS
            )
        self.courier.accept(parcels)

    def _report(self, parcel: Parcel, outcome: Outcome) -> None:
        with self._store.transaction() as db:
            self._mailing.record(db, serial=parcel.serial, outcome=outcome, now=self._clock.now())
