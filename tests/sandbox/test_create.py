"""Creating payments: what is refused, with which code, and what a repeat returns."""

from typing import Any

import pytest

from tests.sandbox.helpers import CBU, CLABE, Bench, deposit, withdrawal

BAD_REQUESTS = [
    ({"amount": 0}, "amount must not be less than 1"),
    ({"amount": -5}, "amount must not be less than 1"),
    ({"amount": 1500.5}, "amount must be an integer number"),
    ({"amount": "1500"}, "amount must be an integer number"),
    ({"amount": True}, "amount must be an integer number"),
    ({"amount": ...}, "amount must be an integer number"),
    ({"amount": 2**53}, f"amount must not be greater than {2**53 - 1}"),
    ({"merchant_reference": 17}, "merchant_reference must be a string"),
    ({"merchant_reference": ...}, "merchant_reference must be a string"),
    ({"merchant_reference": " "}, "merchant_reference should not be empty"),
    ({"currency": ...}, "currency must be a string"),
    ({"method": 3}, "method must be a string"),
    ({"customer": "Maria"}, "customer must be an object"),
    ({"customer": {"email": "no"}}, "customer.email must be an email"),
    (
        {"customer": {"name": "x" * 256}},
        "customer.name must be shorter than or equal to 255 characters",
    ),
    (
        {"customer": {"phone": "1" * 51}},
        "customer.phone must be shorter than or equal to 50 characters",
    ),
    ({"customer_id": "12"}, "customer_id must be an integer number"),
    ({"metadata": []}, "metadata must be an object"),
    ({"webhook_url": "http://example.com/hook"}, "webhook_url must be an HTTPS URL"),
    ({"webhook_url": "ftp://example.com"}, "webhook_url must be an HTTPS URL"),
    (
        {"webhook_url": "https://example.com/" + "x" * 2048},
        "webhook_url must be shorter than or equal to 2048 characters",
    ),
    ({"payout": {"bank_account": 123}}, "payout.bank_account must be a string"),
    (
        {"method": "ipay", "currency": "LKR", "amount": 99},
        "amount must not be less than 100",
    ),
]
RULES = [
    ({"currency": "TRY"}, "UNSUPPORTED_CURRENCY"),
    ({"currency": "EUR"}, "UNSUPPORTED_CURRENCY"),
    ({"currency": "ars"}, "UNSUPPORTED_CURRENCY"),
    ({"method": "pigeon"}, "INVALID_METHOD"),
    ({"method": "spei"}, "METHOD_NOT_AVAILABLE"),
    ({"method": "crypto"}, "METHOD_NOT_AVAILABLE"),
    ({"method": "oxxo"}, "METHOD_NOT_AVAILABLE"),
    ({"currency": "LKR"}, "METHOD_NOT_AVAILABLE"),
    ({"amount": 10_000_000_001}, "LIMIT_EXCEEDED"),
    (
        {"type": "withdrawal", "method": "ipay", "currency": "LKR"},
        "WITHDRAWAL_NOT_SUPPORTED",
    ),
    (
        {"type": "withdrawal", "method": "oxxo", "currency": "MXN"},
        "WITHDRAWAL_NOT_SUPPORTED",
    ),
    ({"type": "withdrawal"}, "INVALID_WITHDRAWAL_DATA"),
]
ARS: dict[str, Any] = {"currency": "ARS", "method": "bank_transfer"}
MXN: dict[str, Any] = {"currency": "MXN", "method": "spei"}
UYU: dict[str, Any] = {"currency": "UYU", "method": "bank_transfer"}
AUD: dict[str, Any] = {"currency": "AUD", "method": "bank_transfer"}
PAYID: dict[str, Any] = {"currency": "AUD", "method": "payid"}
PAYOUTS = [
    (ARS, {"bank_account": CBU}, None),
    (ARS, {"bank_account": CBU[:21]}, "INVALID_CVU"),
    (ARS, {"bank_account": CBU + "1"}, "INVALID_CVU"),
    (ARS, {"bank_account": CBU[:21] + "x"}, "INVALID_CVU"),
    (ARS, {"bank_account": "٠" * 22}, "INVALID_CVU"),
    (ARS, {"bank_account": CBU + "\n"}, "INVALID_CVU"),
    (ARS, {}, "INVALID_WITHDRAWAL_DATA"),
    (ARS, {"bank_account": CBU, "recipient_name": ""}, "INVALID_WITHDRAWAL_DATA"),
    (MXN, {"bank_account": CLABE, "bank_code": "002"}, None),
    (MXN, {"bank_account": CLABE}, "INVALID_WITHDRAWAL_DATA"),
    (MXN, {"bank_account": CLABE, "bank_code": "0021"}, "INVALID_WITHDRAWAL_DATA"),
    (MXN, {"bank_account": CLABE[:17], "bank_code": "002"}, "INVALID_CLABE"),
    (MXN, {"bank_account": CLABE + "0", "bank_code": "002"}, "INVALID_CLABE"),
    (UYU, {"bank_account": "001234567890"}, None),
    (UYU, {"bank_account": "1234"}, None),
    (UYU, {"bank_account": "123"}, "INVALID_WITHDRAWAL_DATA"),
    (UYU, {"bank_account": "1" * 21}, "INVALID_WITHDRAWAL_DATA"),
    (AUD, {"bank_account": "12345678", "bank_code": "062-000"}, None),
    (AUD, {"bank_account": "12345678", "bank_code": "062000"}, None),
    (AUD, {"bank_account": "12345678"}, "INVALID_WITHDRAWAL_DATA"),
    (AUD, {"bank_account": "12345678", "bank_code": "06-2000"}, "INVALID_WITHDRAWAL_DATA"),
    (AUD, {"bank_account": "12345", "bank_code": "062-000"}, "INVALID_WITHDRAWAL_DATA"),
    (AUD, {"bank_account": "1" * 11, "bank_code": "062-000"}, "INVALID_WITHDRAWAL_DATA"),
    (PAYID, {"payid": "james@example.com", "payid_type": "email"}, None),
    (PAYID, {"payid": "+61412345678", "payid_type": "phone"}, None),
    (PAYID, {"payid": "51824753556", "payid_type": "abn"}, None),
    (PAYID, {"payid": "james@example.com"}, "INVALID_WITHDRAWAL_DATA"),
    (PAYID, {"payid_type": "email"}, "INVALID_WITHDRAWAL_DATA"),
    (PAYID, {"payid": "james@example.com", "payid_type": "nick"}, "INVALID_WITHDRAWAL_DATA"),
    (PAYID, {"payid": "0412345678", "payid_type": "phone"}, "INVALID_WITHDRAWAL_DATA"),
    (PAYID, {"payid": "5182475355", "payid_type": "abn"}, "INVALID_WITHDRAWAL_DATA"),
]


