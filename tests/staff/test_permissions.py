"""The table of design §8, written down a second time by hand, against the one the code reads."""

from datetime import timedelta
from itertools import combinations

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from staff.models import RoleGrant
from staff.permissions import (
    EXCLUSIVE,
    ROLES,
    NotPermitted,
    Permission,
    Role,
    can,
    held_since,
    permission_required,
    require,
)
from tests.staff.factories import LONG_AGO, UserFactory

COLUMNS = "viewer maker approver ops_lead reviewer compliance_lead agent support_lead auditor admin"
TABLE = """
                     | vie | mak | app | ops | rev | com | age | sup | aud | adm
see_payments         |  x  |  x  |  x  |  x  |  x  |  x  |     |     |  x  |
see_payments_masked  |     |     |     |     |     |     |  x  |  x  |     |
make_withdrawals     |     |  x  |     |     |     |     |     |     |     |
make_deposits        |     |  x  |     |     |     |     |     |     |     |
sign_withdrawals     |     |     |  x  |  x  |     |     |     |     |     |
ask_quotes           |     |  x  |     |  x  |     |     |     |     |     |
trade                |     |     |     |  x  |     |     |     |     |     |
open_accounts        |     |     |     |  x  |     |     |     |     |     |
manage_policies      |     |     |     |  x  |     |     |     |     |     |
reconcile            |     |  x  |     |  x  |     |     |     |     |     |
edit_customers       |     |     |     |     |  x  |  x  |     |     |     |
link_customers       |     |     |     |     |  x  |  x  |     |     |     |
see_kyc              |     |     |     |     |  x  |  x  |     |     |  x  |
see_kyc_documents    |     |     |     |     |  x  |  x  |     |     |     |
propose_kyc          |     |     |     |     |  x  |  x  |     |     |     |
confirm_kyc          |     |     |     |     |     |  x  |     |     |     |
judge_hits           |     |     |     |     |  x  |  x  |     |     |     |
lift_holds           |     |     |     |     |     |  x  |     |     |     |
place_holds          |     |     |  x  |  x  |  x  |  x  |     |  x  |     |
work_tickets         |     |     |     |     |     |     |  x  |  x  |     |
lead_support         |     |     |     |     |     |     |     |  x  |     |
reveal_personal_data |     |     |  x  |  x  |  x  |  x  |  x  |  x  |     |
read_audit           |     |     |     |  x  |     |  x  |     |     |  x  |
manage_feeds         |     |     |     |  x  |     |     |     |     |     |  x
revoke_tokens        |     |     |     |  x  |     |     |     |     |     |  x
manage_staff         |     |     |     |     |     |     |     |     |     |  x
export_lists         |  x  |  x  |  x  |  x  |  x  |  x  |     |  x  |  x  |
"""

# Who may be two things at once, out of all the pairs there are.
TOGETHER = {
    *combinations(
        ["viewer", "approver", "ops_lead", "reviewer", "compliance_lead", "agent", "support_lead"],
        2,
    ),
    ("viewer", "maker"),
    ("maker", "reviewer"),
    ("maker", "compliance_lead"),
    ("maker", "agent"),
    ("maker", "support_lead"),
    ("viewer", "auditor"),
}


def _cells() -> list[tuple[str, str, bool]]:
    cells = []
    for line in TABLE.strip().splitlines()[1:]:
        permission, *marks = (cell.strip() for cell in line.split("|"))
        marks += [""] * (10 - len(marks))
        cells += [
            (permission, role, mark == "x")
            for role, mark in zip(COLUMNS.split(), marks, strict=True)
        ]
    return cells


