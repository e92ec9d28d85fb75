"""Events and who gets them: registered webhooks, and the URL a payment brought along."""

import json
import sqlite3

from sandbox.clock import SECOND, iso_ms
from sandbox.luxcore.work import Work
from sandbox.store import read_meta, write_meta
from sandbox.web import Json, dump

CURRENT = (
    "payment.created",
    "payment.completed",
    "payment.failed",
    "payment.cancelled",
    "payment.refunded",
    "balance.updated",
    "merchant.updated",
    "ticket.created",
    "ticket.updated",
    "ticket.comment_added",
    "ticket.resolved",
    "ticket.closed",
)
PAYMENT_DEFAULT = (
    "payment.created",
    "payment.completed",
    "payment.failed",
    "payment.refunded",
)
HELD_FOR = 30 * SECOND  # a held event leaves by itself after this time


def emit(
    work: Work, name: str, kind: str, subject: str, thing: Json, *, extra: Json | None = None
) -> None:
    """Queue an event about `subject` for everyone subscribed; `thing` goes under `kind`.

    `extra` is a payment's own address: ``{"url": …, "events": […]}``.
    """
    if work.silent:
        return
    hooks = [hook for hook in _active(work) if name in json.loads(hook["events"])]
    targets = [(hook["id"], hook["url"], hook["secret"]) for hook in hooks]
    if extra and extra["url"] and name in extra["events"]:
        targets.append((None, extra["url"], default_secret(work)))
    if targets:
        _queue(work, name, kind, subject, thing, targets)


def emit_to(work: Work, hook: sqlite3.Row, name: str, kind: str, thing: Json) -> str:
    """Queue an event for one webhook only; returns the event's id."""
    return _queue(work, name, kind, name, thing, [(hook["id"], hook["url"], hook["secret"])])


def default_secret(work: Work) -> str:
    """The secret of the oldest active webhook (LC-A7), else one kept for the merchant."""
    hooks = _active(work)
    if hooks:
        return str(hooks[0]["secret"])
    if work.config.webhook_secret:
        return work.config.webhook_secret
    kept = read_meta(work.db, f"luxcore.default_secret.{work.env}")
    if kept is None:
        kept = f"whsec_{work.token(32)}"
        write_meta(work.db, f"luxcore.default_secret.{work.env}", kept)
    return kept


def _active(work: Work) -> list[sqlite3.Row]:
    return work.db.execute(
        "SELECT * FROM webhook WHERE env = ? AND active = 1 ORDER BY serial", (work.env,)
    ).fetchall()


def _queue(
    work: Work,
    name: str,
    kind: str,
    subject: str,
    thing: Json,
    targets: list[tuple[str | None, str, str]],
) -> str:
    event_id = f"evt_{work.token(24)}"
    body = {
        "id": event_id,
        "event": name,
        "created_at": iso_ms(work.now),
        "merchant_id": work.config.merchant_id,
        kind: thing,
    }
    work.db.execute(
        "INSERT INTO event (id, name, body) VALUES (?, ?, ?)", (event_id, name, dump(body))
    )
    # Whatever was held back to arrive out of order may go now, after this one.
    work.db.execute(
        "UPDATE delivery SET held = 0, next_at = ? WHERE subject = ? AND held = 1",
        (work.now + SECOND, subject),
    )
    for webhook_id, url, secret in targets:
        _queue_one(work, event_id, name, subject, webhook_id, url, secret)
    return event_id


def _queue_one(
    work: Work,
    event_id: str,
    name: str,
    subject: str,
    webhook_id: str | None,
    url: str,
    secret: str,
) -> None:
    due: int | None = work.now + round(
        work.config.webhook_retries[0] * work.config.webhook_retry_scale * SECOND
    )
    status, error, held = "pending", None, 0
    tricks: Json = {}
    for fault in work.faults.for_event(name):
        match fault.kind:
            case "webhook_late":
                due = work.now + round(float(fault.params.get("seconds", 5)) * SECOND)
            case "webhook_reorder":
                due, held = work.now + HELD_FOR, 1
            case "webhook_withhold":
                due, status, error = None, "failed", "withheld by a fault"
            case "webhook_duplicate":
                tricks["copies"] = int(fault.params.get("copies", 1))
            case "webhook_forge":
                tricks["forge"] = str(fault.params.get("how", "wrong_secret"))
            case "webhook_stale":
                tricks["stale"] = float(fault.params.get("seconds", 3600))
    work.db.execute(
        "INSERT INTO delivery (event_id, name, subject, webhook_id, url, secret, status, error,"
        " tricks, held, created_at, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event_id,
            name,
            subject,
            webhook_id,
            url,
            secret,
            status,
            error,
            json.dumps(tricks),
            held,
            work.now,
            due,
        ),
    )
