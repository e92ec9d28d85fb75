"""What the payer of a deposit, or the payee of a page, needs to know, to be handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import segno
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop

from payments import facts
from payments.checks import holds
from payments.enums import Kind, PaymentStatus, Status
from payments.models import Payment, Withdrawal

# What LuxCore calls the details, in reading order, which PostgreSQL's JSON does not keep
# (upstreams.md §3.9; the last three are of an obsolete form).
_LABELS: Final[Mapping[str, str]] = {
    "bank_name": gettext_noop("Bank"),
    "account_holder": gettext_noop("Account holder"),
    "account_number": gettext_noop("Account number"),
    "bsb": "BSB",
    "swift_code": "SWIFT",
    "payid": "PayID",
    "payid_type": gettext_noop("PayID type"),
    "payid_name": gettext_noop("PayID name"),
    "reference": gettext_noop("Reference to write"),
    "purpose": gettext_noop("Purpose to write"),
    "cbu": "CBU",
    "alias": "Alias",
    "beneficiary": gettext_noop("Beneficiary"),
}
_ACCOUNT_LABELS: Final = {"ARS": "CBU", "MXN": "CLABE"}
_SAID_BESIDE: Final = ("amount", "currency")  # in minor units there; the page says it in major
_SCANNED: Final = ("payid", "account_number", "cbu")
_MOST_SCANNED: Final = 1000  # characters; a code of more is too fine for a screen


@dataclass(frozen=True)
class Handout:
    """Lines to hand on, or an address to open; never both at once as far as documented."""

    lines: list[tuple[str, str]]
    url: str
    scanned: str
    expires_at: datetime | None
    is_payout: bool = False

    @property
    def as_text(self) -> str:
        """Everything, as one would paste it into a message."""
        return "\n".join([*(f"{label}: {value}" for label, value in self.lines), self.url]).strip()


def of(payment: Payment) -> Handout | None:
    """What is to be handed on; None for what waits neither for its payer nor for its payee."""
    amount = f"{facts.plain(payment.amount, payment.currency)} {payment.currency}"
    if waits_for_payee(payment):
        return Handout(
            lines=[(gettext("Amount"), amount)],
            url=payment.page_url,
            scanned=_scanned(payment.page_url, {}),
            expires_at=payment.expires_at,
            is_payout=True,
        )
    if payment.kind != Kind.DEPOSIT or not payment.is_open:
        return None
    details = {
        name: str(value)
        for name, value in sorted(payment.counterparty.items(), key=_place)
        if value and name not in _SAID_BESIDE
    }
    if not details and not payment.page_url:
        return None
    lines = [(_label(name, payment.currency), value) for name, value in details.items()]
    return Handout(
        lines=[(gettext("Amount"), amount), *lines],
        url=payment.page_url,
        scanned=_scanned(payment.page_url, details),
        expires_at=payment.expires_at,
    )


def waits_for_payee(payment: Payment | None) -> bool:
    """Whether its payee has yet to say on LuxCore's page where the money goes.

    False for a page that nobody here has signed: it is not to be handed on.
    """
    if payment is None or payment.kind != Kind.WITHDRAWAL or not payment.hosted:
        return False
    if payment.status != PaymentStatus.CREATED or payment.account_key or not payment.page_url:
        return False
    withdrawal = getattr(payment, "withdrawal", None)
    return withdrawal is not None and withdrawal.status == Status.SENT


def why_not(withdrawal: Withdrawal) -> str:
    """Why the address of a page that waits for its payee is not handed on now; "" if it may be."""
    if found := holds.over([withdrawal])[withdrawal.pk]:
        held = {"held": holds.told(found)}
        return gettext("%(held)s Do not hand the address on: cancel the payout.") % held
    return ""


def _place(detail: tuple[str, object]) -> tuple[int, str]:
    """Where a detail stands among the lines; what is new comes last."""
    name = detail[0]
    return (list(_LABELS).index(name) if name in _LABELS else len(_LABELS)), name


def _scanned(url: str, details: Mapping[str, str]) -> str:
    text = url or next((details[name] for name in _SCANNED if name in details), "")
    return text if len(text) <= _MOST_SCANNED else ""


def drawn(found: Handout | None) -> dict[str, object]:
    """What the picture of it takes."""
    return {
        "handout": found,
        "qr": qr(found.scanned) if found and found.scanned else "",
        "now": timezone.now(),
    }


def qr(text: str) -> SafeString:
    """Draw the text as a QR code in SVG: dark on light in both themes, because cameras ask so."""
    code = segno.make(text, error="m", micro=False)
    return mark_safe(
        code.svg_inline(
            border=2,
            dark="#000",
            light="#fff",
            svgclass="qr",
            lineclass=None,
            omitsize=True,  # a viewBox instead: the stylesheet gives the size
        )
    )


def _label(name: str, currency: str) -> str:
    if name == "account_number" and currency in _ACCOUNT_LABELS:
        return _ACCOUNT_LABELS[currency]
    return gettext(_LABELS[name]) if name in _LABELS else name.replace("_", " ").capitalize()
