"""What customers are read from Lux Financial, how often, and what of the day's calls it may cost.

Their lists come newest first, whole, and tell nothing of what changed since. So the newest page is
read every minute, and whole lists as often as their length allows: a plan counts calls by the day,
and what people ask for must find room (§1.3). Changes come by webhook before that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F

from customers import mirror
from customers.mirror import Listed, NotTold
from customers.models import Identity, Wallet
from upstreams.enums import Upstream
from upstreams.errors import BadPayload, NotFound, Rejected
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.lux.calls.base import EndlessList, every_page
from upstreams.lux.client import get_client
from upstreams.lux.schemas import (
    CursorPage,
    CustomerRecord,
    ExternalAccountRecord,
    WalletBalance,
    WalletRecord,
)

NEW: Final = "lux.customers.new"
CUSTOMERS: Final = "lux.customers"
DELETED: Final = "lux.customers.deleted"
WALLETS: Final = "lux.wallets"
BALANCES: Final = "lux.wallets.balances"
ACCOUNTS: Final = "lux.external_accounts"

DAY: Final = timedelta(days=1)
OFTEN: Final = timedelta(minutes=1)
BALANCES_EVERY: Final = timedelta(minutes=2)
MOST_NEW_PAGES: Final = 20  # per run; the whole list brings the rest
MOST_BALANCES: Final = 50  # per run

# Shares of the day's calls. With one a minute for what is new, half of the plan of their sandbox.
SHARES: Final = {CUSTOMERS: 0.10, DELETED: 0.03, WALLETS: 0.05, ACCOUNTS: 0.05, BALANCES: 0.15}

Fetch = Callable[[str], CursorPage[Any]]


def register_feeds() -> None:
    for name, label, every, pages, store in (
        (NEW, "New customers", OFTEN, read_new, store_customers),
        (CUSTOMERS, "Customers", timedelta(minutes=10), read_all, store_customers),
        (DELETED, "Deleted customers", timedelta(hours=1), read_deleted, store_customers),
        (WALLETS, "Wallets", timedelta(minutes=10), read_wallets, store_wallets),
        (BALANCES, "Balances of wallets", BALANCES_EVERY, read_balances, store_balances),
        (ACCOUNTS, "External accounts", timedelta(minutes=10), read_accounts, store_accounts),
    ):
        register(
            Feed(
                name=name,
                upstream=Upstream.LUX,
                label=label,
                every=every,
                pages=pages,
                store=store,
            )
        )


def read_new(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """The newest customers, page by page until one tells of nobody new."""
    client = get_client()
    pages = every_page(lambda after: client.list_customers(cursor=after))
    for number, page in enumerate(pages, start=1):
        unknown = _unknown(page)
        yield FeedPage(records=page.items, refused=page.refused)
        if not unknown or number == MOST_NEW_PAGES:
            return


def read_all(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every customer who is not deleted."""
    client = get_client()
    yield from _whole_list(
        CUSTOMERS, lambda after: client.list_customers(cursor=after), cursor, now, full
    )


