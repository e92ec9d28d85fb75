"""How allauth behaves at a desk to which people are invited."""

from __future__ import annotations

import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up, and after signing in people stay on this host."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Whether one may be sent there: to a path of this host and nowhere else (proof S-9)."""
        return bool(url and url[0] == "/") and url_has_allowed_host_and_scheme(url, None)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt, or refuse it, while the database keeps others from counting.

        allauth's lock is a cache entry that runs out by the clock: one held by a machine that
        stands still is taken over, and a count is lost (proof S-2). In a transaction the entry is a
        row nobody else sees yet, and their own waits for ours until it is committed.
        """
        refusal = None
        with transaction.atomic():
            try:
                super().pre_authenticate(request, **credentials)
            except ValidationError as too_many:
                refusal = too_many  # raised outside: what was counted stays counted
        if refusal:
            raise refusal

    def _rollback_login_failed_rl_usage(self) -> None:
        """Take back the count of somebody who knew their password, under the same lock."""
        with transaction.atomic():
            super()._rollback_login_failed_rl_usage()

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by account alone.

        allauth puts the Host header in front, port included, and knows an address by its exact
        spelling: another port or a full-width letter would start a new count (proof S-2).
        """
        login = str(credentials.get("email") or credentials.get("username") or "")
        return unicodedata.normalize("NFKC", login).strip().casefold()
