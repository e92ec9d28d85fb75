"""Every address x every role x GET and POST, with one table as the truth (proof P-1, P-6, S-7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from structlog.testing import capture_logs

from staff.permissions import Role
from tests.dashboard.routes import OTHERS, ROUTES, World, every_route, person_of
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

# One role that may use it, for each address.
FIRST = {name: min(route.roles) for name, route in ROUTES.items()}
BY_FIRST_ROLE = pytest.mark.parametrize("role", sorted(set(FIRST.values())))
DONE = (200, 302)  # a POST so answered may have changed what it is about
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def address(name: str, world: World) -> str:
    return reverse(name, kwargs=dict(ROUTES[name].arguments(world)))


def signed_in(role: Role, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(person_of(role))
    return client


def asked_for() -> Iterator[tuple[str, str]]:
    """Every address with each method that it answers."""
    for name, route in ROUTES.items():
        for method in ("get", "post"):
            if getattr(route, method) is not None:
                yield name, method


def expect(response: HttpResponse, status: int, what: str) -> None:
    assert response.status_code == status, f"{what}: {response.status_code}, not {status}"
    headers = response.headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], what
    assert "unsafe" not in headers["Content-Security-Policy"], what
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["X-Frame-Options"] == "DENY", what
    assert headers["Referrer-Policy"] == "same-origin", what
    assert "no-store" in headers["Cache-Control"], what


class TestEveryAddress:
    def test_is_classified(self) -> None:
        unknown = {name for name in every_route() if not name.startswith(OTHERS)} - set(ROUTES)

        assert not unknown, f"say in tests/dashboard/routes.py who may use {sorted(unknown)}"

    def test_exists_for_every_line_of_the_table(self) -> None:
        assert set(ROUTES) <= set(every_route())

    @pytest.mark.parametrize("role", Role)
    def test_answers_those_whose_role_allows_it(self, role: Role) -> None:
        client, world = signed_in(role), World.make()
        for name, route in ROUTES.items():
            if role not in route.roles:
                continue

            expect(client.get(address(name, world)), route.get or 405, f"GET {name} as {role}")
            if route.post not in DONE:
                written = client.post(address(name, world))
                expect(written, route.post or 405, f"POST {name} as {role}")

    @pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.post in DONE])
    def test_does_what_those_may_ask_for(self, name: str) -> None:
        route, world = ROUTES[name], World.make()
        for role in route.roles:
            written = signed_in(role).post(address(name, world))

            expect(written, route.post or 405, f"POST {name} as {role}")

    @pytest.mark.parametrize("role", Role)
    def test_refuses_everybody_else(self, role: Role) -> None:
        client, world = signed_in(role), World.make()
        for name, method in asked_for():
            if role in ROUTES[name].roles:
                continue

            response = getattr(client, method)(address(name, world))

            expect(response, 403, f"{method} {name} as {role}")
            assert "Your roles do not allow you to" in response.content.decode()

    @pytest.mark.parametrize("who", ["nobody", "somebody disabled"])
    def test_asks_strangers_to_sign_in(self, who: str) -> None:
        client, world = Client(), World.make()
        if who == "somebody disabled":
            client.force_login(person := UserFactory(roles=list(Role)))
            person.is_active = False
            person.save(update_fields=["is_active"])
        for name, route in ROUTES.items():
            for method, status in (("get", route.get), ("post", route.post)):
                response = getattr(client, method)(address(name, world))

                if route.is_open:
                    expect(response, status or 405, f"{method} {name} as {who}")
                    continue
                expect(response, 302, f"{method} {name} as {who}")
                assert response.headers["Location"].startswith(reverse("account_login"))
        assert (SESSION_KEY in client.session) == (who == "somebody disabled")

    @BY_FIRST_ROLE
    def test_reads_without_writing(self, role: Role) -> None:
        client, world = signed_in(role), World.make()
        written: list[str] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.lstrip().upper().startswith(WRITES):
                written.append(sql)
            return execute(sql, params, many, context)

        for name, route in ROUTES.items():
            if route.get is None or FIRST[name] != role:
                continue
            with connection.execute_wrapper(watch):
                client.get(address(name, world))
                client.get(address(name, world), {"method_override": "POST", "_method": "DELETE"})

            assert not written, name

    @BY_FIRST_ROLE
    def test_refuses_a_form_without_its_token(self, role: Role) -> None:
        client, world = signed_in(role, enforce_csrf_checks=True), World.make()
        for name, route in ROUTES.items():
            if route.post is None or route.is_open or FIRST[name] != role:
                continue

            response = client.post(address(name, world), headers={"origin": "https://evil.example"})

            expect(response, 403, f"POST {name} without a token")
            assert "This form is out of date" in response.content.decode()


class TestErrorPages:
    def test_keep_the_headers(self) -> None:
        client = signed_in(Role.VIEWER)

        expect(client.get("/nothing/here/"), 404, "404")
        expect(client.get("/withdrawals/wd-NOBODY/"), 404, "404 of a withdrawal")
        expect(client.get("/", headers={"host": "evil.example"}), 400, "400")
        expect(client.delete("/withdrawals/"), 405, "405")

    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("path", ["/nothing/here/", "/withdrawals/wd-NOBODY/"])
    def test_show_the_frame_where_nothing_is(
        self, path: str, debug: bool, settings: Settings
    ) -> None:
        settings.DEBUG = debug
        client = signed_in(Role.VIEWER)

        response = client.get(path)

        text = response.content.decode()
        assert response.status_code == 404
        assert "There is nothing here" in text
        assert "/preferences/" in text  # the person's menu
        assert "URLconf" not in text

    def test_show_the_frame_to_nobody_who_is_not_signed_in(self, settings: Settings) -> None:
        settings.DEBUG = True

        response = Client().get("/nothing/here/")

        assert response.status_code == 404
        assert "URLconf" not in response.content.decode()

    def test_add_the_slash_under_debug_too(self, settings: Settings) -> None:
        settings.DEBUG = True

        assert signed_in(Role.VIEWER).get("/balances").headers["Location"] == "/balances/"

    def test_leave_the_traceback_to_the_log_under_debug_too(
        self, settings: Settings, monkeypatch: Any
    ) -> None:
        settings.DEBUG = True
        client = signed_in(Role.VIEWER)
        client.raise_request_exception = False
        monkeypatch.setattr("payments.views.balances._purses", lambda rows: 1 / 0)

        with capture_logs([structlog.processors.format_exc_info]) as log:
            broken = client.get("/balances/")
        refused = client.get("/", headers={"host": "evil.example"})

        text = broken.content.decode()
        assert (broken.status_code, refused.status_code) == (500, 400)
        assert "Something broke on our side" in text
        assert "Traceback" not in text + refused.content.decode()
        assert any("ZeroDivisionError" in line.get("exception", "") for line in log)

    def test_tell_what_happened_when_a_page_breaks(self, monkeypatch: Any) -> None:
        client = signed_in(Role.VIEWER)
        client.raise_request_exception = False
        monkeypatch.setattr("payments.views.balances._purses", lambda rows: 1 / 0)

        response = client.get("/balances/")

        expect(response, 500, "500")
        assert "Something broke on our side" in response.content.decode()
