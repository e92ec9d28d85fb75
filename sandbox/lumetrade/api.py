"""Lumetrade behind one door: routing, both keys, the rate limit, the transaction, the envelope."""

import hmac
import logging
import random
import secrets
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox import plans
from sandbox.clock import Clock
from sandbox.limits import STANDARD, RateLimiter
from sandbox.lumetrade import movements, trades
from sandbox.lumetrade.config import LumetradeConfig
from sandbox.lumetrade.errors import UNEXPECTED, Refused, envelope, invalid
from sandbox.lumetrade.routes import ROUTES, V1, Call
from sandbox.lumetrade.work import Work
from sandbox.store import Store
from sandbox.web import Json, NotJson, json_response, read_json

log = logging.getLogger(__name__)

DEEDS = 50  # done under one lock


ROUTING = Map(
    [Rule(V1 + route.path, methods=[route.method], endpoint=route) for route in ROUTES],
    strict_slashes=False,
)


class Lumetrade:
    """The upstream: answers requests and lets time pass. It tells nobody anything by itself."""

    def __init__(self, config: LumetradeConfig, *, clock: Clock, store: Store) -> None:
        self.config = config
        self.clock = clock
        self.store = store
        rate = (config.rate_limit, config.rate_window)
        self.limiter = RateLimiter({STANDARD: (rate,)}, clock.wire)
        self._dice = random.SystemRandom()

    def work(self, db: Any, *, dice: random.Random | None = None) -> Work:
        """What an open transaction works with."""
        return Work(db=db, now=self.clock.now(), config=self.config, dice=dice or self._dice)

    def failure(self, status: int, code: str, message: str) -> Json:
        """The body of an error; a `code` that is a number is used, any other stands for none."""
        number = int(code) if code.isdecimal() else self._code(status)
        return self._envelope(status, message, code=number)

    def answer(self, request: Request) -> Response:
        """Answer one request. Never raises: what we did not foresee is a 500."""
        try:
            return self._answer(request)
        except Refused as exc:
            body = self._envelope(
                exc.status, exc.message, code=self._code(exc.status), errors=exc.errors
            )
            return json_response(exc.status, body)
        except HTTPException as exc:
            status = exc.code or 404
            return json_response(status, self.failure(status, "", exc.name))
        except Exception:
            log.exception("unforeseen failure in %s %s", request.method, request.path)
            return json_response(500, self.failure(500, "", "Unexpected error"))

    def _answer(self, request: Request) -> Response:
        self._admit(request)
        verdict = self.limiter.take(self.config.api_key)
        if not verdict.passed:
            headers = {"Retry-After": verdict.headers["Retry-After"]}
            return json_response(429, self.failure(429, "", "Too many requests"), headers)
        route, variables = ROUTING.bind_to_environ(request.environ).match()
        try:
            body = read_json(request)
        except NotJson as exc:
            raise invalid(body="must be valid JSON") from exc
        with self.store.transaction() as db:
            call = Call(
                work=self.work(db),
                args=request.args.to_dict(),
                body=body,
                identity=variables.get("identity", ""),
                idempotency_key=request.headers.get("Idempotency-Key", ""),
            )
            shown = route.view(call)
        return json_response(route.status, shown)

    def _admit(self, request: Request) -> None:
        """Both halves of the credential, in constant time."""
        pairs = (
            (request.headers.get("X-API-KEY", ""), self.config.api_key),
            (request.headers.get("X-API-SECRET", ""), self.config.api_secret),
        )
        right = [hmac.compare_digest(sent.encode(), kept.encode()) for sent, kept in pairs]
        if not all(right):
            raise Refused(401, "Authentication failed")

    def _code(self, status: int) -> int:
        return self.config.error_codes.get(status, UNEXPECTED)

    def _envelope(
        self, status: int, message: str, *, code: int, errors: dict[str, str] | None = None
    ) -> Json:
        request_id = f"req_{secrets.token_hex(8)}"
        now = self.clock.now()
        return envelope(status, message, code=code, request_id=request_id, now=now, errors=errors)

    def tick(self) -> None:
        """Carry out everything due by now."""
        for table, move in ((movements.TABLE, movements.move), (trades.TABLE, trades.move)):
            while self._deeds(table, move):  # one deed may make another due
                pass

    def _deeds(self, table: str, move: plans.Move[Work]) -> int:
        with self.store.transaction() as db:
            return plans.run_due(self.work(db), table, move, limit=DEEDS)
