"""API tokens: made once, kept as a hash, closed for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from staff import audit, tokens
from staff.models import ApiToken, AuditEvent, User
from staff.permissions import NotPermitted, Role
from staff.tokens import Scope
from tests.staff.factories import ApiTokenFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 3, 44, tzinfo=UTC)


def made(owner: User, **changes: Any) -> tuple[ApiToken, str]:
    wanted: dict[str, Any] = {
        "name": "payroll",
        "scopes": [Scope.WITHDRAWALS_WRITE, Scope.WITHDRAWALS_READ],
        "expires_at": NOW + timedelta(days=90),
        "at": NOW,
    }
    return tokens.make(owner=owner, **(wanted | changes))


class TestMake:
    def test_keeps_no_secret(self) -> None:
        token, secret = made(UserFactory(roles=["maker"]))

        kept = str(ApiToken.objects.filter(pk=token.pk).values().get())
        assert secret.startswith(token.prefix)
        assert secret.removeprefix(token.prefix).strip("_") not in kept
        assert secret.removeprefix(token.prefix).strip("_") not in str(
            list(AuditEvent.objects.values())
        )

    def test_is_audited(self) -> None:
        owner = UserFactory(roles=["maker"])

        token, _secret = made(owner)

        event = AuditEvent.objects.get(verb="staff.token.made")
        assert event.by == owner
        assert event.after["prefix"] == token.prefix
        assert event.after["scopes"] == ["withdrawals:write", "withdrawals:read"]
        assert audit.verify().ok

    def test_gives_no_scope_that_the_roles_do_not_carry(self) -> None:
        with pytest.raises(NotPermitted):
            made(UserFactory(roles=["viewer"]))

        assert not ApiToken.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scopes": []},
            {"scopes": ["withdrawals:sign"]},
            {"expires_at": NOW},
            {"expires_at": NOW + timedelta(days=400)},
        ],
    )
    def test_refuses_what_makes_no_token(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(tokens.TokenNotPossible):
            made(UserFactory(roles=["maker"]), **wrong)

    def test_refuses_more_than_anybody_oversees(self) -> None:
        owner = UserFactory(roles=["maker"])
        ApiTokenFactory.create_batch(tokens.MOST_LIVE, owner=owner)

        with pytest.raises(tokens.TokenNotPossible, match="revoke one first"):
            made(owner)


class TestRecognise:
    def test_finds_the_token_and_its_owner(self) -> None:
        token, secret = made(UserFactory(roles=["maker"]))

        assert tokens.recognise(secret, at=NOW) == token

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: "",
            lambda text: text[:-1],
            lambda text: text + "x",
            lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
            lambda text: text.swapcase(),
            lambda text: text.replace("ldk_", "ldk_0", 1),
            lambda text: f" {text}",
            lambda text: "\x00" + text,
            lambda text: text * 1000,
        ],
    )
    def test_believes_nothing_that_is_not_exactly_it(self, change: Any) -> None:
        _token, secret = made(UserFactory(roles=["maker"]))

        with pytest.raises(tokens.NotRecognised, match="not a token of this desk"):
            tokens.recognise(change(secret), at=NOW)

    def test_stops_when_it_expires_is_revoked_or_its_owner_leaves(self) -> None:
        owner = UserFactory(roles=["maker"])
        token, secret = made(owner)

        with pytest.raises(tokens.NotRecognised, match="expired"):
            tokens.recognise(secret, at=NOW + timedelta(days=90))
        User.objects.update(is_active=False)
        with pytest.raises(tokens.NotRecognised, match="does not work here"):
            tokens.recognise(secret, at=NOW)
        User.objects.update(is_active=True)
        tokens.revoke(token=token, by=owner, at=NOW)
        with pytest.raises(tokens.NotRecognised, match="revoked"):
            tokens.recognise(secret, at=NOW)


class TestRevoke:
    @pytest.mark.parametrize("role", Role)
    def test_is_for_the_owner_and_who_looks_after_connections(self, role: Role) -> None:
        token, person = ApiTokenFactory(), UserFactory(roles=[role])

        if role in (Role.OPS_LEAD, Role.ADMIN):
            tokens.revoke(token=token, by=person, at=NOW)
        else:
            with pytest.raises(NotPermitted):
                tokens.revoke(token=token, by=person, at=NOW)

        token.refresh_from_db()
        assert (token.revoked_by == person) == (role in (Role.OPS_LEAD, Role.ADMIN))

    def test_changes_nothing_the_second_time(self) -> None:
        token = ApiTokenFactory()
        for hours in (0, 1):
            tokens.revoke(token=token, by=token.owner, at=NOW + timedelta(hours=hours))

        token.refresh_from_db()
        assert token.revoked_at == NOW
        assert AuditEvent.objects.filter(verb="staff.token.revoked").count() == 1


class TestNoteUse:
    def test_is_kept_to_the_minute(self) -> None:
        token = ApiTokenFactory()
        noted = []
        for seconds in (0, 59, 60):
            tokens.note_use(token, at=NOW + timedelta(seconds=seconds))
            token.refresh_from_db()
            noted.append(token.last_used_at - NOW)

        assert noted == [timedelta(0), timedelta(0), timedelta(minutes=1)]
