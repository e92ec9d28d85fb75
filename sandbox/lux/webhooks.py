"""The webhook endpoints. The secret is the caller's and never shown."""

import json
import sqlite3
from typing import Any

from sandbox.clock import iso_ms
from sandbox.lux.body import Body
from sandbox.lux.config import EVENTS
from sandbox.lux.errors import invalid, not_found
from sandbox.lux.lists import page
from sandbox.lux.work import Work
from sandbox.web import Json, is_webhook_url

TABLE = "lf_webhook"


def create(work: Work, given: Any) -> Json:
    body = Body(given)
    body.require("url", "events", "secret")
    url, wanted = body.text("url", longest=2048) or "", body.texts("events", allowed=EVENTS)
    if not is_webhook_url(url):
        raise invalid("url", "must be an HTTPS URL")
    return get(work, add(work, url=url, wanted=wanted, secret=body.text("secret") or ""))


def add(work: Work, *, url: str, wanted: list[str], secret: str) -> str:
    webhook_id = work.identity("we")
    work.db.execute(
        f"INSERT INTO {TABLE} (id, url, events, secret, created_at) VALUES (?, ?, ?, ?, ?)",
        (webhook_id, url, json.dumps(wanted), secret, work.now),
    )
    return webhook_id


def listed(work: Work, args: dict[str, str]) -> Json:
    return page(work, TABLE, shape, args)


def get(work: Work, webhook_id: str) -> Json:
    row = work.db.execute(f"SELECT * FROM {TABLE} WHERE id = ?", (webhook_id,)).fetchone()
    if row is None:
        raise not_found("Webhook", webhook_id)
    return shape(row)


def delete(work: Work, webhook_id: str) -> Json:
    get(work, webhook_id)
    work.db.execute(f"DELETE FROM {TABLE} WHERE id = ?", (webhook_id,))
    return {}


def shape(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "object": "webhook",
        "url": row["url"],
        "events": json.loads(row["events"]),
        "status": "active" if row["active"] else "disabled",
        "created_at": iso_ms(row["created_at"]),
    }
