"""Wallets and what is in them (upstreams.md §1.8)."""

import json
import random
import sqlite3
from decimal import Decimal
from typing import Any

from sandbox.clock import iso_ms
from sandbox.lux import customers
from sandbox.lux.body import Body
from sandbox.lux.errors import Refused, invalid, not_found
from sandbox.lux.lists import page
from sandbox.lux.work import Work
from sandbox.web import Json

TABLE = "lf_wallet"
TYPES = ("custodial", "mpc")
CHAINS = ("polygon", "ethereum", "arbitrum", "optimism", "base", "lux")
ENDORSEMENTS = {"custodial": "can_hold_custody", "mpc": "can_use_mpc"}
DOLLARS = ("usdc", "usdt")


def create(work: Work, given: Any, *, source: str = "api") -> Json:
    body = Body(given)
    body.require("customer_id", "type", "chains")
    kind = body.choice("type", TYPES) or ""
    chains = body.texts("chains", allowed=CHAINS)
    customers.row_of(work, body.text("customer_id") or "")
    facts: Json = {
        "label": body.text("label"),
        "chains": chains,
        "addresses": {chain: address(work.dice) for chain in chains},
    }
    if kind == "mpc":
        facts |= {"mpc_config": _mpc(body)}
    wallet_id = work.identity("wal")
    work.db.execute(
        f"INSERT INTO {TABLE} (id, customer_id, type, facts, created_at) VALUES (?, ?, ?, ?, ?)",
        (wallet_id, body.text("customer_id"), kind, json.dumps(facts), work.now),
    )
    return get(work, wallet_id)


def _mpc(body: Body) -> Json:
    config = body.mapping("mpc_config")
    threshold, parties = config.get("threshold"), config.get("parties")
    if not isinstance(threshold, int) or not isinstance(parties, int):
        raise Refused(
            400, "missing_parameter", "MPC needs a threshold and parties", key="mpc_config"
        )
    if not 1 < threshold <= parties:
        raise invalid("mpc_config", "must have a threshold from 2 to its parties")
    return {"threshold": threshold, "parties": parties, "status": "key_ceremony_pending"}


def listed(work: Work, args: dict[str, str], customer_id: str = "") -> Json:
    return page(
        work,
        TABLE,
        shape,
        args,
        {
            "customer_id = ?": customer_id or args.get("customer_id"),
            "type = ?": args.get("type"),
            "instr(facts, ?) > 0": args.get("chain") and f'"{args["chain"]}"',
        },
    )


def get(work: Work, wallet_id: str) -> Json:
    return shape(_row(work, wallet_id))


def balance(work: Work, wallet_id: str, args: dict[str, str]) -> Json:
    row = _row(work, wallet_id)
    wanted = {name: args[name].lower() for name in ("currency", "chain") if args.get(name)}
    coins = [
        coin
        for coin in json.loads(row["coins"])
        if all(coin[name] == value for name, value in wanted.items())
    ]
    total = sum((Decimal(c["balance"]) for c in coins if c["currency"] in DOLLARS), Decimal(0))
    return {
        "object": "wallet_balance",
        "wallet_id": wallet_id,
        "balances": coins,
        "total_usd": f"{total:.2f}",
    }


def fill(work: Work, wallet_id: str, currency: str, chain: str, amount: str, pending: str) -> None:
    """Put coins in, as only history and the control door may."""
    coins = json.loads(_row(work, wallet_id)["coins"])
    total = Decimal(amount) + Decimal(pending)
    coin = {"currency": currency, "chain": chain, "balance": f"{total:f}"}
    coins.append(coin | {"available": amount, "pending": pending})
    work.db.execute(f"UPDATE {TABLE} SET coins = ? WHERE id = ?", (json.dumps(coins), wallet_id))


def address(dice: random.Random) -> str:
    return "0x" + "".join(dice.choices("0123456789abcdef", k=40))


def shape(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "object": "wallet",
        "customer_id": row["customer_id"],
        "type": row["type"],
        **json.loads(row["facts"]),
        "created_at": iso_ms(row["created_at"]),
    }


def _row(work: Work, wallet_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        f"SELECT * FROM {TABLE} WHERE id = ?", (wallet_id,)
    ).fetchone()
    if row is None:
        raise not_found("Wallet", wallet_id)
    return row
