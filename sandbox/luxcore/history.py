"""What is there at the first start, and batches of payments on request.

History is made by the same deeds as the present, only silently and in the past: each payment is
created and then led through its plan, so balances and versions always agree.
"""

import random
from dataclasses import dataclass, replace

from sandbox.clock import DAY, MINUTE, SECOND
from sandbox.luxcore import balances, events, imagine
from sandbox.luxcore.api import LuxCore
from sandbox.luxcore.payments import create, lifecycle
from sandbox.luxcore.payments.create import Draft
from sandbox.luxcore.payments.methods import is_withdrawal
from sandbox.luxcore.payments.model import Payment, Step, save
from sandbox.luxcore.schema import TABLES
from sandbox.luxcore.tickets import model as tickets
from sandbox.luxcore.tickets import support
from sandbox.luxcore.webhooks import views as webhooks
from sandbox.luxcore.work import Work
from sandbox.store import read_meta, write_meta

PAYMENTS = 150
PENDING = 8
PROCESSING = 5
RARE = ("cancelled", "cancelled", "cancelled", "partial_refund", "refunded", "expired", "failed")
TICKETS = 9
SPAN = 14 * DAY
READY = "luxcore.ready"
NUMBER = "luxcore.number"


def prepare(luxcore: LuxCore, *, seed: int | None) -> None:
    """Fill a new state; an existing one is left as it is, but for the configured webhook."""
    with luxcore.store.transaction() as db:
        work = luxcore.work(db)
        if read_meta(db, READY) is None:
            write_meta(db, READY, "yes")
            _open_balances(work)
            if seed is not None:
                _write_history(work, random.Random(seed))
        _register_webhook(work)


def wipe(luxcore: LuxCore) -> None:
    with luxcore.store.transaction() as db:
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM meta WHERE key IN (?, ?)", (READY, NUMBER))
    luxcore.limiter.reset()


def _open_balances(work: Work) -> None:
    envs = {work.env, *(key.env for key in work.config.api_keys)}
    for env in sorted(envs):
        quiet = replace(work, env=env, silent=True)
        for currency, amount in work.config.opening_balances.items():
            balances.move(quiet, currency, available=amount)


def _register_webhook(work: Work) -> None:
    """The configured webhook exists and has the configured secret."""
    config = work.config
    if not config.webhook_url:
        return
    renewed = work.db.execute(
        "UPDATE webhook SET secret = ? WHERE env = ? AND url = ?",
        (config.webhook_secret, work.env, config.webhook_url),
    )
    if renewed.rowcount == 0:
        webhooks.add(
            work,
            url=config.webhook_url,
            wanted=list(events.CURRENT),
            secret=config.webhook_secret,
        )


def _write_history(work: Work, dice: random.Random) -> None:
    past = replace(work, silent=True, dice=dice)
    moments = sorted(
        imagine.moment_between(dice, work.now - SPAN, work.now) for _ in range(PAYMENTS)
    )
    payments = [_live(past.at(at), _usual_draft(past, dice)) for at in moments]
    for _ in range(PENDING):
        at = work.now - dice.randrange(1, 9) * MINUTE
        draft = _usual_draft(past, dice, outgoing=True)
        payments.append(_pending(past.at(at), draft))
    _catch_up(past)
    _add_rare(past, payments)
    _write_tickets(past, dice, payments)


def _usual_draft(past: Work, dice: random.Random, *, outgoing: bool | None = None) -> Draft:
    return imagine.draft(dice, next_number(past), outgoing=outgoing)


def next_number(work: Work) -> int:
    """Counts what the company's systems asked for; makes their references unique."""
    number = int(read_meta(work.db, NUMBER) or 0) + 1
    write_meta(work.db, NUMBER, str(number))
    return number


def _live(past: Work, draft: Draft) -> Payment:
    """Create a payment in the past, with a life drawn for it, and lead it to the present."""
    _fund(past, draft)
    payment, _ = create.create(past, draft, source="seed", plan=[])
    payment.follow(_plan(past, payment), past.now)
    save(past, payment)
    return payment


def _plan(past: Work, payment: Payment) -> list[Step]:
    dice = past.dice
    if not payment.is_withdrawal:
        ttl = create.time_to_live(past, payment)
        return imagine.deposit_plan(dice, ttl, page=payment.page_token is not None)
    if dice.random() < 0.08:
        return [(dice.randrange(1, 9) * MINUTE, "cancel", {})]
    approval = dice.randrange(10, 600) * SECOND
    return imagine.withdrawal_plan(dice, approval, 20 * SECOND)


