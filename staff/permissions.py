"""What each role may do. The table is data: code and tests read it here.

A right comes from a role and from nowhere else: being a superuser gives none, and a permission
that nobody knows is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_noop as _

from staff.texts import Text, either

if TYPE_CHECKING:
    from staff.models import User

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
Person: TypeAlias = "User | AnonymousUser"
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Permission(models.TextChoices):
    """The labels finish the sentence "Your roles do not allow you to …"."""

    SEE_PAYMENTS = "see_payments", _("see payments and balances")
    SEE_PAYMENTS_MASKED = "see_payments_masked", _("see payments with personal data masked")
    MAKE_WITHDRAWALS = "make_withdrawals", _("create, import or retract withdrawals")
    MAKE_DEPOSITS = "make_deposits", _("create deposits or cancel your own")
    SIGN_WITHDRAWALS = "sign_withdrawals", _("sign withdrawals")
    ASK_QUOTES = "ask_quotes", _("ask for the price of an exchange")
    TRADE = "trade", _("exchange our money")
    OPEN_ACCOUNTS = "open_accounts", _("open accounts at a provider")
    MANAGE_POLICIES = "manage_policies", _("propose or confirm policies")
    RECONCILE = "reconcile", _("reconcile and resolve drift")
    EDIT_CUSTOMERS = "edit_customers", _("create, change or delete customers")
    LINK_CUSTOMERS = "link_customers", _("say which customers are one person")
    SEE_KYC = "see_kyc", _("see KYC cases")
    SEE_KYC_DOCUMENTS = "see_kyc_documents", _("see KYC documents")
    PROPOSE_KYC = "propose_kyc", _("propose KYC decisions")
    CONFIRM_KYC = "confirm_kyc", _("confirm KYC decisions")
    JUDGE_HITS = "judge_hits", _("screen customers and judge what is found")
    LIFT_HOLDS = "lift_holds", _("lift holds")
    PLACE_HOLDS = "place_holds", _("place holds")
    WORK_TICKETS = "work_tickets", _("work tickets")
    LEAD_SUPPORT = "lead_support", _("write canned replies and reassign any ticket")
    REVEAL_PERSONAL_DATA = "reveal_personal_data", _("reveal personal data")
    READ_AUDIT = "read_audit", _("read the audit trail")
    MANAGE_FEEDS = "manage_feeds", _("manage feeds and replay webhooks")
    REVOKE_TOKENS = "revoke_tokens", _("revoke other people's API tokens")
    MANAGE_STAFF = "manage_staff", _("manage people and their roles")
    EXPORT_LISTS = "export_lists", _("export lists as files")


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    MAKER = "maker", _("Maker")
    APPROVER = "approver", _("Approver")
    OPS_LEAD = "ops_lead", _("Ops lead")
    REVIEWER = "reviewer", _("Reviewer")
    COMPLIANCE_LEAD = "compliance_lead", _("Compliance lead")
    AGENT = "agent", _("Agent")
    SUPPORT_LEAD = "support_lead", _("Support lead")
    AUDITOR = "auditor", _("Auditor")
    ADMIN = "admin", _("Admin")


ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.SEE_PAYMENTS, Permission.EXPORT_LISTS}),
    Role.MAKER: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.MAKE_WITHDRAWALS,
            Permission.MAKE_DEPOSITS,
            Permission.ASK_QUOTES,
            Permission.RECONCILE,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.APPROVER: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.SIGN_WITHDRAWALS,
            Permission.PLACE_HOLDS,
            Permission.REVEAL_PERSONAL_DATA,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.OPS_LEAD: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.SIGN_WITHDRAWALS,
            Permission.ASK_QUOTES,
            Permission.TRADE,
            Permission.OPEN_ACCOUNTS,
            Permission.MANAGE_POLICIES,
            Permission.RECONCILE,
            Permission.PLACE_HOLDS,
            Permission.REVEAL_PERSONAL_DATA,
            Permission.READ_AUDIT,
            Permission.MANAGE_FEEDS,
            Permission.REVOKE_TOKENS,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.EDIT_CUSTOMERS,
            Permission.LINK_CUSTOMERS,
            Permission.SEE_KYC,
            Permission.SEE_KYC_DOCUMENTS,
            Permission.PROPOSE_KYC,
            Permission.JUDGE_HITS,
            Permission.PLACE_HOLDS,
            Permission.REVEAL_PERSONAL_DATA,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.COMPLIANCE_LEAD: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.EDIT_CUSTOMERS,
            Permission.LINK_CUSTOMERS,
            Permission.SEE_KYC,
            Permission.SEE_KYC_DOCUMENTS,
            Permission.PROPOSE_KYC,
            Permission.CONFIRM_KYC,
            Permission.LIFT_HOLDS,
            Permission.JUDGE_HITS,
            Permission.PLACE_HOLDS,
            Permission.REVEAL_PERSONAL_DATA,
            Permission.READ_AUDIT,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.AGENT: frozenset(
        {
            Permission.SEE_PAYMENTS_MASKED,
            Permission.WORK_TICKETS,
            Permission.REVEAL_PERSONAL_DATA,
        }
    ),
    Role.SUPPORT_LEAD: frozenset(
        {
            Permission.SEE_PAYMENTS_MASKED,
            Permission.PLACE_HOLDS,
            Permission.WORK_TICKETS,
            Permission.LEAD_SUPPORT,
            Permission.REVEAL_PERSONAL_DATA,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Permission.SEE_PAYMENTS,
            Permission.SEE_KYC,
            Permission.READ_AUDIT,
            Permission.EXPORT_LISTS,
        }
    ),
    Role.ADMIN: frozenset(
        {Permission.MANAGE_FEEDS, Permission.REVOKE_TOKENS, Permission.MANAGE_STAFF}
    ),
}

# How many rows of a list one file may hold (proof §6). Whoever may export nothing is not in here.
EXPORTED_ROWS: Mapping[Role, int] = {
    Role.VIEWER: 1_000,
    Role.MAKER: 5_000,
    Role.APPROVER: 5_000,
    Role.OPS_LEAD: 5_000,
    Role.REVIEWER: 1_000,
    Role.COMPLIANCE_LEAD: 5_000,
    Role.SUPPORT_LEAD: 1_000,
    Role.AUDITOR: 50_000,
}

READING = frozenset(
    {
        Permission.SEE_PAYMENTS,
        Permission.SEE_PAYMENTS_MASKED,
        Permission.SEE_KYC,
        Permission.SEE_KYC_DOCUMENTS,
        Permission.READ_AUDIT,
        Permission.EXPORT_LISTS,
    }
)

# The one pair that settings.RELAX_MAKER_AND_APPROVER allows, for teams too small to keep it apart.
RELAXABLE = frozenset({Role.MAKER, Role.APPROVER})

# Pairs of roles that one person never holds together.
EXCLUSIVE: frozenset[frozenset[Role]] = frozenset(
    {
        RELAXABLE,
        frozenset({Role.MAKER, Role.OPS_LEAD}),  # ops leads sign too
        *(frozenset({Role.ADMIN, role}) for role in Role if role != Role.ADMIN),
        *(frozenset({Role.AUDITOR, role}) for role in Role if ROLES[role] - READING),
    }
)


class NotPermitted(PermissionDenied):
    """Somebody asked for what none of their roles allows."""

    def __init__(self, permission: str) -> None:
        self.permission = permission
        self.says = _refusal(permission)
        super().__init__(self.says)


def can(user: Person, permission: str) -> bool:
    """Whether one of the roles this person holds carries the permission."""
    return held_since(user, permission) is not None


def held_since(user: Person, permission: str) -> datetime | None:
    """When the oldest role that carries the permission was granted; None without such a role."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
    moments = (
        granted_at
        for role, granted_at in user.held_roles.items()
        if role in ROLES and permission in ROLES[Role(role)]
    )
    return min(moments, default=None)


def most_exported_rows(user: Person) -> int:
    """How many rows one file for this person may hold: the most that one of their roles allows."""
    if not can(user, Permission.EXPORT_LISTS):
        return 0
    assert not isinstance(user, AnonymousUser)
    return max(EXPORTED_ROWS.get(Role(role), 0) for role in user.held_roles if role in ROLES)


def require(user: Person, permission: str) -> None:
    """Return quietly, or raise NotPermitted."""
    if not can(user, permission):
        raise NotPermitted(permission)


def permission_required(*any_of: Permission) -> Callable[[View[P]], View[P]]:
    """Let a view be called only by people who hold one of the permissions; others get the 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not any(can(request.user, permission) for permission in any_of):
                logger.warning("staff.permission.refused", permissions=[*any_of])
                raise NotPermitted(any_of[0])
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _refusal(permission: str) -> Text:
    if permission not in Permission.values:
        return Text(_("Your roles do not allow this; ask an admin."))
    return Text(
        _("Your roles do not allow you to %(do)s; ask an admin for the role %(roles)s."),
        do=Text(Permission(permission).label),
        roles=either(Text(role.label) for role in Role if permission in ROLES[role]),
    )
