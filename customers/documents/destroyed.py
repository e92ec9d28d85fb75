"""The list of documents whose content was destroyed, outside the database.

A backup of the database holds what was erased after it was made. Whoever restores one brings it
back as rows; this list says that it stays unreadable, and `manage.py erase_documents` destroys it
again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings


def path() -> Path:
    return Path(settings.VAR_DIR) / "destroyed-documents"


def note(keys: Iterable[UUID]) -> None:
    """Write down that these are destroyed. Raises OSError where it cannot be written down."""
    lines = "".join(f"{key}\n" for key in keys)
    if lines:
        with path().open("a", encoding="ascii") as listing:
            listing.write(lines)


def listed() -> frozenset[UUID]:
    """Every document on the list; a line that was cut off names none."""
    if not path().exists():
        return frozenset()
    lines = path().read_text(encoding="ascii").splitlines()
    return frozenset(UUID(line) for line in lines if len(line) == 36)
