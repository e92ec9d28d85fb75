"""Which credential each upstream is called with, without ever showing it."""

from collections.abc import Callable, Mapping

from upstreams.enums import Upstream
from upstreams.lumetrade import client as lumetrade
from upstreams.lux import client as lux
from upstreams.luxcore import client as luxcore

_FINGERPRINTS: Mapping[str, Callable[[], str]] = {
    Upstream.LUXCORE: luxcore.fingerprint,
    Upstream.LUX: lux.fingerprint,
    Upstream.LUMETRADE: lumetrade.fingerprint,
}

# What a credential is made of, for people who look for it.
SETTINGS: Mapping[str, str] = {
    Upstream.LUXCORE: "LUXCORE_API_KEY",
    Upstream.LUX: "LUX_API_KEY",
    Upstream.LUMETRADE: "LUMETRADE_API_KEY with LUMETRADE_API_SECRET",
}


def fingerprint(upstream: str) -> str:
    """Return 12 hex digits that change with the credential of this upstream; "" without one."""
    of_upstream = _FINGERPRINTS.get(upstream)
    return of_upstream() if of_upstream else ""


def is_configured(upstream: str) -> bool:
    return bool(fingerprint(upstream))


def in_use() -> set[str]:
    """Return the fingerprints of all credentials that are set now."""
    return {fingerprint(upstream) for upstream in _FINGERPRINTS} - {""}


def only_pays(upstream: str) -> bool:
    """Whether the credential may create payments and cannot read whether one exists."""
    return upstream == Upstream.LUXCORE and luxcore.access_from_settings().only_pays
