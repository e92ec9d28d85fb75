"""Small helpers around Werkzeug shared by the upstreams and the control door."""

import html
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

JSON_TYPE = "application/json; charset=utf-8"
Json = dict[str, Any]


class NotJson(ValueError):
    """The body is not a JSON document we are willing to read."""


class Refusal(Exception):
    """A request is answered with an error; nothing it did before is kept."""

    status = 400

    def body(self, now: int) -> Json:
        raise NotImplementedError


class Hijack(ConnectionResetError):
    """Instead of an answer: these raw bytes, then the connection ends.

    The server writes `chunks` to the socket and closes it (with a TCP reset if `reset`). Behind
    an in-process transport there is no socket, and this surfaces as the error it is.
    """

    def __init__(self, chunks: Iterable[bytes] = (), *, reset: bool = False) -> None:
        super().__init__("the sandbox dropped this connection, as a fault asked it to")
        self.chunks = chunks
        self.reset = reset


def dump(body: object) -> bytes:
    """JSON; a `Decimal` becomes a number of exactly its digits, which `json` offers no way to."""
    mark = f"number {secrets.token_hex(8)} "
    numbers = []

    def number(value: object) -> str:
        if not isinstance(value, Decimal):
            raise TypeError(f"{type(value).__name__} is not JSON")
        numbers.append(value)
        return f"{mark}{value:f}"

    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=number)
    if numbers:
        text = re.sub(f'"{mark}([^"]+)"', r"\1", text)
    return text.encode()


def json_response(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    if status == 204:
        return Response(status=204, headers=headers)
    return Response(dump(body), status=status, headers=headers, content_type=JSON_TYPE)


def read_json(request: Request, *, fractions: Callable[[str], Any] = Decimal) -> Any:
    """The body's JSON, `{}` when it is empty or not sent as JSON.

    Raises `NotJson` for anything else: syntax, NaN, numbers or nesting beyond reason, text that
    is not Unicode.
    """
    raw = request.get_data()
    if not raw or "json" not in request.mimetype:
        return {}
    try:
        parsed = json.loads(raw, parse_float=fractions, parse_constant=_refuse_constant)
        json.dumps(parsed, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as exc:
        raise NotJson(str(exc)) from exc
    return parsed


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: {width};
  padding: 0 1rem; color: #1c2430; background: #fbfbfa; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .875rem; }}
th, td {{ text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #ddd; }}
.n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
form {{ display: inline; }} button {{ font: inherit; padding: .2rem .7rem; margin: .1rem; }}
.big button {{ padding: .6rem 1.2rem; }} dt {{ color: #5a6472; }} dd {{ margin: 0 0 .6rem; }}
</style></head><body>{body}</body></html>"""


def html_page(title: str, body: str, *, status: int = 200, width: str = "34rem") -> Response:
    """A plain page without scripts or outside assets. `body` is markup and already escaped."""
    page = PAGE.format(title=html.escape(title), body=body, width=width)
    return Response(
        page,
        status=status,
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_webhook_url(url: str) -> bool:
    """HTTPS anywhere; plain HTTP only to this machine, so that local runs can listen."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and is_loopback(parts.hostname)
