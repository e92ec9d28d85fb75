"""The API against its own schema: no server error, no answer that is not documented (proof G-1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from dashboard.wsgi import application
from staff.api.callers import TokenThrottle
from tests.conftest import WITH_SERVICES
from tests.payments.api.helpers import Caller
from tests.payments.factories import PaymentFactory, WithdrawalFactory
from tests.support.rounds import rounds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_cache")]

# Which payouts there are is more than a schema can say: the rules refuse many that it allows.
SAID_BETTER = [positive_data_acceptance]

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))


def _app(environ: dict[str, Any], start_response: Any) -> Any:
    """The desk behind a server, which knows where a call comes from."""
    return application(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)


schema.app = _app
# Every boundary of every parameter, one by one: hundreds of calls.
schema.config.phases.coverage.enabled = WITH_SERVICES


@pytest.fixture(autouse=True)
def _one_transaction() -> Iterator[None]:
    """Let no request close the connection, and with it the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def real(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands in the addresses of things that exist. Nobody counts the calls."""
    monkeypatch.setattr(TokenThrottle, "rate", None, raising=False)
    payment = PaymentFactory(upstream_id="pay_real")
    WithdrawalFactory(code="wd-REAL22", created_by=caller.token.owner)
    WithdrawalFactory(sent=True, payment=payment)
    return {"code": "wd-REAL22", "upstream": "luxcore", "upstream_id": "pay_real"}


@schema.parametrize()
@settings(
    max_examples=rounds(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_keeps_what_its_schema_says(
    case: schemathesis.Case, caller: Caller, real: dict[str, str]
) -> None:
    token = {"Authorization": f"Bearer {caller.bearer}"}
    case.call_and_validate(headers=token, excluded_checks=SAID_BETTER)
    if case.path_parameters:
        case.path_parameters = {name: real[name] for name in case.path_parameters}
        case.call_and_validate(headers=token, excluded_checks=SAID_BETTER)
