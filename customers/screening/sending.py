"""Asking about one customer because a person, or a case, wants to know now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from customers.models import Customer, ScreeningRequest
from customers.screening.asking import Asked, about
from customers.screening.storing import Answer, store_screening
from staff import audit
from staff.models import User
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.http import Priority
from upstreams.lux.client import get_client
from upstreams.lux.schemas import ScreeningRecord
from upstreams.models import Command
from upstreams.outbox import Done, Outcome, Refused, Sender

SCREENING: Final = "lux.screening"
_NAMESPACE: Final = UUID("0c0ab9c5-2f3a-5f8e-8a52-8f7c0f1d7a64")


def register_sender() -> None:
    """The same question under the same key gets the same answer, so it may be sent again."""
    outbox.register(Sender(kind=SCREENING, upstream=Upstream.LUX, send=send, settle=settle))


def put(
    *, customer: Customer, reason: str, by: User | None, at: datetime
) -> ScreeningRequest | None:
    """Write down that this customer is to be screened; None where nobody can be asked about.

    One question at a time: one that is under way is returned. Call inside a transaction.
    """
    asked = about(customer)
    if asked is None:
        return None
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("what is asked is put in the transaction that decides to ask")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if known := customer.screening_requests.under_way().first():
        return known
    request = customer.screening_requests.create(
        reason=reason, asked=asked.as_json(), by=by, asked_at=at
    )
    outbox.put(
        kind=SCREENING,
        upstream=Upstream.LUX,
        subject=audit.subject_of(request),
        attempt_no=1,
        request=json.dumps(asked.as_json()).encode(),
        idempotency_key=str(uuid5(_NAMESPACE, str(request.pk))),
        at=at,
    )
    return request


def send(command: Command) -> Outcome:
    """Ask."""
    asked = Asked.from_json(json.loads(command.request_bytes))
    client = get_client(priority=Priority.OPERATOR)
    record = client.screen(asked.entity, idempotency_key=command.idempotency_key)
    return Done(reference=record.id, record=record)


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Keep the answer, or why there is none."""
    if not isinstance(outcome, Done | Refused):
        return
    request = ScreeningRequest.objects.select_related("customer").get(pk=int(command.subject_id))
    if isinstance(outcome, Done) and isinstance(outcome.record, ScreeningRecord):
        store_screening(
            Answer(
                customer_id=request.customer_id,
                asked=Asked.from_json(request.asked),
                asked_at=request.asked_at,
                reason=request.reason,
                record=outcome.record,
                by_id=request.by_id,
            ),
            at=at,
        )
    request.ended_at = at
    request.refused_with = outcome.message if isinstance(outcome, Refused) else ""
    request.save(update_fields=["ended_at", "refused_with"])
