"""Screenings against sanctions lists (upstreams.md §1.9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from upstreams import strict_json
from upstreams.lux.schemas.reading import Fields


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """A listed entity that looks like who was asked about. `score` is from 0 to 1."""

    score: Decimal
    source: str
    source_name: str
    matched_name: str = field(repr=False)
    match_type: str
    entity_type: str
    programs: list[str]
    listed_on: str
    remarks: str = field(repr=False)
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScreeningRecord:
    """One question and what came of it; an unknown status is kept as it came."""

    id: str
    status: str
    match_count: int
    matches: list[MatchRecord]
    screened_at: datetime | None
    sources_checked: list[str]
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)

    @property
    def is_clear(self) -> bool:
        """Only when everything in it says so."""
        return self.status == "clear" and not self.match_count and not self.matches


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A list that is screened against."""

    code: str
    name: str
    country: str
    status: str
    records: int | None
    published_at: datetime | None
    downloaded_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


def parse_screening(raw: Any) -> ScreeningRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    matches = [_match(match) for match in fields.children("matches")]
    count = fields.integer("match_count")
    return ScreeningRecord(
        id=fields.required_text("id"),
        status=fields.required_text("status"),
        match_count=len(matches) if count is None else count,
        matches=matches,
        screened_at=fields.moment("screened_at"),
        sources_checked=_sources(fields),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_source(raw: Any) -> SourceRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return SourceRecord(
        code=fields.required_text("code", "id"),
        name=fields.text("name"),
        country=fields.text("country"),
        status=fields.text("status"),
        records=fields.integer("total_records", "totalRecords"),
        published_at=fields.moment("publish_date", "publishDate"),
        downloaded_at=fields.moment("download_date", "downloadDate"),
        raw=fields.raw,
    )


def _match(fields: Fields) -> MatchRecord:
    return MatchRecord(
        score=fields.share("score"),
        source=fields.text("source"),
        source_name=fields.text("source_name"),
        matched_name=fields.required_text("matched_name"),
        match_type=fields.text("match_type"),
        entity_type=fields.text("entity_type"),
        programs=fields.texts("sanctions_programs"),
        listed_on=fields.text("listed_on"),
        remarks=fields.text("remarks"),
        raw=fields.members,
        digest=strict_json.digest(fields.members),
    )


def _sources(fields: Fields) -> list[str]:
    """Their codes; where they tell how many there were only, none."""
    _, told = fields.find("data_sources_checked")
    if isinstance(told, int) and not isinstance(told, bool):
        return []
    return fields.words("data_sources_checked", "code", "name")
