"""Customers and their KYC submissions (upstreams.md §1.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams import strict_json
from upstreams.lux.schemas.reading import Fields
from upstreams.lux.words import BUSINESS


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """`country` is a code of ISO 3166-1 alpha-2."""

    line1: str = field(repr=False)
    line2: str = field(repr=False)
    city: str = field(repr=False)
    state: str = field(repr=False)
    postal_code: str = field(repr=False)
    country: str


@dataclass(frozen=True, slots=True)
class BusinessRecord:
    """What is told of a business and not of a person."""

    name: str = field(repr=False)
    type: str
    ein: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)
    website: str = field(repr=False)
    industry: str
    registration_number: str = field(repr=False)
    incorporation_date: str
    incorporation_country: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer as Lux Financial holds it; an unknown status is kept as it came.

    `date_of_birth` is theirs, unchecked: `YYYY-MM-DD` by the documents. The links lead the
    customer to what is due: do not show them to others.
    """

    id: str
    type: str
    email: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    business: BusinessRecord | None
    phone: str = field(repr=False)
    date_of_birth: str = field(repr=False)
    tax_id_provided: bool
    address: AddressRecord | None
    status: str
    kyc_status: str
    kyc_link: str = field(repr=False)
    tos_status: str
    tos_link: str = field(repr=False)
    risk_rating: str
    endorsements: list[str]
    rejection_reasons: list[str]
    requirements_due: list[str]
    metadata: dict[str, Any] = field(repr=False)
    created_at: datetime | None
    updated_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)

    @property
    def name(self) -> str:
        """What they are called: a person by their own name, even beside one of a business."""
        business = self.business.name if self.business else ""
        person = f"{self.first_name} {self.last_name}".strip()
        return business or person if self.type == BUSINESS else person or business


@dataclass(frozen=True, slots=True)
class DeletedCustomer:
    """The answer to a soft delete: their data is kept."""

    id: str
    status: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class KycSubmission:
    """Documents that were handed in. `status` is the submission's, not the customer's."""

    id: str
    customer_id: str
    status: str
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A submission as it is listed, with the names of its pictures (LF-A14)."""

    id: str
    document_type: str
    status: str
    created_at: datetime | None
    pictures: list[str]


def parse_customer(raw: Any) -> CustomerRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return CustomerRecord(
        id=fields.required_text("id"),
        type=fields.required_text("type"),
        email=fields.text("email"),
        first_name=fields.text("first_name"),
        last_name=fields.text("last_name"),
        business=_business(fields),
        phone=fields.text("phone"),
        date_of_birth=fields.text("date_of_birth"),
        tax_id_provided=fields.flag("tax_id_provided"),
        address=_address(fields.child("address")),
        status=fields.required_text("status"),
        kyc_status=fields.required_text("kyc_status"),
        kyc_link=fields.text("kyc_link"),
        tos_status=fields.text("tos_status"),
        tos_link=fields.text("tos_link"),
        risk_rating=fields.text("risk_rating"),
        endorsements=fields.texts("endorsements"),
        rejection_reasons=fields.words("rejection_reasons", "reason", "message", "code"),
        requirements_due=fields.texts("requirements_due"),
        metadata=fields.free("metadata"),
        created_at=fields.moment("created_at"),
        updated_at=fields.moment("updated_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_handed_in(raw: Any) -> HandedIn:
    """Raises BadRecord."""
    fields = Fields(raw)
    return HandedIn(
        id=fields.required_text("id"),
        document_type=fields.text("document_type"),
        status=fields.text("status"),
        created_at=fields.moment("created_at"),
        pictures=fields.texts("pictures"),
    )


def parse_deleted(raw: Any) -> DeletedCustomer:
    """Raises BadRecord."""
    fields = Fields(raw)
    return DeletedCustomer(
        id=fields.required_text("id"),
        status=fields.required_text("status"),
        deleted_at=fields.moment("deleted_at"),
    )


def parse_submission(raw: Any) -> KycSubmission:
    """Raises BadRecord."""
    fields = Fields(raw)
    return KycSubmission(
        id=fields.required_text("id"),
        customer_id=fields.text("customer_id"),
        status=fields.required_text("status"),
        created_at=fields.moment("created_at"),
        raw=fields.raw,
    )


def _business(fields: Fields) -> BusinessRecord | None:
    if not (name := fields.text("business_name")):
        return None
    return BusinessRecord(
        name=name,
        type=fields.text("business_type"),
        ein=fields.text("business_ein"),
        phone=fields.text("business_phone"),
        email=fields.text("business_email"),
        website=fields.text("website"),
        industry=fields.text("industry"),
        registration_number=fields.text("registration_number"),
        incorporation_date=fields.text("incorporation_date"),
        incorporation_country=fields.text("incorporation_country").upper(),
    )


def _address(fields: Fields | None) -> AddressRecord | None:
    if fields is None:
        return None
    return AddressRecord(
        line1=fields.text("line1"),
        line2=fields.text("line2"),
        city=fields.text("city"),
        state=fields.text("state"),
        postal_code=fields.text("postal_code"),
        country=fields.text("country").upper(),
    )
