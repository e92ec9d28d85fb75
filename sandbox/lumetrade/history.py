"""What is there at the first start.

Accounts, wallets and beneficiaries always are: nobody could make the latter over the API. A seed
adds a fortnight of movements, made by the same deeds as the present, only in the past.
"""

import random

from sandbox import plans
from sandbox.clock import DAY, MINUTE
from sandbox.lumetrade import accounts, coordinates, imagine, movements, trades
from sandbox.lumetrade.api import Lumetrade
from sandbox.lumetrade.currencies import OFFERED, price
from sandbox.lumetrade.schema import TABLES
from sandbox.lumetrade.work import Work, atoms, rounded
from sandbox.store import read_meta, write_meta

READY = "lumetrade.ready"
BENEFICIARIES = {"ZAR": 6, "USD": 3, "USDT": 2, "BTC": 1}
MOVEMENTS = 90
TRADES = 12
SPAN = 14 * DAY
RARE = ("REVERSED", "REVERSED", "FAILED", "CANCELLED", "COMPLIANCE_PENDING")


def prepare(lumetrade: Lumetrade, *, seed: int | None) -> None:
    """Fill a new state; an existing one is left as it is."""
    with lumetrade.store.transaction() as db:
        if read_meta(db, READY) is not None:
            return
        write_meta(db, READY, "yes")
        dice = random.Random(seed or 0)
        work = lumetrade.work(db, dice=dice)
        _open(work)
        if seed is not None:
            _write_history(work)


def wipe(lumetrade: Lumetrade) -> None:
    with lumetrade.store.transaction() as db:
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM meta WHERE key = ?", (READY,))
    lumetrade.limiter.reset()


def _open(work: Work) -> None:
    past = work.at(work.now - 2 * SPAN)
    for currency, amount in work.config.opening_balances.items():
        accounts.create(past, currency)
        accounts.set_available(past, currency, atoms(amount))
        offer = OFFERED[currency]
        for method in offer.get("paymentMethodTypes", []):
            coordinates.add_wallet(past, currency, method=method)
        for network in offer.get("networks", []):
            coordinates.add_wallet(past, currency, network=network)
    for currency, count in BENEFICIARIES.items():
        for _ in range(count):
            coordinates.add_beneficiary(past, currency)


def _write_history(work: Work) -> None:
    dice = work.dice
    moments = sorted(dice.randrange(work.now - SPAN, work.now) for _ in range(MOVEMENTS))
    for at in moments:
        arrive(work.at(at), source="seed", stage_delay=90)
    for _ in range(TRADES):
        then = work.at(dice.randrange(work.now - SPAN, work.now))
        exchange(then, source="seed", fill_delay=30)
    for table, move in ((movements.TABLE, movements.move), (trades.TABLE, trades.move)):
        while plans.run_due(work, table, move, limit=500):
            pass
    for stage in RARE:
        then = work.at(work.now - dice.randrange(5, 600) * MINUTE)
        made = withdrawal(then, source="seed")
        movements.move(then, made, stage, force=True)


def arrive(work: Work, *, source: str, stage_delay: float) -> None:
    """A deposit, or a withdrawal that somebody made in Lumetrade's own interface."""
    if work.dice.random() < 0.65:
        kind = "deposit"
        currency = work.dice.choices(("ZAR", "USD", "USDT", "BTC"), (6, 2, 2, 1))[0]
        amount = atoms(imagine.amount(work.dice, currency))
        made = movements.make_deposit(work, currency, amount, source=source)
    else:
        kind = "withdrawal"
        made = withdrawal(work, source=source)
    plans.follow(work, movements.TABLE, made, movements.way(work, kind, stage_delay))


def withdrawal(work: Work, *, source: str) -> str:
    """It brings its own money, so that it never eats up what the desk has."""
    rows = work.db.execute("SELECT * FROM lt_beneficiary ORDER BY serial").fetchall()
    beneficiary = work.dice.choice(rows)
    amount = atoms(imagine.amount(work.dice, beneficiary["currency"]))
    accounts.move(work, beneficiary["currency"], available=2 * amount)
    return movements.make_withdrawal(work, beneficiary, amount, source=source)


def exchange(work: Work, *, source: str, fill_delay: float) -> None:
    """Somebody trades rand for dollars or the other way."""
    sold, bought = work.dice.choice((("ZAR", "USD"), ("USD", "ZAR"), ("USD", "USDT")))
    amount = imagine.amount(work.dice, sold)
    rate = price(sold, bought)
    accounts.move(work, sold, available=atoms(amount))
    quoted = {
        "from_currency": sold,
        "to_currency": bought,
        "from_amount": atoms(amount),
        "to_amount": atoms(rounded(amount * rate, bought)),
        "rate": str(trades.shown_rate(rate)),
    }
    made = trades.make(work, quoted, source=source, rfq=False)
    plans.follow(work, trades.TABLE, made, trades.way(work, fill_delay))
