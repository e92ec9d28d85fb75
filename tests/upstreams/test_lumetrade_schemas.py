"""Lumetrade's objects, read strictly; what they say is kept beside as it came."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.upstreams.lumetrade import rand, withdrawal
from upstreams import strict_json
from upstreams.lumetrade.schemas import (
    parse_account,
    parse_beneficiary,
    parse_created,
    parse_currency,
    parse_deposit,
    parse_quote,
    parse_trade,
    parse_wallet,
    parse_withdrawal,
)
from upstreams.money import Money
from upstreams.records import BadRecord

ACCOUNT = {"id": "acc_1", "currency": "ZAR", "balance": Decimal("-12.5"), "lockedBalance": 0}
WALLET = {
    "id": "wal_1",
    "currency": "ZAR",
    "depositDetails": {"bankName": "FNB", "branchCode": "250655"},
    "networkName": None,
    "paymentMethodType": "EFT",
}
BENEFICIARY = {
    "id": "ben_1",
    "currency": "ZAR",
    "nickname": "Thandi",
    "withdrawFormDetails": {"accountNumber": "62812345678", "limit": Decimal("18.40")},
    "createdAt": "2026-01-21T10:30:00Z",
}
DEPOSIT = {
    "transactionId": "DP1",
    "currency": "BTC",
    "amount": Decimal("1E-8"),
    "fee": 0,
    "status": "COMPLETED",
    "completedAt": "2026-01-21T10:30:00",
}
FILL = {
    "transactionId": "FID1",
    "fromCurrency": "ZAR",
    "fromCurrencyAmount": 1000,
    "toCurrency": "USD",
    "toCurrencyAmount": Decimal("54.46"),
    "status": "COMPLETED",
    "modifiedAt": "2026-01-21T10:30:00Z",
    "createdAt": "2026-01-21T10:30:00Z",
}
TRADE = {
    "transactionId": "TID1",
    "fromCurrency": "ZAR",
    "toCurrency": "USD",
    "fromAmount": 1000,
    "toAmount": Decimal("54.46"),
    "rate": Decimal("18.360921"),
    "isRateInverted": True,
    "isRfq": True,
    "status": "PENDING",
    "createdAt": "2026-01-21T10:30:00Z",
    "completedAt": None,
    "fills": [FILL],
}
QUOTE = {
    "quoteStr": "Q-1",
    "fromCurrency": "ZAR",
    "toCurrency": "USD",
    "fromAmount": 1000,
    "toAmount": Decimal("54.46"),
    "rate": Decimal("18.360921"),
    "isRateInverted": True,
    "expiresAt": "2026-01-21T10:30:30Z",
}
READERS = {
    parse_account: ACCOUNT,
    parse_wallet: WALLET,
    parse_currency: {"currency": "ZAR"},
    parse_beneficiary: BENEFICIARY,
    parse_withdrawal: withdrawal(fee=Decimal("18.4")),
    parse_created: {"transactionId": "WD1", "status": "PENDING"},
    parse_deposit: DEPOSIT,
    parse_trade: TRADE,
    parse_quote: QUOTE,
}
MOMENT = datetime(2026, 1, 21, 10, 30, tzinfo=UTC)


class TestReading:
    def test_of_an_account_takes_what_is_owed_too(self) -> None:
        account = parse_account(ACCOUNT)

        assert (account.available, account.locked) == (rand("-12.50"), rand("0.00"))

    def test_of_a_wallet_leaves_the_other_kind_empty(self) -> None:
        wallet = parse_wallet(WALLET)

        assert (wallet.network, wallet.payment_method_type) == ("", "EFT")
        assert wallet.details == {"bankName": "FNB", "branchCode": "250655"}

    def test_of_a_beneficiary_keeps_its_free_form_without_floats(self) -> None:
        beneficiary = parse_beneficiary(BENEFICIARY)

        assert beneficiary.details == {"accountNumber": "62812345678", "limit": "18.40"}
        assert beneficiary.created_at == MOMENT

    def test_of_a_withdrawal(self) -> None:
        record = parse_withdrawal(withdrawal(fee=Decimal("18.4"), status="awaiting_confirmation"))

        assert (record.amount, record.fee) == (rand("101.00"), rand("18.40"))
        assert (record.status, record.raw["status"]) == (
            "AWAITING_CONFIRMATION",
            "awaiting_confirmation",
        )
        assert (record.created_at, record.completed_at) == (MOMENT, None)

    def test_of_a_deposit_takes_a_time_without_a_zone_for_utc(self) -> None:
        deposit = parse_deposit(DEPOSIT)

        assert deposit.completed_at == MOMENT
        assert deposit.amount == Money(Decimal("0.00000001"), "BTC")

    def test_of_a_trade_with_fills_and_without(self) -> None:
        trade = parse_trade(TRADE)
        bare = parse_trade({name: value for name, value in TRADE.items() if name != "fills"})

        assert (trade.sold, trade.rate) == (rand("1000"), Decimal("18.360921"))
        assert [(fill.id, fill.sold, fill.created_at) for fill in trade.fills] == [
            ("FID1", rand("1000"), MOMENT)
        ]
        assert bare.fills == []

    def test_of_a_currency_we_never_heard_of(self) -> None:
        record = parse_withdrawal(withdrawal(currency="NEWCOIN", fee=Decimal("0.000000000001")))

        assert record.fee == Money(Decimal("0.000000000001"), "NEWCOIN")

    @pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
    def test_keeps_what_nobody_documented(self, read: Any) -> None:
        record = read({**READERS[read], "pojo": {"nodeType": "x", "bigDecimal": Decimal("1.50")}})

        assert record.raw["pojo"] == {"nodeType": "x", "bigDecimal": "1.50"}

    def test_tells_apart_what_has_changed(self) -> None:
        same = parse_withdrawal(withdrawal(fee=1)), parse_withdrawal(withdrawal(fee=1))
        other = parse_withdrawal(withdrawal(fee=1, pojo=1))

        assert same[0].digest == same[1].digest != other.digest


class TestRefusing:
    @pytest.mark.parametrize(
        ("read", "member", "value"),
        [
            (parse_account, "balance", None),
            (parse_account, "balance", "12.50"),
            (parse_account, "id", ""),
            (parse_wallet, "depositDetails", "FNB"),
            (parse_beneficiary, "currency", None),
            (parse_withdrawal, "amount", True),
            (parse_withdrawal, "amount", Decimal("1E+400")),
            (parse_withdrawal, "status", None),
            (parse_withdrawal, "createdAt", None),
            (parse_withdrawal, "withdrawDetails", [1]),
            (parse_deposit, "amount", -1),
            (parse_deposit, "completedAt", 1_700_000_000),
            (parse_trade, "rate", "18"),
            (parse_trade, "rate", Decimal("1E+400")),
            (parse_trade, "rate", Decimal("1E+20")),
            (parse_quote, "rate", Decimal("99999999999999999999.9999999999999999999")),
            (parse_trade, "isRfq", "yes"),
            (parse_trade, "fills", [{**FILL, "status": None}]),
            (parse_quote, "toAmount", None),
        ],
    )
    def test_names_the_member(self, read: Any, member: str, value: Any) -> None:
        with pytest.raises(BadRecord, match=member):
            read({**READERS[read], member: value})

    @given(
        read=st.sampled_from(list(READERS)),
        member=st.integers(0, 20),
        value=st.none()
        | st.booleans()
        | st.integers()
        | st.decimals()
        | st.text()
        | st.lists(st.none() | st.text(), max_size=2)
        | st.dictionaries(st.text(), st.text(), max_size=2),
    )
    def test_is_the_worst_that_happens(self, read: Any, member: int, value: Any) -> None:
        names = list(READERS[read])
        raw = {**READERS[read], names[member % len(names)]: value}

        try:
            record = read(raw)
        except BadRecord as bad:
            assert strict_json.storable(bad.raw) == bad.raw
        else:
            assert strict_json.storable(record.raw) == record.raw
