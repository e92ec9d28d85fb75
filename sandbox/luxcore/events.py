"""Events and who gets them: registered webhooks, and the URL a payment brought along."""

import json
import sqlite3

from sandbox.clock import iso_ms
from sandbox.luxcore.webhooks import sending
from sandbox.luxcore.work import Work
from sandbox.mailing import Target
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


def emit(
    work: Work, name: str, kind: str, subject: str, thing: Json, *, extra: Json | None = None
) -> None:
    """Queue an event about `subject` for everyone subscribed; `thing` goes under `kind`.

    `extra` is a payment's own address: ``{"url": …, "events": […]}``.
    """
    if work.silent:
        return
    hooks = [hook for hook in _active(work) if name in json.loads(hook["events"])]
    targets = [Target(hook["id"], hook["url"], hook["secret"]) for hook in hooks]
    if extra and extra["url"] and name in extra["events"]:
        targets.append(Target(None, extra["url"], default_secret(work)))
    if targets:
        _queue(work, name, kind, subject, thing, targets)


def emit_to(work: Work, hook: sqlite3.Row, name: str, kind: str, thing: Json) -> str:
    """Queue an event for one webhook only; returns the event's id."""
    target = Target(hook["id"], hook["url"], hook["secret"])
    return _queue(work, name, kind, name, thing, [target])


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
    targets: list[Target],
) -> str:
    event_id = f"evt_{work.token(24)}"
    body = {
        "id": event_id,
        "event": name,
        "created_at": iso_ms(work.now),
        "merchant_id": work.config.merchant_id,
        kind: thing,
    }
    sending.mailing(work.config).queue(
        work.db,
        work.faults,
        targets,
        event_id=event_id,
        name=name,
        subject=subject,
        body=dump(body),
        now=work.now,
    )
    return event_id
