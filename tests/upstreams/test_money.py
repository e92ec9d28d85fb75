"""Scenarios M-9 and X-7: amounts survive every notation exactly, and only plain ones are read."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rounds import rounds
from upstreams.money import BadMoney, Money, as_stored, exponent

BY_DECIMALS = {0: "JPY", 2: "MXN", 3: "KWD", 8: "BTC", 18: "ETH"}


class TestExponent:
    @pytest.mark.parametrize(
        ("currency", "decimals"),
        [
            *[(currency, 2) for currency in ["ARS", "MXN", "UYU", "AUD", "LKR", "TRY"]],
            ("JPY", 0),
            ("CLP", 0),
            ("KWD", 3),
            ("UYW", 4),
            ("USDT", 6),
            ("BTC", 8),
        ],
    )
    def test_is_that_of_the_currency(self, currency: str, decimals: int) -> None:
        assert exponent(currency) == decimals

    @pytest.mark.parametrize(("currency", "decimals"), [("IQD", 3), ("RSD", 2), ("IRR", 2)])
    def test_follows_iso_4217_where_everyday_use_rounds(self, currency: str, decimals: int) -> None:
        assert exponent(currency) == decimals

    @pytest.mark.parametrize("currency", ["", "ZZZ", "mxn", "MXN ", "ＭＸＮ", "DEFAULT"])
    def test_refuses_what_is_no_known_currency(self, currency: str) -> None:
        with pytest.raises(BadMoney):
            exponent(currency)


class TestRoundTrip:
    @pytest.mark.parametrize("currency", BY_DECIMALS.values())
    @settings(max_examples=rounds(200, with_services=2000))
    @given(minor=st.integers(min_value=-(10**20) + 1, max_value=10**20 - 1))
    def test_of_minor_units_loses_nothing(self, currency: str, minor: int) -> None:
        money = Money.from_minor(minor, currency)

        assert money.to_minor() == minor
        assert Money.from_minor(str(minor), currency) == money
        assert Fraction(money.amount) * 10 ** exponent(currency) == minor

    @settings(max_examples=rounds(500, with_services=1000))
    @given(
        currency=st.sampled_from(list(BY_DECIMALS.values())),
        minor=st.integers(min_value=0, max_value=10**30),
    )
    def test_of_text_loses_nothing(self, currency: str, minor: int) -> None:
        places = exponent(currency)
        whole, fraction = divmod(minor, 10**places)
        text = f"{whole}.{fraction:0{places}d}" if places else str(whole)

        if len(str(whole)) > 20:
            with pytest.raises(BadMoney):
                Money.from_decimal_text(text, currency)
            return
        money = Money.from_decimal_text(text, currency)

        assert money.to_minor() == minor
        assert str(money) == f"{text} {currency}"


class TestFromMinor:
    def test_places_the_point_by_currency(self) -> None:
        assert Money.from_minor(150000, "MXN").amount == Decimal("1500.00")
        assert Money.from_minor(150000, "JPY").amount == Decimal(150000)
        assert Money.from_minor("150000", "KWD").amount == Decimal("150.000")

    def test_is_not_rounded_by_the_decimal_context(self) -> None:
        long = 12345678901234567890_123456789012345678

        assert str(Money.from_minor(long, "ETH").amount) == (
            "12345678901234567890.123456789012345678"
        )

    @pytest.mark.parametrize(
        "minor",
        [True, 1.0, 1500.5, Decimal("1500.5"), Decimal("150000"), None, [], "1500.5", "1e3", "",
         " 1", "+1", "-0", "007", "١٠٠", "1_000", "0x10", 10**40, "9" * 60],
    )  # fmt: skip
    def test_refuses_what_is_no_whole_number_of_minor_units(self, minor: object) -> None:
        with pytest.raises(BadMoney):
            Money.from_minor(minor, "MXN")  # type: ignore[arg-type]


class TestFromDecimalText:
    @pytest.mark.parametrize("text", ["1500", "1500.0", "1500.00"])
    def test_reads_a_plain_number(self, text: str) -> None:
        assert Money.from_decimal_text(text, "MXN").to_minor() == 150000

    @pytest.mark.parametrize(
        "text",
        ["١٠٠", "1_000", "1e3", "1E3", "Infinity", "NaN", "sNaN", "-0", "-0.00", "1.005",
         "1,000.00", "1.000,00", "1 000", "9" * 40, "0." + "1" * 40, "", ".5", "5.", "+5", "--5",
         "007", "0x1f", "1500.00\n", "１５", "½", "1.0.0"],
    )  # fmt: skip
    def test_refuses_every_other_notation(self, text: str) -> None:
        with pytest.raises(BadMoney):
            Money.from_decimal_text(text, "MXN")

    def test_refuses_a_fraction_where_the_currency_has_none(self) -> None:
        with pytest.raises(BadMoney):
            Money.from_decimal_text("100.5", "JPY")


class TestToMinor:
    @pytest.mark.parametrize("amount", ["0.001", "1500.005", "NaN", "Infinity", "1E+400"])
    def test_refuses_what_is_no_whole_number_of_minor_units(self, amount: str) -> None:
        with pytest.raises(BadMoney):
            Money(Decimal(amount), "MXN").to_minor()

    def test_takes_any_spelling_of_the_same_number(self) -> None:
        spellings = ["1500", "1500.000000000000000000", "1.5E+3"]

        assert {Money(Decimal(text), "MXN").to_minor() for text in spellings} == {150000}


class TestNumber:
    """A JSON number in major units, as Lumetrade writes amounts."""

    @pytest.mark.parametrize(
        ("number", "currency", "amount"),
        [
            (101, "ZAR", "101.00"),
            (Decimal("18.4"), "ZAR", "18.40"),
            (Decimal("101.000"), "ZAR", "101.00"),
            (Decimal("1.01E+2"), "ZAR", "101.00"),
            (Decimal("1E-8"), "BTC", "0.00000001"),
            (Decimal("-0.0"), "ZAR", "0.00"),
            (-5, "JPY", "-5"),
            (Decimal("18.456"), "ZAR", "18.456"),  # finer than a cent is what they say
            (Decimal("1.5"), "NEWCOIN", "1.5"),
        ],
    )
    def test_is_read_exactly(self, number: int | Decimal, currency: str, amount: str) -> None:
        money = Money.from_number(number, currency)

        assert (f"{money.amount:f}", money.currency) == (amount, currency)

    @pytest.mark.parametrize(
        "number",
        [
            Decimal("NaN"),
            Decimal("Infinity"),
            Decimal("1E+400"),
            10**20,
            Decimal("1E-19"),
            True,
            1.5,
            "101",
            None,
        ],
    )
    def test_that_is_none_is_refused(self, number: object) -> None:
        with pytest.raises(BadMoney):
            Money.from_number(number, "ZAR")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("amount", "number"),
        [("101.00", "101"), ("18.40", "18.4"), ("0.00000001", "0.00000001"), ("1E+3", "1000")],
    )
    def test_is_written_plainly(self, amount: str, number: str) -> None:
        assert Money(Decimal(amount), "BTC").to_number() == number

    @pytest.mark.parametrize("amount", ["NaN", "1E+20", "1E-19"])
    def test_is_not_written_where_it_would_not_be_read(self, amount: str) -> None:
        with pytest.raises(BadMoney):
            Money(Decimal(amount), "BTC").to_number()

    @given(
        amount=st.decimals(allow_nan=False, min_value=-(10**19), max_value=10**19, places=18),
        currency=st.sampled_from([*BY_DECIMALS.values(), "NEWCOIN"]),
    )
    def test_survives_the_way_there_and_back(self, amount: Decimal, currency: str) -> None:
        number = Decimal(Money(amount, currency).to_number())

        assert Fraction(Money.from_number(number, currency).amount) == Fraction(amount)


class TestAsStored:
    @pytest.mark.parametrize(
        ("number", "stored"),
        [
            ("18.2701", "18.2701"),
            ("12345678901.5", "12345678901.5"),
            ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
            ("0.0000000000000000015", "0.000000000000000002"),
        ],
    )
    def test_rounds_to_what_a_column_holds(self, number: str, stored: str) -> None:
        assert as_stored(Decimal(number)) == Decimal(stored)

    @pytest.mark.parametrize("number", ["1E+20", "99999999999999999999.9999999999999999999", "NaN"])
    def test_refuses_what_does_not_fit(self, number: str) -> None:
        with pytest.raises(BadMoney):
            as_stored(Decimal(number))
