"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from payments.enums import Level


@dataclass(frozen=True)
class Check:
    """One finding before signing. `as_of`: how old what it looked at is. `links`: label, URL."""

    level: Level
    code: str
    text: str
    as_of: datetime | None = None
    links: tuple[tuple[str, str], ...] = ()
