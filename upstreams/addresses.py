"""Addresses that a provider is asked to call: what may stand in a `webhook_url` (proof X-8, X-9).

The provider connects, not we, so nothing is resolved here: an address is judged by how it is
written. A number in any notation is refused, and with it every private, loopback, link-local,
carrier-grade and translated one; names that only a private network knows are refused too.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from staff.texts import Sayable, Text

LONGEST: Final = 2048  # upstreams.md §3.7

_PLAIN = re.compile(r"[!-~]+", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# A host whose last label is a number is an IPv4 address to whoever opens it: 127.1, 0x7f.1, 017…
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PRIVATE_ENDINGS: Final = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "invalid",
    "onion",
)


def problem(url: str, *, hosts: Collection[str]) -> Sayable:
    """Why a provider must not be told to call this address, in words; "" when it may.

    `hosts`: the only hosts that may be named; empty allows every public one.
    """
    if len(url) > LONGEST:
        return Text(
            _("At most %(most)s characters; this has %(length)s."), most=LONGEST, length=len(url)
        )
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return Text(
            _(
                "Only plain ASCII, no spaces or backslashes: a host of another script begins with "
                "xn--."
            )
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return Text(_("This is not an address. It looks like https://hooks.example.com/luxcore."))
    if parts.scheme != "https":
        return Text(_("The address begins with https://; nothing else is called."))
    if "@" in parts.netloc:
        return Text(_("No user name or password may stand in the address."))
    if port not in (None, 443) or parts.netloc.endswith(":"):
        return Text(_("Leave the port out: only HTTPS's own, 443, is called."))
    if "#" in url:
        return Text(_("Leave out the part from # on: it is never sent."))
    return _host_problem(parts.hostname or "", hosts)


def _host_problem(host: str, hosts: Collection[str]) -> Sayable:
    name = host.removesuffix(".").lower()
    labels = name.split(".")
    if ":" in name or _NUMBER.fullmatch(labels[-1]):
        return Text(_("Name the host in words: an IP address may lead into a private network."))
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return Text(_("This is not the name of a host. It looks like hooks.example.com."))
    if len(labels) < 2 or f".{name}".endswith(tuple(f".{end}" for end in _PRIVATE_ENDINGS)):
        return Text(
            _("This host is known in a private network only; the provider cannot reach it.")
        )
    if hosts and name not in {allowed.lower() for allowed in hosts}:
        return Text(
            _("Webhooks may go to these hosts only: %(hosts)s."), hosts=", ".join(sorted(hosts))
        )
    return ""
