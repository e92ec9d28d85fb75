"""What of payouts, and of whom they go to, can be revealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.facts import LABELS
from payments.models import Beneficiary, Withdrawal
from payments.sight import MAY_SEE
from staff import masking, reveals
from staff.reveals import Kind, Secret


def register() -> None:
    """Say which fields are masked, and how they are read."""
    account = {
        "recipient_name": _plain("recipient_name", masking.mask_name),
        "bank_account": _plain("bank_account", masking.mask_account),
        "payid": _plain("payid", masking.mask_any),
        "tax_id": _plain("tax_id", masking.mask_account),
    }
    contact = {
        "customer_name": _plain("customer_name", masking.mask_name),
        "customer_email": _plain("customer_email", masking.mask_email),
        "customer_phone": _plain("customer_phone", masking.mask_phone),
    }
    way = {"from_address": Secret(LABELS["from_address"], _from_address, masking.mask_account)}
    for model, secrets in ((Withdrawal, account | contact | way), (Beneficiary, account)):
        reveals.register(
            Kind(
                model=model,
                secrets=secrets,
                may_see=MAY_SEE,
                page=lambda row: str(row.get_absolute_url()),
            )
        )


def _from_address(row: Any) -> str:
    return str(row.lux.get("from_address", ""))


def _plain(name: str, mask: Callable[[str], str]) -> Secret:
    def read(row: Any) -> str:
        return str(getattr(row, name))

    return Secret(LABELS[name], read, mask)
