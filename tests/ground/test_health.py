"""Alive and ready."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from tests.support.patience import patience
from tests.support.redis import RedisServer

NOBODY = "redis://127.0.0.1:1/0"


class TestHealthz:
    def test_answers_without_a_sign_in_or_a_database(self, client: Client) -> None:
        response = client.get("/healthz")

        assert response.status_code == 200
        assert response.content == b"alive\n"

    def test_refuses_what_is_not_a_read(self, client: Client) -> None:
        assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
class TestReadyz:
    def test_is_ready_when_all_is_there(self, client: Client, redis_url: str) -> None:
        with override_settings(REDIS_URL=redis_url):
            response = client.get("/readyz")

        assert (response.status_code, response.json()) == (200, {"ready": True, "failing": []})

    def test_names_a_redis_that_refuses(self, client: Client) -> None:
        with override_settings(REDIS_URL=NOBODY):
            response = client.get("/readyz")

        assert (response.status_code, response.json()["failing"]) == (503, ["redis"])

    def test_does_not_hang_with_a_redis_that_hangs(
        self, client: Client, redis_server: RedisServer
    ) -> None:
        redis_server.freeze()

        with override_settings(REDIS_URL=redis_server.url), patience() as watched:
            response = client.get("/readyz")

        redis_server.thaw()
        assert response.json()["failing"] == ["redis"]
        assert watched.longest <= 2  # for ever, without our own timeout

    def test_names_migrations_that_wait(self, client: Client, redis_url: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'staff'")

        with override_settings(REDIS_URL=redis_url):
            response = client.get("/readyz")

        assert (response.status_code, response.json()["failing"]) == (503, ["migrations"])

    def test_names_a_database_that_is_away(
        self, client: Client, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise connection.Database.OperationalError("password lightdesk-canary was refused")

        monkeypatch.setattr(connection, "cursor", refuse)

        with override_settings(REDIS_URL=redis_url):
            response = client.get("/readyz")

        assert response.status_code == 503
        assert response.json()["failing"] == ["database", "migrations"]
        assert b"canary" not in response.content
