"""Whom payouts went to: the list, and what is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from payments import beneficiaries as noted
from payments import policies
from payments.beneficiaries import CHANGE_LABELS, OTHER_DETAILS, Paid
from payments.enums import LimitPer
from payments.facts import LABELS
from payments.forms.filters import BeneficiaryFilter
from payments.models import Beneficiary, BeneficiaryChange, Withdrawal
from payments.policies import telling
from payments.rules.lumetrade import payee_of
from payments.rules.lux import account_of
from payments.sight import MAY_SEE, Sight
from staff import lists, masking
from staff.columns import Column, Columns
from staff.permissions import Permission, can, permission_required
from staff.saved_views import opens_first
from staff.timelines import Entry
from upstreams.enums import Upstream

NEWEST_FIRST = lists.Order("first_asked_at", newest_first=True)
COLUMNS = (
    Column("first", _("First asked for"), is_fixed=True),
    Column("code", _("Code"), is_fixed=True),
    Column("recipient", _("Recipient"), is_fixed=True),
    Column("account", _("Account")),
    Column("provider", _("Provider")),
    Column("flags", _("Flags")),
    Column("times", _("Times paid"), "num"),
    Column("total", _("Paid in all"), "num"),
    Column("last", _("Last paid")),
    Column("by", _("Asked first by")),
)
LAST_ONES = 8
MOST_CHANGES = 50

_ACCOUNTS = ("bank_account", "tax_id", "payid")
_SHOWN = ("bank_account", "payid", "bank_code", "account_type", "tax_id")


@dataclass(frozen=True)
class Row:
    """One line of the list, as this person may read it."""

    beneficiary: Beneficiary
    url: str
    name: str
    account: str
    paid: Sequence[Paid]
    is_new: bool
    is_changed: bool


@require_safe
@permission_required(*MAY_SEE)
@opens_first
def beneficiaries(request: HttpRequest) -> HttpResponse:
    """The list."""
    sight, query, now = Sight.of(request.user), request.GET, timezone.now()
    form = BeneficiaryFilter(query, with_names=sight.names_in_clear)
    found = form.narrow(Beneficiary.objects.all(), now=now)
    page = lists.page(found.select_related("first_asked_by"), order=NEWEST_FIRST, query=query)
    paid = noted.paid(page.rows)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    context = {
        "now": now,
        "page": page,
        "columns": Columns(COLUMNS, request.GET),
        "pages": lists.steps(page, query=query, total=lists.count(found)),
        "rows": [
            Row(
                beneficiary=row,
                url=row.get_absolute_url(),
                name=sight.name(row.recipient_name) or gettext("not named"),
                account=_account(row),
                paid=paid[row.account_key],
                is_new=row.is_new(now),
                is_changed=row.is_changed(now),
            )
            for row in page.rows
        ],
        "filter": form,
        "chips": form.chips(query),
        "cleared": form.cleared(query),
    }
    template = "payments/beneficiaries.html"
    is_fragment = htmx and htmx.target == "results"
    return render(request, f"{template}#results" if is_fragment else template, context)


@require_safe
@permission_required(*MAY_SEE)
def beneficiary(request: HttpRequest, code: str) -> HttpResponse:
    """One beneficiary: what is known, what changed, what was paid."""
    row = get_object_or_404(Beneficiary.objects.select_related("first_asked_by"), code=code)
    sight, now = Sight.of(request.user), timezone.now()
    payouts = list(row.withdrawals.newest_first()[:LAST_ONES])
    return render(
        request,
        "payments/beneficiary.html",
        {
            "beneficiary": row,
            "now": now,
            "name": sight.name(row.recipient_name),
            "facts": _facts(row),
            "is_new": row.is_new(now),
            "is_changed": row.is_changed(now),
            "unlisted": _unlisted(row),
            "paid": noted.paid([row])[row.account_key],
            "limits": _limits(row, now),
            "timeline": list(_timeline(row, sight)),
            "payouts": payouts,
            "payouts_url": f"{reverse('payments:withdrawals')}?tab=all&beneficiary={row.code}",
            "pay_url": _pay_address(payouts),
            "may_make": can(request.user, Permission.MAKE_WITHDRAWALS),
            "introduced": row.first_asked_by_id == request.user.pk
            and can(request.user, Permission.SIGN_WITHDRAWALS),
        },
    )


def _account(row: Beneficiary) -> str:
    if row.payid:
        return masking.mask_payid(row.payid, row.payid_type)
    return masking.mask_account(row.bank_account)


def _facts(row: Beneficiary) -> list[tuple[str, str, str, bool]]:
    """Field, label, value as everybody may read it, and whether it is masked."""
    told = [(name, _masked(row, name, getattr(row, name))) for name in _SHOWN]
    return [
        (name, gettext(LABELS[name]), value, name in _ACCOUNTS) for name, value in told if value
    ]


def _masked(row: Beneficiary, name: str, value: str) -> str:
    if name == "payid":
        return masking.mask_payid(value, row.payid_type)
    return masking.mask_account(value) if name in _ACCOUNTS else value


def _unlisted(row: Beneficiary) -> str:
    """Why the provider pays nothing to it any more; "" where it does, as far as we know."""
    if not row.payee_id:
        return ""
    saved = account_of(row.payee_id) if row.upstream == Upstream.LUX else payee_of(row.payee_id)
    if saved is not None and saved.is_listed:
        return ""
    return gettext("%(provider)s lists this beneficiary no longer.") % {
        "provider": row.get_upstream_display()
    }


def _limits(row: Beneficiary, now: datetime) -> list[tuple[str, str]]:
    """What the tiers that may hold for payouts to it allow per beneficiary: the tier, the limit."""
    return [
        (telling.name(tier), telling.one_limit(limit))
        for tier in telling.in_order(policies.published(now))
        if tier.currency in ("", row.currency) and tier.upstream in ("", row.upstream)
        for limit in tier.limits
        if limit.per == LimitPer.BENEFICIARY
    ]


def _timeline(row: Beneficiary, sight: Sight) -> Iterator[Entry]:
    """What changed, newest first, down to who first asked for a payout to it."""
    changes = row.changes.select_related("by").order_by("-at", "-pk")[:MOST_CHANGES]
    for change in changes:
        yield Entry(
            at=change.at,
            who=change.by or row.get_upstream_display(),
            text=gettext("changed: %(what)s")
            % {"what": gettext(CHANGE_LABELS[change.field]).lower()},
            kind="person" if change.by else "upstream",
            detail="",
            quote=_before_and_after(row, change, sight),
            tone="bad",
        )
    yield Entry(
        at=row.first_asked_at,
        who=row.first_asked_by or row.get_upstream_display(),
        text=gettext("asked first for a payout to it")
        if row.first_asked_by
        else gettext("held a payout to it; it was seen there first"),
        kind="person" if row.first_asked_by else "upstream",
        detail="",
        quote="",
    )


def _before_and_after(row: Beneficiary, change: BeneficiaryChange, sight: Sight) -> str:
    if change.field == OTHER_DETAILS:
        return ""
    before, after = (
        sight.name(text) if change.field == "recipient_name" else _masked(row, change.field, text)
        for text in (change.before, change.after)
    )
    if before == after:
        return gettext("%(value)s (another one)") % {"value": after}
    return f"{before} → {after}"


def _pay_address(payouts: Sequence[Withdrawal]) -> str:
    """Where a payout to it is asked for. The address names a payout, never an account."""
    if not payouts:
        return ""
    return f"{reverse('payments:withdrawal-new')}?like={payouts[0].code}"
