"""Payouts through a Lux Financial of the test's own: who may be paid there, and how."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from customers import mirror as customers
from payments import actions
from payments.models import Withdrawal
from payments.references import LUX_PAYOUT, LUX_ROUTE
from payments.rules import WithdrawalDraft, lux
from staff.models import User
from tests.customers.lux import Place
from tests.payments.factories import seen_by
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.lux.schemas import CustomerRecord, ExternalAccountRecord
from upstreams.models import Command

PAYER, PAYEE = "0x" + "11" * 20, "0x" + "22" * 20
ENDORSED = (
    *("can_trade_stablecoins", "can_wire_transfer", "can_ach_transfer"),
    *("can_sepa_transfer", "can_swift_transfer"),
)


class Books:
    """A customer at Lux Financial who may transfer, with a bank account, and our copy of both."""

    def __init__(self, place: Place) -> None:
        self.place = place
        made = place.approve(place.newcomer())
        place.change(made, endorsements=list(ENDORSED))
        self.customer: CustomerRecord = place.client.get_customer(made.id)
        self.account = self.open_account()
        self.read()

    def open_account(self, *, verified: bool = True) -> ExternalAccountRecord:
        account = self.place.account(
            self.customer,
            type="us_bank_account",
            account_name="James Smith",
            account_type="checking",
            routing_number="021000021",
            account_number="123456789012",
            chain=None,
            address=None,
        )
        if verified:
            with self.place.sandbox.store.transaction() as db:
                db.execute("UPDATE lf_external SET status = 'verified' WHERE id = ?", (account.id,))
        return self.place.client.get_external_account(account.id)

    def read(self) -> None:
        """Let our copy show how they stand now."""
        now = timezone.now()
        self.customer = self.place.client.get_customer(self.customer.id)
        customers.store_profiles([self.customer], at=now)
        customers.store_accounts([self.account], at=now)
        self.place.calls.clear()

    def told(self, **changes: str) -> dict[str, str]:
        """A way that can be taken: stablecoins from a wallet, by wire to the account."""
        way = {
            "on_behalf_of": self.customer.id,
            "source_rail": "polygon",
            "source_currency": "USDC",
            "from_address": PAYER,
            "destination_rail": "wire",
            "destination_currency": "USD",
            "external_account_id": self.account.id,
            "wire_message": "Invoice 17",
            "developer_fee": "2.50",
        }
        return {name: value for name, value in {**way, **changes}.items() if value}

    def draft(self, amount: str = "1000.00", **changes: str) -> WithdrawalDraft:
        return lux.draft_of(self.told(**changes), amount=Decimal(amount))

    def request(self, by: User, amount: str = "1000.00", **changes: str) -> Withdrawal:
        """Ask for it, and let Lux Financial say that the way works."""
        draft = self.draft(amount, **changes)
        withdrawal = actions.request_withdrawal(draft=draft, by=by, at=timezone.now())
        deliver(LUX_ROUTE)
        return withdrawal

    def approved(self, by: User, signer: User, amount: str = "1000.00", **way: str) -> Withdrawal:
        withdrawal, now = self.request(by, amount, **way), timezone.now()
        actions.sign_withdrawal(
            withdrawal_id=withdrawal.pk,
            by=signer,
            at=now,
            seen=seen_by(signer, withdrawal, now=now),
        )
        return withdrawal

    def transfers(self) -> list[dict[str, Any]]:
        """Those at Lux Financial, made by us or not."""
        return list(self.place.control("/lux/transfers")["transfers"])

    def posts(self) -> int:
        return self.place.asked("POST", "/transfers")


def deliver(kind: str = LUX_PAYOUT) -> CommandState | None:
    return outbox.deliver(Command.objects.filter(kind=kind).latest("pk").pk)


def look_again(command: Command) -> CommandState | None:
    Command.objects.filter(pk=command.pk).update(next_at=timezone.now())
    return outbox.deliver(command.pk)


def ours(withdrawal: Withdrawal) -> Withdrawal:
    return Withdrawal.objects.select_related("payment").get(pk=withdrawal.pk)
