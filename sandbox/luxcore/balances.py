"""What the merchant owns: available and frozen money per currency (LC-BAL, LC-A8).

The endpoints are at the end; the rest moves money and shows it.
"""

from sandbox.luxcore import events
from sandbox.luxcore.call import Answer, Call
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.fields import Query
from sandbox.luxcore.work import Work
from sandbox.web import Json

TYPES = ("main", "deposit", "withdrawal", "commission", "frozen")
CURRENCIES = ("ARS", "AUD", "LKR", "MXN", "TRY", "UYU")
COLUMNS = ("available", "frozen", "deposited", "withdrawn", "commission")


def move(
    work: Work,
    currency: str,
    *,
    available: int = 0,
    frozen: int = 0,
    deposited: int = 0,
    withdrawn: int = 0,
    commission: int = 0,
) -> None:
    """Add to (or take from) the parts of a balance, and tell who listens."""
    work.db.execute(
        "INSERT INTO balance (env, currency, available, frozen, deposited, withdrawn, commission)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (env, currency) DO UPDATE SET"
        " available = available + excluded.available, frozen = frozen + excluded.frozen,"
        " deposited = deposited + excluded.deposited, withdrawn = withdrawn + excluded.withdrawn,"
        " commission = commission + excluded.commission",
        (work.env, currency, available, frozen, deposited, withdrawn, commission),
    )
    if not work.silent:
        events.emit(work, "balance.updated", "balance", currency, record(work, currency, "main"))


def freeze(work: Work, currency: str, amount: int) -> None:
    """Set money aside for a withdrawal, or refuse with `INSUFFICIENT_BALANCE`."""
    if _read(work, currency)["available"] < amount:
        raise BusinessError("INSUFFICIENT_BALANCE", f"Insufficient {currency} balance")
    move(work, currency, available=-amount, frozen=amount)


def set_available(work: Work, currency: str, amount: int) -> None:
    """Make the available money this much, as only the control door may."""
    move(work, currency, available=amount - _read(work, currency)["available"])


def record(work: Work, currency: str, balance_type: str) -> Json:
    """One entry of the list of balances. Amounts are strings of minor units."""
    have = _read(work, currency)
    available, frozen = have["available"], 0
    match balance_type:
        case "main":
            frozen = have["frozen"]
        case "deposit":
            available = have["deposited"]
        case "withdrawal":
            available = have["withdrawn"]
        case "commission":
            available = have["commission"]
        case "frozen":
            available, frozen = 0, have["frozen"]
    return {
        "currency": currency,
        "balance_type": balance_type,
        "balance_amount": str(available + frozen),
        "available_amount": str(available),
        "frozen_amount": str(frozen),
    }


def one(work: Work, currency: str, balance_type: str) -> Json:
    found = record(work, currency, balance_type)
    return {
        "success": True,
        "merchant_id": work.config.merchant_id,
        **found,
        "new_balance": int(found["balance_amount"]),
        "available_balance": int(found["available_amount"]),
    }


def all_of(work: Work) -> Json:
    rows = work.db.execute(
        "SELECT currency FROM balance WHERE env = ? ORDER BY currency", (work.env,)
    ).fetchall()
    found = [record(work, row["currency"], "main") for row in rows]
    return {
        "success": True,
        "merchant_id": work.config.merchant_id,
        "total_balances": len(found),
        "balances": found,
    }


def _read(work: Work, currency: str) -> dict[str, int]:
    row = work.db.execute(
        "SELECT * FROM balance WHERE env = ? AND currency = ?", (work.env, currency)
    ).fetchone()
    return {name: 0 if row is None else int(row[name]) for name in COLUMNS}


def show(call: Call) -> Answer:
    query = Query(call.args)
    balance_type = query.choice("balance_type", TYPES) or "main"
    query.finish()
    currency = call.args.get("currency") or "MXN"
    if currency not in CURRENCIES:
        raise BusinessError("UNSUPPORTED_CURRENCY", f"Currency {currency} is not supported")
    return 200, one(call.work, currency, balance_type)


def index(call: Call) -> Answer:
    return 200, all_of(call.work)


def show_merchant(call: Call, merchant_id: str) -> Answer:
    _check_merchant(call, merchant_id)
    return show(call)


def index_merchant(call: Call, merchant_id: str) -> Answer:
    _check_merchant(call, merchant_id)
    return index(call)


def _check_merchant(call: Call, merchant_id: str) -> None:
    if merchant_id != str(call.work.config.merchant_id):
        raise BusinessError("FORBIDDEN", "This merchant is not yours", status=403)
