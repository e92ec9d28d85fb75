"""Signing in, under /accounts/."""

from typing import NoReturn

from django.http import Http404, HttpRequest
from django.urls import include, path


def closed(request: HttpRequest) -> NoReturn:
    raise Http404


urlpatterns = [
    # An address is who somebody is in the audit trail: an admin gives it, nobody changes their own.
    path("email/", closed),
    path("", include("allauth.account.urls")),
]
