"""One request to the API on its way to a view, and what views answer."""

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from sandbox.luxcore.work import Work
from sandbox.web import Json

Answer = tuple[int, Json] | Response


@dataclass(frozen=True, kw_only=True)
class Call:
    work: Work
    args: MultiDict[str, str]
    body: Any  # parsed JSON, `{}` when there was none


def wrapped(data: object) -> Json:
    """The success envelope of a single thing [S003]."""
    return {"success": True, "data": data}


def page_of(data: list[Json], *, total: int, limit: int, offset: int) -> Json:
    """The success envelope of a list [S003]."""
    pages = -(-total // limit)
    return {
        "success": True,
        "data": data,
        "total": total,
        "pagination": {"limit": limit, "offset": offset, "total_pages": pages},
    }
