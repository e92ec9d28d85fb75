"""Lists as files: what a list shows under its filters, as far as this person may read it.

A file is asked for with POST, because each one is written into the audit trail.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

from payments import exports
from payments.forms.filters import BeneficiaryFilter, PaymentFilter, TradeFilter
from payments.models import Beneficiary, Payment, Trade
from payments.sight import Sight
from payments.views import beneficiaries
from payments.views.payments import NEWEST_FIRST, TABS, narrowed
from payments.views.queue import QueueView
from staff.exports import Export, as_csv
from staff.filters import asked
from staff.permissions import Permission, permission_required
from staff.sessions import person_of


@require_POST
@permission_required(Permission.EXPORT_LISTS)
def payments_export(request: HttpRequest) -> HttpResponseBase:
    """The payments of the list's address, newest first."""
    person, tab = person_of(request), request.GET.get("tab", "")
    sight = Sight.of(person)
    form = PaymentFilter(request.GET, with_names=sight.names_in_clear)
    rows = form.narrow(Payment.objects.all())
    export = Export(
        name="payments",
        columns=exports.payment_columns(sight),
        rows=narrowed(rows, tab if tab in TABS else "all").defer("raw", "stamps", "description"),
        order=NEWEST_FIRST,
        asked=asked(form, tab=tab if tab in TABS else ""),
    )
    return as_csv(export, by=person, at=timezone.now())


@require_POST
@permission_required(Permission.EXPORT_LISTS)
def beneficiaries_export(request: HttpRequest) -> HttpResponseBase:
    """The beneficiaries of the list's address, newest first."""
    person, now = person_of(request), timezone.now()
    sight = Sight.of(person)
    form = BeneficiaryFilter(request.GET, with_names=sight.names_in_clear)
    export = Export(
        name="beneficiaries",
        columns=exports.beneficiary_columns(sight),
        rows=form.narrow(Beneficiary.objects.all(), now=now).select_related("first_asked_by"),
        order=beneficiaries.NEWEST_FIRST,
        asked=asked(form),
    )
    return as_csv(export, by=person, at=now)


@require_POST
@permission_required(Permission.EXPORT_LISTS)
def withdrawals_export(request: HttpRequest) -> HttpResponseBase:
    """The withdrawals of the queue's address, in its order."""
    view = QueueView(request)
    export = Export(
        name="withdrawals",
        columns=exports.withdrawal_columns(Sight.of(view.person)),
        rows=view.rows().select_related("payment", "created_by"),
        order=view.order,
        asked=asked(view.filter, tab=view.tab.key),
    )
    return as_csv(export, by=view.person, at=view.now)


@require_POST
@permission_required(Permission.EXPORT_LISTS)
def trades_export(request: HttpRequest) -> HttpResponseBase:
    """The trades of the list's address, newest first."""
    form = TradeFilter(request.GET)
    export = Export(
        name="trades",
        columns=exports.trade_columns(),
        rows=form.narrow(Trade.objects.all()).defer("raw"),
        order=NEWEST_FIRST,
        asked=asked(form),
    )
    return as_csv(export, by=person_of(request), at=timezone.now())
