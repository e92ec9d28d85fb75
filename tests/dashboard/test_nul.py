"""A NUL, which PostgreSQL takes in no text: nobody's address, and never a failure of ours."""

from __future__ import annotations

import pytest

from tests.customers.factories import KycCaseFactory
from tests.payments.pages.helpers import as_role

pytestmark = [pytest.mark.services, pytest.mark.django_db]

ADDRESSES = [
    "/kyc/%00/",
    "/kyc/KYC-1%00/draft/",
    "/customers/requests/%00/",
    "/submissions/%00/look/",
    "/reveals/%00/1/email/",
    "/reveals/customers.customer/%00/email/",
    "/withdrawals/%00/",
    "/payments/requests/%00/",
    "/payments/luxcore/%00/",
    "/trades/%00/",
    "/trades/orders/%00/",
    "/beneficiaries/%00/",
]
LISTS = ["/customers/", "/kyc/", "/screenings/", "/withdrawals/"]
FILTERS = ["q", "tab", "order", "view", "after", "hit", "held", "claimed"]


def test_in_an_address_is_not_found() -> None:
    client = as_role("reviewer", "viewer", "approver")

    for address in ADDRESSES:
        assert client.get(address).status_code == 404, address
        assert client.post(address).status_code == 404, address


@pytest.mark.parametrize("address", LISTS)
def test_in_a_filter_narrows_nothing(address: str) -> None:
    client = as_role("reviewer", "viewer")

    for name in FILTERS:
        assert client.get(address, {name: "a\x00b"}).status_code == 200, name


@pytest.mark.parametrize("part", ["draft/", "decide/", "claim/"])
def test_in_what_is_typed_about_a_case(part: str) -> None:
    case = KycCaseFactory()
    names = ("internal_note", "customer_text", "outcome", "ticked", "reason", "proposal")

    answer = as_role("reviewer").post(
        f"/kyc/{case.code}/{part}", dict.fromkeys(names, "a\x00b") | {"do": "decide"}
    )

    assert answer.status_code < 500
