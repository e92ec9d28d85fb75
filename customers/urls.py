"""Addresses of the customers desk. They stay put: people bookmark them."""

from django.urls import path

from customers.views import customer, customers, documents

app_name = "customers"
urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customer.customer, name="customer"),
    path("customers/<int:pk>/documents/", documents.documents, name="documents"),
    path("customers/<int:pk>/documents/add/", documents.documents_add, name="documents-add"),
    path("customers/<int:pk>/documents/look/", documents.documents_look, name="documents-look"),
    path("documents/<uuid:key>/", documents.document_page, name="document"),
    path("documents/<uuid:key>/page/<int:number>/", documents.document_page, name="document-page"),
    path("documents/<uuid:key>/download/", documents.document_download, name="document-download"),
    path("documents/<uuid:key>/judge/", documents.document_judge, name="document-judge"),
]
