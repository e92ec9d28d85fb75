"""What a page of a withdrawal tells of it, as this person may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from payments import facts, words
from payments.facts import LABELS
from payments.models import Withdrawal
from payments.sight import Sight

_PAYEE = (
    "hosted",
    "recipient_name",
    "bank_account",
    "bank_code",
    "account_type",
    "payid",
    "tax_id",
)
_CUSTOMER = (
    *("customer_name", "customer_email", "customer_phone"),
    *("customer_external_id", "customer_number"),
)
_TERMS = (
    *("source_rail", "from_address", "destination_currency", "swift_charges"),
    *("developer_fee", "developer_fee_percent", "on_behalf_of"),
)
_REFERENCES = ("reference", "payout_reference")
_WEBHOOK = ("webhook_url", "webhook_events")
_TO_THE_BANK = ("wire_message", "sepa_reference", "swift_reference")
_REQUEST = (*_REFERENCES, *_TO_THE_BANK, "payout_description", "description", "metadata")
_FREE_TEXT = frozenset(
    {*_TO_THE_BANK, "payout_reference", "payout_description", "description", "metadata"}
)
_MASKED = frozenset(
    {
        *("bank_account", "payid", "tax_id", "customer_email", "customer_phone", "webhook_url"),
        "from_address",
    }
)
_CODES = frozenset({"reference", "payout_reference", "bank_code", "on_behalf_of"})
_WITH_NAMES = frozenset({"recipient_name", "customer_name", "payout_reference"})


@dataclass(frozen=True)
class Fact:
    """One line of what is known, as this person may read it."""

    label: str
    value: str
    is_masked: bool
    kind: str
    is_code: bool
    of: Withdrawal | None = None  # whose it is, where it can be revealed
    field: str = ""


class Told:
    """Its facts in groups; `shown` are those that the decision is about, masked already."""

    def __init__(self, withdrawal: Withdrawal, shown: Mapping[str, str], sight: Sight) -> None:
        self._withdrawal, self._shown, self._sight = withdrawal, shown, sight

    @property
    def payee(self) -> list[Fact]:
        """Who is paid, and where."""
        return self._facts(*_PAYEE, *_TERMS)

    @property
    def stakes(self) -> list[Fact]:
        """What the last question repeats: who is paid and where, and who hears of it."""
        whose = ("customer_name",) if self._withdrawal.hosted else ()
        return [*self.payee, *self._facts(*whose, "customer_number"), *self.webhook]

    @property
    def request(self) -> list[Fact]:
        """What was written about it."""
        asked = _REQUEST if self._sight.names_in_clear else _REFERENCES
        return [*self._facts(*asked), *self.webhook]

    @property
    def customer(self) -> list[Fact]:
        """Whose payout it is."""
        return self._facts(*_CUSTOMER)

    @property
    def webhook(self) -> list[Fact]:
        """Where this payment's own events go, and which: no choice leaves LuxCore's."""
        told = self._facts(*_WEBHOOK)
        if self._withdrawal.webhook_url and not self._withdrawal.webhook_events:
            label = LABELS["webhook_events"]
            events = gettext(
                "LuxCore's usual ones: created, completed, failed and refunded, but not cancelled"
            )
            told.append(Fact(gettext(label), events, False, "", False))
        return told

    def _facts(self, *names: str) -> list[Fact]:
        shown = self._shown
        return [
            Fact(
                label=gettext(LABELS[name]),
                value=self._value(name),
                is_masked=self._is_masked(name),
                kind=shown["payid_type"] if name == "payid" else "",
                is_code=name in _CODES,
                of=self._withdrawal,
                field=name,
            )
            for name in names
            if shown[name]
        ]

    def _is_masked(self, name: str) -> bool:
        """Whether there is more of it than is shown; of an account that Lux tells there is not."""
        if name == "bank_account" and facts.is_ending(self._withdrawal):
            return False
        return name in _MASKED or (name in _WITH_NAMES and not self._sight.names_in_clear)

    def _value(self, name: str) -> str:
        shown = self._shown[name]
        if name in _FREE_TEXT:  # anything may stand in it, the account too
            return self._sight.text(shown, about=self._withdrawal)
        if name == "source_rail":
            return words.method(shown)
        return gettext(shown) if name == "hosted" else shown
