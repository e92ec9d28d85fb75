"""Payouts, payments and what surrounds them, for tests.

`WithdrawalFactory()` awaits approval; traits stand for later states (`approved`, `sent`, …) with
the signature that took them there (`signed=2` gives more). `everything_is_fresh()` lets the checks
pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory

from payments import decision, facts, feeds
from payments.accounts import account_key
from payments.bulk import items
from payments.deposits import DepositDraft
from payments.enums import (
    BulkState,
    DriftKind,
    ImportState,
    Kind,
    OrderStatus,
    Origin,
    PaymentStatus,
    Plan,
    PolicyState,
    RequestStatus,
    SeenBy,
    Status,
    TradeStatus,
    Verdict,
)
from payments.imports.rows import parse, to_row
from payments.mirror import turnover
from payments.models import (
    AccountOpening,
    Balance,
    Beneficiary,
    BulkItem,
    BulkRun,
    Drift,
    Payment,
    PaymentMethod,
    PaymentRequest,
    PayoutImport,
    Policy,
    PolicyVersion,
    Revision,
    SavedBeneficiary,
    Signature,
    Trade,
    TradeOrder,
    Withdrawal,
)
from payments.moves import DUE_AFTER
from payments.reconciliation import facts as compared
from payments.references import deposit_reference_for, reference_for
from payments.rules import WithdrawalDraft
from staff.models import User
from tests.staff.factories import UserFactory
from upstreams.enums import Upstream
from upstreams.luxcore.schemas import PaymentRecord, parse_payment
from upstreams.models import FeedState

NOW = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)


def maker(**fields: Any) -> User:
    return UserFactory(roles=["maker"], **fields)


def approver(**fields: Any) -> User:
    return UserFactory(roles=["approver"], **fields)


def draft(**fields: Any) -> WithdrawalDraft:
    """A payout by PayID that breaks no rule, with other fields where told."""
    wanted: dict[str, Any] = {
        "upstream": Upstream.LUXCORE,
        "amount": Decimal("2500.00"),
        "currency": "AUD",
        "method": "payid",
        "recipient_name": "James Smith",
        "payid": "james@example.com",
        "payid_type": "email",
        "customer_name": "James Smith",
        "customer_email": "james@example.com",
        "customer_phone": "+61412345678",
        "description": "Payout February 2026",
    }
    return WithdrawalDraft(**(wanted | fields))


class PolicyFactory(factory.django.DjangoModelFactory[Policy]):
    """One signature for everything, unless told otherwise."""

    class Meta:
        model = Policy

    version = 1
    signatures = 1
    published_at = NOW - timedelta(days=30)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Policy:
        """Let `version` be a number: the version is made with its first tier."""
        number, at = kwargs.pop("version"), kwargs["published_at"]
        version, _ = PolicyVersion.objects.get_or_create(
            number=number,
            defaults={"state": PolicyState.PUBLISHED, "created_at": at, "decided_at": at},
        )
        policy = super()._create(model_class, *args, version=version, **kwargs)
        assert isinstance(policy, Policy)
        return policy


class PaymentFactory(factory.django.DjangoModelFactory[Payment]):
    """A payout that is pending at LuxCore."""

    class Meta:
        model = Payment
        skip_postgeneration_save = True

    class Params:
        completed = factory.Trait(
            status=PaymentStatus.COMPLETED,
            upstream_status="completed",
            fee=Decimal("112.50"),
            completed_at=factory.SelfAttribute("created_at"),
        )
        deposit = factory.Trait(
            kind=Kind.DEPOSIT, status=PaymentStatus.IN_PROGRESS, upstream_status="processing"
        )

    upstream = Upstream.LUXCORE
    upstream_id = factory.Sequence(lambda n: f"pay_{n:010d}")
    kind = Kind.WITHDRAWAL
    amount = Decimal("2500.00")
    currency = "AUD"
    method = "payid"
    status = PaymentStatus.CREATED
    upstream_status = "pending"
    merchant_reference = factory.Sequence(lambda n: f"theirs-{n}")
    counterparty_name = "James Smith"
    counterparty = factory.LazyFunction(
        lambda: {
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
        }
    )
    created_at = NOW - timedelta(minutes=10)
    first_seen_at = factory.SelfAttribute("created_at")
    seen_at = NOW
    changed_at = factory.SelfAttribute("created_at")
    seen_by = SeenBy.POLL
    digest = factory.Sequence(lambda n: f"{n:064d}")
    account_key = factory.LazyAttribute(
        lambda payment: account_key(
            currency=payment.currency,
            bank_account=payment.counterparty.get("bank_account", ""),
            bank_code=payment.counterparty.get("bank_code", ""),
            payid=payment.counterparty.get("payid", ""),
        )
    )

    @factory.post_generation
    def counted(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Stand in the sums of what was paid, as the mirror would have put it there."""
        if create:
            turnover.count_in([self])


