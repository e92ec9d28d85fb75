"""What is there at the first start.

Two accounts of ours and the sanctions lists always are. A seed adds customers in every status of
KYC, with accounts and transfers, made by the same deeds as the present, only silently and in the
past.
"""

import random
from dataclasses import replace

from sandbox import plans
from sandbox.clock import DAY, HOUR, MINUTE
from sandbox.lux import customers, externals, imagine, sanctions, transfers, wallets, webhooks
from sandbox.lux.api import Lux
from sandbox.lux.config import EVENTS, Manners
from sandbox.lux.errors import Refused
from sandbox.lux.schema import TABLES
from sandbox.lux.work import Work, text_of
from sandbox.plans import Plan, delay, follow
from sandbox.store import read_meta, write_meta
from sandbox.web import Json

READY = "lux.ready"
NUMBER = "lux.number"
# How many customers wait where, and how they came there.
WAYS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (3, ()),
    (3, ("pending",)),
    (3, ("pending", "under_review", "incomplete")),
    (9, ("pending", "under_review")),
    (4, ("pending", "under_review", "manual_review")),
    (14, ("pending", "under_review", "approved")),
    (3, ("pending", "under_review", "rejected")),
)
OWNERS_AWAITED = 2
# Some who bear the names of people on the lists.
PERSON = {"type": "individual"}
NAMESAKES: tuple[Json, ...] = (
    PERSON | {"first_name": "Ana Sofía", "last_name": "Pereira", "date_of_birth": "1991-02-08"},
    PERSON | {"first_name": "Víktor", "last_name": "Draganov", "date_of_birth": "1968-04-02"},
    {"type": "business", "business_name": "Blue Harbour Trading FZE"},
)
RARE = ("in_review", "canceled", "undeliverable", "returned", "refunded", "payment_submitted")
TRANSFERS = 14


def prepare(lux: Lux, *, seed: int | None) -> None:
    """Fill a new state; an existing one is left as it is, but for the configured webhook."""
    with lux.store.transaction() as db:
        work = replace(lux.work(db, dice=random.Random(f"lux {seed}")), silent=True)
        if read_meta(db, READY) is None:
            write_meta(db, READY, "yes")
            _open(work)
            if seed is not None:
                _write_history(work)
        _register_webhook(work)


def wipe(lux: Lux) -> None:
    with lux.store.transaction() as db:
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM meta WHERE key IN (?, ?)", (READY, NUMBER))
    lux.limiter.reset()
    lux.refused_keys.clear()
    lux.manners.__dict__.update(Manners().__dict__)


def _open(work: Work) -> None:
    for account_id, amount in work.config.opening_accounts.items():
        work.db.execute(
            "INSERT INTO lf_account (id, currency, balance) VALUES (?, 'USD', ?)",
            (account_id, text_of(amount)),
        )
    for facts in sanctions.LISTED:
        sanctions.add_listed(work.at(work.now - 90 * DAY), facts)


def _register_webhook(work: Work) -> None:
    """The configured webhook exists and has the configured secret."""
    config = work.config
    if not config.webhook_url:
        return
    renewed = work.db.execute(
        "UPDATE lf_webhook SET secret = ?, active = 1 WHERE url = ?",
        (config.webhook_secret, config.webhook_url),
    )
    if renewed.rowcount == 0:
        webhooks.add(
            work, url=config.webhook_url, wanted=list(EVENTS), secret=config.webhook_secret
        )


def _write_history(work: Work) -> None:
    dice = work.dice
    approved = []
    for count, way in WAYS:
        for _ in range(count):
            then = work.at(work.now - dice.randrange(2 * HOUR, 12 * DAY))
            made = _customer(then, way)
            if made and way[-1:] == ("approved",):
                approved.append(made)
    for number in range(OWNERS_AWAITED):
        then = work.at(work.now - dice.randrange(1, 6) * DAY)
        firm = {"type": "business", "business_name": f"Sol Energía {number + 1} SA"}
        _customer(then, ("pending", "awaiting_ubo"), **firm)
    for namesake in NAMESAKES:
        then = work.at(work.now - dice.randrange(1, 30) * HOUR)
        _customer(then, ("pending", "under_review"), **namesake)
    for customer_id in approved:
        _settle_in(work.at(work.now - DAY), customer_id)
    customers.move(work, approved[0], "suspended")
    for _ in range(TRANSFERS):
        then = work.at(work.now - dice.randrange(HOUR, DAY))
        transfer(then, source="seed", stage_delay=60)
    while plans.run_due(work, transfers.TABLE, transfers.move, limit=500):
        pass
    for state in RARE:
        then = work.at(work.now - dice.randrange(5, 600) * MINUTE)
        if made := transfer(then, source="seed", stage_delay=0):
            transfers.move(then, made, state, force=True)
            follow(then, transfers.TABLE, made, [])


