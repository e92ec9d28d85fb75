"""Screening against sanctions lists (upstreams.md §1.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from upstreams.http import Call
from upstreams.lux.calls.base import MAX_LIMIT, Calls
from upstreams.lux.schemas import (
    CursorPage,
    ScreeningRecord,
    SourceRecord,
    parse_screening,
    parse_source,
)
from upstreams.lux.schemas.reading import Fields
from upstreams.records import BadRecord, Batch, read_items

SCREEN: Final = "/sanctions/screen"
SCREENINGS: Final = "/sanctions/screenings"
SOURCES: Final = "/sanctions/sources"
MAX_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Entity:
    """Who is asked about. `type` is `individual` or `business`, `country` two letters."""

    name: str = field(repr=False)
    type: str = ""
    date_of_birth: str = field(default="", repr=False)
    country: str = ""

    def as_json(self) -> dict[str, str]:
        told = {
            "name": self.name,
            "type": self.type,
            "date_of_birth": self.date_of_birth,
            "country": self.country,
        }
        return {name: value for name, value in told.items() if value}


class SanctionsCalls(Calls):
    def screen(self, entity: Entity, *, idempotency_key: str) -> ScreeningRecord:
        """POST /sanctions/screen."""
        body = json.dumps(entity.as_json(), ensure_ascii=False).encode()
        return self._post(SCREEN, body, parse_screening, idempotency_key=idempotency_key)

    def screen_batch(
        self, entities: Sequence[Entity], *, idempotency_key: str
    ) -> list[ScreeningRecord]:
        """POST /sanctions/screen/batch, at most 100: one record for each, in their order.

        An answer with more or fewer, or with one that cannot be read, is Unknown: whose it is
        could only be guessed.
        """
        if not 0 < len(entities) <= MAX_BATCH:
            raise ValueError(f"a batch has 1 to {MAX_BATCH} entities")
        listed = {"entities": [entity.as_json() for entity in entities]}

        def parse(raw: Any) -> list[ScreeningRecord]:
            found = _listed(raw)
            if len(found) != len(entities):
                raise BadRecord("not one screening for each entity", raw)
            return [parse_screening(item) for item in found]

        body = json.dumps(listed, ensure_ascii=False).encode()
        return self._post(f"{SCREEN}/batch", body, parse, idempotency_key=idempotency_key)

    def list_screenings(
        self, *, cursor: str = "", limit: int = MAX_LIMIT
    ) -> CursorPage[ScreeningRecord]:
        """GET /sanctions/screenings, newest first (LF-A10)."""
        return self._page(SCREENINGS, parse_screening, limit=limit, cursor=cursor)

    def get_screening(self, screening_id: str) -> ScreeningRecord:
        """GET /sanctions/screenings/{id}; raises NotFound."""
        return self._get(f"{SCREENINGS}/{{id}}", parse_screening, id=screening_id)

    def list_sources(self) -> Batch[SourceRecord]:
        """GET /sanctions/sources: the lists, and how fresh they are."""
        return self.http.one(Call("GET", SOURCES, is_safe=True), _parse_sources)

    def refresh_sources(self, *, idempotency_key: str) -> datetime | None:
        """POST /sanctions/sources/refresh: when it should be done. Needs their admin's key."""
        return self._post(
            f"{SOURCES}/refresh", b"{}", _parse_refresh, idempotency_key=idempotency_key
        )


def _parse_sources(raw: Any) -> Batch[SourceRecord]:
    return Batch(*read_items(_listed(raw), parse_source, ids=("code", "id")))


def _parse_refresh(raw: Any) -> datetime | None:
    fields = Fields(raw)
    fields.required_text("status")
    return fields.moment("estimated_completion", "estimatedCompletion")


def _listed(raw: Any) -> list[Any]:
    """A list, bare or under the name it goes by."""
    if isinstance(raw, Mapping):
        raw = next((raw[name] for name in ("data", "results", "sources") if name in raw), None)
    if not isinstance(raw, list):
        raise BadRecord("not a list", raw)
    return raw
