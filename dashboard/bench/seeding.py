"""Many rows, fast: a history that goes back from now, and comes out the same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from customers.models import Customer
from payments.enums import Kind, Origin, PaymentStatus, SeenBy, Status
from payments.mirror import turnover
from payments.models import PAID_STATUSES, Payment, Withdrawal
from payments.models.beneficiaries import CODE_ALPHABET
from payments.moves import DUE_AFTER
from staff.models import User
from upstreams import credentials
from upstreams.enums import Upstream

BATCH: Final = 5_000
APART: Final = timedelta(seconds=30)  # a million of them take about a year
PER_CUSTOMER: Final = 20
STILL_OPEN: Final = 200  # the newest ones; before them everything has ended

_RAILS: Final = (("AUD", "payid"), ("MXN", "spei"), ("ARS", "bank_transfer"), ("LKR", "ipay"))
_RAIL_WEIGHTS: Final = (60, 25, 14, 1)
_SYLLABLES: Final = tuple(first + second for first in "bcdfghlmnprstv" for second in "aeo")
_ENDS: Final[Mapping[PaymentStatus, int]] = {
    PaymentStatus.COMPLETED: 880,
    PaymentStatus.FAILED: 50,
    PaymentStatus.CANCELLED: 30,
    PaymentStatus.EXPIRED: 25,
    PaymentStatus.RETURNED: 10,
    PaymentStatus.PARTLY_RETURNED: 5,
}
_WITHDRAWAL_ENDS: Final[Mapping[Status, int]] = {
    Status.COMPLETED: 900,
    Status.FAILED: 30,
    Status.REJECTED: 40,
    Status.RETRACTED: 20,
    Status.LAPSED: 10,
}


class NotABench(Exception):
    """Made-up rows would end up where real ones are, or may come."""


@dataclass(frozen=True)
class Seed:
    """What makes rows of one kind, and how to tell them from real ones."""

    model: type[models.Model]
    rows: Callable[[range, datetime], Iterable[models.Model]]
    made_up: Mapping[str, str]


def refuse_outside_a_bench(seed: Seed) -> None:
    """Raise NotABench unless these rows can do no harm here."""
    if not settings.DEBUG:
        raise NotABench("Made-up rows are for your own machine: set DEBUG=1.")
    if any(credentials.is_configured(upstream) for upstream in Upstream):
        raise NotABench("A provider's key is set: made-up rows and real ones do not mix.")
    if seed.model._default_manager.exclude(**seed.made_up).exists():
        raise NotABench("This database holds rows of its own: name an empty one in DATABASE_URL.")


def fill(seed: Seed, number: int) -> None:
    """Let there be at least so many rows; older ones are added behind those that are there."""
    manager = seed.model._default_manager
    newest = manager.aggregate(at=models.Max("created_at"))["at"] or timezone.now()
    for start in range(manager.count(), number, BATCH):
        with transaction.atomic():
            rows = list(seed.rows(range(start, min(start + BATCH, number)), newest))
            _insert(rows)
            turnover.sum_up(row for row in rows if isinstance(row, Payment) and row.is_counted)
    with connection.cursor() as cursor:  # as the database does by itself after a while
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _payments(numbers: range, newest: datetime) -> Iterator[Payment]:
    chance = random.Random(numbers.start)
    customers = _customers(chance, len(numbers) // PER_CUSTOMER + 1, newest)
    for number in numbers:
        at = newest - number * APART
        customer = customers[(number - numbers.start) // PER_CUSTOMER]
        kind = chance.choice([Kind.DEPOSIT, Kind.WITHDRAWAL])
        [(currency, method)] = chance.choices(_RAILS, _RAIL_WEIGHTS)
        status = _ended(chance, _ENDS) if number >= STILL_OPEN else PaymentStatus.IN_PROGRESS
        amount = Decimal(chance.randrange(100, 1_000_000)) / 100
        yield Payment(
            upstream=Upstream.LUXCORE,
            upstream_id=f"bench_{number:09}",
            kind=kind,
            amount=amount,
            fee=(amount * Decimal("0.045")).quantize(Decimal("0.01")),
            currency=currency,
            method=method,
            status=status,
            is_counted=status in PAID_STATUSES,
            upstream_status=status,
            merchant_reference=f"order-{number:09}",
            customer=customer,
            counterparty_name=customer.name,
            counterparty={"recipient_name": customer.name, "bank_account": f"{number:012}"},
            account_key=f"{customer.pk:064}" if kind == Kind.WITHDRAWAL else "",
            created_at=at,
            completed_at=at + timedelta(minutes=3) if number >= STILL_OPEN else None,
            raw=_record(number, customer.name),
            digest=f"{number:064}",
            stamps={name: [5, -1] for name in ("amount", "currency", "kind", "method", "status")},
            first_seen_at=at,
            seen_at=at + timedelta(minutes=4),
            changed_at=at + timedelta(minutes=4),
            seen_by=SeenBy.POLL,
        )


def _withdrawals(numbers: range, newest: datetime) -> Iterator[Withdrawal]:
    chance = random.Random(numbers.start)
    maker, _ = User.objects.get_or_create(email="bench-maker@lightdesk.test")
    customers = _customers(chance, len(numbers) // PER_CUSTOMER + 1, newest)
    for number in numbers:
        at = newest - number * APART
        customer = customers[(number - numbers.start) // PER_CUSTOMER]
        [(currency, method)] = chance.choices(_RAILS, _RAIL_WEIGHTS)
        is_open = number < STILL_OPEN
        yield Withdrawal(
            code=_code(number),
            upstream=Upstream.LUXCORE,
            origin=chance.choice([Origin.DESK, Origin.API]),
            status=Status.AWAITING_APPROVAL if is_open else _ended(chance, _WITHDRAWAL_ENDS),
            amount=Decimal(chance.randrange(100, 1_000_000)) / 100,
            currency=currency,
            method=method,
            recipient_name=customer.name,
            bank_account=f"{customer.pk:012}",
            account_key=f"{customer.pk:064}",
            payout_reference=f"PAYOUT-{number:09}",
            customer_name=customer.name,
            customer=customer,
            merchant_reference=f"bench-{number:09}",
            created_by=maker,
            last_edited_by=maker,
            created_at=at,
            due_at=at + DUE_AFTER,
            settled_at=None if is_open else at + timedelta(minutes=5),
            attended_at=None if is_open else at + timedelta(minutes=9),
        )


PAYMENTS: Final = Seed(Payment, _payments, {"upstream_id__startswith": "bench_"})
WITHDRAWALS: Final = Seed(Withdrawal, _withdrawals, {"merchant_reference__startswith": "bench-"})


def _ended(chance: random.Random, ends: Mapping[Any, int]) -> Any:
    return chance.choices(list(ends), list(ends.values()))[0]


def _customers(chance: random.Random, number: int, at: datetime) -> list[Customer]:
    return Customer.objects.bulk_create(
        Customer(name=f"{_word(chance)} {_word(chance)}", created_at=at) for _ in range(number)
    )


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=3)).capitalize()


def _code(number: int) -> str:
    """The number in the letters of codes."""
    letters = ""
    for _ in range(6):
        number, digit = divmod(number, len(CODE_ALPHABET))
        letters = CODE_ALPHABET[digit] + letters
    return f"wd-{letters}"


def _record(number: int, name: str) -> dict[str, Any]:
    """As much as a provider tells of one payment: about 900 bytes."""
    told = {f"field_{place:02}": f"value {number} of {place:04}" for place in range(24)}
    return {"transaction_id": f"bench_{number:09}", "customer": {"name": name}} | told


def _insert(rows: list[models.Model]) -> None:
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows, batch_size=500)
        return
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    quoted = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                [
                    field.get_db_prep_save(getattr(row, field.attname), connection)
                    for field in fields
                ]
            )
