"""Customers as Lux Financial tells of them: one profile each, the newest word wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from customers import holds
from customers.columns import longest
from customers.emails import same_email
from customers.enums import CustomerKind
from customers.holds import Known
from customers.kyc import following
from customers.mirror.learning import Told, learn
from customers.models import Customer, Identity, Profile
from customers.phones import same_phone
from staff.journal import Journal
from upstreams import strict_json
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import CustomerRecord
from upstreams.records import RefusedItem

# Whoever has one of these may act as the customer: they are not even kept with the raw record.
LINKS: Final = frozenset({"kyc_link", "tos_link"})
_EXACT: Final = (
    *("kind", "email", "phone", "date_of_birth", "country"),
    *("status", "kyc_status", "tos_status", "risk_rating"),
)
_COLUMNS: Final = (
    *_EXACT,
    *("first_name", "last_name", "business", "tax_id_provided", "address", "endorsements"),
    *("rejection_reasons", "requirements_due", "metadata", "created_at", "updated_at"),
    *("raw", "digest", "seen_at"),
)
_CONTACT: Final = ("kind", "name", "email", "phone")
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Changed:
    """A profile that says something new. `before` None: the first word about this customer."""

    customer: Customer
    before: Profile | None
    now: Profile

    @property
    def is_new(self) -> bool:
        return self.before is None

    def differs(self, *names: str) -> bool:
        """Whether one of these columns is not what it was; all of a new profile is news."""
        before = self.before
        return before is None or any(
            getattr(before, name) != getattr(self.now, name) for name in names
        )


def after(changed: Sequence[Changed], *, journal: Journal) -> None:
    """Let what follows from profiles follow these, which were just written.

    In the transaction that wrote them, their customers locked in the order of keys. What is to be
    audited goes into the journal, which is written last.
    """
    following.follow([one.now for one in changed], journal=journal)


def store_profiles(records: Sequence[CustomerRecord], *, at: datetime) -> StoreCounts:
    """Merge customers as Lux Financial shows them; returns what came of it.

    May be called again with the same records, in any order: an older word never replaces a newer
    one. What has not changed costs one query for all of them. Unknown words are kept, a record
    that does not fit our columns is refused, the rest goes on.
    """
    seen, refused = _fitting(records)
    news = _news(seen)
    if not news:
        return StoreCounts(unchanged=len(seen), refused=refused)
    with transaction.atomic():
        journal = Journal(by=None, at=at, by_label=Upstream.LUX.label)
        changed, known = _store(news, journal=journal, at=at)
        after(changed, journal=journal)
        holds.remember(known)
        journal.write()
    created = sum(one.is_new for one in changed)
    return StoreCounts(
        created=created,
        changed=len(changed) - created,
        unchanged=len(seen) - len(changed),
        refused=refused,
    )


def _fitting(
    records: Iterable[CustomerRecord],
) -> tuple[dict[str, CustomerRecord], list[RefusedItem]]:
    """The newest word on each customer that fits our columns, and what does not."""
    seen: dict[str, CustomerRecord] = {}
    refused = []
    for one in records:
        if reason := _misfit(one):
            refused.append(RefusedItem(one.id[:120], _raw(one), reason))
        elif one.id not in seen or _told_at(one) >= _told_at(seen[one.id]):
            seen[one.id] = one
    return seen, refused


def _misfit(record: CustomerRecord) -> str:
    """Why it fits our columns not; "" when it does."""
    if len(record.id) > (longest(Identity, "upstream_id") or 0):
        return "id is too long"
    values = _values(record)
    for name in _EXACT:
        if len(values[name]) > (longest(Profile, name) or 0):
            return f"{name} is too long"
    return ""


def _news(seen: Mapping[str, CustomerRecord]) -> dict[str, CustomerRecord]:
    """Those that may say something we do not hold."""
    known = dict(
        Profile.objects.filter(
            customer__identities__upstream=Upstream.LUX,
            customer__identities__upstream_id__in=list(seen),
        ).values_list("customer__identities__upstream_id", "digest")
    )
    return {key: one for key, one in seen.items() if known.get(key) != _digest(one)}


def _store(
    news: Mapping[str, CustomerRecord], *, journal: Journal, at: datetime
) -> tuple[list[Changed], list[Known]]:
    """Write what is news once the rows are locked; what somebody newer told meanwhile stays.

    Returns it, with what those were and are known by whose e-mail or phone changed by it.
    """
    told = [_told(one) for one in news.values()]
    ids = learn(told, upstream=Upstream.LUX, at=at)
    customers = {
        row.pk: row
        for row in Customer.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=ids.values())
        .order_by("pk")
    }
    before = {row.customer_id: row for row in Profile.objects.filter(customer__in=customers)}
    changed = []
    for key in sorted(news, key=lambda key: ids[key]):
        one, customer = news[key], customers[ids[key]]
        known = before.get(customer.pk)
        if known is not None and not _is_newer(one, known):
            continue
        changed.append(Changed(customer, known, _profile(one, customer, at=at)))
    return changed, _write(changed)


def _is_newer(record: CustomerRecord, known: Profile) -> bool:
    """Whether this is told after what we hold; of the same moment, whatever is told last counts."""
    if _digest(record) == known.digest:
        return False
    return _told_at(record) >= (known.updated_at or _LONG_AGO)


def _write(changed: Sequence[Changed]) -> list[Known]:
    if not changed:
        return []
    Profile.objects.bulk_create(
        [one.now for one in changed],
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=_COLUMNS,
    )
    before = [_known(one.customer) for one in changed]
    moved = [one.customer for one in changed if _follow(one.customer, one.now)]
    if moved:
        columns = [*_CONTACT, "email_key", "phone_key", "is_matched"]
        Customer.objects.bulk_update(moved, columns)
    now = [_known(one.customer) for one in changed]
    return [one for pair in zip(before, now, strict=True) if pair[0] != pair[1] for one in pair]


def _known(customer: Customer) -> Known:
    return Known(customer.pk, customer.email_key, customer.phone_key)


def _follow(customer: Customer, profile: Profile) -> bool:
    """Let the customer's row say what the profile does; whether anything changed by it."""
    told = {
        "kind": profile.kind if profile.kind in CustomerKind.values else customer.kind,
        "name": profile.name[: longest(Customer, "name")] or customer.name,
        "email": profile.email or customer.email,
        "phone": profile.phone or customer.phone,
    }
    if all(getattr(customer, name) == value for name, value in told.items()):
        return False
    contact = customer.email_key, customer.phone_key
    for name, value in told.items():
        setattr(customer, name, value)
    customer.email_key = same_email(customer.email)
    customer.phone_key = same_phone(customer.phone)
    if contact != (customer.email_key, customer.phone_key):
        customer.is_matched = False
    return True


