"""LuxCore behind one door: routing, admission, rate limits, the transaction, error shapes."""

import logging
import random
import secrets
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock
from sandbox.delivery import Sender
from sandbox.faults import FaultBook
from sandbox.limits import STANDARD, Rate, RateLimiter
from sandbox.luxcore import document, pages
from sandbox.luxcore.auth import Caller, Doorkeeper
from sandbox.luxcore.call import Call
from sandbox.luxcore.config import LuxCoreConfig
from sandbox.luxcore.errors import BusinessError, ValidationFailed
from sandbox.luxcore.payments import lifecycle
from sandbox.luxcore.routes import ROUTES, V1, V2, Route
from sandbox.luxcore.tickets import files, support
from sandbox.luxcore.webhooks import sending
from sandbox.luxcore.work import Work
from sandbox.mailing import PostOffice
from sandbox.store import Store, read_meta, write_meta
from sandbox.web import Json, NotJson, Refusal, json_response, read_json

log = logging.getLogger(__name__)

CREATION = "creation"
DEEDS = 50  # done under one lock
LARGEST_BODY = 1024 * 1024  # bytes; uploads have their own limit


def _rules() -> list[Rule]:
    rules = []
    for route in ROUTES:
        bases = (V1, V2) if route.v2 else (V1,)
        rules += [Rule(b + route.path, methods=[route.method], endpoint=route) for b in bases]
    rules.append(Rule(f"{V1}/openapi.json", methods=["GET"], endpoint=document.openapi))
    rules.append(Rule(f"{V1}/docs", methods=["GET"], endpoint=document.page))
    rules.append(Rule("/pay/<token>", methods=["GET", "POST"], endpoint=pages.page))
    rules.append(Rule("/uploads/<attachment_id>", methods=["PUT"], endpoint=files.upload))
    return rules


def _rates(config: LuxCoreConfig) -> dict[str, tuple[Rate, ...]]:
    """What LuxCore grants a key [S003]."""
    burst = (config.rate_burst, config.burst_window)
    return {
        STANDARD: ((config.rate_standard, config.rate_window),),
        CREATION: ((config.rate_create, config.rate_window), burst),
    }


ROUTING = Map(_rules(), strict_slashes=False)


class LuxCore:
    """The upstream: answers requests, lets time pass, hands out what is to be delivered."""

    def __init__(
        self,
        config: LuxCoreConfig,
        *,
        clock: Clock,
        store: Store,
        faults: FaultBook,
        sender: Sender,
        wake: threading.Event,
        public_url: str = "",
    ) -> None:
        self.config = config
        self.clock = clock
        self.store = store
        self.faults = faults
        self.public_url = public_url
        self.doorkeeper = Doorkeeper(config, clock)
        self.limiter = RateLimiter(_rates(config), clock.wire)
        self.wake = wake  # set when something may be due for delivery
        self.post_office = PostOffice(
            sending.mailing(config), store=store, clock=clock, sender=sender
        )
        self.support_on = False  # whether support answers tickets by itself
        self._dice = random.SystemRandom()
        with store.transaction() as db:
            secret = read_meta(db, "luxcore.page_secret")
            self._page_secret = secret or secrets.token_hex(16)
            write_meta(db, "luxcore.page_secret", self._page_secret)

    def work(self, db: Any, *, dice: random.Random | None = None, public_url: str = "") -> Work:
        """What an open transaction works with, in the environment of the first key."""
        return Work(
            db=db,
            now=self.clock.now(),
            config=self.config,
            env=self.config.env,
            dice=dice or self._dice,
            faults=self.faults,
            page_secret=self._page_secret,
            public_url=self.public_url or public_url,
        )

    # Requests

    def failure(self, status: int, code: str, message: str) -> Json:
        """The body of an error that a fault makes up."""
        return BusinessError(code, message, status=status).body(self.clock.now())

    def answer(self, request: Request) -> Response:
        """Answer one request. Never raises: what we did not foresee is a 500."""
        headers: dict[str, str] = {}
        try:
            endpoint, found = ROUTING.bind_to_environ(request.environ).match()
            variables = dict(found)
            if isinstance(endpoint, Route):
                return self._answer_api(request, endpoint, variables, headers)
            return self._answer_page(request, endpoint, variables)
        except Refusal as exc:
            return self._refuse(exc, headers)
        except HTTPException as exc:
            return self._answer_unroutable(request, exc)
        except Exception:
            log.exception("unforeseen failure in %s %s", request.method, request.path)
            error = BusinessError("TRANSACTION_ERROR", "Internal server error", status=500)
            return json_response(500, error.body(self.clock.now()), headers)

    def _answer_api(
        self, request: Request, route: Route, variables: Json, headers: dict[str, str]
    ) -> Response:
        caller = self._admit(request)
        verdict = self.limiter.take(caller.owner, CREATION if route.creation else STANDARD)
        headers.update(verdict.headers)
        if not verdict.passed:
            raise BusinessError("RATE_LIMIT_EXCEEDED", "Too many requests", status=429)
        caller.require(route.scope)
        if (request.content_length or 0) > LARGEST_BODY:
            raise ValidationFailed("request entity too large", status=413)
        try:
            body = read_json(request)
        except NotJson as exc:
            raise ValidationFailed(f"body must be valid JSON: {exc}"[:200]) from exc
        with self.store.transaction() as db:
            work = self.work(db, public_url=request.host_url.rstrip("/")).of(caller.env)
            call = Call(work=work, args=request.args, body=body)
            answer = route.view(call, **variables)
        self.wake.set()
        if isinstance(answer, Response):
            answer.headers.update(headers)
            return answer
        status, shown = answer
        return json_response(status, shown, headers)

    def _admit(self, request: Request) -> Caller:
        if request.path.startswith(V2):
            return self.doorkeeper.admit_v2(request)
        return self.doorkeeper.admit_v1(request)

    def _answer_page(
        self, request: Request, view: Callable[..., Response], variables: Json
    ) -> Response:
        with self.store.transaction() as db:
            work = self.work(db, public_url=request.host_url.rstrip("/"))
            response = view(work, request, **variables)
        self.wake.set()
        return response

    def _refuse(self, refusal: Refusal, headers: dict[str, str]) -> Response:
        """An error answer. Limits are shown even to those we do not know."""
        shown = headers or self.limiter.take("nobody").headers
        return json_response(refusal.status, refusal.body(self.clock.now()), shown)

    def _answer_unroutable(self, request: Request, exc: HTTPException) -> Response:
        """No such endpoint, or not with this method."""
        owner = "nobody"
        if request.path.startswith("/api/"):
            try:
                owner = self._admit(request).owner
            except Refusal as refusal:
                return self._refuse(refusal, {})
        headers = self.limiter.take(owner).headers
        message = f"Cannot {request.method} {request.path}"
        status = exc.code or 404
        body = {"statusCode": status, "message": message, "error": exc.name}
        return json_response(status, body, headers)

    # Time

    def tick(self) -> None:
        """Carry out everything due by now."""
        while self._deeds() == DEEDS:
            pass

    def _deeds(self) -> int:
        with self.store.transaction() as db:
            work = self.work(db)
            done = lifecycle.run_due(work, limit=DEEDS)
            if self.support_on:
                support.answer_due(work, limit=DEEDS)
        return done

    def close(self) -> None:
        self.post_office.courier.close()
