"""Every operation of upstreams.md §1.5 to §1.11."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.lux import customers, documents, externals, sanctions, transfers, wallets, webhooks
from sandbox.lux.lists import page
from sandbox.lux.work import Work
from sandbox.web import Json

PREFIX = "/lux"  # beside LuxCore on one port; not part of their addresses
V0 = f"{PREFIX}/v0"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request on its way to a view. `identity` is what the path names."""

    work: Work
    identity: str
    args: dict[str, str]
    body: Any
    parts: dict[str, str] = field(default_factory=dict)  # of the path, beside the identity


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    view: Callable[[Call], Any]
    status: int = 200  # of success
    is_file: bool = False


def _customers(call: Call) -> Json:
    """Deleted ones only when they are asked for (LF-A7)."""
    status = call.args.get("status")
    return page(
        call.work,
        customers.TABLE,
        lambda row: customers.shown(call.work, row),
        call.args,
        {
            "status = ?": status,
            "status != ?": None if status else "deleted",
            "kyc_status = ?": call.args.get("kyc_status"),
        },
    )


def _create_customer(call: Call) -> Json:
    return customers.get(call.work, customers.create(call.work, call.body))


def _submit(call: Call) -> Json:
    made = customers.submit(call.work, call.identity, call.body)
    pictures = {name: call.body[name] for name in customers.PICTURES if call.body.get(name)}
    documents.keep(call.work, made["id"], pictures)
    return made


def _picture(call: Call) -> documents.Kept | documents.Imagined:
    parts = call.parts
    return documents.picture(call.work, call.identity, parts["submission"], parts["picture"])


def _customer_wallets(call: Call) -> Json:
    customers.row_of(call.work, call.identity)
    return wallets.listed(call.work, call.args, call.identity)


def _customer_accounts(call: Call) -> Json:
    customers.row_of(call.work, call.identity)
    return externals.listed(call.work, call.args, call.identity)


ROUTES = (
    Route("POST", "/customers", _create_customer, status=201),
    Route("GET", "/customers", _customers),
    Route("GET", "/customers/<identity>", lambda c: customers.get(c.work, c.identity)),
    Route("PATCH", "/customers/<identity>", lambda c: customers.update(c.work, c.identity, c.body)),
    Route("DELETE", "/customers/<identity>", lambda c: customers.delete(c.work, c.identity)),
    Route(
        "POST",
        "/customers/<identity>/kyc",
        _submit,
        status=201,
    ),
    Route("GET", "/customers/<identity>/kyc", lambda c: documents.listed(c.work, c.identity)),
    Route("GET", "/customers/<identity>/kyc/<submission>/<picture>", _picture, is_file=True),
    Route("GET", "/customers/<identity>/wallets", _customer_wallets),
    Route("GET", "/customers/<identity>/external-accounts", _customer_accounts),
    Route("POST", "/wallets", lambda c: wallets.create(c.work, c.body), status=201),
    Route("GET", "/wallets", lambda c: wallets.listed(c.work, c.args)),
    Route("GET", "/wallets/<identity>", lambda c: wallets.get(c.work, c.identity)),
    Route(
        "GET", "/wallets/<identity>/balance", lambda c: wallets.balance(c.work, c.identity, c.args)
    ),
    Route("POST", "/external-accounts", lambda c: externals.create(c.work, c.body), status=201),
    Route("GET", "/external-accounts", lambda c: externals.listed(c.work, c.args)),
    Route("GET", "/external-accounts/<identity>", lambda c: externals.get(c.work, c.identity)),
    Route(
        "DELETE",
        "/external-accounts/<identity>",
        lambda c: externals.delete(c.work, c.identity),
        status=204,
    ),
    Route(
        "POST",
        "/external-accounts/<identity>/verify",
        lambda c: externals.verify(c.work, c.identity, c.body),
    ),
    Route("POST", "/transfers", lambda c: transfers.post(c.work, c.body), status=201),
    Route("GET", "/transfers", lambda c: transfers.listed(c.work, c.args)),
    Route("GET", "/transfers/<identity>", lambda c: transfers.get(c.work, c.identity)),
    Route("POST", "/sanctions/screen", lambda c: sanctions.screen(c.work, c.body)),
    Route("POST", "/sanctions/screen/batch", lambda c: sanctions.screen_batch(c.work, c.body)),
    Route("GET", "/sanctions/screenings", lambda c: sanctions.listed(c.work, c.args)),
    Route("GET", "/sanctions/screenings/<identity>", lambda c: sanctions.get(c.work, c.identity)),
    Route("GET", "/sanctions/sources", lambda c: sanctions.sources(c.work)),
    Route("POST", "/sanctions/sources/refresh", lambda c: sanctions.refresh(c.work)),
    Route("POST", "/webhooks", lambda c: webhooks.create(c.work, c.body), status=201),
    Route("GET", "/webhooks", lambda c: webhooks.listed(c.work, c.args)),
    Route(
        "DELETE", "/webhooks/<identity>", lambda c: webhooks.delete(c.work, c.identity), status=204
    ),
)
