"""Withdrawals and deposits (upstreams.md §2.8, §2.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from upstreams.http import Call
from upstreams.lumetrade.calls.base import API, Calls, json_body
from upstreams.lumetrade.schemas import (
    CreatedWithdrawal,
    DepositRecord,
    WithdrawalRecord,
    parse_created,
    parse_deposit,
    parse_withdrawal,
)
from upstreams.money import Money
from upstreams.records import Batch

CREATE_WITHDRAWAL: Final = f"{API}/beneficiaries/withdrawals"


def withdrawal_body(*, beneficiary_id: str, amount: Money) -> bytes:
    """The request body of a withdrawal: the amount as an exact JSON number; raises BadMoney."""
    return json_body({"beneficiaryId": beneficiary_id, "amount": amount})


class MovementCalls(Calls):
    def create_withdrawal(self, body: bytes, *, idempotency_key: str = "") -> CreatedWithdrawal:
        """POST /beneficiaries/withdrawals with these very bytes (§2.8), once and never again.

        NotFound: no such beneficiary. Rejected: nothing happened. Everything without a clear
        answer is Unknown, a 409 too (Conflict): look for it in `list_withdrawals` before anything
        else. The key is sent where LT-A7 says so; it protects from nothing we know of.
        """
        headers = {}
        if idempotency_key and self.assumed.send_idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        call = Call("POST", CREATE_WITHDRAWAL, body=body, headers=headers)
        return self._one(call, parse_created)

    def list_withdrawals(self) -> Iterator[Batch[WithdrawalRecord]]:
        """GET /withdrawals (§2.8): all of them, always. As long as it likes (`_long_list`)."""
        return self._long_list(f"{API}/withdrawals", parse_withdrawal)

    def get_withdrawal(self, transaction_id: str) -> WithdrawalRecord:
        """GET /withdrawals/{transactionId} (§2.8); raises NotFound."""
        return self._get(f"{API}/withdrawals/{{id}}", parse_withdrawal, id=transaction_id)

    def list_deposits(self) -> Iterator[Batch[DepositRecord]]:
        """GET /deposits (§2.9, LT-A1): all of them. As long as it likes (`_long_list`)."""
        return self._long_list(self.assumed.deposits, parse_deposit)

    def get_deposit(self, transaction_id: str) -> DepositRecord:
        """GET /deposits/{transactionId} (§2.9); raises NotFound."""
        return self._get(f"{API}/deposits/{{id}}", parse_deposit, id=transaction_id)
