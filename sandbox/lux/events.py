"""Events, who gets them and how they are written and signed (LF-A1, LF-A2)."""

import hashlib
import hmac
import json
import sqlite3

from sandbox.clock import iso_ms
from sandbox.lux.config import LuxConfig
from sandbox.lux.work import Work
from sandbox.mailing import Letter, Mailing, Target
from sandbox.web import Json, dump

SIGNATURE = "X-Lux-Signature"
TYPED = {"screening.completed": "sanctions.screening.completed"}


def emit(work: Work, name: str, thing: Json) -> None:
    """Queue an event about a thing for everyone subscribed."""
    if work.silent:
        return
    hooks = work.db.execute("SELECT * FROM lf_webhook WHERE active = 1 ORDER BY serial").fetchall()
    targets = [
        Target(hook["id"], hook["url"], hook["secret"])
        for hook in hooks
        if name in json.loads(hook["events"])
    ]
    if not targets:
        return
    event_id = work.identity("evt")
    mailing(work.config).queue(
        work.db,
        work.faults,
        targets,
        event_id=event_id,
        name=name,
        subject=str(thing["id"]),
        body=dump(_written(work, event_id, name, thing)),
        now=work.now,
    )


def _written(work: Work, event_id: str, name: str, thing: Json) -> Json:
    match work.manners.form:
        case "bare":
            return {"event": name, "data": thing}
        case "typed":
            kind = TYPED.get(name, name)
            at = iso_ms(work.now)
            return {"id": event_id, "type": kind, "createdAt": at, "data": thing}
    return {"id": event_id, "event": name, "created_at": iso_ms(work.now), "data": thing}


def mailing(config: LuxConfig) -> Mailing:
    return Mailing(
        prefix="lf_",
        retries=config.webhook_retries,
        scale=config.webhook_retry_scale,
        signature_header=SIGNATURE,
        sign=_signed,
        falsify=_falsify,
        give_up=_disable,
    )


def _signed(letter: Letter) -> dict[str, str]:
    digest = hmac.new(letter.secret.encode(), letter.body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Lux-Webhooks/1.0",
        SIGNATURE: digest,
        "X-Lux-Timestamp": str(letter.stamp),
    }


def _falsify(event: Json) -> None:
    event["data"] |= {"kyc_status": "approved", "state": "payment_processed"}


def _disable(db: sqlite3.Connection, webhook_id: str) -> None:
    """After the last failed attempt the endpoint gets nothing more [LB-OLD-ERR]."""
    db.execute("UPDATE lf_webhook SET active = 0 WHERE id = ?", (webhook_id,))
