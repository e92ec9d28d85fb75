"""Addresses of the customers desk. They stay put: people bookmark them."""

from django.urls import path

from customers.views import customer, customers

app_name = "customers"
urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customer.customer, name="customer"),
]
