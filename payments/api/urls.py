"""Addresses of the payments desk under `/api/v1/`."""

from django.urls import path

from payments.api import payments, withdrawals

urlpatterns = [
    path("withdrawals/", withdrawals.Withdrawals.as_view(), name="withdrawals"),
    path("withdrawals/<slug:code>/", withdrawals.OneWithdrawal.as_view(), name="withdrawal"),
    path(
        "withdrawals/<slug:code>/retract/",
        withdrawals.Retraction.as_view(),
        name="withdrawal-retract",
    ),
    path("payments/", payments.Payments.as_view(), name="payments"),
    path(
        "payments/<str:upstream>/<str:upstream_id>/",
        payments.OnePayment.as_view(),
        name="payment",
    ),
]
