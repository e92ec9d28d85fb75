"""Addresses of the customers desk. They stay put: people bookmark them."""

from django.urls import path

from customers.views import (
    asking,
    customer,
    customers,
    documents,
    requests,
    reveals,
    screening,
    screenings,
    submissions,
)

app_name = "customers"
urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/new/", asking.customer_new, name="new"),
    path("customers/<int:pk>/", customer.customer, name="customer"),
    path("customers/<int:pk>/documents/", documents.documents, name="documents"),
    path("customers/<int:pk>/documents/add/", documents.documents_add, name="documents-add"),
    path("customers/<int:pk>/documents/look/", documents.documents_look, name="documents-look"),
    path("customers/<int:pk>/documents/live/", submissions.documents_live, name="documents-live"),
    path(
        "customers/<int:pk>/documents/submit/",
        submissions.documents_submit,
        name="documents-submit",
    ),
    path("submissions/<str:code>/look/", submissions.submission_look, name="submission-look"),
    path("submissions/<str:code>/settle/", submissions.submission_settle, name="submission-settle"),
    path("documents/<uuid:key>/", documents.document_page, name="document"),
    path("documents/<uuid:key>/page/<int:number>/", documents.document_page, name="document-page"),
    path("documents/<uuid:key>/download/", documents.document_download, name="document-download"),
    path("documents/<uuid:key>/judge/", documents.document_judge, name="document-judge"),
    path("customers/<int:pk>/edit/", asking.customer_edit, name="edit"),
    path("customers/<int:pk>/delete/", asking.customer_delete, name="delete"),
    path("customers/<int:pk>/wallets/new/", asking.wallet_new, name="wallet-new"),
    path("customers/<int:pk>/accounts/new/", asking.account_new, name="account-new"),
    path(
        "customers/<int:pk>/accounts/<int:account>/verify/",
        asking.account_verify,
        name="account-verify",
    ),
    path(
        "customers/<int:pk>/accounts/<int:account>/remove/",
        asking.account_remove,
        name="account-remove",
    ),
    path("customers/<int:pk>/requests/live/", requests.requests_live, name="requests-live"),
    path("customers/requests/<str:code>/", requests.request_page, name="request"),
    path("customers/requests/<str:code>/live/", requests.request_live, name="request-live"),
    path("customers/requests/<str:code>/look/", requests.request_look, name="request-look"),
    path("customers/requests/<str:code>/settle/", requests.request_settle, name="request-settle"),
    path("reveals/<int:pk>/", reveals.revealed, name="revealed"),
    path("reveals/<str:subject_type>/<str:subject_id>/<str:field>/", reveals.reveal, name="reveal"),
    path("screenings/", screenings.screenings, name="screenings"),
    path("screenings/<int:pk>/", screening.screening, name="screening"),
    path("screenings/<int:pk>/live/", screening.screening_live, name="screening-live"),
    path("screenings/<int:pk>/start/", screening.screening_start, name="screening-start"),
    path("screenings/<int:pk>/<int:hit_id>/judge/", screening.hit_judge, name="hit-judge"),
    path("screenings/<int:pk>/<int:hit_id>/reopen/", screening.hit_reopen, name="hit-reopen"),
]
