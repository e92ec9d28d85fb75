"""Where money comes in (wallets) and where it may go (beneficiaries)."""

import json
import sqlite3

from sandbox.clock import iso_ms
from sandbox.lumetrade import imagine
from sandbox.lumetrade.errors import not_found
from sandbox.lumetrade.work import Work
from sandbox.web import Json

# Which wallet and beneficiary columns a filter of theirs stands for.
WALLET_FILTERS = {"paymentMethodType": "method", "networkName": "network"}


def add_wallet(work: Work, currency: str, *, method: str = "", network: str = "") -> str:
    wallet_id = f"wal_{work.token(12).lower()}"
    if network:
        details: Json = {"address": imagine.address(work.dice, currency), "address_tag": None}
    else:
        details = {"accountName": "Lumetrade Client Funds", **imagine.zar_account(work.dice)}
    work.db.execute(
        "INSERT INTO lt_wallet (id, currency, network, method, details) VALUES (?, ?, ?, ?, ?)",
        (wallet_id, currency, network or None, method or None, json.dumps(details)),
    )
    return wallet_id


def wallets(work: Work, filters: dict[str, str]) -> list[Json]:
    where, values = ["1"], []
    for name, column in WALLET_FILTERS.items():
        if filters.get(name):
            where.append(f"{column} = ?")
            values.append(filters[name])
    rows = work.db.execute(
        f"SELECT * FROM lt_wallet WHERE {' AND '.join(where)} ORDER BY serial", values
    ).fetchall()
    return [_wallet(row) for row in rows]


def wallet(work: Work, wallet_id: str) -> Json:
    row = work.db.execute("SELECT * FROM lt_wallet WHERE id = ?", (wallet_id,)).fetchone()
    if row is None:
        raise not_found("Wallet")
    return _wallet(row)


def add_beneficiary(work: Work, currency: str, *, nickname: str = "") -> str:
    """Made and confirmed in Lumetrade's own interface, as it were."""
    beneficiary_id = f"ben_{work.token(12).lower()}"
    name, details = imagine.payee(work.dice, currency)
    work.db.execute(
        "INSERT INTO lt_beneficiary (id, currency, nickname, details, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (beneficiary_id, currency, nickname or name, json.dumps(details), work.now),
    )
    return beneficiary_id


def beneficiaries(work: Work, currency: str = "") -> list[Json]:
    rows = work.db.execute(
        "SELECT * FROM lt_beneficiary WHERE ? IN ('', currency) ORDER BY serial", (currency,)
    ).fetchall()
    return [_beneficiary(row) for row in rows]


def beneficiary(work: Work, beneficiary_id: str) -> Json:
    row = work.db.execute("SELECT * FROM lt_beneficiary WHERE id = ?", (beneficiary_id,)).fetchone()
    if row is None:
        raise not_found("Beneficiary")
    return _beneficiary(row)


def _wallet(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "currency": row["currency"],
        "depositDetails": json.loads(row["details"]),
        "networkName": row["network"],
        "paymentMethodType": row["method"],
    }


def _beneficiary(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "currency": row["currency"],
        "nickname": row["nickname"],
        "withdrawFormDetails": json.loads(row["details"]),
        "createdAt": iso_ms(row["created_at"]),
    }