class TradeFactory(factory.django.DjangoModelFactory[Trade]):
    """100 dollars that became rand."""

    class Meta:
        model = Trade

    upstream = Upstream.LUMETRADE
    upstream_id = factory.Sequence(lambda n: f"TID{n:010d}")
    from_currency = "USD"
    to_currency = "ZAR"
    sold = Decimal("100.00")
    bought = Decimal("1827.01")
    rate = Decimal("18.2701")
    is_rate_inverted = False
    is_rfq = True
    status = TradeStatus.COMPLETED
    upstream_status = factory.LazyAttribute(lambda trade: str(trade.status).upper())
    created_at = NOW - timedelta(minutes=10)
    digest = factory.Sequence(lambda n: f"{n:064d}")
    asked_at = NOW
    first_seen_at = factory.SelfAttribute("created_at")
    changed_at = factory.SelfAttribute("created_at")


class TradeOrderFactory(factory.django.DjangoModelFactory[TradeOrder]):
    """A price for 100 dollars in rand that holds for half a minute after `NOW`."""

    class Meta:
        model = TradeOrder

    class Params:
        unknown = factory.Trait(
            status=OrderStatus.UNKNOWN,
            confirmed_by=factory.SubFactory(UserFactory, roles=["ops_lead"]),
            confirmed_at=NOW,
        )

    upstream = Upstream.LUMETRADE
    from_currency = "USD"
    to_currency = "ZAR"
    sold = Decimal("100.00")
    bought = Decimal("1827.01")
    fixes_bought = False
    rate = Decimal("18.2701")
    is_rate_inverted = False
    reference = factory.Sequence(lambda n: f"Q-{n}")
    expires_at = NOW + timedelta(seconds=30)
    created_by = factory.SubFactory(UserFactory, roles=["maker"])
    created_at = NOW


class AccountOpeningFactory(factory.django.DjangoModelFactory[AccountOpening]):
    """An account in euros that Lumetrade opened long ago."""

    class Meta:
        model = AccountOpening

    upstream = Upstream.LUMETRADE
    currency = "EUR"
    status = RequestStatus.MADE
    created_by = factory.SubFactory(UserFactory, roles=["ops_lead"])
    created_at = NOW


class BeneficiaryFactory(factory.django.DjangoModelFactory[Beneficiary]):
    """Whom `WithdrawalFactory` pays: first asked for by somebody a year before `NOW`."""

    class Meta:
        model = Beneficiary
        django_get_or_create = ("account_key",)

    upstream = Upstream.LUXCORE
    currency = "AUD"
    method = "payid"
    recipient_name = "James Smith"
    payid = "james@example.com"
    payid_type = "email"
    first_asked_by = factory.LazyFunction(maker)
    first_asked_at = NOW - timedelta(days=365)
    noted_at = factory.SelfAttribute("first_asked_at")
    account_key = factory.LazyAttribute(
        lambda row: account_key(
            currency=row.currency,
            bank_account=getattr(row, "bank_account", ""),
            bank_code=getattr(row, "bank_code", ""),
            payid=row.payid,
        )
    )


