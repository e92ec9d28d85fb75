"""Whom we pay: one row per account, and how what is known of it changed."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.urls import reverse

from staff.lists import begins
from upstreams.enums import Upstream

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no look-alikes
LATELY: Final = timedelta(hours=24)  # so long a beneficiary counts as new, or as changed

# What is known of an account beside its key, as a withdrawal names it.
DETAILS: Final = (
    "recipient_name",
    "bank_account",
    "bank_code",
    "account_type",
    "tax_id",
    "payid",
    "payid_type",
)


def new_code() -> str:
    """A short id for addresses: `bn-7F3MK2QXRA`. Long enough that thousands at once do not meet."""
    return "bn-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(10))


def code_begins(text: str) -> models.Q:
    """Return the condition for codes that begin so, with or without their "bn-", in any case."""
    return begins("code", f"bn-{text.lower().removeprefix('bn-').upper()}")


class BeneficiaryQuerySet(models.QuerySet["Beneficiary"]):
    def new(self, now: datetime) -> BeneficiaryQuerySet:
        """Those that nobody knew a day ago."""
        return self.filter(first_asked_at__gt=now - LATELY)

    def newest_first(self) -> BeneficiaryQuerySet:
        return self.order_by("-first_asked_at", "-pk")

    def changed(self, now: datetime) -> BeneficiaryQuerySet:
        """Those of which something else was told within a day."""
        return self.filter(changed_at__gt=now - LATELY)


class Beneficiary(models.Model):
    """One account that payouts go to. Written by `payments.beneficiaries` alone.

    Who first asked for a payout to it never signs one (design §8); None: it was first seen at the
    provider.
    """

    code = models.CharField(max_length=16, unique=True, default=new_code)
    account_key = models.CharField(max_length=64, unique=True)
    upstream = models.CharField(max_length=16, choices=Upstream)
    currency = models.CharField(max_length=12)

    # As last asked for, in clear: pages mask it.
    method = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=255, blank=True)
    bank_account = models.CharField(max_length=64, blank=True)
    bank_code = models.CharField(max_length=32, blank=True)
    account_type = models.CharField(max_length=32, blank=True)
    tax_id = models.CharField(max_length=32, blank=True)
    payid = models.CharField(max_length=255, blank=True)
    payid_type = models.CharField(max_length=8, blank=True)
    payee_id = models.CharField(max_length=120, blank=True)  # the `SavedBeneficiary` it is there

    first_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    first_asked_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)
    noted_at = models.DateTimeField()  # when it was last written, or looked at to be written

    objects = BeneficiaryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "beneficiaries"
        indexes = [
            # The list, and the list under each of its filters, newest first.
            models.Index(fields=["-first_asked_at", "-id"], name="beneficiary_newest"),
            models.Index(
                fields=["currency", "-first_asked_at", "-id"], name="beneficiary_by_currency"
            ),
            models.Index(
                fields=["upstream", "-first_asked_at", "-id"], name="beneficiary_by_upstream"
            ),
            models.Index(
                fields=["changed_at"],
                condition=models.Q(changed_at__isnull=False),
                name="beneficiary_changed",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("payments:beneficiary", args=[self.code])

    def is_new(self, now: datetime) -> bool:
        return self.first_asked_at > now - LATELY

    def is_changed(self, now: datetime) -> bool:
        return self.changed_at is not None and self.changed_at > now - LATELY


class BeneficiaryChange(models.Model):
    """One detail that was told otherwise than before. Insert-only."""

    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.PROTECT, related_name="changes")
    field = models.CharField(max_length=20)
    before = models.CharField(max_length=255, blank=True)  # in clear: pages mask it
    after = models.CharField(max_length=255, blank=True)
    by = models.ForeignKey(  # None: the provider told it
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["beneficiary", "-at", "-id"], name="beneficiary_history")]

    def __str__(self) -> str:
        return f"{self.beneficiary_id} {self.field}"
