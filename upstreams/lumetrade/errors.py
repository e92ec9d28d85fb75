"""Lumetrade's error envelope (upstreams.md §2.4)."""

from __future__ import annotations

from typing import Any

from upstreams.http import Problem


def read_error(body: Any) -> Problem | None:
    """What the documented envelope says; None for anything else.

    Its numeric code is kept as text to be shown and never decided by: only 1133 is documented.
    """
    if not isinstance(body, dict):
        return None
    code, status, message = (body.get(name) for name in ("code", "httpStatus", "message"))
    if type(code) is not int or type(status) is not int or not isinstance(message, str):
        return None
    return Problem(str(code), message, _by_field(body.get("errors")), status=status)


def _by_field(errors: Any) -> dict[str, str]:
    """`errors` names a field and a message each; what does not is left out."""
    found: dict[str, str] = {}
    for error in errors if isinstance(errors, list) else []:
        name = error.get("field") if isinstance(error, dict) else None
        text = error.get("message") if isinstance(error, dict) else None
        if isinstance(name, str) and isinstance(text, str):
            found.setdefault(name[:80], text)
    return found
