"""The control door's view of Lumetrade: every movement, and a hand on each."""

import json
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Request

from sandbox import plans
from sandbox.clock import iso_ms
from sandbox.lumetrade import accounts, coordinates, movements, trades
from sandbox.lumetrade.api import Lumetrade
from sandbox.lumetrade.work import Work, atoms
from sandbox.web import Json

FILTERS = ("kind", "status", "source", "currency", "beneficiary_id")


class LumetradeDesk:
    def __init__(self, lumetrade: Lumetrade) -> None:
        self._lumetrade = lumetrade

    def movements(self, request: Request, body: Json) -> Any:
        """Every withdrawal and deposit, oldest first."""
        found = self.ledger(args=request.args.to_dict())
        return {"total": len(found), "movements": found}

    def ledger(self, *, args: dict[str, str] | None = None, limit: int = -1) -> list[Json]:
        """What is stored; with a `limit` the newest, newest first."""
        given = {name: value for name, value in (args or {}).items() if name in FILTERS}
        where = "".join(f" AND {name} = ?" for name in given)
        order = "DESC" if limit > 0 else "ASC"
        moves = self._lumetrade.config.transitions
        with self._lumetrade.store.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM lt_movement WHERE 1{where}"
                f" ORDER BY created_at {order}, serial {order} LIMIT ?",
                [*given.values(), limit],
            ).fetchall()
        return [
            movements.shape(row)
            | {
                "kind": row["kind"],
                "source": row["source"],
                "beneficiaryId": row["beneficiary_id"],
                "idempotencyKey": row["idempotency_key"],
                "createdAt": iso_ms(row["created_at"]),
                "plan": json.loads(row["plan"]),
                "next": sorted(moves[row["kind"]].get(row["status"], ())),
            }
            for row in rows
        ]

    def move(self, request: Request, body: Json, identity: str, stage: str) -> Any:
        """To this stage; ``{"force": true}`` against the rules. What was planned is dropped."""
        with self._lumetrade.store.transaction() as db:
            work = self._lumetrade.work(db)
            is_trade = _is_trade(work, identity)
            thing = trades if is_trade else movements
            thing.move(work, identity, stage.upper(), force=bool(body.get("force")))
            plans.follow(work, thing.TABLE, identity, [])
            if is_trade:
                return trades.get(work, identity)
        return next(line for line in self.ledger() if line["transactionId"] == identity)

    def set_balance(self, request: Request, body: Json) -> Any:
        """``{"currency": "ZAR", "available": major units}``."""
        with self._lumetrade.store.transaction() as db:
            work = self._lumetrade.work(db)
            currency = str(body["currency"])
            accounts.set_available(work, currency, _atoms(body["available"]))
            return {"accounts": accounts.all_of(work)}

    def add_beneficiary(self, request: Request, body: Json) -> Any:
        """``{"currency": "ZAR", "nickname": "…"}``: made and confirmed at Lumetrade."""
        with self._lumetrade.store.transaction() as db:
            work = self._lumetrade.work(db)
            nickname = str(body.get("nickname", ""))
            made = coordinates.add_beneficiary(work, str(body["currency"]), nickname=nickname)
            return coordinates.beneficiary(work, made)

    def deposit(self, request: Request, body: Json) -> Any:
        """``{"currency": "ZAR", "amount": major units}``: somebody pays in."""
        with self._lumetrade.store.transaction() as db:
            work = self._lumetrade.work(db)
            currency = str(body["currency"])
            made = movements.make_deposit(work, currency, _atoms(body["amount"]), source="control")
            stage_delay = self._lumetrade.config.stage_delay
            plans.follow(work, movements.TABLE, made, movements.way(work, "deposit", stage_delay))
            return movements.get(work, "deposit", made)


def _atoms(number: Any) -> int:
    """The door reads fractions as floats; their text is what was written."""
    return atoms(Decimal(str(number)))


def _is_trade(work: Work, identity: str) -> bool:
    found = work.db.execute("SELECT 1 FROM lt_trade WHERE id = ?", (identity,)).fetchone()
    return found is not None
