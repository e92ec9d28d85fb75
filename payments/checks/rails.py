"""Whether the payout details fit the country's rules."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop as _

from payments import rules
from payments.checks.results import Check
from payments.enums import Level
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft
from staff.texts import Text, joined
from upstreams.enums import Upstream

CODE = "payout_rules"


def payout_rules_hold(withdrawal: Withdrawal, now: datetime) -> Check:
    """Ours must fit. One made elsewhere was taken by the provider already: it only warns."""
    draft = WithdrawalDraft.of(withdrawal)
    if errors := rules.validate(draft):
        level = Level.BLOCK if withdrawal.is_ours else Level.WARN
        return Check(level, CODE, joined([*errors.values(), *rules.foreign_letters(draft)]))
    if doubts := rules.warnings(draft):
        return Check(Level.WARN, CODE, joined(doubts))
    if withdrawal.upstream == Upstream.LUMETRADE:
        text = Text(_("Lumetrade lists this beneficiary, as it is written here."))
        return Check(Level.PASS, CODE, text)
    text = Text(
        _("The payout details fit %(method)s in %(currency)s."),
        method=Text(rules.METHOD_LABELS[withdrawal.method]),
        currency=withdrawal.currency,
    )
    return Check(Level.PASS, CODE, text)
