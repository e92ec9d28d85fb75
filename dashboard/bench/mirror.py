"""What it costs a worker to read a list of any length: time, memory, rows written."""

from __future__ import annotations

import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.test import override_settings

from payments.feeds_lumetrade import WITHDRAWALS
from upstreams import feeds
from upstreams.enums import RunState

_WRITE: Final = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')


@dataclass(frozen=True)
class Reading:
    """One reading of the whole list. `peak` is what the process ever had in memory, in MB.

    `busy`: seconds of this process alone, whatever its neighbours and the database take.
    """

    seconds: float
    busy: float
    peak: int
    created: int
    unchanged: int
    written: Counter[str]  # rows by table


def read(address: str) -> Reading:
    """Read the withdrawals that are listed there, as the feed does in a worker."""
    written: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        found = execute(sql, *args)
        if write := _WRITE.match(sql):
            written[write[1]] += max(args[-1]["cursor"].rowcount, 0)
        return found

    keys = {"LUMETRADE_API_KEY": "bench", "LUMETRADE_API_SECRET": "bench"}
    started, busy = time.perf_counter(), time.process_time()
    with (
        override_settings(LUMETRADE_BASE_URL=address, **keys),
        connection.execute_wrapper(count),
    ):
        run = feeds.run(WITHDRAWALS)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    if run is None or run.state != RunState.DONE:
        raise RuntimeError(run.error if run else "Somebody else reads this list.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Reading(seconds, busy, peak, run.created, run.unchanged, written)
