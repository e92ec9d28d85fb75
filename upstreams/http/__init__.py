"""The only door to the outside: one client for all upstreams. httpx stays in here."""

from upstreams.budget import Priority
from upstreams.http.auth import Credential, HmacAuth, KeyAuth, PairAuth, fingerprint
from upstreams.http.client import UpstreamClient
from upstreams.http.judging import ErrorReading, Problem
from upstreams.http.keeping import kept
from upstreams.http.messages import Answer, Call
from upstreams.http.redaction import redact

__all__ = [
    "Answer",
    "Call",
    "Credential",
    "ErrorReading",
    "HmacAuth",
    "KeyAuth",
    "PairAuth",
    "Priority",
    "Problem",
    "UpstreamClient",
    "fingerprint",
    "kept",
    "redact",
]
