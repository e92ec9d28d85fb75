"""Asking the child process: a file goes in, what can be seen of it comes out.

Pillow and pdfium never meet a stranger's bytes in a process of the desk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

import structlog
from django.conf import settings

from customers.documents.reasons import NotTaken, Reason

DEADLINE: Final = 15.0  # seconds until a child that has not answered is killed
AT_ONCE: Final = 4  # children per process of the desk
ROOM_SECONDS: Final = 20.0
MOST_ANSWERED: Final = 32_000_000  # bytes; more than that is no answer of our child
PIECE: Final = 1 << 16
# Its whole environment: no secret of ours is in it.
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}

_room = threading.BoundedSemaphore(AT_ONCE)
logger = structlog.get_logger(__name__)


class NoRoom(Exception):
    """So many documents are being decoded at this moment that this one had no turn."""


@dataclass(frozen=True)
class Remade:
    """A file as it is kept: a picture written anew, or the PDF it was."""

    media_type: str
    width: int | None
    height: int | None
    pages: int
    content: bytes = field(repr=False)


def remake(content: bytes, *, media_type: str) -> Remade:
    """Have a file checked and, if it is a picture, written anew. Raises NotTaken, NoRoom."""
    facts, made = _ask(
        {
            "do": "check",
            "media_type": media_type,
            "most_pixels": settings.DOCUMENT_MAX_PIXELS,
            "most_pages": settings.DOCUMENT_MAX_PAGES,
        },
        content,
    )
    return Remade(facts["media_type"], facts["width"], facts["height"], facts["pages"], made)


def picture_of(content: bytes, *, media_type: str, page: int, mark: str) -> bytes:
    """One page of a document of ours as a JPEG, `mark` all over it. Raises NotTaken, NoRoom."""
    order = {"do": "show", "media_type": media_type, "page": page, "mark": mark}
    _, made = _ask({**order, "most_pixels": settings.DOCUMENT_MAX_PIXELS}, content)
    return made


def _ask(order: Mapping[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    if not _room.acquire(timeout=ROOM_SECONDS):
        raise NoRoom
    try:
        answered = _answer_of_child(order, content)
    finally:
        _room.release()
    head, newline, made = answered.partition(b"\n")
    if not newline or len(answered) > MOST_ANSWERED:
        # It was killed: by its limits, by our clock, or by what it read.
        logger.warning("customers.document.child_died", media_type=order["media_type"])
        raise NotTaken(Reason.TOO_HEAVY)
    facts: dict[str, Any] = json.loads(head)
    if refused := facts.get("refused"):
        raise NotTaken(Reason(refused))
    return facts, made


def _answer_of_child(order: Mapping[str, Any], content: bytes) -> bytes:
    """Everything one child says. It ends when it has said it, or is killed at the deadline."""
    command = [sys.executable, "-E", "-s", "-B", "-m", "customers.documents.child"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env=_ENVIRONMENT,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        head = json.dumps({**order, "size": len(content)}).encode() + b"\n"
        feeder = threading.Thread(target=_feed, args=(child.stdin, head, content), daemon=True)
        clock = threading.Timer(DEADLINE, child.kill)
        feeder.start()
        clock.start()
        try:
            return _read(child.stdout)
        finally:
            clock.cancel()
            child.kill()
            feeder.join()


def _read(pipe: IO[bytes]) -> bytes:
    """What comes out of the pipe, piece by piece: no more than there is, and a little over most."""
    answered = bytearray()
    while len(answered) <= MOST_ANSWERED and (piece := pipe.read(PIECE)):
        answered += piece
    return bytes(answered)


def _feed(pipe: IO[bytes], head: bytes, content: bytes) -> None:
    with suppress(BrokenPipeError), pipe:  # a child that has refused reads no further
        pipe.write(head)
        pipe.write(content)
