"""Rows of the customers' desk."""

from customers.models.cases import (
    CASE_MOVES,
    ON_ITS_WAY,
    OVER,
    REVIEWABLE,
    KycCase,
    Proposal,
)
from customers.models.customers import (
    ROOT,
    Customer,
    CustomerQuerySet,
    EmailKey,
    Identity,
    PhoneKey,
)
from customers.models.documents import Content, Document, DocumentQuerySet
from customers.models.holds import Hold, HoldContact
from customers.models.links import Link
from customers.models.profiles import ExternalAccount, Profile, Wallet
from customers.models.requests import REQUEST_MOVES, SETTLED, CustomerRequest
from customers.models.screenings import (
    Hit,
    SanctionsList,
    Screening,
    ScreeningRequest,
    ScreeningStanding,
)
from customers.models.submissions import SUBMISSION_MOVES, DocumentReading, Submission

__all__ = [
    "ROOT",
    "CASE_MOVES",
    "ON_ITS_WAY",
    "OVER",
    "REQUEST_MOVES",
    "SETTLED",
    "Content",
    "Customer",
    "CustomerQuerySet",
    "CustomerRequest",
    "Document",
    "DocumentQuerySet",
    "DocumentReading",
    "EmailKey",
    "ExternalAccount",
    "Hit",
    "Hold",
    "HoldContact",
    "Identity",
    "KycCase",
    "Link",
    "PhoneKey",
    "Profile",
    "Proposal",
    "SanctionsList",
    "REVIEWABLE",
    "Screening",
    "ScreeningRequest",
    "ScreeningStanding",
    "SUBMISSION_MOVES",
    "Submission",
    "Wallet",
]
