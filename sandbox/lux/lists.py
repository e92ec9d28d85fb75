"""Lists behind cursors, newest first (LF-A10), and those that never end when told to."""

import base64
import sqlite3
from collections.abc import Callable

from sandbox.lux.errors import invalid
from sandbox.lux.work import Work
from sandbox.web import Json

USUAL, MOST = 20, 100
Conditions = dict[str, object]
"""SQL with one mark, and what stands for it; those without a value are left out."""


def page(
    work: Work,
    table: str,
    shape: Callable[[sqlite3.Row], Json],
    args: dict[str, str],
    conditions: Conditions | None = None,
) -> Json:
    limit = _limit(args)
    trouble = work.manners.endless
    given = {sql: value for sql, value in (conditions or {}).items() if value not in (None, "")}
    before = _position(args.get("cursor", ""))
    if before is not None and trouble != "page":
        given["serial < ?"] = before
    where = " AND ".join(["1", *given])
    rows = work.db.execute(
        f"SELECT * FROM {table} WHERE {where} ORDER BY serial DESC LIMIT ?",
        [*given.values(), limit + 1],
    ).fetchall()
    shown = rows[:limit]
    last = shown[-1]["serial"] if shown else (before or 1)
    has_more = len(rows) > limit or bool(trouble)
    listed: Json = {"object": "list", "data": [shape(row) for row in shown], "has_more": has_more}
    if has_more:
        always = trouble == "cursor"
        listed["cursor"] = "cur_MjphZ2Fpbg" if always else _cursor(work, last)
    return listed


def _limit(args: dict[str, str]) -> int:
    text = args.get("limit", str(USUAL))
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise invalid("limit", f"must be between 1 and {MOST}", location="query")
    return int(text)


def _cursor(work: Work, serial: int) -> str:
    """Where to go on. No two are equal, so nobody can tell anything from them."""
    text = f"{serial}:{work.dice.getrandbits(32):08x}"
    return "cur_" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> int | None:
    if not cursor:
        return None
    try:
        raw = cursor.removeprefix("cur_")
        text = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()
        return int(text.partition(":")[0])
    except ValueError:
        raise invalid("cursor", "is not one of ours", location="query") from None
