"""What Lux Financial's objects become, and which cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.upstreams.lux import customer, match, screening, transfer
from upstreams import strict_json
from upstreams.lux.schemas import (
    ScreeningRecord,
    parse_balance,
    parse_customer,
    parse_external_account,
    parse_route_check,
    parse_screening,
    parse_source,
    parse_transfer,
    parse_wallet,
    parse_webhook,
)
from upstreams.money import BadMoney, Money
from upstreams.records import BadRecord


class TestCustomer:
    def test_is_read_whole(self) -> None:
        found = parse_customer(customer(shoe_size=43))

        assert (found.id, found.name, found.kyc_status) == ("cus_1", "Amara Okafor", "approved")
        assert found.address is not None
        assert (found.address.country, found.address.line2) == ("NG", "")
        assert found.metadata == {"tier": "gold"}
        assert found.created_at == datetime(2026, 1, 15, 10, tzinfo=UTC)
        assert (found.kyc_link, found.business) == ("", None)
        assert found.raw["shoe_size"] == 43

    def test_may_be_new_and_say_little(self) -> None:
        """As in the sample of an answer to its creation [LB-CUST]."""
        said = {"id": "c", "type": "individual", "status": "pending", "kyc_status": "not_started"}

        found = parse_customer(said)

        assert (found.endorsements, found.address, found.created_at) == ([], None, None)

    def test_of_a_business_goes_by_its_name(self) -> None:
        said = customer(
            type="business", business_name="Acme", incorporation_country="us", first_name=...
        )

        found = parse_customer(said)

        assert found.business is not None
        assert (found.name, found.business.incorporation_country) == ("Acme", "US")

    @pytest.mark.parametrize(
        "reasons", [["blurred"], [{"reason": "blurred", "code": "X"}], [{"message": "blurred"}]]
    )
    def test_tells_why_it_was_rejected_in_either_form(self, reasons: list[Any]) -> None:
        found = parse_customer(customer(rejection_reasons=reasons, kyc_status="rejected"))

        assert found.rejection_reasons == ["blurred"]

    def test_keeps_words_nobody_documented(self) -> None:
        found = parse_customer(customer(kyc_status="on_the_moon", status="hibernating"))

        assert (found.kyc_status, found.status) == ("on_the_moon", "hibernating")

    def test_has_another_digest_when_anything_changes(self) -> None:
        assert parse_customer(customer()).digest == parse_customer(customer()).digest
        assert parse_customer(customer(tier=1)).digest != parse_customer(customer(tier=2)).digest

    def test_shows_no_person(self) -> None:
        shown = repr(parse_customer(customer(business_name="Acme GmbH", kyc_link="https://k/1")))

        told = ("Amara", "Okafor", "+234", "1990", "Marina", "Acme", "https://k", "example.com")
        assert [word for word in told if word in shown] == []


class TestTransfer:
    def test_is_read_whole(self) -> None:
        receipt = {"initial_amount": "1000.00", "exchange_rate": "0.9987", "url": "https://r/1"}

        found = parse_transfer(transfer(receipt=receipt, return_details={"reason": "R03"}))

        assert found.amount == Money(Decimal("1000.00"), "USD")
        assert found.developer_fee == Decimal("2.50")
        assert (found.source.payment_rail, found.source.currency) == ("polygon", "USDC")
        assert (found.source.address, found.destination.trace_number) == ("0xabc", "T-1")
        assert found.receipt is not None
        assert found.receipt.exchange_rate == Decimal("0.9987")
        assert found.return_details == {"reason": "R03"}

    def test_takes_an_older_name_of_its_state(self) -> None:
        assert parse_transfer(transfer(state=..., status="pending")).state == "pending"

    def test_of_the_short_form_moves_between_accounts(self) -> None:
        said = transfer(
            currency="USD", source={"account_id": "acc_1"}, destination={"account_id": "acc_2"}
        )

        found = parse_transfer(said)

        assert (found.source.account_id, found.destination.account_id) == ("acc_1", "acc_2")
        assert found.currency == "USD"

    def test_takes_its_currency_from_a_leg_where_it_has_none(self) -> None:
        assert parse_transfer(transfer(currency=...)).currency == "USDC"

    def test_may_have_no_amount_yet(self) -> None:
        assert parse_transfer(transfer(amount=None)).amount is None

    def test_keeps_more_decimals_than_a_currency_has(self) -> None:
        found = parse_transfer(transfer(amount="1000.000000", developer_fee=None)).amount

        assert found is not None
        assert str(found) == "1000.00 USD"


NO_TRANSFER: dict[str, tuple[dict[str, Any], str]] = {
    "a number for an amount": ({"amount": 1000}, "amount is not decimal text"),
    "an amount with commas": ({"amount": "1,000.00"}, "amount cannot be used"),
    "an exponent": ({"amount": "1E3"}, "amount cannot be used"),
    "digits of another script": ({"amount": "१०००"}, "amount cannot be used"),
    "a negative amount": ({"amount": "-5.00"}, "amount is negative"),
    "an amount of nothing known": (
        {"currency": ..., "source": {}, "destination": {}},
        "currency is missing",
    ),
    "no state": ({"state": ...}, "state is missing"),
    "no id": ({"id": ...}, "id is missing"),
    "no time": ({"created_at": "soon"}, "created_at is not a time"),
    "a list for a leg": ({"source": ["ach"]}, "source is not an object"),
}


@pytest.mark.parametrize("name", NO_TRANSFER)
def test_is_no_transfer(name: str) -> None:
    changes, reason = NO_TRANSFER[name]

    with pytest.raises(BadRecord, match=reason):
        parse_transfer(transfer(**changes))


def read_screening(raw: Any) -> ScreeningRecord:
    """As it comes out of an answer: with its numbers as decimals."""
    return parse_screening(strict_json.loads(json.dumps(raw).encode()))


class TestScreening:
    def test_is_read_with_its_matches(self) -> None:
        other = {"score": 0.1, "matched_name": "X"}

        found = read_screening(screening(matches=[match(), other], match_count=2))

        assert [hit.score for hit in found.matches] == [Decimal("0.92"), Decimal("0.1")]
        assert found.matches[0].programs == ["SDGT"]
        assert found.matches[0].digest != found.matches[1].digest
        assert found.matches[1].raw == {"score": "0.1", "matched_name": "X"}
        assert found.sources_checked == ["SDN", "UN"]

    @pytest.mark.parametrize(
        ("changes", "clear"),
        [
            ({"status": "clear", "matches": [], "match_count": 0}, True),
            ({"status": "clear", "matches": [], "match_count": ...}, True),
            ({"status": "clear"}, False),
            ({"status": "clear", "matches": []}, False),
            ({"status": "potential_match", "matches": [], "match_count": 0}, False),
            ({"status": "on_the_moon", "matches": [], "match_count": 0}, False),
        ],
    )
    def test_is_clear_only_when_everything_says_so(
        self, changes: dict[str, Any], clear: bool
    ) -> None:
        assert read_screening(screening(**changes)).is_clear is clear

    @pytest.mark.parametrize("score", [92, -0.1, "0.9", None, True])
    def test_is_not_read_with_a_score_of_another_kind(self, score: Any) -> None:
        with pytest.raises(BadRecord, match="score"):
            read_screening(screening(matches=[match(score=score)]))

    @pytest.mark.parametrize("told", [14, [], None, [{"code": "SDN"}]])
    def test_may_tell_its_sources_in_any_way(self, told: Any) -> None:
        found = read_screening(screening(data_sources_checked=told))

        assert found.sources_checked == (["SDN"] if isinstance(told, list) and told else [])


class TestAccounts:
    def test_of_wallets_show_addresses_by_chain(self) -> None:
        said = {"id": "wal_1", "addresses": {"polygon": "0x1"}, "mpc_config": {"threshold": 2}}

        found = parse_wallet(said)

        assert (found.addresses, found.mpc) == ({"polygon": "0x1"}, {"threshold": 2})

    def test_hold_coins_nobody_told_us_of(self) -> None:
        coin = {"currency": "newcoin", "chain": "lux", "balance": "1.123456789", "available": "1.0"}

        found = parse_balance({"wallet_id": "w", "balances": [coin], "total_usd": "3.10"})

        assert found.balances[0].balance == Money(Decimal("1.123456789"), "NEWCOIN")
        assert found.balances[0].pending is None
        assert found.total_usd == Decimal("3.10")

    def test_of_others_are_known_by_their_last_digits(self) -> None:
        said = {
            "id": "ext_1",
            "type": "us_bank_account",
            "account_name": "Amara",
            "last_4": "6789",
            "status": "pending",
            "bank_country": "us",
        }

        found = parse_external_account(said)

        assert (found.last_4, found.country, found.status) == ("6789", "US", "pending")
        assert "Amara" not in repr(found)


class TestTheRest:
    def test_of_notes_is_text_in_either_form(self) -> None:
        for notes in (["slow"], [{"message": "slow"}]):
            assert parse_route_check({"state": "valid", "notes": notes}).notes == ["slow"]
        assert not parse_route_check({"state": "invalid"}).is_valid

    def test_of_a_webhook_never_holds_the_secret(self) -> None:
        found = parse_webhook({"id": "we_1", "secret": "whsec_x", "events": ["a"]})

        assert "whsec_x" not in f"{found} {found.raw}"

    def test_of_a_source_takes_both_spellings(self) -> None:
        for said in ({"total_records": 7}, {"totalRecords": 7}):
            assert parse_source({"code": "SDN", **said}).records == 7

    @pytest.mark.parametrize(
        "parse",
        [
            parse_customer,
            parse_transfer,
            parse_screening,
            parse_wallet,
            parse_balance,
            parse_external_account,
            parse_webhook,
            parse_source,
            parse_route_check,
        ],
    )
    @pytest.mark.parametrize("raw", [None, [], "x", 7, {}, {"id": ["x"], "code": 1.5}])
    def test_is_refused_when_it_is_no_such_thing(
        self, parse: Callable[[Any], Any], raw: Any
    ) -> None:
        with pytest.raises(BadRecord):
            parse(raw)


class TestPlainText:
    """The notation of their amounts, on its way there."""

    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("1000", "USD", "1000.00"),
            ("0.5", "USD", "0.50"),
            ("12.3456", "USDC", "12.345600"),
            ("99999999999999999999.99", "USD", "99999999999999999999.99"),
        ],
    )
    def test_has_all_decimals_of_the_currency(self, amount: str, currency: str, text: str) -> None:
        assert Money(Decimal(amount), currency).to_plain_text() == text

    @pytest.mark.parametrize(
        ("amount", "currency"), [("0.005", "USD"), ("1", "NEWCOIN"), ("NaN", "USD")]
    )
    def test_is_not_written_for_what_it_cannot_say(self, amount: str, currency: str) -> None:
        with pytest.raises(BadMoney):
            Money(Decimal(amount), currency).to_plain_text()
