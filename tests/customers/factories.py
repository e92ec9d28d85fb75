"""Customers and what holds them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory

from customers.enums import (
    DocumentKind,
    DocumentOrigin,
    DocumentVerdict,
    HoldKind,
    LinkState,
    RequestKind,
    ScreeningReason,
    Side,
)
from customers.kyc import checklist
from customers.models import (
    Customer,
    CustomerRequest,
    Document,
    ExternalAccount,
    Hit,
    Hold,
    Identity,
    KycCase,
    Link,
    Profile,
    Screening,
    ScreeningStanding,
    Submission,
    Wallet,
)
from customers.screening import asking, standings
from customers.screening.asking import Asked
from tests.staff.factories import UserFactory
from tests.upstreams.lux import customer as customer_json
from upstreams.enums import Upstream
from upstreams.lux.schemas import CustomerRecord, parse_customer

NOW = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    """Whoever the payouts of the tests go to, by their e-mail and phone."""

    class Meta:
        model = Customer

    name = "James Smith"
    email = "James@example.com"
    phone = "+61412345678"
    created_at = NOW


class IdentityFactory(factory.django.DjangoModelFactory[Identity]):
    """A customer as LuxCore knows them."""

    class Meta:
        model = Identity

    customer = factory.SubFactory(CustomerFactory)
    upstream = Upstream.LUXCORE
    upstream_id = factory.Sequence(lambda number: f"1{number:05}")
    seen_at = NOW


class HoldFactory(factory.django.DjangoModelFactory[Hold]):
    """A hold by hand, in force."""

    class Meta:
        model = Hold

    customer = factory.SubFactory(CustomerFactory)
    kind = HoldKind.MANUAL
    reason = "Asked for by the police."
    placed_by = factory.LazyFunction(lambda: UserFactory(roles=["reviewer"]))
    placed_at = NOW


class ProfileFactory(factory.django.DjangoModelFactory[Profile]):
    """James Smith as Lux Financial holds him, with his identity there (`upstream_id`)."""

    class Meta:
        model = Profile
        skip_postgeneration_save = True

    customer = factory.SubFactory(CustomerFactory)
    kind = "individual"
    first_name = "James"
    last_name = "Smith"
    email = "james@example.com"
    phone = "+61412345678"
    date_of_birth = "1990-01-31"
    address = factory.LazyFunction(
        lambda: {"line1": "1 King Street", "city": "Sydney", "country": "AU"}
    )
    country = "AU"
    status = "active"
    kyc_status = "approved"
    digest = "0" * 64
    seen_at = NOW

    class Params:
        in_review = factory.Trait(status="pending", kyc_status="under_review", risk_rating="low")
        business_kind = factory.Trait(
            kind="business",
            first_name="",
            last_name="",
            date_of_birth="",
            business={"name": "Harbour Pty", "type": "llc", "industry": "Shipping"},
        )

    @factory.post_generation
    def upstream_id(self: Any, create: bool, extracted: str | None, **kwargs: Any) -> None:
        Identity.objects.create(
            customer=self.customer,
            upstream="lux",
            upstream_id=extracted or f"cus_{self.customer_id}",
            seen_at=NOW,
        )


class ExternalAccountFactory(factory.django.DjangoModelFactory[ExternalAccount]):
    """A bank account in the United States that waits for its two small deposits."""

    class Meta:
        model = ExternalAccount

    customer = factory.LazyFunction(lambda: ProfileFactory().customer)
    upstream_id = factory.Sequence(lambda n: f"ext_{n}")
    kind = "us_bank_account"
    account_name = "James Smith"
    bank_name = "Lead Bank"
    last_4 = "6789"
    status = "pending"
    verification_method = "micro_deposits"
    digest = "0" * 64
    seen_at = NOW


class LinkFactory(factory.django.DjangoModelFactory[Link]):
    """Two who share an e-mail address, as nobody has judged yet."""

    class Meta:
        model = Link

    other = factory.SubFactory(CustomerFactory, name="J. Smith", phone="")
    into = factory.SubFactory(CustomerFactory)
    state = LinkState.SUGGESTED
    why = factory.LazyFunction(lambda: ["email"])
    made_at = NOW


class WalletFactory(factory.django.DjangoModelFactory[Wallet]):
    """A wallet that was never looked into."""

    class Meta:
        model = Wallet

    customer = factory.LazyFunction(lambda: ProfileFactory().customer)
    upstream_id = factory.Sequence(lambda n: f"wal_{n}")
    kind = "custodial"
    label = "Savings"
    chains = factory.LazyFunction(lambda: ["polygon"])
    addresses = factory.LazyFunction(lambda: {"polygon": "0x" + "a1" * 20})
    digest = "0" * 64
    seen_at = NOW


class CustomerRequestFactory(factory.django.DjangoModelFactory[CustomerRequest]):
    """A change of somebody's e-mail, queued, without its command."""

    class Meta:
        model = CustomerRequest

    kind = RequestKind.CHANGE
    customer = factory.LazyFunction(lambda: ProfileFactory().customer)
    target = factory.LazyAttribute(
        lambda row: row.customer.identities.get().upstream_id if row.customer else ""
    )
    body = factory.LazyFunction(lambda: {"email": "new@example.com"})
    told = factory.LazyFunction(lambda: {"fields": ["email"]})
    created_by = factory.LazyFunction(lambda: UserFactory(roles=["reviewer"]))
    created_at = NOW


