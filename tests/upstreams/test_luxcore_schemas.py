"""Scenarios U-6 and U-7: what LuxCore's objects become, whole, halved, renamed or broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.upstreams.wire import payment
from upstreams import strict_json
from upstreams.luxcore.schemas import (
    PaymentRecord,
    parse_balance,
    parse_comment,
    parse_delivery,
    parse_method,
    parse_payment,
    parse_ticket,
    parse_upload_slot,
    parse_webhook,
)
from upstreams.money import Money
from upstreams.records import BadRecord

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARSERS = [
    parse_payment, parse_balance, parse_comment, parse_delivery, parse_method, parse_ticket,
    parse_upload_slot, parse_webhook,
]  # fmt: skip


def deposit(**changes: Any) -> dict[str, Any]:
    """The MXN deposit of the payments guide (S004)."""
    guide: dict[str, Any] = {
        "transaction_id": "pay_1",
        "status": "processing",
        "amount": 150000,
        "currency": "MXN",
        "method": "spei",
        "type": "deposit",
        "fee_amount": 6750,
        "net_amount": 143250,
        "payout": ...,
        "merchant_reference": ...,
        "bank_details": {"amount": "150000", "bank_name": "STP", "swift_code": None},
        "customer_id": 12345,
        "customer": {
            "id": 12345,
            "name": "Maria Garcia",
            "email": "maria@example.com",
            "phone": "+5491112345678",
            "external_id": "usr_98765",
        },
        "created_at": "2025-01-21T10:30:00Z",
        "expires_at": "2025-01-21T10:45:00Z",
    }
    return payment(**{**guide, **changes})


class TestPayment:
    def test_reads_a_deposit_of_the_guide(self) -> None:
        record = parse_payment(deposit())

        assert (record.id, record.kind, record.hosted) == ("pay_1", "deposit", False)
        assert record.amount == Money(Decimal("1500.00"), "MXN")
        assert record.fee == Money(Decimal("67.50"), "MXN")
        assert record.net == Money(Decimal("1432.50"), "MXN")
        assert record.refunded is None and record.payout is None
        assert record.details["bank_name"] == "STP"
        assert record.created_at == datetime(2025, 1, 21, 10, 30, tzinfo=UTC)
        assert record.expires_at == datetime(2025, 1, 21, 10, 45, tzinfo=UTC)
        assert record.completed_at is None
        assert record.customer is not None
        assert record.customer.id == "12345"
        assert record.customer.external_id == "usr_98765"

    @pytest.mark.parametrize(
        ("echo", "account", "code"),
        [
            ({"bank_account": "001234567890"}, "001234567890", ""),
            ({"clabe": "012345678901234567", "bank_code": "002"}, "012345678901234567", "002"),
            ({"bank_account": "12345678", "bsb": "062-000"}, "12345678", "062-000"),
        ],
    )
    def test_folds_the_echoes_of_the_payout_back(
        self, echo: dict[str, str], account: str, code: str
    ) -> None:
        payout = parse_payment(payment(payout=echo | {"recipient_name": "J"})).payout

        assert payout is not None
        assert (payout.bank_account, payout.bank_code) == (account, code)

    def test_reads_a_payid_payout(self) -> None:
        payout = parse_payment(
            payment(payout={"recipient_name": "J", "payid": "j@example.com", "payid_type": "email"})
        ).payout

        assert payout is not None
        assert (payout.payid, payout.payid_type, payout.bank_account) == (
            "j@example.com",
            "email",
            "",
        )

    def test_reads_the_names_of_webhooks(self) -> None:
        record = parse_payment(
            {
                "id": "pay_1",
                "status": "completed",
                "amount": 150000,
                "currency": "ARS",
                "type": "deposit",
                "merchant_id": 77,
                "merchant_reference": "order_1",
                "method": None,
                "fee": 6750,
                "net_amount": 143250,
                "created_at": "2026-01-21T10:30:00.000Z",
                "confirmed_at": "2026-01-21T10:31:00.123Z",
                "status_version": 3,
            }
        )

        assert record.id == "pay_1"
        assert record.fee == Money(Decimal("67.50"), "ARS")
        assert record.method == ""
        assert record.status_version == 3
        assert record.completed_at == datetime(2026, 1, 21, 10, 31, 0, 123000, UTC)

    @pytest.mark.parametrize(
        ("vendor_type", "kind", "hosted"),
        [
            ("deposit", "deposit", False),
            ("withdrawal", "withdrawal", False),
            ("deposit_pp", "deposit", True),
            ("withdrawal_pp", "withdrawal", True),
            ("chargeback", "chargeback", False),
        ],
    )
    def test_tells_kind_and_hosted_apart(self, vendor_type: str, kind: str, hosted: bool) -> None:
        record = parse_payment(payment(type=vendor_type))

        assert (record.type, record.kind, record.hosted) == (vendor_type, kind, hosted)

    @given(status=WORDS, vendor_type=WORDS, method=WORDS)
    def test_keeps_words_it_does_not_know(self, status: str, vendor_type: str, method: str) -> None:
        record = parse_payment(payment(status=status, type=vendor_type, method=method))

        storable = strict_json.storable
        assert record.status == storable(status)
        assert record.type == storable(vendor_type)
        assert record.method == storable(method)

    def test_keeps_fields_it_does_not_know(self) -> None:
        record = parse_payment(payment(brand_new={"a": [1]}, rate=Decimal("1.10")))

        assert record.raw["brand_new"] == {"a": [1]}
        assert record.raw["rate"] == "1.10"
        assert json.dumps(record.raw)

    def test_reads_the_obsolete_instructions(self) -> None:
        record = parse_payment(deposit(bank_details=..., instructions={"cbu": "011"}))

        assert record.details == {"cbu": "011"}

    def test_takes_empty_and_null_for_absent(self) -> None:
        empty = {"fee_amount": None, "customer": None, "payout": {}, "expires_at": None}

        record = parse_payment(payment(**empty, refunded_amount=None, bank_details=None))

        assert record.fee is record.customer is record.payout is record.expires_at is None
        assert record.details == {}

    def test_knows_a_customer_by_number_alone(self) -> None:
        customer = parse_payment(payment(customer_id=7)).customer

        assert customer is not None and customer.id == "7"

    @pytest.mark.parametrize("amount", ["250000", 250000])
    def test_takes_whole_minor_units_as_number_or_text(self, amount: object) -> None:
        assert parse_payment(payment(amount=amount)).amount.to_minor() == 250000

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": True},
            {"amount": Decimal("250000.5")},
            {"amount": Decimal("250000.0")},
            {"amount": 250000.0},
            {"amount": -1},
            {"amount": "2500.00"},
            {"amount": None},
            {"amount": ...},
            {"amount": [1]},
            {"amount": 10**30},
            {"fee_amount": Decimal("0.5")},
            {"refunded_amount": "many"},
            {"currency": "ZZZ"},
            {"currency": ""},
            {"currency": 5.5},
            {"transaction_id": ...},
            {"transaction_id": ""},
            {"transaction_id": None},
            {"transaction_id": {"a": 1}},
            {"status": ...},
            {"status": None},
            {"status": ["pending"]},
            {"type": ...},
            {"created_at": ...},
            {"created_at": "yesterday"},
            {"created_at": 1737455400},
            {"created_at": "2026-02-30T00:00:00Z"},
            {"created_at": "0001-01-01T00:00:00+14:00"},
            {"expires_at": "soon"},
            {"customer": "Maria"},
            {"customer": {"email": ["a"]}},
            {"payout": [1]},
            {"status_version": "3"},
            {"status_version": -1},
            {"status_version": True},
            {"payment_page": "https://x"},
            {"metadata": strict_json.Flaw("a name is given twice", [])},
        ],
    )
    def test_refuses_what_cannot_be_used(self, changes: dict[str, Any]) -> None:
        raw = payment(**changes)

        with pytest.raises(BadRecord) as caught:
            parse_payment(raw)

        assert caught.value.reason
        assert json.dumps(caught.value.raw)
        assert caught.value.raw.keys() == raw.keys()  # the whole of it, to be looked at

    @pytest.mark.parametrize("raw", [None, 5, "pay_1", [], [payment()], True])
    def test_refuses_what_is_no_object(self, raw: object) -> None:
        with pytest.raises(BadRecord, match="not an object"):
            parse_payment(raw)

    @pytest.mark.parametrize(
        "moment",
        ["2026-01-21T10:30:00Z", "2026-01-21T10:30:00.000Z", "2026-01-21T05:30:00-05:00",
         "2026-01-21 10:30:00", "2026-01-21T10:30:00"],
    )  # fmt: skip
    def test_knows_every_moment_in_utc(self, moment: str) -> None:
        created_at = parse_payment(payment(created_at=moment)).created_at

        assert created_at == datetime(2026, 1, 21, 10, 30, tzinfo=UTC)
        assert created_at.tzinfo is UTC

    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("https://pay.example/p/1?sig=a&exp=2", True),
            ("http://127.0.0.1:8001/pay/1?sig=a", True),
            ("http://pay.example/p/1", False),
            ("javascript:alert(1)", False),
            ("data:text/html,x", False),
            ("//pay.example/p", False),
            ("https://[bad/", False),
            ("https:///p", False),
            ("", False),
        ],
    )
    def test_sends_a_browser_only_to_a_safe_page(self, url: str, kept: bool) -> None:
        page = parse_payment(payment(payment_page={"url": url})).page_url
        redirect = parse_payment(payment(redirect_url=url)).page_url

        assert page == redirect == (url if kept else "")

    def test_has_a_digest_of_its_content(self) -> None:
        body = payment()
        shuffled = dict(reversed(body.items()))

        assert parse_payment(body).digest == parse_payment(shuffled).digest
        assert parse_payment(body).digest != parse_payment(payment(status="failed")).digest

    def test_can_be_stored_whatever_text_it_holds(self) -> None:
        record = parse_payment(payment(description="a\x00b\ud800", note="\x00"))

        assert record.description == "a\ufffdb\ufffd"
        assert "\x00" not in json.dumps(record.raw, ensure_ascii=False)

    def test_shows_no_personal_data_in_its_repr(self) -> None:
        shown = repr(parse_payment(deposit(description="for Maria"))) + repr(
            parse_payment(payment())
        )

        for canary in ["Maria", "maria@", "+549", "Juan", "01100123", "STP"]:
            assert canary not in shown

    @given(name=st.sampled_from(sorted(deposit())), value=ANYTHING)
    def test_is_read_or_refused_but_never_crashes(self, name: str, value: object) -> None:
        try:
            record = parse_payment(deposit() | {name: value})
        except BadRecord:
            return
        assert isinstance(record, PaymentRecord)


class TestOthers:
    @pytest.mark.parametrize("parse", PARSERS)
    @given(raw=ANYTHING)
    def test_are_read_or_refused_but_never_crash(self, parse: Any, raw: object) -> None:
        try:
            parse(raw)
        except BadRecord as bad:
            json.dumps(bad.raw)

    def test_balance_is_read_in_either_notation(self) -> None:
        flat = {
            "success": True, "merchant_id": 77, "currency": "ARS", "balance_type": "main",
            "balance_amount": "900000", "available_amount": "700000", "frozen_amount": "200000",
            "new_balance": 900000, "available_balance": 700000,
        }  # fmt: skip
        old = {**flat, "balance_amount": None, "available_amount": None}

        record = parse_balance(flat)

        assert record.amount == Money(Decimal("9000.00"), "ARS") == parse_balance(old).amount
        assert record.available.to_minor() == 700000
        assert record.frozen.to_minor() == 200000

    def test_balance_may_be_below_zero(self) -> None:
        record = parse_balance(
            {"currency": "ARS", "balance_type": "main", "balance_amount": "-5",
             "available_amount": "-5", "frozen_amount": "0"}
        )  # fmt: skip

        assert record.amount.amount == Decimal("-0.05")

    def test_webhook_secret_is_neither_in_repr_nor_in_raw(self) -> None:
        record = parse_webhook({"id": "wh_1", "secret": "whsec_canary", "events": ["a"]})

        assert record.secret == "whsec_canary"
        assert "whsec_canary" not in f"{record!r} {record.raw}"

    def test_ticket_keeps_words_it_does_not_know(self) -> None:
        record = parse_ticket({"ticket_id": "t", "status": "escalated", "category": "new"})

        assert (record.status, record.category) == ("escalated", "new")
        assert record.requires_refund is False

    def test_upload_slot_hides_its_address(self) -> None:
        slot = parse_upload_slot(
            {"attachment_id": "a", "upload_url": "https://s3.example/x?sig=canary", "headers": {}}
        )

        assert "canary" not in repr(slot)

    def test_comment_carries_its_files(self) -> None:
        record = parse_comment(
            {"comment_id": "c", "attachments": [{"attachment_id": "a", "file_size": 5}]}
        )

        assert [(file.id, file.size) for file in record.attachments] == [("a", 5)]

    def test_comment_with_a_broken_file_is_refused_whole(self) -> None:
        raw = {"comment_id": "c", "attachments": [{"attachment_id": "a", "file_size": "big"}]}

        with pytest.raises(BadRecord, match="attachments.file_size") as caught:
            parse_comment(raw)
        assert caught.value.raw == raw

    @pytest.mark.parametrize("changes", [{"method": "POST"}, {"headers": {"a": 1}}])
    def test_upload_slot_of_another_kind_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(BadRecord):
            parse_upload_slot({"attachment_id": "a", "upload_url": "https://x/", **changes})
