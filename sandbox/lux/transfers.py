"""Transfers: over rails for a customer, or the short form between accounts (upstreams.md §1.6)."""

import json
import sqlite3
from decimal import Decimal
from typing import Any

from sandbox.clock import iso_ms, parse_iso
from sandbox.lux import customers, events, externals
from sandbox.lux.body import Body
from sandbox.lux.config import SHORT_TRANSITIONS, TRANSFER_TRANSITIONS
from sandbox.lux.errors import Refused, conflict, invalid, not_found
from sandbox.lux.lists import page
from sandbox.lux.work import Work, cents, text_of
from sandbox.plans import Plan, delay, follow
from sandbox.web import Json

TABLE = "lf_transfer"
DOLLAR_COINS = ("usdc", "usdt")
FIAT = {
    **dict.fromkeys(("ach", "ach_push", "ach_same_day", "wire", "swift"), "usd"),
    "sepa": "eur",
    "faster_payments": "gbp",
    "pix": "brl",
    "spei": "mxn",
}
CRYPTO = {
    **dict.fromkeys(
        ("polygon", "arbitrum", "optimism", "base", "avalanche_c_chain", "solana"), DOLLAR_COINS
    ),
    "ethereum": (*DOLLAR_COINS, "dai", "pyusd"),
    "stellar": ("usdc",),
    "tron": ("usdt",),
}
IN_DOLLARS = {
    "eur": Decimal("1.09"),
    "gbp": Decimal("1.27"),
    "brl": Decimal("0.19"),
    "mxn": Decimal("0.055"),
}
TO_REVIEW = Decimal(999_999)  # stays in review until somebody decides [LB-INT]
USUAL_WAY = ("funds_received", "in_review", "payment_submitted", "payment_processed")
FEATURES = ("flexible_amount", "static_template", "allow_any_from_address")


# Making


def post(work: Work, given: Any) -> Json:
    """What POST /transfers does and answers, for a dry run too."""
    body = Body(given)
    is_short = "account_id" in body.mapping("source")
    facts = _short(work, body) if is_short else _rails(work, body)
    if body.flag("dry_run"):
        return {"state": "valid", "notes": _notes(facts, is_short)}
    made = make(work, facts, is_short=is_short, source="api")
    follow(work, TABLE, made, way(work, facts, is_short, work.config.stage_delay))
    return get(work, made)


def make(work: Work, facts: Json, *, is_short: bool, source: str) -> str:
    transfer_id = work.identity("txfr")
    if is_short:
        _debit(work, facts)
    work.db.execute(
        f"INSERT INTO {TABLE} (id, customer_id, state, is_short, facts, source, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transfer_id,
            facts.get("on_behalf_of"),
            "funds_received" if is_short else "awaiting_funds",
            is_short,
            json.dumps(facts),
            source,
            work.now,
            work.now,
        ),
    )
    events.emit(work, "transfer.created", get(work, transfer_id))
    return transfer_id


def _rails(work: Work, body: Body) -> Json:
    features = body.mapping("features")
    is_flexible = features.get("flexible_amount") is True
    body.require("on_behalf_of", "source", "destination", *(() if is_flexible else ("amount",)))
    amount = body.amount("amount")
    source, destination = _leg(body.child("source")), _leg(body.child("destination"))
    _check_target(work, body.child("destination"), destination)
    customer = customers.row_of(work, body.text("on_behalf_of") or "")
    _check_customer(work, customer, source, destination)
    if amount is not None and amount > work.config.transfer_limit:
        raise Refused(422, "limit_exceeded", "The amount is above the limit", key="amount")
    fee, percent = body.amount("developer_fee"), body.amount("developer_fee_percent")
    return {
        "amount": None if amount is None else text_of(amount),
        "currency": source["currency"],
        "on_behalf_of": customer["id"],
        "client_reference_id": body.text("client_reference_id", longest=256),
        "developer_fee": None if fee is None else text_of(fee),
        "developer_fee_percent": None if percent is None else str(percent),
        "source": source,
        "destination": destination,
        "features": {name: features.get(name) is True for name in FEATURES},
        "source_deposit_instructions": _instructions(amount, source),
    }


