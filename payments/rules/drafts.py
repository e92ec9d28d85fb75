"""What somebody wants to pay out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from payments.accounts import account_key, payee_key

if TYPE_CHECKING:
    from payments.models import Withdrawal


@dataclass(frozen=True, kw_only=True)
class WithdrawalDraft:
    """What somebody wants to pay out, before it is a withdrawal. `amount` is in major units.

    `hosted`: the payee says on LuxCore's own page where the money goes, so nothing of that is here.
    """

    upstream: str
    amount: Decimal
    currency: str
    method: str
    hosted: bool = False
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
    customer_number: str = ""
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str = ""
    webhook_events: tuple[str, ...] = ()
    lux: Mapping[str, str] = field(default_factory=dict)  # see `rules.lux.Terms`

    @classmethod
    def of(cls, withdrawal: Withdrawal) -> WithdrawalDraft:
        """The draft that would make this withdrawal again."""
        return cls.from_values({name: getattr(withdrawal, name) for name in DRAFT_FIELDS})

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> WithdrawalDraft:
        """The draft of which these are the `values()`; what is not among them is not told."""
        events = tuple(values.get("webhook_events", ()))
        return cls(**{**values, "webhook_events": events})

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
        told = {name: getattr(self, name) for name in DRAFT_FIELDS}
        return told | {"webhook_events": list(self.webhook_events), "lux": dict(self.lux)}


DRAFT_FIELDS: Final = tuple(field.name for field in fields(WithdrawalDraft))
_NOT_TEXTS: Final = frozenset(
    {"upstream", "amount", "currency", "method", "hosted", "metadata", "webhook_events", "lux"}
)
TEXT_FIELDS: Final = tuple(name for name in DRAFT_FIELDS if name not in _NOT_TEXTS)
