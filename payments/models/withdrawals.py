"""Our intent to pay out, and who signed it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from customers.models import Customer
from payments.enums import Origin, PaymentStatus, RejectCode, Status, Verdict
from payments.models.beneficiaries import CODE_ALPHABET, Beneficiary
from payments.models.payments import UNPAID_STATUSES, Payment
from payments.models.policies import NO_ROLES
from payments.queues import FAILURES, UNPAID_ENDS, WithdrawalQuerySet
from staff.texts import Lowered, Sayable, Text
from upstreams.enums import Upstream

# What a withdrawal may become. `actions` and `mirror` consult it; tests walk every pair.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.AWAITING_APPROVAL: frozenset(
        {Status.APPROVED, Status.REJECTED, Status.RETRACTED, Status.LAPSED}
    ),
    # `sent` without `sending`: one that was seen upstream is at the provider already.
    Status.APPROVED: frozenset({Status.SENDING, Status.SENT, Status.AWAITING_APPROVAL}),
    # back to `approved`: definitely nothing was sent, the same key goes again later.
    Status.SENDING: frozenset({Status.SENT, Status.REFUSED, Status.UNKNOWN, Status.APPROVED}),
    Status.UNKNOWN: frozenset({Status.SENT, Status.REFUSED}),
    Status.SENT: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.REFUSED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.RETRACTED: frozenset(),
    Status.LAPSED: frozenset(),
}


def new_code() -> str:
    """A short id that people can read to each other: `wd-7F3MK2`."""
    return "wd-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class NotPossible(Exception):
    """Base of every "no" that an operator is told: `str()` says why, in their language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


