"""Tokens by which the company's own systems use the API, each in one person's name.

A token never gives more than its owner's roles give at the moment it is used: who loses the role,
or is disabled, takes the token's rights along. Nobody signs with a token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop as _

from staff import audit
from staff.models import ApiToken, User
from staff.permissions import NotPermitted, Permission, can, require

LONGEST_LIFE: Final = timedelta(days=366)
MOST_LIVE: Final = 20  # per person: nobody oversees more
NOTED_EVERY: Final = timedelta(minutes=1)

MARK: Final = "ldk"  # so that secret scanners, and our own logs (dashboard.logging), know one
_FORM: Final = re.compile(rf"({MARK}_[0-9a-f]{{10}})_([A-Za-z0-9_-]{{43}})", re.ASCII)


class Scope(models.TextChoices):
    WITHDRAWALS_WRITE = "withdrawals:write", _("Request and retract withdrawals")
    WITHDRAWALS_READ = "withdrawals:read", _("Read withdrawals")
    PAYMENTS_READ = "payments:read", _("Read payments")


_SEE: Final = frozenset({Permission.SEE_PAYMENTS, Permission.SEE_PAYMENTS_MASKED})

# What the owner must be allowed to do (any of these) for the token to be allowed to do it.
NEEDS: Final[Mapping[Scope, frozenset[Permission]]] = {
    Scope.WITHDRAWALS_WRITE: frozenset({Permission.MAKE_WITHDRAWALS}),
    Scope.WITHDRAWALS_READ: _SEE,
    Scope.PAYMENTS_READ: _SEE,
}


class TokenNotPossible(Exception):
    """A token cannot be made like this; `str()` says why."""


class NotRecognised(Exception):
    """These characters open nothing; `str()` may be told to whoever sent them."""


def scopes_of(person: User) -> list[Scope]:
    """The scopes that this person's roles carry now."""
    return [scope for scope in Scope if allows(person, scope)]


def allows(person: User, scope: Scope) -> bool:
    return any(can(person, permission) for permission in NEEDS[scope])


def require_scope(token: ApiToken, scope: Scope) -> None:
    """Return quietly, or raise NotPermitted when the owner's roles do not carry the scope."""
    if not allows(token.owner, scope):
        raise NotPermitted(min(NEEDS[scope]))


@transaction.atomic
def make(
    *, owner: User, name: str, scopes: Collection[str], expires_at: datetime, at: datetime
) -> tuple[ApiToken, str]:
    """Make a token in one's own name; returns it with its secret, which nobody can read again.

    Raises NotPermitted and TokenNotPossible.
    """
    wanted = [scope for scope in Scope if scope in scopes]
    if not wanted:
        raise TokenNotPossible("Choose at least one thing that the token may do.")
    if not at < expires_at <= at + LONGEST_LIFE:
        raise TokenNotPossible("A token lives for a year at most.")
    person = User.objects.select_for_update().get(pk=owner.pk)
    if ApiToken.objects.filter(owner=person).live(at=at).count() >= MOST_LIVE:
        raise TokenNotPossible(f"You have {MOST_LIVE} live tokens: revoke one first.")
    prefix, secret = f"{MARK}_{secrets.token_hex(5)}", secrets.token_urlsafe(32)
    token = ApiToken(
        owner=person,
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=[scope.value for scope in wanted],
        created_at=at,
        expires_at=expires_at,
    )
    for scope in wanted:
        require_scope(token, scope)
    token.save()
    audit.record("staff.token.made", token, by=owner, at=at, after=_told(token))
    return token, f"{prefix}_{secret}"


@transaction.atomic
def revoke(*, token: ApiToken, by: User, at: datetime) -> None:
    """Close a token for ever: one's own, or anybody's for those who may.

    Revoking it again changes nothing. Raises NotPermitted.
    """
    if token.owner_id != by.pk:
        require(by, Permission.REVOKE_TOKENS)
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is not None:
        return
    token.revoked_at, token.revoked_by = at, by
    token.save(update_fields=["revoked_at", "revoked_by"])
    audit.record("staff.token.revoked", token, by=by, at=at, before=_told(token))


def recognise(text: str, *, at: datetime) -> ApiToken:
    """The live token that these characters are, with its active owner; raises NotRecognised."""
    form = _FORM.fullmatch(text)
    token = (
        ApiToken.objects.select_related("owner").filter(prefix=form[1]).first() if form else None
    )
    if not form or not token or not hmac.compare_digest(token.secret_hash, _hash(form[2])):
        raise NotRecognised("This is not a token of this desk.")
    if token.revoked_at is not None:
        raise NotRecognised("The token is revoked.")
    if token.expires_at <= at:
        raise NotRecognised("The token has expired.")
    if not token.owner.is_active:
        raise NotRecognised("The token's owner does not work here any more.")
    return token


def lock(token: ApiToken) -> None:
    """Keep others from counting this token's calls until the transaction ends."""
    ApiToken.objects.select_for_update(of=("self",), no_key=True).get(pk=token.pk)


def note_use(token: ApiToken, *, at: datetime) -> None:
    """Remember when it was last used, to the minute: not every call needs a write."""
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=at - NOTED_EVERY)
    ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=at)


def _hash(secret: str) -> str:
    # The secret has 256 random bits: nobody guesses it, so a slow hash would slow only ourselves.
    return hashlib.sha256(secret.encode()).hexdigest()


def _told(token: ApiToken) -> dict[str, object]:
    return {
        "prefix": token.prefix,
        "name": token.name,
        "owner": token.owner.email,
        "scopes": token.scopes,
        "expires_at": token.expires_at,
    }
