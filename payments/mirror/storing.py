"""Storing what an upstream showed, a page at a time, at the cost of what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from django.db import transaction

from customers.mirror import Told, learn
from payments.enums import PaymentStatus, SeenBy
from payments.mirror import turnover
from payments.mirror.alerts import Alerts
from payments.mirror.linking import link
from payments.mirror.merging import Observation, merge
from payments.mirror.observing import Unstorable, observe
from payments.models import Payment
from staff.journal import Journal
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.luxcore.schemas import CustomerRecord
from upstreams.records import RefusedItem

PAGE: Final = 100
PROBE: Final = 500  # how many are asked at once whether they are news
# Somebody waits for the answer to a click or a send: even an unchanged row is looked at anew.
_AWAITED: Final = (SeenBy.CLICK, SeenBy.SEND)
_COLUMNS: Final = (
    "amount",
    "kind",
    "currency",
    "hosted",
    "fee",
    "net",
    "refunded",
    "method",
    "status",
    "upstream_status",
    "status_version",
    "merchant_reference",
    "customer_id",
    "counterparty_name",
    "counterparty",
    "account_key",
    "page_url",
    "description",
    "error_code",
    "error_message",
    "created_at",
    "expires_at",
    "completed_at",
    "raw",
    "digest",
    "stamps",
    "seen_at",
    "seen_by",
    "changed_at",
)


class Shown(Protocol):
    """One payment as a provider showed it once."""

    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def raw(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Source:
    """How the records of one provider are read. `observe` raises Unstorable.

    `customer_of` says whom a record tells of, where this provider tells that at all.
    """

    upstream: Upstream
    observe: Callable[[Any, int | None], Observation]
    customer_of: Callable[[Any], Told | None] = lambda record: None


LUXCORE: Final = Source(
    upstream=Upstream.LUXCORE,
    observe=lambda record, customer_id: observe(record, customer_id=customer_id),
    customer_of=lambda record: _told(record.customer) if record.customer else None,
)


def store_payments(
    records: Sequence[Shown],
    *,
    seen_by: SeenBy,
    at: datetime,
    journal: Journal | None = None,
    source: Source = LUXCORE,
) -> StoreCounts:
    """Merge what a provider showed into our copy, and let our withdrawals follow.

    May be called again with the same records, in any order. What has not changed costs one query
    for 500 records; of the rest each page of 100 is a transaction of its own unless the caller has
    one. A record that does not fit is refused, the rest goes on. A caller with more rows to lock
    afterwards gives a `journal`, and writes it at last.
    """
    created = changed = unchanged = 0
    refused: list[RefusedItem] = []
    for batch in _pages(records, PROBE):
        news, known = _news(batch, source=source, is_awaited=seen_by in _AWAITED)
        unchanged += len(batch) - len(news)
        for page in _pages(news, PAGE):
            with transaction.atomic():
                notes = journal or Journal(by=None, at=at, by_label=source.upstream.label)
                counts = _store_page(
                    page, known, source=source, seen_by=seen_by, at=at, journal=notes
                )
                if journal is None:
                    notes.write()
            created += counts.created
            changed += counts.changed
            unchanged += counts.unchanged
            refused.extend(counts.refused)
    return StoreCounts(created=created, changed=changed, unchanged=unchanged, refused=refused)


def _pages(records: Iterable[Shown], size: int) -> Iterator[list[Shown]]:
    rest = iter(records)
    while page := list(islice(rest, size)):
        yield page


def _news(
    records: list[Shown], *, source: Source, is_awaited: bool
) -> tuple[list[Shown], Set[str]]:
    """Those that do not say what we hold, and the ids of which we hold anything."""
    digests = dict(
        Payment.objects.filter(
            upstream=source.upstream, upstream_id__in={record.id for record in records}
        ).values_list("upstream_id", "digest")
    )
    news = [record for record in records if is_awaited or digests.get(record.id) != record.digest]
    return news, digests.keys()


def _store_page(
    records: list[Shown],
    known: Set[str],
    *,
    source: Source,
    seen_by: SeenBy,
    at: datetime,
    journal: Journal,
) -> StoreCounts:
    is_awaited = seen_by in _AWAITED
    seen, refused = _observed(records, source=source, at=at)
    rows = _locked_rows(seen, source=source, known=known, seen_by=seen_by, at=at)
    alerts = Alerts(at=at, upstream=source.upstream)
    journal.afterwards(alerts.raise_all)
    created = rows.keys() - known
    changed = _merge_all(rows, seen, alerts, created=created, at=at)
    _save([rows[key] for key in (rows if is_awaited else changed)], seen_by=seen_by, at=at)
    touched = rows.keys() if is_awaited else changed | created
    link(sorted((rows[key] for key in touched), key=_by_key), journal=journal)
    journal.afterwards(partial(turnover.count_in, [rows[key] for key in touched]))
    return StoreCounts(
        created=len(created),
        changed=len(changed - created),
        unchanged=len(records) - len(refused) - len(changed | created),
        refused=refused,
    )


def _observed(
    records: Iterable[Shown], *, source: Source, at: datetime
) -> tuple[list[Observation], list[RefusedItem]]:
    """The records in our columns, their customers made known, and those that do not fit."""
    told = [(record, source.customer_of(record)) for record in records]
    customers = learn(
        (customer for _, customer in told if customer is not None),
        upstream=source.upstream,
        at=at,
    )
    seen, refused = [], []
    for record, customer in told:
        try:
            known = customers.get(customer.upstream_id) if customer else None
            seen.append(source.observe(record, known))
        except Unstorable as problem:
            refused.append(RefusedItem(record.id, record.raw, str(problem)))
    return seen, refused


def _locked_rows(
    seen: list[Observation],
    *,
    source: Source,
    known: Iterable[str],
    seen_by: SeenBy,
    at: datetime,
) -> dict[str, Payment]:
    """The row of each payment, locked in the order of keys. New ones are made first.

    Another worker may make the same row at this moment: one of the two waits, then both merge.
    """
    first_of = {one.upstream_id: one for one in reversed(seen)}
    new = sorted(first_of.keys() - set(known))
    Payment.objects.bulk_create(
        [first_of[key].as_new(seen_by=seen_by, at=at) for key in new], ignore_conflicts=True
    )
    rows = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .filter(upstream=source.upstream, upstream_id__in=list(first_of))
        .order_by("pk")
    )
    return {row.upstream_id: row for row in rows}


def _merge_all(
    rows: dict[str, Payment],
    seen: list[Observation],
    alerts: Alerts,
    *,
    created: Set[str],
    at: datetime,
) -> set[str]:
    """Let every observation in; the ids of the payments that changed by it."""
    changed = set()
    for one in seen:
        row = rows[one.upstream_id]
        merged = merge(row, one)
        if merged.contradiction:
            alerts.contradiction(row, merged.contradiction)
        elif merged.changed:
            row.changed_at = at
            changed.add(row.upstream_id)
        is_news = bool(merged.changed) or row.upstream_id in created
        if row.status == PaymentStatus.UNKNOWN and is_news:
            alerts.unknown_word(row)
    return changed


def _save(rows: Iterable[Payment], *, seen_by: SeenBy, at: datetime) -> None:
    rows = sorted(rows, key=_by_key)
    for row in rows:
        row.seen_at = at
        row.seen_by = seen_by
    if rows:
        Payment.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["upstream", "upstream_id"],
            update_fields=_COLUMNS,
        )


def _told(customer: CustomerRecord) -> Told:
    return Told(customer.id, customer.name, customer.email, customer.phone, customer.external_id)


def _by_key(row: Payment) -> int:
    return row.pk
