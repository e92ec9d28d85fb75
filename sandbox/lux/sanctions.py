"""Screening against invented lists (upstreams.md §1.9).

Who is listed is a table, so that a re-screen can find what was not there before. A name matches by
the words it shares with a listed one.
"""

import json
import sqlite3
import unicodedata
from decimal import Decimal
from typing import Any

from sandbox.clock import DAY, MINUTE, iso_ms
from sandbox.lux import events
from sandbox.lux.body import Body
from sandbox.lux.errors import Refused, not_found
from sandbox.lux.lists import page
from sandbox.lux.work import Work
from sandbox.web import Json

TABLE = "lf_screening"
SOURCES = {
    "SDN": ("OFAC SDN List", "US", 19_159),
    "UN": ("UN Security Council", "UN", 1_009),
    "FSF": ("EU Financial Sanctions", "EU", 2_410),
    "OFSI": ("UK OFSI", "GB", 4_876),
    "PEP": ("Politically Exposed Persons", "Global", 88_120),
}
LEAST = Decimal("0.60")
MOST_IN_A_BATCH = 100
# Invented, like everybody here.
LISTED: tuple[Json, ...] = (
    {"name": "Viktor Draganov", "date_of_birth": "1968-04-02", "country": "BG", "source": "SDN"},
    {
        "name": "Marisol Quintero",
        "date_of_birth": "1979-11-23",
        "country": "MX",
        "source": "SDN",
    },
    {"name": "Yusuf Karimov", "country": "UZ", "source": "UN"},
    {"name": "Ana Sofia Pereira", "date_of_birth": "1983-06-17", "country": "BR", "source": "PEP"},
    {"name": "Blue Harbour Trading FZE", "country": "AE", "source": "FSF", "type": "business"},
    {"name": "Northwind Minerals Ltd", "country": "GB", "source": "OFSI", "type": "business"},
)
PROGRAMS = {"SDN": ["SDGT"], "UN": ["UNSC-1267"], "FSF": ["EU-RUS"], "OFSI": ["UK-CYB"], "PEP": []}


def add_listed(work: Work, facts: Json) -> None:
    """Put somebody on a list, or change what it says of them."""
    work.db.execute(
        "INSERT OR REPLACE INTO lf_listed (name, facts) VALUES (?, ?)",
        (facts["name"], json.dumps({"listed_on": iso_ms(work.now)[:10], "source": "SDN"} | facts)),
    )


def strike_listed(work: Work, name: str) -> bool:
    return work.db.execute("DELETE FROM lf_listed WHERE name = ?", (name,)).rowcount > 0


def screen(work: Work, given: Any) -> Json:
    asked = _read(given)
    matches = _matches(work, asked)
    screening_id = work.identity("scr")
    shown = {
        "id": screening_id,
        "object": "screening",
        "status": "potential_match" if matches else "clear",
        "match_count": len(matches),
        "matches": matches,
        "screened_at": iso_ms(work.now),
        "data_sources_checked": list(SOURCES),
    }
    kept = json.dumps(shown, default=str)
    work.db.execute(
        f"INSERT INTO {TABLE} (id, facts, created_at) VALUES (?, ?, ?)",
        (screening_id, kept, work.now),
    )
    events.emit(work, "screening.completed", shown)
    return shown


def screen_batch(work: Work, given: Any) -> Json:
    entities = given.get("entities") if isinstance(given, dict) else None
    if not isinstance(entities, list) or not entities:
        raise Refused(400, "missing_parameter", "entities is missing", key="entities")
    if len(entities) > MOST_IN_A_BATCH:
        raise Refused(400, "SANCTIONS_002", "At most 100 cases", key="entities")
    found = [screen(work, entity) for entity in entities]
    return {"object": "list", "data": found, "has_more": False}


def _read(given: Any) -> Json:
    body = Body(given)
    name = body.text("name")
    if not name or not name.strip():
        raise Refused(400, "SANCTIONS_003", "name is missing", key="name")
    kind = body.text("type")
    if kind not in (None, "individual", "business"):
        raise Refused(400, "SANCTIONS_004", "type must be individual or business", key="type")
    born = body.matching("date_of_birth", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date")
    country = body.matching("country", "[A-Z]{2}", "two letters")
    return {"name": name, "type": kind, "date_of_birth": born, "country": country}


def _matches(work: Work, asked: Json) -> list[Json]:
    rows = work.db.execute("SELECT facts FROM lf_listed ORDER BY name").fetchall()
    found = [_match(asked, json.loads(row["facts"])) for row in rows]
    return sorted((hit for hit in found if hit), key=lambda hit: -hit["score"])


def _match(asked: Json, listed: Json) -> Json | None:
    mine, theirs = _words(asked["name"]), _words(listed["name"])
    shared = Decimal(2 * len(mine & theirs)) / (len(mine) + len(theirs))
    birthdays = {asked["date_of_birth"], listed.get("date_of_birth")}
    if None not in birthdays:
        shared += Decimal("0.05") if len(birthdays) == 1 else Decimal("-0.10")
    score = min(Decimal(1), shared).quantize(Decimal("0.01"))
    if score < LEAST:
        return None
    source = listed["source"]
    return {
        "score": score,
        "source": source,
        "source_name": SOURCES.get(source, (source,))[0],
        "matched_name": listed["name"],
        "match_type": "name_exact" if mine == theirs else "name_fuzzy",
        "entity_type": listed.get("type", "individual"),
        "sanctions_programs": PROGRAMS.get(source, []),
        "listed_on": listed["listed_on"],
        "remarks": listed.get("remarks") or _remarks(listed),
    }


def _remarks(listed: Json) -> str:
    told = {"DOB": listed.get("date_of_birth"), "Nationality": listed.get("country")}
    return "; ".join(f"{name} {value}" for name, value in told.items() if value)


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return set(letters.casefold().replace(",", " ").split())


def listed(work: Work, args: dict[str, str]) -> Json:
    return page(work, TABLE, _shape, args)


def get(work: Work, screening_id: str) -> Json:
    row = work.db.execute(f"SELECT * FROM {TABLE} WHERE id = ?", (screening_id,)).fetchone()
    if row is None:
        raise not_found("Screening", screening_id)
    return _shape(row)


def sources(work: Work) -> Json:
    synced = work.now - work.now % DAY
    return {
        "object": "list",
        "data": [
            {
                "code": code,
                "name": name,
                "country": country,
                "total_records": records,
                "publish_date": iso_ms(synced - DAY)[:10],
                "download_date": iso_ms(synced),
                "status": "active",
            }
            for code, (name, country, records) in SOURCES.items()
        ],
        "has_more": False,
    }


def refresh(work: Work) -> Json:
    return {
        "status": "refreshing",
        "requested_at": iso_ms(work.now),
        "estimated_completion": iso_ms(work.now + 5 * MINUTE),
    }


def _shape(row: sqlite3.Row) -> Json:
    shown: Json = json.loads(row["facts"])
    for hit in shown["matches"]:
        hit["score"] = Decimal(hit["score"])
    return shown
