"""The head of the audit chain, written down outside the database.

The chain itself cannot tell that its newest events are gone, nor that all of it was computed anew:
a file that remembers the newest event can, and it tells a restored backup from the database it
replaces. It is worth as much as the place it is copied to: whoever can change both the database and
every copy of the file can still lie.

What is written down was verified, so the next walk begins there.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings

from staff import audit
from staff.models import AuditEvent

logger = structlog.get_logger(__name__)

NAME = "audit-head.json"


@dataclass(frozen=True)
class Head:
    """The newest verified audit event at some moment."""

    sequence: int
    hash: str
    written_at: str


class DatabaseIsOlder(Exception):
    """The database lacks what the written head knows: writing over it would hide that."""


def path() -> Path:
    return Path(settings.VAR_DIR) / NAME


def verify_new(*, at: datetime) -> audit.Verdict:
    """Check the events behind the head that was written down, and write down the new head.

    All of them without a head, and when the chain is not the one it was written for: then that is
    logged, and the head stays until a person decides.
    """
    if reason := database_is_older():
        logger.error("staff.audit.database_is_older", reason=reason)
        return audit.verify()
    known = _read()
    verdict = audit.verify(behind=known.sequence, digest=known.hash) if known else audit.verify()
    if verdict.ok:
        write_head(verdict, at=at)
        logger.info("staff.audit.head_written", sequence=verdict.checked, hash=verdict.head)
    return verdict


def write_head(verdict: audit.Verdict, *, at: datetime, after_restore: bool = False) -> Head:
    """Write down the newest event of a chain found whole, in place of the one known before.

    Raises DatabaseIsOlder when that one is not in the chain, unless a person says that it may be
    forgotten (`after_restore`).
    """
    if not after_restore and (reason := database_is_older()):
        raise DatabaseIsOlder(reason)
    head = Head(verdict.checked, verdict.head, at.isoformat())
    _replace(path(), json.dumps(asdict(head)))
    return head


def database_is_older() -> str | None:
    """Say why the chain is not the one whose head was written down; None when it is.

    That is so after an old backup was restored, and when events were cut off or rewritten.
    """
    try:
        known = _read()
    except (OSError, ValueError, TypeError) as exc:
        return f"{path()} cannot be read: {exc}"
    if known is None or not known.sequence:
        return None
    found = AuditEvent.objects.filter(sequence=known.sequence).values_list("hash", flat=True)
    digest = found.first()
    if digest is None:
        return f"event #{known.sequence}, written down at {known.written_at}, is not there any more"
    if digest != known.hash:
        return f"event #{known.sequence} is not the one written down at {known.written_at}"
    return None


def _read() -> Head | None:
    try:
        text = path().read_text()
    except FileNotFoundError:
        return None
    return Head(**json.loads(text))


def _replace(target: Path, text: str) -> None:
    """Put the text there whole or not at all, whatever dies in between."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
