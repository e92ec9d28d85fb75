"""Hundreds of planted personal values, looked for everywhere as every role (proof P-4).

Pages, files, answers of the API and log lines: what a role may not read in clear is in none of
them, and whoever looked at a masked value is in the ledger.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.actions import place_hold
from customers.enums import HoldKind, Outcome, RequestKind
from customers.models import Customer, CustomerRequest, Hit, KycCase, Profile, Proposal
from staff import audit
from staff.models import AuditEvent, Reveal, User
from staff.permissions import ROLES, Permission, Role
from tests.customers.factories import (
    NOW,
    DocumentFactory,
    ExternalAccountFactory,
    KycCaseFactory,
    ProfileFactory,
    SubmissionFactory,
    WalletFactory,
)
from tests.customers.screening.helpers import match, screen
from tests.dashboard.routes import ROUTES, Route, World
from tests.payments.api.helpers import caller_of
from tests.payments.factories import BeneficiaryFactory, PaymentFactory, WithdrawalFactory
from tests.payments.pages.helpers import at, client_of
from tests.staff.factories import UserFactory
from tests.support.logs import production_log
from tests.support.rounds import FEW_ROLES, widest
from upstreams.enums import Upstream
from upstreams.models import RefusedRecord, WebhookEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_cache")]

PEOPLE: Final = 9
# The pages that are about one person: read for each of them, all others for the first.
ABOUT_ONE: Final = ("customers:customer", "customers:case", "customers:screening")
READABLE: Final = {200, 286, 422}
HX: Final = {"HX-Request": "true"}

# What may stand in clear, for whom and where; everything else may for nobody and nowhere.
NAME, BORN, ADDRESS, REMARKS, NOTE = "name", "born", "address", "remarks", "note"
SEES_NAMES: Final = (Permission.SEE_PAYMENTS, Permission.SEE_KYC)
COMPARES: Final = re.compile(r"^/(kyc|screenings)/")


def may_read(role: Role, kind: str, where: str) -> bool:
    """Whether this role reads values of this kind at this address."""
    rights = ROLES[role]
    match kind:
        case "name":
            return bool(rights.intersection(SEES_NAMES))
        case "born" | "address" | "remarks":
            return Permission.SEE_KYC_DOCUMENTS in rights and bool(COMPARES.match(where))
        case "note":
            return Permission.SEE_KYC in rights
    return False


@dataclass
class Planted:
    """One person, and their own values of every kind."""

    number: int
    values: dict[str, tuple[str, str]] = field(default_factory=dict)  # what it is: kind, value

    def __post_init__(self) -> None:
        n = f"{self.number:02}"
        for what, kind, value in (
            ("last name", NAME, f"Plantovic{n}qz"),
            ("recipient", NAME, f"Recipientov{n}qz"),
            ("e-mail", "contact", f"zp{n}@hidden{n}.example"),
            ("phone", "contact", f"+6147{n}81{n}23"),
            ("date of birth", BORN, f"19{self.number + 50}-03-{self.number + 5:02}"),
            ("street", ADDRESS, f"{n}77 Hidden Lane"),
            ("postal code", ADDRESS, f"PC-9{n}71X"),
            ("tax number", "number", f"98-76{n}543"),
            ("registration number", "number", f"REG-{n}-55512"),
            ("business phone", "contact", f"+6128{n}77{n}44"),
            ("business e-mail", "contact", f"desk{n}@hiddenbiz{n}.example"),
            ("account holder", NAME, f"Holderov{n}qz"),
            ("account number", "number", f"00012{n}34567890"),
            ("crypto address", "number", f"0xfeed{n}beefbeefbeef{n}cafe"),
            ("wallet address", "number", f"0xcafe{n}deaddeaddead{n}beef"),
            ("remark", REMARKS, f"Passport P{n}99887X"),
            ("metadata", "other", f"meta-secret-{n}"),
            ("internal note", NOTE, f"Her sister{n} called"),
            ("changed e-mail", "contact", f"new{n}@hidden{n}.example"),
            ("bank account", "number", f"5550{n}1234567{n}3456"),
            ("PayID", "contact", f"payid{n}@hidden{n}.example"),
            ("tax id", "number", f"20-9876{n}32-1"),
            ("payer's e-mail", "contact", f"payer{n}@hidden{n}.example"),
        ):
            self.values[what] = kind, value

    def __getitem__(self, what: str) -> str:
        return self.values[what][1]


class Ground:
    """Everybody planted in everything that tells of people."""

    def __init__(self) -> None:
        self.reviewer = UserFactory(roles=["reviewer"])
        self.world = World.make()
        self.people = [Planted(number) for number in range(PEOPLE)]
        self.worlds = [self._plant(person) for person in self.people]

    @property
    def values(self) -> list[tuple[str, str, str]]:
        """Every planted value: what it is, its kind, itself."""
        return [
            (what, kind, value)
            for person in self.people
            for what, (kind, value) in person.values.items()
        ]

    def addresses(self, role: Role) -> list[str]:
        """Every page that this role may read, about each of them."""
        found = {"/search/?q=Plantovic", "/search/?q=hidden", "/customers/?q=Plantovic"}
        found |= {f"/screenings/?tab={tab}" for tab in ("review", "unsure", "true", "all", "never")}
        found |= {f"/withdrawals/?tab={tab}" for tab in ("others", "flight", "done", "all")}
        for name, route in ROUTES.items():
            if role not in route.roles or route.is_open or route.get not in READABLE:
                continue
            worlds = self.worlds if name in ABOUT_ONE else self.worlds[:1]
            found |= {_address(name, route, world) for world in worlds}
        return sorted(found)

    def exports(self, role: Role) -> list[str]:
        """Every list that this role may have as a file."""
        return [
            _address(name, route, self.worlds[0])
            for name, route in ROUTES.items()
            if name.endswith("export") and role in route.roles
        ]

    def _plant(self, person: Planted) -> World:
        profile = self._profile(person)
        customer = profile.customer
        raw = profile.raw
        account = ExternalAccountFactory(
            customer=customer,
            kind="crypto_address",
            account_name=person["account holder"],
            address=person["crypto address"],
            raw={"account_number": person["account number"], "name": person["account holder"]},
        )
        WalletFactory(customer=customer, addresses={"polygon": person["wallet address"]}, raw=raw)
        case = self._case(person, profile)
        remarks = f"DOB {person['date of birth']}; {person['remark']}"
        (hit,) = screen(customer, match(f"Jane {person['last name']}", remarks=remarks))
        hold = place_hold(
            customer=customer,
            kind=HoldKind.MANUAL,
            reason=f"Said by {person['e-mail']}, {person['phone']}.",
            by=self.reviewer,
            at=NOW,
        )
        actions.screen_now(customer=customer, by=self.reviewer, at=NOW)
        request = self._request(person, customer)
        self._seen(person, raw)
        withdrawal, beneficiary, payment = self._payout(person, customer)
        return dataclasses.replace(
            self.world,
            **_known(
                withdrawal=withdrawal,
                beneficiary=beneficiary,
                payment=payment,
                hold=hold,
                hit=hit,
                case=case,
                document=DocumentFactory(customer=customer, verdict_note=""),
                submission=SubmissionFactory(customer=customer),
                external_account=account,
                customer_request=request,
            ),
        )

    def _profile(self, person: Planted) -> Profile:
        facts = {
            "email": person["e-mail"],
            "phone": person["phone"],
            "date_of_birth": person["date of birth"],
            "first_name": "Jane",
            "last_name": person["last name"],
            "address": {
                "line1": person["street"],
                "postal_code": person["postal code"],
                "city": "Sydney",
                "country": "AU",
            },
            "metadata": {"whatever": person["metadata"]},
        }
        business = {
            "name": f"Jane {person['last name']}",
            "ein": person["tax number"],
            "registration_number": person["registration number"],
            "phone": person["business phone"],
            "email": person["business e-mail"],
        }
        made: Profile = ProfileFactory(
            customer__name=f"Jane {person['last name']}",
            customer__email=person["e-mail"],
            customer__phone=person["phone"],
            business=business,
            raw={**facts, "business_ein": person["tax number"], **business},
            kyc_status="under_review",
            status="pending",
            **facts,
        )
        made.customer.identities.update(raw={**facts, "name": person["last name"]})
        return made

    def _case(self, person: Planted, profile: Profile) -> KycCase:
        case: KycCase = KycCaseFactory(profile=profile)
        Proposal.objects.create(
            case=case,
            outcome=Outcome.REJECT,
            reason_codes=[],
            customer_text="We need another document.",
            internal_note=person["internal note"],
            evidence={},
            digest="0" * 64,
            proposed_by=self.reviewer,
            proposed_at=NOW,
        )
        return case

    def _request(self, person: Planted, customer: Customer) -> CustomerRequest:
        return CustomerRequest.objects.create(
            kind=RequestKind.CHANGE,
            customer=customer,
            target=f"cus_{customer.pk}",
            body={"email": person["changed e-mail"], "date_of_birth": person["date of birth"]},
            told={"fields": ["email", "date_of_birth"]},
            created_by=self.reviewer,
            created_at=NOW,
        )

    def _seen(self, person: Planted, raw: Mapping[str, Any]) -> None:
        WebhookEvent.objects.create(
            upstream=Upstream.LUX,
            event_id=f"evt_planted_{person.number}",
            kind="customer.updated",
            body=json.dumps({"event": "customer.updated", "data": raw}).encode(),
            received_at=NOW,
        )
        RefusedRecord.objects.create(
            upstream=Upstream.LUX,
            source="lux.customers",
            payload=json.dumps(raw),
            payload_hash=str(person.number),
            reason="The type is missing.",
            first_seen_at=NOW,
            last_seen_at=NOW,
        )

    def _payout(self, person: Planted, customer: Customer) -> tuple[Any, Any, Any]:
        facts = {
            "recipient_name": person["recipient"],
            "payid": person["PayID"],
            "payid_type": "email",
            "bank_account": person["bank account"],
            "tax_id": person["tax id"],
        }
        beneficiary = BeneficiaryFactory(**facts)
        withdrawal = WithdrawalFactory(
            **facts,
            beneficiary=beneficiary,
            customer=customer,
            customer_name=f"Jane {person['last name']}",
            customer_email=person["payer's e-mail"],
            customer_phone=person["phone"],
        )
        payment = PaymentFactory(
            customer=customer,
            counterparty_name=person["recipient"],
            counterparty={"bank_account": person["bank account"]},
            raw={"payout": facts, "customer": {"email": person["payer's e-mail"]}},
        )
        return withdrawal, beneficiary, payment


def _known(**rows: Any) -> dict[str, Any]:
    """Those that the table of routes asks for."""
    names = {one.name for one in dataclasses.fields(World)}
    return {name: row for name, row in rows.items() if name in names}


def _address(name: str, route: Route, world: World) -> str:
    return reverse(name, kwargs=dict(route.arguments(world)))


def said(response: HttpResponse) -> str:
    """All that an answer holds, its headers too, as a reader or a program gets it."""
    if getattr(response, "streaming", False):
        body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    else:
        body = response.content
    text = body.decode(errors="replace")
    for entity, char in (("&#x27;", "'"), ("&quot;", '"'), ("&amp;", "&"), ("&#64;", "@")):
        text = text.replace(entity, char)
    return text + str(response.headers)


def leaks(
    ground: Ground, role: Role, answers: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[str]]:
    """What this role read and may not: by what it is and whether it was a page, where."""
    found: dict[tuple[str, str], list[str]] = {}
    for where, text in answers:
        for what, kind, value in ground.values:
            if value in text and not may_read(role, kind, where):
                found.setdefault((role, what), []).append(where)
    return {key: sorted(set(places))[:4] for key, places in found.items()}


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with at(NOW + timedelta(hours=1)):
        yield


def test_plants_at_least_two_hundred_values() -> None:
    values = [
        value for person in map(Planted, range(PEOPLE)) for _, value in person.values.values()
    ]

    assert len(values) == len(set(values)) >= 200
    assert not any(one in other for one in values for other in values if one != other)


@pytest.mark.parametrize("role", widest(Role, FEW_ROLES))
def test_no_role_reads_more_than_it_may(role: Role) -> None:
    ground = Ground()
    person: User = UserFactory(roles=[role])
    client = client_of(person)

    with production_log() as log:
        answers = list(everything(ground, role, client, person))

    assert len(answers) > 3
    assert leaks(ground, role, answers) == {}
    told = log.getvalue()
    assert [value for _, _, value in ground.values if value in told] == []
    kept = json.dumps(list(AuditEvent.objects.values("before", "after")), default=str)
    assert [value for _, _, value in ground.values if value in kept] == []


def everything(
    ground: Ground, role: Role, client: Client, person: User
) -> Iterator[tuple[str, str]]:
    """Whatever this person can get: pages, fragments, files, answers of the API."""
    for where in ground.addresses(role):
        response = client.get(where)
        if response.status_code in READABLE:
            yield where, said(response)
    for where in ground.exports(role):
        yield where, said(client.post(where))
    caller = caller_of(person)
    for where in ("/api/v1/withdrawals/", "/api/v1/payments/"):
        yield where, said(caller.get(where))


def test_lets_those_read_who_must() -> None:
    """The walk would notice: what may be read is there to be found."""
    ground = Ground()
    person, case = ground.people[0], ground.worlds[0].hit.customer_id
    client = client_of(ground.reviewer)

    hits, customer = (
        said(client.get(f"/screenings/{case}/")),
        said(client.get(f"/customers/{case}/")),
    )

    for what in ("last name", "date of birth", "remark"):
        assert person[what] in hits
    assert person["last name"] in customer
    assert person["date of birth"] not in customer


def test_every_look_at_a_masked_value_is_in_the_ledger() -> None:
    ground = Ground()
    client = client_of(ground.reviewer)
    looked = 0
    for person, world in zip(ground.people, ground.worlds, strict=True):
        for row, fieldname, what in _secrets(world):
            where = "/".join(("/reveals", *audit.subject_of(row), fieldname, ""))
            asked = said(client.get(where, headers=HX))
            shown = said(client.post(where, {"reason": "The bank asked."}, headers=HX))
            looked += 1
            assert person[what] not in asked
            assert person[what] in shown
            assert Reveal.objects.filter(by=ground.reviewer).count() == looked

    events = AuditEvent.objects.filter(verb="staff.personal_data.revealed")
    assert events.count() == looked == len(_secrets(ground.worlds[0])) * PEOPLE
    kept = json.dumps(list(Reveal.objects.values()) + list(events.values()), default=str)
    assert [value for _, _, value in ground.values if value in kept] == []


def _secrets(world: World) -> list[tuple[Any, str, str]]:
    """Masked fields of one person: the row, the field, and what was planted in it."""
    hit: Hit = world.hit
    customer = hit.customer
    profile = customer.profile
    return [
        (customer, "email", "e-mail"),
        (customer, "phone", "phone"),
        (profile, "date_of_birth", "date of birth"),
        (profile, "address", "street"),
        (profile, "business_ein", "tax number"),
        (profile, "business_registration_number", "registration number"),
        (profile, "business_phone", "business phone"),
        (profile, "business_email", "business e-mail"),
        (world.external_account, "address", "crypto address"),
        (customer.wallets.get(), "addresses", "wallet address"),
        (world.withdrawal, "bank_account", "bank account"),
        (world.withdrawal, "payid", "PayID"),
        (world.withdrawal, "tax_id", "tax id"),
        (world.withdrawal, "customer_email", "payer's e-mail"),
        (world.beneficiary, "payid", "PayID"),
    ]