class WithdrawalNotMovable(NotPossible):
    """The withdrawal may not go from where it stands to where it was asked to go."""

    def __init__(self, *, code: str, current: Status, wanted: Status) -> None:
        self.code, self.current, self.wanted = code, current, wanted
        super().__init__(
            Text(
                _("%(code)s is %(current)s; it cannot become %(wanted)s."),
                code=code,
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


class Withdrawal(models.Model):
    """One payout that somebody asked for, wherever it was asked."""

    code = models.CharField(max_length=12, unique=True, default=new_code)
    upstream = models.CharField(max_length=16, choices=Upstream)
    origin = models.CharField(max_length=12, choices=Origin)
    status = models.CharField(max_length=20, choices=Status, default=Status.AWAITING_APPROVAL)
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    currency = models.CharField(max_length=12)
    method = models.CharField(max_length=40)
    # On LuxCore's own page: the payee says there where the money goes, and no detail stands here.
    hosted = models.BooleanField(default=False)

    # Payout details (upstreams.md §3.8).
    recipient_name = models.CharField(max_length=255, blank=True)
    bank_account = models.CharField(max_length=64, blank=True)
    bank_code = models.CharField(max_length=32, blank=True)
    account_type = models.CharField(max_length=32, blank=True)
    tax_id = models.CharField(max_length=32, blank=True)
    payid = models.CharField(max_length=255, blank=True)
    payid_type = models.CharField(max_length=8, blank=True)
    payee_id = models.CharField(max_length=120, blank=True)  # a beneficiary that they know
    account_key = models.CharField(max_length=64, blank=True)
    beneficiary = models.ForeignKey(
        Beneficiary,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="withdrawals",
        db_index=False,  # `withdrawal_by_beneficiary` begins with it
    )
    payout_description = models.CharField(max_length=255, blank=True)
    payout_reference = models.CharField(max_length=120, blank=True)

    # Contact data of the same person (upstreams.md §3.8, §3.10).
    customer_name = models.CharField(max_length=255, blank=True)
    customer_email = models.CharField(max_length=255, blank=True)
    customer_phone = models.CharField(max_length=50, blank=True)
    customer_external_id = models.CharField(max_length=255, blank=True)
    customer_number = models.CharField(max_length=18, blank=True)  # theirs, of one they know
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals"
    )

    description = models.CharField(max_length=255, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    webhook_url = models.CharField(max_length=2048, blank=True)
    webhook_events = models.JSONField(default=list, blank=True)
    lux = models.JSONField(default=dict, blank=True)  # a transfer's terms: `rules.lux.Terms`
    attempt_no = models.PositiveIntegerField(default=1)
    merchant_reference = models.CharField(max_length=255)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawal"
    )
    revision = models.PositiveIntegerField(default=1)
    # The form it was asked for with: the same form sent twice asks once.
    request_token = models.UUIDField(null=True, blank=True, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    last_edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    copy_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="copies"
    )
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    signatures_required = models.PositiveSmallIntegerField(null=True, blank=True)
    # Since when its payment says otherwise than how it ended here: the money came back after it was
    # paid, or the provider went on with what was rejected.
    contradicted_at = models.DateTimeField(null=True, blank=True)
    # Somebody looked at it and knows: it leaves the list of what needs attention.
    attended_at = models.DateTimeField(null=True, blank=True)
    reject_code = models.CharField(max_length=20, choices=RejectCode, blank=True)
    status_reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "merchant_reference"],
                condition=~Q(origin="upstream"),
                name="one_withdrawal_per_reference",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="withdrawal_amount_positive"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="withdrawal_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at", "id"], name="withdrawal_queue"),
            models.Index(fields=["-created_at", "-id"], name="withdrawal_newest"),
            models.Index(fields=["due_at", "id"], name="withdrawal_due"),
            # What `needs_attention` looks through, of all that ever was.
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["unknown", "approved", "sending"])
                | Q(status__in=["refused", "failed"], attended_at=None)
                | Q(contradicted_at__isnull=False, attended_at=None),
                name="withdrawal_attention",
            ),
            # The queue under each of its filters, newest first.
            models.Index(fields=["currency", "-created_at", "-id"], name="withdrawal_by_currency"),
            models.Index(fields=["customer", "-created_at", "-id"], name="withdrawal_by_customer"),
            models.Index(fields=["method", "-created_at", "-id"], name="withdrawal_by_method"),
            models.Index(fields=["origin", "-created_at", "-id"], name="withdrawal_by_origin"),
            models.Index(
                fields=["beneficiary", "-created_at", "-id"], name="withdrawal_by_beneficiary"
            ),
            models.Index(fields=["amount"], name="withdrawal_by_amount"),
            # Balances: what was sent after they were read.
            models.Index(fields=["sent_at"], name="withdrawal_sent"),
            models.Index(fields=["upstream", "currency", "status"], name="withdrawal_totals"),
            models.Index(fields=["account_key", "-created_at"], name="withdrawal_account"),
            # What counts against a limit: approved since yesterday, last week, last month.
            models.Index(fields=["approved_at"], name="withdrawal_approved"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("payments:withdrawal", args=[self.code])

    @property
    def is_ours(self) -> bool:
        """Whether it was asked for here, not merely seen at the provider."""
        return self.origin != Origin.UPSTREAM

    @property
    def needs_a_look(self) -> bool:
        """Whether it ended badly and nobody said yet that they know."""
        ended_badly = self.status in FAILURES or self.contradicted_at is not None
        return ended_badly and self.attended_at is None

    def may_be_made_again(self) -> bool:
        """Whether no money is gone for it: none went, or all of it came back. Reads its payment."""
        came_back = self.payment is not None and self.payment.status == PaymentStatus.RETURNED
        return came_back or self.went_unpaid()

    def went_unpaid(self) -> bool:
        """Whether it ended and no money moved for it, at the provider neither. Reads its payment.

        One that was seen at the provider may lapse or be rejected here and be paid there.
        """
        if self.status not in UNPAID_ENDS:
            return False
        payment = self.payment
        return payment is None or payment.status in UNPAID_STATUSES or payment.came_back_unpaid

    def introducer_id(self) -> int | None:
        """Who was the first to ask for a payout to its beneficiary. Reads its beneficiary."""
        return self.beneficiary.first_asked_by_id if self.beneficiary else None

    def can_become(self, wanted: Status) -> bool:
        return wanted in MOVES[Status(self.status)]


class Revision(models.Model):
    """Who wrote which version of a withdrawal. Insert-only; none of them ever signs it."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["withdrawal", "number"], name="one_row_per_revision")
        ]

    def __str__(self) -> str:
        return f"{self.withdrawal_id} r{self.number}"


class SignatureQuerySet(models.QuerySet["Signature"]):
    def valid(self) -> SignatureQuerySet:
        """Signatures that nobody voided. They count for their own revision and digest only."""
        return self.filter(voided_at=None)

    def approvals(self) -> SignatureQuerySet:
        return self.filter(verdict=Verdict.APPROVE)


class Signature(models.Model):
    """One person's decision on exactly what they saw. Only its voiding is ever added."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="signatures")
    revision = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # Who first asked for a payout to this beneficiary.
    introducer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    verdict = models.CharField(max_length=8, choices=Verdict)
    digest = models.CharField(max_length=64)
    # The signing roles they held at that moment: a role that is taken later unsigns nothing.
    roles = models.JSONField(default=list, blank=True, db_default=NO_ROLES)
    policy = models.ForeignKey("payments.Policy", on_delete=models.PROTECT, null=True)
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_reason = models.CharField(max_length=255, blank=True)

    objects = SignatureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal", "revision", "by"],
                condition=Q(voided_at=None),
                name="nobody_signs_twice",
            ),
            models.CheckConstraint(
                condition=Q(maker=None) | ~Q(maker=F("by")), name="maker_is_never_checker"
            ),
            models.CheckConstraint(
                condition=Q(editor=None) | ~Q(editor=F("by")), name="editor_is_never_checker"
            ),
            models.CheckConstraint(
                condition=Q(introducer=None) | ~Q(introducer=F("by")),
                name="introducer_is_never_checker",
            ),
        ]
        indexes = [models.Index(fields=["by", "at"], name="signature_by_person")]  # their limit

    def __str__(self) -> str:
        return f"{self.by_id} {self.verdict} {self.withdrawal_id} r{self.revision}"


class Settlement(models.Model):
    """Two people's answer to an unknown outcome that no machine could settle."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="settlements")
    outcome = models.CharField(
        max_length=8,
        choices=[(Status.SENT, _("It was paid")), (Status.REFUSED, _("It was not paid"))],
    )
    # The payment that paid it: its id at the provider, and our copy of it where there is one.
    upstream_id = models.CharField(max_length=120, blank=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    # What the provider said, and where that can be read: where no list can be trusted as proof.
    written_word = models.TextField(blank=True)
    # Of the command when this was proposed: what was found out before another attempt is void.
    fence = models.PositiveIntegerField(default=0)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")),
                name="settled_by_two",
            ),
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(confirmed_at=None, dropped_at=None),
                name="one_open_settlement",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.withdrawal_id}: {self.outcome}"
