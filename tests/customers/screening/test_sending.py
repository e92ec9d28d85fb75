"""Screening somebody now: queued by a person, asked by a worker."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from django.utils import timezone

from customers import actions
from customers.models import Customer, Hit, Screening, ScreeningRequest
from customers.screening import sending
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.customers.factories import NOW, CustomerFactory, ProfileFactory
from tests.customers.screening.conftest import Lists
from tests.customers.screening.helpers import match, record, reviewer
from tests.staff.factories import UserFactory
from tests.upstreams.lux import refusal
from tests.upstreams.wire import answer
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    made: Customer = ProfileFactory(first_name="Viktor", last_name="Draganov").customer
    return made


def ask(customer: Customer) -> list[ScreeningRequest]:
    return actions.screen_now(customer=customer, by=reviewer(), at=timezone.now())


def command_of(request: ScreeningRequest) -> Command:
    return Command.objects.get(kind=sending.SCREENING, subject_id=str(request.pk))


def deliver(request: ScreeningRequest) -> CommandState | None:
    return outbox.deliver(command_of(request).pk)


class TestScreenNow:
    def test_is_asked_by_a_worker_and_kept(self, customer: Customer, lists: Lists) -> None:
        (request,) = ask(customer)
        assert not Screening.objects.exists()

        assert deliver(request) == CommandState.DONE

        screening = Screening.objects.get()
        assert (screening.customer, screening.reason) == (customer, "by_hand")
        assert screening.by is not None
        assert screening.asked["name"] == "Viktor Draganov"
        assert Hit.objects.get().facts["matched_name"] == "Viktor Draganov"
        assert AuditEvent.objects.get(verb="customers.screening.asked").after == {
            "request": request.pk
        }

    def test_is_asked_once_at_a_time(self, customer: Customer, lists: Lists) -> None:
        (first,), (second,) = ask(customer), ask(customer)
        assert first == second

        deliver(first)
        (third,) = ask(customer)

        assert third != first
        assert command_of(third).idempotency_key != command_of(first).idempotency_key

    def test_asks_about_every_row_that_lux_financial_knows(self, customer: Customer) -> None:
        root = CustomerFactory(name="V. Draganov")
        other = ProfileFactory(customer__merged_into=root).customer
        Customer.objects.filter(pk=customer.pk).update(merged_into=root)

        assert {request.customer for request in ask(root)} == {customer, other}

    def test_asks_about_the_name_alone_where_lux_financial_knows_nobody(self) -> None:
        (request,) = ask(CustomerFactory(name=" Olga   Petrova "))

        told = json.loads(command_of(request).request_bytes)
        assert told == {"name": "Olga Petrova", "type": "", "date_of_birth": "", "country": ""}

    def test_needs_a_name(self) -> None:
        with pytest.raises(actions.ScreeningNotPossible):
            ask(CustomerFactory(name=""))

    @pytest.mark.parametrize("role", ["viewer", "approver", "ops_lead", "auditor", "agent"])
    def test_is_for_compliance(self, customer: Customer, role: str) -> None:
        with pytest.raises(NotPermitted):
            actions.screen_now(customer=customer, by=UserFactory(roles=[role]), at=NOW)

    def test_keeps_nothing_of_a_question_that_is_refused(
        self, customer: Customer, answering: Callable[..., None]
    ) -> None:
        (request,) = ask(customer)
        answering(lambda _: refusal(400, "SANCTIONS_003", "name is missing"))

        assert deliver(request) == CommandState.REFUSED
        assert not Screening.objects.exists()
        request.refresh_from_db()
        assert request.refused_with == "name is missing"
        assert ask(customer) != [request]

    def test_is_asked_again_under_the_same_key_after_a_doubt(
        self, customer: Customer, answering: Callable[..., None]
    ) -> None:
        keys, told = [], record(match()).raw

        def lost_then_told(request: httpx.Request) -> httpx.Response:
            keys.append(request.headers["Idempotency-Key"])
            if len(keys) == 1:
                raise httpx.ReadTimeout("lost", request=request)
            return answer(200, told)

        answering(lost_then_told)
        (request,) = ask(customer)
        assert deliver(request) == CommandState.UNKNOWN
        Command.objects.update(next_at=timezone.now())

        assert deliver(request) == CommandState.DONE

        assert len(set(keys)) == 1
        assert Screening.objects.count() == Hit.objects.count() == 1
