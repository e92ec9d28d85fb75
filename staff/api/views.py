"""What the endpoints for tokens have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rest_framework.views import APIView

from staff.models import ApiToken
from staff.tokens import Scope


class ScopedView(APIView):
    """An endpoint for tokens. `scopes` says, method by method, which one a token needs."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # no OPTIONS
    scopes: ClassVar[Mapping[str, Scope]] = {}

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        assert isinstance(token, ApiToken)  # HasScope let nobody else in
        return token