@pytest.mark.django_db
class TestCan:
    @pytest.mark.parametrize(("permission", "role", "allowed"), _cells())
    def test_answers_by_the_table(self, permission: str, role: str, allowed: bool) -> None:
        person = UserFactory(roles=[role])

        assert can(person, permission) is allowed

    def test_knows_no_permission_and_no_role_beside_the_table(self) -> None:
        assert {permission for permission, _, _ in _cells()} == set(Permission.values)
        assert set(COLUMNS.split()) == set(Role.values)
        assert set(ROLES) == set(Role)

    def test_adds_up_the_roles_of_one_person(self) -> None:
        person = UserFactory(roles=["approver", "reviewer"])

        assert can(person, Permission.SIGN_WITHDRAWALS)
        assert can(person, Permission.PROPOSE_KYC)
        assert not can(person, Permission.CONFIRM_KYC)

    def test_refuses_a_permission_nobody_knows(self) -> None:
        lead = UserFactory(roles=["ops_lead"], is_superuser=True)

        assert not can(lead, "print_money")
        assert not can(lead, "")

    def test_gives_nothing_for_a_group_that_is_no_role(self) -> None:
        person = UserFactory()
        group = Group.objects.create(name="sign_withdrawals")
        RoleGrant.objects.create(user=person, group=group, granted_at=LONG_AGO)

        assert not any(can(person, permission) for permission in Permission)

    @pytest.mark.parametrize(
        "flags", [{"is_superuser": True}, {"is_superuser": True, "is_staff": True}]
    )
    def test_gives_nothing_to_a_superuser_without_a_role(self, flags: dict[str, bool]) -> None:
        person = UserFactory(**flags)

        assert [permission for permission in Permission if can(person, permission)] == []

    def test_gives_nothing_to_somebody_disabled(self) -> None:
        person = UserFactory(roles=["ops_lead"], is_active=False)

        assert not can(person, Permission.SIGN_WITHDRAWALS)

    def test_gives_nothing_to_somebody_not_signed_in(self) -> None:
        assert not can(AnonymousUser(), Permission.SEE_PAYMENTS)

    def test_asks_the_database_once(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        person = UserFactory(roles=["maker"])

        with django_assert_num_queries(1):
            for permission in Permission:
                can(person, permission)

    def test_forgets_a_revoked_role_when_the_person_is_loaded_again(self) -> None:
        person = UserFactory(roles=["approver"])
        assert can(person, Permission.SIGN_WITHDRAWALS)
        person.grants.all().delete()

        person.refresh_from_db()

        assert not can(person, Permission.SIGN_WITHDRAWALS)


@pytest.mark.django_db
class TestHeldSince:
    def test_is_the_oldest_grant_that_carries_the_permission(self) -> None:
        person = UserFactory(roles=["ops_lead"], roles__since=LONG_AGO + timedelta(days=7))
        group = Group.objects.get(name="approver")
        RoleGrant.objects.create(user=person, group=group, granted_at=LONG_AGO)

        assert held_since(person, Permission.SIGN_WITHDRAWALS) == LONG_AGO
        assert held_since(person, Permission.MANAGE_POLICIES) == LONG_AGO + timedelta(days=7)

    def test_is_nothing_without_the_permission(self) -> None:
        assert held_since(UserFactory(roles=["maker"]), Permission.SIGN_WITHDRAWALS) is None


@pytest.mark.django_db
class TestRequire:
    def test_raises_what_django_answers_with_403(self) -> None:
        with pytest.raises(NotPermitted) as refusal:
            require(UserFactory(roles=["maker"]), Permission.SIGN_WITHDRAWALS)

        assert isinstance(refusal.value, PermissionDenied)
        assert refusal.value.permission == Permission.SIGN_WITHDRAWALS
        assert str(refusal.value) == (
            "Your roles do not allow you to sign withdrawals; "
            "ask an admin for the role Approver or Ops lead."
        )

    def test_refuses_in_words_what_nobody_knows(self) -> None:
        with pytest.raises(NotPermitted, match="ask an admin"):
            require(UserFactory(roles=["ops_lead"]), "print_money")

    def test_lets_a_holder_pass(self) -> None:
        require(UserFactory(roles=["approver"]), Permission.SIGN_WITHDRAWALS)


@permission_required(Permission.SEE_PAYMENTS, Permission.SEE_PAYMENTS_MASKED)
def _balances(request: HttpRequest, currency: str) -> HttpResponse:
    return HttpResponse(currency)


@pytest.mark.django_db
class TestPermissionRequired:
    @pytest.mark.parametrize("role", ["viewer", "agent"])
    def test_lets_in_whoever_holds_one_of_them(self, rf: RequestFactory, role: str) -> None:
        request = rf.get("/")
        request.user = UserFactory(roles=[role])

        assert _balances(request, currency="MXN").content == b"MXN"

    @pytest.mark.parametrize("roles", [[], ["admin"]])
    def test_refuses_whoever_holds_none(self, rf: RequestFactory, roles: list[str]) -> None:
        request = rf.get("/")
        request.user = UserFactory(roles=roles, is_superuser=True)

        with pytest.raises(NotPermitted):
            _balances(request, currency="MXN")


class TestExclusive:
    @pytest.mark.parametrize("pair", list(combinations(COLUMNS.split(), 2)))
    def test_keeps_apart_what_one_person_must_not_be(self, pair: tuple[str, str]) -> None:
        assert (frozenset(map(Role, pair)) in EXCLUSIVE) is (pair not in TOGETHER)
