"""In which currencies we have an account at Lumetrade, and in which we could have one."""

from __future__ import annotations

from django.db.models import QuerySet

from payments.checks.funds import MAIN
from payments.models import Balance, OfferedCurrency
from upstreams.enums import Upstream


def accounts() -> QuerySet[Balance]:
    """Our accounts there, with what lies on each."""
    return Balance.objects.filter(upstream=Upstream.LUMETRADE, balance_type=MAIN)


def held() -> list[str]:
    """The currencies that we have accounts in (one query)."""
    return list(accounts().order_by("currency").values_list("currency", flat=True))


def to_open() -> list[OfferedCurrency]:
    """What an account may be opened in: offered, and we have none (one query)."""
    offered = OfferedCurrency.objects.filter(upstream=Upstream.LUMETRADE, is_listed=True)
    return list(offered.exclude(code__in=accounts().values("currency")).order_by("code"))


def known() -> list[str]:
    """Every currency that a trade may be in, as far as we know (two queries)."""
    offered = OfferedCurrency.objects.filter(upstream=Upstream.LUMETRADE)
    return sorted({*held(), *offered.values_list("code", flat=True)})
