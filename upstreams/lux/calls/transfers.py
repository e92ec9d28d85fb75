"""Transfers (upstreams.md §1.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from upstreams.http import Call
from upstreams.lux.calls.base import MAX_LIMIT, Calls, fresh_key, iso, json_body
from upstreams.lux.schemas import (
    CursorPage,
    RouteCheck,
    TransferRecord,
    parse_route_check,
    parse_transfer,
)
from upstreams.money import Money

TRANSFERS: Final = "/transfers"


def transfer_body(
    *,
    amount: Money | None,
    on_behalf_of: str,
    source: Mapping[str, str],
    destination: Mapping[str, str],
    client_reference_id: str = "",
    developer_fee: Money | None = None,
    developer_fee_percent: str = "",
    features: Mapping[str, bool] | None = None,
) -> bytes:
    """The body of a transfer over rails; raises BadMoney. Rails and currencies leave in lower case.

    Without an amount it is a flexible one, which `features` must say.
    """
    return json_body(
        {
            "amount": amount.to_plain_text() if amount else None,
            "on_behalf_of": on_behalf_of,
            "source": _leg(source),
            "destination": _leg(destination),
            "client_reference_id": client_reference_id,
            "developer_fee": developer_fee.to_plain_text() if developer_fee else None,
            "developer_fee_percent": developer_fee_percent,
            "features": dict(features or {}),
        }
    )


def account_transfer_body(*, amount: Money, source: str, destination: str) -> bytes:
    """The body of the short form: between two accounts there (LF-C1, LF-A6). Raises BadMoney."""
    return json_body(
        {
            "amount": amount.to_plain_text(),
            "currency": amount.currency,
            "source": {"account_id": source},
            "destination": {"account_id": destination},
        }
    )


class TransferCalls(Calls):
    def create_transfer(self, body: bytes, *, idempotency_key: str) -> TransferRecord:
        """POST /transfers with these very bytes. Rejected: nothing moved, also for a customer
        who may not. No clear answer: Unknown."""
        return self._post(TRANSFERS, body, parse_transfer, idempotency_key=idempotency_key)

    def check_transfer(self, body: bytes) -> RouteCheck:
        """POST /transfers as a dry run: whether the route of this body can be taken.

        Has no effect, so it is repeated like a read. Rejected says why not.
        """
        dry = json.dumps({**json.loads(body), "dry_run": True}, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": fresh_key()}
        call = Call("POST", TRANSFERS, body=dry, headers=headers, is_safe=True)
        return self.http.one(call, parse_route_check)

    def list_transfers(
        self,
        *,
        on_behalf_of: str = "",
        state: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str = "",
        limit: int = MAX_LIMIT,
    ) -> CursorPage[TransferRecord]:
        """GET /transfers, newest first (LF-A10)."""
        filters = {
            "on_behalf_of": on_behalf_of,
            "state": state,
            "since": iso(since),
            "until": iso(until),
        }
        return self._page(TRANSFERS, parse_transfer, limit=limit, cursor=cursor, filters=filters)

    def get_transfer(self, transfer_id: str) -> TransferRecord:
        """GET /transfers/{id}; raises NotFound."""
        return self._get(f"{TRANSFERS}/{{id}}", parse_transfer, id=transfer_id)


def _leg(leg: Mapping[str, str]) -> dict[str, Any]:
    lower = {name: leg[name].lower() for name in ("payment_rail", "currency") if name in leg}
    return {**leg, **lower}
