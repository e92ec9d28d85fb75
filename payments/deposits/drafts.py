"""What somebody wants to be paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from payments.models import PaymentRequest

# How iPay may be paid; none leaves the choice to the payer (upstreams.md §3.7).
SCHEMES: Final = {"VISA": "Visa", "MC": "Mastercard", "IPAY": "iPay", "LQR": "LankaQR"}


@dataclass(frozen=True, kw_only=True)
class DepositDraft:
    """A deposit before it is asked for. `amount` is in major units; `hosted`: on LuxCore's page."""

    upstream: str
    amount: Decimal
    currency: str
    method: str
    hosted: bool = False
    scheme: str = ""
    description: str = ""
    customer_number: str = ""
    customer_name: str = ""
    customer_email: str = ""
    customer_phone: str = ""
    customer_external_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str = ""
    webhook_events: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: PaymentRequest) -> DepositDraft:
        """The draft that would make this request again."""
        told = {name: getattr(request, name) for name in DRAFT_FIELDS}
        return cls(**(told | {"webhook_events": tuple(request.webhook_events)}))

    def values(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in DRAFT_FIELDS}
        return told | {"webhook_events": list(self.webhook_events)}


DRAFT_FIELDS: Final = tuple(field.name for field in fields(DepositDraft))
