"""Two questions a load balancer asks: are you alive, and may I send people to you?"""

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = structlog.get_logger(__name__)

REDIS_SECONDS = 1.0  # a hung Redis must not hang the answer


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process serves requests, whatever else is broken."""
    return HttpResponse("alive\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when all a request needs is there, else 503 with the names of what fails."""
    failing = [name for name, ask in QUESTIONS.items() if not _answers(name, ask)]
    return JsonResponse({"ready": not failing, "failing": failing}, status=503 if failing else 200)


def _answers(name: str, ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception as problem:  # whatever goes wrong, the caller wants the name of the part
        logger.warning("health.not_ready", part=name, error=type(problem).__name__)
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    with client:
        client.ping()


def _ask_migrations() -> None:
    executor = MigrationExecutor(connection)
    if waiting := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError(f"{len(waiting)} migrations are not applied")


QUESTIONS: dict[str, Callable[[], None]] = {
    "database": _ask_database,
    "redis": _ask_redis,
    "migrations": _ask_migrations,
}