def _pending(past: Work, draft: Draft) -> Payment:
    """A withdrawal that still waits for LuxCore's approval when the sandbox starts."""
    _fund(past, draft)
    config = past.config
    # It has waited for minutes already, and goes on waiting as long as new ones do.
    approval = round(config.traffic_approval_delay * SECOND) + 10 * MINUTE
    plan = imagine.withdrawal_plan(past.dice, approval, round(config.processing_delay * SECOND))
    payment, _ = create.create(past, draft, source="seed", plan=plan)
    return payment


def _add_rare(past: Work, payments: list[Payment]) -> None:
    """Whatever the dice said: some of each rare status, and deposits that are open right now."""
    dice = past.dice
    for status in RARE:
        at = past.at(past.now - dice.randrange(1, 12) * DAY)
        payments.append(_in_status(at, _usual_draft(at, dice, outgoing=None), status))
    for _ in range(PROCESSING):
        at = past.at(past.now - dice.randrange(5, 60) * SECOND)
        draft = _usual_draft(at, dice, outgoing=False)
        payment, _ = create.create(at, draft, source="seed", plan=[])
        payment.follow([(dice.randrange(2, 9) * MINUTE, "complete", {})], at.now)
        save(at, payment)
        payments.append(payment)


def _catch_up(past: Work, first: int = 0) -> None:
    """Carry out what was due, each deed at its own moment, from this serial number on."""
    while True:
        row = past.db.execute(
            "SELECT * FROM payment WHERE due_at <= ? AND serial > ? ORDER BY due_at LIMIT 1",
            (past.now, first),
        ).fetchone()
        if row is None:
            return
        lifecycle.carry_out(past.at(row["due_at"]), row)


def _fresh(past: Work, payments: list[Payment]) -> list[Payment]:
    return [lifecycle.reread(past, payment) for payment in payments]


def _write_tickets(past: Work, dice: random.Random, payments: list[Payment]) -> None:
    about = dice.sample(_fresh(past, payments), k=min(TICKETS, len(payments)))
    for index, payment in enumerate(about):
        at = min(past.now, payment.created_at + dice.randrange(10, 600) * MINUTE)
        then = past.at(at)
        ticket_id = tickets.create(then, imagine.ticket(dice, payment), source="seed")
        if index % 3:
            support.answer(past.at(min(past.now, at + 20 * MINUTE)), ticket_id)
        if index % 4 == 3:
            ended = past.at(min(past.now, at + 40 * MINUTE))
            tickets.move(ended, ticket_id, "closed")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How many payments, spread evenly over the last so many seconds.

    Without a `status` each lives its drawn life; with `pending` or `processing` all are open and
    stay so; with any other they have reached it.
    """

    payments: int
    spread_seconds: float = 14 * 86_400
    status: str | None = None
    type: str | None = None
    seed: int = 1


def add_batch(luxcore: LuxCore, batch: Batch) -> int:
    """Add payments without sending events, in one transaction; returns how many."""
    with luxcore.store.transaction() as db:
        (last,) = db.execute("SELECT ifnull(max(serial), 0) FROM payment").fetchone()
        dice = random.Random(f"batch {batch.seed} after {last}")  # no two batches are alike
        past = replace(luxcore.work(db), silent=True, dice=dice)
        start = past.now - round(batch.spread_seconds * SECOND)
        step = batch.spread_seconds * SECOND / max(1, batch.payments)
        for index in range(batch.payments):
            at = past.at(start + round(index * step))
            if batch.status is None:
                _live(at, _usual_draft(past, dice, outgoing=_direction(batch)))
                continue
            outgoing = True if batch.status == "pending" else _direction(batch)
            _in_status(at, _usual_draft(past, dice, outgoing=outgoing), batch.status)
        _catch_up(past, last)
    return batch.payments


def _direction(batch: Batch) -> bool | None:
    return None if batch.type is None else is_withdrawal(batch.type)


def _in_status(past: Work, draft: Draft, status: str) -> Payment:
    """One payment brought to a status, where it stays."""
    _fund(past, draft)
    payment, _ = create.create(past, draft, source="seed", plan=[])
    for deed in WAYS[status]:
        if deed == "release" and payment.status != "pending":
            continue
        lifecycle.DEEDS[deed](past, payment)
    if status == "partial_refund":
        lifecycle.refund(past, payment, max(1, payment.amount // 4))
    payment.follow([], past.now)
    save(past, payment)
    return payment


WAYS: dict[str, tuple[str, ...]] = {
    "pending": (),
    "processing": ("release",),
    "completed": ("complete",),
    "failed": ("fail",),
    "cancelled": ("cancel",),
    "expired": ("expire",),
    "refunded": ("complete", "refund"),
    "partial_refund": ("complete",),
}


def _fund(past: Work, draft: Draft) -> None:
    """Each past payout brought its own money, so history never eats up what is there now."""
    if is_withdrawal(draft.type):
        total = draft.amount + create.fee(past, draft.amount)
        balances.move(past, draft.currency, available=total)
