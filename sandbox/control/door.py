"""``/_control/``: JSON for tests, one page for people."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.clock import SECOND, iso_ms, parse_iso
from sandbox.control import page
from sandbox.control.lumetrade import LumetradeDesk
from sandbox.control.lux import LuxDesk
from sandbox.control.luxcore import LuxCoreDesk
from sandbox.faults import KINDS, BadFault, fault_from_json
from sandbox.web import Json, NotJson, Refusal, json_response, read_json

if TYPE_CHECKING:
    from sandbox.app import Sandbox


class BadRequest(ValueError):
    """The control door did not understand."""


class ControlDoor:
    """Needs no key and has no limits; foreign web pages in a browser are kept out."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        desk = LuxCoreDesk(sandbox.luxcore)
        lux = LuxDesk(sandbox.lux)
        lumetrade = LumetradeDesk(sandbox.lumetrade)
        views: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", "/", self._page),
            ("GET", "/clock", self._clock),
            ("POST", "/clock", self._set_clock),
            ("POST", "/tick", self._tick),
            ("POST", "/reset", self._reset),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/faults/clear", self._clear_faults),
            ("DELETE", "/faults/<int:fault_id>", self._remove_fault),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._forget_requests),
            ("GET", "/traffic", self._traffic),
            ("POST", "/traffic", self._set_traffic),
            ("POST", "/seed", desk.seed),
            ("GET", "/payments", desk.payments),
            ("GET", "/payments/<payment_id>", desk.payment),
            ("POST", "/payments/<payment_id>/<deed>", desk.act),
            ("GET", "/balances", desk.balances),
            ("POST", "/balances", desk.set_balance),
            ("GET", "/events", desk.events),
            ("POST", "/events", desk.tell),
            ("GET", "/tickets", desk.tickets),
            ("POST", "/tickets/<ticket_id>/<deed>", desk.act_on_ticket),
            ("POST", "/keys", desk.add_key),
            ("DELETE", "/keys/<key>", desk.revoke_key),
            ("GET", "/lux/customers", lux.customers),
            ("POST", "/lux/customers", lux.arrive),
            ("POST", "/lux/customers/<identity>", lux.change),
            ("POST", "/lux/customers/<identity>/<any(kyc, status):deed>/<value>", lux.act),
            ("GET", "/lux/transfers", lux.transfers),
            ("POST", "/lux/transfers/<identity>/<state>", lux.move),
            ("POST", "/lux/listed", lux.list_name),
            ("DELETE", "/lux/listed/<name>", lux.strike_name),
            ("GET", "/lux/events", lux.events),
            ("POST", "/lux/keys", lux.refuse_key),
            ("POST", "/lux/manners", lux.manners),
            ("GET", "/lumetrade/movements", lumetrade.movements),
            ("POST", "/lumetrade/movements/<identity>/<stage>", lumetrade.move),
            ("POST", "/lumetrade/balances", lumetrade.set_balance),
            ("POST", "/lumetrade/beneficiaries", lumetrade.add_beneficiary),
            ("POST", "/lumetrade/deposits", lumetrade.deposit),
        )
        self._views = [view for _, _, view in views]
        self._map = _routing(tuple((method, path) for method, path, _ in views))

    def answer(self, request: Request) -> Response:
        """Answer one request; a form from the page is sent back there."""
        if not _same_site(request):
            return json_response(403, {"error": "not from another site"})
        try:
            index, variables = self._map.bind_to_environ(request.environ).match()
            shown = self._views[index](request, _body(request), **variables)
        except HTTPException as exc:
            return json_response(exc.code or 404, {"error": exc.name})
        except Refusal as exc:
            return json_response(exc.status, exc.body(self._sandbox.clock.now()))
        except (BadRequest, BadFault, NotJson, ValueError, TypeError, KeyError) as exc:
            return json_response(400, {"error": f"{type(exc).__name__}: {exc}"})
        if isinstance(shown, Response):
            return shown
        if request.form:
            return redirect("/_control/", 303)
        return json_response(200, shown)

    def _page(self, request: Request, body: Json) -> Response:
        payments = self._recent()
        lux = LuxDesk(self._sandbox.lux)
        return page.render(
            payments=payments,
            customers=lux.people(limit=30),
            transfers=lux.ledger(limit=15),
            movements=LumetradeDesk(self._sandbox.lumetrade).ledger(limit=30),
            faults=[fault.as_json() for fault in self._sandbox.faults.all()],
            kinds=sorted(KINDS),
            pace=self._sandbox.traffic.pace.per_minute,
            now=iso_ms(self._sandbox.clock.now()),
        )

    def _recent(self) -> list[Json]:
        desk = LuxCoreDesk(self._sandbox.luxcore)
        return desk.ledger(limit=60)

    # Time

    def _clock(self, request: Request, body: Json) -> Json:
        clock = self._sandbox.clock
        return {"now": iso_ms(clock.now()), "frozen": clock.frozen}

    def _set_clock(self, request: Request, body: Json) -> Json:
        """``{"set": ISO}``, ``{"advance": seconds}``, ``{"freeze": true | false}``; then a tick."""
        clock = self._sandbox.clock
        if "freeze" in body:
            (clock.freeze if body["freeze"] else clock.run)()
        if "set" in body:
            clock.set(datetime.fromtimestamp(parse_iso(str(body["set"])) / SECOND, UTC))
        if "advance" in body:
            clock.advance(float(body["advance"]))
        self._sandbox.tick()
        return self._clock(request, body)

    def _tick(self, request: Request, body: Json) -> Json:
        self._sandbox.tick()
        return self._clock(request, body)

    def _reset(self, request: Request, body: Json) -> Json:
        self._sandbox.reset()
        return {"reset": True}

    # Faults

    def _faults(self, request: Request, body: Json) -> Json:
        return {"faults": [fault.as_json() for fault in self._sandbox.faults.all()]}

    def _add_fault(self, request: Request, body: Json) -> Json:
        given = page.fault_from_form(request.form) if request.form else body
        return self._sandbox.faults.add(fault_from_json(given)).as_json()

    def _clear_faults(self, request: Request, body: Json) -> Json:
        self._sandbox.faults.clear()
        return {"faults": []}

    def _remove_fault(self, request: Request, body: Json, fault_id: int) -> Json:
        return {"removed": self._sandbox.faults.remove(fault_id)}

    # Requests and traffic

    def _requests(self, request: Request, body: Json) -> Json:
        """The log of calls, oldest first; ``?path=`` and ``?method=`` narrow it."""
        path, method = request.args.get("path"), request.args.get("method")
        found = [
            entry
            for entry in list(self._sandbox.requests)
            if (path is None or entry["path"] == path)
            and (method is None or entry["method"] == method)
        ]
        return {"total": len(found), "requests": found}

    def _forget_requests(self, request: Request, body: Json) -> Json:
        self._sandbox.requests.clear()
        return {"total": 0, "requests": []}

    def _traffic(self, request: Request, body: Json) -> Json:
        return {"pace": self._sandbox.traffic.pace.per_minute}

    def _set_traffic(self, request: Request, body: Json) -> Json:
        """``{"pace": payments per minute}``; 0 stops, and so does ``{"running": false}``."""
        given = request.form if request.form else body
        pace = float(given.get("pace", self._sandbox.config.pace))
        if given.get("running") is False:
            pace = 0
        if not 0 <= pace <= 600:
            raise BadRequest("pace must be between 0 and 600")
        self._sandbox.set_pace(pace)
        return self._traffic(request, body)


@cache
def _routing(paths: tuple[tuple[str, str], ...]) -> Map:
    """Leads to a position in `paths`. Made once: it is slow to make and never changes."""
    rules = [
        Rule(f"/_control{path}", methods=[method], endpoint=index)
        for index, (method, path) in enumerate(paths)
    ]
    return Map(rules, strict_slashes=False)


def _body(request: Request) -> Json:
    body = read_json(request, fractions=float)
    if not isinstance(body, dict):
        raise BadRequest("the body must be an object")
    return body


def _same_site(request: Request) -> bool:
    """Browsers name the page a form came from; programs do not."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
