"""The ends of `/api/`: its schema, its reference page, and what is not there."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from dashboard.api.reference import Reference
from staff.api.callers import TokenAuthentication


class Schema(SpectacularJSONAPIView):
    """The whole API in OpenAPI 3.1, for whoever is signed in or brings a token."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The same for people to read."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    schema = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    return render(request, "dashboard/api.html", {"reference": Reference.of(schema)})


class Nothing(APIView):
    """Every other address under `/api/`, so that a slip of the pen is answered as a problem."""

    permission_classes = [IsAuthenticated]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        super().initial(request, *args, **kwargs)
        raise NotFound
