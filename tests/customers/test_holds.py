"""Placing and lifting holds, and whom one holds."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from customers import actions, holds, linking, mirror
from customers.actions import HoldNotPossible, lift_hold, place_hold
from customers.contacts import Contact, find_customer
from customers.enums import HoldKind
from customers.models import Customer, Hold, HoldContact, Identity, Link
from staff import audit
from staff.journal import Journal
from staff.models import AuditEvent
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    HoldFactory,
    IdentityFactory,
    LinkFactory,
    record,
)
from tests.staff.factories import UserFactory
from upstreams.enums import Upstream

pytestmark = pytest.mark.django_db


def place(customer: Customer, **told: Any) -> Hold:
    wanted: dict[str, Any] = {"kind": HoldKind.KYC, "reason": "No passport.", "at": NOW} | told
    by = wanted.pop("by", None) or UserFactory(roles=["reviewer"])
    return place_hold(customer=customer, by=by, **wanted)


def lift(hold: Hold, **told: Any) -> Hold:
    wanted: dict[str, Any] = {"reason": "Seen it.", "at": NOW} | told
    by = wanted.pop("by", None) or UserFactory(roles=["compliance_lead"])
    return lift_hold(hold_id=hold.pk, by=by, **wanted)


class TestPlacing:
    def test_is_in_force_and_on_the_trail(self) -> None:
        customer = CustomerFactory()

        hold = place(customer)

        event = AuditEvent.objects.get()
        assert list(customer.holds.in_force()) == [hold]
        assert (event.verb, event.subject_id) == ("customers.hold.placed", str(customer.pk))
        assert (event.reason, event.by) == ("No passport.", hold.placed_by)
        assert audit.verify().ok

    def test_the_same_again_changes_nothing(self) -> None:
        customer = CustomerFactory()
        first = place(customer)

        assert place(customer, reason="Again.") == first

        assert AuditEvent.objects.count() == 1
        assert place(customer, kind=HoldKind.TICKET) != first

    def test_two_of_a_kind_cannot_be(self) -> None:
        hold = HoldFactory()

        with pytest.raises(IntegrityError), transaction.atomic():
            HoldFactory(customer=hold.customer)

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        person = UserFactory(roles=[role])
        if Permission.PLACE_HOLDS in ROLES[role]:
            assert place(CustomerFactory(), by=person).placed_by == person
            return
        with pytest.raises(NotPermitted):
            place(CustomerFactory(), by=person)

    def test_asks_for_a_reason(self) -> None:
        with pytest.raises(HoldNotPossible, match="Say why"):
            place(CustomerFactory(), reason="  ")


class TestLifting:
    def test_lets_them_go(self) -> None:
        hold = place(CustomerFactory())

        lifted = lift(hold)

        assert not hold.customer.holds.in_force().exists()
        assert lifted.lifted_reason == "Seen it."
        assert AuditEvent.objects.filter(verb="customers.hold.lifted").count() == 1

    def test_twice_keeps_who_lifted_it_first(self) -> None:
        hold = place(CustomerFactory())
        first = lift(hold)

        assert lift(hold).lifted_by == first.lifted_by

        assert AuditEvent.objects.filter(verb="customers.hold.lifted").count() == 1

    def test_asks_for_the_right_and_a_reason(self) -> None:
        hold = place(CustomerFactory())

        with pytest.raises(NotPermitted):
            lift(hold, by=hold.placed_by)
        with pytest.raises(HoldNotPossible):
            lift(hold, reason="")

    def test_may_be_placed_again(self) -> None:
        hold = place(CustomerFactory())
        lift(hold)

        assert place(hold.customer) != hold


class TestWhoIsHeld:
    @pytest.mark.parametrize(
        "contact",
        [
            Contact(email="JAMES@EXAMPLE.COM"),
            Contact(phone="+61412345678"),
            Contact(phone="+61 (0)412 345-678"),
            Contact(phone="0061 412 345 678"),
            Contact(phone="61412345678"),
            Contact(upstream="luxcore", upstream_id="12345"),
            Contact(external_id="usr_1"),
        ],
    )
    def test_whoever_shares_what_they_are_known_by(self, contact: Contact) -> None:
        hold = HoldFactory()
        Identity.objects.create(
            customer=hold.customer,
            upstream=Upstream.LUXCORE,
            upstream_id="12345",
            external_id="usr_1",
            seen_at=NOW,
        )

        assert holds.on({"it": contact}) == {"it": [hold]}
        assert find_customer(contact) == hold.customer

    def test_the_linked_customer(self) -> None:
        hold = HoldFactory()

        assert holds.on({1: Contact(customer_id=hold.customer_id)}) == {1: [hold]}

    @pytest.mark.parametrize(
        "contact",
        [
            Contact(),
            Contact(email="else@example.com"),
            Contact(phone="-"),
            Contact(upstream="lumetrade", upstream_id="12345"),
        ],
    )
    def test_nobody_else(self, contact: Contact) -> None:
        HoldFactory()
        HoldFactory(customer=CustomerFactory(email="", phone=""))

        assert holds.on({"it": contact}) == {"it": []}
        assert find_customer(contact) is None

    def test_costs_for_fifty_what_it_costs_for_one(self, django_assert_num_queries: Any) -> None:
        HoldFactory()
        HoldFactory(customer=CustomerFactory(email="mona@example.com", phone=""))
        contacts = {number: Contact(email="james@example.com") for number in range(49)}

        with django_assert_num_queries(4):
            found = holds.on(contacts | {50: Contact(email="mona@example.com")})

        assert all(len(them) == 1 for them in found.values())


class TestWhoeverChangesTheirContactData:
    """What waits here tells the old e-mail or phone alone: it stays stopped."""

    OLD = Contact(email="amara@example.com")
    OLD_PHONE = Contact(phone="+2348012345678")
    NEW = Contact(email="new@example.com")

    def told(self, **over: Any) -> Customer:
        mirror.store_profiles([record(**over)], at=NOW)
        return Customer.objects.get(identities__upstream_id=record().id)

    def moved(self, **over: Any) -> Customer:
        changed = {"email": "new@example.com", "phone": "+61499999999"} | over
        return self.told(**{"updated_at": "2026-02-01T00:00:00Z"} | changed)

    def test_stays_held_under_the_old_ones_and_is_under_the_new(self) -> None:
        customer = self.told(email="Amara@example.com", phone="+234 801 234 5678")
        hold = place(customer)

        self.moved()

        for contact in (self.OLD, self.OLD_PHONE, self.NEW):
            assert holds.on({1: contact}) == {1: [hold]}
            assert holds.is_held_by(contact, hold)
            assert holds.ever_held(contact) == [customer.pk]

    def test_however_often(self) -> None:
        hold = place(self.told(email="amara@example.com"))

        self.moved()
        self.moved(email="third@example.com", updated_at="2026-02-02T00:00:00Z")
        self.moved(email="fourth@example.com", updated_at="2026-02-03T00:00:00Z")

        for email in ("amara", "new", "third", "fourth"):
            assert holds.on({1: Contact(email=f"{email}@example.com")}) == {1: [hold]}

    def test_what_a_gap_was_filled_with_counts_too(self) -> None:
        """Told after the hold, by a payment: nothing was to be kept until it changes."""
        customer = CustomerFactory(email="", phone="")
        IdentityFactory(customer=customer, upstream=Upstream.LUX, upstream_id=record().id)
        hold = place(customer)
        told = mirror.Told(record().id, "Amara", "amara@example.com")
        mirror.learn([told], upstream=Upstream.LUX, at=NOW)

        self.moved()

        assert holds.on({1: self.OLD}) == {1: [hold]}

    def test_of_any_row_of_the_person(self) -> None:
        held, other = CustomerFactory(), self.told(email="amara@example.com")
        link = LinkFactory(other=held, into=other)
        hold = place(held)
        by = UserFactory(roles=["reviewer"])
        actions.accept_link(link_id=link.pk, reason="One.", by=by, at=NOW)

        self.moved()

        assert holds.on({1: self.OLD}) == {1: [hold]}

    def test_a_row_that_is_found_not_to_be_theirs_goes_free(self) -> None:
        held, other = CustomerFactory(), self.told(email="amara@example.com")
        link = Link.objects.create(other=held, into=other, state="suggested", made_at=NOW)
        with transaction.atomic():
            linking.take_lock()
            journal = Journal(by=None, at=NOW)
            linking.join(held, other, by=None, at=NOW, journal=journal, known=link)
            journal.write()
        hold = place(held)
        self.moved()
        assert holds.on({1: self.OLD}) == {1: [hold]}

        Customer.objects.filter(pk=held.pk).update(merged_into=None)

        assert holds.on({1: self.OLD, 2: Contact(email=held.email)}) == {1: [], 2: [hold]}
        assert not holds.is_held_by(self.OLD, hold)

    def test_lifting_lets_all_of_them_go_and_is_remembered(self) -> None:
        customer = self.told(email="amara@example.com")
        lift(place(customer))
        self.moved()

        assert holds.on({1: self.OLD, 2: self.NEW}) == {1: [], 2: []}
        assert holds.ever_held(self.OLD) == [customer.pk]

    def test_what_nobody_is_held_for_is_not_kept(self) -> None:
        self.told(email="amara@example.com")
        self.moved()

        assert not HoldContact.objects.exists()

    def test_holds_from_before_are_given_what_is_known(self) -> None:
        hold = HoldFactory()
        member = CustomerFactory(email="b@example.com", phone="", merged_into=hold.customer)
        CustomerFactory(email="", phone="", merged_into=hold.customer)
        CustomerFactory(email="nobody@example.com")

        import_module("customers.migrations.0013_hold_contacts").fill(apps, None)

        kept = HoldContact.objects.values_list("customer", "email_key", "phone_key")
        assert set(kept) == {
            (hold.customer_id, "james@example.com", "61412345678"),
            (member.pk, "b@example.com", ""),
        }