def _leg(body: Body) -> Json:
    body.require("payment_rail", "currency")
    rail = body.choice("payment_rail", [*FIAT, *CRYPTO]) or ""
    currency = (body.text("currency") or "").lower()
    if currency not in (CRYPTO[rail] if rail in CRYPTO else (FIAT[rail],)):
        raise Refused(
            400, "bad_request", f"{currency} does not travel by {rail}", key=body.name("currency")
        )
    return {**body.members, "payment_rail": rail, "currency": currency}


def _check_target(work: Work, body: Body, destination: Json) -> None:
    if destination["payment_rail"] in CRYPTO:
        body.require("to_address")
        return
    body.require("external_account_id")
    account = externals.get(work, str(destination["external_account_id"]))
    if account["status"] != "verified":
        raise Refused(422, "account_suspended", f"The external account is {account['status']}")


def _check_customer(work: Work, row: sqlite3.Row, *legs: Json) -> None:
    """LF-A8."""
    if row["status"] in ("suspended", "deleted"):
        raise Refused(422, "account_suspended", f"The customer is {row['status']}")
    if row["kyc_status"] != "approved":
        code = "kyc_rejected" if row["kyc_status"] == "rejected" else "kyc_required"
        raise Refused(422, code, f"KYC of the customer is {row['kyc_status']}")
    held = set(json.loads(row["facts"])["endorsements"])
    for leg in legs:
        rail = leg["payment_rail"]
        stable = "can_trade_stablecoins" if rail in CRYPTO else None
        needed = stable or work.config.rail_endorsements.get(rail)
        if needed and needed not in held:
            raise Refused(403, "endorsement_required", f"{rail} needs {needed}")


def _short(work: Work, body: Body) -> Json:
    """LF-A6."""
    if not work.config.allow_account_transfers:
        raise Refused(400, "bad_request", "Give a payment rail", key="source.payment_rail")
    body.require("amount", "currency", "source", "destination")
    amount = body.amount("amount") or Decimal(0)
    legs = {}
    for name in ("source", "destination"):
        leg = body.child(name)
        leg.require("account_id")
        legs[name] = {"account_id": leg.text("account_id")}
        _account(work, str(legs[name]["account_id"]))
    if legs["source"] == legs["destination"]:
        raise invalid("destination.account_id", "must be another account")
    return {
        "amount": text_of(amount),
        "currency": (body.text("currency") or "").upper(),
        "client_reference_id": body.text("client_reference_id", longest=256),
        **legs,
    }


def _account(work: Work, account_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        "SELECT * FROM lf_account WHERE id = ?", (account_id,)
    ).fetchone()
    if row is None:
        raise not_found("Account", account_id)
    return row


def _debit(work: Work, facts: Json) -> None:
    source = _account(work, facts["source"]["account_id"])
    amount = Decimal(facts["amount"])
    if source["currency"] != facts["currency"]:
        raise Refused(422, "unsupported_currency", "The account is in another currency")
    if Decimal(source["balance"]) < amount:
        raise Refused(422, "insufficient_funds", "The account does not hold that much")
    for account_id, sign in ((source["id"], -1), (facts["destination"]["account_id"], 1)):
        balance = Decimal(_account(work, account_id)["balance"]) + sign * amount
        work.db.execute(
            "UPDATE lf_account SET balance = ? WHERE id = ?", (text_of(balance), account_id)
        )


def _instructions(amount: Decimal | None, source: Json) -> Json:
    """Where to pay in what is to be transferred."""
    told: Json = {
        "payment_rail": source["payment_rail"],
        "amount": None if amount is None else text_of(amount),
        "currency": source["currency"],
    }
    if source["payment_rail"] in CRYPTO:
        return told | {"from_address": source.get("from_address"), "to_address": "0x" + "5a" * 20}
    told |= {"deposit_message": "LUX7F3K9", "bank_name": "Lead Bank"}
    if source["payment_rail"] == "sepa":
        iban = {"iban": "IE29AIBK93115212345678", "bic": "AIBKIE2D"}
        return told | iban | {"account_holder_name": "Lux Financial"}
    return told | {
        "bank_routing_number": "101019644",
        "bank_account_number": "215268120000",
        "bank_beneficiary_name": "Lux Financial",
    }


def _notes(facts: Json, is_short: bool) -> list[str]:
    if is_short:
        return []
    source, destination = facts["source"]["payment_rail"], facts["destination"]["payment_rail"]
    return [f"Funds are taken by {source} and paid out by {destination}"]


