"""Lux Financial's error envelope, nested in `error` or bare (upstreams.md §1.4, LF-C3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from upstreams.http import Problem

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
# A 403 with one of these is about the money or the customer; any other is about our key.
_VERDICTS: Final = {"aml_violation", "endorsement_required"}  # LF-A8


def read_error(body: Any) -> Problem | None:
    """What the documented envelope says; None for anything else."""
    if not isinstance(body, Mapping):
        return None
    error = body.get("error", body)
    if not isinstance(error, Mapping):
        return None
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or not isinstance(message, str):
        return None
    fields = _fields(error.get("source"), message)
    return Problem(code, message, fields, is_verdict=code in _VERDICTS)


def _fields(source: Any, message: str) -> dict[str, str]:
    """The one message for every parameter that `source.key` names, commas between them."""
    key = source.get("key") if isinstance(source, Mapping) else None
    if not isinstance(key, str) or source.get("location") == "header":
        return {}
    names = (name.strip()[:80] for name in key.split(","))
    return {name: message for name in names if name}
