"""Which customers are one person: the documented order, and what people say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import actions, holds, linking, mirror
from customers.actions import LinkNotPossible
from customers.contacts import Contact
from customers.enums import CaseStatus, HitState, LinkState
from customers.linking import Matched
from customers.models import Customer, KycCase, Link
from staff import audit
from staff.models import AuditEvent
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    HitFactory,
    HoldFactory,
    IdentityFactory,
    ProfileFactory,
    record,
)
from tests.staff.factories import UserFactory
from upstreams.enums import Upstream

pytestmark = pytest.mark.django_db

MAIL, PHONE = "amara@example.com", "+2348012345678"
OTHER_MAIL, OTHER_PHONE = "else@example.com", "+61412345678"


def at_luxcore(email: str = "", phone: str = "", name: str = "Amara Okafor") -> Customer:
    customer = CustomerFactory(name=name, email=email, phone=phone)
    IdentityFactory(customer=customer)
    return customer


def at_lux(email: str = "", phone: str = "", name: str = "Amara Okafor") -> Customer:
    customer = CustomerFactory(name=name, email=email, phone=phone)
    ProfileFactory(customer=customer)
    return customer


def match() -> Matched:
    return linking.match_new(at=NOW)


def reviewer() -> Any:
    return UserFactory(roles=["reviewer"])


def lead() -> Any:
    return UserFactory(roles=["compliance_lead"])


def judged(state: HitState) -> dict[str, Any]:
    return {"state": state, "judged_by": lead(), "judged_at": NOW, "judged_reason": "Looked."}


def case_of(customer: Customer, status: CaseStatus) -> None:
    KycCase.objects.create(
        customer=customer, status=status, opened_at=NOW, opened_for="under_review", due_at=NOW
    )


# What stops a whole person: how the refusal and the trail name it, and how it comes about.
STOPS: dict[str, tuple[str, str, Callable[[Customer], object]]] = {
    "a hold": ("a hold", "holds", lambda one: HoldFactory(customer=one)),
    "an open hit": ("screening hit", "hits", lambda one: HitFactory(screening__customer=one)),
    "a hit nobody is sure of": (
        "screening hit",
        "hits",
        lambda one: HitFactory(screening__customer=one, **judged(HitState.UNSURE)),
    ),
    "a hit that is them": (
        "screening hit",
        "hits",
        lambda one: HitFactory(screening__customer=one, **judged(HitState.TRUE)),
    ),
    "a proposed decision": (
        "KYC decision",
        "cases",
        lambda one: case_of(one, CaseStatus.PROPOSED),
    ),
    "a queued decision": ("KYC decision", "cases", lambda one: case_of(one, CaseStatus.QUEUED)),
    "a decision being sent": (
        "KYC decision",
        "cases",
        lambda one: case_of(one, CaseStatus.SENDING),
    ),
}


def root(customer: Customer) -> int:
    return Customer.objects.get(pk=customer.pk).root_id


class TestByTheDocumentedOrder:
    @pytest.mark.parametrize(
        ("here", "there", "state", "why"),
        [
            ((MAIL, PHONE), (MAIL, PHONE), "linked", ["email", "phone", "name"]),
            ((MAIL, PHONE), (MAIL.upper(), "002348012345678"), "linked", ["email", "phone"]),
            ((MAIL, ""), (MAIL, PHONE), "linked", ["email"]),
            ((MAIL, ""), (MAIL, ""), "linked", ["email"]),
            (("", PHONE), (MAIL, PHONE), "linked", ["phone"]),
            (("", PHONE), ("", PHONE), "linked", ["phone"]),
            ((MAIL, PHONE), (MAIL, OTHER_PHONE), "suggested", ["email"]),
            ((MAIL, PHONE), (OTHER_MAIL, PHONE), "suggested", ["phone"]),
            ((MAIL, PHONE), (OTHER_MAIL, OTHER_PHONE), "", []),
            ((MAIL, ""), ("", PHONE), "", []),
            (("", ""), ("", ""), "", []),
        ],
    )
    def test_one_candidate(
        self, here: tuple[str, str], there: tuple[str, str], state: str, why: list[str]
    ) -> None:
        luxcore, lux = at_luxcore(*here), at_lux(*there)

        match()

        links = Link.objects.values_list("state", "by")
        assert list(links) == ([(state, None)] if state else [])
        assert (root(luxcore) == root(lux)) is (state == "linked")
        if state:
            assert Link.objects.get().why[: len(why)] == why

    def test_several_candidates_are_left_to_people(self) -> None:
        first, second = at_luxcore(MAIL), at_luxcore("", PHONE)
        linking.match_new(at=NOW)

        lux = at_lux(MAIL, PHONE)
        matched = match()

        assert matched == Matched(suggested=2)
        assert {root(row) for row in (first, second, lux)} == {first.pk, second.pk, lux.pk}

    def test_a_person_of_two_rows_is_one_candidate(self) -> None:
        at_luxcore(MAIL)
        at_lux(MAIL, PHONE)
        match()

        third = CustomerFactory(email="", phone=PHONE)
        IdentityFactory(customer=third, upstream=Upstream.LUMETRADE)

        assert match() == Matched(linked=1)
        assert Customer.objects.whole().count() == 1

    def test_one_system_knows_why_it_has_two(self) -> None:
        at_lux(MAIL)
        at_lux(MAIL)

        assert match() == Matched(suggested=1)

    def test_whoever_has_a_profile_stands_for_them(self) -> None:
        luxcore, lux = at_luxcore(MAIL), at_lux(MAIL)

        match()

        assert root(luxcore) == lux.pk

    def test_asks_once(self) -> None:
        at_luxcore(MAIL, PHONE)
        at_lux(MAIL, OTHER_PHONE)
        match()
        Customer.objects.update(is_matched=False)

        assert match() == Matched()

    def test_looks_again_when_contact_data_changes(self) -> None:
        luxcore = at_luxcore(MAIL)
        mirror.store_profiles([record(email=OTHER_MAIL, phone=...)], at=NOW)
        assert match() == Matched()

        mirror.store_profiles(
            [record(email=MAIL, phone=..., updated_at="2026-02-01T00:00:00Z")], at=NOW
        )

        assert match() == Matched(linked=1)
        assert root(luxcore) != luxcore.pk

    @pytest.mark.parametrize(
        ("others", "suggested"), [(linking.MOST, linking.MOST), (linking.MOST + 1, 0)]
    )
    def test_what_many_have_says_nothing(self, others: int, suggested: int) -> None:
        for _ in range(others):
            at_luxcore("info@example.com")
        Customer.objects.update(is_matched=True)
        at_lux("info@example.com")

        assert match() == Matched(suggested=suggested)
        assert not Customer.objects.filter(is_matched=False).exists()

    def test_rows_of_one_person_are_not_many(self) -> None:
        first = at_luxcore(MAIL)
        for _ in range(linking.MOST + 5):
            CustomerFactory(email=MAIL, phone="", merged_into=first)
        Customer.objects.update(is_matched=True)
        at_lux(MAIL)

        assert match() == Matched(linked=1)

    def test_who_has_what_many_have_is_not_linked_unasked(self) -> None:
        for _ in range(linking.MOST + 1):
            at_luxcore("", PHONE)
        at_luxcore(MAIL)
        Customer.objects.update(is_matched=True)
        at_lux(MAIL, PHONE)

        assert match() == Matched(suggested=1)
        assert Link.objects.get().why == ["email", "name"]

    def test_a_hundred_with_one_phone_cost_a_few_queries_each(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(100):
            at_luxcore("", PHONE, name=f"P{number}")

        with django_assert_max_num_queries(100 * 10):
            assert match() == Matched()

    def test_candidates_cost_for_ten_what_they_cost_for_one(
        self, django_assert_num_queries: Any
    ) -> None:
        lux, _ = at_lux("", PHONE), at_luxcore("", PHONE)
        with CaptureQueriesContext(connection) as for_one:
            linking.candidates(lux)
        for _ in range(linking.MOST - 1):
            at_luxcore("", PHONE)

        with django_assert_num_queries(len(for_one)):
            assert len(linking.candidates(lux)) == linking.MOST

    def test_costs_nothing_where_nobody_is_new(self, django_assert_max_num_queries: Any) -> None:
        at_luxcore(MAIL)
        match()

        with django_assert_max_num_queries(3):
            match()

    def test_five_hundred_strangers_cost_a_few_queries(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(60):
            CustomerFactory(email=f"{number}@example.com", phone="")

        with django_assert_max_num_queries(8):
            match()

        assert not Customer.objects.filter(is_matched=False).exists()

    def test_one_that_fails_keeps_nobody_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        broken, luxcore = at_lux(OTHER_MAIL), at_luxcore(OTHER_MAIL)
        at_luxcore(MAIL)
        at_lux(MAIL)
        candidates = linking.candidates

        def fail_for_one(customer: Customer) -> Any:
            if customer.pk in (broken.pk, luxcore.pk):
                raise RuntimeError
            return candidates(customer)

        monkeypatch.setattr(linking, "candidates", fail_for_one)

        assert match() == Matched(linked=1)
        waiting = Customer.objects.filter(is_matched=False)
        assert {row.pk for row in waiting} == {broken.pk, luxcore.pk}

    def test_is_told_on_the_trail_of_both(self) -> None:
        luxcore, lux = at_luxcore(MAIL), at_lux(MAIL)

        match()

        events = AuditEvent.objects.filter(verb="customers.link.made")
        assert {event.subject_id for event in events} == {str(luxcore.pk), str(lux.pk)}
        assert all(event.by is None for event in events)
        assert audit.verify().ok


class TestWhatPeopleSay:
    def suggestion(self) -> Link:
        at_luxcore(MAIL, PHONE)
        at_lux(MAIL, OTHER_PHONE)
        match()
        return Link.objects.get()

    def test_accepting_makes_them_one(self) -> None:
        link, by = self.suggestion(), reviewer()

        actions.accept_link(link_id=link.pk, reason="Called them.", by=by, at=NOW)

        link.refresh_from_db()
        assert (link.state, link.by, link.reason) == (LinkState.LINKED, by, "Called them.")
        assert Customer.objects.whole().count() == 1
        assert AuditEvent.objects.filter(verb="customers.link.made", by=by).count() == 2

    def test_dismissing_ends_the_asking(self) -> None:
        link = self.suggestion()

        actions.dismiss_link(link_id=link.pk, reason="Brothers.", by=reviewer(), at=NOW)
        Customer.objects.update(is_matched=False)

        assert match() == Matched()
        assert Link.objects.get().state == LinkState.DISMISSED

    def test_what_was_dismissed_may_be_accepted_after_all(self) -> None:
        link = self.suggestion()
        actions.dismiss_link(link_id=link.pk, reason="Brothers.", by=reviewer(), at=NOW)

        actions.accept_link(link_id=link.pk, reason="No, one.", by=reviewer(), at=NOW)

        assert Customer.objects.whole().count() == 1

    def test_taking_apart_leaves_two_and_they_stay_two(self) -> None:
        luxcore, lux = at_luxcore(MAIL), at_lux(MAIL)
        match()
        link = Link.objects.get()

        actions.undo_link(link_id=link.pk, reason="Two people.", by=reviewer(), at=NOW)
        Customer.objects.update(is_matched=False)

        assert match() == Matched()
        assert (root(luxcore), root(lux)) == (luxcore.pk, lux.pk)
        events = AuditEvent.objects.filter(verb="customers.link.undone")
        assert {event.subject_id for event in events} == {str(luxcore.pk), str(lux.pk)}

    def test_taking_apart_leaves_the_rest_together(self) -> None:
        """A tree of four: a and b under c, c under d; c is taken from d."""
        a, b, c, d = (CustomerFactory(email=f"{x}@example.com", phone="") for x in "abcd")
        by = reviewer()
        for below, above in ((a, c), (b, c), (c, d)):
            ProfileFactory(customer=above) if not hasattr(above, "profile") else None
            link = Link.objects.create(other=below, into=above, state="suggested", made_at=NOW)
            actions.accept_link(link_id=link.pk, reason="One.", by=by, at=NOW)
        assert Customer.objects.whole().count() == 1
        top = Link.objects.order_by("pk").last()
        assert top is not None

        actions.undo_link(link_id=top.pk, reason="Not d.", by=by, at=NOW)

        assert {root(row) for row in (a, b, c)} == {c.pk}
        assert root(d) == d.pk

    def test_two_who_are_one_already_cannot_be_linked(self) -> None:
        luxcore, lux = at_luxcore(MAIL), at_lux(MAIL)
        asked = Link.objects.create(other=luxcore, into=lux, state="suggested", made_at=NOW)
        match()

        with pytest.raises(LinkNotPossible, match="one person already"):
            actions.accept_link(link_id=asked.pk, reason="Again.", by=reviewer(), at=NOW)

    @pytest.mark.parametrize(
        ("state", "action", "is_possible"),
        [
            ("suggested", actions.accept_link, True),
            ("dismissed", actions.accept_link, True),
            ("undone", actions.accept_link, True),
            ("linked", actions.accept_link, True),  # it is
            ("suggested", actions.dismiss_link, True),
            ("dismissed", actions.dismiss_link, True),
            ("undone", actions.dismiss_link, False),
            ("linked", actions.dismiss_link, False),
            ("suggested", actions.undo_link, False),
            ("dismissed", actions.undo_link, False),
            ("undone", actions.undo_link, True),
            ("linked", actions.undo_link, True),
        ],
    )
    def test_from_every_state(self, state: str, action: Any, is_possible: bool) -> None:
        one, other = CustomerFactory(), CustomerFactory()
        link = Link.objects.create(other=one, into=other, state=state, made_at=NOW)
        if state == "linked":
            Customer.objects.filter(pk=one.pk).update(merged_into=other)

        if is_possible:
            action(link_id=link.pk, reason="So.", by=reviewer(), at=NOW)
            return
        with pytest.raises(LinkNotPossible):
            action(link_id=link.pk, reason="So.", by=reviewer(), at=NOW)

    @pytest.mark.parametrize(
        "action", [actions.accept_link, actions.dismiss_link, actions.undo_link]
    )
    def test_asks_for_a_reason(self, action: Any) -> None:
        with pytest.raises(LinkNotPossible, match="Say why"):
            action(link_id=1, reason=" ", by=reviewer(), at=NOW)

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        person, link = UserFactory(roles=[role]), self.suggestion()

        for action in (actions.dismiss_link, actions.accept_link, actions.undo_link):
            if Permission.LINK_CUSTOMERS in ROLES[role]:
                action(link_id=link.pk, reason="So.", by=person, at=NOW)
                continue
            with pytest.raises(NotPermitted):
                action(link_id=link.pk, reason="So.", by=person, at=NOW)


class TestHolds:
    def test_hold_the_whole_person_for_as_long_as_they_are_one(self) -> None:
        luxcore, lux = at_luxcore(MAIL, name="A"), at_lux(MAIL, name="B")
        hold = HoldFactory(customer=lux)
        contact = Contact(customer_id=luxcore.pk)
        match()
        assert holds.on({1: contact}) == {1: [hold]}
        assert holds.is_held_by(contact, hold)
        assert holds.ever_held(contact) == [lux.pk]

        link = Link.objects.get()
        actions.undo_link(link_id=link.pk, reason="Two.", by=lead(), at=NOW)

        assert holds.on({1: contact}) == {1: []}
        assert holds.ever_held(contact) == []

    @pytest.mark.parametrize("what", STOPS)
    def test_nobody_takes_apart_what_is_stopped_but_who_lifts_holds(self, what: str) -> None:
        luxcore, lux = at_luxcore(MAIL), at_lux(MAIL)
        match()
        link = Link.objects.get()
        says, name, stop = STOPS[what]
        stop(luxcore)

        with pytest.raises(LinkNotPossible, match=says):
            actions.undo_link(link_id=link.pk, reason="Two.", by=reviewer(), at=NOW)

        assert root(luxcore) == lux.pk
        actions.undo_link(link_id=link.pk, reason="Two.", by=lead(), at=NOW)
        assert root(luxcore) == luxcore.pk
        for event in AuditEvent.objects.filter(verb="customers.link.undone"):
            assert event.after[name] == 1

    def test_what_is_over_stops_nobody_from_taking_apart(self) -> None:
        luxcore = at_luxcore(MAIL)
        at_lux(MAIL)
        match()
        link = Link.objects.get()
        HoldFactory(customer=luxcore, lifted_at=NOW, lifted_by=lead(), lifted_reason="Fine.")
        HitFactory(screening__customer=luxcore, is_listed=False)
        HitFactory(screening__customer=luxcore, **judged(HitState.FALSE))
        case_of(luxcore, CaseStatus.DECIDED)

        actions.undo_link(link_id=link.pk, reason="Two.", by=reviewer(), at=NOW)

        assert root(luxcore) == luxcore.pk

    def test_hold_who_shares_anything_with_any_row(self) -> None:
        """Held at Lux Financial under one e-mail; asked for here under another."""
        luxcore, lux = at_luxcore(OTHER_MAIL, PHONE), at_lux("", PHONE)
        hold = HoldFactory(customer=lux)
        match()
        assert root(luxcore) == lux.pk

        assert holds.on({1: Contact(email=OTHER_MAIL)}) == {1: [hold]}
