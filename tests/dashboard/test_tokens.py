"""The page of one's API tokens."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from staff.models import ApiToken, User
from staff.tokens import recognise
from tests.staff.factories import ApiTokenFactory, UserFactory

pytestmark = pytest.mark.django_db

PATH = "/preferences/tokens/"


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


class TestMaking:
    def test_shows_the_secret_once(self) -> None:
        client = client_of(UserFactory(roles=["maker"]))

        page = client.post(
            PATH, {"name": "payroll", "scopes": ["withdrawals:write"], "days": "90"}
        ).content.decode()

        token = ApiToken.objects.get()
        secret = re.search(rf"{token.prefix}_[\w-]+", page)
        assert secret
        assert recognise(secret[0], at=token.created_at) == token
        assert f"{token.prefix}_" not in client.get(PATH).content.decode()

    def test_keeps_what_was_typed_and_says_what_is_missing(self) -> None:
        client = client_of(UserFactory(roles=["maker"]))

        response = client.post(PATH, {"name": "payroll", "days": "9"})

        assert response.status_code == 422
        assert 'value="payroll"' in response.content.decode()
        assert set(response.context["form"].errors) == {"scopes", "days"}
        assert not ApiToken.objects.exists()

    def test_offers_only_what_the_roles_carry(self) -> None:
        viewer = client_of(UserFactory(roles=["viewer"]))
        wanted = {"name": "x", "scopes": ["withdrawals:write"], "days": "90"}

        assert "withdrawals:write" not in viewer.get(PATH).content.decode()
        assert viewer.post(PATH, wanted).status_code == 422
        admin = client_of(UserFactory(roles=["admin"])).get(PATH).content.decode()
        assert "Your roles allow nothing that a token could do." in admin


class TestList:
    def test_shows_ones_own_and_everybodys_to_who_revokes(self) -> None:
        mine = ApiTokenFactory(owner=UserFactory(roles=["maker"]))
        other = ApiTokenFactory(name="billing")

        own = client_of(mine.owner).get(PATH).content.decode()
        all_of_them = client_of(UserFactory(roles=["admin"])).get(PATH).content.decode()

        assert mine.prefix in own
        assert other.prefix not in own
        assert mine.owner.email in all_of_them
        assert other.owner.email in all_of_them

    def test_revokes_ones_own(self) -> None:
        mine = ApiTokenFactory(owner=UserFactory(roles=["maker"]))
        client = client_of(mine.owner)

        page = client.post(f"{PATH}{mine.pk}/revoke/", follow=True).content.decode()

        mine.refresh_from_db()
        assert mine.revoked_by == mine.owner
        assert f"{mine.prefix} is revoked" in page
        assert f"{PATH}{mine.pk}/revoke/" not in page
