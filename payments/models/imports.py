"""Files of payouts: what was uploaded, what each row says, and what became of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from payments.enums import ImportState
from payments.models.withdrawals import Withdrawal
from staff.texts import Sayable, unpacked

# A worker has something to do about these.
WORKED_ON = (ImportState.READING, ImportState.CREATING)


class PayoutImportQuerySet(models.QuerySet["PayoutImport"]):
    def to_be_worked_on(self, *, now: datetime) -> PayoutImportQuerySet:
        """Files that nobody works on at this moment, and whose pause is over."""
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        return self.filter(is_free, state__in=WORKED_ON, next_at__lte=now).order_by("pk")

    def locked(self) -> PayoutImportQuerySet:
        return self.select_for_update(of=("self",), no_key=True)


class PayoutImport(models.Model):
    """One uploaded file. Its bytes are kept until it has been read, and no longer.

    It can be killed at any point: all rows up to `read` have been kept, and the next worker goes
    on from there. Creating is one transaction: all good rows or none.
    """

    file_name = models.CharField(max_length=255)
    file_hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()  # as the file is written: a row may have several
    state = models.CharField(max_length=12, choices=ImportState, default=ImportState.READING)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    read = models.PositiveIntegerField(default=0)  # the number of the last row that was read
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    warned = models.PositiveIntegerField(default=0)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    trouble = models.JSONField(default=dict, blank=True)  # a packed Text
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)

    objects = PayoutImportQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same file uploaded and confirmed twice is created once.
            models.UniqueConstraint(
                fields=["file_hash"],
                condition=Q(state__in=[ImportState.CREATING, ImportState.DONE]),
                name="one_import_per_file",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ImportState.values), name="import_state_known"
            ),
        ]
        indexes = [models.Index(fields=["-uploaded_at", "-id"], name="import_newest")]

    def __str__(self) -> str:
        return f"import {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("payments:import", args=[self.pk])

    @property
    def error(self) -> Sayable:
        """Why it was put off or failed; "" when nothing is wrong."""
        return unpacked(self.trouble) if self.trouble else ""

    @property
    def is_moving(self) -> bool:
        return self.state in WORKED_ON

    @property
    def progress(self) -> int:
        """How much of the file has been read, in percent."""
        if self.state != ImportState.READING:
            return 100
        return min(99, 100 * self.read // max(self.lines, 1))


class ImportPiece(models.Model):
    """Some bytes of a file that is still to be read."""

    payout_import = models.ForeignKey(PayoutImport, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payout_import", "number"], name="one_row_per_import_piece"
            )
        ]

    def __str__(self) -> str:
        return f"{self.payout_import_id} piece {self.number}"


class ImportRow(models.Model):
    """One row of a file: the draft of a payout, or what is wrong with it by column.

    The draft goes once the payout is created: it says the same.
    """

    payout_import = models.ForeignKey(PayoutImport, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()  # as a spreadsheet counts: the header is row 1
    is_good = models.BooleanField()
    draft = models.JSONField(default=dict)
    recipient_name = models.CharField(max_length=255, blank=True)
    amount = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    currency = models.CharField(max_length=12, blank=True)
    method = models.CharField(max_length=40, blank=True)
    account_key = models.CharField(max_length=64, blank=True)
    errors = models.JSONField(default=dict)  # packed Texts by column
    warnings = models.JSONField(default=list)  # packed Texts
    has_warnings = models.BooleanField(default=False)
    withdrawal = models.OneToOneField(
        Withdrawal, on_delete=models.PROTECT, null=True, blank=True, related_name="import_row"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payout_import", "number"], name="one_import_row_per_number"
            )
        ]
        indexes = [
            models.Index(fields=["payout_import", "account_key"], name="import_row_account"),
            models.Index(fields=["payout_import", "is_good", "number"], name="import_row_good"),
        ]

    def __str__(self) -> str:
        return f"{self.payout_import_id} row {self.number}"

    @property
    def problems(self) -> list[tuple[str, Sayable]]:
        """What is wrong with it: column ("" for the whole row) and words."""
        return [(column, unpacked(text)) for column, text in self.errors.items()]

    @property
    def remarks(self) -> list[Sayable]:
        """What looks wrong in it and is let pass."""
        return [unpacked(text) for text in self.warnings]

    @property
    def same_payout(self) -> tuple[str, str, Decimal | None]:
        """What makes two rows ask for the same thing."""
        return self.account_key, self.currency, self.amount
