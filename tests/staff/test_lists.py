"""Paging by keys: complete, without doubles, and never surprised by what stands in an address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict

from payments.models import Withdrawal
from staff import lists
from tests.payments.factories import NOW, WithdrawalFactory, maker

pytestmark = pytest.mark.django_db

DUE_FIRST = lists.Order("due_at")
NEWEST_FIRST = lists.Order("created_at", newest_first=True)


@pytest.fixture
def rows() -> list[Withdrawal]:
    """Sixty withdrawals, in threes of the same moment: the key alone does not order them."""
    person = maker()
    return [
        WithdrawalFactory(created_by=person, created_at=NOW + timedelta(minutes=number // 3))
        for number in range(60)
    ]


def walk(order: lists.Order, *, step: str = "after", start: str = "") -> list[int]:
    """Follow the cursors to the end and return the keys in the order they were met."""
    met: list[int] = []
    query = QueryDict(start, mutable=True)
    while True:
        page = lists.page(Withdrawal.objects.all(), order=order, query=query)
        keys = [row.pk for row in page.rows]
        met = met + keys if step == "after" else keys + met
        cursor = getattr(page, step)
        if not cursor:
            return met
        query = QueryDict(mutable=True)
        query[step] = cursor


class TestPage:
    @pytest.mark.parametrize("order", [DUE_FIRST, NEWEST_FIRST])
    def test_meets_every_row_once_and_in_order(
        self, order: lists.Order, rows: list[Withdrawal]
    ) -> None:
        expected = list(Withdrawal.objects.order_by(*order.names).values_list("pk", flat=True))

        assert walk(order) == expected

    def test_goes_back_the_same_way(self, rows: list[Withdrawal]) -> None:
        expected = list(Withdrawal.objects.order_by("due_at", "pk").values_list("pk", flat=True))
        last = Withdrawal.objects.get(pk=expected[50])
        query = QueryDict(mutable=True)
        query["before"] = DUE_FIRST.cursor(last)

        page = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query)

        assert [row.pk for row in page.rows] == expected[25:50]
        assert not page.is_first

    def test_shows_the_first_page_whole_when_going_back_meets_the_beginning(
        self, rows: list[Withdrawal]
    ) -> None:
        expected = list(Withdrawal.objects.order_by("due_at", "pk").values_list("pk", flat=True))
        query = QueryDict(mutable=True)
        query["before"] = DUE_FIRST.cursor(Withdrawal.objects.get(pk=expected[10]))

        page = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query)

        assert [row.pk for row in page.rows] == expected[:25]
        assert page.is_first

    def test_neither_skips_nor_repeats_while_rows_arrive(self, rows: list[Withdrawal]) -> None:
        first = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=QueryDict())
        WithdrawalFactory(created_at=NOW - timedelta(days=1))  # sorts before all of them
        query = QueryDict(mutable=True)
        query["after"] = first.after

        second = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query)

        assert [row.pk for row in second.rows] == [row.pk for row in rows[25:50]]

    @pytest.mark.parametrize(
        "cursor",
        [
            "nonsense",
            "~",
            "2026-02-18T10:30:00Z~",
            "2026-02-18T10:30:00Z~x",
            "2026-02-18T10:30:00~1",  # no zone
            "2026-02-18~1",
            "9999999999999999~1",
            "2026-02-18T10:30:00Z~1' OR 1=1",
        ],
    )
    def test_takes_a_cursor_that_means_nothing_for_the_first_page(
        self, cursor: str, rows: list[Withdrawal]
    ) -> None:
        query = QueryDict(mutable=True)
        query["after"] = cursor

        page = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query)

        assert page.is_first
        assert [row.pk for row in page.rows] == [row.pk for row in rows[:25]]

    def test_survives_a_key_beyond_every_integer(self, rows: list[Withdrawal]) -> None:
        query = QueryDict(mutable=True)
        query["after"] = f"2026-02-18T10:30:00Z~{2**80}"

        assert lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query).rows is not None

    @pytest.mark.parametrize(("asked", "given"), [("50", 50), ("1000000", 25), ("-1", 25)])
    def test_has_one_of_the_offered_sizes(
        self, asked: str, given: int, rows: list[Withdrawal]
    ) -> None:
        query = QueryDict(f"size={asked}")

        page = lists.page(Withdrawal.objects.all(), order=DUE_FIRST, query=query)

        assert len(page.rows) == given


class TestCount:
    def test_stops_counting_at_the_cap(
        self, rows: list[Withdrawal], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "CAP", 10)

        count = lists.count(Withdrawal.objects.all())

        assert count.value == 11
        assert str(count) == "more than 10"

    def test_stops_earlier_for_a_tab_in_the_back(
        self, rows: list[Withdrawal], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "TAB_CAP", 5)

        assert str(lists.count(Withdrawal.objects.all(), is_current=False)) == "more than 5"
        assert str(lists.count(Withdrawal.objects.all())) == "60"

    def test_is_exact_below_it(self, rows: list[Withdrawal]) -> None:
        assert lists.count(Withdrawal.objects.all()).shown == 60


class TestPlace:
    def test_knows_the_neighbours(self, rows: list[Withdrawal]) -> None:
        place = lists.place(Withdrawal.objects.all(), order=DUE_FIRST, row=rows[30])

        assert (str(place.position), str(place.total)) == ("31", "60")
        assert (place.previous, place.next) == (rows[29], rows[31])

    def test_still_knows_them_when_the_row_has_left(self, rows: list[Withdrawal]) -> None:
        others = Withdrawal.objects.exclude(pk=rows[30].pk)

        place = lists.place(others, order=DUE_FIRST, row=rows[30])

        assert place.position is None
        assert (place.previous, place.next) == (rows[29], rows[31])