def read_deleted(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every deleted customer: other lists hide them (LF-A7)."""
    client = get_client()
    yield from _whole_list(
        DELETED,
        lambda after: client.list_customers(status="deleted", cursor=after),
        cursor,
        now,
        full,
    )


def read_wallets(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every wallet. What is in them is told one by one: see `read_balances`."""
    client = get_client()
    yield from _whole_list(
        WALLETS, lambda after: client.list_wallets(cursor=after), cursor, now, full
    )


def read_balances(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """What is in the wallets that were not looked at for longest, as many as a run may cost."""
    client = get_client()
    asked = F("balances_at").asc(nulls_first=True)
    waiting = Wallet.objects.order_by(asked, "pk").values_list("upstream_id", flat=True)
    for wallet_id in list(waiting[: balances_per_run()]):
        try:
            told = client.wallet_balance(wallet_id)
        except (NotFound, Rejected, BadPayload) as problem:  # the others are not kept waiting
            yield FeedPage(records=[NotTold(wallet_id)], remark=f"{wallet_id}: {problem}.")
            continue
        yield FeedPage(records=[told])


def read_accounts(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every external account, and at the end which they were, where nothing was unreadable."""
    client = get_client()
    ids: set[str] | None = None if _is_half_read(cursor) and not full else set()
    for page in _whole_list(
        ACCOUNTS, lambda after: client.list_external_accounts(cursor=after), cursor, now, full
    ):
        yield page
        if ids is None or page.refused or page.remark:
            ids = None
            continue
        ids.update(record.id for record in page.records)
        if not _is_half_read(page.cursor):
            yield FeedPage(records=[Listed(frozenset(ids))], cursor=page.cursor)


def balances_per_run() -> int:
    """How many wallets may be looked into at once."""
    runs = DAY / BALANCES_EVERY
    return max(1, min(MOST_BALANCES, int(SHARES[BALANCES] * settings.LUX_RATE_LIMIT_RPD / runs)))


def pause_after(name: str, pages: int) -> timedelta:
    """How long a list of so many pages rests until it is read whole again."""
    calls = max(SHARES[name] * float(settings.LUX_RATE_LIMIT_RPD), 1.0)
    return DAY * (pages / calls)


def store_customers(records: Sequence[CustomerRecord], at: datetime) -> StoreCounts:
    return mirror.store_profiles(records, at=at)


def store_wallets(records: Sequence[WalletRecord], at: datetime) -> StoreCounts:
    return mirror.store_wallets(records, at=at)


def store_balances(records: Sequence[WalletBalance | NotTold], at: datetime) -> StoreCounts:
    return mirror.store_balances(records, at=at)


def store_accounts(records: Sequence[ExternalAccountRecord | Listed], at: datetime) -> StoreCounts:
    return mirror.store_accounts(records, at=at)


def _whole_list(
    name: str, fetch: Fetch, cursor: Cursor, now: datetime, full: bool
) -> Iterator[FeedPage]:
    """A list from its newest to its end; from where a run stopped before, if one did.

    The cursor is `after` and `pages` of a list that is half read, `read_at` and `pages` of one that
    was read to its end. A list without an end is read no further, and anew the next time.
    """
    begun = 0 if full or not _is_half_read(cursor) else int(cursor["pages"])
    if not (full or begun or _is_due(name, cursor, now)):
        return
    number = begun
    try:
        for page in every_page(fetch, cursor=str(cursor["after"]) if begun else ""):
            number += 1
            yield FeedPage(
                records=page.items,
                refused=page.refused,
                cursor={"after": page.cursor, "pages": number}
                if page.has_more
                else {"read_at": now.isoformat(), "pages": number},
            )
    except EndlessList as problem:
        cursor = {"read_at": now.isoformat(), "pages": number}
        yield FeedPage(records=[], cursor=cursor, remark=f"{problem}.")
    except Rejected as problem:
        if not begun or number > begun:
            raise
        remark = f"The list could not be read on and begins anew: {problem}."
        yield FeedPage(records=[], remark=remark)


def _is_half_read(cursor: Cursor) -> bool:
    return bool(cursor.get("after"))


def _is_due(name: str, cursor: Cursor, now: datetime) -> bool:
    if "read_at" not in cursor:
        return True
    read_at = datetime.fromisoformat(str(cursor["read_at"]))
    return now >= read_at + pause_after(name, int(cursor.get("pages", 1)))


def _unknown(page: CursorPage[CustomerRecord]) -> set[str]:
    """The ids of this page that nobody told of before."""
    ids = {record.id for record in page.items}
    known = Identity.objects.filter(upstream=Upstream.LUX, upstream_id__in=ids)
    return ids - set(known.values_list("upstream_id", flat=True))
