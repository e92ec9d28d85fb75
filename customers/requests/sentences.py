"""What is said of each kind of request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_noop as _

from customers.enums import RequestKind


@dataclass(frozen=True)
class Words:
    """In English: asked for, carried out, and what that means."""

    asked: str
    made: str
    afterwards: str


SENTENCES: Final[Mapping[RequestKind, Words]] = {
    RequestKind.CREATE: Words(
        asked=_("Lux Financial is asked to make the customer."),
        made=_("Lux Financial made the customer."),
        afterwards=_("KYC comes next: nothing can be moved for them before it is approved."),
    ),
    RequestKind.CHANGE: Words(
        asked=_("Lux Financial is asked to change the customer."),
        made=_("Lux Financial changed the customer."),
        afterwards=_("The page of the customer shows it."),
    ),
    RequestKind.DELETE: Words(
        asked=_("Lux Financial is asked to delete the customer."),
        made=_("Lux Financial deleted the customer."),
        afterwards=_("Their data is kept there and here; nothing new can be done for them."),
    ),
    RequestKind.ADD_WALLET: Words(
        asked=_("Lux Financial is asked for a wallet."),
        made=_("Lux Financial made the wallet."),
        afterwards=_("The page of the customer shows it."),
    ),
    RequestKind.ADD_ACCOUNT: Words(
        asked=_("Lux Financial is asked to add the external account."),
        made=_("Lux Financial added the external account."),
        afterwards=_(
            "A bank account is paid to when its two small deposits are confirmed; an address is "
            "ready at once."
        ),
    ),
    RequestKind.VERIFY_ACCOUNT: Words(
        asked=_("Lux Financial is asked to verify the external account."),
        made=_("Lux Financial verified the external account."),
        afterwards=_("It can be paid to."),
    ),
    RequestKind.REMOVE_ACCOUNT: Words(
        asked=_("Lux Financial is asked to remove the external account."),
        made=_("Lux Financial removed the external account."),
        afterwards=_("Nothing new can be paid to it."),
    ),
}
