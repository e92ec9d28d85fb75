"""Lux Financial behind one door: routing, the key, the rate limits, idempotency, the envelope."""

import hashlib
import logging
import random
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox import plans
from sandbox.clock import SECOND, Clock
from sandbox.delivery import Sender
from sandbox.faults import FaultBook
from sandbox.limits import STANDARD, RateLimiter
from sandbox.lux import customers, documents, events, pages, transfers
from sandbox.lux.config import LuxConfig, Manners
from sandbox.lux.errors import Refused, conflict
from sandbox.lux.routes import PREFIX, ROUTES, V0, Call, Route
from sandbox.lux.work import Work
from sandbox.mailing import PostOffice
from sandbox.store import Store
from sandbox.web import JSON_TYPE, Json, NotJson, dump, json_response, read_json

log = logging.getLogger(__name__)

DEEDS = 50  # done under one lock
DAY = 86_400.0

ROUTING = Map(
    [Rule(V0 + route.path, methods=[route.method], endpoint=route) for route in ROUTES]
    + [Rule(PREFIX + path, methods=["GET"], endpoint=view) for path, view in pages.PAGES],
    strict_slashes=False,
)


class Lux:
    """The upstream: answers requests, lets time pass, hands out what is to be delivered."""

    def __init__(
        self,
        config: LuxConfig,
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
        self.manners = Manners()
        self.refused_keys: dict[str, str] = {}  # by key, the code it is refused with
        rates = ((config.rate_second, 1.0), (config.rate_day, DAY))
        self.limiter = RateLimiter({STANDARD: rates}, clock.wire)
        self.wake = wake  # set when something may be due for delivery
        self.post_office = PostOffice(
            events.mailing(config), store=store, clock=clock, sender=sender
        )
        self._dice = random.SystemRandom()

    def work(self, db: Any, *, dice: random.Random | None = None, public_url: str = "") -> Work:
        """What an open transaction works with."""
        return Work(
            db=db,
            now=self.clock.now(),
            config=self.config,
            manners=self.manners,
            dice=dice or self._dice,
            faults=self.faults,
            public_url=self.public_url or public_url,
        )

    def failure(self, status: int, code: str, message: str) -> Json:
        """The body of an error that a fault makes up."""
        return self._envelope(Refused(status, code.lower(), message))

    def answer(self, request: Request) -> Response:
        """Answer one request. Never raises: what we did not foresee is a 500."""
        try:
            endpoint, variables = ROUTING.bind_to_environ(request.environ).match()
            if isinstance(endpoint, Route):
                return self._answer_api(request, endpoint, dict(variables))
            return self._answer_page(request, endpoint, dict(variables))
        except Refused as exc:
            return json_response(exc.status, self._envelope(exc))
        except HTTPException as exc:
            status = exc.code or 404
            return json_response(status, self.failure(status, "not_found", exc.name))
        except Exception:
            log.exception("unforeseen failure in %s %s", request.method, request.path)
            return json_response(500, self.failure(500, "unexpected", "Unexpected error"))

    def _answer_api(self, request: Request, route: Route, parts: dict[str, str]) -> Response:
        key = self._admit(request)
        verdict = self.limiter.take(key)
        if not verdict.passed:
            headers = {"Retry-After": verdict.headers["Retry-After"]}
            body = self.failure(429, "rate_limit_exceeded", "Too many requests")
            return json_response(429, body, headers)
        try:
            body = read_json(request)
        except NotJson as exc:
            raise Refused(400, "invalid_request", "The body must be valid JSON") from exc

        identity = parts.pop("identity", "")

        def seen(db: Any) -> Any:
            work = self.work(db, public_url=request.host_url.rstrip("/"))
            args = request.args.to_dict()
            return route.view(Call(work=work, identity=identity, args=args, body=body, parts=parts))

        if route.is_file:
            with self.store.transaction() as db:
                found = seen(db)
            media_type, content = documents.content_of(found)
            return Response(content, content_type=media_type)

        def carry_out(db: Any) -> tuple[int, bytes]:
            shown = seen(db)
            is_trial = isinstance(body, dict) and body.get("dry_run") is True
            return (200 if is_trial else route.status), dump(shown)

        status, raw = self._once(request, key, carry_out)
        self.wake.set()
        if status == 204:
            return Response(status=204)
        return Response(raw, status=status, content_type=JSON_TYPE)

    def _admit(self, request: Request) -> str:
        key = request.headers.get("Api-Key", "")
        code = "required" if not key else self.refused_keys.get(key)
        if code is None and key not in self.config.api_keys:
            code = "invalid"
        if code is not None:
            text = "The API key is missing or cannot be used"
            raise Refused(401, code, text, key="Api-Key", location="header")
        return key

    # Idempotency (LF-A4)

    def _once(
        self, request: Request, key: str, carry_out: Callable[[Any], tuple[int, bytes]]
    ) -> tuple[int, bytes]:
        """The answer; to a POST whose key was used within the day the one it got then."""
        named = request.headers.get("Idempotency-Key", "")
        if request.method != "POST":
            named = ""
        elif not named and self.config.idempotency_strict:
            text = "The Idempotency-Key is missing"
            raise Refused(400, "missing_parameter", text, key="Idempotency-Key", location="header")
        if not named:
            with self.store.transaction() as db:
                return carry_out(db)
        scope = f"{key} {request.path} {named}"
        asked = hashlib.sha256(request.get_data()).hexdigest()
        try:
            with self.store.transaction() as db:
                if (kept := self._kept(db, scope, asked)) is not None:
                    return kept
                status, raw = carry_out(db)
                self._keep(db, scope, asked, status, raw)
                return status, raw
        except Refused as refused:
            if not refused.is_about_the_key:
                with self.store.transaction() as db:
                    self._keep(db, scope, asked, refused.status, dump(self._envelope(refused)))
            raise

    def _kept(self, db: Any, scope: str, asked: str) -> tuple[int, bytes] | None:
        oldest = self.clock.now() - round(self.config.idempotency_ttl * SECOND)
        db.execute("DELETE FROM lf_answer WHERE scope = ? AND created_at <= ?", (scope, oldest))
        row = db.execute("SELECT * FROM lf_answer WHERE scope = ?", (scope,)).fetchone()
        if row is None:
            return None
        if row["asked"] != asked:
            refusal = conflict("This Idempotency-Key was used for another request")
            refusal.is_about_the_key = True
            raise refusal
        return row["status"], row["body"]

    def _keep(self, db: Any, scope: str, asked: str, status: int, raw: bytes) -> None:
        db.execute(
            "INSERT OR REPLACE INTO lf_answer (scope, asked, status, body, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (scope, asked, status, raw, self.clock.now()),
        )

    def _envelope(self, refused: Refused) -> Json:
        return refused.flat() if self.manners.flat_errors else {"error": refused.flat()}

    def _answer_page(
        self, request: Request, view: Callable[..., Response], variables: Json
    ) -> Response:
        with self.store.transaction() as db:
            response = view(self.work(db, public_url=request.host_url.rstrip("/")), **variables)
        self.wake.set()
        return response

    # Time

    def tick(self) -> None:
        """Carry out everything due by now."""
        while self._deeds():  # one deed may make another due
            pass

    def _deeds(self) -> int:
        with self.store.transaction() as db:
            work = self.work(db)
            done = plans.run_due(work, customers.TABLE, customers.move_kyc, limit=DEEDS)
            return done + plans.run_due(work, transfers.TABLE, transfers.move, limit=DEEDS)
