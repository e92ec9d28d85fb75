"""Audit events collected while a transaction works, and written at its end.

Recording takes the lock of the audit chain, which everybody else waits for: it comes after every
row lock, and so does what else is written under that lock (alarms, a provider's switch).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models

from staff import audit
from staff.models import AuditEvent, User


@dataclass
class Journal:
    """What one person, or the provider named by `by_label`, did at one moment."""

    by: User | None
    at: datetime
    by_label: str = ""
    _entries: list[audit.Entry] = field(default_factory=list)
    _afterwards: list[Callable[[], None]] = field(default_factory=list)

    def add(
        self,
        verb: str,
        subject: models.Model,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        reason: str = "",
        by_label: str = "",
    ) -> None:
        """Note one event. `before` and `after` hold no unmasked personal data."""
        self._entries.append(
            audit.Entry(
                verb,
                audit.subject_of(subject),
                by=self.by if not by_label else None,
                by_label=by_label or self.by_label,
                before=dict(before or {}),
                after=dict(after or {}),
                reason=reason,
            )
        )

    def afterwards(self, call: Callable[[], None]) -> None:
        """Let this be called once the events are recorded."""
        self._afterwards.append(call)

    def write(self) -> list[AuditEvent]:
        """Record everything noted, in order. Call it last in the transaction."""
        entries, self._entries = self._entries, []
        calls, self._afterwards = self._afterwards, []
        events = audit.record_all(entries, at=self.at) if entries else []
        for call in calls:
            call()
        return events
