"""Tokens, and what requests hold of people, reach no log (proof D-1)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse

from dashboard.logging import hide_secrets
from staff.models import AuditEvent
from tests.payments.api.helpers import PAYOUTS, Caller
from tests.support.logs import production_log

pytestmark = pytest.mark.django_db


def test_nothing_secret_is_logged_or_told(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with production_log() as log:
        answers = calls_of_every_kind(caller, monkeypatch)

    secret = caller.bearer.rpartition("_")[2]
    told = b"".join(answer.content for answer in answers).decode()
    audited = json.dumps([event.after for event in AuditEvent.objects.all()], default=str)
    for text in (told, audited, log.getvalue()):
        assert secret not in text
        assert PAYOUTS["ARS"]["payout"]["bank_account"] not in text
    assert caller.token.prefix in log.getvalue()  # which token it was, and no more
    assert "planted" in log.getvalue()


def calls_of_every_kind(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> list[HttpResponse]:
    """Accepted, repeated, refused, lost, unreadable, broken."""
    answers = [
        caller.ask("ARS", key="payroll-7"),
        caller.ask("ARS", key="payroll-7"),
        caller.ask("ARS", amount="x"),
        caller.get("/api/v1/withdrawals/"),
        caller.get("/api/v1/nothing/", {"token": caller.bearer}),
        caller.post("/api/v1/withdrawals/", b"{" + caller.bearer.encode()),
    ]

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"planted {caller.bearer}")

    monkeypatch.setattr("payments.api.answers.of_withdrawal", broken)
    return [*answers, caller.get("/api/v1/withdrawals/")]


def test_a_token_in_a_strangers_text_is_blackened(caller: Caller) -> None:
    line = hide_secrets(None, "error", f'{{"event": "refused {caller.bearer}, sorry"}}')

    assert line == f'{{"event": "refused {caller.token.prefix}_[hidden], sorry"}}'
