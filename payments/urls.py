"""Addresses of the payments desk. They stay put: people bookmark them."""

from django.urls import path

from payments.views import (
    balances,
    cancel,
    decide,
    deposits,
    entry,
    exports,
    holds,
    imports,
    payments,
    policies,
    queue,
    withdrawal,
)
from payments.views.reconciliation import drift, overview

app_name = "payments"
urlpatterns = [
    path("withdrawals/", queue.withdrawals, name="withdrawals"),
    path("withdrawals/news/", queue.withdrawals_news, name="withdrawals-news"),
    path("withdrawals/claim/", queue.withdrawals_claim, name="withdrawals-claim"),
    path("withdrawals/new/", entry.withdrawal_new, name="withdrawal-new"),
    path(
        "withdrawals/new/lumetrade/", entry.withdrawal_to_beneficiary, name="withdrawal-lumetrade"
    ),
    path("withdrawals/export/", exports.withdrawals_export, name="withdrawals-export"),
    path("withdrawals/import/", imports.imports, name="imports"),
    path("withdrawals/import/template/", imports.import_template, name="import-template"),
    path("withdrawals/import/<int:pk>/", imports.import_page, name="import"),
    path("withdrawals/import/<int:pk>/live/", imports.import_live, name="import-live"),
    path("withdrawals/import/<int:pk>/confirm/", imports.import_confirm, name="import-confirm"),
    path("withdrawals/import/<int:pk>/drop/", imports.import_drop, name="import-drop"),
    path("withdrawals/<str:code>/", withdrawal.withdrawal, name="withdrawal"),
    path("withdrawals/<str:code>/live/", withdrawal.withdrawal_live, name="withdrawal-live"),
    path("withdrawals/<str:code>/claim/", withdrawal.withdrawal_claim, name="withdrawal-claim"),
    path(
        "withdrawals/<str:code>/release/", withdrawal.withdrawal_release, name="withdrawal-release"
    ),
    path("withdrawals/<str:code>/approve/", decide.withdrawal_approve, name="withdrawal-approve"),
    path("withdrawals/<str:code>/reject/", decide.withdrawal_reject, name="withdrawal-reject"),
    path(
        "withdrawals/<str:code>/not-duplicate/<str:other>/",
        decide.withdrawal_not_duplicate,
        name="withdrawal-not-duplicate",
    ),
    path("withdrawals/<str:code>/undo/", decide.withdrawal_undo, name="withdrawal-undo"),
    path("withdrawals/<str:code>/settle/", decide.withdrawal_settle, name="withdrawal-settle"),
    path("withdrawals/<str:code>/attend/", decide.withdrawal_attend, name="withdrawal-attend"),
    path("withdrawals/<str:code>/retract/", decide.withdrawal_retract, name="withdrawal-retract"),
    path("withdrawals/<str:code>/hold/", holds.withdrawal_hold, name="withdrawal-hold"),
    path("withdrawals/<str:code>/hold/<int:pk>/", holds.withdrawal_lift, name="withdrawal-lift"),
    path("withdrawals/<str:code>/amend/", entry.withdrawal_amend, name="withdrawal-amend"),
    path("payments/", payments.payments, name="payments"),
    path("payments/new/", deposits.payment_new, name="payment-new"),
    path("payments/requests/", deposits.requests, name="requests"),
    path("payments/requests/<str:code>/", deposits.request_page, name="request"),
    path("payments/requests/<str:code>/live/", deposits.request_live, name="request-live"),
    path("payments/requests/<str:code>/settle/", deposits.request_settle, name="request-settle"),
    path("payments/export/", exports.payments_export, name="payments-export"),
    path("payments/<str:upstream>/<str:upstream_id>/", payments.payment, name="payment"),
    path(
        "payments/<str:upstream>/<str:upstream_id>/refresh/",
        payments.payment_refresh,
        name="payment-refresh",
    ),
    path(
        "payments/<str:upstream>/<str:upstream_id>/cancel/",
        cancel.payment_cancel,
        name="payment-cancel",
    ),
    path(
        "payments/<str:upstream>/<str:upstream_id>/cancel/read/",
        cancel.payment_cancel_read,
        name="payment-cancel-read",
    ),
    path(
        "payments/<str:upstream>/<str:upstream_id>/cancel/live/",
        cancel.payment_cancel_live,
        name="payment-cancel-live",
    ),
    path("balances/", balances.balances, name="balances"),
    path("reconciliation/", overview.reconciliation, name="reconciliation"),
    path("reconciliation/start/", overview.reconciliation_start, name="reconciliation-start"),
    path("reconciliation/<int:pk>/", drift.drift, name="drift"),
    path("reconciliation/<int:pk>/second/", drift.drift_second, name="drift-second"),
    path("reconciliation/<int:pk>/<str:remedy>/", drift.drift_resolve, name="drift-resolve"),
    path("policies/", policies.policies_home, name="policies"),
    path("policies/begin/", policies.policy_begin, name="policy-begin"),
    path("policies/<int:number>/", policies.policy, name="policy"),
    path("policies/<int:number>/propose/", policies.policy_propose, name="policy-propose"),
    path("policies/<int:number>/decide/", policies.policy_decide, name="policy-decide"),
    path("policies/<int:number>/tiers/new/", policies.policy_tier, name="policy-tier-new"),
    path("policies/<int:number>/tiers/<int:pk>/", policies.policy_tier, name="policy-tier"),
]
