"""The control door's view of LuxCore: the whole ledger, and a hand on each payment."""

import json
from collections import Counter
from typing import Any

from werkzeug.wrappers import Request

from sandbox.clock import iso, iso_ms, iso_or_none
from sandbox.luxcore import balances, events, history
from sandbox.luxcore.api import LuxCore
from sandbox.luxcore.balances import COLUMNS
from sandbox.luxcore.config import SCOPES, ApiKey
from sandbox.luxcore.errors import not_found
from sandbox.luxcore.payments import disorder, lifecycle, shapes
from sandbox.luxcore.payments.model import from_row, get
from sandbox.luxcore.tickets import model as tickets
from sandbox.luxcore.tickets import support
from sandbox.web import Json

FILTERS = ("status", "source", "type", "currency", "env")


class LuxCoreDesk:
    def __init__(self, luxcore: LuxCore) -> None:
        self._luxcore = luxcore

    # Payments

    def seed(self, request: Request, body: Json) -> Json:
        """``{"payments": 5000, "spread_seconds": …, "status": …, "type": …, "seed": …}``."""
        batch = history.Batch(
            payments=int(body["payments"]),
            spread_seconds=float(body.get("spread_seconds", 14 * 86_400)),
            status=_known(body.get("status"), lifecycle.STATUSES),
            type=body.get("type"),
            seed=int(body.get("seed", 1)),
        )
        return {"added": history.add_batch(self._luxcore, batch)}

    def payments(self, request: Request, body: Json) -> Json:
        """Every payment, oldest first, and how many there are of each reference."""
        found = self.ledger(args=request.args.to_dict())
        counts = Counter(payment["merchant_reference"] for payment in found)
        return {"total": len(found), "references": counts, "payments": found}

    def payment(self, request: Request, body: Json, payment_id: str) -> Json:
        found = self.ledger(args={"id": payment_id})
        if not found:
            raise not_found("PAYMENT_NOT_FOUND", f"Payment {payment_id} not found")
        return found[0]

    def ledger(self, *, args: dict[str, str] | None = None, limit: int = -1) -> list[Json]:
        """What is stored of payments; with a `limit` the newest, newest first."""
        given = args or {}
        where, values = ["1"], []
        for name in (*FILTERS, "id"):
            if name in given:
                where.append(f"p.{name} = ?")
                values.append(given[name])
        if "reference" in given:
            where.append("p.merchant_reference = ?")
            values.append(given["reference"])
        order = "DESC" if limit > 0 else "ASC"
        with self._luxcore.store.transaction() as db:
            rows = db.execute(
                f"{shapes.SELECT} WHERE {' AND '.join(where)}"
                f" ORDER BY p.created_at {order}, p.serial {order} LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [_ledger_line(row) for row in rows]

    def act(self, request: Request, body: Json, payment_id: str, deed: str) -> Json:
        """Do one of `lifecycle.DEEDS`; `refund` takes an amount, `fail` a code and message.

        Or one of `disorder.DEEDS`; `change` takes the members to write over.
        """
        action = lifecycle.DEEDS.get(deed) or disorder.DEEDS.get(deed)
        if action is None or deed == "hold":
            raise not_found("UNKNOWN_DEED", f"There is no {deed}")
        with self._luxcore.store.transaction() as db:
            work = self._luxcore.work(db)
            row = db.execute("SELECT * FROM payment WHERE id = ?", (payment_id,)).fetchone()
            payment = get(work, payment_id) if row is None else from_row(row)
            action(work.of(payment.env), payment, **_arguments(deed, body))
        self._luxcore.wake.set()
        return self.payment(request, body, payment_id)

    # Money

    def balances(self, request: Request, body: Json) -> Json:
        with self._luxcore.store.transaction() as db:
            rows = db.execute("SELECT * FROM balance ORDER BY env, currency").fetchall()
        names = ("env", "currency", *COLUMNS)
        return {"balances": [{name: row[name] for name in names} for row in rows]}

    def set_balance(self, request: Request, body: Json) -> Json:
        """``{"currency": "ARS", "available": minor units}``."""
        with self._luxcore.store.transaction() as db:
            work = self._luxcore.work(db)
            balances.set_available(work, str(body["currency"]), int(body["available"]))
        self._luxcore.wake.set()
        return self.balances(request, body)

    # Events

    def events(self, request: Request, body: Json) -> Json:
        """Every delivery with its event, oldest first."""
        with self._luxcore.store.transaction() as db:
            rows = db.execute(
                "SELECT d.*, e.body FROM delivery d JOIN event e ON e.id = d.event_id"
                " ORDER BY d.serial"
            ).fetchall()
        found = [
            {
                "id": row["event_id"],
                "event": row["name"],
                "url": row["url"],
                "webhook_id": row["webhook_id"],
                "status": row["status"],
                "attempts": row["attempts"],
                "response_code": row["response_code"],
                "error": row["error"],
                "body": json.loads(row["body"]),
            }
            for row in rows
        ]
        return {"total": len(found), "events": found}

    def tell(self, request: Request, body: Json) -> Json:
        """``{"event": "payment.completed", "payment": {…}}``: say it, whether it is so or not."""
        payment = dict(body["payment"])
        with self._luxcore.store.transaction() as db:
            work = self._luxcore.work(db)
            events.emit(work, str(body["event"]), "payment", str(payment.get("id")), payment)
        self._luxcore.wake.set()
        return {"told": body["event"]}

    # Tickets

    def tickets(self, request: Request, body: Json) -> Json:
        with self._luxcore.store.transaction() as db:
            work = self._luxcore.work(db)
            rows = db.execute("SELECT * FROM ticket ORDER BY serial").fetchall()
            found = [tickets.shape(work, row) | {"source": row["source"]} for row in rows]
        return {"total": len(found), "tickets": found}

    def act_on_ticket(self, request: Request, body: Json, ticket_id: str, deed: str) -> Json:
        """`answer` (``{"content": …}``), or a move: `start`, `resolve`, `close`, `reopen`."""
        moves = {
            "start": "in_progress",
            "resolve": "resolved",
            "close": "closed",
            "reopen": "open",
        }
        with self._luxcore.store.transaction() as db:
            work = self._luxcore.work(db)
            if deed == "answer":
                support.answer(work, ticket_id, body.get("content"))
            elif deed in moves:
                tickets.move(work, ticket_id, moves[deed])
            else:
                raise not_found("UNKNOWN_DEED", f"There is no {deed}")
            shown = tickets.shape(work, tickets.get(work, ticket_id))
        self._luxcore.wake.set()
        return shown

    # Keys

    def add_key(self, request: Request, body: Json) -> Json:
        """``{"key": …, "scopes": […]}``; all scopes when none are named."""
        scopes = frozenset(body.get("scopes") or SCOPES)
        self._luxcore.doorkeeper.keys.add(ApiKey(str(body["key"]), scopes))
        return {"key": body["key"], "scopes": sorted(scopes)}

    def revoke_key(self, request: Request, body: Json, key: str) -> Json:
        return {"revoked": self._luxcore.doorkeeper.keys.revoke(key)}


def _known(value: Any, allowed: tuple[str, ...]) -> str | None:
    if value is not None and value not in allowed:
        raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
    return None if value is None else str(value)


def _arguments(deed: str, body: Json) -> Json:
    names = {
        "refund": ("amount",),
        "fail": ("error_code", "error_message"),
        "force": ("status",),
        "change": disorder.CHANGEABLE,
    }
    return {name: body[name] for name in names.get(deed, ()) if name in body}


def _ledger_line(row: Any) -> Json:
    payment = from_row(row)
    return {
        "transaction_id": payment.id,
        "env": payment.env,
        "source": payment.source,
        "merchant_reference": payment.merchant_reference,
        "status": payment.status,
        "status_version": payment.status_version,
        "type": payment.type,
        "method": payment.method,
        "currency": payment.currency,
        "amount": payment.amount,
        "fee": payment.fee,
        "refunded_amount": payment.refunded,
        "payout": payment.payout,
        "description": payment.description,
        "customer_id": payment.customer_id,
        "customer_name": row["c_name"],
        "customer_email": row["c_email"],
        "error_code": payment.error_code,
        "created_at": iso(payment.created_at),
        "confirmed_at": iso_or_none(payment.confirmed_at),
        "expires_at": iso_or_none(payment.expires_at),
        "due_at": None if payment.due_at is None else iso_ms(payment.due_at),
        "next": payment.plan[0][1] if payment.plan else None,
    }
