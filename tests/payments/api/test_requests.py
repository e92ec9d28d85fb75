"""Asking for payouts over the API: every documented one, and every wrong variation."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse

from payments import rules
from payments.enums import Origin, Status
from payments.models import IdempotencyKey, Revision, Withdrawal
from staff import audit
from staff.models import AuditEvent
from tests.payments.api.helpers import (
    PAYOUTS,
    Caller,
    caller_of,
    expect_problem,
    told,
    wrong_fields,
)
from tests.payments.factories import SavedBeneficiaryFactory, maker

pytestmark = pytest.mark.django_db


class TestRequestWithdrawal:
    @pytest.mark.parametrize("payout", PAYOUTS)
    def test_makes_every_documented_payout(self, caller: Caller, payout: str) -> None:
        response = caller.ask(payout)

        assert response.status_code == 201, response.content
        answer, row = told(response), Withdrawal.objects.get()
        assert answer["code"] == row.code
        assert answer["status"] == Status.AWAITING_APPROVAL
        assert row.amount == Decimal(PAYOUTS[payout]["amount"])
        assert (row.currency, row.method) == (answer["currency"], answer["method"])

    def test_keeps_all_that_was_said(self, caller: Caller) -> None:
        caller.ask("ARS", customer=PAYOUTS["AUD by e-mail"]["customer"], description="For March")

        row = Withdrawal.objects.get()
        assert row.recipient_name == "Maria Garcia"
        assert row.bank_account == "0110012345678901234567"
        assert (row.account_type, row.tax_id) == ("checking", "20-12345678-9")
        assert (row.payout_description, row.payout_reference) == ("Vendor payment", "INV-001")
        assert (row.customer_name, row.customer_phone) == ("James Smith", "+61412345678")
        assert (row.customer_external_id, row.description) == ("customer-7", "For March")

    def test_stands_in_the_name_of_the_tokens_owner(self, caller: Caller) -> None:
        caller.ask()

        row = Withdrawal.objects.get()
        assert row.origin == Origin.API
        assert row.created_by == row.last_edited_by == caller.token.owner
        assert Revision.objects.get(withdrawal=row).by == caller.token.owner
        event = AuditEvent.objects.get(verb="payments.withdrawal.requested")
        assert event.by == caller.token.owner
        assert audit.verify().ok

    def test_tells_amounts_as_decimal_text_and_accounts_masked(self, caller: Caller) -> None:
        answer = told(caller.ask("AUD"))

        assert answer["amount"] == "99.90"
        assert answer["payout"]["bank_account"] == "••••5678"
        assert answer["payout"]["recipient_name"] == "James Smith"
        assert answer["signatures"] == {"given": 0, "needed": None}
        assert answer["payment"] is None


GUIDE = json.loads((Path(__file__).parents[2] / "sandbox" / "guide_examples.json").read_bytes())
PAID_OUT = [each for each in GUIDE if each["request"]["type"] == "withdrawal"]


class TestGuide:
    """The payouts of LuxCore's own guide, asked for here, are sent there as it writes them."""

    @pytest.mark.parametrize("example", PAID_OUT, ids=lambda example: example["title"])
    def test_is_sent_as_it_stands(self, caller: Caller, example: dict[str, Any]) -> None:
        theirs = example["request"]
        members = ("currency", "method", "description", "customer", "payout")
        body = {name: theirs[name] for name in members}
        amount = str(Decimal(theirs["amount"]).scaleb(-2))

        response = caller.post("/api/v1/withdrawals/", body | {"amount": amount})

        assert response.status_code == 201, response.content
        row = Withdrawal.objects.get()
        sent = json.loads(rules.payload(row))
        assert sent == theirs | {"merchant_reference": row.merchant_reference}