class WithdrawalFactory(factory.django.DjangoModelFactory[Withdrawal]):
    """2,500.00 AUD by PayID, asked for ten minutes before `NOW`, awaiting approval."""

    class Meta:
        model = Withdrawal
        skip_postgeneration_save = True

    class Params:
        approved = factory.Trait(status=Status.APPROVED, approved_at=NOW, signatures_required=1)
        sending = factory.Trait(status=Status.SENDING, approved_at=NOW, signatures_required=1)
        unknown = factory.Trait(status=Status.UNKNOWN, approved_at=NOW, signatures_required=1)
        sent = factory.Trait(
            status=Status.SENT, approved_at=NOW, sent_at=NOW, signatures_required=1
        )
        refused = factory.Trait(
            status=Status.REFUSED,
            approved_at=NOW,
            settled_at=NOW,
            signatures_required=1,
            error_code="INSUFFICIENT_BALANCE",
            status_reason="The balance is too low.",
        )
        # Seen at LuxCore, where it waits for approval; nobody here made it.
        seen_upstream = factory.Trait(
            origin=Origin.UPSTREAM,
            created_by=None,
            payment=factory.SubFactory(PaymentFactory),
            merchant_reference=factory.SelfAttribute("payment.merchant_reference"),
        )

    upstream = Upstream.LUXCORE
    origin = Origin.DESK
    amount = Decimal("2500.00")
    currency = "AUD"
    method = "payid"
    recipient_name = "James Smith"
    payid = "james@example.com"
    payid_type = "email"
    customer_name = "James Smith"
    customer_email = "james@example.com"
    customer_phone = "+61412345678"
    description = "Payout February 2026"
    created_by = factory.LazyFunction(maker)
    last_edited_by = factory.SelfAttribute("created_by")
    created_at = NOW - timedelta(minutes=10)
    due_at = factory.LazyAttribute(lambda withdrawal: withdrawal.created_at + DUE_AFTER)
    merchant_reference = factory.LazyAttribute(
        lambda withdrawal: reference_for(
            Withdrawal(code=withdrawal.code, attempt_no=withdrawal.attempt_no)
        )
    )
    code = factory.Sequence(lambda n: f"wd-T{n:05d}")
    attempt_no = 1
    account_key = factory.LazyAttribute(
        lambda withdrawal: account_key(
            currency=withdrawal.currency,
            bank_account=getattr(withdrawal, "bank_account", ""),
            bank_code=getattr(withdrawal, "bank_code", ""),
            payid=withdrawal.payid,
        )
    )

    @factory.post_generation
    def written(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            Revision.objects.create(
                withdrawal=self, number=1, by=self.created_by, at=self.created_at
            )

    @factory.post_generation
    def signed(self: Any, create: bool, extracted: int | None, **kwargs: Any) -> None:
        """Carry this many approvals of different people: as many as it was approved with."""
        number = (self.signatures_required or 0) if extracted is None else extracted
        for _ in range(number if create else 0):
            SignatureFactory(withdrawal=self)


class SignatureFactory(factory.django.DjangoModelFactory[Signature]):
    """A valid approval of the withdrawal as it stands."""

    class Meta:
        model = Signature

    withdrawal = factory.SubFactory(WithdrawalFactory)
    revision = factory.SelfAttribute("withdrawal.revision")
    by = factory.LazyFunction(approver)
    maker = factory.SelfAttribute("withdrawal.created_by")
    editor = factory.SelfAttribute("withdrawal.last_edited_by")
    verdict = Verdict.APPROVE
    digest = factory.LazyAttribute(lambda s: facts.digest(facts.of(s.withdrawal)))
    roles = factory.LazyAttribute(lambda s: list(s.by.held_roles))
    at = NOW


class PaymentMethodFactory(factory.django.DjangoModelFactory[PaymentMethod]):
    class Meta:
        model = PaymentMethod
        django_get_or_create = ("upstream", "code", "currency")

    upstream = Upstream.LUXCORE
    code = "payid"
    currency = "AUD"
    pays_in = True
    pays_out = True
    least = Decimal("0.01")
    most = Decimal("100000000")
    minutes = 10
    seen_at = NOW


# Every way in that the sandbox's LuxCore has (LC-A14).
DEPOSIT_RAILS = (
    ("ARS", "bank_transfer"),
    ("AUD", "bank_transfer"),
    ("AUD", "payid"),
    ("LKR", "ipay"),
    ("MXN", "card"),
    ("MXN", "cash"),
    ("MXN", "oxxo"),
    ("MXN", "spei"),
    ("UYU", "bank_transfer"),
)


def deposit_methods() -> None:
    """Let LuxCore have listed all its methods."""
    for currency, code in DEPOSIT_RAILS:
        least = Decimal(1) if code == "ipay" else Decimal("0.01")
        PaymentMethodFactory(currency=currency, code=code, least=least, pays_out=code != "ipay")


def deposit_draft(**fields: Any) -> DepositDraft:
    """A deposit by PayID that breaks no rule, with other fields where told."""
    wanted: dict[str, Any] = {
        "upstream": Upstream.LUXCORE,
        "amount": Decimal("150.00"),
        "currency": "AUD",
        "method": "payid",
        "customer_name": "James Smith",
        "customer_email": "james@example.com",
    }
    return DepositDraft(**(wanted | fields))


class PaymentRequestFactory(factory.django.DjangoModelFactory[PaymentRequest]):
    """150.00 AUD by PayID, asked for a minute before `NOW`, queued."""

    class Meta:
        model = PaymentRequest

    upstream = Upstream.LUXCORE
    amount = Decimal("150.00")
    currency = "AUD"
    method = "payid"
    customer_name = "James Smith"
    customer_email = "james@example.com"
    created_by = factory.LazyFunction(maker)
    created_at = NOW - timedelta(minutes=1)
    code = factory.Sequence(lambda n: f"pr-T{n:05d}")
    merchant_reference = factory.LazyAttribute(
        lambda request: deposit_reference_for(PaymentRequest(code=request.code))
    )


class SavedBeneficiaryFactory(factory.django.DjangoModelFactory[SavedBeneficiary]):
    """Thandi Nkosi, paid in rand through Lumetrade."""

    class Meta:
        model = SavedBeneficiary

    upstream = Upstream.LUMETRADE
    upstream_id = factory.Sequence(lambda n: f"ben_{n:05d}")
    currency = "ZAR"
    nickname = "Thandi Nkosi"
    details = factory.LazyFunction(lambda: {"accountNumber": "62812345678"})
    digest = "0" * 64
    first_seen_at = NOW
    changed_at = NOW


class PayoutImportFactory(factory.django.DjangoModelFactory[PayoutImport]):
    """A file with one good row, read and not confirmed."""

    class Meta:
        model = PayoutImport
        skip_postgeneration_save = True

    file_name = "payouts.csv"
    file_hash = factory.Sequence(lambda n: f"{n:064x}")
    size = 100
    lines = 2
    state = ImportState.READY
    uploaded_by = factory.LazyFunction(maker)
    uploaded_at = NOW
    next_at = NOW
    read = 2
    good = 1

    @factory.post_generation
    def row(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            cells = {name: value for name, value in draft().values().items() if value}
            cells["amount"] = "2500.00"
            row = to_row(2, parse(list(cells.values()), list(cells), payees={}))
            row.payout_import = self
            row.save()


class BulkRunFactory(factory.django.DjangoModelFactory[BulkRun]):
    """A dry run that is done, with one payout that would be approved and sent."""

    class Meta:
        model = BulkRun
        skip_postgeneration_save = True

    verdict = Verdict.APPROVE
    state = BulkState.READY
    by = factory.LazyFunction(approver)
    started_at = looked_at = next_at = NOW

    @factory.post_generation
    def item(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            row = WithdrawalFactory()
            made = BulkItem(run=self, withdrawal=row, position=1, plan=Plan.SEND)
            items.show(made, row)
            made.save()


class DriftFactory(factory.django.DjangoModelFactory[Drift]):
    """A payment whose reference differs, found ten minutes ago."""

    class Meta:
        model = Drift

    upstream = Upstream.LUXCORE
    kind = DriftKind.DIFFERS
    payment = factory.SubFactory(PaymentFactory)
    subject = factory.SelfAttribute("payment.upstream_id")
    currency = factory.SelfAttribute("payment.currency")
    amount = factory.SelfAttribute("payment.amount")
    ours = factory.LazyAttribute(lambda drift: compared.of_payment(drift.payment))
    theirs = factory.LazyAttribute(lambda drift: {**drift.ours, "reference": "another"})
    fields = factory.LazyFunction(lambda: ["reference"])
    fingerprint = factory.Sequence(lambda n: f"{n:064x}")
    subject_at = factory.SelfAttribute("payment.created_at")
    since_day = factory.LazyAttribute(lambda drift: drift.subject_at.date())
    opened_at = NOW - timedelta(minutes=10)
    seen_at = NOW - timedelta(minutes=10)


class BalanceFactory(factory.django.DjangoModelFactory[Balance]):
    class Meta:
        model = Balance

    upstream = Upstream.LUXCORE
    currency = "AUD"
    balance_type = "main"
    amount = Decimal("50000.00")
    available = Decimal("50000.00")
    frozen = Decimal(0)
    as_of = NOW


def everything_is_fresh(*, at: datetime = NOW, currencies: Iterable[str] = ("AUD",)) -> None:
    """Let every feed have succeeded at `at`, with plenty of money in each currency."""
    for name in (feeds.PAYMENTS, feeds.OPEN_PAYMENTS, feeds.REFUNDS, feeds.BALANCES):
        FeedState.objects.update_or_create(
            name=name, defaults={"upstream": Upstream.LUXCORE, "last_success_at": at}
        )
    for currency in currencies:
        Balance.objects.filter(currency=currency, balance_type="main").delete()
        BalanceFactory(currency=currency, amount=10_000_000, available=10_000_000, as_of=at)


def seen_by(person: User, withdrawal: Withdrawal, *, now: datetime = NOW) -> str:
    """What the form of this person's page brings back."""
    fresh = Withdrawal.objects.select_related("payment").get(pk=withdrawal.pk)
    return decision.review(fresh, viewer=person, now=now).seen


def payment_json(**members: Any) -> dict[str, Any]:
    """A withdrawal as LuxCore's REST shows it, in minor units."""
    body: dict[str, Any] = {
        "transaction_id": "pay_1234567890_abcdefgh",
        "status": "pending",
        "amount": 250000,
        "currency": "AUD",
        "method": "payid",
        "type": "withdrawal",
        "merchant_reference": "payout_vendor_001",
        "payout": {
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
            "status": "pending",
        },
        "created_at": "2026-02-18T10:30:00Z",
    }
    return body | members


def record(**members: Any) -> PaymentRecord:
    """The same, read."""
    return parse_payment(payment_json(**members))


def record_for(withdrawal: Withdrawal, **members: Any) -> PaymentRecord:
    """The payment that LuxCore would make of this withdrawal."""
    payout = {
        "recipient_name": withdrawal.recipient_name,
        "bank_account": withdrawal.bank_account,
        "bank_code": withdrawal.bank_code,
        "payid": withdrawal.payid,
        "payid_type": withdrawal.payid_type,
        "status": "pending",
    }
    told: dict[str, Any] = {
        "transaction_id": f"pay_of_{withdrawal.code}",
        "amount": int(withdrawal.amount * 100),
        "currency": withdrawal.currency,
        "method": withdrawal.method,
        "merchant_reference": withdrawal.merchant_reference,
        "payout": {name: value for name, value in payout.items() if value},
    }
    return record(**(told | members))
