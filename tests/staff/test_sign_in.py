"""Signing in, through the pages people use."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import time_machine
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from staff.models import AuditEvent, User
from tests.staff.factories import PASSWORD, UserFactory

WRONG = "not the password"
TOO_MANY = "Too many failed login attempts"


@pytest.fixture(autouse=True)
def nobody_counted(clean_cache: None) -> None:
    """Start every test with nobody having tried anything."""


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: str) -> str:
    """Send the form and say what came back: "in", or the page's text."""
    data = {"login": email, "password": password}
    response = client.post(reverse("account_login"), data, headers=extra)
    return "in" if response.status_code == 302 else response.content.decode()


def is_in(client: Client) -> bool:
    response = client.get(reverse("account_change_password"))
    return response.status_code == 200


@pytest.mark.django_db
class TestSignIn:
    @pytest.mark.parametrize("spelling", ["ada@lightdesk.test", " ADA@Lightdesk.test "])
    def test_takes_the_address_in_any_case(self, client: Client, spelling: str) -> None:
        UserFactory(email="Ada@lightdesk.test")

        assert sign_in(client, spelling) == "in"
        assert is_in(client)

    def test_refuses_a_wrong_password(self, client: Client) -> None:
        person = UserFactory()

        assert sign_in(client, person.email, WRONG) != "in"
        assert not is_in(client)

    def test_refuses_somebody_disabled(self, client: Client) -> None:
        person = UserFactory(is_active=False)

        sign_in(client, person.email)

        assert not is_in(client)

    def test_says_the_same_of_a_wrong_password_and_of_nobody(self, client: Client) -> None:
        person = UserFactory(email="somebody@lightdesk.test")

        wrong = sign_in(client, person.email, WRONG)
        nobody = sign_in(client, "nobody@lightdesk.test", WRONG)

        def without_the_address(page: str) -> list[str]:
            lines = (line for line in page.splitlines() if "csrf" not in line.lower())
            return [line.replace("somebody@", "nobody@") for line in lines]

        assert without_the_address(wrong) == without_the_address(nobody)

    def test_gives_the_session_a_new_key(self, client: Client) -> None:
        person = UserFactory()
        client.get(reverse("account_login"))
        session = client.session
        session["planted"] = True
        session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key

        sign_in(client, person.email)

        attacker = Client()
        attacker.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        assert client.session.session_key != session.session_key
        assert is_in(client)
        assert not is_in(attacker)

    def test_lets_nobody_sign_up(self, client: Client) -> None:
        data = {"email": "new@lightdesk.test", "password1": PASSWORD, "password2": PASSWORD}

        client.post(reverse("account_signup"), data)

        assert not User.objects.exists()

    def test_keeps_the_page_for_changing_ones_address_shut(self, client: Client) -> None:
        person = UserFactory(email="ada@lightdesk.test")
        client.force_login(person)

        response = client.post("/accounts/email/", {"email": "x@y.test", "action_add": ""})

        assert response.status_code == 404


@pytest.mark.django_db
class TestWrongPasswords:
    def test_lock_the_account_for_a_while_and_the_right_one_too(self) -> None:
        person = UserFactory()
        for _ in range(5):
            assert TOO_MANY not in sign_in(Client(), person.email, WRONG)

        assert TOO_MANY in sign_in(Client(), person.email, PASSWORD)

    def test_are_forgotten_after_five_minutes(self) -> None:
        person = UserFactory()
        with time_machine.travel(datetime(2026, 11, 20, 3, 44, tzinfo=UTC), tick=False) as clock:
            for _ in range(5):
                sign_in(Client(), person.email, WRONG)
            clock.shift(299)
            still_locked = sign_in(Client(), person.email)
            clock.shift(2)
            unlocked = sign_in(Client(), person.email)

        assert TOO_MANY in still_locked
        assert unlocked == "in"

    def test_of_one_person_lock_nobody_else(self) -> None:
        person, other = UserFactory(), UserFactory()
        for _ in range(6):
            sign_in(Client(), person.email, WRONG)

        assert sign_in(Client(), other.email) == "in"

    def test_count_whatever_address_the_caller_makes_up(self) -> None:
        person = UserFactory()
        for number in range(5):
            sign_in(Client(), person.email, WRONG, **{"X-Forwarded-For": f"203.0.113.{number}"})

        assert TOO_MANY in sign_in(Client(), person.email, **{"X-Forwarded-For": "203.0.113.99"})

    def test_count_whatever_host_the_caller_asks_for(self) -> None:
        person = UserFactory()
        for number in range(5):
            sign_in(Client(), person.email, WRONG, Host=f"testserver:{8000 + number}")

        assert TOO_MANY in sign_in(Client(), person.email, Host="localhost:9999")

    def test_count_whatever_the_spelling(self) -> None:
        UserFactory(email="ada@lightdesk.test")
        spellings = ["ada@", "ADA@", " ada@", "Ada@", "aDa@"]
        for spelling in spellings:
            sign_in(Client(), f"{spelling}lightdesk.test", WRONG)

        assert TOO_MANY in sign_in(Client(), "ada@LIGHTDESK.test")

    def test_for_many_accounts_lock_the_address_they_come_from(self) -> None:
        person = UserFactory()
        for number in range(10):
            sign_in(Client(), f"guess{number}@lightdesk.test", WRONG)

        assert TOO_MANY in sign_in(Client(), person.email)

    def test_are_not_forgotten_because_many_others_are_tried(self) -> None:
        person = UserFactory()
        for _ in range(5):
            sign_in(Client(), person.email, WRONG)
        with connection.cursor() as cursor:
            for number in range(400):
                cursor.execute(
                    "INSERT INTO cache_entries (cache_key, value, expires)"
                    " VALUES (%s, '', '2099-01-01 00:00:00')",
                    [f"zzz{number}"],
                )
        sign_in(Client(), "another@lightdesk.test", WRONG)

        assert TOO_MANY in sign_in(Client(), person.email)

    def test_cannot_be_tried_at_the_door_of_the_settings(self, client: Client) -> None:
        person = UserFactory(is_staff=True, roles=["admin"])

        data = {"username": person.email, "password": PASSWORD}
        response = client.post("/admin/login/", data)

        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))
        assert not is_in(client)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
