"""What somebody wants to pay out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from payments.accounts import account_key, payee_key

if TYPE_CHECKING:
    from payments.models import Withdrawal


@dataclass(frozen=True, kw_only=True)
class WithdrawalDraft:
    """What somebody wants to pay out, before it is a withdrawal. `amount` is in major units."""

    upstream: str
    amount: Decimal
    currency: str
    method: str
    recipient_name: str = ""
    bank_account: str = ""
    bank_code: str = ""
    account_type: str = ""
    tax_id: str = ""
    payid: str = ""
    payid_type: str = ""
    payee_id: str = ""
    payout_description: str = ""
    payout_reference: str = ""
    customer_name: str = ""
    customer_email: str = ""
    customer_phone: str = ""
    customer_external_id: str = ""
    description: str = ""

    @classmethod
    def of(cls, withdrawal: Withdrawal) -> WithdrawalDraft:
        """The draft that would make this withdrawal again."""
        return cls(**{name: getattr(withdrawal, name) for name in DRAFT_FIELDS})

    @property
    def account_key(self) -> str:
        """Where the money goes, in one spelling."""
        if self.payee_id:
            return payee_key(self.upstream, self.payee_id)
        return account_key(
            currency=self.currency,
            bank_account=self.bank_account,
            bank_code=self.bank_code,
            payid=self.payid,
        )

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in DRAFT_FIELDS}


DRAFT_FIELDS: Final = tuple(field.name for field in fields(WithdrawalDraft))
TEXT_FIELDS: Final = tuple(
    name for name in DRAFT_FIELDS if name not in {"upstream", "amount", "currency", "method"}
)
