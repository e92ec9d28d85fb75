"""Who calls the API, what their token allows them, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from staff import tokens
from staff.models import ApiToken, User
from staff.tokens import Scope

log = structlog.get_logger(__name__)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ldk_…`: the caller is the token's owner."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        try:
            token = tokens.recognise(text.strip(), at=now)
        except tokens.NotRecognised as refusal:
            log.warning("staff.token.refused", reason=str(refusal))
            raise AuthenticationFailed(str(refusal)) from refusal
        structlog.contextvars.bind_contextvars(user_id=token.owner_id, token=token.prefix)
        tokens.note_use(token, at=now)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Lightdesk"'


class HasScope(BasePermission):
    """The token carries the scope, and its owner's roles still carry what the scope stands for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        scopes: Mapping[str, Scope] = getattr(view, "scopes", {})
        scope = scopes.get("GET" if request.method == "HEAD" else request.method or "")
        if scope is None:
            return True  # the method itself does not exist, and that is the answer
        if scope not in request.auth.scopes:
            raise PermissionDenied(f"The token does not have the scope {scope}.")
        tokens.require_scope(request.auth, scope)
        return True


class TokenThrottle(SimpleRateThrottle):
    """So many calls per token. Counted in the cache, which is a table: Redis is not asked."""

    scope = "token"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        token = request.auth
        return f"api.calls.{token.pk}" if isinstance(token, ApiToken) else None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the call while nobody else counts for this token: none of many at once is lost."""
        if not isinstance(request.auth, ApiToken):
            return True
        with transaction.atomic():
            tokens.lock(request.auth)
            return bool(super().allow_request(request, view))
