"""What payments reads from Lumetrade, and how often. There are no webhooks: polls are all we have.

Every list comes whole each time, without pages. What is young and open is read one by one every
minute; everything, what was completed and may still be reversed too, every quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.conf import settings

from payments import mirror, openings
from payments.enums import Kind, SeenBy
from payments.mirror import Listed, Sighting, TradeSeen, Whole
from payments.models import Payment, Trade
from upstreams import clock
from upstreams.enums import Upstream
from upstreams.errors import NotFound
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.lumetrade import stages
from upstreams.lumetrade.client import FEED_LEASE, get_client
from upstreams.lumetrade.schemas import (
    AccountRecord,
    BeneficiaryRecord,
    DepositRecord,
    TradeRecord,
    WithdrawalRecord,
)
from upstreams.records import Batch

WITHDRAWALS: Final = "lumetrade.withdrawals"
DEPOSITS: Final = "lumetrade.deposits"
OPEN: Final = "lumetrade.open"
ACCOUNTS: Final = "lumetrade.accounts"
BENEFICIARIES: Final = "lumetrade.beneficiaries"
TRADES: Final = "lumetrade.trades"
OPEN_TRADES: Final = "lumetrade.open_trades"
WALLETS: Final = "lumetrade.wallets"
CURRENCIES: Final = "lumetrade.currencies"

MOST_ONE_BY_ONE: Final = 10  # a whole list is one call of the sixty that we have in a minute

Movements: TypeAlias = Iterable[Batch[WithdrawalRecord] | Batch[DepositRecord]]


def register_feeds() -> None:
    whole = timedelta(seconds=settings.LUMETRADE_POLL_FULL)
    often = timedelta(seconds=settings.LUMETRADE_POLL_OPEN)
    for name, label, every, pages, store in (
        (WITHDRAWALS, "Withdrawals", whole, read_withdrawals, store_movements),
        (DEPOSITS, "Deposits", whole, read_deposits, store_movements),
        (OPEN, "Movements that are still open", often, read_open, store_movements),
        (ACCOUNTS, "Accounts", timedelta(seconds=30), read_accounts, store_accounts),
        (BENEFICIARIES, "Beneficiaries", whole, read_beneficiaries, store_beneficiaries),
        (TRADES, "Trades", whole, read_trades, store_trades),
        (OPEN_TRADES, "Trades that are still open", often, read_open_trades, store_trades),
        (WALLETS, "Ways to pay in", whole, read_wallets, store_wallets),
        (CURRENCIES, "Currencies", whole, read_currencies, store_currencies),
    ):
        register(
            Feed(
                name=name,
                upstream=Upstream.LUMETRADE,
                label=label,
                every=every,
                pages=pages,
                store=store,
                lease=FEED_LEASE,
            )
        )


def read_withdrawals(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every withdrawal."""
    yield from _sightings(get_client().list_withdrawals())


