"""What the endpoints for tokens have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.request import Request
from rest_framework.views import APIView

from staff.api.problems import LengthRequired
from staff.models import ApiToken
from staff.tokens import Scope


class ScopedView(APIView):
    """An endpoint for tokens. `scopes` says, method by method, which one a token needs."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # no OPTIONS
    scopes: ClassVar[Mapping[str, Scope]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in English: programs log and compare what they are told."""
        with translation.override("en"):
            response = super().dispatch(request, *args, **kwargs)
        response.headers["Content-Language"] = "en"
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # WSGI reads no body in chunks: what was sent would be taken for nothing at all.
        if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
            raise LengthRequired

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        assert isinstance(token, ApiToken)  # HasScope let nobody else in
        return token