class TestCreatePayment:
    @pytest.mark.parametrize(("changes", "message"), BAD_REQUESTS)
    def test_refuses_a_malformed_request(
        self, luxcore: Bench, changes: dict[str, Any], message: str
    ) -> None:
        answer = luxcore.api.post("/payments", json=deposit(**changes))

        assert answer.status_code == 400
        assert answer.json() == {
            "statusCode": 400,
            "message": [message],
            "error": "Bad Request",
        }

    def test_names_every_fault_at_once(self, luxcore: Bench) -> None:
        body = deposit(amount=0, merchant_reference=5)

        answer = luxcore.api.post("/payments", json=body)

        assert answer.json()["message"] == [
            "amount must not be less than 1",
            "merchant_reference must be a string",
        ]

    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b"[1]",
            b'{"amount": NaN}',
            b"\xff\xfe",
            b'{"merchant_reference": "\\ud800"}',
            b"[" * 50_000,
            b'{"amount": ' + b"1" * 5000 + b"}",
        ],
    )
    def test_refuses_a_body_it_cannot_read(self, luxcore: Bench, raw: bytes) -> None:
        headers = {"Content-Type": "application/json"}

        answer = luxcore.api.post("/payments", content=raw, headers=headers)

        assert answer.status_code == 400
        assert isinstance(answer.json()["message"], list)

    @pytest.mark.parametrize(("changes", "code"), RULES)
    def test_names_the_rule_that_was_broken(
        self, luxcore: Bench, changes: dict[str, Any], code: str
    ) -> None:
        answer = luxcore.api.post("/payments", json=deposit(**changes))

        assert answer.status_code == 400
        body = answer.json()
        assert (body["statusCode"], body["error_code"]) == (400, code)
        assert body["timestamp"] == "2026-03-31T12:00:00.000Z"
        assert isinstance(body["message"], str)

    def test_takes_a_whole_amount_written_with_a_point(self, luxcore: Bench) -> None:
        assert luxcore.create(amount=1500.0)["amount"] == 1500

    @pytest.mark.parametrize(
        ("amount", "fee"), [(150_000, 6_750), (1, 0), (11, 0), (12, 1), (100, 5), (33, 1)]
    )
    def test_takes_a_fee_rounded_half_up(self, luxcore: Bench, amount: int, fee: int) -> None:
        body = luxcore.create(amount=amount)

        assert (body["fee_amount"], body["net_amount"]) == (fee, amount - fee)

    @pytest.mark.parametrize(("where", "details", "code"), PAYOUTS)
    def test_keeps_each_country_s_payout_rules(
        self, luxcore: Bench, where: dict[str, Any], details: dict[str, str], code: str | None
    ) -> None:
        payout = {"recipient_name": "James Smith", **details}

        answer = luxcore.api.post("/payments", json=withdrawal(**where, payout=payout))

        assert answer.status_code == (400 if code else 201)
        assert answer.json().get("error_code") == code

    def test_shows_a_bsb_with_its_dash(self, luxcore: Bench) -> None:
        payout = {"recipient_name": "J", "bank_account": "12345678", "bank_code": "062000"}

        body = luxcore.create(**withdrawal(**AUD, payout=payout))

        assert body["payout"]["bsb"] == "062-000"

    def test_refuses_a_withdrawal_beyond_the_balance(self, luxcore: Bench) -> None:
        luxcore.control("/balances", {"currency": "ARS", "available": 261_249})

        refused = luxcore.api.post("/payments", json=withdrawal())
        luxcore.control("/balances", {"currency": "ARS", "available": 261_250})
        taken = luxcore.api.post("/payments", json=withdrawal())

        assert refused.json()["error_code"] == "INSUFFICIENT_BALANCE"
        assert taken.status_code == 201  # 250,000 and 4.5 % of it

    def test_leaves_nothing_behind_when_it_refuses(self, luxcore: Bench) -> None:
        luxcore.create(merchant_reference="a", customer={"name": "A", "external_id": "x"})
        before = luxcore.balance()

        body = withdrawal(customer={"name": "B", "external_id": "x"})
        answer = luxcore.api.post("/payments", json=body)

        assert answer.json()["error_code"] == "EXTERNAL_ID_DUPLICATE"
        assert luxcore.balance() == before
        assert luxcore.control("/payments")["total"] == 1


