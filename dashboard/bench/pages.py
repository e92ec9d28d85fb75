"""Pages as people ask for them, and how long each takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from dashboard.bench import seeding
from payments.models import Payment, Withdrawal
from payments.views.payments import NEWEST_FIRST
from staff import lists
from staff.grants import grant_role
from staff.models import User
from staff.permissions import Role

DEEP: Final = 5_000  # pages into the list


@dataclass(frozen=True)
class Bench:
    """One list: what fills it, and the addresses to ask for (a name, then the address)."""

    seed: seeding.Seed
    addresses: Callable[[], Mapping[str, str]]


def measure(address: str, *, person: User, repeat: int) -> float:
    """Return the median of so many askings, in milliseconds."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    _ask(client, address)  # the first time somebody asks, templates are read
    return statistics.median(_ask(client, address) for _ in range(repeat)) * 1000


def somebody() -> User:
    """Return a person who sees these lists."""
    person, is_new = User.objects.get_or_create(email="bench@lightdesk.test")
    if is_new:
        grant_role(user=person, role=Role.APPROVER, by=None, at=timezone.now(), reason="bench")
    return person


def _ask(client: Client, address: str) -> float:
    start = time.perf_counter()
    response = client.get(address)
    taken = time.perf_counter() - start
    if response.status_code != 200:
        raise RuntimeError(f"{address} answers {response.status_code}")
    return taken


def _payments() -> dict[str, str]:
    middle = _deep_in(Payment.objects.newest_first())
    day = middle.created_at.date().isoformat()
    queries: dict[str, dict[str, str]] = {
        "the list": {},
        "page 5,000": {"after": NEWEST_FIRST.cursor(middle)},
        "tab: open": {"tab": "open"},
        "tab: completed": {"tab": "completed"},
        "tab: returned": {"tab": "returned"},
        "tab: not paid": {"tab": "unpaid"},
        "status: expired": {"status": "expired"},
        "status that none has": {"status": "in_review"},
        "provider": {"upstream": "luxcore"},
        "provider without any": {"upstream": "lux"},
        "kind": {"kind": "deposit"},
        "method": {"method": "spei"},
        "currency": {"currency": "MXN"},
        "currency, seldom": {"currency": "LKR"},
        "amount, wide": {"amount_from": "100", "amount_to": "5000"},
        "amount, narrow": {"amount_from": "777.77", "amount_to": "777.80"},
        "a day": {"from_date": day, "to_date": day},
        "reference, whole": {"reference": middle.merchant_reference},
        "reference, beginning": {"reference": "order-"},
        "customer, whole": {"customer": middle.counterparty_name},
        "customer, common part": {"customer": "baba"},
        "several": {
            "tab": "completed",
            "currency": "MXN",
            "kind": "deposit",
            "amount_from": "5000",
            "to_date": day,
        },
        "several, page 5,000": {
            "currency": "AUD",
            "kind": "deposit",
            "amount_from": "10",
            "after": NEWEST_FIRST.cursor(middle),
        },
    }
    return {
        "home": "/",
        "search": f"/search/?{urlencode({'q': middle.counterparty_name})}",
        "balances": "/balances/",
        **{name: f"/payments/?{urlencode(query)}" for name, query in queries.items()},
    }


def _withdrawals() -> dict[str, str]:
    middle = _deep_in(Withdrawal.objects.newest_first())
    queries: dict[str, dict[str, str]] = {
        "needs my decision": {"tab": "mine"},
        "waiting for others": {"tab": "others"},
        "in flight": {"tab": "flight"},
        "needs attention": {"tab": "attention"},
        "done": {"tab": "done"},
        "all": {"tab": "all"},
        "all, due first": {"tab": "all", "order": "due"},
        "page 5,000": {"tab": "all", "after": NEWEST_FIRST.cursor(middle)},
        "currency": {"tab": "all", "currency": "MXN"},
        "currency, seldom": {"tab": "all", "currency": "LKR"},
        "method": {"tab": "all", "method": "spei"},
        "origin": {"tab": "all", "origin": "api"},
        "origin without any": {"tab": "all", "origin": "import"},
        "amount, wide": {"tab": "all", "amount_from": "100", "amount_to": "5000"},
        "amount, narrow": {"tab": "all", "amount_from": "777.77", "amount_to": "777.80"},
        "code": {"tab": "all", "q": middle.code},
        "reference": {"tab": "all", "q": middle.payout_reference},
        "recipient": {"tab": "all", "q": middle.recipient_name},
    }
    return {
        "home": "/",
        "search": f"/search/?{urlencode({'q': middle.recipient_name})}",
        **{name: f"/withdrawals/?{urlencode(query)}" for name, query in queries.items()},
    }


def _deep_in(rows: QuerySet[lists.Row]) -> lists.Row:
    """Return the row before page 5,000; in a shorter list the one before its last page."""
    size = lists.SIZES[0]
    return rows[max(min(DEEP * size, rows.count() - size) - 1, 0)]


BENCHES: Final[Mapping[str, Bench]] = {
    "payments": Bench(seeding.PAYMENTS, _payments),
    "withdrawals": Bench(seeding.WITHDRAWALS, _withdrawals),
}
