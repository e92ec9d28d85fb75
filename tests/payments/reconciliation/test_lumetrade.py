"""Lumetrade's books: whole lists sorted into days, and drift of every kind that there can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from payments import feeds_lumetrade, tasks
from payments.enums import DriftKind, DriftState, Kind, PaymentStatus, Status
from payments.models import DayTotal, Drift, Payment, Reconciliation, Withdrawal
from payments.reconciliation import lumetrade as books
from payments.reconciliation import money, readers, resolving, running, starting
from payments.references import LUMETRADE_PAYOUT
from payments.rules import payload
from sandbox.lumetrade import movements, trades
from staff import audit
from tests.payments.factories import PaymentFactory, WithdrawalFactory
from tests.payments.lumetrade import Place
from tests.payments.pages.helpers import as_role, client_of, text_of
from tests.payments.reconciliation.conftest import today
from tests.payments.reconciliation.test_every_kind import confirm, resolve, state_of
from tests.sandbox.helpers import NOON
from tests.staff.factories import UserFactory
from upstreams import feeds
from upstreams.enums import CommandState, RunState, Upstream
from upstreams.models import Command

pytestmark = pytest.mark.django_db

YESTERDAY = NOON - timedelta(days=1)
LISTS = (feeds_lumetrade.WITHDRAWALS, feeds_lumetrade.DEPOSITS)


@pytest.fixture
def place(clock: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A day ago, with nothing there yet; time passes with the test's own clock."""
    settings.LUMETRADE_API_KEY = settings.LUMETRADE_API_SECRET = "sandbox"
    made = Place(at=YESTERDAY)
    for asker in ("payments.feeds_lumetrade", "payments.reconciliation.lumetrade"):
        monkeypatch.setattr(f"{asker}.get_client", made.get_client)
    yield made
    made.close()


@pytest.fixture
def travel(place: Place, clock: Any) -> Any:
    """Let it be that moment on both sides."""

    def go(at: datetime) -> None:
        clock.move_to(at)
        place.set_clock(at)

    return go


def read(*names: str) -> None:
    for name in names or LISTS:
        run = feeds.run(name, at=timezone.now())
        assert run is not None
        assert run.state == RunState.DONE, run.error


def compare(**changes: Any) -> Reconciliation:
    given: dict[str, Any] = {
        "upstream": Upstream.LUMETRADE,
        "first_day": today() - timedelta(days=5),
        "last_day": today() - timedelta(days=1),
        "by": None,
        "at": timezone.now(),
    }
    done = running.work(starting.start(**given | changes).pk)
    assert done is not None
    assert done.state == RunState.DONE, done.error
    return done


def found() -> dict[str, str]:
    return dict(Drift.objects.open().values_list("subject", "kind"))


def put_command(withdrawal: Withdrawal) -> None:
    subject_type, subject_id = audit.subject_of(withdrawal)
    Command.objects.create(
        kind=LUMETRADE_PAYOUT,
        upstream=Upstream.LUMETRADE,
        subject_type=subject_type,
        subject_id=subject_id,
        attempt_no=1,
        request=payload(withdrawal),
        request_hash="0" * 64,
        idempotency_key=withdrawal.merchant_reference,
        created_at=YESTERDAY,
        state=CommandState.UNKNOWN,
        next_at=None,
    )


