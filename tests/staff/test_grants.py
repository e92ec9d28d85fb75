from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import repeat
from threading import Barrier

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from staff.grants import ExclusiveRoles, SelfGrant, grant_role, revoke_role, sync_roles
from staff.models import AuditEvent, RoleGrant, User
from staff.permissions import NotPermitted, Permission, Role, can, held_since
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds

NOW = datetime(2026, 11, 20, 3, 44, tzinfo=UTC)


@pytest.mark.django_db
class TestGrantRole:
    def test_gives_the_role_from_that_moment_on(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory()

        grant_role(user=person, role="approver", by=admin, at=NOW, reason="joins the desk")

        assert held_since(person, Permission.SIGN_WITHDRAWALS) == NOW
        assert person.grants.get().granted_by == admin

    def test_writes_down_who_gave_what_and_why(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory()

        grant_role(user=person, role="approver", by=admin, at=NOW, reason="joins the desk")

        event = AuditEvent.objects.get()
        assert (event.verb, event.subject_type, event.subject_id) == (
            "staff.role.granted",
            "staff.user",
            str(person.pk),
        )
        assert (event.by, event.at, event.reason) == (admin, NOW, "joins the desk")
        assert event.after == {"role": "approver"}

    def test_changes_nothing_when_the_role_is_held_already(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])
        epoch = person.session_epoch

        grant_role(user=person, role="approver", by=admin, at=NOW, reason="again")

        assert held_since(person, Permission.SIGN_WITHDRAWALS) < NOW
        assert person.session_epoch == epoch
        assert not AuditEvent.objects.exists()

    def test_refuses_oneself(self) -> None:
        admin = UserFactory(roles=["admin"])

        with pytest.raises(SelfGrant):
            grant_role(user=admin, role="viewer", by=admin, at=NOW, reason="to look")

        assert not can(admin, Permission.SEE_PAYMENTS)

    @pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
    def test_refuses_whoever_is_no_admin(self, role: str) -> None:
        other, person = UserFactory(roles=[role], is_superuser=True), UserFactory()

        with pytest.raises(NotPermitted):
            grant_role(user=person, role="maker", by=other, at=NOW, reason="please")

    @pytest.mark.parametrize(
        ("held", "wanted"),
        [
            ("maker", "approver"),
            ("approver", "maker"),
            ("maker", "ops_lead"),
            ("ops_lead", "maker"),
            ("admin", "approver"),
            ("agent", "admin"),
            ("viewer", "admin"),
            ("auditor", "admin"),
            ("auditor", "maker"),
            ("compliance_lead", "auditor"),
            ("auditor", "agent"),
        ],
    )
    def test_refuses_a_role_that_excludes_a_held_one(self, held: str, wanted: str) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=[held])

        with pytest.raises(ExclusiveRoles, match=f"{Role(held).label} and {Role(wanted).label}"):
            grant_role(user=person, role=wanted, by=admin, at=NOW, reason="small team")

        assert [grant.group.name for grant in person.grants.all()] == [held]
        assert not AuditEvent.objects.exists()

    def test_lets_a_small_team_mix_maker_and_approver_and_writes_that_down(
        self, settings: Settings
    ) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["maker"])

        grant_role(user=person, role="approver", by=admin, at=NOW, reason="two of us")

        assert AuditEvent.objects.get().after == {
            "role": "approver",
            "relaxed": "RELAX_MAKER_AND_APPROVER",
        }

    @pytest.mark.parametrize("wanted", ["ops_lead", "admin", "auditor"])
    def test_relaxes_no_other_pair(self, settings: Settings, wanted: str) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["maker"])

        with pytest.raises(ExclusiveRoles):
            grant_role(user=person, role=wanted, by=admin, at=NOW, reason="two of us")

    def test_refuses_a_role_that_does_not_exist(self) -> None:
        with pytest.raises(ValueError, match="emperor"):
            grant_role(user=UserFactory(), role="emperor", by=None, at=NOW, reason="")


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
class TestGrantRoleAtOnce:
    def test_never_leaves_two_excluding_roles_in_one_person(self) -> None:
        start = Barrier(2)

        def give(role: str, person: User) -> None:
            with suppress(ExclusiveRoles), closing(connection):
                start.wait(timeout=10)
                grant_role(user=person, role=role, by=None, at=NOW, reason="race")

        with ThreadPoolExecutor(max_workers=2) as pool:
            for _ in range(rounds(20)):
                person = UserFactory()
                list(pool.map(give, ("maker", "approver"), repeat(person)))

                assert RoleGrant.objects.filter(user=person).count() == 1


@pytest.mark.django_db
class TestRevokeRole:
    def test_takes_the_role_away_at_once_and_writes_it_down(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])
        assert can(person, Permission.SIGN_WITHDRAWALS)

        assert revoke_role(user=person, role="approver", by=admin, at=NOW, reason="moves on")

        assert not can(person, Permission.SIGN_WITHDRAWALS)
        event = AuditEvent.objects.get()
        assert (event.verb, event.before) == ("staff.role.revoked", {"role": "approver"})

    def test_says_no_to_a_role_that_is_not_held(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])

        assert not revoke_role(user=person, role="maker", by=admin, at=NOW, reason="moves on")

        assert not AuditEvent.objects.exists()

    def test_refuses_oneself_and_others_without_the_right(self) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])

        with pytest.raises(SelfGrant):
            revoke_role(user=admin, role="admin", by=admin, at=NOW, reason="enough")
        with pytest.raises(NotPermitted):
            revoke_role(user=admin, role="admin", by=person, at=NOW, reason="coup")


@pytest.mark.django_db
class TestSyncRoles:
    def test_has_run_after_migrate(self) -> None:
        assert set(Group.objects.values_list("name", flat=True)) == set(Role.values)

    def test_makes_what_is_missing_and_leaves_the_rest(self) -> None:
        Group.objects.filter(name="agent").delete()
        Group.objects.create(name="chess club")

        assert sync_roles() == ["agent"]
        assert sync_roles() == []
        assert Group.objects.count() == len(Role) + 1


@pytest.mark.django_db
class TestGrantRoleCommand:
    def test_makes_the_first_admin_in_the_name_of_the_command_line(self) -> None:
        person = UserFactory(email="boss@lightdesk.test", is_superuser=True)

        call_command("grant_role", "Boss@lightdesk.test", "admin", "--reason", "first admin")

        assert can(User.objects.get(pk=person.pk), Permission.MANAGE_STAFF)
        assert AuditEvent.objects.get().by_label == "command line"
