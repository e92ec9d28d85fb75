"""What one person may read of a customer. Every page about customers asks here.

Names are in clear to people who see payments or KYC cases; e-mail, phone, date of birth, address
and account numbers to nobody. Where documents are compared with what a customer says of
themselves, whoever may see the documents reads that too (`Sight.comparing`); contact data and
account numbers stay masked there as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from customers.models import Customer, Profile
from staff import masking
from staff.letters import spelled
from staff.permissions import Permission, Person, can

MAY_SEE: Final = (
    Permission.SEE_PAYMENTS,
    Permission.SEE_PAYMENTS_MASKED,
    Permission.SEE_KYC,
)

# What is told of a customer's wallets, accounts and profile and names nobody.
_MEMBERS: Final = masking.Members(
    plain=frozenset({
        "account_type", "available", "balance", "bank_country", "bank_name", "business_type",
        "chain", "chains", "city", "country", "created_at", "currency", "customer_id",
        "deleted_at", "endorsements", "id", "incorporation_country", "incorporation_date",
        "industry", "kyc_status", "last_4", "object", "pending", "requirements_due",
        "risk_rating", "state", "status", "threshold", "tos_status", "total_usd", "type",
        "updated_at", "verification_method", "wallet_id",
    }),
    names=frozenset({"account_name", "business_name", "first_name", "label", "last_name", "name"}),
    words=frozenset({"rejection_reasons"}),
    dates=frozenset({"date_of_birth"}),
    free=frozenset({"metadata"}),
)  # fmt: skip
_ADDRESS: Final = ("line1", "line2", "city", "state", "postal_code", "country")
_OF_A_BUSINESS: Final = ("ein", "registration_number", "phone", "email")
_WHERE_ROUGHLY: Final = frozenset({"city", "state", "country"})


@dataclass(frozen=True)
class Sight:
    """How much one person sees. `compares`: what documents tell is in clear, too."""

    names_in_clear: bool
    compares: bool = False

    @classmethod
    def of(cls, person: Person) -> Sight:
        """What they see on any page."""
        return cls(names_in_clear=can_read_names(person))

    @classmethod
    def comparing(cls, person: Person) -> Sight:
        """What they see where documents are compared with what the customer says."""
        return cls(
            names_in_clear=can_read_names(person),
            compares=can(person, Permission.SEE_KYC_DOCUMENTS),
        )

    def name(self, name: str) -> str:
        return spelled(name) if self.names_in_clear else masking.mask_name(name)

    def email(self, email: str) -> str:
        return masking.mask_email(email)

    def phone(self, phone: str) -> str:
        return masking.mask_phone(phone)

    def born(self, date: str) -> str:
        """A date of birth."""
        return spelled(date) if self.compares else masking.mask_date(date)

    def number(self, number: str) -> str:
        """The number of a document, an account, a registration, a wallet."""
        return masking.mask_account(number)

    def address(self, address: Mapping[str, object]) -> dict[str, str]:
        """An address by its parts, the empty ones left out."""
        told = {part: str(address[part]) for part in _ADDRESS if address.get(part)}
        return {part: self._address_part(part, text) for part, text in told.items()}

    def raw(self, raw: object) -> str:
        """Return a provider's record as indented JSON, masked for this person."""
        clear = self.names_in_clear
        masked = masking.mask_record(raw, _MEMBERS, names_in_clear=clear)
        return json.dumps(masked, indent=2, ensure_ascii=False, default=str)

    def text(self, text: str, *, about: Customer, profile: Profile | None = None) -> str:
        """Return free text about a customer in which none of their masked values is repeated."""
        return masking.mask_values_in(text, self._secrets(about, profile))

    def _address_part(self, part: str, text: str) -> str:
        if self.compares or part in _WHERE_ROUGHLY:
            return spelled(text)
        return masking.DOTS

    def _secrets(self, about: Customer, profile: Profile | None) -> list[tuple[str, str]]:
        told: list[Customer | Profile] = [about] if profile is None else [about, profile]
        found = [(one.email, self.email(one.email)) for one in told]
        found += [(one.phone, self.phone(one.phone)) for one in told]
        if profile is not None:
            found.append((profile.date_of_birth, masking.mask_date(profile.date_of_birth)))
            found += [
                (text, masking.mask_any(text))
                for name in _OF_A_BUSINESS
                if (text := str(profile.business.get(name) or ""))
            ]
            found += [
                (str(text), masking.DOTS)
                for part, text in profile.address.items()
                if part not in _WHERE_ROUGHLY
            ]
        if not self.names_in_clear:
            found.append((about.name, masking.mask_name(about.name)))
        return found


def can_read_names(person: Person) -> bool:
    return can(person, Permission.SEE_PAYMENTS) or can(person, Permission.SEE_KYC)
