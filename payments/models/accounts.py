"""Our accounts at a provider: how money comes in, which may be opened, and which we asked for.

What lies on an account is its `Balance`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from payments.enums import RequestStatus
from payments.models.beneficiaries import CODE_ALPHABET
from payments.models.requests import REQUEST_MOVES
from payments.models.withdrawals import NotPossible
from staff.texts import Lowered, Text
from upstreams.enums import Upstream

OVER = (RequestStatus.MADE, RequestStatus.REFUSED)


class DepositWalletQuerySet(models.QuerySet["DepositWallet"]):
    def listed(self) -> DepositWalletQuerySet:
        """Those that money may be paid into, as far as the provider told."""
        return self.filter(is_listed=True)


class DepositWallet(models.Model):
    """One way to pay into an account, as last listed. Written by `mirror` alone.

    `network` is empty for money of states, `method` for coins. One that is no longer listed stays,
    and is shown to nobody.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120)
    currency = models.CharField(max_length=12)
    network = models.CharField(max_length=80, blank=True)
    method = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)
    is_listed = models.BooleanField(default=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    objects = DepositWalletQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "upstream_id"], name="one_deposit_wallet_per_upstream_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.upstream_id}"

    @property
    def way(self) -> str:
        """The rail or the network, by the provider's own word."""
        return self.method or self.network

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """What a payer needs: their name for it, a readable one, and the value if there is one."""
        return [
            (name, _spaced(name), str(value))
            for name, value in self.details.items()
            if _said(value)
        ]


class OfferedCurrency(models.Model):
    """A currency that a provider keeps accounts in, as last listed. Written by `mirror` alone."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    code = models.CharField(max_length=12)
    name = models.CharField(max_length=120, blank=True)
    is_listed = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "code"], name="one_offered_currency_per_code"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.code}"


def new_opening_code() -> str:
    """A short id that people can read to each other: `ac-7F3MK2`."""
    return "ac-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class OpeningNotMovable(NotPossible):
    """The opening may not go from where it stands to where it was asked to go."""

    def __init__(self, *, code: str, current: RequestStatus, wanted: RequestStatus) -> None:
        super().__init__(
            Text(
                _("%(code)s is %(current)s; it cannot become %(wanted)s."),
                code=code,
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


class AccountOpeningQuerySet(models.QuerySet["AccountOpening"]):
    def locked(self) -> AccountOpeningQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def under_way(self) -> AccountOpeningQuerySet:
        return self.exclude(status__in=OVER)


class AccountOpening(models.Model):
    """An account that somebody asked a provider to open for us."""

    MOVES: Mapping[RequestStatus, frozenset[RequestStatus]] = REQUEST_MOVES

    code = models.CharField(max_length=12, unique=True, default=new_opening_code)
    upstream = models.CharField(max_length=16, choices=Upstream)
    currency = models.CharField(max_length=12)
    status = models.CharField(max_length=12, choices=RequestStatus, default=RequestStatus.QUEUED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    status_reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)

    objects = AccountOpeningQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "currency"],
                condition=~Q(status__in=["made", "refused"]),
                name="one_opening_under_way",
            ),
            models.CheckConstraint(
                condition=Q(status__in=RequestStatus.values), name="opening_status_known"
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="opening_newest")]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("payments:accounts")

    def can_become(self, wanted: RequestStatus) -> bool:
        return wanted in self.MOVES[RequestStatus(self.status)]


def _said(value: Any) -> bool:
    return value not in (None, "") and not isinstance(value, dict | list)


def _spaced(name: str) -> str:
    """`accountNumber` and `address_tag` become `Account number` and `Address tag`."""
    words = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name)
    return words.replace("_", " ").strip().capitalize()
