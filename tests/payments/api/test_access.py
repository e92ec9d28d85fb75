"""Who may call what: token x scope x role, one table as the truth (proof P-1, A-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from payments.models import Withdrawal
from staff import people
from staff.api.views import ScopedView
from staff.permissions import ROLES, Permission, Role
from staff.tokens import Scope
from tests.dashboard.routes import every_route
from tests.payments.api.helpers import (
    PAYOUTS,
    Caller,
    caller_of,
    expect_problem,
    told,
)
from tests.payments.factories import PaymentFactory, WithdrawalFactory, maker
from tests.staff.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_cache")]

SEE = {role for role, rights in ROLES.items() if rights & {"see_payments", "see_payments_masked"}}
MAKE = {role for role, rights in ROLES.items() if Permission.MAKE_WITHDRAWALS in rights}

# Every call there is: the scope it needs, the roles whose holders may give it, what it answers.
Call = Callable[[Caller], HttpResponse]
CALLS: dict[str, tuple[Scope, set[Role], int, Call]] = {
    "list withdrawals": (
        Scope.WITHDRAWALS_READ,
        SEE,
        200,
        lambda caller: caller.get("/api/v1/withdrawals/"),
    ),
    "request": (Scope.WITHDRAWALS_WRITE, MAKE, 201, lambda caller: caller.ask()),
    "read one": (
        Scope.WITHDRAWALS_READ,
        SEE,
        200,
        lambda caller: caller.get(f"/api/v1/withdrawals/{WithdrawalFactory().code}/"),
    ),
    "retract": (
        Scope.WITHDRAWALS_WRITE,
        MAKE,
        200,
        lambda caller: caller.post(
            f"/api/v1/withdrawals/{WithdrawalFactory(created_by=caller.token.owner).code}/retract/",
            {"reason": "Wrong month"},
        ),
    ),
    "list payments": (
        Scope.PAYMENTS_READ,
        SEE,
        200,
        lambda caller: caller.get("/api/v1/payments/"),
    ),
    "read a payment": (
        Scope.PAYMENTS_READ,
        SEE,
        200,
        lambda caller: caller.get(f"/api/v1/payments/luxcore/{PaymentFactory().upstream_id}/"),
    ),
}
BY_CALL = pytest.mark.parametrize("name", CALLS)


class TestEveryCall:
    @BY_CALL
    @pytest.mark.parametrize("role", Role)
    def test_needs_its_scope_and_its_role(self, name: str, role: Role) -> None:
        scope, roles, status, call = CALLS[name]
        person = UserFactory(roles=[role])

        with_it = call(caller_of(person, scope))
        without = call(caller_of(person, *(set(Scope) - {scope})))

        if role in roles:
            assert with_it.status_code == status, with_it.content
        else:
            problem = expect_problem(with_it, 403, "permission_denied")
            assert "Your roles do not allow you to" in problem["detail"]
        assert scope in expect_problem(without, 403, "permission_denied")["detail"]

    @BY_CALL
    def test_is_closed_without_a_live_token(self, name: str) -> None:
        call, now = CALLS[name][3], timezone.now()
        stranger, expired, revoked, gone, forged = (caller_of(maker()) for _ in range(5))
        stranger.bearer = ""
        expired.token.expires_at = now - timedelta(seconds=1)
        revoked.token.revoked_at = now
        expired.token.save()
        revoked.token.save()
        people.disable(user=gone.token.owner, by=UserFactory(roles=["admin"]), at=now, reason="x")
        forged.bearer = forged.bearer[:-1] + "A"
        for caller in (stranger, expired, revoked, gone, forged):
            response = call(caller)

            expect_problem(response, 401, "authentication_failed")
            assert response.headers["WWW-Authenticate"].startswith("Bearer")

    def test_is_in_the_table(self) -> None:
        routes = {name for name in every_route() if name.startswith("api:")}

        assert routes == {
            "api:withdrawals",
            "api:withdrawal",
            "api:withdrawal-retract",
            "api:payments",
            "api:payment",
            "api:schema",
            "api:docs",
            "api:nothing",
        }

    def test_names_a_scope_for_each_of_its_methods(self) -> None:
        for view in views():
            answered = {m for m in view.http_method_names if hasattr(view, m)} - {"head"}
            assert {method.upper() for method in answered} == set(view.scopes), view

    def test_is_not_answered_to_a_session(self, client: Client) -> None:
        client.force_login(maker())

        expect_problem(client.get("/api/v1/withdrawals/"), 401, "not_authenticated")
        response = client.post(
            "/api/v1/withdrawals/", PAYOUTS["AUD"], content_type="application/json"
        )
        expect_problem(response, 401, "not_authenticated")

    def test_asks_for_the_scope_of_a_head_too(self) -> None:
        caller = caller_of(maker(), Scope.PAYMENTS_READ)
        headers = {"Authorization": f"Bearer {caller.bearer}"}

        response = caller.client.head("/api/v1/withdrawals/", headers=headers)

        assert response.status_code == 403


class TestOwner:
    def test_who_lost_the_role_takes_the_tokens_right_along(self, caller: Caller) -> None:
        caller.token.owner.grants.all().delete()

        expect_problem(caller.ask(), 403, "permission_denied")
        expect_problem(caller.get("/api/v1/payments/"), 403, "permission_denied")

    def test_reads_names_as_far_as_their_roles_do(self) -> None:
        WithdrawalFactory(status_reason="James Smith was unsure")
        PaymentFactory()
        clear, masked = (caller_of(UserFactory(roles=[role])) for role in ("viewer", "agent"))

        for path in ("/api/v1/withdrawals/", "/api/v1/payments/"):
            seen, hidden = clear.get(path).content.decode(), masked.get(path).content.decode()
            assert "James Smith" in seen
            assert "james@example.com" not in seen + hidden
            assert "Smith" not in hidden
            assert "J•••• S••••" in hidden

    def test_takes_back_only_what_is_theirs(self, caller: Caller) -> None:
        path = f"/api/v1/withdrawals/{WithdrawalFactory().code}/retract/"

        problem = expect_problem(caller.post(path, {"reason": "x"}), 403, "permission_denied")

        assert "Only the person who asked for" in problem["detail"]


class TestSigning:
    """A-3: a maker's token is one more way by which nobody signs."""

    def test_has_no_call(self, caller: Caller) -> None:
        code = told(caller.ask())["code"]
        for word in ("sign", "approve", "reject"):
            path = f"/api/v1/withdrawals/{code}/{word}/"

            expect_problem(caller.post(path, {}), 404, "not_found")

        assert Withdrawal.objects.get().status == "awaiting_approval"

    def test_is_not_opened_by_a_token_on_the_pages(self, caller: Caller) -> None:
        code = told(caller.ask())["code"]

        response = caller.post(f"/withdrawals/{code}/approve/", {"confirm": "1"})

        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))


class TestSchemaAndDocs:
    def test_are_for_who_is_signed_in_or_brings_a_token(
        self, client: Client, caller: Caller
    ) -> None:
        expect_problem(client.get("/api/schema/"), 401, "not_authenticated")
        assert client.get("/api/docs/").status_code == 302
        assert told(caller.get("/api/schema/"))["openapi"].startswith("3.1")

        client.force_login(UserFactory(roles=["admin"]))

        assert client.get("/api/schema/").status_code == 200
        assert "Idempotency-Key" in client.get("/api/docs/").content.decode()


def views() -> set[type[ScopedView]]:
    """The class behind every address of `/api/v1/`."""
    found = set()

    def walk(patterns: list[Any]) -> None:
        for entry in patterns:
            if hasattr(entry, "url_patterns"):
                walk(entry.url_patterns)
            elif issubclass(view := getattr(entry.callback, "view_class", object), ScopedView):
                found.add(view)

    walk(get_resolver().url_patterns)
    assert len(found) == 5
    return found