def read_deposits(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every deposit."""
    yield from _sightings(get_client().list_deposits())


def read_open(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """What is open and young, one by one; whole lists where that is cheaper.

    What is old waits for the whole lists: nobody looks at it more often (`stages.next_look`).
    """
    patient = timedelta(seconds=settings.LUMETRADE_POLL_FULL)
    client = get_client()
    for kind in (Kind.WITHDRAWAL, Kind.DEPOSIT):
        ids = [
            upstream_id
            for upstream_id, created_at in Payment.objects.filter(
                upstream=Upstream.LUMETRADE, kind=kind
            )
            .open()
            .order_by("-created_at", "-pk")
            .values_list("upstream_id", "created_at")
            if stages.next_look(now - created_at) < patient
        ]
        is_paid_out = kind == Kind.WITHDRAWAL
        if len(ids) > MOST_ONE_BY_ONE:
            yield from _sightings(
                client.list_withdrawals() if is_paid_out else client.list_deposits()
            )
            continue
        get = client.get_withdrawal if is_paid_out else client.get_deposit
        for upstream_id in ids:
            asked_at = clock.database_now()
            try:
                yield FeedPage(records=[Sighting(get(upstream_id), asked_at)])
            except NotFound:
                yield FeedPage(records=[], remark=f"{upstream_id} is there no more.")


def read_accounts(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every account. They count from before the call, not from when it was answered."""
    page = get_client().list_accounts()
    yield FeedPage(records=[(now, account) for account in page.items], refused=page.refused)


def read_beneficiaries(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every confirmed beneficiary, and at the end which they were, unless some are unreadable."""
    ids: set[str] = set()
    is_whole = True
    for batch in get_client().list_beneficiaries():
        ids.update(record.id for record in batch.items)
        is_whole = is_whole and not batch.refused
        yield FeedPage(records=batch.items, refused=batch.refused)
    if is_whole:
        yield FeedPage(records=[Listed(frozenset(ids))])


def read_trades(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every trade, with its fills."""
    yield from _trades_seen(get_client().list_trades())


def read_open_trades(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Trades that are open and young, one by one; the whole list where that is cheaper."""
    patient = timedelta(seconds=settings.LUMETRADE_POLL_FULL)
    client = get_client()
    ids = [
        upstream_id
        for upstream_id, created_at in Trade.objects.filter(upstream=Upstream.LUMETRADE)
        .open()
        .order_by("-created_at", "-pk")
        .values_list("upstream_id", "created_at")
        if stages.next_look(now - created_at) < patient
    ]
    if len(ids) > MOST_ONE_BY_ONE:
        yield from _trades_seen(client.list_trades())
        return
    for upstream_id in ids:
        asked_at = clock.database_now()
        try:
            yield FeedPage(records=[TradeSeen(client.get_trade(upstream_id), asked_at)])
        except NotFound:
            yield FeedPage(records=[], remark=f"{upstream_id} is there no more.")


def read_wallets(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """How money comes into each account."""
    listed = get_client().list_wallets()
    yield FeedPage(records=[Whole(listed)], refused=listed.refused)


def read_currencies(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """The currencies that accounts are kept in."""
    listed = get_client().list_currencies()
    yield FeedPage(records=[Whole(listed)], refused=listed.refused)


def store_movements(records: Sequence[Sighting], at: datetime) -> StoreCounts:
    return mirror.store_payments(records, seen_by=SeenBy.POLL, at=at, source=mirror.LUMETRADE)


def store_accounts(records: Sequence[tuple[datetime, AccountRecord]], at: datetime) -> StoreCounts:
    if not records:
        return StoreCounts()
    counts = mirror.store_balances(
        [mirror.balance_of(account) for _, account in records],
        at=records[0][0],
        upstream=Upstream.LUMETRADE,
    )
    openings.settle_held({account.currency for _, account in records}, at=at)
    return counts


def store_beneficiaries(records: Sequence[BeneficiaryRecord | Listed], at: datetime) -> StoreCounts:
    return mirror.store_beneficiaries(records, at=at)


def store_trades(records: Sequence[TradeSeen], at: datetime) -> StoreCounts:
    return mirror.store_trades(records, at=at)


def store_wallets(records: Sequence[Whole], at: datetime) -> StoreCounts:
    (whole,) = records
    return mirror.store_wallets(whole.batch, at=at)


def store_currencies(records: Sequence[Whole], at: datetime) -> StoreCounts:
    (whole,) = records
    return mirror.store_currencies(whole.batch)


def _trades_seen(batches: Iterable[Batch[TradeRecord]]) -> Iterator[FeedPage]:
    asked_at = clock.database_now()
    for batch in batches:
        yield FeedPage(
            records=[TradeSeen(record, asked_at) for record in batch.items], refused=batch.refused
        )


def _sightings(batches: Movements) -> Iterator[FeedPage]:
    asked_at = clock.database_now()
    for batch in batches:
        yield FeedPage(
            records=[Sighting(record, asked_at) for record in batch.items], refused=batch.refused
        )
