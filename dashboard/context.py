"""What the frame around every page shows. Nothing is read until a page draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from customers.kyc import queue
from customers.models import KycCase, ScreeningStanding
from customers.sight import MAY_SEE as MAY_SEE_CUSTOMERS
from payments.models import Drift, Withdrawal
from payments.sight import MAY_SEE
from staff import demo
from staff.models import User
from staff.permissions import Permission, Person, can
from upstreams import health
from upstreams.models import Alarm

MAY_SEE_UPSTREAMS = (*MAY_SEE, Permission.MANAGE_FEEDS)
ALARMS_SHOWN = 5


@dataclass(frozen=True)
class Desk:
    """One place to work. `key` is the letter that follows "g"; `count` None: nothing to count."""

    label: str
    url: str
    icon: str
    key: str
    is_current: bool
    count: int | None = None
    overdue: int = 0


@dataclass(frozen=True)
class DemoLogin:
    """One of the people to try the desk with, offered on the sign-in page of a demonstration."""

    email: str
    password: str
    role: str


class Frame:
    """The frame for one request. Everybody who is signed in sees it; it holds no personal data."""

    def __init__(self, request: HttpRequest) -> None:
        self._path = request.path
        # An error page may be drawn before anybody was recognised.
        self._person: Person = getattr(request, "user", AnonymousUser())

    @property
    def environment(self) -> str:
        name: str = settings.ENVIRONMENT
        return name.upper()

    @property
    def theme(self) -> str:
        return self._person.theme if isinstance(self._person, User) else User.Theme.SYSTEM.value

    @property
    def letter_keys(self) -> bool:
        return self._person.letter_keys if isinstance(self._person, User) else True

    @property
    def time_zone(self) -> str:
        return timezone.get_current_timezone_name()

    @cached_property
    def desks(self) -> list[tuple[str, list[Desk]]]:
        """The groups of desks this person may open (at most two queries)."""
        if not isinstance(self._person, User):
            return []
        groups = [("", [self._desk(gettext("Home"), "home", "house", "h")])]
        if self._may(*MAY_SEE):
            groups.append((gettext("Payments"), self._payment_desks()))
        if self._may(*MAY_SEE_CUSTOMERS):
            groups.append((gettext("Customers"), self._customer_desks()))
        if self._may(*MAY_SEE_UPSTREAMS):
            upstreams = self._desk(
                gettext("Upstreams"), "upstreams", "plug", "u", count=len(self.alarms) or None
            )
            groups.append((gettext("Room"), [upstreams]))
        return groups

    @cached_property
    def pills(self) -> Sequence[health.Health]:
        """How every provider stands."""
        return health.all(timezone.now()) if self._may(*MAY_SEE_UPSTREAMS) else []

    @cached_property
    def alarms(self) -> list[Alarm]:
        """What somebody must look at, newest first, for those who may."""
        if not self._may(*MAY_SEE_UPSTREAMS):
            return []
        return list(Alarm.objects.open().order_by("-raised_at", "-pk")[:ALARMS_SHOWN])

    @property
    def demo_logins(self) -> list[DemoLogin]:
        if not settings.DEBUG:
            return []
        return [
            DemoLogin(
                email=demo.address(nickname), password=demo.PASSWORD, role=gettext(role.label)
            )
            for nickname, (_name, role) in demo.PEOPLE.items()
        ]

    def _payment_desks(self) -> list[Desk]:
        waiting, overdue = self._waiting(timezone.now())
        return [
            self._desk(
                gettext("Withdrawals"),
                "payments:withdrawals",
                "arrow-up-right",
                "w",
                count=waiting,
                overdue=overdue,
            ),
            self._desk(gettext("Payments"), "payments:payments", "arrow-left-right", "p"),
            self._desk(gettext("Balances"), "payments:balances", "wallet", "b"),
            self._desk(gettext("Accounts"), "payments:accounts", "landmark", "a"),
            self._desk(gettext("Trades"), "payments:trades", "refresh-cw", "e"),
            self._desk(gettext("Beneficiaries"), "payments:beneficiaries", "contact", "f"),
            self._desk(
                gettext("Reconciliation"),
                "payments:reconciliation",
                "scale",
                "r",
                count=Drift.objects.open().count() or None,
            ),
            self._desk(gettext("Policies"), "payments:policies", "gavel", "o"),
        ]

    def _customer_desks(self) -> list[Desk]:
        desks = [self._desk(gettext("Customers"), "customers:customers", "users", "c")]
        if self._may(Permission.SEE_KYC):
            cases, late = self._cases(timezone.now())
            desks.append(
                self._desk(
                    gettext("KYC"),
                    "customers:cases",
                    "id-card",
                    "k",
                    count=cases,
                    overdue=late,
                )
            )
            may_judge = self._may(Permission.JUDGE_HITS)
            waiting = ScreeningStanding.objects.to_review().count() if may_judge else None
            desks.append(
                self._desk(
                    gettext("Screenings"),
                    "customers:screenings",
                    "radar",
                    "s",
                    count=waiting or None,
                )
            )
        return desks

    def _cases(self, now: datetime) -> tuple[int | None, int]:
        """How many KYC cases wait for this person, and how many of them are late."""
        person = self._person
        if not isinstance(person, User) or not self._may(Permission.PROPOSE_KYC):
            return None, 0
        found = KycCase.objects.filter(queue.waits_for(person)).aggregate(
            waiting=Count("pk"), overdue=Count("pk", filter=Q(due_at__lte=now))
        )
        return found["waiting"], found["overdue"]

    def _waiting(self, now: datetime) -> tuple[int | None, int]:
        """How many withdrawals wait for this person's decision, and how many of them are late."""
        if not can(self._person, Permission.SIGN_WITHDRAWALS):
            return None, 0
        found = Withdrawal.objects.needs_decision_of(self._person).aggregate(
            waiting=Count("pk"), overdue=Count("pk", filter=Q(due_at__lte=now))
        )
        return found["waiting"], found["overdue"]

    def _desk(
        self,
        label: str,
        name: str,
        icon: str,
        key: str,
        *,
        count: int | None = None,
        overdue: int = 0,
    ) -> Desk:
        url = reverse(name)
        is_current = self._path == url or (url != "/" and self._path.startswith(url))
        return Desk(label, url, icon, key, is_current, count, overdue)

    def _may(self, *any_of: Permission) -> bool:
        return any(can(self._person, permission) for permission in any_of)


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"frame": Frame(request)}
