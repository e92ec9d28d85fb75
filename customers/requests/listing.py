"""What was asked for lately about a customer, for the pages that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext

from customers.enums import CustomerKind, ExternalAccountKind, WalletKind
from customers.models import Customer, CustomerRequest
from customers.requests import life
from customers.requests.fields import BY_NAME
from customers.requests.life import Standing
from customers.sight import Sight
from upstreams.models import Command

SHOWN_FOR: Final = timedelta(hours=24)
MOST: Final = 5


@dataclass(frozen=True)
class Asked:
    """A request and where it stands."""

    request: CustomerRequest
    standing: Standing
    reason: str

    @property
    def kind(self) -> str:
        return gettext(self.request.get_kind_display())

    @property
    def about(self) -> list[str]:
        """In a few words what it is, and about what."""
        return [self.kind, *(value for _label, value in facts(self.request))]


def asked(request: CustomerRequest, command: Command | None, *, sight: Sight) -> Asked:
    """The request as one person may read it: a reason may name whom it is about."""
    standing, reason = life.tell(request, command), request.reason
    if request.customer is not None:
        known = sight.text(standing.known, about=request.customer)
        standing = replace(standing, known=known)
        reason = sight.text(reason, about=request.customer)
    return Asked(request, standing, reason)


def about(customer: Customer, *, sight: Sight, now: datetime) -> list[Asked]:
    """What is on its way, and what was settled lately; newest first. Two queries."""
    lately = Q(created_at__gte=now - SHOWN_FOR)
    same = CustomerRequest.objects.filter(customer__in=Customer.objects.same_as(customer))
    rows = (same.under_way() | same.filter(lately)).select_related("created_by", "customer")
    shown = list(rows.order_by("-created_at", "-pk")[:MOST])
    commands = life.newest_commands(shown)
    return [asked(row, commands.get(row.pk), sight=sight) for row in shown]


def facts(request: CustomerRequest) -> list[tuple[str, str]]:
    """Label and value of what may be said of it."""
    told: Mapping[str, Any] = request.told
    found = []
    if told.get("fields"):
        names = [name for name in told["fields"] if name in BY_NAME]
        found.append((gettext("Fields"), ", ".join(gettext(BY_NAME[one].label) for one in names)))
    if kind := told.get("type"):
        found.append((gettext("Kind"), _kind(kind)))
    if chains := told.get("chains"):
        found.append((gettext("Chains"), ", ".join(chains)))
    if account := told.get("account"):
        found.append((gettext("Account"), account))
    return found


def _kind(kind: str) -> str:
    kinds = (CustomerKind, ExternalAccountKind, WalletKind)
    known = {value: label for one in kinds for value, label in one.choices}
    return gettext(str(known.get(kind, kind)))