def next_number(work: Work) -> int:
    """Counts invented customers; makes them differ."""
    number = int(read_meta(work.db, NUMBER) or 0) + 1
    write_meta(work.db, NUMBER, str(number))
    return number


def _customer(past: Work, way: tuple[str, ...], **changes: str) -> str | None:
    """A customer who has come this way, a few minutes for each step."""
    given = imagine.customer(past.dice, next_number(past))
    while given["type"] != changes.get("type", given["type"]):
        given = imagine.customer(past.dice, next_number(past))
    given |= changes
    made = create(past, given, source="seed")
    if made is None:
        return None
    for step, status in enumerate(way, start=1):
        then = past.at(past.now + step * past.dice.randrange(2, 30) * MINUTE)
        reasons = [past.dice.choice(imagine.REASONS)]
        customers.move_kyc(then, made, status, reasons=reasons, force=True)
    risk = past.dice.choices(("low", "medium", "high"), (6, 3, 1))[0]
    customers.set_facts(past.at(past.now + HOUR), made, risk_rating=risk)
    return made


def create(work: Work, given: Json, *, source: str) -> str | None:
    """A customer, None where somebody has this e-mail already."""
    try:
        return customers.create(work, given, source=source)
    except Refused:
        return None


def _settle_in(work: Work, customer_id: str) -> None:
    """Somebody approved has a wallet and a bank account, most of them verified."""
    dice = work.dice
    shown = customers.get(work, customer_id)
    name = shown.get("business_name") or f"{shown['first_name']} {shown['last_name']}"
    extra = ["can_hold_custody", *(["can_swift_transfer"] if dice.random() < 0.4 else [])]
    customers.set_facts(work, customer_id, endorsements=[*shown["endorsements"], *extra])
    wallet = wallets.create(
        work,
        {"customer_id": customer_id, "type": "custodial", "label": "Main", "chains": ["polygon"]},
    )
    wallets.fill(work, wallet["id"], "usdc", "polygon", imagine.amount(dice), "0.00")
    account = externals.create(work, imagine.bank_account(dice, customer_id, name))
    if dice.random() < 0.8:
        amounts = [str(amount) for amount in externals.DEPOSITS]
        externals.verify(work, account["id"], {"amounts": amounts})


def transfer(work: Work, *, source: str, stage_delay: float) -> str | None:
    """Between a verified bank account and coins, None while nobody has one who may."""
    rows = work.db.execute(
        "SELECT e.id, e.customer_id FROM lf_external e JOIN lf_customer c ON c.id = e.customer_id"
        " WHERE e.status = 'verified' AND c.status = 'active' ORDER BY e.serial"
    ).fetchall()
    if not rows:
        return None
    account = work.dice.choice(rows)
    rail_in, currency_in, rail_out, currency_out = work.dice.choice(imagine.ROUTES)
    target = (
        {"to_address": wallets.address(work.dice)}
        if rail_out in transfers.CRYPTO
        else {"external_account_id": account["id"]}
    )
    given = {
        "amount": imagine.amount(work.dice),
        "on_behalf_of": account["customer_id"],
        "client_reference_id": f"sys_{next_number(work):06}",
        "source": {"payment_rail": rail_in, "currency": currency_in},
        "destination": {"payment_rail": rail_out, "currency": currency_out, **target},
    }
    try:
        made: str = transfers.post(work, given)["id"]
    except Refused:
        return None
    work.db.execute("UPDATE lf_transfer SET source = ? WHERE id = ?", (source, made))
    plan = [(delay(work, stage_delay), stage) for stage in transfers.USUAL_WAY]
    follow(work, transfers.TABLE, made, plan if stage_delay else [])
    return made


def kyc_way(work: Work, stage_delay: float) -> Plan:
    """A newcomer opens the link and hands in documents; some are then decided about there."""
    stages = ["pending", "under_review"]
    if work.dice.random() < work.config.traffic_review_share:
        stages.append(work.dice.choices(("approved", "manual_review", "incomplete"), (3, 1, 1))[0])
    return [(delay(work, stage_delay), stage) for stage in stages]
