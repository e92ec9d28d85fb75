"""`/api/v1/payments/`: money movements at the providers, to read."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from payments.api import answers, filters
from payments.api.answers import PaymentAnswer
from payments.models import Payment
from payments.models.payments import PaymentQuerySet
from payments.sight import Sight
from staff.api.paging import KeysetPagination
from staff.api.views import ScopedView
from staff.tokens import Scope


class Payments(ScopedView):
    scopes = {"GET": Scope.PAYMENTS_READ}
    pagination_class = KeysetPagination

    @extend_schema(
        operation_id="list_payments",
        summary="List payments, newest first",
        parameters=[filters.PaymentFilter],
        responses=PaymentAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = filters.narrow(_rows(), request, filters.PaymentFilter)
        pages = KeysetPagination()
        sight = Sight.of(request.user)
        found = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response([answers.of_payment(row, sight) for row in found])


class OnePayment(ScopedView):
    scopes = {"GET": Scope.PAYMENTS_READ}

    @extend_schema(operation_id="read_payment", summary="Read a payment", responses=PaymentAnswer)
    def get(self, request: Request, upstream: str, upstream_id: str) -> Response:
        if "\x00" in upstream + upstream_id:
            raise NotFound  # PostgreSQL would not even look
        row = get_object_or_404(_rows(), upstream=upstream, upstream_id=upstream_id)
        return Response(answers.of_payment(row, Sight.of(request.user)))


def _rows() -> PaymentQuerySet:
    return Payment.objects.select_related("withdrawal").defer("raw", "stamps")
