"""The balance endpoints, flat as documented."""

from collections.abc import Callable

import pytest

from tests.sandbox.helpers import Bench

OPENING = {"ARS": 900_000, "MXN": 50}


@pytest.fixture
def rich(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(opening_balances=OPENING)


class TestBalance:
    def test_shows_available_and_frozen_money(self, rich: Bench) -> None:
        rich.withdraw(amount=200_000)

        answer = rich.api.get("/balance", params={"currency": "ARS"})

        assert answer.status_code == 200
        assert answer.json() == {
            "success": True,
            "merchant_id": 77,
            "currency": "ARS",
            "balance_type": "main",
            "balance_amount": "900000",
            "available_amount": "691000",
            "frozen_amount": "209000",
            "new_balance": 900_000,
            "available_balance": 691_000,
        }

    def test_is_of_pesos_from_mexico_when_no_currency_is_named(self, rich: Bench) -> None:
        body = rich.api.get("/balance").json()

        assert (body["currency"], body["balance_amount"]) == ("MXN", "50")

    def test_is_nothing_in_a_currency_without_business(self, rich: Bench) -> None:
        body = rich.api.get("/balance", params={"currency": "TRY"}).json()

        assert (body["balance_amount"], body["new_balance"]) == ("0", 0)

    @pytest.mark.parametrize(
        ("balance_type", "amounts"),
        [
            ("main", ("834250", "625250", "209000")),
            ("frozen", ("209000", "0", "209000")),
            ("deposit", ("143250", "143250", "0")),
            ("withdrawal", ("200000", "200000", "0")),
            ("commission", ("15750", "15750", "0")),
        ],
    )
    def test_has_a_view_for_each_type(
        self, rich: Bench, balance_type: str, amounts: tuple[str, str, str]
    ) -> None:
        rich.act(rich.create(), "complete")
        rich.act(rich.withdraw(amount=200_000, merchant_reference="paid"), "complete")
        rich.withdraw(amount=200_000, merchant_reference="open")

        body = rich.api.get(
            "/balance", params={"currency": "ARS", "balance_type": balance_type}
        ).json()

        names = ("balance_amount", "available_amount", "frozen_amount")
        assert tuple(body[name] for name in names) == amounts

    def test_refuses_an_unknown_currency_or_type(self, rich: Bench) -> None:
        currency = rich.api.get("/balance", params={"currency": "EUR"})
        kind = rich.api.get("/balance", params={"balance_type": "secret"})

        assert currency.json()["error_code"] == "UNSUPPORTED_CURRENCY"
        assert kind.json()["error"] == "Bad Request"


class TestAllBalances:
    def test_are_listed_beside_their_number(self, rich: Bench) -> None:
        body = rich.api.get("/balance/all").json()

        assert body["total_balances"] == 2
        assert body["balances"][0] == {
            "currency": "ARS",
            "balance_type": "main",
            "balance_amount": "900000",
            "available_amount": "900000",
            "frozen_amount": "0",
        }


class TestMerchantBalance:
    @pytest.mark.parametrize("path", ["/balance", "/balance/all"])
    def test_is_the_same_for_the_own_merchant(self, rich: Bench, path: str) -> None:
        own = rich.api.get(path, params={"currency": "ARS"}).json()

        assert rich.api.get(f"/merchants/77{path}", params={"currency": "ARS"}).json() == own

    @pytest.mark.parametrize("path", ["/balance", "/balance/all"])
    def test_is_forbidden_for_another(self, rich: Bench, path: str) -> None:
        assert rich.api.get(f"/merchants/78{path}").status_code == 403
