"""Keeping what was verified: one row per event, whatever is in it, and then the bell."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from upstreams import doorbell, strict_json
from upstreams.enums import EventState
from upstreams.models import WebhookEvent
from upstreams.webhooks.receivers import Facts, Receiver

# What may stand in a column that people search and constraints compare.
_PLAIN = re.compile(r"[\x21-\x7e]{1,120}")
_KIND = re.compile(r"[A-Za-z0-9_.\-]{1,80}")

_NO_FACTS = Facts(event_id="", kind="", subject_id="")


class Unreadable(ValueError):
    """A verified body that no handler can be given. `str()` says why."""


def receive(receiver: Receiver, body: bytes, headers: Mapping[str, str], *, at: datetime) -> None:
    """Keep a post from the upstream and ring for a worker; one that is known changes nothing.

    Raises Refused when it cannot be told to be theirs, and whatever the database raises. A body
    that nobody can read is kept too; processing hands it to a person.
    """
    receiver.verify(body, headers)
    facts = _facts(receiver, body)
    event = WebhookEvent(
        upstream=receiver.upstream,
        event_id=facts.event_id,
        kind=facts.kind,
        subject_id=facts.subject_id,
        body=body,
        headers=_kept(receiver, headers),
        received_at=at,
        next_at=at,
    )
    # On conflict do nothing: of a hundred copies at once, one is kept and none is an error.
    WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
    untouched = WebhookEvent.objects.filter(
        upstream=receiver.upstream,
        event_id=facts.event_id,
        state=EventState.RECEIVED,
        attempts=0,
    ).values_list("pk", flat=True)
    for event_pk in untouched:
        doorbell.ring("upstreams.tasks.process_event", event_id=event_pk)


def payload_of(body: bytes) -> Mapping[str, Any]:
    """Return what the body says, safe to store on every database; raises Unreadable."""
    try:
        payload = strict_json.loads(body)
    except strict_json.NotStrictJson as problem:
        raise Unreadable(f"The body cannot be read: {problem}.") from None
    if not isinstance(payload, Mapping):
        raise Unreadable("The body is not a JSON object.")
    if _is_unstorable(payload):
        raise Unreadable("The body holds characters that cannot be stored (NUL or half a pair).")
    return payload


def _facts(receiver: Receiver, body: bytes) -> Facts:
    """Say which event this is, also when nobody can read it.

    Its id is the one in the signed body. Headers are not signed, so without one in the body, equal
    bodies are equal events: whoever repeats a captured post adds nothing.
    """
    try:
        facts = receiver.read(payload_of(body))
    except Unreadable:
        facts = _NO_FACTS
    fallback = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return Facts(
        event_id=facts.event_id if _PLAIN.fullmatch(facts.event_id) else fallback,
        kind=facts.kind if _KIND.fullmatch(facts.kind) else "",
        subject_id=facts.subject_id if _PLAIN.fullmatch(facts.subject_id) else "",
    )


def _is_unstorable(payload: Mapping[str, Any]) -> bool:
    return any(strict_json.storable(text) != text for text in _texts(payload))


def _texts(value: Any) -> Iterator[str]:
    """Every name and text anywhere in a parsed body (its depth has been limited)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def _kept(receiver: Receiver, headers: Mapping[str, str]) -> dict[str, str]:
    kept = {name: headers[name] for name in receiver.kept_headers if name in headers}
    return {name: str(strict_json.storable(value))[:500] for name, value in kept.items()}
