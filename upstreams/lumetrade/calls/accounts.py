"""Accounts, wallets, currencies and beneficiaries (upstreams.md §2.5–§2.7, LT-A2)."""

from __future__ import annotations

from collections.abc import Iterator

from upstreams.errors import AlreadyExists, Conflict, NotFound
from upstreams.http import Call
from upstreams.lumetrade.calls.base import API, Calls, json_body
from upstreams.lumetrade.schemas import (
    AccountRecord,
    BeneficiaryRecord,
    CurrencyRecord,
    WalletRecord,
    parse_account,
    parse_beneficiary,
    parse_currency,
    parse_wallet,
)
from upstreams.records import Batch


class AccountCalls(Calls):
    def list_accounts(self) -> Batch[AccountRecord]:
        """GET /accounts (§2.5): only currencies enabled in the jurisdiction."""
        return self._short_list(f"{API}/accounts", parse_account)

    def get_account(self, account_id: str) -> AccountRecord:
        """GET /accounts/{accountId} (§2.5); raises NotFound."""
        return self._get(f"{API}/accounts/{{id}}", parse_account, id=account_id)

    def get_account_in(self, currency: str) -> AccountRecord:
        """GET /accounts/currency/{currency} (§2.5); NotFound: no account, or not enabled."""
        path = f"{API}/accounts/currency/{{currency}}"
        return self._get(path, parse_account, currency=currency)

    def create_account(self, currency: str) -> AccountRecord:
        """POST /accounts (§2.5). NotFound: no such currency; AlreadyExists: read that one.

        Never repeated. No clear answer: Unknown, and the list of accounts shows what came of it.
        """
        body = json_body({"currency": currency})
        try:
            return self._one(Call("POST", f"{API}/accounts", body=body), parse_account)
        except Conflict as conflict:
            raise AlreadyExists(
                conflict.message,
                code="ACCOUNT_EXISTS",
                upstream=conflict.upstream,
                request_id=conflict.request_id,
            ) from conflict

    def list_wallets(
        self, *, payment_method_type: str = "", network: str = ""
    ) -> Batch[WalletRecord]:
        """GET /wallets (§2.6): where to pay in."""
        params = {"paymentMethodType": payment_method_type, "networkName": network}
        given = {name: value for name, value in params.items() if value}
        return self._short_list(f"{API}/wallets", parse_wallet, given)

    def get_wallet(self, wallet_id: str) -> WalletRecord:
        """GET /wallets/{walletId} (§2.6); raises NotFound."""
        return self._get(f"{API}/wallets/{{id}}", parse_wallet, id=wallet_id)

    def list_currencies(self) -> Batch[CurrencyRecord]:
        """GET /currencies; where that is not offered, the currencies of the accounts (LT-A2)."""
        if self.assumed.currencies:
            try:
                return self._short_list(self.assumed.currencies, parse_currency)
            except NotFound:
                pass
        accounts = self.list_accounts()
        found = [CurrencyRecord(account.currency, "", "", [], [], {}) for account in accounts.items]
        return Batch(found, accounts.refused)

    def list_beneficiaries(self, *, currency: str = "") -> Iterator[Batch[BeneficiaryRecord]]:
        """GET /beneficiaries (§2.7): the confirmed ones. As long as it likes (`_long_list`)."""
        params = {"currency": currency} if currency else None
        return self._long_list(f"{API}/beneficiaries", parse_beneficiary, params)

    def get_beneficiary(self, beneficiary_id: str) -> BeneficiaryRecord:
        """GET /beneficiaries/{beneficiaryId} (§2.7); raises NotFound."""
        return self._get(f"{API}/beneficiaries/{{id}}", parse_beneficiary, id=beneficiary_id)
