"""Wallets and external accounts (upstreams.md §1.7, §1.8)."""

from __future__ import annotations

import json
from typing import Final

from upstreams.http import Call
from upstreams.lux.calls.base import MAX_LIMIT, Calls
from upstreams.lux.schemas import (
    CursorPage,
    ExternalAccountRecord,
    WalletBalance,
    WalletRecord,
    parse_balance,
    parse_external_account,
    parse_wallet,
)
from upstreams.money import Money

WALLETS: Final = "/wallets"
EXTERNAL: Final = "/external-accounts"


def verification_body(first: Money, second: Money) -> bytes:
    """The two small amounts that arrived, as decimal texts (LF-C11). Raises BadMoney."""
    return json.dumps({"amounts": [first.to_plain_text(), second.to_plain_text()]}).encode()


class AccountCalls(Calls):
    def create_wallet(self, body: bytes, *, idempotency_key: str) -> WalletRecord:
        """POST /wallets. For MPC, keys are made in a ceremony that follows."""
        return self._post(WALLETS, body, parse_wallet, idempotency_key=idempotency_key)

    def list_wallets(
        self,
        *,
        customer_id: str = "",
        type: str = "",
        chain: str = "",
        cursor: str = "",
        limit: int = MAX_LIMIT,
    ) -> CursorPage[WalletRecord]:
        """GET /wallets."""
        filters = {"customer_id": customer_id, "type": type, "chain": chain}
        return self._page(WALLETS, parse_wallet, limit=limit, cursor=cursor, filters=filters)

    def get_wallet(self, wallet_id: str) -> WalletRecord:
        """GET /wallets/{id}; raises NotFound."""
        return self._get(f"{WALLETS}/{{id}}", parse_wallet, id=wallet_id)

    def wallet_balance(
        self, wallet_id: str, *, currency: str = "", chain: str = ""
    ) -> WalletBalance:
        """GET /wallets/{id}/balance."""
        params = {"currency": currency.lower(), "chain": chain}
        return self._get(f"{WALLETS}/{{id}}/balance", parse_balance, params, id=wallet_id)

    def create_external_account(
        self, body: bytes, *, idempotency_key: str
    ) -> ExternalAccountRecord:
        """POST /external-accounts: a bank account begins `pending`, an address is `verified`."""
        return self._post(EXTERNAL, body, parse_external_account, idempotency_key=idempotency_key)

    def list_external_accounts(
        self,
        *,
        customer_id: str = "",
        type: str = "",
        status: str = "",
        country: str = "",
        cursor: str = "",
        limit: int = MAX_LIMIT,
    ) -> CursorPage[ExternalAccountRecord]:
        """GET /external-accounts."""
        filters = {"customer_id": customer_id, "type": type, "status": status, "country": country}
        return self._page(
            EXTERNAL, parse_external_account, limit=limit, cursor=cursor, filters=filters
        )

    def get_external_account(self, account_id: str) -> ExternalAccountRecord:
        """GET /external-accounts/{id}; raises NotFound."""
        return self._get(f"{EXTERNAL}/{{id}}", parse_external_account, id=account_id)

    def delete_external_account(self, account_id: str) -> None:
        """DELETE /external-accounts/{id}."""
        self.http.send(Call("DELETE", f"{EXTERNAL}/{{id}}", ids={"id": account_id}))

    def verify_external_account(
        self, account_id: str, body: bytes, *, idempotency_key: str
    ) -> ExternalAccountRecord:
        """POST /external-accounts/{id}/verify. Wrong amounts may count as a try: never guess."""
        return self._post(
            f"{EXTERNAL}/{{id}}/verify",
            body,
            parse_external_account,
            idempotency_key=idempotency_key,
            id=account_id,
        )