def _told(record: CustomerRecord) -> Told:
    return Told(
        record.id,
        record.name,
        record.email,
        record.phone,
        created_at=record.created_at,
    )


def _profile(record: CustomerRecord, customer: Customer, *, at: datetime) -> Profile:
    return Profile(customer=customer, seen_at=at, **_values(record))


def _values(record: CustomerRecord) -> dict[str, Any]:
    """The record in our columns."""
    business, address = record.business, record.address
    return {
        "kind": record.type,
        "first_name": record.first_name[: longest(Profile, "first_name")],
        "last_name": record.last_name[: longest(Profile, "last_name")],
        "business": _members(business),
        "email": record.email,
        "phone": record.phone,
        "date_of_birth": record.date_of_birth,
        "tax_id_provided": record.tax_id_provided,
        "address": _members(address),
        "country": address.country if address else "",
        "status": record.status,
        "kyc_status": record.kyc_status,
        "tos_status": record.tos_status,
        "risk_rating": record.risk_rating,
        "endorsements": record.endorsements,
        "rejection_reasons": record.rejection_reasons,
        "requirements_due": record.requirements_due,
        "metadata": record.metadata,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "raw": _raw(record),
        "digest": _digest(record),
    }


def _members(part: Any) -> dict[str, str]:
    """What is told of a part, without its empty members."""
    if part is None:
        return {}
    return {name: getattr(part, name) for name in part.__slots__ if getattr(part, name)}


def _raw(record: CustomerRecord) -> dict[str, Any]:
    return {name: value for name, value in record.raw.items() if name not in LINKS}


def _digest(record: CustomerRecord) -> str:
    """Of what we keep: a link that was made anew is no news."""
    return strict_json.digest(_raw(record))


def _told_at(record: CustomerRecord) -> datetime:
    return record.updated_at or record.created_at or _LONG_AGO