WRONG = {
    "21 digits": ("ARS", {"payout": {"bank_account": "1" * 21}}, "#/payout/bank_account"),
    "letters": ("ARS", {"payout": {"bank_account": "CBU" + "1" * 19}}, "#/payout/bank_account"),
    "17 digits": ("MXN", {"payout": {"bank_account": "1" * 17}}, "#/payout/bank_account"),
    "no bank code": ("MXN", {"payout": {"bank_code": None}}, "#/payout/bank_code"),
    "long bank code": ("MXN", {"payout": {"bank_code": "0123"}}, "#/payout/bank_code"),
    "no BSB": ("AUD", {"payout": {"bank_code": None}}, "#/payout/bank_code"),
    "short BSB": ("AUD", {"payout": {"bank_code": "062-00"}}, "#/payout/bank_code"),
    "no account": ("UYU", {"payout": {"bank_account": None}}, "#/payout/bank_account"),
    "no recipient": ("UYU", {"payout": {"recipient_name": None}}, "#/payout/recipient_name"),
    "no type": ("AUD by phone", {"payout": {"payid_type": None}}, "#/payout/payid_type"),
    "odd type": ("AUD by phone", {"payout": {"payid_type": "fax"}}, "#/payout/payid_type"),
    "no plus": ("AUD by phone", {"payout": {"payid": "0412345678"}}, "#/payout/payid"),
    "no e-mail": ("AUD by e-mail", {"payout": {"payid": "james"}}, "#/payout/payid"),
    "short ABN": ("AUD by ABN", {"payout": {"payid": "5182475355"}}, "#/payout/payid"),
    "PayID by bank": ("AUD", {"payout": {"payid": "a@b.co"}}, "#/payout/payid"),
    "LKR": ("UYU", {"currency": "LKR", "method": "ipay"}, "#/currency"),
    "unknown currency": ("UYU", {"currency": "ZZZ"}, "#/currency"),
    "other currency": ("UYU", {"currency": "EUR"}, "#/currency"),
    "lower case": ("UYU", {"currency": "uyu"}, "#/currency"),
    "unknown method": ("UYU", {"method": "spei"}, "#/method"),
    "unknown provider": ("UYU", {"upstream": "elsewhere"}, "#/upstream"),
    "transfer without its terms": ("UYU", {"upstream": "lux"}, "#/transfer"),
    "fractional minor units": ("AUD", {"amount": "1.005"}, "#/amount"),
    "zero": ("AUD", {"amount": "0.00"}, "#/amount"),
    "negative": ("AUD", {"amount": "-1.00"}, "#/amount"),
    "other digits": ("AUD", {"amount": "١٠٠"}, "#/amount"),
    "underscores": ("AUD", {"amount": "1_000"}, "#/amount"),
    "exponent": ("AUD", {"amount": "1e3"}, "#/amount"),
    "Infinity": ("AUD", {"amount": "Infinity"}, "#/amount"),
    "thousands": ("AUD", {"amount": "1,000.00"}, "#/amount"),
    "40 digits": ("AUD", {"amount": "1" * 40}, "#/amount"),
    "a number": ("AUD", {"amount": 100}, "#/amount"),
    "a fraction": ("AUD", {"amount": 99.9}, "#/amount"),
    "a truth": ("AUD", {"amount": True}, "#/amount"),
    "nothing": ("AUD", {"amount": None}, "#/amount"),
    "a list": ("AUD", {"amount": ["1.00"]}, "#/amount"),
    "text for a payout": ("AUD", {"payout": "James"}, "#/payout"),
    "hidden mark": ("AUD", {"description": "a\u202eb"}, "#/description"),
    "NUL": ("AUD", {"description": "a\x00b"}, "#/description"),
    "half a pair": ("AUD", {"description": "a\ud800b"}, "#/description"),
    "too long": ("AUD", {"payout": {"recipient_name": "x" * 256}}, "#/payout/recipient_name"),
    "odd e-mail": ("AUD", {"customer": {"email": "james"}}, "#/customer/email"),
    "misspelt": ("AUD", {"ammount": "1.00"}, "#/ammount"),
    "misplaced": ("AUD", {"payout": {"iban": "x"}}, "#/payout/iban"),
    "slash in a name": ("AUD", {"a/b~c": 1}, "#/a~1b~0c"),
}


class TestWrongRequests:
    @pytest.mark.parametrize("case", WRONG)
    def test_are_refused_at_their_field(self, caller: Caller, case: str) -> None:
        payout, changes, pointer = WRONG[case]

        response = caller.ask(payout, **merged(payout, changes))

        assert set(wrong_fields(response)) == {pointer}
        assert not Withdrawal.objects.exists()
        assert not IdempotencyKey.objects.exists()

    def test_say_everything_at_once(self, caller: Caller) -> None:
        changes = {"amount": "x", "payout": {"bank_account": "1", "bank_code": "x"}}

        found = wrong_fields(caller.ask("MXN", **merged("MXN", changes)))

        assert set(found) == {"#/amount", "#/payout/bank_account", "#/payout/bank_code"}
        assert "18 digits" in found["#/payout/bank_account"]

    def test_leave_the_key_free(self, caller: Caller) -> None:
        caller.ask("AUD", amount="0", key="payroll-7")

        assert caller.ask("AUD", key="payroll-7").status_code == 201


