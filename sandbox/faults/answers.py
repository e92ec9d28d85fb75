"""How each fault spoils a call: before it is handled, or the answer to it."""

import html
import json
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from werkzeug.wrappers import Response

from sandbox.faults import Fault
from sandbox.web import JSON_TYPE, Hijack, Json, dump, json_response

MEGABYTE = 1024 * 1024
HTML_502 = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1>"
    "</center><hr><center>nginx</center></body></html>"
)

Sleep = Callable[[float], object]


def early_answer(fault: Fault, timestamp: str) -> Response:
    """The answer of a call that was not accepted."""
    params = fault.params
    if fault.kind == "refuse":
        status = int(params.get("status", 400))
        body = {
            "statusCode": status,
            "message": params.get("message", "Refused by the sandbox"),
            "error_code": params.get("error_code", "NO_AVAILABLE_REQUISITES"),
            "timestamp": timestamp,
        }
        return json_response(status, body)
    if fault.kind == "rate_limited":
        return _rate_limited(params, timestamp)
    if fault.kind == "accept_late":
        return _failure(504, "TIMEOUT", timestamp)
    status = int(params.get("status", 503))
    if "body" in params:
        return _given(status, params)
    return _failure(status, "PROVIDER_ERROR", timestamp)


def _rate_limited(params: Json, timestamp: str) -> Response:
    response = _failure(429, "RATE_LIMIT_EXCEEDED", timestamp)
    wanted = {"Retry-After": params.get("retry_after", "1"), "X-RateLimit-Remaining": "0"}
    if "reset" in params:
        wanted["X-RateLimit-Reset"] = params["reset"]
    for name, value in wanted.items():
        if value is not None:
            response.headers[name] = str(value)
    return response


def _failure(status: int, code: str, timestamp: str) -> Response:
    body = {
        "statusCode": status,
        "message": "The sandbox was asked to fail",
        "error_code": code,
        "timestamp": timestamp,
    }
    return json_response(status, body)


def _given(status: int, params: Json) -> Response:
    body = params.get("body")
    raw = body.encode() if isinstance(body, str) else dump(body)
    response = Response(raw, status=status)
    response.headers["Content-Type"] = str(params.get("content_type", JSON_TYPE))
    for name, value in params.get("headers", {}).items():
        response.headers[name] = str(value)
    return response


def spoil(fault: Fault, response: Response, *, sleep: Sleep, timestamp: str) -> Response:
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
            return _failure(500, "TRANSACTION_ERROR", timestamp)
        case "answer_502_html":
            return Response(HTML_502, status=502, content_type="text/html")
        case "answer_504":
            return _failure(504, "TIMEOUT", timestamp)
        case "answer_308":
            location = str(params.get("location", "https://elsewhere.example/api/v1/payments"))
            body = f'<a href="{html.escape(location)}">Moved</a>'
            headers = {"Location": location}
            return Response(body, status=308, headers=headers, content_type="text/html")
        case "gzip_bomb":
            return _bomb(int(params.get("megabytes", 100)))
        case "huge_body":
            return _streamed(response, _huge(int(params.get("megabytes", 100))))
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
        body = json.loads(raw)
    except ValueError:
        return raw
    records = _records(body)
    index = fault.params.get("index", 0)
    chosen = range(len(records)) if index is None else range(int(index), int(index) + 1)
    for position in chosen:
        if position < len(records):
            _change(fault, records, position)
    # A bare payment is the only record, and stands for the whole answer.
    return dump(body if _is_list(body) else records[0])


def _is_list(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("data"), list)


def _records(body: Any) -> list[Any]:
    if _is_list(body):
        found: list[Any] = body["data"]
        return found
    return [body]


def _change(fault: Fault, records: list[Any], position: int) -> None:
    params = fault.params
    record = records[position]
    if fault.kind == "malformed_record":
        broken = {"transaction_id": None, "amount": "a lot", "created_at": 7}
        records[position] = params.get("record", broken)
        return
    if not isinstance(record, dict):
        return
    if fault.kind == "missing_field":
        record.pop(str(params.get("field", "customer")), None)
        return
    for name, value in _wanted(fault, record).items():
        _put(record, name, value)


def _wanted(fault: Fault, record: Json) -> Json:
    params = fault.params
    match fault.kind:
        case "echo_amount":
            amount = record.get("amount")
            other = amount * 100 if isinstance(amount, int) else 1
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


def _bomb(megabytes: int) -> Response:
    response = Response(_packed(megabytes), content_type=JSON_TYPE)
    response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=2)
def _packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(chunk) for chunk in _huge(megabytes)) + packer.flush()
