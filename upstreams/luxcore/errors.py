"""LuxCore's three error shapes (upstreams.md §3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from upstreams.http import Problem

_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*", re.ASCII)
_FIELD_MESSAGE = re.compile(r"([A-Za-z_][\w.\[\]]{0,79}) (.+)", re.ASCII | re.DOTALL)


def read_error(body: Any) -> Problem | None:
    """What a documented envelope says; None for anything else.

    The code is `error_code`, else `error` when it is upper-snake-case, else VALIDATION_ERROR when
    `message` is a list. Without a code it may be the answer of some machine in between.
    """
    if not isinstance(body, dict) or not isinstance(body.get("statusCode"), int):
        return None
    message = body.get("message")
    messages = [message] if isinstance(message, str) else message
    if not isinstance(messages, list) or not all(isinstance(text, str) for text in messages):
        return None
    code = _code(body, is_list=isinstance(message, list))
    if not code:
        return None
    return Problem(code, "; ".join(messages), dict(_by_field(messages)))


def _code(body: dict[str, Any], *, is_list: bool) -> str:
    code, error = body.get("error_code"), body.get("error")
    if isinstance(code, str) and code:
        return code
    if isinstance(error, str) and _CODE.fullmatch(error):
        return error
    return "VALIDATION_ERROR" if is_list else ""


def _by_field(messages: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Messages like "amount must not be less than 1", by the field they begin with."""
    for text in messages:
        if match := _FIELD_MESSAGE.fullmatch(text):
            yield match.group(1), match.group(2)