def _told(customer: Customer) -> dict[str, str]:
    """What is told of a customer now, as a screening keeps it."""
    facts = asking.about(customer)
    return facts.as_json() if facts else {}


class ScreeningFactory(factory.django.DjangoModelFactory[Screening]):
    """Screened as they are, and nobody found."""

    class Meta:
        model = Screening

    customer = factory.SubFactory(CustomerFactory)
    upstream_id = factory.Sequence(lambda n: f"scr_kept_{n}")
    reason = ScreeningReason.CASE
    asked = factory.LazyAttribute(lambda row: _told(row.customer))
    asked_digest = factory.LazyAttribute(lambda row: Asked.from_json(row.asked).digest)
    asked_at = NOW
    status = "clear"
    match_count = 0
    screened_at = NOW


class HitFactory(factory.django.DjangoModelFactory[Hit]):
    """An open hit, and where its customer stands then."""

    class Meta:
        model = Hit
        skip_postgeneration_save = True

    screening = factory.SubFactory(ScreeningFactory, status="potential_match", match_count=1)
    customer = factory.SelfAttribute("screening.customer")
    entity = factory.Sequence(lambda n: f"{n:064x}")
    version = "1" * 64
    asked_digest = factory.SelfAttribute("screening.asked_digest")
    facts = factory.LazyFunction(
        lambda: {
            "source": "SDN",
            "source_name": "OFAC SDN List",
            "matched_name": "SMITH, James",
            "match_type": "name_exact",
            "entity_type": "individual",
            "programs": ["SDGT"],
            "listed_on": "2020-05-04",
            "remarks": "DOB 1990-01-31; Nationality AU",
        }
    )
    agreeing = factory.LazyFunction(lambda: ["name", "born", "country", "type"])
    score = Decimal("0.97")
    rank = Decimal("40.97")
    why_open = "new"
    first_seen_at = NOW
    seen_at = NOW

    @factory.post_generation
    def standing(self: Any, create: bool, extracted: object, **kwargs: Any) -> None:
        stands, _ = ScreeningStanding.objects.get_or_create(
            customer=self.customer,
            defaults={"screening": self.screening, "asked_at": NOW, "screened_at": NOW},
        )
        standings.recount(stands.customer_id)


class DocumentFactory(factory.django.DjangoModelFactory[Document]):
    """The front of a passport that came from Lux Financial and that nobody has judged."""

    class Meta:
        model = Document

    class Params:
        accepted = factory.Trait(
            verdict=DocumentVerdict.ACCEPTED,
            verdict_at=NOW,
            verdict_by=factory.LazyFunction(lambda: UserFactory(roles=["reviewer"])),
        )

    customer = factory.SubFactory(CustomerFactory)
    kind = DocumentKind.PASSPORT
    side = Side.FRONT
    origin = DocumentOrigin.UPSTREAM
    upstream_id = factory.Sequence(lambda n: f"doc_{n}")
    name = "passport-front.png"
    media_type = "image/png"
    size = 1_000
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    added_at = NOW


class SubmissionFactory(factory.django.DjangoModelFactory[Submission]):
    """A passport that waits to be handed in at Lux Financial."""

    class Meta:
        model = Submission

    customer = factory.LazyFunction(lambda: ProfileFactory(kyc_status="pending").customer)
    kind = DocumentKind.PASSPORT
    front = factory.SubFactory(DocumentFactory, customer=factory.SelfAttribute("..customer"))
    created_by = factory.LazyFunction(lambda: UserFactory(roles=["reviewer"]))
    created_at = NOW


class KycCaseFactory(factory.django.DjangoModelFactory[KycCase]):
    """A case to review of somebody of low risk, about whom nothing is known but their profile.

    `ready`: nothing stands against approving them.
    """

    class Meta:
        model = KycCase
        skip_postgeneration_save = True

    class Params:
        profile = factory.SubFactory(ProfileFactory, in_review=True)

    customer = factory.SelfAttribute("profile.customer")
    opened_at = NOW
    opened_for = factory.SelfAttribute("profile.kyc_status")
    theirs = factory.SelfAttribute("profile.kyc_status")
    theirs_at = NOW
    due_at = NOW + timedelta(hours=72)

    @factory.post_generation
    def ready(self: Any, create: bool, extracted: bool, **kwargs: Any) -> None:
        if not extracted:
            return
        profile = self.customer.profile
        mark = {"by": "reviewer@lightdesk.test", "at": NOW.isoformat()}
        self.checklist = {point.code: mark for point in checklist.needed(profile)}
        self.save(update_fields=["checklist"])
        kind = DocumentKind.REGISTRATION if profile.is_business else DocumentKind.PASSPORT
        DocumentFactory(customer=self.customer, kind=kind, accepted=True)
        ScreeningFactory(customer=self.customer)


def record(**changes: Any) -> CustomerRecord:
    """A customer as Lux Financial's list shows it: Amara, approved."""
    return parse_customer(customer_json(**changes))