class TestReference:
    def test_returns_the_existing_payment(self, luxcore: Bench) -> None:
        first = luxcore.withdraw()

        answer = luxcore.api.post("/payments", json=withdrawal(amount=999, currency="XXX"))

        assert answer.status_code == 200
        assert answer.json() == first
        assert luxcore.control("/payments")["references"] == {"payout_vendor_001": 1}

    @pytest.mark.parametrize("status", ["completed", "refunded", "partial_refund", "processing"])
    def test_stays_taken_while_the_money_may_have_moved(self, luxcore: Bench, status: str) -> None:
        first = luxcore.withdraw()
        luxcore.act(first, "release")
        if status != "processing":
            luxcore.act(first, "complete")
        if status.endswith(("refunded", "refund")):
            luxcore.act(first, "refund", amount=250_000 if status == "refunded" else 5)

        again = luxcore.withdraw()

        assert again["transaction_id"] == first["transaction_id"]
        assert again["status"] == status

    @pytest.mark.parametrize("deed", ["fail", "expire", "cancel"])
    def test_is_free_again_when_nothing_was_paid(self, luxcore: Bench, deed: str) -> None:
        first = luxcore.withdraw()
        luxcore.act(first, deed)

        answer = luxcore.api.post("/payments", json=withdrawal())

        assert answer.status_code == 201
        assert answer.json()["transaction_id"] != first["transaction_id"]
        assert luxcore.control("/payments")["references"] == {"payout_vendor_001": 2}

    def test_is_never_free_again_where_so_configured(self, make_bench: Any) -> None:
        luxcore = make_bench(reusable=frozenset())
        first = luxcore.withdraw()
        luxcore.act(first, "fail")

        assert luxcore.withdraw()["transaction_id"] == first["transaction_id"]

    def test_validates_the_form_of_a_repeat_first(self, luxcore: Bench) -> None:
        luxcore.withdraw()

        answer = luxcore.api.post("/payments", json=withdrawal(amount=0))

        assert answer.status_code == 400


