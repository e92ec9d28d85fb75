"""What one person may read of a customer's fields, to change them."""

from __future__ import annotations

from customers.models import Profile
from customers.requests.fields import current, fields_for
from customers.sight import Sight
from staff import masking


def shown_of(profile: Profile, sight: Sight) -> dict[str, str]:
    """Every field as this person may read it, "" where nothing is told."""
    held = current(profile)
    hidden = {field.name for field in fields_for(profile.kind) if field.hides}
    return {
        name: _masked(name, value, sight) if name in hidden and value else value
        for name, value in held.items()
    }


def _masked(name: str, value: str, sight: Sight) -> str:
    match name:
        case "email" | "business_email":
            return sight.email(value)
        case "phone" | "business_phone":
            return sight.phone(value)
        case "date_of_birth":
            return sight.born(value)
        case "business_ein" | "registration_number":
            return sight.number(value)
    return masking.DOTS
