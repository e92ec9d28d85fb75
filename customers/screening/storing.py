"""Keeping what a screening found: the one place where hits are written by machines.

A verdict is remembered with what was known on both sides (design §6). It stands while both are as
they were, and counts again when they are so again; whatever changed is looked at anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from customers.columns import longest
from customers.enums import HitState, WhyOpen
from customers.models import Customer, Hit, Screening, ScreeningStanding
from customers.screening import comparing, standings
from customers.screening.asking import Asked
from upstreams import strict_json
from upstreams.feeds import StoreCounts
from upstreams.feeds.refused import as_item
from upstreams.lux.schemas import MatchRecord, ScreeningRecord
from upstreams.records import RefusedItem

_UPDATED = ("screening", "version", "asked_digest", "facts", "agreeing", "score", "rank")
_FOLLOWING = ("is_listed", "state", "why_open", "seen_at")


@dataclass(frozen=True)
class Answer:
    """What was asked about a customer, why and when, and what came of it."""

    customer_id: int
    asked: Asked
    asked_at: datetime
    reason: str
    record: ScreeningRecord = field(repr=False)
    by_id: int | None = None

    @property
    def id(self) -> str:
        """By which a refused one is known again."""
        return f"customer {self.customer_id}"

    @property
    def raw(self) -> dict[str, Any]:
        return self.record.raw


def store_screening(answer: Answer, *, at: datetime) -> StoreCounts:
    """Keep one answer; see `store_screenings`."""
    return store_screenings([answer], at=at)


def store_screenings(answers: Sequence[Answer], *, at: datetime) -> StoreCounts:
    """Keep answers about customers, each once, and let their hits follow. So many queries for a
    hundred as for one.

    The customers are locked, so that two answers about one do not overtake each other: an older
    one than was kept already is kept too, and changes nothing else. Call inside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a screening and its hits are kept in one transaction")
    taken, refused = _taken(answers)
    customers = {answer.customer_id for answer in taken}
    list(Customer.objects.select_for_update(no_key=True).filter(pk__in=customers).order_by("pk"))
    known = _known(taken)
    new = [answer for answer in taken if answer.record.id not in known]
    created = Screening.objects.bulk_create(_row(answer, at) for answer in new)
    rows = known | {row.upstream_id: row for row in created}
    told_anew = [
        answer
        for answer in taken
        if answer.record.id in known and known[answer.record.id].raw != answer.record.raw
    ]
    for answer in told_anew:
        _write_over(rows[answer.record.id], answer, at)
    changed = _merge([*new, *told_anew], rows, at=at)
    return StoreCounts(
        created=len(new),
        changed=changed,
        unchanged=len(taken) - len(new) - len(told_anew),
        refused=refused,
    )


def _taken(answers: Iterable[Answer]) -> tuple[list[Answer], list[RefusedItem]]:
    """Those that can be kept, one for each screening; an id may not be cut."""
    by_id: dict[str, Answer] = {}
    refused = []
    most = longest(Screening, "upstream_id") or 0
    for answer in answers:
        if len(answer.record.id) > most:
            refused.append(as_item(answer, "The id of the screening is too long."))
        else:
            by_id[answer.record.id] = answer
    return list(by_id.values()), refused


def _known(answers: Sequence[Answer]) -> dict[str, Screening]:
    """The screenings that are kept already; one of somebody else's is none of this customer's."""
    ids = {answer.record.id: answer.customer_id for answer in answers}
    rows = Screening.objects.filter(upstream_id__in=ids)
    found = {row.upstream_id: row for row in rows}
    for upstream_id, row in found.items():
        if row.customer_id != ids[upstream_id]:
            raise ValueError("one screening about two customers")
    return found


def _row(answer: Answer, at: datetime) -> Screening:
    row = Screening(
        customer_id=answer.customer_id,
        upstream_id=answer.record.id,
        reason=answer.reason,
        asked=answer.asked.as_json(),
        asked_digest=answer.asked.digest,
        asked_at=answer.asked_at,
        by_id=answer.by_id,
    )
    _tell(row, answer, at)
    return row


def _tell(row: Screening, answer: Answer, at: datetime) -> None:
    record = answer.record
    row.status = record.status[: longest(Screening, "status")]
    row.match_count = max(record.match_count, len(record.matches))
    row.sources, row.raw = record.sources_checked, record.raw
    row.screened_at = record.screened_at or at


def _write_over(row: Screening, answer: Answer, at: datetime) -> None:
    _tell(row, answer, at)
    row.save(update_fields=["status", "match_count", "sources", "raw", "screened_at"])


