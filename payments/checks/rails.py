"""Whether the payout details fit the country's rules."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop as _

from customers.models import Identity
from payments import routes, rules
from payments.accounts import same_name
from payments.checks.results import Check
from payments.enums import Level, RouteState
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
    if doubts := [*rules.warnings(draft), *_stranger(withdrawal)]:
        return Check(Level.WARN, CODE, joined(doubts))
    if withdrawal.upstream == Upstream.LUX:
        return _route(withdrawal)
    if withdrawal.upstream == Upstream.LUMETRADE:
        text = Text(_("Lumetrade lists this beneficiary, as it is written here."))
        return Check(Level.PASS, CODE, text)
    if withdrawal.hosted:
        text = Text(_("There are no payout details to look at: LuxCore's page asks for them."))
        return Check(Level.PASS, CODE, text)
    text = Text(
        _("The payout details fit %(method)s in %(currency)s."),
        method=Text(rules.METHOD_LABELS[withdrawal.method]),
        currency=withdrawal.currency,
    )
    return Check(Level.PASS, CODE, text)


def _route(withdrawal: Withdrawal) -> Check:
    """What Lux Financial says of its way. Without its word it is only doubtful."""
    found = routes.latest(withdrawal)
    if found is None or found.state == RouteState.ASKED:
        text = Text(_("Lux Financial is being asked whether this way works."))
        return Check(Level.WARN, CODE, text, found.asked_at if found else None)
    match found.state:
        case RouteState.WORKS:
            text = Text(_("Lux Financial says that this way works."))
            return Check(Level.PASS, CODE, text, found.answered_at)
        case RouteState.REFUSED:
            text = Text(_("Lux Financial would refuse this: %(words)s"), words=found.words)
            return Check(Level.BLOCK, CODE, text, found.answered_at)
    text = Text(
        _("Lux Financial could not be asked whether this way works: %(words)s"), words=found.words
    )
    return Check(Level.WARN, CODE, text, found.answered_at)


def _stranger(withdrawal: Withdrawal) -> list[Text]:
    """What to say of LuxCore's number of a customer: theirs counts, and not the data beside it."""
    number = withdrawal.customer_number
    if not number:
        return []
    known = Identity.objects.filter(upstream=Upstream.LUXCORE, upstream_id=number)
    identity = known.select_related("customer").first()
    if identity is None:
        return [Text(_("The desk has not seen LuxCore's customer %(number)s yet."), number=number)]
    known_as, told = identity.customer, withdrawal
    pairs = [(known_as.name, told.customer_name), (known_as.email, told.customer_email)]
    if any(theirs and ours and same_name(theirs) != same_name(ours) for theirs, ours in pairs):
        text = _("LuxCore's customer %(number)s has another name or e-mail than stands here.")
        return [Text(text, number=number)]
    return []
