"""How each fault spoils a call: before it is handled, or the answer to it."""

import html
import json
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from werkzeug.wrappers import Response

from sandbox.faults import Fault
from sandbox.web import JSON_TYPE, Hijack, Json, dump, json_response

MEGABYTE = 1024 * 1024
LISTED_AT_ONCE = 200
HTML_502 = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1>"
    "</center><hr><center>nginx</center></body></html>"
)

Sleep = Callable[[float], object]
Failure = Callable[[int, str, str], Json]
"""An upstream's error body from a status, a code and a message."""


def early_answer(fault: Fault, failure: Failure) -> Response:
    """The answer of a call that was not accepted."""
    params = fault.params
    if fault.kind == "refuse":
        status = int(params.get("status", 400))
        message = str(params.get("message", "Refused by the sandbox"))
        code = str(params.get("error_code", "NO_AVAILABLE_REQUISITES"))
        return json_response(status, failure(status, code, message))
    if fault.kind == "rate_limited":
        return _rate_limited(params, failure)
    if fault.kind == "accept_late":
        return _failed(504, "TIMEOUT", failure)
    status = int(params.get("status", 503))
    if "body" in params:
        return _given(status, params)
    return _failed(status, "PROVIDER_ERROR", failure)


def _rate_limited(params: Json, failure: Failure) -> Response:
    response = _failed(429, "RATE_LIMIT_EXCEEDED", failure)
    wanted = {"Retry-After": params.get("retry_after", "1"), "X-RateLimit-Remaining": "0"}
    if "reset" in params:
        wanted["X-RateLimit-Reset"] = params["reset"]
    for name, value in wanted.items():
        if value is not None:
            response.headers[name] = str(value)
    return response


def _failed(status: int, code: str, failure: Failure) -> Response:
    return json_response(status, failure(status, code, "The sandbox was asked to fail"))


def _given(status: int, params: Json) -> Response:
    body = params.get("body")
    raw = body.encode() if isinstance(body, str) else dump(body)
    response = Response(raw, status=status)
    response.headers["Content-Type"] = str(params.get("content_type", JSON_TYPE))
    for name, value in params.get("headers", {}).items():
        response.headers[name] = str(value)
    return response


