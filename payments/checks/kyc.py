"""Whether the customer may move money, as far as Lux Financial says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from customers import contacts, words
from customers.models import Profile
from payments.checks.holds import contact_of
from payments.checks.results import Check
from payments.enums import Level
from payments.models import Withdrawal
from payments.rules.lux import profile_of
from staff.texts import Lowered, Text, listed
from upstreams import credentials
from upstreams.enums import Upstream
from upstreams.lux.words import endorsements_for

CODE: Final = "kyc"
_GONE: Final = ("suspended", "deleted")


def kyc_is_approved(withdrawal: Withdrawal, now: datetime) -> Check:
    """What is not approved warns; where PAYOUTS_NEED_KYC is on, it blocks, an unknown one too.

    Lux Financial itself transfers for nobody who is not approved: there it always blocks.
    """
    if withdrawal.upstream == Upstream.LUX:
        return _for_transfer(withdrawal)
    doubtful = Level.BLOCK if settings.PAYOUTS_NEED_KYC else Level.WARN
    if not (found := contacts.profiles(contact_of(withdrawal))):
        return _unknown()
    as_of = min(profile.seen_at for profile in found)
    if text := _against(found):
        return Check(doubtful, CODE, text, as_of)
    return Check(Level.PASS, CODE, Text(_("KYC of this customer is approved.")), as_of)


def _against(found: Sequence[Profile]) -> Text | None:
    """Why these may not move money; None when all of them may."""
    if stopped := next((profile for profile in found if profile.status in _GONE), None):
        state = Lowered(words.STATUSES[stopped.status])
        return Text(_("Lux Financial has this customer as %(state)s."), state=state)
    if waiting := next((profile for profile in found if not profile.is_approved), None):
        now = _kyc_state(waiting)
        return Text(_("KYC of this customer is not approved: %(state)s."), state=now)
    return None


def _for_transfer(withdrawal: Withdrawal) -> Check:
    """KYC of whom the transfer names, and what they need for its rails (LF-A8)."""
    profile = profile_of(withdrawal.lux.get("on_behalf_of", ""))
    if profile is None:
        text = Text(_("Lux Financial does not know this customer: there is no KYC of them."))
        return Check(Level.BLOCK, CODE, text)
    if against := _against([profile]):
        return Check(Level.BLOCK, CODE, against, profile.seen_at)
    needed = endorsements_for(withdrawal.lux.get("source_rail", ""), withdrawal.method)
    if lacking := sorted(needed - set(profile.endorsements)):
        names = listed([Text(words.ENDORSEMENTS.get(name, name)) for name in lacking])
        text = Text(_("Lux Financial has not endorsed this customer for: %(names)s."), names=names)
        return Check(Level.BLOCK, CODE, text, profile.seen_at)
    text = Text(_("KYC of this customer is approved, and they are endorsed for these rails."))
    return Check(Level.PASS, CODE, text, profile.seen_at)


def _unknown() -> Check:
    if settings.PAYOUTS_NEED_KYC:
        text = Text(_("Lux Financial does not know this customer: there is no KYC of them."))
        return Check(Level.BLOCK, CODE, text)
    if not credentials.is_configured(Upstream.LUX):
        text = Text(_("KYC is not asked for: Lux Financial is not configured."))
    else:
        text = Text(_("KYC is not asked for: Lux Financial does not know this customer."))
    return Check(Level.PASS, CODE, text)


def _kyc_state(profile: Profile) -> Text:
    """Their status in our words; one that nobody documented as it came."""
    known = words.KYC_STATUSES.get(profile.kyc_status)
    return Lowered(known) if known else Text("%(word)s", word=profile.kyc_status)
