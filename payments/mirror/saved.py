"""Beneficiaries as a provider lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from customers.columns import longest
from payments import beneficiaries
from payments.models import SavedBeneficiary
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import BeneficiaryRecord
from upstreams.records import RefusedItem

_TOLD: Final = ("currency", "nickname", "details", "created_at", "is_listed", "raw", "digest")
_EXACT: Final = ("currency",)


@dataclass(frozen=True)
class Listed:
    """The end of a list that was read whole: the ids of all that it named."""

    ids: frozenset[str] = field(repr=False)


def store_beneficiaries(
    records: Sequence[BeneficiaryRecord | Listed], *, at: datetime
) -> StoreCounts:
    """Keep what Lumetrade lists; what a whole list leaves out may be paid no more.

    What has not changed costs no write.
    """
    seen = {one.id: one for one in records if isinstance(one, BeneficiaryRecord)}
    refused = [
        RefusedItem(key[:120], one.raw, reason)
        for key, one in seen.items()
        if (reason := _misfit(one))
    ]
    for item in refused:
        seen = {key: one for key, one in seen.items() if key[:120] != item.record_id}
    with transaction.atomic():
        known = dict(_theirs().filter(upstream_id__in=seen).values_list("upstream_id", "digest"))
        unlisted = set(
            _theirs()
            .filter(upstream_id__in=seen, is_listed=False)
            .values_list("upstream_id", flat=True)
        )
        news = [one for key, one in seen.items() if known.get(key) != one.digest or key in unlisted]
        if news:
            _write([_row(one, at=at) for one in news], at=at)
        gone = sum(_unlist(one, at=at) for one in records if isinstance(one, Listed))
    created = sum(one.id not in known for one in news)
    return StoreCounts(
        created=created,
        changed=len(news) - created + gone,
        unchanged=len(seen) - len(news),
        refused=refused,
    )


def _write(rows: list[SavedBeneficiary], *, at: datetime) -> None:
    ids = [row.upstream_id for row in rows]
    before = {row.upstream_id: row for row in _theirs().filter(upstream_id__in=ids)}
    SavedBeneficiary.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["upstream", "upstream_id"],
        update_fields=[*_TOLD, "changed_at"],
    )
    beneficiaries.follow_provider(before, rows, at=at)


def _theirs() -> Any:
    return SavedBeneficiary.objects.filter(upstream=Upstream.LUMETRADE)


def _misfit(record: BeneficiaryRecord) -> str:
    """Why it fits our columns not; "" when it does."""
    if len(record.id) > (longest(SavedBeneficiary, "upstream_id") or 0):
        return "id is too long"
    if len(record.currency) > (longest(SavedBeneficiary, "currency") or 0):
        return "currency is too long"
    return ""


def _row(record: BeneficiaryRecord, *, at: datetime) -> SavedBeneficiary:
    return SavedBeneficiary(
        upstream=Upstream.LUMETRADE,
        upstream_id=record.id,
        currency=record.currency,
        nickname=record.nickname[: longest(SavedBeneficiary, "nickname")],
        details=record.details,
        created_at=record.created_at,
        is_listed=True,
        raw=record.raw,
        digest=record.digest,
        first_seen_at=at,
        changed_at=at,
    )


def _unlist(whole: Listed, *, at: datetime) -> int:
    listed = _theirs().listed().values_list("pk", "upstream_id")
    gone = [pk for pk, upstream_id in listed if upstream_id not in whole.ids]
    if not gone:
        return 0
    changed: int = SavedBeneficiary.objects.filter(pk__in=gone).update(
        is_listed=False, changed_at=at
    )
    return changed
