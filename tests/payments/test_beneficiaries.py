"""Whom we pay: who brought them, what changed of them, and what was paid to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import actions, beneficiaries, checks, decision, mirror
from payments.enums import Level, Origin, SeenBy
from payments.models import Beneficiary, BeneficiaryChange, Payment, SavedBeneficiary, Withdrawal
from payments.rules import WithdrawalDraft, lumetrade
from staff.models import User
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PaymentFactory,
    WithdrawalFactory,
    draft,
    maker,
    record,
)
from tests.staff.factories import UserFactory
from upstreams.lumetrade.schemas import parse_beneficiary

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
CBU = {
    "currency": "ARS",
    "method": "bank_transfer",
    "payid": "",
    "payid_type": "",
    "bank_account": "2850590940090418135201",
    "tax_id": "20-12345678-6",
}


def ask(by: User | None = None, *, at: Any = NOW, **fields: Any) -> Withdrawal:
    return actions.request_withdrawal(draft=draft(**fields), by=by or maker(), at=at)


def the_one() -> Beneficiary:
    return Beneficiary.objects.select_related("first_asked_by").get()


class TestWhoBroughtIt:
    def test_is_whoever_asked_first(self) -> None:
        mara = maker()

        first = ask(mara)
        second = ask(at=LATER, amount=Decimal(3))

        assert first.beneficiary == second.beneficiary == the_one()
        assert (the_one().first_asked_by, the_one().first_asked_at) == (mara, NOW)
        assert the_one().account_key == first.account_key

    def test_is_whoever_changed_the_account_to_a_new_one(self) -> None:
        milo, withdrawal = maker(), ask()

        changed = actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=draft(payid="other@example.com"),
            by=milo,
            at=LATER,
            reason="another account",
        )

        assert changed.beneficiary is not None
        assert changed.beneficiary.first_asked_by == milo
        assert Beneficiary.objects.count() == 2

    def test_is_nobody_where_it_was_first_seen_at_the_provider(self) -> None:
        mirror.store_payments([record()], seen_by=SeenBy.POLL, at=NOW)
        seen = Withdrawal.objects.get(origin=Origin.UPSTREAM)

        ask()

        assert seen.beneficiary == the_one()
        assert the_one().first_asked_by is None

    def test_follows_what_the_provider_tells_otherwise_of_a_payout_that_waits(self) -> None:
        mirror.store_payments([record()], seen_by=SeenBy.POLL, at=NOW)
        told = {"recipient_name": "Jim Smith", "payid": "james@example.com", "payid_type": "email"}
        mirror.store_payments([record(payout=told)], seen_by=SeenBy.WEBHOOK, at=LATER)

        change = BeneficiaryChange.objects.get()
        assert (change.field, change.after, change.by) == ("recipient_name", "Jim Smith", None)

    def test_costs_nothing_but_a_look_when_it_is_known(self) -> None:
        ask()

        with CaptureQueriesContext(connection) as queries:
            beneficiaries.note([draft(recipient_name=" james  SMITH")], by=maker(), at=LATER)

        selects = [q["sql"] for q in queries if "payments_beneficiary" in q["sql"]]
        assert len(selects) == 1
        assert selects[0].startswith("SELECT")


class TestChanges:
    def test_tell_what_it_was_before_and_by_whom_it_was_changed(self) -> None:
        ask(**CBU)
        milo = maker()

        ask(milo, at=LATER, **CBU | {"recipient_name": "Jane Smith", "tax_id": "27-11111111-1"})

        changes = BeneficiaryChange.objects.order_by("field").values_list(
            "field", "before", "after", "by", "at"
        )
        assert list(changes) == [
            ("recipient_name", "James Smith", "Jane Smith", milo.pk, LATER),
            ("tax_id", "20-12345678-6", "27-11111111-1", milo.pk, LATER),
        ]
        assert (the_one().changed_at, the_one().recipient_name) == (LATER, "Jane Smith")

    def test_are_not_what_was_left_out_spelled_otherwise_or_not_known_before(self) -> None:
        ask(**CBU)

        ask(at=LATER, **CBU | {"tax_id": "20 12345678 6", "recipient_name": "JAMES SMITH"})
        ask(at=LATER, **CBU | {"account_type": "savings"})
        ask(at=LATER, **CBU | {"tax_id": "", "amount": Decimal(4)})

        assert not BeneficiaryChange.objects.exists()
        assert (the_one().changed_at, the_one().account_type) == (None, "savings")

    def test_within_one_file_are_seen_too(self) -> None:
        names = ("James Smith", "Jane Smith", "James Smith")
        drafts: list[WithdrawalDraft] = [draft(recipient_name=name) for name in names]

        beneficiaries.note(drafts, by=maker(), at=NOW)

        assert [change.after for change in BeneficiaryChange.objects.order_by("pk")] == [
            "Jane Smith",
            "James Smith",
        ]


class TestAtLumetrade:
    @pytest.fixture
    def payee(self) -> SavedBeneficiary:
        store(nickname="Thandi")
        return SavedBeneficiary.objects.get()

    def test_is_changed_when_they_change_it(self, payee: SavedBeneficiary) -> None:
        noted(payee)
        account = {**payee.details, "accountNumber": "99990000"}

        store(nickname="Thandi N.", details=account, at=LATER)

        changes = {change.field: change for change in BeneficiaryChange.objects.all()}
        assert set(changes) == {"recipient_name", "bank_account"}
        assert {change.by for change in changes.values()} == {None}
        assert changes["bank_account"].after == "99990000"
        assert the_one().changed_at == LATER
        fresh = SavedBeneficiary.objects.get()
        beneficiaries.note([draft_to(fresh)], by=maker(), at=LATER)
        assert BeneficiaryChange.objects.count() == 2  # nobody here changed it again

    def test_tells_of_other_details_only_that_they_changed(self, payee: SavedBeneficiary) -> None:
        noted(payee)

        store(nickname="Thandi", details={**payee.details, "branchCode": "000001"}, at=LATER)
        store(nickname="Thandi", details={**payee.details, "branchCode": "000001"}, at=LATER)

        change = BeneficiaryChange.objects.get()
        assert (change.field, change.before, change.after) == ("details", "", "")

    def test_nobody_was_paid_so_nothing_is_noted(self, payee: SavedBeneficiary) -> None:
        store(nickname="Somebody", at=LATER)

        assert not Beneficiary.objects.exists()

    def test_counts_what_our_withdrawals_paid(self, payee: SavedBeneficiary) -> None:
        one = draft_to(payee)
        row = noted(payee)
        fields = {**one.values(), "account_key": one.account_key, "beneficiary": row}
        bare = {"account_key": "", "counterparty": {}, "counterparty_name": "T Nkosi"}
        for _ in range(2):
            payment = PaymentFactory(
                completed=True, upstream="lumetrade", currency="ZAR", amount=101, **bare
            )
            WithdrawalFactory(sent=True, payment=payment, **fields)
        waiting = WithdrawalFactory(**fields)

        found = {check.code: check for check in checks.run(waiting, now=NOW)}

        assert found["beneficiary"].level == Level.PASS
        assert found["beneficiary"].text.startswith("Paid 2 times before")
        assert [flag.code for flag in checks.flags_for([waiting])[waiting.pk]] == ["duplicate"]
        (paid,) = beneficiaries.paid([row])[row.account_key]
        assert (paid.currency, paid.times, paid.total) == ("ZAR", 2, 202)


def store(*, nickname: str, details: Any = None, at: Any = NOW) -> None:
    told = parse_beneficiary(
        {
            "id": "ben_1",
            "currency": "ZAR",
            "nickname": nickname,
            "withdrawFormDetails": details or {"accountNumber": "62000001", "bankName": "FNB"},
        }
    )
    mirror.store_beneficiaries([told], at=at)


def draft_to(payee: SavedBeneficiary) -> WithdrawalDraft:
    return lumetrade.draft_to(payee, amount=draft().amount, description="")


def noted(payee: SavedBeneficiary) -> Beneficiary:
    (row,) = beneficiaries.note([draft_to(payee)], by=maker(), at=NOW).values()
    return row


class TestCheck:
    def test_warns_for_a_day_and_says_what_was_changed_when_and_by_whom(self) -> None:
        milo = maker()
        ask(**CBU)
        withdrawal = ask(milo, at=LATER, **CBU | {"recipient_name": "Jane Smith"})

        now, much_later = (
            {c.code: c for c in checks.run(withdrawal, now=at)}["beneficiary_changed"]
            for at in (LATER + timedelta(hours=23, minutes=59), LATER + timedelta(hours=24))
        )

        assert (now.level, now.text) == (
            Level.WARN,
            "The beneficiary was changed within 24 hours: "
            f"recipient (2026-02-18 11:30 UTC, by {milo.email}).",
        )
        assert "Jane" not in now.text
        assert much_later.level == Level.PASS

    def test_passes_without_a_beneficiary(self) -> None:
        found = {check.code: check for check in checks.run(WithdrawalFactory(), now=NOW)}

        assert found["beneficiary_changed"].level == Level.PASS


class TestPaid:
    def test_takes_one_query_for_fifty(self) -> None:
        rows = [BeneficiaryFactory(payid=f"{n}@example.com", payee_id="x") for n in range(50)]
        for row in rows:
            PaymentFactory(completed=True, account_key=row.account_key)
            PaymentFactory(account_key=row.account_key)  # not paid yet

        with CaptureQueriesContext(connection) as queries:
            found = beneficiaries.paid(rows)

        assert len(queries) == 1
        assert {paid.times for (paid,) in found.values()} == {1}


def test_goes_by_the_account_where_no_beneficiary_is_noted() -> None:
    ada = UserFactory(roles=["approver"])
    BeneficiaryFactory(first_asked_by=ada)
    withdrawal = WithdrawalFactory(beneficiary=None)

    assert decision.introduced(withdrawal, ada)
    assert not decision.introduced(withdrawal, maker())


class TestMigration:
    def test_gives_older_withdrawals_their_beneficiaries(self) -> None:
        migration = import_module("payments.migrations.0021_beneficiaries_of_withdrawals")
        migration.BATCH = 2
        mara = maker()
        first = WithdrawalFactory(created_by=mara, recipient_name="Jim Smith")
        others = [WithdrawalFactory(amount=number) for number in range(1, 4)]
        unknown = WithdrawalFactory(payid="", payid_type="")

        for _ in range(2):  # again, as after an interruption
            migration.forward(apps, None)

        row = the_one()
        assert {w.beneficiary for w in Withdrawal.objects.exclude(pk=unknown.pk)} == {row}
        assert (row.first_asked_by, row.first_asked_at) == (mara, first.created_at)
        assert row.recipient_name == others[-1].recipient_name == "James Smith"
        unknown.refresh_from_db()
        assert unknown.beneficiary is None

    def test_counts_whoever_changed_it_to_that_account(self) -> None:
        migration = import_module("payments.migrations.0021_beneficiaries_of_withdrawals")
        mara, milo, mia = maker(), maker(), maker()
        withdrawal = ask(mara)
        for by, told in (
            (milo, draft(payid="other@example.com")),
            (mia, draft(payid="other@example.com", amount=Decimal(7))),
        ):
            actions.amend_withdrawal(
                withdrawal_id=withdrawal.pk, draft=told, by=by, at=LATER, reason="Told so."
            )
        Withdrawal.objects.update(beneficiary=None)
        Beneficiary.objects.all().delete()

        migration.forward(apps, None)

        assert the_one().first_asked_by == milo


class TestOneKeyPerAccount:
    def test_merges_what_other_spellings_kept_apart(self) -> None:
        """The earliest stays, with who asked first; its withdrawals, rows and changes follow."""
        migration = import_module("payments.migrations.0023_one_key_per_account")
        mara, milo = maker(), maker()
        spelled = {"payid": "", "payid_type": "", "method": "bank_transfer", "bank_code": "062-000"}
        earliest = ask(mara, bank_account="012345678", **spelled)
        key = earliest.account_key
        later = WithdrawalFactory(created_by=milo, bank_account="12345678", **spelled)
        payment = PaymentFactory(counterparty={"bank_account": "0012345678", "bank_code": "062000"})
        other = BeneficiaryFactory(
            account_key="2" * 64, first_asked_by=milo, first_asked_at=LATER, **spelled
        )
        Beneficiary.objects.filter(pk=other.pk).update(payid="", bank_account="12345678")
        Withdrawal.objects.filter(pk=later.pk).update(account_key="2" * 64, beneficiary=other)
        Withdrawal.objects.filter(pk=earliest.pk).update(account_key="1" * 64)
        Beneficiary.objects.filter(pk=earliest.beneficiary_id).update(account_key="1" * 64)
        Payment.objects.filter(pk=payment.pk).update(account_key="3" * 64)
        hosted = WithdrawalFactory(
            hosted=True, payid="", payid_type="", account_key="3" * 64, payment=payment
        )
        change = BeneficiaryChange.objects.create(beneficiary=other, field="tax_id", at=LATER)

        for _ in range(2):  # again, as after an interruption
            migration.forward(apps, None)

        for row in (earliest, later, payment, hosted, change):
            row.refresh_from_db()
        assert {earliest.account_key, later.account_key} == {key}
        assert {payment.account_key, hosted.account_key} == {key}
        assert the_one() == earliest.beneficiary == later.beneficiary == change.beneficiary
        assert (the_one().first_asked_by, the_one().account_key) == (mara, key)

    def test_calls_other_zeros_no_change(self) -> None:
        spelled = {"payid": "", "payid_type": "", "method": "bank_transfer", "bank_code": "062-000"}
        ask(bank_account="12345678", **spelled)
        ask(at=LATER, bank_account="0012345678", **spelled)

        assert not BeneficiaryChange.objects.exists()
        assert the_one().bank_account == "12345678"


def test_a_draft_for_another_account_of_the_same_name_is_another_beneficiary() -> None:
    beneficiaries.note([draft(), replace(draft(), payid="j@example.com")], by=maker(), at=NOW)

    assert Beneficiary.objects.count() == 2
