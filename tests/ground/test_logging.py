"""No secret in logs, tracebacks or on the debug page (proof D-1), and ids that follow the work."""

import io
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery import shared_task
from celery.signals import before_task_publish
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from structlog.contextvars import bound_contextvars

from tests.support.logs import production_log

CANARIES = {
    "SECRET_KEY": "canary-secret-key",
    "LUXCORE_API_KEY": "qp_test_sk_canary",
    "LUXCORE_HMAC_SECRET": "canary-hmac-secret",
    "LUXCORE_WEBHOOK_SECRETS": ["canary-webhook-old", "canary-webhook-new"],
    "DOCUMENT_KEYS": ["canary:canary-document-key"],
    "EMAIL_HOST_PASSWORD": "canary-mail-password",
    "REDIS_URL": "redis://:canary-redis-password@127.0.0.1:1/0",
}
PASSWORDS = [
    "canary-secret-key",
    "qp_test_sk_canary",
    "canary-hmac-secret",
    "canary-webhook-old",
    "canary-webhook-new",
    "canary-document-key",
    "canary-mail-password",
    "canary-redis-password",
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with production_log() as written:
        yield written


@pytest.fixture
def canaries() -> Iterator[None]:
    with override_settings(**CANARIES):
        yield


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.usefixtures("canaries")
class TestLog:
    @pytest.mark.parametrize("secret", PASSWORDS)
    def test_hides_a_secret_in_words_fields_and_tracebacks(
        self, log: io.StringIO, secret: str
    ) -> None:
        structlog.get_logger("test").info(
            "event", header=f"X-API-KEY: {secret}", deep=[{"a": secret}]
        )
        logging.getLogger("stranger").warning("asked %s", f"redis://:{secret}@host")
        try:
            raise ValueError(f"refused {secret}")
        except ValueError:
            logging.getLogger("stranger").exception("failed with %s", secret)

        assert secret not in log.getvalue()
        assert log.getvalue().count("[hidden]") >= 5

    def test_is_json_whoever_writes_it(self, log: io.StringIO) -> None:
        structlog.get_logger("test").info("staff.signed_in", user_id=7)
        logging.getLogger("stranger").error("two\nlines\x1b[31m")

        ours, strangers = lines(log)

        assert (ours["event"], ours["user_id"], ours["level"]) == ("staff.signed_in", 7, "info")
        assert strangers["event"] == "two\nlines\x1b[31m"  # one line of JSON, escaped (proof X-4)


@pytest.mark.usefixtures("canaries")
class TestDebugPage:
    def test_shows_no_secret_of_the_settings(self) -> None:
        request = RequestFactory().get("/")

        with override_settings(DEBUG=True):
            page = report(request)

        assert [secret for secret in PASSWORDS if secret in page] == []


def report(request: HttpRequest) -> str:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        return str(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())


@shared_task
def answer_later(**_: Any) -> None:
    structlog.get_logger("test").info("task.ran")


class TestTasks:
    def test_carry_the_id_of_the_request_that_asked(self) -> None:
        sent: list[dict[str, Any]] = []

        def remember(headers: dict[str, Any], body: Any, **_: Any) -> None:
            sent.append({"headers": headers, "body": body})

        before_task_publish.connect(remember)
        with override_settings(**CANARIES), bound_contextvars(request_id="the-request"):
            answer_later.apply_async(kwargs={"command_id": 7})
        before_task_publish.disconnect(remember)

        (message,) = sent
        assert message["headers"]["__django_structlog__"]["request_id"] == "the-request"
        assert not any(secret in str(message) for secret in PASSWORDS)


class TestRequestLog:
    def test_gives_each_request_an_id_and_the_callers_address(
        self, client: Client, log: io.StringIO
    ) -> None:
        client.get("/healthz", REMOTE_ADDR="192.0.2.7")

        finished = next(line for line in lines(log) if line["event"] == "request_finished")
        assert finished["ip"] == "192.0.2.7"
        assert len(finished["request_id"]) == 36
        assert (finished["request"], finished["code"]) == ("GET /healthz", 200)

    def test_believes_no_forwarded_address_without_a_proxy_of_ours(
        self, client: Client, log: io.StringIO
    ) -> None:
        client.get("/healthz", headers={"x-forwarded-for": "203.0.113.9"})

        assert "203.0.113.9" not in log.getvalue()

    @override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1)
    def test_believes_the_nearest_proxy_of_ours(self, client: Client, log: io.StringIO) -> None:
        client.get("/healthz", headers={"x-forwarded-for": "203.0.113.9, 192.0.2.8"})

        assert {line["ip"] for line in lines(log) if "ip" in line} == {"192.0.2.8"}

    def test_leaves_the_query_out(self, client: Client, log: io.StringIO) -> None:
        client.get("/healthz?q=DE89370400440532013000")

        assert "DE89370400440532013000" not in log.getvalue()

    def test_forgets_the_request_afterwards(self, client: Client) -> None:
        client.get("/healthz")

        assert structlog.contextvars.get_contextvars() == {}
