"""What the page of a customer shows, as one person may read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Model, Q
from django.utils.translation import gettext, gettext_noop

from customers import linking, words
from customers.enums import CustomerKind, LinkState
from customers.models import Customer, ExternalAccount, Hold, Link, Profile, Wallet
from customers.people import Person, profile_of
from customers.sight import Sight
from staff import masking
from staff.letters import spelled

_PARTS: Final[Mapping[str, str]] = {
    "line1": gettext_noop("Address"),
    "line2": gettext_noop("Second line"),
    "postal_code": gettext_noop("Postal code"),
    "city": gettext_noop("City"),
    "state": gettext_noop("State"),
    "country": gettext_noop("Country"),
}
# Of a business: what it is called, and whether everybody may read it.
_BUSINESS: Final[Mapping[str, tuple[str, bool]]] = {
    "type": (gettext_noop("Legal form"), True),
    "industry": (gettext_noop("Industry"), True),
    "ein": (gettext_noop("Tax number"), False),
    "registration_number": (gettext_noop("Registration number"), False),
    "incorporation_date": (gettext_noop("Founded"), True),
    "incorporation_country": (gettext_noop("Founded in"), True),
    "email": (gettext_noop("E-mail of the business"), False),
    "phone": (gettext_noop("Phone of the business"), False),
    "website": (gettext_noop("Website"), False),
}
AGREES: Final[Mapping[str, str]] = {
    linking.EMAIL: gettext_noop("E-mail"),
    linking.PHONE: gettext_noop("Phone"),
    linking.NAME: gettext_noop("Name"),
}


@dataclass(frozen=True)
class Fact:
    """One line of facts. What is masked is the `field` of a row, to be revealed."""

    label: str
    value: str
    is_masked: bool = False
    of: Model | None = None
    field: str = ""


@dataclass(frozen=True)
class Told:
    """What Lux Financial tells of one row."""

    profile: Profile
    kyc: str
    status: str
    risk: str
    terms: str
    facts: Sequence[Fact]
    endorsements: Sequence[str]
    requirements: Sequence[str]
    rejections: Sequence[str]
    raw: str


@dataclass(frozen=True)
class Coin:
    """What a wallet holds of one currency on one chain."""

    currency: str
    chain: str
    balance: Decimal | None
    available: Decimal | None
    pending: Decimal | None


@dataclass(frozen=True)
class WalletRow:
    wallet: Wallet
    kind: str
    label: str
    addresses: Sequence[tuple[str, str]]
    coins: Sequence[Coin]
    total: Decimal | None


@dataclass(frozen=True)
class AccountRow:
    account: ExternalAccount
    kind: str
    name: str
    number: str
    status: str


@dataclass(frozen=True)
class Held:
    """A hold in force."""

    hold: Hold
    label: str
    reason: str


@dataclass(frozen=True)
class Side:
    """One of two rows that are, or may be, one person."""

    row: Customer
    url: str
    name: str
    providers: Sequence[str]
    facts: Sequence[Fact]
    profile: Profile | None
    kyc: str


@dataclass(frozen=True)
class Pair:
    """A link as the page of one of its people tells it: `other` is the far side."""

    link: Link
    here: Side
    other: Side
    agrees: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    standing: Sequence[Pair]
    suggested: Sequence[Pair]
    judged: Sequence[Pair]


def kind_of(person: Person) -> str:
    return gettext(CustomerKind(person.kind).label) if person.kind else ""


def told(profile: Profile, sight: Sight) -> Told:
    return Told(
        profile=profile,
        kyc=words.say(words.KYC_STATUSES, profile.kyc_status),
        status=words.say(words.STATUSES, profile.status),
        risk=words.say(words.RISKS, profile.risk_rating) if profile.risk_rating else "",
        terms=words.say(words.TERMS, profile.tos_status) if profile.tos_status else "",
        facts=list(_facts(profile, sight)),
        endorsements=words.say_all(words.ENDORSEMENTS, profile.endorsements),
        requirements=words.say_all(words.REQUIREMENTS, profile.requirements_due),
        rejections=[
            sight.text(reason, about=profile.customer, profile=profile)
            for reason in profile.rejection_reasons
        ],
        raw=sight.raw(profile.raw),
    )


def contacts(person: Person, sight: Sight) -> list[Fact]:
    """How the rows that have no profile say that they are reached, each value once."""
    found: dict[tuple[str, str], Fact] = {}
    for row in person.members:
        for fact in contact(row, sight) if profile_of(row) is None else ():
            found.setdefault((fact.label, fact.value), fact)
    return list(found.values())


def holds(person: Person, sight: Sight) -> list[Held]:
    """Those in force, oldest first."""
    rows = {row.pk: row for row in person.members}
    return [
        Held(
            hold=hold,
            label=gettext(hold.get_kind_display()),
            reason=sight.text(hold.reason, about=rows[hold.customer_id], profile=person.profile),
        )
        for hold in person.holds
    ]


def contact(row: Customer, sight: Sight) -> list[Fact]:
    """What a row tells where no profile does."""
    return [
        fact
        for fact in (
            Fact(gettext("Name"), _masked_name(row, sight), True, row, "name"),
            Fact(gettext("E-mail"), sight.email(row.email), True, row, "email"),
            Fact(gettext("Phone"), sight.phone(row.phone), True, row, "phone"),
        )
        if fact.value
    ]


def _masked_name(row: Customer, sight: Sight) -> str:
    """The name for who reads it masked: the others read it above."""
    return "" if sight.names_in_clear else sight.name(row.name)


def wallets(person: Person, sight: Sight) -> list[WalletRow]:
    """One query."""
    rows = Wallet.objects.filter(customer__in=person.members).defer("raw").order_by("pk")
    return [
        WalletRow(
            wallet=row,
            kind=words.say(words.WALLET_KINDS, row.kind),
            label=sight.name(row.label),
            addresses=[
                (chain, sight.number(str(address))) for chain, address in row.addresses.items()
            ],
            coins=[_coin(coin) for coin in row.balances],
            total=_decimal(row.total_usd),
        )
        for row in rows
    ]


def accounts(person: Person, sight: Sight) -> list[AccountRow]:
    """Those that are still there; one query."""
    rows = ExternalAccount.objects.filter(customer__in=person.members, is_listed=True)
    return [
        AccountRow(
            account=row,
            kind=words.say(words.ACCOUNT_KINDS, row.kind),
            name=sight.name(row.account_name),
            number=sight.number(row.address) or (f"••••{row.last_4}" if row.last_4 else ""),
            status=words.say(words.ACCOUNT_STATUSES, row.status),
        )
        for row in rows.defer("raw").order_by("pk")
    ]


def pairs(person: Person, sight: Sight) -> Pairs:
    """Whom they were linked with, whom they may be, and who was said to be somebody else.

    Three queries.
    """
    mine = {row.pk for row in person.members}
    found = Link.objects.filter(Q(other__in=mine) | Q(into__in=mine))
    links = found.with_sides().order_by("-made_at", "-pk")
    told = [_pair(link, mine, sight) for link in links]
    apart = [pair for pair in told if pair.here.row.root_id != pair.other.row.root_id]
    return Pairs(
        standing=[pair for pair in told if pair.link.state == LinkState.LINKED],
        suggested=[pair for pair in apart if pair.link.state == LinkState.SUGGESTED],
        judged=[
            pair for pair in apart if pair.link.state in (LinkState.DISMISSED, LinkState.UNDONE)
        ],
    )


def pair(link: Link, sight: Sight) -> Pair:
    """One link that was read with both its sides."""
    return _pair(link, {link.other_id}, sight)


def _pair(link: Link, mine: set[int], sight: Sight) -> Pair:
    here, other = link.other, link.into
    if here.pk not in mine:
        here, other = other, here
    return Pair(
        link=link,
        here=_side(here, sight),
        other=_side(other, sight),
        agrees=words.say_all(AGREES, link.why),
    )


def _side(row: Customer, sight: Sight) -> Side:
    profile = profile_of(row)
    return Side(
        row=row,
        url=row.get_absolute_url(),
        name=sight.name(row.name) or gettext("not named"),
        providers=[
            f"{one.get_upstream_display()} {one.upstream_id}" for one in row.identities.all()
        ],
        facts=contact(row, sight),
        profile=profile,
        kyc=words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
    )


def _facts(profile: Profile, sight: Sight) -> Iterator[Fact]:
    yield from contact(profile.customer, sight)
    if profile.date_of_birth:
        born = sight.born(profile.date_of_birth)
        yield Fact(gettext("Born"), born, not sight.compares, profile, "date_of_birth")
    for part, text in sight.address(profile.address).items():
        yield Fact(gettext(_PARTS[part]), text, masking.DOTS in text, profile, "address")
    if profile.tax_id_provided:
        yield Fact(gettext("Tax number"), gettext("given, and shown to nobody"))
    for name, (label, is_plain) in _BUSINESS.items():
        if text := str(profile.business.get(name, "")):
            value = spelled(text) if is_plain else masking.mask_any(text)
            yield Fact(gettext(label), value, not is_plain, profile, f"business_{name}")


def _coin(coin: Mapping[str, str]) -> Coin:
    return Coin(
        currency=coin["currency"],
        chain=coin["chain"],
        balance=_decimal(coin["balance"]),
        available=_decimal(coin["available"]),
        pending=_decimal(coin["pending"]),
    )


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None
