from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import search
from payments.sight import Sight
from tests.payments.factories import (
    BeneficiaryFactory,
    PaymentFactory,
    PolicyFactory,
    TradeFactory,
    TradeOrderFactory,
    WithdrawalFactory,
    approver,
)
from tests.payments.pages.helpers import as_role, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Any:
    PolicyFactory()
    return WithdrawalFactory(
        code="wd-7F3MK2",
        recipient_name="James Smith",
        payout_reference="PAYOUT-FEB-118",
        merchant_reference="lightdesk-0001",
    )


@pytest.fixture
def payment() -> Any:
    return PaymentFactory(
        upstream_id="pay_8f3a99", merchant_reference="shop-77", counterparty_name="María García"
    )


def found(text: str, *, role: str = "viewer") -> set[str]:
    result = as_role(role).get("/search/", {"q": text}).context["found"]
    return {hit.code for hit in (*result.withdrawals, *result.payments, *result.trades)}


class TestSearch:
    @pytest.mark.parametrize(
        "text",
        [
            "wd-7F3MK2",
            "wd-7f3",
            "7F3MK2",
            "7f3",
            "PAYOUT-FEB-118",
            "PAYOUT-",
            "lightdesk-0001",
            "lightdesk-",
            "James Smith",
            "james",
            "  wd-7F3MK2  ",
        ],
    )
    def test_finds_a_withdrawal_by_its_beginning(self, text: str, row: Any) -> None:
        assert found(text) == {"wd-7F3MK2"}

    @pytest.mark.parametrize("text", ["TIDK9", "tr-7F3MK2", "TR-7f3mk2"])
    def test_finds_a_trade_by_its_id_and_by_the_code_it_was_asked_for_under(
        self, text: str
    ) -> None:
        trade = TradeFactory(upstream_id="TIDK9BIPUV")
        TradeOrderFactory(code="tr-7F3MK2", status="made", trade=trade, confirmed_by=approver())

        assert found(text) == {"TIDK9BIPUV"}

    def test_shows_no_amount_that_nobody_has_told(self) -> None:
        TradeFactory(upstream_id="TIDK9BIPUV", sold=None)

        page = as_role("viewer").get("/search/", {"q": "TIDK9"})

        assert page.context["found"].trades[0].amount is None
        assert "0.00" not in page.text

    @pytest.mark.parametrize("text", ["pay_8f3a99", "pay_8f", "shop-77", "shop", "marí", "María G"])
    def test_finds_a_payment_by_its_beginning(self, text: str, payment: Any) -> None:
        assert found(text) == {"pay_8f3a99"}

    @pytest.mark.parametrize("text", ["bn-7F3MK2QXRA", "bn-7f3", "7f3m", "ana g"])
    def test_finds_a_beneficiary_by_its_beginning(self, text: str) -> None:
        BeneficiaryFactory(code="bn-7F3MK2QXRA", recipient_name="Ana Gómez")

        viewer, agent = (
            as_role(role).get("/search/", {"q": text}).context["found"].beneficiaries
            for role in ("viewer", "agent")
        )

        assert [payee.code for payee in viewer] == ["bn-7F3MK2QXRA"]
        assert [payee.name for payee in agent] == ["A•••• G••••"] * (text != "ana g")

    @pytest.mark.parametrize("text", ["", "w", "wd", "FEB", "Smith", "%%%", "___", "' OR 1=1"])
    def test_does_not_find_by_the_middle_or_by_nothing(
        self, text: str, row: Any, payment: Any
    ) -> None:
        assert found(text) == set()

    def test_does_not_let_people_guess_masked_names(self, row: Any, payment: Any) -> None:
        assert found("james", role="agent") == set()
        assert found("wd-7F3MK2", role="agent") == {"wd-7F3MK2"}
        text = text_of(as_role("agent").get("/search/?q=wd-7F3MK2"))
        assert "J•••• S••••" in text
        assert "James" not in text

    @pytest.mark.parametrize("text", ["\x00\x00\x00", "a" * 10_000, "😀😀😀", "\\\\\\", "𝟕𝐅𝟑"])
    def test_survives_whatever_is_typed(self, text: str, row: Any) -> None:
        assert as_role("viewer").get("/search/", {"q": text}).status_code == 200

    def test_says_when_there_is_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(search, "MOST", 2)
        PaymentFactory.create_batch(3)

        text = text_of(as_role("viewer").get("/search/?q=pay_"))

        assert "There is more than is shown" in text

    def test_asks_a_few_questions_of_the_database(self, row: Any, payment: Any) -> None:
        with CaptureQueriesContext(connection) as queries:
            search.find("james", sight=Sight(names_in_clear=True))

        assert len(queries) == 7  # one for each list, three to find who is called so
