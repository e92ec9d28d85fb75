"""Looking at one masked value: who may, for how long, and that it is written down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from customers import reveals
from customers.models import Customer, ExternalAccount, Profile, Wallet
from staff import audit
from staff import reveals as ledger
from staff.models import AppendOnlyError, AuditEvent, Reveal, User
from staff.permissions import ROLES, NotPermitted, Permission, Role
from staff.reveals import Found
from tests.customers.factories import NOW, CustomerFactory, ProfileFactory
from tests.payments.factories import BeneficiaryFactory, WithdrawalFactory
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.payments.test_races import at_once, refusals
from tests.staff.factories import UserFactory
from upstreams.models import Alarm

pytestmark = pytest.mark.django_db

MAY = sorted(role for role, rights in ROLES.items() if Permission.REVEAL_PERSONAL_DATA in rights)
EMAIL = "hidden.person@example.com"
WHY = "They asked which address we have."


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with at(NOW):
        yield


@pytest.fixture
def customer() -> Customer:
    made: Customer = CustomerFactory(email=EMAIL)
    return made


def email_of(customer: Customer, by: User) -> Found:
    return ledger.find(
        subject_type="customers.customer", subject_id=str(customer.pk), field="email", by=by
    )


def look(customer: Customer, by: User, *, reason: str = WHY, moment: Any = NOW) -> Reveal:
    return reveals.reveal(found=email_of(customer, by), reason=reason, by=by, at=moment)


def address(row: Any, field: str) -> str:
    subject_type, subject_id = audit.subject_of(row)
    return f"/reveals/{subject_type}/{subject_id}/{field}/"


def asked_in_place(client: Client, where: str, reason: str = WHY) -> HttpResponse:
    response: Any = client.post(where, {"reason": reason}, headers={"HX-Request": "true"})
    return response


class TestTheLedger:
    def test_keeps_who_looked_and_why_and_never_at_what(self, customer: Customer) -> None:
        agent = UserFactory(roles=["agent"])

        made = look(customer, agent)

        kept = Reveal.objects.get()
        assert (kept.subject_type, kept.subject_id) == audit.subject_of(customer)
        assert (kept.field, kept.by, kept.reason) == ("email", agent, WHY)
        assert kept.expires_at == NOW + timedelta(seconds=60)
        event = AuditEvent.objects.get()
        assert event.verb == "staff.personal_data.revealed"
        assert event.after == {"field": "email", "reveal": made.pk}
        assert EMAIL not in str(event.__dict__) + str(kept.__dict__)
        assert audit.verify().ok

    def test_is_never_changed(self, customer: Customer) -> None:
        made = look(customer, UserFactory(roles=["agent"]))

        for change in (
            made.save,
            made.delete,
            Reveal.objects.all().delete,
            lambda: Reveal.objects.update(reason="Another"),
        ):
            with pytest.raises(AppendOnlyError):
                change()

    @pytest.mark.services
    @pytest.mark.parametrize(
        "change", ["UPDATE staff_reveal SET reason = ''", "DELETE FROM staff_reveal"]
    )
    def test_is_guarded_by_the_database_too(self, customer: Customer, change: str) -> None:
        look(customer, UserFactory(roles=["agent"]))

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(change)

    @pytest.mark.parametrize("role", Role)
    def test_is_for_those_who_may_reveal(self, customer: Customer, role: Role) -> None:
        person = UserFactory(roles=[role])

        if role in MAY:
            look(customer, person)
        else:
            with pytest.raises(NotPermitted):
                look(customer, person)
        assert Reveal.objects.exists() == (role in MAY)

    @pytest.mark.parametrize("reason", ["", "  ", "x", " ? "])
    def test_needs_a_reason(self, customer: Customer, reason: str) -> None:
        with pytest.raises(ledger.ReasonMissing):
            look(customer, UserFactory(roles=["agent"]), reason=reason)

        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize(
        ("subject_type", "subject_id", "field"),
        [
            ("customers.customer", "1", "created_at"),
            ("customers.customer", "0", "email"),
            ("customers.customer", "x", "email"),
            ("customers.customer", "9" * 30, "email"),
            ("staff.user", "1", "password"),
            ("nothing", "1", "email"),
        ],
    )
    def test_knows_what_is_masked(self, subject_type: str, subject_id: str, field: str) -> None:
        agent = UserFactory(roles=["agent"])

        with pytest.raises(ledger.NothingToReveal):
            ledger.find(subject_type=subject_type, subject_id=subject_id, field=field, by=agent)


class TestTheMinute:
    @pytest.mark.parametrize(("seconds", "is_shown"), [(0, True), (59, True), (60, False)])
    def test_is_all_there_is(self, customer: Customer, seconds: int, is_shown: bool) -> None:
        agent = UserFactory(roles=["agent"])
        made = look(customer, agent)

        found = ledger.shown(made, by=agent, at=NOW + timedelta(seconds=seconds))

        assert (found is not None) == is_shown

    def test_is_theirs_alone(self, customer: Customer) -> None:
        made = look(customer, UserFactory(roles=["agent"]))

        assert ledger.shown(made, by=UserFactory(roles=["agent"]), at=NOW) is None


class TestTheAlarm:
    def test_is_raised_by_the_31st_within_an_hour(self, customer: Customer) -> None:
        agent = UserFactory(roles=["agent"])
        for number in range(30):
            look(customer, agent, moment=NOW + timedelta(seconds=number))
        assert not Alarm.objects.exists()

        look(customer, agent, moment=NOW + timedelta(minutes=59))

        alarm = Alarm.objects.get()
        assert (alarm.code, alarm.upstream) == ("many-reveals", "desk")
        assert agent.email in alarm.words
        assert EMAIL not in alarm.text

    def test_counts_each_person_and_each_hour(self, customer: Customer) -> None:
        agent, other = UserFactory(roles=["agent"]), UserFactory(roles=["agent"])
        for number in range(30):
            look(customer, agent, moment=NOW + timedelta(seconds=number))
        look(customer, other, moment=NOW + timedelta(minutes=1))
        look(customer, agent, moment=NOW + timedelta(hours=1, minutes=1))

        assert not Alarm.objects.exists()

    def test_stands_on_every_page(self, customer: Customer) -> None:
        agent = UserFactory(roles=["agent"])
        for number in range(31):
            look(customer, agent, moment=NOW + timedelta(seconds=number))

        assert "looked at more than 30 masked values" in text_of(as_role("ops_lead").get("/"))

    @pytest.mark.services
    @pytest.mark.django_db(transaction=True)
    def test_is_not_missed_by_two_at_once(self, customer: Customer) -> None:
        agent = UserFactory(roles=["agent"])
        for number in range(29):
            look(customer, agent, moment=NOW + timedelta(seconds=number))
        later = NOW + timedelta(minutes=1)

        results = at_once(*[lambda: look(customer, agent, moment=later)] * 2)

        assert not refusals(results)
        assert Alarm.objects.count() == 1


class TestInPlace:
    def test_asks_why_and_shows_it(self, customer: Customer) -> None:
        client = as_role("agent")
        where = address(customer, "email")

        asked = client.get(where, headers={"HX-Request": "true"})
        shown = asked_in_place(client, where)

        assert EMAIL not in text_of(asked)
        assert "Why must you see it?" in text_of(asked)
        assert EMAIL in text_of(shown)
        assert 'data-seconds-left="60"' in text_of(shown)
        assert "no-store" in shown["Cache-Control"]

    def test_asks_again_without_a_reason(self, customer: Customer) -> None:
        response = asked_in_place(as_role("agent"), address(customer, "email"), " ")

        assert response.status_code == 200
        assert EMAIL not in text_of(response)
        assert not Reveal.objects.exists()


class TestWithoutScripts:
    def test_shows_it_on_a_page_and_masks_it_again(self, customer: Customer) -> None:
        client = as_role("agent")
        where = address(customer, "email")
        assert EMAIL not in text_of(client.get(where))

        answered = client.post(where, {"reason": WHY})
        shown = client.get(answered["Location"])
        with at(NOW + timedelta(seconds=60)):
            over = client.get(answered["Location"])

        assert EMAIL in text_of(shown)
        assert shown["Refresh"] == "61"
        assert "no-store" in shown["Cache-Control"]
        assert EMAIL not in text_of(over)
        assert "it is masked again" in text_of(over)
        assert "Refresh" not in over

    def test_refuses_no_reason(self, customer: Customer) -> None:
        response = as_role("agent").post(address(customer, "email"), {"reason": ""})

        assert response.status_code == 422

    def test_shows_nobody_else_what_was_revealed(self, customer: Customer) -> None:
        made = look(customer, UserFactory(roles=["agent"]))

        assert as_role("compliance_lead").get(f"/reveals/{made.pk}/").status_code == 404


class TestWhatCanBeRevealed:
    def profile(self) -> Profile:
        made: Profile = ProfileFactory(
            business={
                "email": "b@example.com",
                "phone": "+1",
                "ein": "12",
                "registration_number": "7",
            }
        )
        return made

    def test_is_every_masked_field_of_a_customer(self) -> None:
        client, profile = as_role("reviewer"), self.profile()
        account = ExternalAccount.objects.create(
            customer=profile.customer,
            upstream_id="ext_1",
            kind="crypto_address",
            address="0xfeedbeef",
            account_name="Jim",
            status="pending",
            digest="0",
            seen_at=NOW,
        )
        wallet = Wallet.objects.create(
            customer=profile.customer,
            upstream_id="wal_1",
            kind="custodial",
            addresses={"ethereum": "0xdeadbeef"},
            digest="0",
            seen_at=NOW,
        )
        expected = {
            (profile.customer, "name"): profile.customer.name,
            (profile.customer, "phone"): profile.customer.phone,
            (profile, "email"): profile.email,
            (profile, "phone"): profile.phone,
            (profile, "date_of_birth"): profile.date_of_birth,
            (profile, "address"): "1 King Street, Sydney, AU",
            (profile, "business_email"): "b@example.com",
            (profile, "business_phone"): "+1",
            (profile, "business_ein"): "12",
            (profile, "business_registration_number"): "7",
            (account, "address"): "0xfeedbeef",
            (account, "account_name"): "Jim",
            (wallet, "addresses"): "ethereum: 0xdeadbeef",
        }

        for (row, field), value in expected.items():
            shown = asked_in_place(client, address(row, field))
            assert f'<span class="shown" role="status">{value}</span>' in text_of(shown), field

        assert Reveal.objects.count() == AuditEvent.objects.count() == len(expected)

    def test_is_every_masked_field_of_a_payout(self) -> None:
        client = as_role("approver")
        withdrawal = WithdrawalFactory(tax_id="20-1", bank_account="12345678")
        beneficiary = BeneficiaryFactory(tax_id="20-2")

        for row, field in (
            (withdrawal, "bank_account"),
            (withdrawal, "payid"),
            (withdrawal, "tax_id"),
            (withdrawal, "customer_email"),
            (withdrawal, "customer_phone"),
            (beneficiary, "payid"),
            (beneficiary, "tax_id"),
        ):
            shown = asked_in_place(client, address(row, field))
            assert getattr(row, field) in text_of(shown), field

    def test_is_offered_where_it_stands(self) -> None:
        withdrawal, beneficiary = WithdrawalFactory(), BeneficiaryFactory()

        for row in (withdrawal, beneficiary):
            may = text_of(as_role("approver").get(row.get_absolute_url()))
            may_not = text_of(as_role("maker").get(row.get_absolute_url()))
            assert address(row, "payid") in may
            assert row.payid not in may
            assert "/reveals/" not in may_not


class TestWhoLooked:
    def test_tells_of_everything_that_is_theirs(self) -> None:
        profile = ProfileFactory()
        reviewer = UserFactory(roles=["reviewer"])
        client = client_of(reviewer)
        asked_in_place(client, address(profile, "date_of_birth"))
        asked_in_place(client, address(profile.customer, "email"), f"Is it {profile.email}?")
        look(CustomerFactory(), reviewer)

        told = reveals.who_looked([profile.customer], viewer=reviewer)

        assert {(one.by, one.field) for one in told} == {
            (reviewer, "E-mail"),
            (reviewer, "Date of birth"),
        }
        assert profile.email not in " ".join(one.reason for one in told)

    @pytest.mark.parametrize(("role", "sees"), [("auditor", True), ("viewer", False)])
    def test_is_for_those_with_business_with_it(
        self, customer: Customer, role: str, sees: bool
    ) -> None:
        look(customer, UserFactory(roles=["agent"]))

        assert bool(reveals.who_looked([customer], viewer=UserFactory(roles=[role]))) == sees
