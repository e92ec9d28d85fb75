from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from staff import demo
from staff.models import AuditEvent, RoleGrant, User
from staff.permissions import Permission, can, held_since

ROLES = {
    "maker": "maker",
    "maker2": "maker",
    "approver": "approver",
    "approver2": "approver",
    "lead": "ops_lead",
    "lead2": "ops_lead",
    "reviewer": "reviewer",
    "compliance": "compliance_lead",
    "agent": "agent",
    "support": "support_lead",
    "auditor": "auditor",
    "admin": "admin",
}


@pytest.fixture(autouse=True)
def no_parts_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_parts", [])


@pytest.fixture
def debug(settings: Settings) -> Iterator[None]:
    settings.DEBUG = True
    yield


def run_demo() -> str:
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestDemo:
    def test_refuses_to_run_without_debug(self) -> None:
        with pytest.raises(CommandError, match="DEBUG"):
            run_demo()

        assert not User.objects.exists()

    def test_makes_one_person_for_each_role(self, debug: None) -> None:
        run_demo()

        held = {
            grant.user.email: grant.group.name
            for grant in RoleGrant.objects.select_related("user", "group")
        }
        assert held == {f"{name}@lightdesk.test": role for name, role in ROLES.items()}

    def test_makes_people_who_may_sign_from_the_start(self, debug: None) -> None:
        run_demo()

        approver = User.objects.get(email="approver@lightdesk.test")
        since = held_since(approver, Permission.SIGN_WITHDRAWALS)
        assert since is not None
        assert timezone.now() - since > timedelta(hours=24)

    def test_lets_only_the_admin_into_the_settings(self, debug: None) -> None:
        run_demo()

        assert [user.email for user in User.objects.filter(is_staff=True)] == [
            "admin@lightdesk.test"
        ]
        assert not User.objects.filter(is_superuser=True).exists()

    def test_prints_logins_that_work(self, debug: None, client: Client, clean_cache: None) -> None:
        printed = run_demo()

        for name in ROLES:
            assert f"{name}@lightdesk.test" in printed
        assert "lightdesk-demo" in printed
        data = {"login": "lead@lightdesk.test", "password": "lightdesk-demo"}
        assert client.post(reverse("account_login"), data).status_code == 302
        assert can(User.objects.get(pk=client.session["_auth_user_id"]), Permission.MANAGE_POLICIES)

    def test_changes_nothing_the_second_time(self, debug: None) -> None:
        run_demo()
        before = [*User.objects.order_by("pk").values()], AuditEvent.objects.count()

        printed = run_demo()

        assert ([*User.objects.order_by("pk").values()], AuditEvent.objects.count()) == before
        assert "made:" not in printed
        assert "maker@lightdesk.test" in printed

    def test_runs_the_parts_of_other_packages_with_the_people(self, debug: None) -> None:
        seen: list[tuple[str, datetime]] = []

        @demo.register
        def sample_policy(people: Mapping[str, User], at: datetime) -> list[str]:
            seen.append((people["lead"].email, at))
            return ["a sample policy"]

        demo.register(sample_policy)
        printed = run_demo()

        assert [email for email, _ in seen] == ["lead@lightdesk.test"]
        assert "made: a sample policy" in printed

    def test_refuses_callers_other_than_the_command_too(self) -> None:
        with pytest.raises(demo.NotADemonstration):
            demo.build(at=datetime(2026, 11, 20, tzinfo=UTC))