def spoil(fault: Fault, response: Response, *, sleep: Sleep, failure: Failure) -> Response:
    """The answer as this fault leaves it, or `Hijack` when it never arrives whole."""
    params = fault.params
    match fault.kind:
        case "delay_after":
            sleep(float(params.get("seconds", 1)))
            return response
        case "drop":
            raise Hijack(reset=bool(params.get("reset", False)))
        case "drop_midway":
            raw = _raw(response)
            raise Hijack([raw[: len(raw) // 2]], reset=bool(params.get("reset", False)))
        case "slow_headers":
            raise Hijack(_endless_headers(float(params.get("seconds", 1)), sleep))
        case "slow_body":
            pace = float(params.get("bytes_per_second", 100))
            return _streamed(response, _slowly(response.get_data(), pace, sleep))
        case "answer":
            return _given(int(params.get("status", 200)), params)
        case "answer_500":
            return _failed(500, "TRANSACTION_ERROR", failure)
        case "answer_502_html":
            return Response(HTML_502, status=502, content_type="text/html")
        case "answer_504":
            return _failed(504, "TIMEOUT", failure)
        case "answer_308":
            location = str(params.get("location", "https://elsewhere.example/api/v1/payments"))
            body = f'<a href="{html.escape(location)}">Moved</a>'
            headers = {"Location": location}
            return Response(body, status=308, headers=headers, content_type="text/html")
        case "gzip_bomb":
            return _bomb(int(params.get("megabytes", 100)))
        case "huge_body":
            return _streamed(response, _huge(int(params.get("megabytes", 100))))
        case "huge_list":
            return _streamed(response, _huge_list(response.get_data(), params))
    return _rewritten(fault, response)


def _rewritten(fault: Fault, response: Response) -> Response:
    """Faults that keep status and headers and change the body only."""
    params = fault.params
    raw = response.get_data()
    match fault.kind:
        case "answer_truncated":
            raw = raw[: max(1, len(raw) // 2)]
        case "malformed_json":
            raw = b"{'success': True, 'data': [" + raw[:40]
        case "answer_empty_object":
            raw = b"{}"
        case "answer_empty_list":
            raw = b"[]"
        case "answer_null":
            raw = b"null"
        case "answer_wrong_type":
            response.headers["Content-Type"] = str(params.get("content_type", "text/html"))
        case "deep_json":
            depth = int(params.get("depth", 100_000))
            raw = b'{"success":true,"data":' + b"[" * depth + b"]" * depth + b"}"
        case _:
            raw = _with_changed_records(fault, raw)
    response.set_data(raw)
    return response


def _with_changed_records(fault: Fault, raw: bytes) -> bytes:
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError:
        return raw
    records = _records(body)
    index = fault.params.get("index", 0)
    chosen = range(len(records)) if index is None else range(int(index), int(index) + 1)
    for position in chosen:
        if position < len(records):
            _change(fault, records, position)
    # A bare payment is the only record, and stands for the whole answer.
    return dump(body if _listed(body) is not None else records[0])


def _listed(body: Any) -> list[Any] | None:
    """The list in an answer: LuxCore's lies in an envelope, Lumetrade's is bare."""
    found = body.get("data") if isinstance(body, dict) else body
    return found if isinstance(found, list) else None


def _records(body: Any) -> list[Any]:
    found = _listed(body)
    return [body] if found is None else found


def _change(fault: Fault, records: list[Any], position: int) -> None:
    params = fault.params
    record = records[position]
    if fault.kind == "malformed_record":
        broken = {_id_name(record): None, "amount": "a lot", "created_at": 7}
        records[position] = params.get("record", broken)
        return
    if not isinstance(record, dict):
        return
    if fault.kind == "missing_field":
        record.pop(str(params.get("field", "customer")), None)
        return
    for name, value in _wanted(fault, record).items():
        _put(record, name, value)


def _id_name(record: Any) -> str:
    return next((name for name in ("transactionId", "id") if name in record), "transaction_id")


def _wanted(fault: Fault, record: Json) -> Json:
    params = fault.params
    match fault.kind:
        case "echo_amount":
            amount = record.get("amount")
            other = amount * 100 if isinstance(amount, int | Decimal) else 1
            return {"amount": params.get("amount", other)}
        case "echo_currency":
            return {"currency": params.get("currency", "TRY")}
        case "echo_recipient":
            name = params.get("recipient_name", "Somebody Else")
            return {"payout.recipient_name": name}
        case "unknown_status":
            return {"status": params.get("status", "on_the_moon")}
    wanted = params.get("set", {})
    return wanted if isinstance(wanted, dict) else {}


def _put(record: Json, dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for name in parents:
        inner = record.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        record = inner
    record[last] = value


def _raw(response: Response) -> bytes:
    body = response.get_data()
    head = [f"HTTP/1.1 {response.status}", f"Content-Length: {len(body)}"]
    head += [f"{k}: {v}" for k, v in response.headers.items() if k != "Content-Length"]
    return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _streamed(response: Response, chunks: Iterator[bytes]) -> Response:
    streamed = Response(chunks, status=response.status_code, headers=response.headers)
    streamed.headers.pop("Content-Length", None)
    return streamed


def _slowly(body: bytes, pace: float, sleep: Sleep) -> Iterator[bytes]:
    """About ten pieces a second, at least a byte each."""
    step = max(1, int(pace / 10))
    for start in range(0, len(body), step):
        piece = body[start : start + step]
        yield piece
        sleep(len(piece) / pace)


def _endless_headers(seconds: float, sleep: Sleep) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        sleep(seconds)
        yield b"X-Patience: wait\r\n"


def _huge(megabytes: int) -> Iterator[bytes]:
    yield b'{"success":true,"data":"'
    block = b"a" * MEGABYTE
    for _ in range(megabytes):
        yield block
    yield b'"}'


def _huge_list(raw: bytes, params: Json) -> Iterator[bytes]:
    """A bare list of so many copies of its first record, each of so many bytes, with its own id.

    Those at the positions `bad` cannot be used.
    """
    first = _records(json.loads(raw, parse_float=Decimal))[0]
    name = _id_name(first)
    mark = "as many as there are"
    bare = len(dump(first | {"note": ""}))
    note = "x" * max(0, int(params.get("bytes", 750)) - bare)
    head, tail = dump(first | {name: mark, "note": note}).split(mark.encode())
    bad = set(params.get("bad", []))
    items = int(params.get("items", 100_000))
    for start in range(0, items, LISTED_AT_ONCE):
        positions = range(start, min(items, start + LISTED_AT_ONCE))
        block = (
            dump(first | {name: f"bad-{at}", "amount": "a lot"})
            if at in bad
            else b"%b%b-%07d%b" % (head, str(first[name]).encode(), at, tail)
            for at in positions
        )
        yield (b"," if start else b"[") + b",".join(block)
    yield b"]" if items else b"[]"


def _bomb(megabytes: int) -> Response:
    response = Response(_packed(megabytes), content_type=JSON_TYPE)
    response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=2)
def _packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(chunk) for chunk in _huge(megabytes)) + packer.flush()
