from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.payments.factories import NOW, PolicyFactory
from tests.payments.pages.helpers import as_role, at, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with at(NOW):
        yield


class TestPolicies:
    def test_show_what_is_in_force_in_words(self) -> None:
        PolicyFactory(version=1)
        PolicyFactory(version=2)
        PolicyFactory(
            version=2,
            currency="AUD",
            method="payid",
            from_amount=1000,
            signatures=2,
            roles=["ops_lead"],
            typed_amount=True,
            customer_limit=Decimal("20000.5"),
            lapse_hours=36,
        )

        text = text_of(as_role("viewer").get("/policies/"))

        assert "In force: version 2" in text
        for words in (
            "AUD · PayID",
            "1,000",
            "Ops lead",
            "type the amount",
            "20,000.5 per customer in 24 hours",
            "36 hours after it was due",
            "any role that signs",
        ):
            assert words in text

    def test_say_what_holds_while_there_is_none(self) -> None:
        text = text_of(as_role("viewer").get("/policies/"))

        assert "every withdrawal needs 2 signatures" in text

    def test_keep_every_version(self) -> None:
        PolicyFactory(version=1, signatures=3)
        PolicyFactory(version=2)
        client = as_role("viewer")

        assert 'href="/policies/1/"' in text_of(client.get("/policies/"))
        assert "<b>3</b>" in text_of(client.get("/policies/1/"))
        assert client.get("/policies/3/").status_code == 404