# --- Hits -----------------------------------------------------------------------------------------


def _merge(answers: Sequence[Answer], rows: dict[str, Screening], *, at: datetime) -> int:
    """Let hits follow the newest answer about each customer; returns how many opened."""
    stands, followed = _newest(answers)
    if not followed:
        return 0
    hits: dict[int, dict[str, Hit]] = defaultdict(dict)
    for hit in Hit.objects.filter(customer__in=followed).order_by("pk"):
        hits[hit.customer_id][hit.entity] = hit
    written: list[Hit] = []
    were_open = {hit.pk for mine in hits.values() for hit in mine.values() if hit.is_open}
    for key, answer in followed.items():
        screening = rows[answer.record.id]
        written += _follow_answer(hits[key], answer, screening, at=at)
        stand = stands.setdefault(key, ScreeningStanding(customer_id=key))
        stand.screening, stand.asked_at = screening, answer.asked_at
        stand.screened_at = screening.screened_at
        standings.count(stand, hits[key].values())
    opened = sum(hit.is_open and hit.pk not in were_open for hit in written)
    Hit.objects.bulk_update([hit for hit in written if hit.pk], [*_UPDATED, *_FOLLOWING])
    Hit.objects.bulk_create([hit for hit in written if not hit.pk])
    standings.keep(stands[key] for key in sorted(followed))
    return opened


def _newest(
    answers: Sequence[Answer],
) -> tuple[dict[int, ScreeningStanding], dict[int, Answer]]:
    """Where these customers stand, and the newest answer about each that is newer than that."""
    newest: dict[int, Answer] = {}
    for answer in answers:
        before = newest.get(answer.customer_id)
        if before is None or answer.asked_at >= before.asked_at:
            newest[answer.customer_id] = answer
    stands = {row.customer_id: row for row in ScreeningStanding.objects.filter(customer__in=newest)}
    followed = {
        key: answer
        for key, answer in newest.items()
        if key not in stands or stands[key].asked_at <= answer.asked_at
    }
    return stands, followed


def _follow_answer(
    hits: dict[str, Hit], answer: Answer, screening: Screening, *, at: datetime
) -> list[Hit]:
    """Let one customer's hits follow an answer; returns those to be written."""
    listed = _listed(answer.record.matches)
    gone = [hit for entity, hit in hits.items() if hit.is_listed and entity not in listed]
    for hit in gone:
        hit.is_listed = False
    written = gone
    for entity, match in listed.items():
        hit = hits.get(entity) or Hit(
            customer_id=answer.customer_id, entity=entity, first_seen_at=at, why_open=WhyOpen.NEW
        )
        hits[entity] = hit
        _follow(hit, match, answer.asked, screening, at=at)
        written.append(hit)
    return written


def _follow(
    hit: Hit, match: MatchRecord, asked: Asked, screening: Screening, *, at: datetime
) -> None:
    """Take in what is told now, and say whether the verdict stands."""
    hit.screening, hit.seen_at, hit.is_listed = screening, at, True
    hit.version, hit.asked_digest = comparing.version_of(match), asked.digest
    hit.facts = comparing.facts_of(match)
    hit.agreeing = comparing.agreeing(asked, hit.facts)
    hit.score = match.score.quantize(comparing.SCORE_PLACES)
    hit.rank = comparing.rank_of(hit.agreeing, hit.score)
    if hit.verdict:
        why = _what_changed(hit)
        hit.state, hit.why_open = (HitState.OPEN, why) if why else (hit.verdict, "")


def _what_changed(hit: Hit) -> str:
    """What is different from when the newest verdict was given; "" when nothing is."""
    list_changed = hit.version != hit.judged_version
    customer_changed = hit.asked_digest != hit.judged_digest
    if list_changed and customer_changed:
        return WhyOpen.BOTH_CHANGED
    if list_changed:
        return WhyOpen.LIST_CHANGED
    return WhyOpen.CUSTOMER_CHANGED if customer_changed else ""


def _listed(matches: Iterable[MatchRecord]) -> dict[str, MatchRecord]:
    """The matches by the entity they are. Namesakes on one list are told apart by the rest."""
    alike: dict[str, list[MatchRecord]] = defaultdict(list)
    for match in matches:
        alike[comparing.entity_of(match)].append(match)
    found = {}
    for entity, group in alike.items():
        if len(group) == 1:
            found[entity] = group[0]
            continue
        for match in group:
            apart = strict_json.digest([entity, match.listed_on, match.remarks])
            best = found.get(apart)
            if best is None or match.score > best.score:
                found[apart] = match
    return found
