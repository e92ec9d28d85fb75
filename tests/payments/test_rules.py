"""What a payout must tell, country by country, and what is sent of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from customers.columns import keeps
from payments import rules
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft
from tests.payments.factories import draft
from upstreams.money import BadMoney

CBU = "0110012345678901234567"
CLABE = "012345678901234567"


def ars(**fields: Any) -> WithdrawalDraft:
    return rail("ARS", "bank_transfer", **({"bank_account": CBU} | fields))


def mxn(**fields: Any) -> WithdrawalDraft:
    return rail("MXN", "spei", **({"bank_account": CLABE, "bank_code": "002"} | fields))


def uyu(**fields: Any) -> WithdrawalDraft:
    return rail("UYU", "bank_transfer", **({"bank_account": "001234567890"} | fields))


def aud(**fields: Any) -> WithdrawalDraft:
    told = {"bank_account": "12345678", "bank_code": "062-000"}
    return rail("AUD", "bank_transfer", **(told | fields))


def rail(currency: str, method: str, **fields: Any) -> WithdrawalDraft:
    told = {"currency": currency, "method": method, "payid": "", "payid_type": ""}
    return draft(**(told | fields))


class TestValidate:
    @pytest.mark.parametrize("good", [ars(), mxn(), uyu(), aud(), draft()])
    def test_lets_the_guides_own_examples_pass(self, good: WithdrawalDraft) -> None:
        assert rules.validate(good) == {}

    @pytest.mark.parametrize(
        ("bad", "field", "says"),
        [
            (ars(bank_account=CBU[:21]), "bank_account", "exactly 22 digits; this one has 21"),
            (ars(bank_account=CBU + "1"), "bank_account", "this one has 23"),
            (ars(bank_account="01100123456789 1234567"), "bank_account", "digits only"),
            (ars(bank_account="٠" * 22), "bank_account", "digits only"),
            (ars(bank_account=""), "bank_account", "missing"),
            (mxn(bank_code=""), "bank_code", "SPEI needs the bank code"),
            (mxn(bank_code="02"), "bank_code", "exactly 3 digits"),
            (mxn(bank_account=CLABE[:17]), "bank_account", "exactly 18 digits"),
            (uyu(bank_account="123"), "bank_account", "4 to 20 digits; this one has 3"),
            (uyu(bank_account="1" * 21), "bank_account", "this one has 21"),
            (aud(bank_code=""), "bank_code", "needs the BSB"),
            (aud(bank_code="06-2000"), "bank_code", "written like 062-000"),
            (aud(bank_code="0620000"), "bank_code", "six digits"),
            (aud(bank_account="12345"), "bank_account", "6 to 10 digits"),
            (aud(bank_account="12345678901"), "bank_account", "this one has 11"),
            (draft(payid=""), "payid", "missing"),
            (draft(payid_type=""), "payid_type", "what kind of PayID"),
            (draft(payid_type="iban"), "payid_type", "email, phone or ABN"),
            (draft(payid="james(at)example.com"), "payid", "not an e-mail"),
            (draft(payid="0412345678", payid_type="phone"), "payid", "country code"),
            (draft(payid="+61 412 345 678", payid_type="phone"), "payid", "digits only"),
            (draft(payid="+9990000000", payid_type="phone"), "payid", "No country"),
            (draft(payid="5182475355", payid_type="abn"), "payid", "exactly 11 digits"),
            (draft(payid="51 824 753 556", payid_type="abn"), "payid", "digits only"),
            (draft(recipient_name="  "), "recipient_name", "Who is the money for?"),
            (draft(recipient_name="James\u202e Smith"), "recipient_name", "U+202E"),
            (draft(recipient_name="James\u3164 Smith"), "recipient_name", "U+3164"),
            (draft(recipient_name="x" * 256), "recipient_name", "At most 255"),
            (aud(account_type="current"), "account_type", "checking or savings"),
            (ars(account_type="Checking"), "account_type", "checking or savings"),
            (draft(account_type="x"), "account_type", "checking or savings"),
            (draft(customer_email="james"), "customer_email", "not an e-mail"),
            (draft(customer_phone="1" * 51), "customer_phone", "At most 50"),
            (draft(bank_account="12345678"), "bank_account", "Leave this empty"),
            (ars(payid="james@example.com"), "payid", "Leave this empty"),
            (draft(amount=Decimal("10.005")), "amount", "2 decimals"),
            (draft(amount=Decimal(0)), "amount", "more than zero"),
            (draft(amount=Decimal("-5")), "amount", "more than zero"),
            (draft(amount=Decimal("NaN")), "amount", "not a number"),
            (draft(amount=Decimal("Infinity")), "amount", "not a number"),
            (draft(amount=Decimal(10) ** 15), "amount", "too large"),
            pytest.param(
                draft(amount=Decimal("10000000000000.01")),
                "amount",
                "more than the 15 digits",
                marks=pytest.mark.skipif(
                    connection.vendor != "sqlite", reason="PostgreSQL keeps every digit"
                ),
            ),
            (draft(currency="LKR", method="ipay"), "currency", "does not pay out LKR"),
            (draft(currency="XYZ"), "currency", "XYZ is not"),
            (draft(currency=""), "currency", "no currency is not"),
            (draft(method="spei"), "method", "AUD by Bank transfer or PayID"),
            (draft(upstream="elsewhere"), "upstream", "Lux Financial and Lumetrade only"),
        ],
    )
    def test_says_what_is_wrong_with_the_one_field_that_is(
        self, bad: WithdrawalDraft, field: str, says: str
    ) -> None:
        errors = rules.validate(bad)

        assert list(errors) == [field]
        assert says in str(errors[field])

    @pytest.mark.parametrize("account_type", ["", "checking", "savings"])
    @pytest.mark.parametrize("asked", [ars, mxn, uyu, aud, draft])
    def test_takes_the_documented_account_types_in_every_country(
        self, asked: Any, account_type: str
    ) -> None:
        assert rules.validate(asked(account_type=account_type)) == {}

    def test_takes_a_bsb_without_its_dash(self) -> None:
        assert rules.validate(aud(bank_code="062000")) == {}

    def test_names_every_wrong_field_at_once(self) -> None:
        errors = rules.validate(aud(bank_account="1", bank_code="", recipient_name=""))

        assert set(errors) == {"bank_account", "bank_code", "recipient_name"}

    @given(
        st.fixed_dictionaries(
            {name: st.text(max_size=30) for name in rules.TEXT_FIELDS},
            optional={
                "currency": st.sampled_from([*rules.CURRENCIES, "LKR", "USD", "💥"]),
                "method": st.sampled_from(["bank_transfer", "spei", "payid", "ipay", ""]),
                "amount": st.decimals(allow_nan=True, allow_infinity=True),
            },
        )
    )
    def test_never_fails_itself(self, fields: dict[str, Any]) -> None:
        judged = draft(**fields)

        rules.foreign_letters(judged)
        if rules.validate(judged) == {}:
            rules.warnings(judged)


def told(judged: WithdrawalDraft) -> list[str]:
    return [str(text) for text in rules.warnings(judged)]


class TestWarnings:
    def test_doubts_the_guides_samples_without_refusing_them(self) -> None:
        assert told(ars()) == ["The check digits of this CBU or CVU do not fit."]
        assert "does not fit" in told(mxn())[0]
        assert "belongs to bank 012, not to 002" in told(mxn())[1]

    def test_names_the_letters_of_another_alphabet(self) -> None:
        (warning,) = told(draft(recipient_name="J\u0430mes Smith"))

        assert warning.endswith("outside the Latin alphabet: \u0430 U+0430.")

    @pytest.mark.parametrize(
        "good",
        [
            draft(recipient_name="M\u00aa Jos\u00e9 N\u0303and\u00fa O'Brien-\u0141uk 3rd"),
            ars(bank_account="2850590940090418135201"),
            mxn(bank_account="032180000118359719", bank_code="032"),
            draft(payid="51824753556", payid_type="abn"),
        ],
    )
    def test_is_content_with_real_numbers(self, good: WithdrawalDraft) -> None:
        assert rules.warnings(good) == []


class TestOneSpelling:
    @pytest.mark.parametrize(
        "payid", ["+610412345678", "+6100412345678", "+61000412345678", "+61 412 345 678"]
    )
    def test_refuses_other_ways_to_write_a_phone(self, payid: str) -> None:
        errors = rules.validate(draft(payid=payid, payid_type="phone"))

        assert list(errors) == ["payid"]
        assert "phone number" in str(errors["payid"]) or "zeros" in str(errors["payid"])

    @pytest.mark.parametrize("payid", ["+61412345678", "+390612345678"])
    def test_lets_the_one_way_pass(self, payid: str) -> None:
        assert rules.validate(draft(payid=payid, payid_type="phone")) == {}

    @pytest.mark.parametrize("email", ["jame\u017f@example.com", "james@\uff45xample.com"])
    def test_refuses_letters_that_look_alike(self, email: str) -> None:
        errors = rules.validate(draft(payid=email, customer_email=email))

        assert "plain letters" in str(errors["payid"])
        assert "plain letters" in str(errors["customer_email"])

    def test_finds_equal_accounts_equal(self) -> None:
        accounts = {aud(bank_account=f"{zeros}12345678").account_key for zeros in ("", "0", "00")}
        phones = {draft(payid=payid).account_key for payid in ("+61412345678", "+610412345678")}

        assert len(accounts) == len(phones) == 1
        assert uyu(bank_account="01234").account_key != uyu(bank_account="1234").account_key


class TestParseAmount:
    @pytest.mark.parametrize(
        ("text", "amount"),
        [("2500", "2500.00"), ("2500.5", "2500.50"), (" 0.01 ", "0.01"), ("007", "7.00")],
    )
    def test_reads_plain_digits(self, text: str, amount: str) -> None:
        assert rules.parse_amount(text, "AUD") == Decimal(amount)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "١٠٠",
            "1_000",
            "1e3",
            "Infinity",
            "NaN",
            "-0",
            "-1",
            "+1",
            "1,000.00",
            "1.005",
            ".5",
            "1.",
            "1 000",
            "０",
            "1" * 40,
        ],
    )
    def test_refuses_everything_else(self, text: str) -> None:
        with pytest.raises(BadMoney):
            rules.parse_amount(text, "AUD")


class TestFields:
    def test_every_rail_asks_for_a_recipient_and_an_account_or_payid(self) -> None:
        for fields in rules.FIELDS.values():
            required = {field.name for field in fields if field.required}
            assert "recipient_name" in required
            assert required & {"bank_account", "payid"}

    def test_every_required_field_says_when_it_is_missing(self) -> None:
        for fields in rules.FIELDS.values():
            assert all(field.missing for field in fields if field.required)


class TestPayload:
    """The bodies of the guide (seeds/004), member by member."""

    @pytest.mark.parametrize(
        ("asked", "payout"),
        [
            (
                ars(recipient_name="Juan Perez Martinez"),
                {"recipient_name": "Juan Perez Martinez", "bank_account": CBU},
            ),
            (
                mxn(recipient_name="Juan Perez Martinez", payout_reference="PAYOUT-JAN-001"),
                {
                    "recipient_name": "Juan Perez Martinez",
                    "bank_account": CLABE,
                    "bank_code": "002",
                    "reference": "PAYOUT-JAN-001",
                },
            ),
            (
                uyu(recipient_name="Juan Perez Martinez"),
                {"recipient_name": "Juan Perez Martinez", "bank_account": "001234567890"},
            ),
            (
                aud(),
                {
                    "recipient_name": "James Smith",
                    "bank_account": "12345678",
                    "bank_code": "062-000",
                },
            ),
            (
                draft(),
                {
                    "recipient_name": "James Smith",
                    "payid": "james@example.com",
                    "payid_type": "email",
                },
            ),
        ],
    )
    def test_is_the_guides_body(self, asked: WithdrawalDraft, payout: dict[str, str]) -> None:
        withdrawal = Withdrawal(**asked.values(), merchant_reference="payout_vendor_001")

        assert json.loads(rules.payload(withdrawal)) == {
            "amount": 250000,
            "currency": asked.currency,
            "method": asked.method,
            "type": "withdrawal",
            "merchant_reference": "payout_vendor_001",
            "description": "Payout February 2026",
            "customer": {
                "name": "James Smith",
                "email": "james@example.com",
                "phone": "+61412345678",
            },
            "payout": payout,
        }

    def test_is_the_same_bytes_however_many_zeros_the_database_brings(self) -> None:
        withdrawal = Withdrawal(**draft().values(), merchant_reference="r-1")
        withdrawal.amount = Decimal("2500")
        before = rules.payload(withdrawal)
        withdrawal.amount = Decimal("2500.000000000000000000")

        assert rules.payload(withdrawal) == before

    def test_writes_the_dash_of_a_bsb(self) -> None:
        withdrawal = Withdrawal(**aud(bank_code="062000").values(), merchant_reference="r-1")

        assert json.loads(rules.payload(withdrawal))["payout"]["bank_code"] == "062-000"

    def test_keeps_letters_as_they_are(self) -> None:
        withdrawal = Withdrawal(
            **ars(recipient_name="José Ñandú").values(), merchant_reference="r-1"
        )

        assert "José Ñandú".encode() in rules.payload(withdrawal)

    @given(st.integers(min_value=1, max_value=2**53 - 1))
    def test_counts_minor_units_exactly(self, minor: int) -> None:
        asked = draft(amount=Decimal(minor) / 100)

        assert not keeps(asked.amount) or rules.validate(asked) == {}
        body = json.loads(rules.payload(Withdrawal(**asked.values(), merchant_reference="r")))
        assert body["amount"] == minor
