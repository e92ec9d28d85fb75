"""The webhook endpoints. The secret is shown once, when it is made."""

import json
import sqlite3

from sandbox.clock import iso, iso_ms
from sandbox.luxcore import events
from sandbox.luxcore.call import Answer, Call, page_of, wrapped
from sandbox.luxcore.errors import BusinessError, not_found
from sandbox.luxcore.fields import Fields, Query
from sandbox.luxcore.work import Work
from sandbox.web import Json, is_webhook_url

ALGORITHMS = ("hmac_sha256",)
LOG_STATUSES = ("pending", "delivered", "failed")


def post(call: Call) -> Answer:
    url, wanted = _read(call.body, partial=False)
    secret = f"whsec_{call.work.token(32)}"
    webhook_id = add(call.work, url=url or "", wanted=wanted or [], secret=secret)
    return 201, wrapped(_shape(_get(call.work, webhook_id), secret=secret))


def add(work: Work, *, url: str, wanted: list[str], secret: str) -> str:
    webhook_id = f"wh_{work.token(16)}"
    work.db.execute(
        "INSERT INTO webhook (id, env, url, events, secret, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (webhook_id, work.env, url, json.dumps(wanted), secret, work.now),
    )
    return webhook_id


def index(call: Call) -> Answer:
    query = Query(call.args)
    limit, offset = query.page()
    status = query.choice("status", ("active", "disabled"))
    query.finish()
    where, values = "env = ?", [call.work.env]
    if status:
        where += f" AND active = {int(status == 'active')}"
    db = call.work.db
    (total,) = db.execute(f"SELECT count(*) FROM webhook WHERE {where}", values).fetchone()
    rows = db.execute(
        f"SELECT * FROM webhook WHERE {where} ORDER BY serial DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    found = [_shape(row) for row in rows]
    return 200, page_of(found, total=total, limit=limit, offset=offset)


def show(call: Call, webhook_id: str) -> Answer:
    return 200, wrapped(_shape(_get(call.work, webhook_id)))


def put(call: Call, webhook_id: str) -> Answer:
    hook = _get(call.work, webhook_id)
    url, wanted = _read(call.body, partial=True)
    call.work.db.execute(
        "UPDATE webhook SET url = ?, events = ? WHERE id = ?",
        (
            hook["url"] if url is None else url,
            hook["events"] if wanted is None else json.dumps(wanted),
            webhook_id,
        ),
    )
    return 200, wrapped(_shape(_get(call.work, webhook_id)))


def delete(call: Call, webhook_id: str) -> Answer:
    _get(call.work, webhook_id)
    call.work.db.execute("DELETE FROM webhook WHERE id = ?", (webhook_id,))
    return 204, {}


def enable(call: Call, webhook_id: str) -> Answer:
    return _switch(call, webhook_id, on=True)


def disable(call: Call, webhook_id: str) -> Answer:
    return _switch(call, webhook_id, on=False)


def _switch(call: Call, webhook_id: str, *, on: bool) -> Answer:
    _get(call.work, webhook_id)
    call.work.db.execute("UPDATE webhook SET active = ? WHERE id = ?", (on, webhook_id))
    return 200, wrapped(_shape(_get(call.work, webhook_id)))


def test(call: Call, webhook_id: str) -> Answer:
    hook = _get(call.work, webhook_id)
    if not hook["active"]:
        raise BusinessError("WEBHOOK_DISABLED", "The webhook is disabled")
    message = {"message": "This is a test event"}
    event_id = events.emit_to(call.work, hook, "webhook.test", "data", message)
    return 200, wrapped({"event_id": event_id, "event": "webhook.test"})


def log(call: Call, webhook_id: str) -> Answer:
    """The delivery log, newest first (LC-A6)."""
    _get(call.work, webhook_id)
    query = Query(call.args)
    limit, offset = query.page()
    wanted = {
        "status =": query.choice("status", LOG_STATUSES),
        "created_at >=": query.moment("created_at_from"),
        "created_at <=": query.moment("created_at_to"),
    }
    query.finish()
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(["webhook_id = ?", *(f"{name} ?" for name in given)])
    values = [webhook_id, *given.values()]
    db = call.work.db
    (total,) = db.execute(f"SELECT count(*) FROM delivery WHERE {where}", values).fetchone()
    rows = db.execute(
        f"SELECT * FROM delivery WHERE {where} ORDER BY serial DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    found = [_log_item(row) for row in rows]
    return 200, page_of(found, total=total, limit=limit, offset=offset)


def retry(call: Call, webhook_id: str) -> Answer:
    """Send the failed ones again, once each."""
    _get(call.work, webhook_id)
    cursor = call.work.db.execute(
        "UPDATE delivery SET status = 'pending', next_at = ?, held = 0, error = NULL"
        " WHERE webhook_id = ? AND status = 'failed'",
        (call.work.now, webhook_id),
    )
    return 200, wrapped({"retried": cursor.rowcount})


def _read(body: object, *, partial: bool) -> tuple[str | None, list[str] | None]:
    fields = Fields(body)
    url = fields.text("url", required=not partial, longest=2048)
    if url is not None and not is_webhook_url(url):
        fields.fault("url", "must be an HTTPS URL")
    required = not partial or fields.has("events")
    wanted = fields.texts("events", allowed=events.CURRENT, required=required)
    fields.choice("signature_algorithm", ALGORITHMS)
    fields.finish()
    return url, wanted


def _get(work: Work, webhook_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        "SELECT * FROM webhook WHERE id = ? AND env = ?", (webhook_id, work.env)
    ).fetchone()
    if row is None:
        raise not_found("WEBHOOK_NOT_FOUND", f"Webhook {webhook_id} not found")
    return row


def _shape(hook: sqlite3.Row, *, secret: str | None = None) -> Json:
    body = {
        "id": hook["id"],
        "url": hook["url"],
        "events": json.loads(hook["events"]),
        "status": "active" if hook["active"] else "disabled",
        "signature_algorithm": "hmac_sha256",
    }
    if secret is not None:
        body["secret"] = secret
    return body | {"created_at": iso(hook["created_at"])}


def _log_item(row: sqlite3.Row) -> Json:
    return {
        "id": row["event_id"],
        "event": row["name"],
        "status": row["status"],
        "attempts": row["attempts"],
        "response_code": row["response_code"],
        "last_attempt_at": _moment(row["last_attempt_at"]),
        "next_retry_at": _moment(row["next_at"]) if row["status"] == "pending" else None,
        "created_at": iso_ms(row["created_at"]),
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else iso_ms(ms)
