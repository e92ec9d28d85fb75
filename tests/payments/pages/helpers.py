"""What the tests of the pages share: a signed-in browser, and forms as people fill them in."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any

import time_machine
from django.http import HttpResponse
from django.test import Client

from payments.models import Withdrawal
from staff.models import User
from tests.payments import factories
from tests.staff.factories import UserFactory

_HIDDEN = re.compile(r'<input type="hidden" name="(?P<name>\w+)" value="(?P<value>[^"]*)"')


def at(moment: datetime = factories.NOW) -> Any:
    """Let it be that moment; the pages ask the clock."""
    return time_machine.travel(moment, tick=False)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def as_role(*roles: str) -> Client:
    return client_of(UserFactory(roles=list(roles)))


def text_of(response: HttpResponse) -> str:
    """The page as source, with its entities resolved: what a reader reads, and more."""
    return html.unescape(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def hidden(response: HttpResponse, name: str) -> str:
    """The value of a hidden field of the form on the page."""
    found = [m["value"] for m in _HIDDEN.finditer(response.content.decode()) if m["name"] == name]
    assert found, f"no hidden field {name}"
    return html.unescape(found[-1])


def page(row: Withdrawal, part: str = "") -> str:
    return f"/withdrawals/{row.code}/{part}"
