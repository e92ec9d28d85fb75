"""Narrowing the lists of the API. What is not understood is refused, not left out."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from payments.api.fields import ClosedSerializer
from payments.enums import Kind, Origin, PaymentStatus, Status
from staff.api.paging import PAGING
from staff.api.problems import BadParameter
from upstreams.enums import Upstream

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])


class Filter(ClosedSerializer):
    """The filters that both lists have."""

    upstream = serializers.ChoiceField(choices=Upstream.choices, required=False)
    currency = serializers.CharField(max_length=12, required=False)
    method = serializers.CharField(max_length=40, required=False)
    merchant_reference = serializers.CharField(max_length=255, required=False)
    created_from = serializers.DateTimeField(required=False, help_text="At or after this moment")
    created_before = serializers.DateTimeField(required=False)


class WithdrawalFilter(Filter):
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    origin = serializers.ChoiceField(choices=Origin.choices, required=False)


class PaymentFilter(Filter):
    status = serializers.ChoiceField(choices=PaymentStatus.choices, required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)


_LOOKUPS = {"created_from": "created_at__gte", "created_before": "created_at__lt"}


def narrow(rows: Rows, request: Request, filter_class: type[Filter]) -> Rows:
    """The rows that match the parameters of the address; raises BadParameter."""
    asked = {name: value for name, value in request.query_params.items() if name not in PAGING}
    form = filter_class(data=asked)
    if not form.is_valid():
        raise BadParameter({name: str(found[0]) for name, found in form.errors.items()})
    wanted = {_LOOKUPS.get(name, name): value for name, value in form.validated_data.items()}
    return rows.filter(**wanted)
