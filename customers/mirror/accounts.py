"""Customers' bank accounts and addresses elsewhere, as Lux Financial lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction

from customers.columns import longest
from customers.mirror.learning import Told, learn
from customers.models import ExternalAccount, Identity
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import ExternalAccountRecord
from upstreams.records import RefusedItem

_TOLD: Final = (
    *("customer", "kind", "account_name", "bank_name", "last_4", "chain", "address", "country"),
    *("status", "verification_method", "created_at", "is_listed", "raw", "digest", "seen_at"),
)
_EXACT: Final = {
    "upstream_id": "id",
    "kind": "type",
    "last_4": "last_4",
    "chain": "chain",
    "address": "address",
    "country": "country",
    "status": "status",
    "verification_method": "verification_method",
}


@dataclass(frozen=True)
class Listed:
    """The end of a list that was read whole: the ids of all that it named."""

    ids: frozenset[str] = field(repr=False)


def store_accounts(
    records: Sequence[ExternalAccountRecord | Listed], *, at: datetime
) -> StoreCounts:
    """Keep the accounts that are listed; what a whole list leaves out was taken away.

    What has not changed costs no write. Whom one belongs to is made known where it was not.
    """
    told = {one.id: one for one in records if isinstance(one, ExternalAccountRecord)}
    known = {
        row.upstream_id: row
        for row in ExternalAccount.objects.filter(upstream_id__in=told).only(
            "upstream_id", "digest", "is_listed", "customer_id"
        )
    }
    refused = [
        RefusedItem(key[:120], one.raw, reason)
        for key, one in told.items()
        if (reason := _misfit(one, known))
    ]
    seen = {key: one for key, one in told.items() if not _misfit(one, known)}
    news = [one for key, one in seen.items() if _is_news(one, known.get(key))]
    with transaction.atomic():
        if news:
            _write(news, known, at=at)
        gone = sum(_unlist(one) for one in records if isinstance(one, Listed))
    created = sum(one.id not in known for one in news)
    return StoreCounts(
        created=created,
        changed=len(news) - created + gone,
        unchanged=len(seen) - len(news),
        refused=refused,
    )


def take_off_list(account_id: str) -> None:
    """Note that this account was taken away, as we asked. A list may tell otherwise later."""
    ExternalAccount.objects.filter(upstream_id=account_id).update(is_listed=False)


def _is_news(record: ExternalAccountRecord, known: ExternalAccount | None) -> bool:
    return known is None or not known.is_listed or known.digest != record.digest


def _write(
    news: Sequence[ExternalAccountRecord],
    known: Mapping[str, ExternalAccount],
    *,
    at: datetime,
) -> None:
    owners = learn([Told(one.customer_id) for one in news], upstream=Upstream.LUX, at=at)
    rows = []
    for one in news:
        customer_id = owners.get(one.customer_id) or known[one.id].customer_id
        rows.append(_account(one, customer_id, at=at))
    ExternalAccount.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["upstream_id"],
        update_fields=_TOLD,
    )


def _unlist(whole: Listed) -> int:
    listed = ExternalAccount.objects.filter(is_listed=True).values_list("pk", "upstream_id")
    gone = [pk for pk, upstream_id in listed if upstream_id not in whole.ids]
    return ExternalAccount.objects.filter(pk__in=gone).update(is_listed=False) if gone else 0


def _misfit(record: ExternalAccountRecord, known: Mapping[str, ExternalAccount]) -> str:
    """Why it fits our columns not; "" when it does. Whose it is need not be said again."""
    if not record.customer_id and record.id not in known:
        return "customer_id is missing"
    if len(record.customer_id) > (longest(Identity, "upstream_id") or 0):
        return "customer_id is too long"
    for column, name in _EXACT.items():
        if len(getattr(record, name)) > (longest(ExternalAccount, column) or 0):
            return f"{name} is too long"
    return ""


def _account(record: ExternalAccountRecord, customer_id: int, *, at: datetime) -> ExternalAccount:
    return ExternalAccount(
        customer_id=customer_id,
        account_name=record.account_name[: longest(ExternalAccount, "account_name")],
        bank_name=record.bank_name[: longest(ExternalAccount, "bank_name")],
        created_at=record.created_at,
        is_listed=True,
        raw=record.raw,
        digest=record.digest,
        seen_at=at,
        **{column: getattr(record, name) for column, name in _EXACT.items()},
    )
