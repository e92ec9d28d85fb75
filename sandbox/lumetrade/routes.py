"""Every operation of upstreams.md §2."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.lumetrade import accounts, coordinates, currencies, movements, trades
from sandbox.lumetrade.errors import invalid, not_found
from sandbox.lumetrade.work import Work
from sandbox.web import Json

PREFIX = "/lumetrade"  # beside LuxCore on one port; not part of their addresses
V1 = f"{PREFIX}/api/v1"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request on its way to a view. `identity` is what the path names."""

    work: Work
    identity: str
    args: dict[str, str]
    body: Any
    idempotency_key: str


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    view: Callable[[Call], Any]
    status: int = 200  # of success


def _create_account(call: Call) -> Json:
    currency = call.body.get("currency") if isinstance(call.body, dict) else None
    if not isinstance(currency, str) or not currency:
        raise invalid(currency="must not be blank")
    return accounts.create(call.work, currency)


def _currencies(call: Call) -> list[Json]:
    if not call.work.config.offers_currencies:
        raise not_found("Resource")
    return currencies.listed()


def _beneficiaries(call: Call) -> list[Json]:
    return coordinates.beneficiaries(call.work, call.args.get("currency", ""))


def _beneficiary(call: Call) -> Json:
    return coordinates.beneficiary(call.work, call.identity)


def _withdrawal(call: Call) -> Json:
    return movements.get(call.work, "withdrawal", call.identity)


def _withdraw(call: Call) -> Json:
    return movements.withdraw(call.work, call.body, idempotency_key=call.idempotency_key)


def _account_in(call: Call) -> Json:
    return accounts.get(call.work, "currency", call.identity)


ROUTES = (
    Route("GET", "/accounts", lambda c: accounts.all_of(c.work)),
    Route("POST", "/accounts", _create_account, status=201),
    Route("GET", "/accounts/<identity>", lambda c: accounts.get(c.work, "id", c.identity)),
    Route("GET", "/accounts/currency/<identity>", _account_in),
    Route("GET", "/wallets", lambda c: coordinates.wallets(c.work, c.args)),
    Route("GET", "/wallets/<identity>", lambda c: coordinates.wallet(c.work, c.identity)),
    Route("GET", "/currencies", _currencies),
    Route("GET", "/beneficiaries", _beneficiaries),
    Route("GET", "/beneficiaries/<identity>", _beneficiary),
    Route("POST", "/beneficiaries/withdrawals", _withdraw, status=201),
    Route("GET", "/withdrawals", lambda c: movements.listed(c.work, "withdrawal")),
    Route("GET", "/withdrawals/<identity>", _withdrawal),
    Route("GET", "/deposits", lambda c: movements.listed(c.work, "deposit")),
    Route("GET", "/deposits/<identity>", lambda c: movements.get(c.work, "deposit", c.identity)),
    Route("GET", "/trades", lambda c: trades.listed(c.work)),
    Route("GET", "/trades/<identity>", lambda c: trades.get(c.work, c.identity)),
    Route("POST", "/trades/quote", lambda c: trades.quote(c.work, c.body)),
    Route("POST", "/trades/quote/confirm", lambda c: trades.confirm(c.work, c.body)),
)
