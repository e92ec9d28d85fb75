"""Which credential each upstream is called with, without ever showing it."""

from collections.abc import Callable, Mapping

from upstreams.enums import Upstream
from upstreams.lumetrade import client as lumetrade
from upstreams.luxcore import client as luxcore

_FINGERPRINTS: Mapping[str, Callable[[], str]] = {
    Upstream.LUXCORE: luxcore.fingerprint,
    Upstream.LUMETRADE: lumetrade.fingerprint,
}


def fingerprint(upstream: str) -> str:
    """Return 12 hex digits that change with the credential of this upstream; "" without one."""
    of_upstream = _FINGERPRINTS.get(upstream)
    return of_upstream() if of_upstream else ""


def is_configured(upstream: str) -> bool:
    return bool(fingerprint(upstream))
