"""Why somebody is asked again or rejected: a code, what the customer reads, and which of the two.

The text is a proposal in English that the reviewer edits; the internal note is another field and
never leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_noop as _

from customers.enums import Outcome


@dataclass(frozen=True)
class Reason:
    code: str
    label: str  # for people at the desk
    outcome: Outcome
    text: str  # for the customer, until somebody writes it better


REASONS: Final = (
    Reason(
        "unreadable",
        _("Document unreadable or cut off"),
        Outcome.ASK_AGAIN,
        "Please send a sharp picture of the whole document, with all four corners in it.",
    ),
    Reason(
        "side_missing",
        _("A side is missing"),
        Outcome.ASK_AGAIN,
        "Please send both sides of your document.",
    ),
    Reason(
        "expired",
        _("Document expired"),
        Outcome.ASK_AGAIN,
        "Your document has expired. Please send one that is valid.",
    ),
    Reason(
        "selfie",
        _("Selfie missing or not of the person"),
        Outcome.ASK_AGAIN,
        "Please send a new picture of your face, without glasses or hat, in good light.",
    ),
    Reason(
        "data_differs",
        _("Name or date of birth differs"),
        Outcome.ASK_AGAIN,
        "What you told us differs from your document. Please correct it, or send another document.",
    ),
    Reason(
        "address_proof",
        _("Proof of address needed"),
        Outcome.ASK_AGAIN,
        "Please send a bill or bank statement of the last three months with your address on it.",
    ),
    Reason(
        "owners",
        _("Owners not named or not identified"),
        Outcome.ASK_AGAIN,
        "Please name everybody who owns a quarter of the business or more, with their documents.",
    ),
    Reason(
        "funds",
        _("Source of funds unexplained"),
        Outcome.ASK_AGAIN,
        "Please tell us where the money that you send comes from, with papers that show it.",
    ),
    Reason(
        "forged",
        _("Document forged or altered"),
        Outcome.REJECT,
        "We could not confirm your identity with the document that you sent.",
    ),
    Reason(
        "another_person",
        _("Somebody else's identity"),
        Outcome.REJECT,
        "We could not confirm that you are the person on the document.",
    ),
    Reason(
        "sanctioned",
        _("On a sanctions list"),
        Outcome.REJECT,
        "We cannot offer you our services.",
    ),
    Reason(
        "not_served",
        _("Country or business not served"),
        Outcome.REJECT,
        "We do not offer our services where you are, or for what you do.",
    ),
    Reason(
        "duplicate",
        _("Has another account here"),
        Outcome.REJECT,
        "You have an account with us already. Please use that one.",
    ),
    Reason(
        "no_answer",
        _("Asked several times in vain"),
        Outcome.REJECT,
        "We did not receive what we need to confirm your identity.",
    ),
)
BY_CODE: Final = {reason.code: reason for reason in REASONS}


def for_outcome(outcome: Outcome) -> list[Reason]:
    return [reason for reason in REASONS if reason.outcome == outcome]


def text_of(codes: Iterable[str]) -> str:
    """What the customer reads for these reasons, a line for each."""
    return "\n".join(BY_CODE[code].text for code in codes if code in BY_CODE)
