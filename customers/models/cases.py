"""KYC cases: what we decide about a customer, beside what Lux Financial says of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from customers.enums import CaseStatus, Outcome, ProposalState
from customers.models.customers import Customer

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no look-alikes

OVER: Final = (CaseStatus.DECIDED, CaseStatus.CLOSED)
REVIEWABLE: Final = (CaseStatus.OPEN, CaseStatus.ESCALATED)
ON_ITS_WAY: Final = (CaseStatus.QUEUED, CaseStatus.SENDING, CaseStatus.UNKNOWN)
# What a case may become. `actions`, `following` and `sending` consult it; tests walk every pair.
CASE_MOVES: Final[Mapping[CaseStatus, frozenset[CaseStatus]]] = {
    # `decided` at once: nothing is sent where Lux Financial is told by hand.
    CaseStatus.OPEN: frozenset(
        {
            CaseStatus.WAITING,
            CaseStatus.ESCALATED,
            CaseStatus.PROPOSED,
            CaseStatus.QUEUED,
            CaseStatus.DECIDED,
            CaseStatus.CLOSED,
        }
    ),
    CaseStatus.WAITING: frozenset({CaseStatus.OPEN, CaseStatus.CLOSED}),
    # Never `decided` from here by one person: what was escalated takes two.
    CaseStatus.ESCALATED: frozenset(
        {
            CaseStatus.OPEN,
            CaseStatus.WAITING,
            CaseStatus.PROPOSED,
            CaseStatus.QUEUED,
            CaseStatus.CLOSED,
        }
    ),
    CaseStatus.PROPOSED: frozenset(
        {
            CaseStatus.OPEN,
            CaseStatus.ESCALATED,
            CaseStatus.QUEUED,
            CaseStatus.DECIDED,
            CaseStatus.CLOSED,
        }
    ),
    # Back to `open` or `escalated`: taken back before it left.
    CaseStatus.QUEUED: frozenset({CaseStatus.SENDING, CaseStatus.OPEN, CaseStatus.ESCALATED}),
    # Back to `queued`: definitely nothing was sent. `waiting`: the customer is asked for more.
    CaseStatus.SENDING: frozenset(
        {
            CaseStatus.QUEUED,
            CaseStatus.UNKNOWN,
            CaseStatus.OPEN,
            CaseStatus.ESCALATED,
            CaseStatus.WAITING,
            CaseStatus.DECIDED,
            CaseStatus.CLOSED,
        }
    ),
    CaseStatus.UNKNOWN: frozenset(
        {
            CaseStatus.OPEN,
            CaseStatus.ESCALATED,
            CaseStatus.WAITING,
            CaseStatus.DECIDED,
            CaseStatus.CLOSED,
        }
    ),
    CaseStatus.DECIDED: frozenset(),
    CaseStatus.CLOSED: frozenset(),
}


def new_case_code() -> str:
    """A short id that people can read to each other: `kyc-7F3MK2`."""
    return "kyc-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class KycCaseQuerySet(models.QuerySet["KycCase"]):
    def locked(self) -> KycCaseQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def under_way(self) -> KycCaseQuerySet:
        return self.exclude(status__in=OVER)


class KycCase(models.Model):
    """One review of one customer. There is one under way at most."""

    MOVES: Mapping[CaseStatus, frozenset[CaseStatus]] = CASE_MOVES

    code = models.CharField(max_length=12, unique=True, default=new_case_code)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="kyc_cases")
    status = models.CharField(max_length=12, choices=CaseStatus, default=CaseStatus.OPEN)
    opened_at = models.DateTimeField()
    opened_for = models.CharField(max_length=40)  # their KYC status then
    theirs = models.CharField(max_length=40, blank=True)  # their KYC status as it was last followed
    theirs_at = models.DateTimeField(null=True)  # when it last became another
    due_at = models.DateTimeField()
    checklist = models.JSONField(default=dict)  # what was ticked: by whom and when
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    status_reason = models.TextField(blank=True)
    escalated_at = models.DateTimeField(null=True)  # since then it lies with the leads
    was_escalated = models.BooleanField(default=False)  # once: what it decides takes two people
    decided_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = KycCaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=~Q(status__in=["decided", "closed"]),
                name="one_case_under_way",
            ),
            models.CheckConstraint(
                condition=Q(status__in=CaseStatus.values), name="case_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at", "id"], name="case_due"),
            models.Index(fields=["-opened_at", "-id"], name="case_newest"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("customers:case", args=[self.code])

    @property
    def desk(self) -> CaseStatus:
        """Where it stands while somebody is to review it."""
        return CaseStatus.ESCALATED if self.escalated_at else CaseStatus.OPEN

    def can_become(self, wanted: CaseStatus) -> bool:
        return wanted in self.MOVES[CaseStatus(self.status)]


class Proposal(models.Model):
    """What somebody proposes for a case, with the evidence as they saw it.

    `digest` is of `evidence`; when what is there now has another, the proposal is void. What one
    person may decide alone is kept here too, in the state of that name.
    """

    case = models.ForeignKey(KycCase, on_delete=models.PROTECT, related_name="proposals")
    outcome = models.CharField(max_length=12, choices=Outcome)
    reason_codes = models.JSONField(default=list)
    customer_text = models.TextField(blank=True)  # for the customer's eyes
    internal_note = models.TextField(blank=True)  # for nobody's but ours
    evidence = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=ProposalState, default=ProposalState.OPEN)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="open"), name="one_open_proposal"
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(closed_by=models.F("proposed_by")),
                name="confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} proposed for case {self.case_id}"
