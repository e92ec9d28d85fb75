"""Inviting people, changing what the desk knows of them, and showing them the door."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from staff import audit
from staff.models import User, normalise_email
from staff.permissions import Permission, require


class OwnAccount(Exception):
    """An admin tried to change their own account."""

    def __init__(self) -> None:
        super().__init__("Nobody changes their own account: ask another admin.")


class AddressTaken(Exception):
    """The e-mail address belongs to somebody who works here already."""

    def __init__(self) -> None:
        super().__init__("Somebody with this e-mail address works here already.")


@transaction.atomic
def invite(*, email: str, name: str, by: User | None, at: datetime, reason: str = "") -> User:
    """Add a person who has no password and no role yet; they set the password by e-mail.

    Raises NotPermitted and AddressTaken.
    """
    if by:
        require(by, Permission.MANAGE_STAFF)
    if User.objects.filter(email=normalise_email(email)).exists():
        raise AddressTaken
    person = User.objects.create_user(email=email, name=name, joined_at=at)
    audit.record(
        "staff.user.invited", person, by=by, at=at, after={"email": person.email}, reason=reason
    )
    return person


@transaction.atomic
def describe(*, user: User, name: str, is_staff: bool, by: User, at: datetime) -> None:
    """Set a person's name and whether they may open the settings pages.

    Raises NotPermitted and OwnAccount.
    """
    person = _somebody_else(user, by)
    before = {"name": person.name, "is_staff": person.is_staff}
    after = {"name": name, "is_staff": is_staff}
    if before == after:
        return
    person.name, person.is_staff = name, is_staff
    person.save(update_fields=["name", "is_staff"])
    if before["is_staff"] != is_staff:
        end_sessions(user=user)
    audit.record("staff.user.changed", user, by=by, at=at, before=before, after=after)


@transaction.atomic
def disable(*, user: User, by: User, at: datetime, reason: str) -> None:
    """Keep somebody out from this moment on; what they did stays theirs.

    Raises NotPermitted and OwnAccount.
    """
    _set_active(user, active=False, verb="staff.user.disabled", by=by, at=at, reason=reason)


@transaction.atomic
def enable(*, user: User, by: User, at: datetime, reason: str) -> None:
    """Let somebody in again, with the roles they still hold.

    Raises NotPermitted and OwnAccount.
    """
    _set_active(user, active=True, verb="staff.user.enabled", by=by, at=at, reason=reason)


def end_sessions(*, user: User) -> None:
    """Sign somebody out everywhere: their next request has to sign in again."""
    person = User.objects.select_for_update(no_key=True).only("session_epoch").get(pk=user.pk)
    user.session_epoch = person.session_epoch + 1
    user.save(update_fields=["session_epoch"])
    user.forget_roles()


def _set_active(
    user: User, *, active: bool, verb: str, by: User, at: datetime, reason: str
) -> None:
    person = _somebody_else(user, by)
    if person.is_active is active:
        return
    user.is_active = active
    user.save(update_fields=["is_active"])
    end_sessions(user=user)
    audit.record(verb, user, by=by, at=at, reason=reason)


def _somebody_else(user: User, by: User) -> User:
    """Return the locked person, or raise when `by` may not manage them."""
    require(by, Permission.MANAGE_STAFF)
    if user.pk == by.pk:
        raise OwnAccount
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)