class TestWrongPasswordsAtOnce:
    def test_are_all_counted(self) -> None:
        person = UserFactory()

        assert passwords_tried_at_once(person, 25) <= 5
        assert TOO_MANY in sign_in(Client(), person.email)

    def test_are_all_counted_where_every_lock_runs_out_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # What a machine looks like that stood still for longer than allauth's lock is good for.
        monkeypatch.setattr(ratelimit, "CACHE_LOCK_TIMEOUT", -1)
        person = UserFactory()

        assert passwords_tried_at_once(person, 25) <= 5
        assert TOO_MANY in sign_in(Client(), person.email)


def passwords_tried_at_once(person: User, times: int) -> int:
    """Send wrong passwords from eight places at once and say how many of them were looked at."""
    looked_at: list[object] = []

    def note(**told: object) -> None:
        looked_at.append(told["credentials"])

    def attempt(number: int) -> None:
        try:
            sign_in(Client(), person.email, WRONG)
        finally:
            connection.close()

    user_login_failed.connect(note)
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(attempt, range(times)))
    user_login_failed.disconnect(note)
    return len(looked_at)


OTHER_PLACES = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https://evil.test/",
    "https:evil.test",
    "http:///evil.test",
    "//testserver@evil.test/",
    "https://testserver.evil.test/",
    "/%09/evil.test",
    "\t//evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "%0d%0aLocation: https://evil.test",
    "/\r\nLocation: https://evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://localhost/",  # allowed as a host, but not this one
]


@pytest.mark.django_db
class TestNext:
    @pytest.mark.parametrize("place", OTHER_PLACES)
    @pytest.mark.parametrize("sent_in", ["query", "form"])
    def test_stays_on_this_host(self, client: Client, place: str, sent_in: str) -> None:
        person = UserFactory()
        data = {"login": person.email, "password": PASSWORD}
        query = {"next": place} if sent_in == "query" else {}
        if sent_in == "form":
            data["next"] = place

        response = client.post(reverse("account_login", query=query), data)

        assert response.status_code == 302
        location = response.headers["Location"]
        assert location.startswith("/") and not location.startswith(("//", "/\\"))
        assert "\r" not in location and "\n" not in location and "\t" not in location

    def test_leads_back_to_where_one_was(self, client: Client) -> None:
        person = UserFactory()
        data = {"login": person.email, "password": PASSWORD}

        response = client.post(
            reverse("account_login", query={"next": "/withdrawals/?tab=mine"}), data
        )

        assert response.headers["Location"] == "/withdrawals/?tab=mine"


@pytest.mark.django_db
class TestForgottenPassword:
    def test_lets_an_invited_person_set_their_first(self, client: Client) -> None:
        person = User.objects.create_user(email="new@lightdesk.test")

        client.post(reverse("account_reset_password"), {"email": person.email})

        link = next(word for word in mail.outbox[0].body.split() if "/accounts/" in word)
        form = client.get(link.removeprefix("http://testserver"), follow=True)
        client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
        assert sign_in(Client(), person.email) == "in"

    def test_answers_the_same_for_nobody(self, client: Client) -> None:
        person = UserFactory()
        known = client.post(reverse("account_reset_password"), {"email": person.email})
        unknown = client.post(reverse("account_reset_password"), {"email": "no@lightdesk.test"})

        assert known.status_code == unknown.status_code == 302
        assert known.headers["Location"] == unknown.headers["Location"]


@pytest.mark.django_db
class TestAuditOfWhoCalls:
    def test_writes_down_an_address_nobody_can_make_up(self, client: Client) -> None:
        admin, person = UserFactory(is_staff=True, roles=["admin"]), UserFactory(name="")
        client.force_login(admin)

        client.post(
            reverse("admin:staff_user_change", args=[person.pk]),
            {"name": "", "is_active": "on", "give": "maker", "reason": "joins"}
            | {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"},
            headers={"X-Forwarded-For": "198.51.100.7", "X-Request-Id": "made-up"},
        )

        event = AuditEvent.objects.get(verb="staff.role.granted")
        assert event.address == "127.0.0.1"
        assert event.request_id not in {"", "made-up"}
