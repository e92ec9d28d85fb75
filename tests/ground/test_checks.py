"""Settings that cannot work together."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from dashboard.checks import (
    check_lumetrade,
    check_luxcore,
    check_production,
    refuse_to_start_wrong,
)

PROVIDER = "https://api.lux-core.io/api/v1"
SANDBOX = "http://127.0.0.1:8100/api/v1"
LIVE_KEY, TEST_KEY = "qp_prod_sk_x", "qp_test_sk_x"
RIGHT = {
    "ENVIRONMENT": "production",
    "DEBUG": False,
    "LUXCORE_BASE_URL": PROVIDER,
    "LUXCORE_API_KEY": LIVE_KEY,
    "LUXCORE_WEBHOOK_SECRETS": ["a-secret"],
    "LUMETRADE_BASE_URL": "https://api.lumetrade.com",
    "LUMETRADE_API_KEY": "k",
    "LUMETRADE_API_SECRET": "s",
    "ALLOWED_HOSTS": ["desk.example.com"],
    "ALARM_EMAILS": ["oncall@example.com"],
}

NO_LUMETRADE = {"LUMETRADE_API_KEY": "", "LUMETRADE_API_SECRET": ""}
LUMETRADE_SANDBOX = {"LUMETRADE_BASE_URL": "http://127.0.0.1:8100/lumetrade"}


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.checks.connection", SimpleNamespace(vendor="postgresql"))


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.checks.connection", SimpleNamespace(vendor="sqlite"))


def found(**changes: Any) -> list[str | None]:
    with override_settings(**(RIGHT | changes)):
        checks = (check_luxcore, check_lumetrade, check_production)
        return [message.id for check in checks for message in check(app_configs=None)]


class TestChecks:
    def test_find_nothing_wrong_with_a_proper_production(self) -> None:
        assert found() == []

    @pytest.mark.usefixtures("sqlite")
    def test_find_nothing_wrong_with_the_sandbox(self) -> None:
        changes = {"LUXCORE_BASE_URL": SANDBOX, "LUXCORE_API_KEY": TEST_KEY, **LUMETRADE_SANDBOX}

        assert found(ENVIRONMENT="sandbox", DEBUG=True, **changes) == []

    def test_let_an_upstream_be_unset(self) -> None:
        assert found(LUXCORE_API_KEY="", LUXCORE_WEBHOOK_SECRETS=[]) == []
        assert found(LUMETRADE_API_KEY="", LUMETRADE_BASE_URL="http://x.example") == []

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"LUXCORE_WEBHOOK_SECRETS": ["good", ""]}, "lightdesk.E001"),
            ({"LUXCORE_BASE_URL": "http://api.lux-core.io/api/v1"}, "lightdesk.E002"),
            ({"LUXCORE_BASE_URL": SANDBOX}, "lightdesk.E003"),
            ({"ENVIRONMENT": "sandbox", **NO_LUMETRADE}, "lightdesk.E003"),
            ({"DEBUG": True, **NO_LUMETRADE}, "lightdesk.E003"),
            ({"LUMETRADE_BASE_URL": "http://api.lumetrade.com"}, "lightdesk.E008"),
            ({"ENVIRONMENT": "sandbox", "LUXCORE_API_KEY": ""}, "lightdesk.E009"),
            ({"DEBUG": True, "LUXCORE_API_KEY": ""}, "lightdesk.E009"),
            ({"LUMETRADE_BASE_URL": "https://api.staging.lumetrade.com"}, "lightdesk.E010"),
            (LUMETRADE_SANDBOX, "lightdesk.E010"),
            ({"LUXCORE_API_KEY": TEST_KEY}, "lightdesk.E004"),
            ({"ALLOWED_HOSTS": ["localhost", "[::1]"]}, "lightdesk.E006"),
            ({"ALARM_EMAILS": []}, "lightdesk.E007"),
        ],
    )
    def test_name_what_cannot_work(self, changes: dict[str, Any], error: str) -> None:
        assert found(**changes) == [error]

    def test_hold_for_a_merchant_that_signs_too(self) -> None:
        signing = {"LUXCORE_API_KEY": "", "LUXCORE_MERCHANT_ID": "m", "LUXCORE_HMAC_SECRET": "s"}

        assert found(LUXCORE_BASE_URL="http://api.lux-core.io/api/v1", **signing) == [
            "lightdesk.E002"
        ]

    @pytest.mark.usefixtures("sqlite")
    def test_accept_sqlite_with_live_keys_only_when_told_to(self) -> None:
        assert found() == ["lightdesk.E005", "lightdesk.E011"]
        assert found(ALLOW_SQLITE_WITH_LIVE_KEYS=True) == []


class TestRefuseToStartWrong:
    def test_lets_right_settings_start(self) -> None:
        refuse_to_start_wrong()

    def test_stops_a_live_key_in_the_sandbox(self) -> None:
        wrong = override_settings(LUXCORE_BASE_URL=SANDBOX, LUXCORE_API_KEY=LIVE_KEY)

        with wrong, pytest.raises(ImproperlyConfigured, match="LUXCORE_API_KEY is a live key"):
            refuse_to_start_wrong()

    @pytest.mark.parametrize(
        "start",
        [
            ["-c", "import dashboard.wsgi"],
            ["-m", "celery", "-A", "dashboard", "worker", "--pool", "solo"],
            ["manage.py", "deliver"],
        ],
        ids=["web", "worker", "sender"],
    )
    def test_is_asked_by_everything_that_starts(self, start: list[str]) -> None:
        wrong = {"LUXCORE_BASE_URL": SANDBOX, "LUXCORE_API_KEY": LIVE_KEY}
        settings_module = {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}

        attempt = subprocess.run(
            [sys.executable, *start],
            env=os.environ | wrong | settings_module,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert attempt.returncode != 0
        assert "LUXCORE_API_KEY is a live key" in attempt.stdout + attempt.stderr
