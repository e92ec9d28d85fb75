"""What the mirror calls people for. Collected, and raised once every row has been written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_noop as _

from payments.enums import TradeStatus
from payments.intent import Difference
from payments.models import Payment, PaymentRequest, Trade, TradeOrder, Withdrawal
from staff import audit
from staff.texts import Lowered, Sayable, Text
from upstreams import alarms, outbox
from upstreams.enums import Upstream

BY_LABEL = "Lightdesk"


@dataclass
class Alerts:
    """Calls collected during one transaction. Their texts hold no personal data."""

    at: datetime
    upstream: Upstream
    _calls: list[tuple[str, Text, tuple[str, str], bool]] = field(default_factory=list)

    def contradiction(self, payment: Payment, what: Sayable) -> None:
        """The provider says two things that cannot both be true. What was first stays."""
        text = Text(
            _("%(provider)s contradicts itself about %(payment)s: %(what)s."),
            provider=self.upstream.label,
            payment=payment.upstream_id,
            what=what,
        )
        self._add("payment-conflict", text, audit.subject_of(payment))

    def unknown_word(self, seen: Payment | Trade) -> None:
        """A status that nobody documented: shown as it is, and treated as open."""
        word = seen.upstream_status
        text = Text(
            _("%(provider)s uses the status %(word)s, which this desk does not know."),
            provider=self.upstream.label,
            word=repr(word),
        )
        self._add("unknown-status", text, (f"{self.upstream}.status", word[:80]))

    def mismatch(
        self,
        asked: Withdrawal | PaymentRequest,
        payment: Payment,
        differences: list[Difference],
    ) -> None:
        """A payment under our reference that is not what we asked for: sending stops."""
        told = [
            Text(_("%(name)s: %(asked)s asked, %(got)s there."), name=name, asked=ours, got=got)
            for name, ours, got in differences
        ]
        text = Text(
            _("%(payment)s is not what %(code)s asked for. %(differences)s"),
            payment=payment.upstream_id,
            code=asked.code,
            differences=told,
        )
        self._add("payment-differs", text, audit.subject_of(asked), stop=True)

    def second_payment(self, asked: Withdrawal | PaymentRequest, payment: Payment) -> None:
        """Two payments under one reference: it may have been paid twice. Sending stops."""
        text = Text(
            _("%(payment)s is a second payment for %(code)s."),
            payment=payment.upstream_id,
            code=asked.code,
        )
        self._add("second-payment", text, audit.subject_of(asked), stop=True)

    def not_by_us(self, name: str, payment: Payment, subject: tuple[str, str]) -> None:
        """A payment under a reference of ours that we never sent. Sending stops."""
        text = Text(
            _("%(payment)s bears the reference of %(name)s, which counts as not sent here."),
            payment=payment.upstream_id,
            name=name,
        )
        self._add("payment-not-by-us", text, subject, stop=True)

    def moved_after_rejection(self, withdrawal: Withdrawal, payment: Payment) -> None:
        """It was rejected here and goes on there."""
        text = Text(
            _("%(code)s was rejected, and %(payment)s is %(status)s at %(provider)s."),
            provider=self.upstream.label,
            code=withdrawal.code,
            payment=payment.upstream_id,
            status=payment.upstream_status,
        )
        self._add("rejected-but-moving", text, audit.subject_of(withdrawal))

    def not_exchanged(self, order: TradeOrder, trade: Trade) -> None:
        """An exchange of ours that was cancelled or taken back: the money is what it was."""
        text = Text(
            _("%(provider)s has %(trade)s, which %(code)s asked for, as %(status)s."),
            provider=self.upstream.label,
            trade=trade.upstream_id,
            code=order.code,
            status=Lowered(TradeStatus(trade.status).label),
        )
        self._add("exchange-undone", text, audit.subject_of(order))

    def raise_all(self) -> None:
        """Open the alarms and stop the provider where that was asked for."""
        for code, text, subject, stop in self._calls:
            alarms.raise_alarm(
                upstream=self.upstream, code=code, text=text, at=self.at, subject=subject
            )
            if stop:
                outbox.stop_sending(self.upstream, reason=text, by_label=BY_LABEL, at=self.at)
        self._calls.clear()

    def _add(self, code: str, text: Text, subject: tuple[str, str], *, stop: bool = False) -> None:
        self._calls.append((code, text, subject, stop))
