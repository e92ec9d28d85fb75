"""Deliveries that are due become signed parcels; their outcomes are written to the log."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Collection

from sandbox.clock import SECOND
from sandbox.delivery import Outcome, Parcel
from sandbox.luxcore.config import LuxCoreConfig
from sandbox.web import Json


def due(
    db: sqlite3.Connection,
    config: LuxCoreConfig,
    *,
    now: int,
    wire: float,
    busy: Collection[int],
    limit: int,
) -> list[Parcel]:
    """What should be sent now, oldest first, leaving out what is on its way (`busy`)."""
    _give_up_on_disabled(db, now)
    rows = db.execute(
        "SELECT d.*, e.body FROM delivery d JOIN event e ON e.id = d.event_id"
        " WHERE d.status = 'pending' AND d.next_at <= ? ORDER BY d.next_at, d.serial LIMIT ?",
        (now, limit + len(busy)),
    ).fetchall()
    chosen = [row for row in rows if row["serial"] not in busy][:limit]
    return [_parcel(row, config, wire) for row in chosen]


def _give_up_on_disabled(db: sqlite3.Connection, now: int) -> None:
    """A disabled webhook gets nothing; what was due is left for `/retry`."""
    db.execute(
        "UPDATE delivery SET status = 'failed', error = 'webhook disabled'"
        " WHERE status = 'pending' AND next_at <= ?"
        " AND webhook_id IN (SELECT id FROM webhook WHERE active = 0)",
        (now,),
    )


def record(
    db: sqlite3.Connection, config: LuxCoreConfig, *, serial: int, outcome: Outcome, now: int
) -> None:
    """Write an attempt to the log and set the next one, or give up after the last."""
    row = db.execute("SELECT attempts FROM delivery WHERE serial = ?", (serial,)).fetchone()
    if row is None:
        return  # its webhook was deleted meanwhile
    attempts = row["attempts"] + 1
    status, next_at = "delivered", None
    if not outcome.ok:
        status = "failed"
        if attempts < len(config.webhook_retries):
            pause = config.webhook_retries[attempts] * config.webhook_retry_scale
            status, next_at = "pending", now + round(pause * SECOND)
    db.execute(
        "UPDATE delivery SET status = ?, attempts = ?, response_code = ?, error = ?,"
        " last_attempt_at = ?, next_at = ? WHERE serial = ?",
        (status, attempts, outcome.status, outcome.error, now, next_at, serial),
    )


def _parcel(row: sqlite3.Row, config: LuxCoreConfig, wire: float) -> Parcel:
    tricks: Json = json.loads(row["tricks"])
    body: bytes = row["body"]
    stamp = int(wire - tricks.get("stale", 0))
    headers = signed(config, row["secret"], row["name"], row["event_id"], body, stamp)
    posts = [(headers, body)] * (1 + int(tricks.get("copies", 0)))
    if "forge" in tricks:
        posts.append(_forged(config, row, stamp, str(tricks["forge"])))
    return Parcel(serial=row["serial"], url=row["url"], posts=posts)


def signed(
    config: LuxCoreConfig, secret: str, name: str, event_id: str, body: bytes, stamp: int
) -> dict[str, str]:
    """The headers of one attempt (LC-A2)."""
    template = config.webhook_signed_text.encode()
    text = template.replace(b"{timestamp}", str(stamp).encode()).replace(b"{body}", body)
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "LuxCore-Webhooks/1.0",
        "X-Webhook-Signature": f"hmac_sha256={digest}",
        "X-Webhook-Timestamp": str(stamp),
        "X-Webhook-Event": name,
        "X-Webhook-Id": event_id,
    }


def _forged(
    config: LuxCoreConfig, row: sqlite3.Row, stamp: int, how: str
) -> tuple[dict[str, str], bytes]:
    """What somebody else would send: another event, claiming completion."""
    event: Json = json.loads(row["body"])
    event["id"] = f"{row['event_id']}_forged"
    if "payment" in event:
        event["payment"] |= {"status": "completed", "status_version": 99}
    body = json.dumps(event).encode()
    if how == "tampered":  # the signature is right, but for the event it was taken from
        headers = signed(config, row["secret"], row["name"], event["id"], row["body"], stamp)
        return headers, body
    headers = signed(config, "whsec_guessed", row["name"], event["id"], body, stamp)
    if how == "no_signature":
        del headers["X-Webhook-Signature"]
    return headers, body
