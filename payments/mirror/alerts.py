"""What the mirror calls people for. Collected, and raised once every row has been written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from payments.intent import Difference
from payments.models import Payment, PaymentRequest, Withdrawal
from staff import audit
from upstreams import alarms, outbox
from upstreams.enums import Upstream

BY_LABEL = "Lightdesk"


@dataclass
class Alerts:
    """Calls collected during one transaction. Their texts hold no personal data."""

    at: datetime
    _calls: list[tuple[str, str, tuple[str, str], bool]] = field(default_factory=list)

    def contradiction(self, payment: Payment, what: str) -> None:
        """The provider says two things that cannot both be true. What was first stays."""
        text = f"LuxCore contradicts itself about {payment.upstream_id}: {what}."
        self._add("payment-conflict", text, audit.subject_of(payment))

    def unknown_word(self, payment: Payment) -> None:
        """A status that nobody documented: shown as it is, and treated as open."""
        word = payment.upstream_status
        text = f"LuxCore uses the status {word!r}, which this desk does not know."
        self._add("unknown-status", text, ("luxcore.status", word[:80]))

    def mismatch(
        self,
        asked: Withdrawal | PaymentRequest,
        payment: Payment,
        differences: list[Difference],
    ) -> None:
        """A payment under our reference that is not what we asked for: sending stops."""
        told = "; ".join(f"{name}: {ours} asked, {got} there" for name, ours, got in differences)
        text = f"{payment.upstream_id} is not what {asked.code} asked for ({told})."
        self._add("payment-differs", text, audit.subject_of(asked), stop=True)

    def second_payment(self, asked: Withdrawal | PaymentRequest, payment: Payment) -> None:
        """Two payments under one reference: it may have been paid twice. Sending stops."""
        text = f"{payment.upstream_id} is a second payment for {asked.code}."
        self._add("second-payment", text, audit.subject_of(asked), stop=True)

    def not_by_us(self, name: str, payment: Payment, subject: tuple[str, str]) -> None:
        """A payment under a reference of ours that we never sent. Sending stops."""
        text = (
            f"{payment.upstream_id} bears the reference of {name}, which counts as not sent here."
        )
        self._add("payment-not-by-us", text, subject, stop=True)

    def moved_after_rejection(self, withdrawal: Withdrawal, payment: Payment) -> None:
        """It was rejected here and goes on there."""
        text = (
            f"{withdrawal.code} was rejected, and {payment.upstream_id} "
            f"is {payment.upstream_status} at LuxCore."
        )
        self._add("rejected-but-moving", text, audit.subject_of(withdrawal))

    def raise_all(self) -> None:
        """Open the alarms and stop the provider where that was asked for."""
        for code, text, subject, stop in self._calls:
            alarms.raise_alarm(
                upstream=Upstream.LUXCORE, code=code, text=text, at=self.at, subject=subject
            )
            if stop:
                outbox.stop_sending(Upstream.LUXCORE, reason=text, by_label=BY_LABEL, at=self.at)
        self._calls.clear()

    def _add(self, code: str, text: str, subject: tuple[str, str], *, stop: bool = False) -> None:
        self._calls.append((code, text, subject, stop))
