"""`manage.py bench`: it works with a few rows. What it measures is for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from payments.models import Payment, Turnover, Withdrawal
from tests.payments.factories import PaymentFactory, PolicyFactory
from upstreams.models import FeedRun

pytestmark = pytest.mark.django_db(transaction=True)  # PostgreSQL tidies up in no transaction


@pytest.fixture(autouse=True)
def _own_machine(settings: Any) -> Iterator[None]:
    settings.DEBUG = True
    PolicyFactory()
    yield


def bench(what: str, *rows: int) -> list[str]:
    out = StringIO()
    call_command("bench", what, "--rows", *rows, "--repeat", "1", stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


class TestBench:
    def test_fills_and_times_every_page_of_payments(self) -> None:
        heads, *pages = bench("payments", 240)

        assert heads.split() == ["p50,", "ms", "240", "ratio"]
        assert len(pages) > 20
        assert all(float(line.split(" !")[0].split()[-1]) > 0 for line in pages)
        assert Payment.objects.count() == 240
        paid = Payment.objects.filter(is_counted=True).aggregate(total=Sum("amount"))
        assert paid["total"]
        assert Turnover.objects.aggregate(total=Sum("total")) == paid

    def test_fills_and_times_every_page_of_withdrawals(self) -> None:
        _heads, *pages = bench("withdrawals", 40)

        assert len(pages) > 15
        assert Withdrawal.objects.count() == 40

    def test_reads_a_long_list_in_batches_and_again_without_writing_a_payment(self) -> None:
        first, *written = bench("mirror", 600)

        assert "600 created, 0 unchanged" in first
        [again] = [number for number, line in enumerate(written) if line.startswith("second")]
        assert "0 created, 600 unchanged" in written[again]
        tables = {line.split()[0] for line in written[again + 1 :] if " 0 rows" not in line}
        assert tables == {"upstreams_feedrun", "upstreams_feedstate"}
        assert FeedRun.objects.latest("pk").pages == 2
        assert Payment.objects.count() == 600

    def test_refuses_where_debug_is_off(self, settings: Any) -> None:
        settings.DEBUG = False

        with pytest.raises(CommandError, match="DEBUG=1"):
            bench("payments", 60)

        assert not Payment.objects.exists()

    def test_refuses_with_a_providers_key(self, settings: Any) -> None:
        settings.LUXCORE_API_KEY = "qp_test_sk_something"

        with pytest.raises(CommandError, match="key is set"):
            bench("payments", 60)

    def test_refuses_beside_rows_of_somebody_elses(self) -> None:
        PaymentFactory()

        with pytest.raises(CommandError, match="rows of its own"):
            bench("payments", 60)

        assert Payment.objects.count() == 1
