"""A payout to a beneficiary that is named by its id: what other systems and files ask for."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from payments.rules import lumetrade
from payments.rules.drafts import WithdrawalDraft
from payments.rules.judging import parse_amount, validate
from staff.texts import Sayable, Text
from upstreams.money import BadMoney, is_known

# What there is to say about such a payout; Lumetrade knows the rest of its beneficiary itself.
PAYEE_FIELDS = ("payee_id", "amount", "currency", "description")


def draft_for(
    *,
    payee_id: str,
    amount: str,
    currency: str = "",
    description: str = "",
    payees: lumetrade.Payees | None = None,
) -> tuple[WithdrawalDraft | None, dict[str, Sayable]]:
    """The draft, or what is wrong with it by field.

    The amount is in the beneficiary's currency. Where a currency is given too, it has to be that.
    `payees`: the beneficiaries where they were read already.
    """
    known = lumetrade.payees_of([payee_id]) if payees is None else payees
    payee = known.get(payee_id)
    if payee is None or not is_known(payee.currency):
        text = Text(_("Name one of the beneficiaries that Lumetrade lists, by its id."))
        return None, {"payee_id": text}
    if currency and currency != payee.currency:
        text = Text(_("This beneficiary is paid in %(currency)s."), currency=payee.currency)
        return None, {"currency": text}
    try:
        exact = parse_amount(amount, payee.currency)
    except BadMoney as problem:
        return None, {"amount": problem.args[0]}
    draft = lumetrade.draft_to(payee, amount=exact, description=description)
    errors = {
        name if name in PAYEE_FIELDS else "payee_id": text
        for name, text in validate(draft, payees=known).items()
    }
    return (None, errors) if errors else (draft, {})
