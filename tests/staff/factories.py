"""People for tests: `UserFactory(roles=["approver"])` holds its role long enough to sign."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import factory
from django.contrib.auth.models import Group

from staff.models import ApiToken, Reveal, RoleGrant, User
from staff.permissions import Role
from staff.tokens import Scope

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """Somebody active without roles, whose password is `PASSWORD`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@lightdesk.test")
    name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(password=PASSWORD, **kwargs)

    @factory.post_generation
    def roles(self: Any, create: bool, extracted: Iterable[str] | None, **kwargs: Any) -> None:
        """Hold these roles, since `roles__since` (2020 unless told otherwise)."""
        for role in extracted or ():
            RoleGrant.objects.create(
                user=self,
                group=Group.objects.get(name=Role(role)),
                granted_at=kwargs.get("since", LONG_AGO),
            )


class ApiTokenFactory(factory.django.DjangoModelFactory[ApiToken]):
    """A live token with every scope, whose secret is `secret` (none, so that it opens nothing)."""

    class Meta:
        model = ApiToken
        exclude = ("secret",)

    secret = ""
    owner = factory.SubFactory(UserFactory)
    name = "payroll"
    prefix = factory.Sequence(lambda n: f"ldk_{n:010x}")
    secret_hash = factory.LazyAttribute(lambda token: sha256(token.secret.encode()).hexdigest())
    scopes = factory.LazyFunction(lambda: list(Scope.values))
    created_at = LONG_AGO
    expires_at = datetime(2999, 1, 1, tzinfo=UTC)


class RevealFactory(factory.django.DjangoModelFactory[Reveal]):
    """Somebody looked at a customer's e-mail, long ago."""

    class Meta:
        model = Reveal

    subject_type = "customers.customer"
    subject_id = "1"
    field = "email"
    by = factory.LazyFunction(lambda: UserFactory(roles=["agent"]))
    at = LONG_AGO
    reason = "They asked which address we have."
    expires_at = LONG_AGO