def test_every_kind_is_found_and_closed_by_its_own_resolution(place: Place, travel: Any) -> None:
    travel(YESTERDAY)
    read(feeds_lumetrade.ACCOUNTS)
    travel(YESTERDAY + timedelta(hours=1))
    missing_here, hidden, reversed_there, paid = (place.pay_out(str(n)) for n in range(101, 105))
    renamed, deposit = place.pay_out("105"), place.pay_in(200, "USD")
    for movement in (missing_here, hidden, reversed_there, paid, renamed, deposit):
        place.move(movement, "COMPLETED")
    read()
    unknown = WithdrawalFactory(
        unknown=True,
        upstream=Upstream.LUMETRADE,
        currency="ZAR",
        amount=Decimal("104.00"),
        approved_at=YESTERDAY,
    )
    put_command(unknown)
    Payment.objects.filter(upstream_id__in=[missing_here, deposit]).delete()
    Payment.objects.filter(upstream_id=renamed).update(counterparty_name="Somebody Else")
    travel(NOON + timedelta(hours=1))
    place.move(reversed_there, "REVERSED")
    place.hide(hidden)
    place.set_balance("BTC", 3)
    read(feeds_lumetrade.ACCOUNTS)

    run = compare(last_day=today())

    balances = {f"{currency} {today()}" for currency in ("ZAR", "USD", "BTC")}
    assert found() == {
        missing_here: DriftKind.MISSING_HERE,
        deposit: DriftKind.MISSING_HERE,
        hidden: DriftKind.MISSING_THERE,
        reversed_there: DriftKind.DIFFERS,
        renamed: DriftKind.DIFFERS,
        unknown.code: DriftKind.STUCK,
        **dict.fromkeys(balances, DriftKind.BALANCE),
    }
    assert Drift.objects.get(subject=reversed_there).fields == ["status"]
    assert Drift.objects.get(subject=renamed).fields == ["recipient"]
    assert run.found == 9
    lead, second = as_role("ops_lead"), client_of(UserFactory(roles=["approver"]))
    for subject in (missing_here, deposit, reversed_there, renamed):
        resolve(lead, subject, "accept_theirs")
    assert Payment.objects.get(upstream_id=reversed_there).status == PaymentStatus.RETURNED
    assert Payment.objects.get(upstream_id=deposit).kind == Kind.DEPOSIT
    place.show(hidden)
    resolve(lead, hidden, "read_again")
    there = Payment.objects.get(upstream_id=paid)
    confirm(second, resolve(lead, unknown.code, "link", payment=there.pk))
    unknown.refresh_from_db()
    assert (unknown.status, unknown.payment) == (Status.COMPLETED, there)
    btc = f"BTC {today()}"
    confirm(second, resolve(lead, btc, "write_off"))
    for balance in balances - {btc}:
        resolve(lead, balance, "read_again")
    for resolution_id in resolving.waiting(limit=10):
        tasks.carry_out_resolution(resolution_id=resolution_id)

    assert found() == {}
    assert state_of(btc) == DriftState.WRITTEN_OFF
    again = compare(last_day=today())
    assert (again.found, again.gone) == (0, 0)
    assert audit.verify().ok


def test_counts_a_deposit_on_the_day_it_was_first_seen(place: Place, travel: Any) -> None:
    travel(YESTERDAY)
    deposit, other = place.pay_in(), place.pay_in(50)
    read()
    Payment.objects.filter(upstream_id=other).delete()
    travel(NOON + timedelta(hours=1))
    place.move(deposit, "COMPLETED")
    place.move(other, "COMPLETED")
    read()  # only now the other one is seen

    compare()

    total = DayTotal.objects.get()
    assert (total.day, total.ours_number, total.theirs_number) == (YESTERDAY.date(), 1, 1)
    assert (total.pending, total.matched, total.ours_sum) == (0, 1, 100)
    assert not found()


def test_dates_a_deposit_nobody_holds_by_its_completion_or_else_by_the_last_day(
    place: Place, travel: Any
) -> None:
    travel(YESTERDAY - timedelta(days=2))
    completed, silent = place.pay_in(), place.pay_in(50)
    place.move(completed, "COMPLETED")
    travel(NOON + timedelta(hours=1))

    compare()

    since = dict(Drift.objects.values_list("subject", "since_day"))
    assert since == {
        completed: (YESTERDAY - timedelta(days=2)).date(),
        silent: today() - timedelta(days=1),
    }


def test_goes_on_day_by_day(place: Place, travel: Any) -> None:
    for days in (3, 2, 1):
        travel(NOON - timedelta(days=days))
        place.pay_out(str(100 + days))
    read()
    travel(NOON + timedelta(hours=1))
    run = starting.start(
        upstream=Upstream.LUMETRADE,
        first_day=today() - timedelta(days=3),
        last_day=today() - timedelta(days=1),
        by=None,
        at=timezone.now(),
    )

    progress = []
    while run.is_running:
        worked = running.work(run.pk, seconds=0)
        assert worked is not None, worked
        run = worked
        progress.append((run.read, run.read_until.date()))

    assert progress == [(number, today() - timedelta(days=3 - number)) for number in (1, 2, 3)]
    assert {*found().values()} == {DriftKind.STUCK}  # two are open for days


def test_says_nothing_is_missing_there_while_a_record_cannot_be_read(
    place: Place, travel: Any
) -> None:
    travel(YESTERDAY)
    place.pay_out()
    place.pay_out("102")
    read()
    travel(NOON + timedelta(hours=1))
    place.fault("malformed_record", method="GET", path="/lumetrade/api/v1/withdrawals")

    compare()

    assert not found()


def test_reads_a_stored_record_as_it_was_shown(place: Place, travel: Any) -> None:
    paid = place.pay_out("101.25")
    read()
    row = Payment.objects.get(upstream_id=paid)

    again = books.parse(row.raw, row.kind)

    assert again.seen.digest == row.digest
    assert books.observe(again).values["fee"] == row.fee != row.fee.to_integral_value()


