"""What of customers can be revealed, who looked, and the alarm for who looks too often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from customers.models import Customer, ExternalAccount, Profile, Wallet
from customers.sight import MAY_SEE, Sight
from staff import audit, masking, reveals
from staff.models import Reveal, User
from staff.permissions import Permission, Person, can
from staff.reveals import Found, Kind, Secret
from staff.texts import Text
from upstreams import alarms
from upstreams.enums import DESK

TOO_MANY: Final = "many-reveals"
AN_HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 30
SHOWN: Final = 20

_ADDRESS: Final = ("line1", "line2", "postal_code", "city", "state", "country")
_SEE_WHO_LOOKED: Final = (
    Permission.SEE_KYC,
    Permission.READ_AUDIT,
    Permission.REVEAL_PERSONAL_DATA,
)


@dataclass(frozen=True)
class Looked:
    """One line of "who looked", as this person may read it."""

    by: User
    at: datetime
    field: str
    reason: str


def register() -> None:
    """Say which fields of customers are masked, and how they are read."""
    reveals.register(
        Kind(
            model=Customer,
            secrets={
                "name": _plain("name", _("Name"), masking.mask_name),
                "email": _plain("email", _("E-mail"), masking.mask_email),
                "phone": _plain("phone", _("Phone"), masking.mask_phone),
            },
            may_see=MAY_SEE,
            page=Customer.get_absolute_url,
        )
    )
    reveals.register(
        Kind(
            model=Profile,
            secrets={
                "email": _plain("email", _("E-mail"), masking.mask_email),
                "phone": _plain("phone", _("Phone"), masking.mask_phone),
                "date_of_birth": _plain("date_of_birth", _("Date of birth"), masking.mask_date),
                "address": Secret(_("Address"), _address, lambda _text: masking.DOTS),
                "business_email": _business("email", _("Business e-mail"), masking.mask_email),
                "business_phone": _business("phone", _("Business phone"), masking.mask_phone),
                "business_website": _business("website", _("Website"), masking.mask_any),
                "business_ein": _business("ein", _("Tax number"), masking.mask_account),
                "business_registration_number": _business(
                    "registration_number", _("Registration number"), masking.mask_account
                ),
            },
            may_see=MAY_SEE,
            page=_page_of_customer,
        )
    )
    reveals.register(
        Kind(
            model=ExternalAccount,
            secrets={
                "account_name": _plain("account_name", _("Account holder"), masking.mask_name),
                "address": _plain("address", _("Address"), masking.mask_account),
            },
            may_see=MAY_SEE,
            page=_page_of_customer,
        )
    )
    reveals.register(
        Kind(
            model=Wallet,
            secrets={"addresses": Secret(_("Addresses"), _wallet, masking.mask_account)},
            may_see=MAY_SEE,
            page=_page_of_customer,
        )
    )


def reveal(*, found: Found, reason: str, by: User, at: datetime) -> Reveal:
    """Show one value to one person for a minute; more than 30 an hour raise an alarm.

    Raises NotPermitted, ReasonMissing.
    """
    with transaction.atomic():
        made = reveals.reveal(found=found, reason=reason, by=by, at=at)
        # Under the lock of the audit chain: of two at once the second counts the first.
        number = Reveal.objects.filter(by=by, at__gt=at - AN_HOUR, at__lte=at).count()
        if number > MOST_AN_HOUR:
            alarms.raise_alarm(
                upstream=DESK,
                code=TOO_MANY,
                subject=audit.subject_of(by),
                text=Text(
                    _("%(who)s looked at more than %(most)s masked values within an hour."),
                    who=by.email,
                    most=MOST_AN_HOUR,
                ),
                at=at,
            )
    return made


def who_looked(rows: Sequence[Customer], *, viewer: Person) -> list[Looked]:
    """The newest looks at masked values of these rows, which are one person. One query each for
    what they have, one for the looks. Empty for who has no business with it."""
    if not any(can(viewer, permission) for permission in _SEE_WHO_LOOKED):
        return []
    keys = [row.pk for row in rows]
    subjects = [audit.subject_of(row) for row in rows]
    for model in (Profile, ExternalAccount, Wallet):
        found = model._default_manager.filter(customer__in=keys).values_list("pk", flat=True)
        subjects += [(model._meta.label_lower, str(pk)) for pk in found]
    sight = Sight.of(viewer)
    looks = Reveal.objects.of(subjects).newest_first().select_related("by")[:SHOWN]
    return [
        Looked(
            by=look.by,
            at=look.at,
            field=gettext(reveals.label_of(look)),
            reason=_said(look.reason, rows, sight),
        )
        for look in looks
    ]


def _said(reason: str, rows: Sequence[Customer], sight: Sight) -> str:
    for row in rows:
        reason = sight.text(reason, about=row, profile=getattr(row, "profile", None))
    return reason


def _plain(name: str, label: str, mask: Callable[[str], str]) -> Secret:
    return Secret(label, lambda row: str(getattr(row, name)), mask)


def _business(name: str, label: str, mask: Callable[[str], str]) -> Secret:
    return Secret(label, lambda row: str(row.business.get(name) or ""), mask)


def _address(profile: Profile) -> str:
    told: Mapping[str, Any] = profile.address
    return ", ".join(str(told[part]) for part in _ADDRESS if told.get(part))


def _wallet(wallet: Wallet) -> str:
    return ", ".join(f"{chain}: {address}" for chain, address in sorted(wallet.addresses.items()))


def _page_of_customer(row: Profile | ExternalAccount | Wallet) -> str:
    return row.customer.get_absolute_url()
