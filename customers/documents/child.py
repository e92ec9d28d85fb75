"""The process that decodes strangers' files: it may use little, open nothing, and is soon over.

Its orders come as one line of JSON with the file behind it, on stdin; it answers the same way on
stdout. `customers.documents.decoding` starts it. It imports no Django and is told no settings.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from customers.documents import pdfs, pictures
from customers.documents.reasons import NotTaken, Reason

MEMORY: Final = 1_000_000_000  # bytes of address space; 40 megapixels need a third of it
CPU_SECONDS: Final = 10
LONGEST_ORDER: Final = 4096
PDF: Final = "application/pdf"

Answer = tuple[dict[str, object], bytes]


def check(content: bytes, order: Mapping[str, Any]) -> Answer:
    """Make a picture anew, or look through a PDF, which is kept as it is."""
    if order["media_type"] == PDF:
        return pdfs.look_through(content, most_pages=order["most_pages"]), content
    return pictures.remake(content, order["media_type"], most_pixels=order["most_pixels"])


def show(content: bytes, order: Mapping[str, Any]) -> Answer:
    """One page of a document of ours, with a mark all over it."""
    if order["media_type"] == PDF:
        picture = pdfs.page(content, order["page"])
    else:
        picture = pictures.read(content, order["media_type"], most_pixels=order["most_pixels"])
    return {"media_type": "image/jpeg"}, pictures.shown(picture, mark=order["mark"])


DEEDS: Final[Mapping[str, Callable[[bytes, Mapping[str, Any]], Answer]]] = {
    "check": check,
    "show": show,
}


def main() -> None:
    limit()
    order = json.loads(sys.stdin.buffer.readline(LONGEST_ORDER))
    content = sys.stdin.buffer.read(order["size"])
    facts, made = answer(content, order)
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()


def answer(content: bytes, order: Mapping[str, Any]) -> Answer:
    """Carry the order out. Whatever goes wrong with the file is an answer too."""
    try:
        return DEEDS[order["do"]](content, order)
    except NotTaken as refusal:
        return {"refused": refusal.reason}, b""
    except MemoryError:
        return {"refused": Reason.TOO_HEAVY}, b""
    except Exception:  # decoders raise whatever they like at a broken file
        return {"refused": Reason.CORRUPTED}, b""


def limit() -> None:
    """Give up what decoding does not need, before the first byte of the file is read."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