def test_takes_a_deposit_for_one_though_it_tells_when_it_was_made(
    place: Place, travel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = movements.shape
    monkeypatch.setattr(
        movements, "shape", lambda row: show(row) | {"createdAt": "2026-07-14T08:00:00Z"}
    )
    travel(YESTERDAY)
    same, missing = place.pay_in(), place.pay_in(50)
    for deposit in (same, missing):
        place.move(deposit, "COMPLETED")
    read()
    Payment.objects.filter(upstream_id=missing).delete()
    travel(NOON + timedelta(hours=1))

    compare()

    drift = Drift.objects.get()
    assert (drift.subject, drift.theirs["kind"]) == (missing, Kind.DEPOSIT)
    resolve(as_role("ops_lead"), missing, "accept_theirs")
    assert Payment.objects.get(upstream_id=missing).kind == Kind.DEPOSIT
    assert not found()


class TestMovements:
    @pytest.fixture
    def moved(self, place: Place) -> Any:
        """What the payments and trades of that time come to, by currency."""

        def add_up() -> dict[str, Decimal | None]:
            sums: dict[str, Decimal | None] = {}
            for movement in books.movements(YESTERDAY - timedelta(days=1), NOON):
                known = sums.get(movement.currency, Decimal(0))
                untold = movement.amount is None or known is None
                sums[movement.currency] = None if untold else known + movement.amount  # type: ignore[operator]
            return sums

        return add_up

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, Decimal("-105")),
            ({"kind": Kind.DEPOSIT}, Decimal("95")),
            ({"fee": None}, None),
            ({"status": PaymentStatus.RETURNED}, Decimal("0")),
            ({"status": PaymentStatus.RETURNED, "completed_at": None}, None),
        ],
    )
    def test_are_what_payments_took_and_brought(
        self, moved: Any, changes: dict[str, Any], expected: Decimal | None
    ) -> None:
        given: dict[str, Any] = {
            "upstream": Upstream.LUMETRADE,
            "kind": Kind.WITHDRAWAL,
            "currency": "ZAR",
            "amount": Decimal(100),
            "fee": Decimal(5),
            "status": PaymentStatus.COMPLETED,
            "completed_at": YESTERDAY,
            "changed_at": YESTERDAY,
        }
        PaymentFactory(**given | changes)
        PaymentFactory(**given | {"status": PaymentStatus.FAILED})

        assert moved() == {"ZAR": expected}

    def test_add_up_with_trades_and_reversals(self, place: Place, travel: Any) -> None:
        travel(YESTERDAY)
        read(feeds_lumetrade.ACCOUNTS)
        travel(YESTERDAY + timedelta(hours=1))
        out, into = place.pay_out(), place.pay_in(300)
        place.move(out, "COMPLETED")
        place.move(into, "COMPLETED")
        trade = place.exchange("100", "ZAR", "USD")
        undone = place.exchange("50", "USD", "ZAR")
        travel(NOON)
        for each in (trade, undone):
            place.move(each, "COMPLETED")
        place.move(undone, "REVERSED")
        place.move(out, "REVERSED")
        place.pay_out("33")  # open: locked, and still there
        read()
        travel(NOON + timedelta(hours=1))
        read(feeds_lumetrade.ACCOUNTS)

        verdicts = list(money.judge(readers.get(Upstream.LUMETRADE), today(), today()))

        assert [verdict.finding for verdict in verdicts if verdict.finding] == []
        assert {verdict.subject[:3] for verdict in verdicts} >= {"ZAR", "USD"}

    @pytest.mark.parametrize(
        ("broken", "judged"),
        [
            ({"fromAmount": "x"}, set()),
            ({"fromAmount": "x", "completedAt": None}, set()),
            ({"toCurrency": None}, set()),
            ({"fromAmount": "x", "fromCurrency": "BTC", "toCurrency": "USDT"}, {"USD", "ZAR"}),
        ],
    )
    def test_says_nothing_of_what_an_unreadable_trade_may_have_moved(
        self, place: Place, travel: Any, monkeypatch: pytest.MonkeyPatch, broken: Any, judged: Any
    ) -> None:
        travel(YESTERDAY)
        read(feeds_lumetrade.ACCOUNTS)
        travel(NOON)
        place.move(place.exchange("100", "ZAR", "USD"), "COMPLETED")
        read(feeds_lumetrade.ACCOUNTS)
        show = trades.shape
        monkeypatch.setattr(trades, "shape", lambda row, fills: show(row, fills) | broken)

        verdicts = list(money.judge(readers.get(Upstream.LUMETRADE), today(), today()))

        assert {verdict.subject.split()[0] for verdict in verdicts} & {"USD", "ZAR"} == judged


def test_shows_both_providers_and_says_how_deposits_are_dated(place: Place, travel: Any) -> None:
    travel(YESTERDAY)
    place.pay_out()
    travel(NOON + timedelta(hours=1))
    compare()

    shown = text_of(as_role("viewer").get("/reconciliation/"))

    assert str(books.REMARK) in shown
    assert "Theirs less ours" in shown
