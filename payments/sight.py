"""What one person may read of other people's data. Every page of the desk asks here.

People who see payments read names in clear, and never a whole account number, PayID, tax id,
e-mail or phone. People of support read none of it in clear.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from customers import sight as customers
from customers.models import Hold
from customers.people import profile_of
from payments.models import Payment, PaymentRequest, Trade, TradeOrder, Withdrawal
from staff import masking
from staff.letters import spelled
from staff.permissions import Permission, Person, can

Subject: TypeAlias = Withdrawal | PaymentRequest | Payment | TradeOrder | Trade

MAY_SEE = (Permission.SEE_PAYMENTS, Permission.SEE_PAYMENTS_MASKED)

# What a provider's own record may show of itself.
_PLAIN = frozenset({
    "account_type", "amount", "api_version", "attempt", "bank_code", "bank_name", "bsb",
    "completed_at", "created_at", "currency", "customer_id", "delivered_at", "direction",
    "error", "error_code", "event", "event_id", "event_type", "expires_at", "failed_at", "fee",
    "fee_amount", "hosted", "id", "kind", "livemode", "merchant_id", "merchant_reference",
    "method", "net", "net_amount", "object", "page", "payid_type", "payment_id",
    "payment_method", "processed_at", "refunded_amount", "refunded_at", "scheme", "status",
    "status_version", "swift_code", "timestamp", "traffic_type", "transaction_id", "type",
    "updated_at", "version", "webhook_id",
    # Of Lumetrade's trades, which name nobody.
    "completedAt", "createdAt", "fromAmount", "fromCurrency", "fromCurrencyAmount",
    "isRateInverted", "isRfq", "modifiedAt", "rate", "toAmount", "toCurrency",
    "toCurrencyAmount", "transactionId",
    # Of Lux Financial's transfers.
    "bic", "client_reference_id", "developer_fee", "developer_fee_percent", "exchange_fee",
    "exchange_rate", "external_account_id", "final_amount", "from_currency",
    "from_external_account", "from_rail", "gas_fee", "initial_amount", "on_behalf_of",
    "payment_rail", "reason", "remaining_prefunded_balance", "state", "subtotal_amount",
    "swift_charges", "to_currency", "to_external_account", "to_rail", "trace_number",
})  # fmt: skip
_NAMES = frozenset(
    {
        *("name", "recipient_name", "account_holder", "payid_name", "beneficiary", "customer_name"),
        *("accountName", "nickname"),
    }
)
# Free text, the payout's reference too: whoever asks for a payout writes into it what they like.
_WORDS = frozenset(
    {"description", "purpose", "error_message", "message", "reference", "payout_reference"}
)
_MEMBERS = masking.Members(plain=_PLAIN, names=_NAMES, words=_WORDS)


@dataclass(frozen=True)
class Sight:
    """How much one person sees."""

    names_in_clear: bool

    @classmethod
    def of(cls, person: Person) -> Sight:
        return cls(names_in_clear=can(person, Permission.SEE_PAYMENTS))

    def name(self, name: str) -> str:
        return spelled(name) if self.names_in_clear else masking.mask_name(name)

    def reference(self, withdrawal: Withdrawal) -> str:
        """Return the reference that a payout is known by: its maker's own words, or else ours."""
        if not withdrawal.payout_reference:
            return withdrawal.merchant_reference
        if not self.names_in_clear:
            return masking.mask_account(withdrawal.payout_reference)
        return self.text(withdrawal.payout_reference, about=withdrawal)

    def counterparty(self, payment: Payment) -> dict[str, str]:
        """Return what is known of the other side's account, each value as this person may read it.

        Their name is not repeated.
        """
        return {
            name: str(self._mask(value, name))
            for name, value in payment.counterparty.items()
            if value and name not in _NAMES
        }

    def raw(self, raw: object) -> str:
        """Return a provider's record as indented JSON, masked for this person."""
        return json.dumps(self._mask(raw), indent=2, ensure_ascii=False, default=str)

    def metadata(self, about: Withdrawal) -> dict[str, object]:
        """Return what goes along with a payout, its texts as this person may read them."""
        return {
            name: self._told(value, about) if self.names_in_clear else masking.DOTS
            for name, value in about.metadata.items()
        }

    def _told(self, value: object, about: Subject) -> object:
        if isinstance(value, Mapping):
            return {str(name): self._told(item, about) for name, item in value.items()}
        if isinstance(value, list):
            return [self._told(item, about) for item in value]
        return self.text(value, about=about) if isinstance(value, str) else value

    def text(self, text: str, *, about: Subject) -> str:
        """Return free text about a payment in which none of its masked values is repeated."""
        return masking.mask_values_in(text, self._secrets(about))

    def refusal(self, says: object, *, about: Subject) -> str:
        """Return why something did not happen, in the desk's own words, as this person may read it.

        Who was faster is named by their address.
        """
        return masking.mask_values_in(str(says), self._secrets(about), names_colleagues=True)

    def hold_reason(self, hold: Hold, *, about: Withdrawal) -> str:
        """Return why a customer is held, without what is masked of them and of the payout."""
        theirs, held = customers.Sight(names_in_clear=self.names_in_clear), hold.customer
        said = theirs.text(hold.reason, about=held, profile=profile_of(held))
        return self.text(said, about=about)

    def note(self, text: str) -> str:
        """Return free text about many payments, or none, without the account numbers in it."""
        return masking.mask_accounts_in(text)

    def _secrets(self, about: Subject) -> list[tuple[str, str]]:
        """Return what the texts about it must not repeat, and what stands there instead."""
        if isinstance(about, Withdrawal):
            account = [about.bank_account, about.payid, about.tax_id]
            account.append(about.lux.get("from_address", ""))
            contact = [about.customer_email, about.customer_phone, about.webhook_url]
            names = [about.recipient_name, about.customer_name]
        elif isinstance(about, PaymentRequest):
            account = []
            contact, names = [about.customer_email, about.customer_phone], [about.customer_name]
        elif isinstance(about, Trade | TradeOrder):
            account, contact, names = [], [], []  # our own money: nobody else is in it
        else:
            account = [str(value) for value in about.counterparty.values()]
            contact, names = [], [about.counterparty_name]
        found = [(value, masking.mask_any(value)) for value in account + contact]
        if not self.names_in_clear:
            found += [(name, masking.mask_name(name)) for name in names]
        return found

    def _mask(self, value: object, key: str = "") -> object:
        clear = self.names_in_clear
        return masking.mask_record(value, _MEMBERS, names_in_clear=clear, member=key)
