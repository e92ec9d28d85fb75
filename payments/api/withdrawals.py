"""`/api/v1/withdrawals/`: ask for payouts, read them, take one's own back."""

from __future__ import annotations

import re
from typing import Any, Final

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from payments import actions
from payments.api import answers, filters
from payments.api.answers import WithdrawalAnswer
from payments.api.requests import RetractRequest, WithdrawalRequest, placed
from payments.models import NotPossible, Withdrawal
from payments.sight import Sight
from staff.api.paging import KeysetPagination
from staff.api.problems import BadParameter, Conflict, IdempotencyKeyReused
from staff.api.views import ScopedView
from staff.tokens import Scope
from upstreams import strict_json

KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_KEY_FORM: Final = re.compile(r"[!-~]{1,255}", re.ASCII)

_KEY_PARAMETER = OpenApiParameter(
    KEY,
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Your own name for this request, such as a UUID. The same key with the same body "
    "answers with the withdrawal it made the first time, for ever; with another body it is "
    "refused. Keys belong to the token's owner.",
)
_REPLAYED_HEADER = OpenApiParameter(
    REPLAYED,
    {"type": "string", "enum": ["true", "false"]},
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="Whether the key had made this withdrawal already.",
)


class Withdrawals(ScopedView):
    scopes = {"GET": Scope.WITHDRAWALS_READ, "POST": Scope.WITHDRAWALS_WRITE}
    pagination_class = KeysetPagination

    @extend_schema(
        operation_id="list_withdrawals",
        summary="List withdrawals, newest first",
        parameters=[filters.WithdrawalFilter],
        responses=WithdrawalAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = filters.narrow(Withdrawal.objects.all(), request, filters.WithdrawalFilter)
        pages = KeysetPagination()
        sight = Sight.of(request.user)
        found = pages.paginate_queryset(rows.with_queue_facts(), request, view=self)
        return pages.get_paginated_response([answers.of_withdrawal(row, sight) for row in found])

    @extend_schema(
        operation_id="request_withdrawal",
        summary="Request a withdrawal",
        description="The payout waits for signatures of people: there is no call that signs, and "
        "the token's owner never signs what the token asked for. Through LuxCore it needs "
        "`currency`, `method` and `payout`; through Lumetrade `payee_id` instead, one of the "
        "beneficiaries that Lumetrade lists; through Lux Financial `transfer`.",
        parameters=[_KEY_PARAMETER, _REPLAYED_HEADER],
        request=WithdrawalRequest,
        responses={
            201: OpenApiResponse(WithdrawalAnswer, description="The withdrawal is requested."),
            200: OpenApiResponse(
                WithdrawalAnswer,
                description="This key made it before: the withdrawal as it stands now.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        key = actions.Key(self.token, _key(request), _fingerprint(request.data))
        try:
            # Before the rules are asked: they may have become stricter since it was accepted.
            if first := actions.made_before(key=key):
                return _made(first.code, request, is_repeat=True)
            body = WithdrawalRequest(data=request.data)
            body.is_valid(raise_exception=True)
            made, is_repeat = actions.request_withdrawal_once(
                draft=body.validated_data["draft"], key=key, at=timezone.now()
            )
        except actions.InvalidDraft as refusal:
            raise ValidationError(placed(refusal.errors)) from refusal
        except actions.KeyReused as refusal:
            raise IdempotencyKeyReused(str(refusal)) from refusal
        except actions.AskedAtOnce as refusal:
            raise Conflict(str(refusal)) from refusal
        return _made(made.code, request, is_repeat=is_repeat)


class OneWithdrawal(ScopedView):
    scopes = {"GET": Scope.WITHDRAWALS_READ}

    @extend_schema(
        operation_id="read_withdrawal",
        summary="Read a withdrawal",
        responses=WithdrawalAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(_answer(code, request))


class Retraction(ScopedView):
    scopes = {"POST": Scope.WITHDRAWALS_WRITE}

    @extend_schema(
        operation_id="retract_withdrawal",
        summary="Take a withdrawal back",
        description="Only before it is approved, and only by whoever asked for it. The same call "
        "again changes nothing.",
        request=RetractRequest,
        responses={200: WithdrawalAnswer},
    )
    def post(self, request: Request, code: str) -> Response:
        body = RetractRequest(data=request.data)
        body.is_valid(raise_exception=True)
        row = get_object_or_404(Withdrawal, code=code)
        try:
            actions.retract_withdrawal(
                withdrawal_id=row.pk,
                by=self.token.owner,
                at=timezone.now(),
                reason=body.validated_data["reason"],
            )
        except actions.NotYours as refusal:
            raise PermissionDenied(str(refusal)) from refusal
        except NotPossible as refusal:
            raise Conflict(str(refusal)) from refusal
        return Response(_answer(code, request))


def _made(code: str, request: Request, *, is_repeat: bool) -> Response:
    return Response(
        _answer(code, request),
        status=200 if is_repeat else 201,
        headers={REPLAYED: "true" if is_repeat else "false"},
    )


def _answer(code: str, request: Request) -> dict[str, Any]:
    row = get_object_or_404(Withdrawal.objects.with_queue_facts(), code=code)
    return answers.of_withdrawal(row, Sight.of(request.user))


def _key(request: Request) -> str:
    key = request.headers.get(KEY, "")
    if not key:
        text = "Give every request a key of its own, and send it again with the same request."
        raise BadParameter({KEY: text}, where="header")
    if not _KEY_FORM.fullmatch(key):
        text = "A key has 1 to 255 visible ASCII characters, no spaces."
        raise BadParameter({KEY: text}, where="header")
    return key


def _fingerprint(body: object) -> str:
    """The same for the same JSON, however it is spaced and ordered."""
    return strict_json.digest(strict_json.storable(body))
