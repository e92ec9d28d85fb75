"""What is read of customers at Lux Financial, and what it costs of the day's calls."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from customers import feeds, mirror
from customers.mirror import Listed
from customers.models import Customer, ExternalAccount, Profile, Wallet
from tests.customers.factories import NOW, ExternalAccountFactory, WalletFactory
from tests.customers.lux import Place
from upstreams import feeds as running
from upstreams import health
from upstreams.enums import RunState, Upstream
from upstreams.lux.schemas import parse_external_account, parse_wallet
from upstreams.models import FeedRun, FeedState, RefusedRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch, lux_place: Place) -> None:
    """Three to a page: lists need not be long to have many."""

    def small(method: Any) -> Any:
        return lambda **filters: method(limit=3, **filters)

    client = lux_place.client
    for name in ("list_customers", "list_wallets", "list_external_accounts"):
        monkeypatch.setattr(client, name, small(getattr(client, name)), raising=False)


def read(name: str, state: RunState = RunState.DONE, **options: Any) -> FeedRun:
    run = running.run(name, **options)
    assert run is not None
    assert run.state == state, run.error
    return run


def rest(name: str) -> None:
    """Let the pause after a whole list pass."""
    row = FeedState.objects.get(name=name)
    row.cursor = {**row.cursor, "read_at": "2026-01-01T00:00:00+00:00"}
    row.save(update_fields=["cursor"])


class TestCustomers:
    def test_come_whole_page_by_page(self, lux_place: Place) -> None:
        people = [lux_place.newcomer() for _ in range(7)]

        run = read(feeds.CUSTOMERS)

        assert (run.pages, run.created) == (3, 7)
        assert Profile.objects.count() == len(people)
        assert Customer.objects.filter(identities__upstream=Upstream.LUX).count() == 7

    def test_follow_what_changed(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()
        lux_place.newcomer()
        read(feeds.CUSTOMERS)
        lux_place.pass_time(60)
        lux_place.approve(amara)
        rest(feeds.CUSTOMERS)

        run = read(feeds.CUSTOMERS)

        assert (run.changed, run.unchanged) == (1, 1)
        approved = Profile.objects.get(kyc_status="approved")
        assert "can_wire_transfer" in approved.endorsements

    def test_rest_after_a_whole_list(self, lux_place: Place) -> None:
        lux_place.newcomer()
        read(feeds.CUSTOMERS)
        lux_place.calls.clear()

        assert read(feeds.CUSTOMERS).pages == 0
        assert lux_place.calls == []

    def test_are_all_read_when_somebody_asks_for_it(self, lux_place: Place) -> None:
        lux_place.newcomer()
        read(feeds.CUSTOMERS)

        assert read(feeds.CUSTOMERS, full=True).read == 1

    def test_are_read_on_where_a_run_died(self, lux_place: Place) -> None:
        for _ in range(7):
            lux_place.newcomer()
        first = lux_place.client.list_customers()
        FeedState.objects.create(
            name=feeds.CUSTOMERS,
            upstream=Upstream.LUX,
            cursor={"after": first.cursor, "pages": 1},
        )

        run = read(feeds.CUSTOMERS)

        assert run.read == 4
        assert FeedState.objects.get().cursor["pages"] == 3

    def test_begin_anew_where_their_cursor_is_no_longer_taken(self, lux_place: Place) -> None:
        lux_place.newcomer()
        FeedState.objects.create(
            name=feeds.CUSTOMERS, upstream=Upstream.LUX, cursor={"after": "cur_old", "pages": 1}
        )

        run = read(feeds.CUSTOMERS)

        assert "begins anew" in run.error
        assert read(feeds.CUSTOMERS).created == 1

    @pytest.mark.parametrize("kind", ["cursor", "page", "empty"])
    def test_without_an_end_are_read_no_further(self, lux_place: Place, kind: str) -> None:
        for _ in range(3 if kind != "empty" else 0):
            lux_place.newcomer()
        lux_place.control("/lux/manners", {"endless": kind})

        run = read(feeds.CUSTOMERS)

        assert "read no further" in run.error
        assert run.pages < 10
        assert read(feeds.CUSTOMERS).pages == 0  # it rests as long as any other

    def test_that_are_deleted_are_found_in_a_list_of_their_own(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()
        read(feeds.CUSTOMERS)
        lux_place.pass_time(60)
        lux_place.client.delete_customer(amara.id)

        read(feeds.DELETED)

        assert Profile.objects.get().status == "deleted"

    def test_that_cannot_be_read_are_set_aside(self, lux_place: Place) -> None:
        amara, _ = lux_place.newcomer(), lux_place.newcomer()
        lux_place.change(amara, endorsements="all of them")

        run = read(feeds.CUSTOMERS)

        assert (run.created, run.refused) == (1, 1)
        assert RefusedRecord.objects.get().record_id == amara.id


class TestNewCustomers:
    def test_are_read_until_nobody_is_new(self, lux_place: Place) -> None:
        for _ in range(9):
            lux_place.newcomer()
        read(feeds.CUSTOMERS)
        lux_place.newcomer()
        lux_place.calls.clear()

        run = read(feeds.NEW)

        assert (run.created, run.unchanged) == (1, 5)
        assert len(lux_place.calls) == 2

    def test_cost_one_call_where_there_are_none(self, lux_place: Place) -> None:
        lux_place.newcomer()
        read(feeds.NEW)
        lux_place.calls.clear()

        read(feeds.NEW)

        assert len(lux_place.calls) == 1

    def test_make_the_provider_fresh(self, lux_place: Place, settings: Any) -> None:
        settings.LUX_API_KEY = "sk_test_x"
        for feed in running.registered():
            if feed.upstream == Upstream.LUX and feed.name.startswith(("lux.c", "lux.w", "lux.e")):
                read(feed.name)

        assert health.status(Upstream.LUX, timezone.now()).state == health.State.FRESH


class TestWallets:
    def test_are_kept_with_their_owners(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()
        wallet = lux_place.wallet(amara)

        run = read(feeds.WALLETS)  # before anybody told of her

        row = Wallet.objects.get()
        assert (run.created, row.upstream_id, row.kind) == (1, wallet.id, "custodial")
        assert row.customer.identities.get().upstream_id == amara.id
        rest(feeds.WALLETS)
        assert read(feeds.WALLETS).unchanged == 1

    def test_are_looked_into_in_turns(
        self, lux_place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        amara = lux_place.newcomer()
        for amount in ("1.50", "2.50", "3.50"):
            lux_place.fill(lux_place.wallet(amara), amount)
        read(feeds.WALLETS)
        monkeypatch.setattr(feeds, "balances_per_run", lambda: 2)

        read(feeds.BALANCES)
        read(feeds.BALANCES)

        told = [Decimal(row.balances[0]["balance"]) for row in Wallet.objects.order_by("pk")]
        assert told == [Decimal("3.50"), Decimal("2.50"), Decimal("1.50")]
        assert all(row.total_usd for row in Wallet.objects.all())

    def test_that_are_there_no_more_keep_nobody_waiting(self, lux_place: Place) -> None:
        gone = WalletFactory(upstream_id="wal_gone")

        run = read(feeds.BALANCES)

        assert "wal_gone" in run.error
        gone.refresh_from_db()
        assert gone.balances_at is not None
        assert gone.balances == []

    def test_without_an_owner_are_set_aside(self) -> None:
        told = parse_wallet({"id": "wal_1", "type": "mpc"})

        counts = mirror.store_wallets([told], at=NOW)

        assert [item.reason for item in counts.refused] == ["customer_id is missing"]


class TestExternalAccounts:
    def test_are_kept_and_unlisted_when_they_are_gone(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()
        kept, gone = lux_place.account(amara), lux_place.account(amara, address="0x" + "cd" * 20)
        read(feeds.ACCOUNTS)
        lux_place.client.delete_external_account(gone.id)
        rest(feeds.ACCOUNTS)

        run = read(feeds.ACCOUNTS)

        assert run.changed == 1
        listed = ExternalAccount.objects.filter(is_listed=True)
        assert [row.upstream_id for row in listed] == [kept.id]

    def test_a_half_read_list_unlists_nothing(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()
        for number in range(5):
            lux_place.account(amara, address=f"0x{number:040}")
        read(feeds.ACCOUNTS)
        first = lux_place.client.list_external_accounts()
        FeedState.objects.filter(name=feeds.ACCOUNTS).update(
            cursor={"after": first.cursor, "pages": 1}
        )

        read(feeds.ACCOUNTS)

        assert ExternalAccount.objects.filter(is_listed=True).count() == 5

    def test_that_come_back_are_listed_again(self) -> None:
        row = ExternalAccountFactory(is_listed=False)
        raw = {"id": row.upstream_id, "type": row.kind, "status": "verified"}

        mirror.store_accounts([parse_external_account(raw)], at=NOW)

        row.refresh_from_db()
        assert row.is_listed
        assert row.status == "verified"

    def test_need_not_say_again_whose_they_are(self) -> None:
        row = ExternalAccountFactory()
        owner = row.customer_id
        raw = {"id": row.upstream_id, "type": row.kind, "status": "failed"}

        counts = mirror.store_accounts([parse_external_account(raw)], at=NOW)

        row.refresh_from_db()
        assert (counts.changed, row.status, row.customer_id) == (1, "failed", owner)

    def test_of_nobody_are_set_aside(self) -> None:
        raw = {"id": "ext_new", "type": "crypto_address", "status": "verified"}

        counts = mirror.store_accounts([parse_external_account(raw)], at=NOW)

        assert [item.reason for item in counts.refused] == ["customer_id is missing"]

    def test_an_empty_list_unlists_all(self) -> None:
        ExternalAccountFactory()

        assert mirror.store_accounts([Listed(frozenset())], at=NOW).changed == 1


class TestBudget:
    """Of 10,000 calls a day, four in five for what runs by itself."""

    def test_all_of_it_stays_below_what_others_need(self, settings: Any) -> None:
        settings.LUX_RATE_LIMIT_RPD = 10_000
        often = timedelta(days=1) / feeds.OFTEN
        shares = sum(feeds.SHARES.values())

        assert often + shares * 10_000 < 0.6 * 10_000

    def test_balances_keep_to_their_share(self, settings: Any) -> None:
        settings.LUX_RATE_LIMIT_RPD = 10_000
        runs = timedelta(days=1) / feeds.BALANCES_EVERY

        assert 0 < feeds.balances_per_run() * runs <= 10_000 * feeds.SHARES[feeds.BALANCES]

    @pytest.mark.parametrize("pages", [1, 10, 1000])
    def test_a_long_list_rests_long(self, settings: Any, pages: int) -> None:
        settings.LUX_RATE_LIMIT_RPD = 10_000
        a_day = timedelta(days=1) / feeds.pause_after(feeds.CUSTOMERS, pages) * pages

        assert a_day == pytest.approx(1_000, rel=0.01)

    def test_a_larger_plan_reads_oftener(self, settings: Any) -> None:
        settings.LUX_RATE_LIMIT_RPD = 1_000_000

        assert feeds.balances_per_run() == feeds.MOST_BALANCES
        assert feeds.pause_after(feeds.CUSTOMERS, 100) < timedelta(minutes=2)
