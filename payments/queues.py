"""What waits for whom: the tabs of the withdrawals list, as querysets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from payments.enums import Origin, Status, Verdict
from staff.lists import begins
from staff.permissions import Permission, Person, can

if TYPE_CHECKING:
    from payments.models import Withdrawal

IN_FLIGHT = (Status.APPROVED, Status.SENDING, Status.SENT)
FAILURES = (Status.REFUSED, Status.FAILED)
# Ended here without being paid by us; whether the provider paid it, its payment tells.
UNPAID_ENDS = (
    *FAILURES,
    Status.CANCELLED,
    Status.REJECTED,
    Status.RETRACTED,
    Status.LAPSED,
)
ENDED = (Status.COMPLETED, Status.CANCELLED, Status.REJECTED, Status.RETRACTED, Status.LAPSED)

# An approved payout that has not left by then needs a person (design §10, invariant I2).
STUCK_AFTER = timedelta(hours=1)


def code_begins(text: str) -> Q:
    """Return the condition for codes that begin so, with or without their "wd-", in any case."""
    return begins("code", f"wd-{text.lower().removeprefix('wd-').upper()}")


class WithdrawalQuerySet(QuerySet["Withdrawal", "Withdrawal"]):
    def locked(self) -> WithdrawalQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends.

        Rows that point to them may still be written (`no_key`): the database looks at where they
        point when it commits, under the last lock of all.
        """
        return self.select_related("payment", "customer", "created_by").select_for_update(
            of=("self",), no_key=True
        )

    def ours(self) -> WithdrawalQuerySet:
        """What was asked for here, not merely seen at a provider."""
        return self.exclude(origin=Origin.UPSTREAM)

    def awaiting(self) -> WithdrawalQuerySet:
        return self.filter(status=Status.AWAITING_APPROVAL)

    def needs_decision_of(self, user: Person) -> WithdrawalQuerySet:
        """What this person may sign: not written or signed by them, nor to whom they brought."""
        if not can(user, Permission.SIGN_WITHDRAWALS):
            return self.none()
        return self.awaiting().exclude(pk__in=self._touched_by(user))

    def waiting_for_others(self, user: Person) -> WithdrawalQuerySet:
        """What awaits approval, and not by this person."""
        if not can(user, Permission.SIGN_WITHDRAWALS):
            return self.awaiting()
        return self.awaiting().filter(pk__in=self._touched_by(user))

    def in_flight(self) -> WithdrawalQuerySet:
        return self.filter(status__in=IN_FLIGHT)

    def needs_attention(self, *, now: datetime) -> WithdrawalQuerySet:
        """Unknown outcomes, failures and contradictions that nobody looked at, and what should have
        left long ago."""
        return self.filter(
            Q(status=Status.UNKNOWN)
            | Q(status__in=FAILURES, attended_at=None)
            | Q(contradicted_at__isnull=False, attended_at=None)
            | Q(
                status__in=[Status.APPROVED, Status.SENDING],
                approved_at__lte=now - STUCK_AFTER,
            )
        )

    def done(self) -> WithdrawalQuerySet:
        settled = Q(contradicted_at=None) | Q(attended_at__isnull=False)
        attended = Q(status__in=FAILURES, attended_at__isnull=False)
        return self.filter(Q(status__in=ENDED) & settled | attended)

    def with_queue_facts(self) -> WithdrawalQuerySet:
        """Everything one row of a list shows, in one query; `signed` counts valid approvals."""
        from payments.models import Signature

        approvals = (
            Signature.objects.valid()
            .filter(
                withdrawal=OuterRef("pk"), revision=OuterRef("revision"), verdict=Verdict.APPROVE
            )
            .order_by()
            .values("withdrawal")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return self.select_related("payment", "customer", "created_by", "last_edited_by").annotate(
            signed=Coalesce(Subquery(approvals), 0)
        )

    def due_first(self) -> WithdrawalQuerySet:
        return self.order_by("due_at", "pk")

    def newest_first(self) -> WithdrawalQuerySet:
        return self.order_by("-created_at", "-pk")

    def _touched_by(self, user: Person) -> QuerySet[Withdrawal, int]:
        """Withdrawals that this person wrote, signed, or brought the beneficiary of."""
        from payments.models import Withdrawal

        signed = Q(signatures__by=user.pk, signatures__voided_at=None)
        wrote = Q(created_by=user.pk) | Q(last_edited_by=user.pk) | Q(revisions__by=user.pk)
        brought = Q(beneficiary__first_asked_by=user.pk)
        touched = Withdrawal.objects.awaiting().filter(signed | wrote | brought)
        return touched.values_list("pk", flat=True)