# Moving


def way(work: Work, facts: Json, is_short: bool, stage_delay: float) -> Plan:
    """The states to come. A dubious amount stays in review."""
    stages = USUAL_WAY[2:] if is_short else USUAL_WAY
    if facts["amount"] and Decimal(facts["amount"]) == TO_REVIEW:
        stages = USUAL_WAY[:2]
    return [(delay(work, stage_delay), stage) for stage in stages]


def may_become(row: sqlite3.Row) -> frozenset[str]:
    moves = SHORT_TRANSITIONS if row["is_short"] else TRANSFER_TRANSITIONS
    return moves.get(row["state"], frozenset())


def move(work: Work, transfer_id: str, state: str, *, force: bool = False) -> None:
    """To this state, with the papers that go with it; `force` goes against the rules."""
    row = row_of(work, transfer_id)
    if state not in may_become(row) and not force:
        raise conflict(f"{row['state']} does not become {state}")
    facts = json.loads(row["facts"])
    if state == "payment_submitted" and not row["is_short"]:
        facts["destination"]["trace_number"] = work.identity("trc")[4:].upper()
    if state == "payment_processed":
        facts["receipt"] = _receipt(work, row, facts)
    if state in ("undeliverable", "returned", "refunded"):
        facts["return_details"] = {"reason": "R03", "description": "No account, unable to locate"}
    work.db.execute(
        f"UPDATE {TABLE} SET state = ?, facts = ?, updated_at = ? WHERE id = ?",
        (state, json.dumps(facts), work.now, transfer_id),
    )
    events.emit(work, "transfer.state_changed", get(work, transfer_id))


def _receipt(work: Work, row: sqlite3.Row, facts: Json) -> Json:
    """LF-A11."""
    amount = Decimal(facts["amount"] or "100")
    if row["is_short"]:
        return {"initial_amount": text_of(amount), "final_amount": text_of(amount)}
    rails = (facts["source"]["payment_rail"], facts["destination"]["payment_rail"])
    developer_fee = Decimal(facts["developer_fee"] or 0)
    exchange_fee = cents(amount * work.config.exchange_bps / 10_000)
    gas_fee = work.config.gas_fee if any(rail in CRYPTO for rail in rails) else Decimal(0)
    subtotal = amount - developer_fee - exchange_fee
    sold, bought = (IN_DOLLARS.get(facts[leg]["currency"], 1) for leg in ("source", "destination"))
    rate = Decimal(sold) / Decimal(bought)
    return {
        "initial_amount": text_of(amount),
        "developer_fee": text_of(developer_fee),
        "exchange_fee": text_of(exchange_fee),
        "subtotal_amount": text_of(subtotal),
        "gas_fee": text_of(gas_fee),
        "final_amount": text_of(cents((subtotal - gas_fee) * rate)),
        "exchange_rate": f"{rate:.6f}",
        "url": f"{work.public_url}/lux/receipts/{row['id']}",
    }


# Showing


def listed(work: Work, args: dict[str, str]) -> Json:
    return page(
        work,
        TABLE,
        shape,
        args,
        {
            "customer_id = ?": args.get("on_behalf_of"),
            "state = ?": args.get("state"),
            "created_at >= ?": _moment(args, "since"),
            "created_at <= ?": _moment(args, "until"),
        },
    )


def _moment(args: dict[str, str], name: str) -> int | None:
    try:
        return parse_iso(args[name]) if args.get(name) else None
    except ValueError:
        raise invalid(name, "must be an ISO 8601 date", location="query") from None


def row_of(work: Work, transfer_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        f"SELECT * FROM {TABLE} WHERE id = ?", (transfer_id,)
    ).fetchone()
    if row is None:
        raise not_found("Transfer", transfer_id)
    return row


def get(work: Work, transfer_id: str) -> Json:
    return shape(row_of(work, transfer_id))


def shape(row: sqlite3.Row) -> Json:
    facts = {name: value for name, value in json.loads(row["facts"]).items() if name != "features"}
    return {
        "id": row["id"],
        "object": "transfer",
        **facts,
        "state": row["state"],
        "created_at": iso_ms(row["created_at"]),
        "updated_at": iso_ms(row["updated_at"]),
    }
