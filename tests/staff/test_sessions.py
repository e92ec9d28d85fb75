"""When a session ends. Every time: at the next request, not some time later."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from staff import grants, people
from staff.models import User
from staff.tasks import forget_expired
from tests.staff.factories import PASSWORD, UserFactory

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def is_in(client: Client, **headers: str) -> bool:
    return client.get(reverse("account_change_password"), headers=headers).status_code == 200


def grant(person: User, admin: User) -> None:
    grants.grant_role(user=person, role="reviewer", by=admin, at=NOW, reason="helps out")


def revoke(person: User, admin: User) -> None:
    grants.revoke_role(user=person, role="approver", by=admin, at=NOW, reason="moves on")


def disable(person: User, admin: User) -> None:
    people.disable(user=person, by=admin, at=NOW, reason="left")


def disable_and_enable(person: User, admin: User) -> None:
    people.disable(user=person, by=admin, at=NOW, reason="left")
    people.enable(user=person, by=admin, at=NOW, reason="came back")


def open_settings(person: User, admin: User) -> None:
    people.describe(user=person, name=person.name, is_staff=True, by=admin, at=NOW)


def switch_off_in_the_table(person: User, admin: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def new_password(person: User, admin: User) -> None:
    person.set_password("another long password")
    person.save()


@pytest.mark.django_db
class TestSession:
    @pytest.mark.parametrize(
        "change",
        [
            grant,
            revoke,
            disable,
            disable_and_enable,
            open_settings,
            switch_off_in_the_table,
            new_password,
        ],
    )
    def test_ends_when_the_person_is_changed(
        self, client: Client, change: Callable[[User, User], None]
    ) -> None:
        admin = UserFactory(roles=["admin"])
        person = UserFactory(roles=["approver"])
        client.force_login(person)
        assert is_in(client)

        change(User.objects.get(pk=person.pk), admin)

        assert not is_in(client)

    def test_goes_on_when_somebody_else_is_changed(self, client: Client) -> None:
        admin, other = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])
        client.force_login(UserFactory())

        revoke(other, admin)

        assert is_in(client)

    def test_goes_on_where_the_password_was_changed_and_ends_elsewhere(
        self, client: Client
    ) -> None:
        person, elsewhere = UserFactory(), Client()
        client.force_login(person)
        elsewhere.force_login(person)
        key = client.session.session_key

        client.post(
            reverse("account_change_password"),
            {
                "oldpassword": PASSWORD,
                "password1": "another long password",
                "password2": "another long password",
            },
        )

        assert is_in(client)
        assert client.session.session_key != key
        assert not is_in(elsewhere)

    def test_ends_when_signed_out_even_for_who_kept_the_cookie(self, client: Client) -> None:
        client.force_login(UserFactory())
        thief = Client()
        thief.cookies = client.cookies.copy()
        assert is_in(thief)

        client.post(reverse("account_logout"))

        assert not is_in(thief)

    def test_ends_after_a_quarter_of_an_hour_away(self, client: Client) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client.force_login(UserFactory())
            clock.shift(timedelta(minutes=14, seconds=59))
            assert is_in(client)
            clock.shift(timedelta(minutes=14, seconds=59))
            assert is_in(client)
            clock.shift(timedelta(minutes=15))

            assert not is_in(client)

    def test_is_not_kept_by_a_page_that_refreshes_itself(self, client: Client) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client.force_login(UserFactory())
            for _ in range(2):
                clock.shift(timedelta(minutes=7))
                assert is_in(client, **{"X-Unattended": "1"})
            clock.shift(timedelta(minutes=1))

            assert not is_in(client, **{"X-Unattended": "1"})

    def test_ends_after_a_working_day_however_busy(self, client: Client) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client.force_login(UserFactory())
            for _ in range(59):
                clock.shift(timedelta(minutes=10))
                assert is_in(client)
            clock.shift(timedelta(minutes=10))

            assert not is_in(client)

    def test_writes_nothing_at_most_clicks(self, client: Client) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client.force_login(UserFactory())
            noted = dict(client.session)
            clock.shift(timedelta(seconds=59))
            is_in(client)

            assert dict(client.session) == noted

    @pytest.mark.parametrize("role_changes", [False, True])
    def test_outlives_a_new_secret_key_but_not_a_changed_role(
        self, client: Client, settings: Settings, role_changes: bool
    ) -> None:
        admin, person = UserFactory(roles=["admin"]), UserFactory(roles=["approver"])
        client.force_login(person)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "the next key"

        if role_changes:
            revoke(person, admin)

        assert is_in(client) is not role_changes


@pytest.mark.django_db
class TestForgetExpired:
    def test_removes_what_ran_out_and_nothing_else(self, client: Client, clean_cache: None) -> None:
        now = timezone.now()
        client.force_login(UserFactory())
        Session.objects.create(session_key="old", session_data="", expire_date=now)
        cache.set("kept", 1, timeout=60)
        cache.set("gone", 1, timeout=60)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cache_entries SET expires = '2020-01-01 00:00:00'"
                " WHERE cache_key LIKE '%gone'"
            )

        with time_machine.travel(now + timedelta(seconds=1), tick=False):
            forget_expired()

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM cache_entries")
            assert cursor.fetchone() == (1,)
        assert cache.get("kept") == 1
        assert Session.objects.get().session_key == client.session.session_key
