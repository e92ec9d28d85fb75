"""Until when the same key may go to Lux Financial again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from upstreams.lux import keys
from upstreams.models import Command

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sent", "forgotten"),
    [
        (None, False),
        (timedelta(0), False),
        (timedelta(hours=22, minutes=59), False),
        (timedelta(hours=23), True),
        (timedelta(days=2), True),
    ],
)
def test_a_key_counts_as_forgotten_an_hour_early(sent: timedelta | None, forgotten: bool) -> None:
    first_sent_at = None if sent is None else timezone.now() - sent

    assert keys.may_be_forgotten(Command(first_sent_at=first_sent_at)) == forgotten


def test_the_day_is_as_long_as_the_setting_says(settings: Any) -> None:
    settings.LUX_IDEMPOTENCY_TTL = 2 * 3600
    sent = timezone.now() - timedelta(minutes=61)

    assert keys.may_be_forgotten(Command(first_sent_at=sent))