class TestCustomers:
    def test_are_found_by_email_whatever_its_case(self, luxcore: Bench) -> None:
        first = luxcore.create(merchant_reference="1", customer={"email": "Maria@Example.com"})

        second = luxcore.create(
            merchant_reference="2", customer={"email": "maria@example.COM", "name": "Other"}
        )

        assert second["customer_id"] == first["customer_id"]
        assert second["customer"]["name"] is None

    def test_are_found_by_phone_however_written(self, luxcore: Bench) -> None:
        first = luxcore.create(merchant_reference="1", customer={"phone": "+54 911 1234-5678"})

        second = luxcore.create(
            merchant_reference="2",
            customer={"email": "new@example.com", "phone": "0054 91112345678"},
        )

        assert second["customer_id"] == first["customer_id"]

    def test_are_searched_by_email_before_phone(self, luxcore: Bench) -> None:
        by_mail = luxcore.create(merchant_reference="1", customer={"email": "a@example.com"})
        luxcore.create(merchant_reference="2", customer={"phone": "+5491111111111"})

        found = luxcore.create(
            merchant_reference="3",
            customer={"email": "a@example.com", "phone": "+5491111111111"},
        )

        assert found["customer_id"] == by_mail["customer_id"]

    def test_get_an_external_id_only_if_they_have_none(self, luxcore: Bench) -> None:
        mail = {"email": "a@example.com"}
        luxcore.create(merchant_reference="1", customer=mail)

        given = luxcore.create(merchant_reference="2", customer=mail | {"external_id": "usr_1"})
        kept = luxcore.create(merchant_reference="3", customer=mail | {"external_id": "usr_2"})

        assert given["customer"]["external_id"] == "usr_1"
        assert kept["customer"]["external_id"] == "usr_1"

    def test_are_not_searched_by_external_id(self, luxcore: Bench) -> None:
        luxcore.create(merchant_reference="1", customer={"name": "A", "external_id": "usr_1"})

        body = deposit(merchant_reference="2", customer={"name": "A", "external_id": "usr_1"})
        answer = luxcore.api.post("/payments", json=body)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "EXTERNAL_ID_DUPLICATE"

    def test_are_left_out_when_none_was_given(self, luxcore: Bench) -> None:
        body = luxcore.create()

        assert "customer" not in body
        assert "customer_id" not in body


class TestMethods:
    def test_are_listed_with_currencies_and_limits(self, luxcore: Bench) -> None:
        body = luxcore.api.get("/payments/methods").json()

        assert body["success"] is True
        found = {method["code"]: method for method in body["data"]}
        assert set(found) == {"spei", "oxxo", "card", "bank_transfer", "cash", "payid", "ipay"}
        assert found["ipay"] == {
            "code": "ipay",
            "name": "iPay",
            "currencies": ["LKR"],
            "deposit": True,
            "withdrawal": False,
            "min_amount": 100,
            "max_amount": 10_000_000_000,
            "processing_time_minutes": 0,
        }

    @pytest.mark.parametrize(
        ("changes", "codes"),
        [
            ({}, []),
            ({"type": "withdrawal"}, []),
            ({"method": "spei"}, ["METHOD_NOT_AVAILABLE"]),
            ({"method": "ipay", "currency": "LKR", "amount": 99}, ["VALIDATION_ERROR"]),
            (
                {"type": "withdrawal", "payout": {"recipient_name": "A", "bank_account": "1"}},
                ["INVALID_CVU"],
            ),
        ],
    )
    def test_are_validated_without_creating_anything(
        self, luxcore: Bench, changes: dict[str, Any], codes: list[str]
    ) -> None:
        body = deposit(merchant_reference=..., **changes)

        answer = luxcore.api.post("/payments/methods/validate", json=body).json()

        assert answer["success"] is True
        assert answer["data"]["valid"] is (not codes)
        assert [error["error_code"] for error in answer["data"]["errors"]] == codes
        assert luxcore.control("/payments")["total"] == 0
