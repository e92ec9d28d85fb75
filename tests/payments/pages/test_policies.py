from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from payments.models import Policy
from tests.payments.factories import NOW, PolicyFactory, WithdrawalFactory, approver
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.staff.factories import UserFactory

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
            "36 hours",
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


class TestChanging:
    @pytest.fixture
    def olga(self) -> Client:
        PolicyFactory(version=1)
        approver(email="ada@lightdesk.test")
        return client_of(UserFactory(roles=["ops_lead"], email="olga@lightdesk.test"))

    @pytest.fixture
    def draft(self, olga: Client) -> str:
        return olga.post("/policies/begin/").headers["Location"]

    def add(self, client: Client, draft: str, **fields: object) -> HttpResponse:
        typed = {
            "currency": "aud",
            "from_amount": "1000",
            "signatures": "2",
            "lapse_hours": "48",
            **{f"{per}_window": "24" for per in ("customer", "beneficiary", "approver")},
        }
        return client.post(f"{draft}tiers/new/", typed | fields)

    def test_goes_from_a_draft_by_two_people_into_force(self, olga: Client, draft: str) -> None:
        WithdrawalFactory()
        added = self.add(olga, draft, customer_limit="9000", typed_amount="on")
        drafted = text_of(olga.get(draft))
        olga.post(f"{draft}propose/", {"reason": "More eyes on large ones."})
        own = text_of(olga.get(draft))
        by_olga = olga.post(f"{draft}decide/", {"do": "confirm"})
        otto = as_role("ops_lead")
        seen = text_of(otto.get(draft))
        otto.post(f"{draft}decide/", {"do": "confirm"})

        assert added.headers["Location"] == draft
        assert "<ins>Signatures: 2; Who may sign: any role that signs;" in drafted
        assert "9,000 in 24 hours" in drafted
        assert "1 withdrawal replayed" in drafted
        assert "You proposed it, so somebody else confirms it." in own
        assert by_olga.status_code == 409
        assert "olga@lightdesk.test" in seen
        assert "More eyes on large ones." in seen
        assert "In force: version 2" in text_of(otto.get("/policies/"))

    def test_keeps_what_was_typed_and_says_what_is_wrong_at_its_field(
        self, olga: Client, draft: str
    ) -> None:
        response = self.add(
            olga,
            draft,
            currency="AUDD",
            from_amount="1,000",
            signatures="0",
            beneficiary_limit="900",
            lapse_hours="9999",
        )

        text = text_of(response)
        assert response.status_code == 422
        for typed in ("AUDD", "1,000", "0", "900", "9999"):
            assert f'value="{typed}"' in text
        for words in (
            "No currency is called that.",
            "Write the amount in plain digits",
            "greater than or equal to 1",
            "less than or equal to 720",
        ):
            assert words in text

    def test_refuses_a_limit_that_nothing_could_fit(self, olga: Client, draft: str) -> None:
        response = self.add(olga, draft, customer_limit="999")

        assert "it is below the bound" in text_of(response)

    def test_refuses_a_second_tier_for_the_same(self, olga: Client, draft: str) -> None:
        self.add(olga, draft)
        response = self.add(olga, draft, signatures="3")

        assert response.status_code == 422
        assert "a tier for exactly this already" in text_of(response)

    def test_changes_a_tier_and_takes_it_out(self, olga: Client, draft: str) -> None:
        tier = Policy.objects.get(published_at=None)
        address = f"{draft}tiers/{tier.pk}/"
        form = text_of(olga.get(address))
        changed = olga.post(
            address,
            {
                "from_amount": "0",
                "signatures": "2",
                "roles": ["ops_lead"],
                "lapse_hours": "168",
                **{f"{per}_window": "168" for per in ("customer", "beneficiary", "approver")},
            },
        )
        page = text_of(olga.get(draft))
        olga.post(address, {"do": "remove"})

        assert 'name="from_amount" value="0"' in form
        assert changed.status_code == 302
        assert "<del>1</del>" in page
        assert "<ins>Ops lead</ins>" in page
        assert "No tier yet" in text_of(olga.get(draft))

    def test_needs_a_reason(self, olga: Client, draft: str) -> None:
        self.add(olga, draft)

        response = olga.post(f"{draft}propose/", {"reason": ""})

        assert response.status_code == 422
        assert "This field is required." in text_of(response)

    def test_says_why_it_cannot_be_proposed_and_keeps_the_reason(
        self, olga: Client, draft: str
    ) -> None:
        response = olga.post(f"{draft}propose/", {"reason": "Because of this."})

        assert response.status_code == 409
        assert "It changes nothing." in text_of(response)
        assert "Because of this." in text_of(response)

    def test_is_dropped_by_anybody_who_may_change_rules(self, olga: Client, draft: str) -> None:
        self.add(olga, draft)

        response = as_role("ops_lead").post(f"{draft}decide/", {"do": "drop"}, follow=True)

        assert "What was in force stays in force." in text_of(response)
        assert "Draft a change" in text_of(olga.get("/policies/"))

    def test_shows_others_the_draft_without_its_handles(self, olga: Client, draft: str) -> None:
        text = text_of(as_role("viewer").get(draft))

        assert "Add a tier" not in text
        assert "Rehearsal" not in text
        assert "olga@lightdesk.test" in text