class TestLumetrade:
    def test_pays_a_beneficiary_by_its_id(self, caller: Caller) -> None:
        payee = SavedBeneficiaryFactory()

        response = to_payee(caller, payee.upstream_id, description="Rent", currency="ZAR")

        assert response.status_code == 201, response.content
        row, answer = Withdrawal.objects.get(), told(response)
        assert json.loads(rules.payload(row)) == {"beneficiaryId": payee.upstream_id, "amount": 101}
        assert (row.upstream, row.origin, row.currency) == ("lumetrade", Origin.API, "ZAR")
        assert (answer["payee_id"], answer["upstream"]) == (payee.upstream_id, "lumetrade")
        assert answer["payout"]["bank_account"] == "••••5678"

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"payee_id": "ben_nobody"}, "#/payee_id"),
            ({"payee_id": ""}, "#/payee_id"),
            ({"amount": "101.001"}, "#/amount"),
            ({"amount": "0"}, "#/amount"),
            ({"currency": "USD"}, "#/currency"),
            ({"method": "spei"}, "#/method"),
            ({"payout": {"recipient_name": "Thandi Nkosi"}}, "#/payout"),
            ({"description": "a\u202eb"}, "#/description"),
        ],
    )
    def test_is_refused_at_the_field(
        self, caller: Caller, changes: dict[str, Any], pointer: str
    ) -> None:
        payee = SavedBeneficiaryFactory()

        response = to_payee(caller, **{"payee_id": payee.upstream_id, **changes})

        assert set(wrong_fields(response)) == {pointer}

    def test_is_refused_for_one_that_is_listed_no_longer(self, caller: Caller) -> None:
        payee = SavedBeneficiaryFactory(is_listed=False)

        found = wrong_fields(to_payee(caller, payee.upstream_id))

        assert found == {"#/payee_id": "Lumetrade lists this beneficiary no longer."}

    def test_is_not_mixed_up_with_luxcore(self, caller: Caller) -> None:
        assert set(wrong_fields(caller.ask("AUD", payee_id="ben_1"))) == {"#/payee_id"}
        body = {"amount": "1.00", "payee_id": "ben_1"}
        found = wrong_fields(caller.post("/api/v1/withdrawals/", body))
        assert set(found) == {"#/currency", "#/method"}


def to_payee(caller: Caller, payee_id: str, **changes: Any) -> HttpResponse:
    body = {"upstream": "lumetrade", "payee_id": payee_id, "amount": "101.00"}
    return caller.post("/api/v1/withdrawals/", body | changes)


class TestIdempotencyKey:
    def test_answers_though_the_rules_have_become_stricter(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = caller.ask("UYU", key="payroll-7")
        monkeypatch.setattr(rules, "validate", lambda draft: {"amount": "Not any more."})

        second = caller.ask("UYU", key="payroll-7")

        assert set(wrong_fields(caller.ask("UYU"))) == {"#/amount"}
        assert second.status_code == 200
        assert told(second) == told(first)
        expect_problem(
            caller.ask("UYU", key="payroll-7", amount="1"), 422, "idempotency_key_reused"
        )

    def test_makes_one_withdrawal_however_often_it_is_sent(self, caller: Caller) -> None:
        first = caller.ask(key="payroll-7")
        second = caller.ask(key="payroll-7")

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.headers["Idempotent-Replayed"] == "false"
        assert second.headers["Idempotent-Replayed"] == "true"
        assert told(first) == told(second)
        assert Withdrawal.objects.count() == 1

    def test_knows_the_same_body_in_other_clothes(self, caller: Caller) -> None:
        caller.ask("UYU", key="payroll-7")
        body = b"""{ "payout": {"bank_account":"001234567890", "recipient_name":"Ana Silva"},
            "method":"bank_transfer", "currency":"UYU", "amount":"800" }"""

        response = caller.post("/api/v1/withdrawals/", body, key="payroll-7")

        assert response.status_code == 200

    def test_is_refused_with_another_body(self, caller: Caller) -> None:
        code = told(caller.ask("UYU", key="payroll-7"))["code"]

        response = caller.ask("UYU", amount="800.01", key="payroll-7")

        problem = expect_problem(response, 422, "idempotency_key_reused")
        assert code in problem["detail"]
        assert Withdrawal.objects.count() == 1

    def test_outlives_the_token(self, caller: Caller) -> None:
        caller.ask(key="payroll-7")

        assert caller_of(caller.token.owner).ask(key="payroll-7").status_code == 200

    def test_belongs_to_one_owner(self, caller: Caller) -> None:
        caller.ask(key="payroll-7")

        assert caller_of(maker()).ask(key="payroll-7").status_code == 201
        assert Withdrawal.objects.count() == 2

    def test_answers_with_the_withdrawal_as_it_stands_now(self, caller: Caller) -> None:
        code = told(caller.ask(key="payroll-7"))["code"]
        caller.post(f"/api/v1/withdrawals/{code}/retract/", {"reason": "Wrong month"})

        answer = told(caller.ask(key="payroll-7"))

        assert (answer["code"], answer["status"]) == (code, Status.RETRACTED)

    @pytest.mark.parametrize("key", ["", "two words", "x" * 256, "é"])
    def test_is_asked_for_in_plain_ascii(self, caller: Caller, key: str) -> None:
        problem = expect_problem(caller.ask(key=key), 400, "bad_parameter")

        assert problem["errors"][0]["header"] == "Idempotency-Key"
        assert not Withdrawal.objects.exists()


def merged(payout: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, where those inside `payout` leave the rest of it; None takes a member out."""
    inner = changes.get("payout")
    if not isinstance(inner, dict):
        return changes
    whole = PAYOUTS[payout]["payout"] | inner
    return changes | {"payout": {k: v for k, v in whole.items() if v is not None}}
