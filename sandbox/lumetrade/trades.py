"""Quotes, trades and their fills.

A confirmed quote is a trade whose money is locked; it is filled in two parts and then complete.
"""

import sqlite3
from decimal import Decimal
from typing import Any

from sandbox.clock import SECOND, iso_ms
from sandbox.lumetrade import accounts
from sandbox.lumetrade.currencies import OFFERED, price
from sandbox.lumetrade.errors import Refused, invalid, not_found
from sandbox.lumetrade.movements import naive
from sandbox.lumetrade.work import Work, atoms, read_amount, rounded, units
from sandbox.plans import Plan, delay, follow
from sandbox.web import Json

TABLE = "lt_trade"
INTENTS = ("indicative", "client_linked")
FILL = "FILL"  # in a plan: one of the two parts
PARTS = 2


# Quotes


def quote(work: Work, body: Any) -> Json:
    """What POST /trades/quote does and answers (LT-A10)."""
    sold, bought, given, amount = _asked(body)
    intent = body.get("quoteIntent")
    if not isinstance(intent, str) or intent.lower() not in INTENTS:
        raise invalid(quoteIntent="must be indicative or client_linked")
    rate = price(sold, bought)
    if given == "fromAmount":
        from_amount, to_amount = amount, rounded(amount * rate, bought)
    else:
        from_amount, to_amount = rounded(amount / rate, sold), amount
    expires_at = work.now + round(work.config.quote_ttl * SECOND)
    shown = {
        "quoteStr": None,
        "fromCurrency": sold,
        "toCurrency": bought,
        "fromAmount": units(atoms(from_amount)),
        "toAmount": units(atoms(to_amount)),
        "rate": shown_rate(rate),
        "isRateInverted": rate < 1,
        "expiresAt": iso_ms(expires_at),
    }
    if intent.lower() == "client_linked":
        shown["quoteStr"] = f"Q-{work.token(24)}"
        work.db.execute(
            "INSERT INTO lt_quote (reference, from_currency, to_currency, from_amount, to_amount,"
            " rate, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(shown["quoteStr"], sold, bought, atoms(from_amount), atoms(to_amount)),
                *(str(shown["rate"]), expires_at),
            ),
        )
    return shown


def confirm(work: Work, body: Any) -> Json:
    """What POST /trades/quote/confirm does and answers: the trade, without its fills."""
    sold, bought, given, amount = _asked(body)
    found = work.db.execute(
        "SELECT * FROM lt_quote WHERE reference = ?", (str(body.get("quoteStr")),)
    ).fetchone()
    if found is None:
        raise invalid(quoteStr="is not known")
    column = "from_amount" if given == "fromAmount" else "to_amount"
    same = (found["from_currency"], found["to_currency"]) == (sold, bought)
    if not same or found[column] != atoms(amount):
        raise invalid(quoteStr="belongs to another exchange")
    if found["used"] or found["expires_at"] <= work.now:
        raise Refused(409, "The quote has expired")
    trade_id = make(work, found, source="api", rfq=True)
    work.db.execute("UPDATE lt_quote SET used = 1 WHERE reference = ?", (found["reference"],))
    follow(work, TABLE, trade_id, way(work, work.config.fill_delay))
    shown = get(work, trade_id)
    del shown["fills"]
    return shown


def _asked(body: Any) -> tuple[str, str, str, Decimal]:
    """Both currencies, which amount was given, and it."""
    if not isinstance(body, dict):
        raise invalid(body="must be an object")
    sold, bought = body.get("fromCurrency"), body.get("toCurrency")
    for name, currency in (("fromCurrency", sold), ("toCurrency", bought)):
        if currency not in OFFERED:
            raise invalid(**{name: "is not supported"})
    if sold == bought:
        raise invalid(toCurrency="must be another currency")
    given = [name for name in ("fromAmount", "toAmount") if body.get(name) is not None]
    if len(given) != 1:
        raise invalid(fromAmount="exactly one of fromAmount and toAmount must be given")
    (name,) = given
    amount = read_amount(body[name], str(sold if name == "fromAmount" else bought))
    if amount is None:
        raise invalid(**{name: "must be a positive number"})
    return str(sold), str(bought), name, amount


def shown_rate(rate: Decimal) -> Decimal:
    """Written the way that is above one."""
    return (rate if rate >= 1 else 1 / rate).quantize(Decimal("0.000001"))


# Trades


def make(work: Work, quoted: Any, *, source: str, rfq: bool) -> str:
    """A trade at the price of a quote, its money locked."""
    accounts.lock(work, quoted["from_currency"], quoted["from_amount"])
    trade_id = f"TID{work.token(13)}"
    names = ("from_currency", "to_currency", "from_amount", "to_amount", "rate")
    work.db.execute(
        "INSERT INTO lt_trade (id, from_currency, to_currency, from_amount, to_amount, rate, rfq,"
        " status, source, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)",
        (trade_id, *(quoted[name] for name in names), rfq, source, work.now),
    )
    return trade_id


