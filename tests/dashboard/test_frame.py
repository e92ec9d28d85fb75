from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext

from staff.models import User
from tests.payments.factories import NOW, WithdrawalFactory, approver
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with at(NOW):
        yield


def desks(client: Client) -> dict[str, Any]:
    frame = client.get("/").context["frame"]
    return {desk.label: desk for _group, group in frame.desks for desk in group}


PAYMENT_DESKS = [
    *("Home", "Withdrawals", "Payments", "Balances", "Accounts", "Trades"),
    *("Beneficiaries", "Reconciliation", "Policies"),
]
CUSTOMER_DESKS = ["Customers"]


class TestDesks:
    @pytest.mark.parametrize(
        ("role", "labels"),
        [
            ("viewer", [*PAYMENT_DESKS, *CUSTOMER_DESKS, "Upstreams"]),
            ("agent", [*PAYMENT_DESKS, *CUSTOMER_DESKS, "Upstreams"]),
            ("admin", ["Home", "Upstreams"]),
        ],
    )
    def test_follow_the_role(self, role: str, labels: list[str]) -> None:
        assert list(desks(as_role(role))) == labels

    def test_count_what_waits_for_this_person(self) -> None:
        ada = approver()
        WithdrawalFactory(last_edited_by=ada)
        WithdrawalFactory()
        WithdrawalFactory(created_at=NOW - timedelta(hours=5))

        desk = desks(client_of(ada))["Withdrawals"]

        assert (desk.count, desk.overdue) == (2, 1)

    def test_count_nothing_for_who_decides_nothing(self) -> None:
        WithdrawalFactory()

        assert desks(as_role("maker"))["Withdrawals"].count is None

    def test_mark_the_one_that_is_open(self) -> None:
        frame = as_role("viewer").get("/withdrawals/").context["frame"]

        open_ones = [desk.label for _, group in frame.desks for desk in group if desk.is_current]
        assert open_ones == ["Withdrawals"]


class TestFrame:
    def test_costs_a_handful_of_queries(self) -> None:
        client = as_role("approver")
        client.get("/search/")

        with CaptureQueriesContext(connection) as queries:
            client.get("/search/")

        # Session, person and roles are five; then desks, three for health, alarms.
        assert len(queries) <= 12

    def test_costs_nothing_for_strangers(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            Client().get("/accounts/login/")

        assert not [query for query in queries if "payments" in query["sql"]]

    def test_names_the_environment(self) -> None:
        assert "TEST" in text_of(as_role("viewer").get("/"))

    def test_offers_demo_people_only_where_debug_is_on(self, settings: Any) -> None:
        assert "Demo people" not in text_of(Client().get("/accounts/login/"))
        settings.DEBUG = True
        assert "Demo people" in text_of(Client().get("/accounts/login/"))


class TestPreferences:
    def save(self, person: User, **fields: str) -> Any:
        return client_of(person).post("/preferences/", fields)

    @pytest.mark.parametrize(
        ("fields", "name", "value"),
        [
            ({"theme": "dark"}, "theme", "dark"),
            ({"letter_keys": "false"}, "letter_keys", False),
            ({"time_zone": "Australia/Sydney"}, "time_zone", "Australia/Sydney"),
            ({"time_zone": ""}, "time_zone", ""),
            ({"language": "es"}, "language", "es"),
        ],
    )
    def test_keeps_what_is_sent_and_nothing_else(
        self, fields: dict[str, str], name: str, value: Any
    ) -> None:
        person = UserFactory(theme="light", time_zone="UTC", language="en")
        before = {field: getattr(person, field) for field in FIELDS}

        self.save(person, **fields)

        person.refresh_from_db()
        after = {field: getattr(person, field) for field in FIELDS}
        assert after == before | {name: value}

    @pytest.mark.parametrize(
        "fields",
        [{"theme": "pink"}, {"time_zone": "Mars/Olympus"}, {"language": "tlh"}, {"theme": ""}],
    )
    def test_refuses_what_does_not_exist(self, fields: dict[str, str]) -> None:
        person = UserFactory()

        assert self.save(person, **fields).status_code == 422

    def test_grants_no_right_by_the_way(self) -> None:
        person = UserFactory()

        self.save(person, theme="dark", is_staff="on", is_superuser="on", email="x@example.com")

        person.refresh_from_db()
        assert not person.is_staff
        assert not person.is_superuser
        assert person.email != "x@example.com"

    @pytest.mark.parametrize(
        ("wanted", "led_to"),
        [
            ("/withdrawals/?tab=all", "/withdrawals/?tab=all"),
            ("", "/"),
            ("//evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("http:evil.example", "/"),
            ("\thttps://evil.example", "/"),
            ("https://testserver@evil.example/", "/"),
        ],
    )
    def test_leads_back_on_this_host_only(self, wanted: str, led_to: str) -> None:
        response = self.save(UserFactory(), theme="dark", next=wanted)

        assert response.headers["Location"] == led_to

    def test_answers_a_script_without_a_page(self) -> None:
        client = client_of(UserFactory())

        response = client.post("/preferences/", {"theme": "dark"}, headers={"hx-request": "true"})

        assert (response.status_code, response.content) == (204, b"")


FIELDS = ("theme", "letter_keys", "time_zone", "language", "email", "name")


class TestPersonMiddleware:
    def test_tells_the_time_in_the_persons_zone(self) -> None:
        person = UserFactory(roles=["viewer"], time_zone="Australia/Sydney")

        assert "18 Feb 2026, 21:30 AEDT" in text_of(client_of(person).get("/"))
        assert "18 Feb 2026, 10:30 UTC" in text_of(as_role("viewer").get("/"))

    def test_speaks_the_persons_language(self) -> None:
        person = UserFactory(roles=["viewer"], language="es")

        assert '<html lang="es"' in text_of(client_of(person).get("/"))

    def test_leaves_nothing_behind_for_the_next_request(self) -> None:
        client_of(UserFactory(roles=["viewer"], time_zone="Australia/Sydney")).get("/")

        assert Template("{{ at|moment }}").render(Context({"at": NOW})).endswith("10:30 UTC")

    def test_lives_with_a_zone_that_is_gone(self) -> None:
        person = UserFactory(roles=["viewer"], time_zone="Atlantis/Sunk")

        assert client_of(person).get("/").status_code == 200
