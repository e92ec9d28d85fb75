"""The list of customers and the page of one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer, Hold, Link
from staff.models import AuditEvent
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    ExternalAccountFactory,
    HoldFactory,
    IdentityFactory,
    LinkFactory,
    ProfileFactory,
    WalletFactory,
)
from tests.payments.factories import PaymentFactory, WithdrawalFactory
from tests.payments.pages.helpers import as_role, text_of
from upstreams.enums import Upstream

pytestmark = pytest.mark.django_db

LIST = "/customers/"
PERSONAL = (
    *("james@example.com", "James@example.com", "+61412345678", "61412345678"),
    *("1990-01-31", "1 King Street", "0x" + "a1" * 20, "0x" + "cd" * 20),
)


def names(role: str = "reviewer", **query: str) -> list[str]:
    page = as_role(role).get(LIST, query)
    assert page.status_code == 200
    return [row.name for row in page.context["rows"]]


def queries(client: Any, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def everything(**changes: Any) -> Customer:
    """Somebody of whom everything is known."""
    profile = ProfileFactory(
        **{
            "risk_rating": "high",
            "tos_status": "approved",
            "tax_id_provided": True,
            "endorsements": ["can_wire_transfer"],
            "requirements_due": ["kyc_verification", "a_new_one"],
            "rejection_reasons": ["Call +61412345678"],
            "raw": {"id": "cus_1", "email": "james@example.com", "date_of_birth": "1990-01-31"},
            "updated_at": NOW,
            "created_at": NOW,
            **changes,
        }
    )
    customer = profile.customer
    IdentityFactory(customer=customer, external_id=f"usr_{customer.pk}")
    coin = {
        "currency": "USDC",
        "chain": "polygon",
        "balance": "3.5",
        "available": "",
        "pending": "",
    }
    WalletFactory(customer=customer, balances=[coin], total_usd="3.50", balances_at=NOW)
    WalletFactory(customer=customer)
    ExternalAccountFactory(customer=customer)
    ExternalAccountFactory(customer=customer, kind="crypto_address", address="0x" + "cd" * 20)
    HoldFactory(customer=customer, reason="Said to use james@example.com")
    return customer


class TestTheList:
    def test_shows_each_person_once_newest_first(self) -> None:
        whole = CustomerFactory(name="Ana")
        CustomerFactory(name="Ana Again", merged_into=whole)
        CustomerFactory(name="Zoe", created_at=NOW.replace(year=2027))

        assert names() == ["Zoe", "Ana"]

    def test_tells_of_all_rows_of_a_person(self) -> None:
        whole = CustomerFactory(name="Ana")
        IdentityFactory(customer=whole)
        member = CustomerFactory(merged_into=whole)
        ProfileFactory(customer=member, kyc_status="manual_review")
        HoldFactory(customer=member)

        (row,) = as_role("reviewer").get(LIST).context["rows"]

        assert (row.kyc, row.providers) == ("Manual review", ["Lux Financial", "LuxCore"])
        assert row.person.holds

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "jam"}, {"James Smith"}),
            ({"q": "smith"}, {"James Smith"}),
            ({"q": "JAMES@example.com "}, {"James Smith"}),
            ({"q": "james@"}, set()),
            ({"q": "0061 412 345 678"}, {"James Smith"}),
            ({"q": "61412345"}, set()),
            ({"q": "cus_ja"}, {"James Smith"}),
            ({"q": "usr_7"}, {"Mona Ray"}),
            ({"kyc": "approved"}, {"James Smith"}),
            ({"kyc": "rejected"}, {"Harbour Pty"}),
            ({"kind": "business"}, {"Harbour Pty"}),
            ({"risk": "high"}, {"Harbour Pty"}),
            ({"endorsement": "can_wire_transfer"}, {"James Smith"}),
            ({"endorsement": "can_use_mpc"}, set()),
            ({"held": "yes"}, {"Mona Ray"}),
            ({"held": "no"}, {"James Smith", "Harbour Pty"}),
            ({"upstream": "luxcore"}, {"Mona Ray"}),
            ({"upstream": "lux"}, {"James Smith", "Harbour Pty"}),
            ({"upstream": "lux", "kyc": "approved", "q": "james"}, {"James Smith"}),
            ({"kyc": "nonsense"}, {"James Smith", "Harbour Pty", "Mona Ray"}),
        ],
    )
    def test_is_narrowed_by(self, query: dict[str, str], found: set[str]) -> None:
        ProfileFactory(
            customer=CustomerFactory(kind="individual"),
            upstream_id="cus_james",
            endorsements=["can_wire_transfer", "can_ach_transfer"],
            risk_rating="low",
        )
        ProfileFactory(
            customer=CustomerFactory(name="Harbour Pty", kind="business", email="", phone=""),
            kyc_status="rejected",
            risk_rating="high",
        )
        mona = CustomerFactory(name="Mona Ray", email="mona@example.com", phone="")
        IdentityFactory(customer=mona, external_id="usr_77")
        HoldFactory(customer=mona)
        Hold.objects.create(
            customer=CustomerFactory(merged_into=mona, name="x", email="", phone=""),
            kind="kyc",
            reason="r",
            placed_by=Hold.objects.get().placed_by,
            placed_at=NOW,
        )

        assert set(names(**query)) == found

    def test_finds_a_person_by_what_another_row_of_them_is_called(self) -> None:
        whole = CustomerFactory(name="Ana", email="", phone="")
        CustomerFactory(name="Anna Maria", email="", phone="", merged_into=whole)

        assert names(q="maria") == ["Ana"]

    def test_finds_by_no_name_who_reads_none(self) -> None:
        CustomerFactory(name="James Smith")

        assert names("agent", q="james") == []
        assert names("agent", q="james@example.com") == ["J•••• S••••"]

    def test_finds_a_name_of_thousands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("customers.models.customers.FEW", 1)
        for number in range(3):
            CustomerFactory(email=f"{number}@example.com", phone="")

        assert len(names(q="james")) == 3

    def test_fifty_rows_cost_as_much_as_two(self) -> None:
        client = as_role("reviewer")
        CustomerFactory(merged_into=everything())
        few = queries(client, f"{LIST}?size=100")
        for number in range(48):
            row = everything() if number < 10 else CustomerFactory()
            CustomerFactory(merged_into=row)

        assert queries(client, f"{LIST}?size=100") == few

    @pytest.mark.parametrize("role", ["viewer", "agent", "reviewer", "compliance_lead", "auditor"])
    def test_tells_nobody_what_is_masked(self, role: str) -> None:
        everything()

        page = as_role(role).get(LIST)

        assert not [value for value in PERSONAL if value in page.text]


class TestTheFile:
    def test_holds_what_the_list_shows(self) -> None:
        everything()
        ProfileFactory(kyc_status="rejected")

        answer = as_role("reviewer").post("/customers/export/?kyc=approved")

        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        assert len(lines) == 2
        assert "James Smith" in lines[1]
        assert "cus_" in lines[1]
        assert not [value for value in PERSONAL if value in lines[1]]
        assert AuditEvent.objects.filter(verb="staff.export.started").count() == 1

    def test_masks_names_for_who_reads_none(self) -> None:
        everything()

        answer = as_role("support_lead").post("/customers/export/")

        assert "James" not in b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


class TestThePage:
    @pytest.mark.parametrize(
        "role",
        ["viewer", "agent", "reviewer", "compliance_lead", "auditor", "maker", "support_lead"],
    )
    def test_tells_nobody_what_is_masked(self, role: str) -> None:
        page = as_role(role).get(everything().get_absolute_url())

        assert not [value for value in PERSONAL if value in page.text]
        assert ("James Smith" in page.text) is (role not in ("agent", "support_lead"))

    def test_tells_everything_there_is(self) -> None:
        text = text_of(as_role("reviewer").get(everything().get_absolute_url()))

        for told in (
            *("Approved", "High risk", "Wire transfers", "Prove their identity", "A new one"),
            *("Call +61••••678", "3.50", "Lead Bank", "Manual hold", "1990-••••"),
            *("Custodial wallet", "not looked into yet", "usr_"),
        ):
            assert told in text, told

    def test_of_a_row_that_was_linked_leads_to_the_person(self) -> None:
        whole = CustomerFactory()
        member = CustomerFactory(merged_into=whole)

        answer = as_role("viewer").get(f"/customers/{member.pk}/")

        assert answer.headers["Location"] == f"/customers/{whole.pk}/"

    def test_shows_what_belongs_to_any_row(self) -> None:
        whole = CustomerFactory()
        member = CustomerFactory(merged_into=whole)
        payment = PaymentFactory(customer=member)
        withdrawal = WithdrawalFactory(customer=whole)
        WalletFactory(customer=ProfileFactory(customer=member).customer)

        page = as_role("viewer").get(whole.get_absolute_url())

        assert f"?person={whole.pk}" in page.text
        assert payment.get_absolute_url() in page.text
        assert withdrawal.code in page.text
        assert len(page.context["wallets"]) == 1

    def test_costs_the_same_however_much_there_is(self) -> None:
        client = as_role("reviewer")
        customer = everything()

        def one_more() -> None:
            member = CustomerFactory(merged_into=customer)
            WalletFactory(customer=member)
            ExternalAccountFactory(customer=member)
            PaymentFactory(customer=member)
            HoldFactory(customer=member)
            LinkFactory(other=member, into=customer, state="linked")
            LinkFactory(into=customer)
            IdentityFactory(customer=member)

        one_more()
        few = queries(client, customer.get_absolute_url())
        for _ in range(10):
            one_more()

        assert queries(client, customer.get_absolute_url()) == few

    def test_of_somebody_nobody_told_of_stands(self) -> None:
        text = text_of(as_role("viewer").get(CustomerFactory(name="").get_absolute_url()))

        assert "not named" in text
        assert "Lux Financial does not know them" in text

    def test_of_a_word_nobody_documented_stands(self) -> None:
        customer = everything(kyc_status="paused_by_moon", risk_rating="extreme", status="odd")

        assert "Paused by moon" in text_of(as_role("viewer").get(customer.get_absolute_url()))

    def test_that_is_not_there_is_not_found(self) -> None:
        assert as_role("viewer").get("/customers/999999/").status_code == 404


class TestHolding:
    def test_is_placed_and_lifted_from_the_page(self) -> None:
        customer = CustomerFactory()
        reviewer = as_role("reviewer")
        address = reverse("customers:hold", args=[customer.pk])
        assert "Hold the customer" in text_of(reviewer.get(address))

        answer = reviewer.post(address, {"kind": "kyc", "reason": "No passport."})

        hold = Hold.objects.get()
        assert answer.headers["Location"] == customer.get_absolute_url()
        lead = as_role("compliance_lead")
        lift = reverse("customers:lift", args=[customer.pk, hold.pk])
        assert "No passport." in text_of(lead.get(lift))
        assert lead.post(lift, {"reason": "Seen it."}).status_code == 302
        assert not Hold.objects.in_force().exists()

    def test_needs_a_reason(self) -> None:
        customer = CustomerFactory()

        answer = as_role("reviewer").post(f"/customers/{customer.pk}/hold/", {"kind": "kyc"})

        assert answer.status_code == 422
        assert not Hold.objects.exists()

    def test_a_hold_of_somebody_else_is_not_found(self) -> None:
        hold = HoldFactory()

        answer = as_role("compliance_lead").get(
            f"/customers/{CustomerFactory().pk}/holds/{hold.pk}/lift/"
        )

        assert answer.status_code == 404

    def test_offers_who_may_alone(self) -> None:
        address = HoldFactory().customer.get_absolute_url()

        assert "Lift it…" not in as_role("reviewer").get(address).text
        assert "Lift it…" in as_role("compliance_lead").get(address).text
        assert "Place a hold…" not in as_role("viewer").get(address).text


class TestLinking:
    def test_a_suggestion_is_shown_on_both_pages(self) -> None:
        link = LinkFactory()

        for row in (link.other, link.into):
            text = text_of(as_role("reviewer").get(row.get_absolute_url()))
            assert "They may be the same as" in text
            assert "E-mail" in text

    def test_is_offered_to_who_may_alone(self) -> None:
        address = LinkFactory().into.get_absolute_url()

        assert "Not the same…" not in as_role("viewer").get(address).text
        assert "Not the same…" in as_role("reviewer").get(address).text

    @pytest.mark.parametrize(
        ("name", "before", "state"),
        [
            ("link-accept", "suggested", "linked"),
            ("link-dismiss", "suggested", "dismissed"),
            ("link-undo", "linked", "undone"),
        ],
    )
    def test_asks_why_and_does_it(self, name: str, before: str, state: str) -> None:
        link = LinkFactory(state=before)
        if before == "linked":
            Customer.objects.filter(pk=link.other_id).update(merged_into=link.into)
        reviewer, address = as_role("reviewer"), reverse(f"customers:{name}", args=[link.pk])
        assert "J. Smith" in text_of(reviewer.get(address))

        answer = reviewer.post(address, {"reason": "Called them."})

        assert answer.status_code == 302
        assert Link.objects.get().state == state
        assert reviewer.get(answer.headers["Location"]).status_code == 200

    def test_says_why_it_cannot_be(self) -> None:
        link = LinkFactory(state="undone")

        answer = as_role("reviewer").post(
            reverse("customers:link-dismiss", args=[link.pk]), {"reason": "So."}
        )

        assert answer.status_code == 422
        assert "no suggestion any more" in answer.text

    def test_what_was_judged_can_be_taken_back_from_the_page(self) -> None:
        reviewer = as_role("reviewer")
        link = LinkFactory()
        reviewer.post(reverse("customers:link-dismiss", args=[link.pk]), {"reason": "Brothers."})

        text = text_of(reviewer.get(link.into.get_absolute_url()))

        assert "Brothers." in text
        assert "The same after all…" in text


class TestTheWayThere:
    def test_leads_from_a_payment(self) -> None:
        customer = CustomerFactory()
        payment = PaymentFactory(customer=customer, counterparty_name="James Smith")

        page = as_role("viewer").get(payment.get_absolute_url())

        assert customer.get_absolute_url() in page.text

    def test_leads_from_a_withdrawal_by_what_is_told_of_them(self) -> None:
        customer = CustomerFactory(email="somebody@example.com", phone="")
        withdrawal = WithdrawalFactory(customer_email="Somebody@example.com")

        page = as_role("viewer").get(withdrawal.get_absolute_url())

        assert customer.get_absolute_url() in page.text

    def test_lists_of_payments_are_narrowed_to_the_person(self) -> None:
        whole = CustomerFactory()
        member = CustomerFactory(merged_into=whole)
        theirs = {PaymentFactory(customer=row).pk for row in (whole, member)}
        PaymentFactory(customer=CustomerFactory())
        withdrawal = WithdrawalFactory(customer=member)
        WithdrawalFactory()

        payments = as_role("viewer").get(f"/payments/?person={whole.pk}")
        withdrawals = as_role("viewer").get(f"/withdrawals/?tab=all&person={whole.pk}")

        assert {row.payment.pk for row in payments.context["rows"]} == theirs
        assert withdrawal.code in withdrawals.text
        assert as_role("viewer").get("/payments/?person=999999").context["rows"] == []

    def test_search_finds_them(self) -> None:
        customer = everything()
        CustomerFactory(name="J", email="", phone="", merged_into=customer)

        for text in ("james", "JAMES@example.com", "+61 412 345 678", f"cus_{customer.pk}"):
            found = as_role("viewer").get("/search/", {"q": text}).context["found"]
            assert [one.url for one in found.customers] == [customer.get_absolute_url()], text
        assert as_role("agent").get("/search/", {"q": "james"}).context["found"].customers == []

    def test_the_provider_is_named(self) -> None:
        IdentityFactory(upstream=Upstream.LUMETRADE, upstream_id="lt-1")

        found = as_role("viewer").get("/search/", {"q": "lt-1"}).context["found"]

        assert found.customers[0].providers == ["Lumetrade"]