def way(work: Work, fill_delay: float) -> Plan:
    plan: Plan = [(delay(work, fill_delay), FILL) for _ in range(PARTS)]
    plan.append((0, "COMPLETED"))
    if work.dice.random() < work.config.reversal_share:
        plan.append((delay(work, work.config.reversal_delay), "REVERSED"))
    return plan


def move(work: Work, trade_id: str, stage: str, *, force: bool = False) -> None:
    """To this stage, with what it does to the accounts; a forced one does nothing to them."""
    row = _row(work, trade_id)
    if stage == FILL:
        _fill(work, row)
        return
    if stage not in work.config.transitions["trade"].get(row["status"], ()) and not force:
        raise Refused(409, f"{row['status']} does not become {stage}")
    if stage == "COMPLETED":
        while _fill(work, row):
            pass
    elif stage in ("CANCELLED", "REVERSED"):
        _undo(work, row)
    work.db.execute(
        "UPDATE lt_trade SET status = ?, completed_at = ? WHERE id = ?",
        (stage, work.now if stage == "COMPLETED" else row["completed_at"], trade_id),
    )


def _fill(work: Work, row: sqlite3.Row) -> bool:
    """Carry out the next part; False when nothing is left."""
    done, sold, bought = work.db.execute(
        "SELECT count(*), ifnull(sum(from_amount), 0), ifnull(sum(to_amount), 0)"
        " FROM lt_fill WHERE trade_id = ?",
        (row["id"],),
    ).fetchone()
    if done == PARTS:
        return False
    share = PARTS - done
    from_part = (row["from_amount"] - sold) // share
    to_part = (row["to_amount"] - bought) // share
    work.db.execute(
        "INSERT INTO lt_fill (id, trade_id, from_amount, to_amount, status, created_at,"
        " modified_at) VALUES (?, ?, ?, ?, 'COMPLETED', ?, ?)",
        (f"FID{work.token(13)}", row["id"], from_part, to_part, work.now, work.now),
    )
    accounts.move(work, row["from_currency"], locked=-from_part)
    accounts.move(work, row["to_currency"], available=to_part)
    return True


def _undo(work: Work, row: sqlite3.Row) -> None:
    """Give back what was filled, and free what was not."""
    sold, bought = work.db.execute(
        "SELECT ifnull(sum(from_amount), 0), ifnull(sum(to_amount), 0)"
        " FROM lt_fill WHERE trade_id = ?",
        (row["id"],),
    ).fetchone()
    left = row["from_amount"] - sold
    accounts.move(work, row["from_currency"], available=row["from_amount"], locked=-left)
    accounts.move(work, row["to_currency"], available=-bought)
    work.db.execute(
        "UPDATE lt_fill SET status = 'REVERSED', modified_at = ? WHERE trade_id = ?",
        (work.now, row["id"]),
    )


# Showing


def listed(work: Work) -> list[Json]:
    """All of them, newest first, with their fills."""
    rows = work.db.execute("SELECT * FROM lt_trade ORDER BY created_at DESC, serial DESC")
    fills: dict[str, list[sqlite3.Row]] = {}
    for fill in work.db.execute("SELECT * FROM lt_fill ORDER BY serial"):
        fills.setdefault(fill["trade_id"], []).append(fill)
    return [shape(row, fills.get(row["id"], [])) for row in rows.fetchall()]


def get(work: Work, trade_id: str) -> Json:
    row = _row(work, trade_id)
    fills = work.db.execute(
        "SELECT * FROM lt_fill WHERE trade_id = ? ORDER BY serial", (trade_id,)
    ).fetchall()
    return shape(row, fills)


def shape(row: sqlite3.Row, fills: list[sqlite3.Row]) -> Json:
    currencies = (row["from_currency"], row["to_currency"])
    return {
        "transactionId": row["id"],
        "status": row["status"],
        "fromCurrency": row["from_currency"],
        "toCurrency": row["to_currency"],
        "fromAmount": units(row["from_amount"]),
        "toAmount": units(row["to_amount"]),
        "rate": Decimal(row["rate"]),
        "isRateInverted": row["from_amount"] > row["to_amount"],
        "isRfq": bool(row["rfq"]),
        "createdAt": iso_ms(row["created_at"]),
        "completedAt": naive(row["completed_at"]),
        "fills": [_fill_shape(fill, *currencies) for fill in fills],
    }


def _fill_shape(row: sqlite3.Row, sold: str, bought: str) -> Json:
    return {
        "transactionId": row["id"],
        "fromCurrency": sold,
        "fromCurrencyAmount": units(row["from_amount"]),
        "toCurrency": bought,
        "toCurrencyAmount": units(row["to_amount"]),
        "status": row["status"],
        "createdAt": iso_ms(row["created_at"]),
        "modifiedAt": iso_ms(row["modified_at"]),
    }


def _row(work: Work, trade_id: str) -> sqlite3.Row:
    row = work.db.execute("SELECT * FROM lt_trade WHERE id = ?", (trade_id,)).fetchone()
    if row is None:
        raise not_found("Trade")
    found: sqlite3.Row = row
    return found
