"""The sandbox as one WSGI application: the upstreams, their faults and the control door."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.clock import SECOND, Clock
from sandbox.config import Config
from sandbox.control.door import ControlDoor
from sandbox.delivery import HttpSender, Sender
from sandbox.faults import BEFORE, Fault, FaultBook
from sandbox.faults.answers import early_answer, spoil
from sandbox.lumetrade import history as lumetrade_history
from sandbox.lumetrade import traffic as lumetrade_traffic
from sandbox.lumetrade.api import Lumetrade
from sandbox.lumetrade.routes import PREFIX as LUMETRADE_PREFIX
from sandbox.lumetrade.schema import SCHEMA as LUMETRADE_SCHEMA
from sandbox.lux import history as lux_history
from sandbox.lux import traffic as lux_traffic
from sandbox.lux.api import Lux
from sandbox.lux.routes import PREFIX as LUX_PREFIX
from sandbox.lux.schema import SCHEMA as LUX_SCHEMA
from sandbox.luxcore import history
from sandbox.luxcore.api import LuxCore
from sandbox.luxcore.schema import SCHEMA
from sandbox.luxcore.traffic import Traffic
from sandbox.store import Store
from sandbox.web import Hijack, Json, json_response

Environ = dict[str, Any]
KEPT_REQUESTS = 20_000
KEPT_BODY = 4096  # characters of a request's body in the log


@dataclass(frozen=True)
class Postponed:
    """A call answered as lost, that will be carried out later."""

    due: int
    environ: Environ
    body: bytes


class Sandbox:
    """A WSGI callable. Time passes only in `tick`, which the server calls for itself."""

    def __init__(self, config: Config, *, clock: Clock, sender: Sender) -> None:
        self.config = config
        self.clock = clock
        self.faults = FaultBook()
        self.store = Store(config.state, SCHEMA, LUX_SCHEMA, LUMETRADE_SCHEMA)
        self.requests: deque[Json] = deque(maxlen=KEPT_REQUESTS)
        self.wake = threading.Event()  # something may be due for delivery
        self.luxcore = LuxCore(
            config.luxcore,
            clock=clock,
            store=self.store,
            faults=self.faults,
            sender=sender,
            wake=self.wake,
            public_url=config.public_url,
        )
        self.lux = Lux(
            config.lux,
            clock=clock,
            store=self.store,
            faults=self.faults,
            sender=sender,
            wake=self.wake,
            public_url=config.public_url,
        )
        self.lumetrade = Lumetrade(config.lumetrade, clock=clock, store=self.store)
        seed = config.seed or 0
        self.traffic = Traffic(self.luxcore, seed=seed, pace=config.pace)
        self.lux_traffic = lux_traffic.Traffic(self.lux, seed=seed, pace=0)
        self.lumetrade_traffic = lumetrade_traffic.Traffic(self.lumetrade, seed=seed, pace=0)
        self.set_pace(config.pace)
        self.closing = threading.Event()
        self._postponed: list[Postponed] = []
        self._lock = threading.Lock()
        self._door = ControlDoor(self) if config.control else None
        self._prepare()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; raises `Hijack` where the connection is to be dropped."""
        request = Request(environ)
        if request.path == "/_control" or request.path.startswith("/_control/"):
            return self._control(request)(environ, start_response)
        return self._serve(request)(environ, start_response)

    def tick(self) -> None:
        """Let everything happen that is due by now. May be called from any thread."""
        if self.closing.is_set():
            return
        self._carry_out_postponed()
        self.traffic.tick()
        self.lux_traffic.tick()
        self.lumetrade_traffic.tick()
        self.luxcore.tick()
        self.lux.tick()
        self.lumetrade.tick()
        self.dispatch()

    def dispatch(self) -> None:
        """Hand out the deliveries that are due by now."""
        self.wake.clear()
        self.luxcore.post_office.dispatch()
        self.lux.post_office.dispatch()

    def settle(self, timeout: float = 5) -> bool:
        """Tick, and wait until every delivery on its way has its outcome."""
        self.tick()
        couriers = (self.luxcore.post_office.courier, self.lux.post_office.courier)
        return all(courier.wait_idle(timeout) for courier in couriers)

    def close(self) -> None:
        self.closing.set()
        self.luxcore.close()
        self.lux.post_office.courier.close()
        self.store.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(self) -> None:
        """Forget everything but the settings: as at the first start."""
        self.faults.clear()
        self.requests.clear()
        with self._lock:
            self._postponed.clear()
        history.wipe(self.luxcore)
        lux_history.wipe(self.lux)
        lumetrade_history.wipe(self.lumetrade)
        self._prepare()

    def set_pace(self, per_minute: float) -> None:
        """So many payments a minute come by themselves, and a third as many at the others."""
        self.traffic.pace.set(per_minute)
        self.lux_traffic.pace.set(per_minute / 3)
        self.lumetrade_traffic.pace.set(per_minute / 3)

    def _prepare(self) -> None:
        history.prepare(self.luxcore, seed=self.config.seed)
        lux_history.prepare(self.lux, seed=self.config.seed)
        lumetrade_history.prepare(self.lumetrade, seed=self.config.seed)

    def _control(self, request: Request) -> Response:
        if self._door is None:
            return json_response(404, {"error": "the control door opens on loopback only"})
        return self._door.answer(request)

    def _serve(self, request: Request) -> Response:
        started, at = time.monotonic(), self.clock.wire()
        body = request.get_data()
        faults = self.faults.for_call(request.method, request.path)
        response: Response | None = None
        try:
            response = self._answer(request, body, faults)
        finally:
            self.requests.append(
                {
                    "at": at,
                    "method": request.method,
                    "path": request.path,
                    "query": request.query_string.decode("latin-1"),
                    "body": body[:KEPT_BODY].decode("utf-8", "replace"),
                    "key": _key(request)[-4:],
                    "idempotency_key": request.headers.get("Idempotency-Key", ""),
                    "status": None if response is None else response.status_code,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                    "faults": [fault.kind for fault in faults],
                }
            )
        return response

    def _answer(self, request: Request, body: bytes, faults: list[Fault]) -> Response:
        upstream = self._upstream(request.path)
        for fault in faults:
            if fault.kind not in BEFORE:
                continue
            match fault.kind:
                case "delay":
                    self.sleep(float(fault.params.get("seconds", 1)))
                    continue
                case "drop_before":
                    raise Hijack(reset=bool(fault.params.get("reset", False)))
                case "accept_late":
                    self._postpone(request, body, float(fault.params.get("seconds", 5)))
            return early_answer(fault, upstream.failure)
        response = upstream.answer(request)
        for fault in faults:
            if fault.kind not in BEFORE:
                response = spoil(fault, response, sleep=self.sleep, failure=upstream.failure)
        return response

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the sandbox lives."""
        self.closing.wait(seconds)

    def _postpone(self, request: Request, body: bytes, seconds: float) -> None:
        due = self.clock.now() + round(seconds * SECOND)
        with self._lock:
            self._postponed.append(Postponed(due, dict(request.environ), body))

    def _carry_out_postponed(self) -> None:
        now = self.clock.now()
        with self._lock:
            due = [call for call in self._postponed if call.due <= now]
            self._postponed = [call for call in self._postponed if call.due > now]
        for call in due:
            environ = {
                name: value
                for name, value in call.environ.items()
                if not name.startswith("werkzeug.")
            }
            environ["wsgi.input"] = BytesIO(call.body)
            late = Request(environ)
            self._upstream(late.path).answer(late)

    def _upstream(self, path: str) -> LuxCore | Lux | Lumetrade:
        """Whose address this is."""
        if path.startswith(f"{LUX_PREFIX}/"):
            return self.lux
        is_lumetrade = path.startswith(f"{LUMETRADE_PREFIX}/")
        return self.lumetrade if is_lumetrade else self.luxcore


def _key(request: Request) -> str:
    """The API key, whichever way it is sent."""
    return request.headers.get("X-API-Key", "") or request.headers.get("Api-Key", "")


def create_app(
    config: Config | None = None, *, clock: Clock | None = None, sender: Sender | None = None
) -> Sandbox:
    """A sandbox; `sender` stands in for the posting of webhooks."""
    chosen = config or Config()
    timeout = chosen.luxcore.webhook_timeout
    return Sandbox(
        chosen,
        clock=clock or Clock(chosen.start_at),
        sender=sender or HttpSender(timeout=timeout, outside=chosen.deliver_outside),
    )
