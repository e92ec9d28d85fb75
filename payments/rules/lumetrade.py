"""What a payout through Lumetrade is: an amount to a beneficiary that they have confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from django.utils.translation import gettext_noop as _

from payments.models import SavedBeneficiary, Withdrawal
from payments.rules.drafts import WithdrawalDraft
from staff.texts import Sayable, Text
from upstreams.enums import Upstream
from upstreams.lumetrade.calls.movements import withdrawal_body
from upstreams.money import Money

METHOD: Final = "beneficiary"

Payees: TypeAlias = Mapping[str, SavedBeneficiary]


def draft_to(payee: SavedBeneficiary, *, amount: Decimal, description: str) -> WithdrawalDraft:
    """The draft of a payout to this beneficiary, in its currency: there is no other choice."""
    return WithdrawalDraft(
        upstream=Upstream.LUMETRADE,
        amount=amount,
        currency=payee.currency,
        method=METHOD,
        payee_id=payee.upstream_id,
        recipient_name=payee.nickname,
        bank_account=str(payee.account)[:64],
        description=description,
    )


def payee_of(payee_id: str) -> SavedBeneficiary | None:
    return payees_of([payee_id]).get(payee_id)


def payees_of(payee_ids: Iterable[str]) -> Payees:
    """Those of these beneficiaries that are known, by their ids. One query, or none."""
    ids = set(payee_ids) - {""}
    rows = SavedBeneficiary.objects.filter(upstream=Upstream.LUMETRADE, upstream_id__in=ids)
    return {row.upstream_id: row for row in rows}


def payee_problem(draft: WithdrawalDraft, payees: Payees | None = None) -> dict[str, Sayable]:
    """Why this may not be paid to this beneficiary, as far as Lumetrade last told of it.

    `payees`: those that were read already.
    """
    known = payees_of([draft.payee_id]) if payees is None else payees
    payee = known.get(draft.payee_id)
    if payee is None:
        return {"payee_id": Text(_("Choose one of the beneficiaries that Lumetrade lists."))}
    if not payee.is_listed:
        return {"payee_id": Text(_("Lumetrade lists this beneficiary no longer."))}
    told = draft_to(payee, amount=draft.amount, description=draft.description)
    names = ("currency", "method", "recipient_name", "bank_account")
    if any(getattr(draft, name) != getattr(told, name) for name in names):
        text = _("This beneficiary was changed at Lumetrade: ask for the payout anew.")
        return {"payee_id": Text(text)}
    return {}


def payload(withdrawal: Withdrawal) -> bytes:
    """The exact body of POST /beneficiaries/withdrawals for this withdrawal."""
    return withdrawal_body(
        beneficiary_id=withdrawal.payee_id,
        amount=Money(withdrawal.amount, withdrawal.currency),
    )
