"""Words of the customers' desk. Labels are English until a page shows them."""

from django.db import models
from django.utils.translation import gettext_noop as _


class CustomerKind(models.TextChoices):
    """What Lux Financial calls the type of a customer (upstreams.md §1.5)."""

    INDIVIDUAL = "individual", _("Person")
    BUSINESS = "business", _("Business")


class HoldKind(models.TextChoices):
    """What a hold was placed for."""

    MANUAL = "manual", _("Manual hold")
    KYC = "kyc", _("KYC hold")
    SCREENING = "screening", _("Screening hold")
    TICKET = "ticket", _("Ticket hold")


class LinkState(models.TextChoices):
    """How far we are with "these two are one"."""

    SUGGESTED = "suggested", _("Suggested")
    LINKED = "linked", _("Linked")
    DISMISSED = "dismissed", _("Not the same")
    UNDONE = "undone", _("Taken apart again")


class CaseStatus(models.TextChoices):
    """Where a KYC case stands here; what Lux Financial says of the customer is told beside it."""

    OPEN = "open", _("To review")
    WAITING = "waiting", _("Waiting for the customer")
    ESCALATED = "escalated", _("Escalated")
    PROPOSED = "proposed", _("Waits for a second person")
    QUEUED = "queued", _("Decided, to be sent")
    SENDING = "sending", _("Being sent")
    UNKNOWN = "unknown", _("Outcome unknown")
    DECIDED = "decided", _("Decided")
    CLOSED = "closed", _("Closed")


class Outcome(models.TextChoices):
    """What a KYC decision may come to."""

    APPROVE = "approve", _("Approve")
    ASK_AGAIN = "ask_again", _("Ask again")
    REJECT = "reject", _("Reject")


class ProposalState(models.TextChoices):
    OPEN = "open", _("Waits for a second person")
    CONFIRMED = "confirmed", _("Confirmed")
    RETURNED = "returned", _("Returned")
    WITHDRAWN = "withdrawn", _("Taken back")
    VOID = "void", _("Void: the evidence changed")
    ALONE = "alone", _("Decided by one person")


class DocumentKind(models.TextChoices):
    """What a document is. The first three are those that Lux Financial takes (§1.5)."""

    PASSPORT = "passport", _("Passport")
    DRIVERS_LICENSE = "drivers_license", _("Driving licence")
    NATIONAL_ID = "national_id", _("National identity card")
    PROOF_OF_ADDRESS = "proof_of_address", _("Proof of address")
    REGISTRATION = "registration", _("Company registration")
    OWNERSHIP = "ownership", _("Ownership record")
    OTHER = "other", _("Other document")


class Side(models.TextChoices):
    """Which picture of a document it is."""

    FRONT = "front", _("Front")
    BACK = "back", _("Back")
    SELFIE = "selfie", _("Selfie")


class DocumentOrigin(models.TextChoices):
    DESK = "desk", _("Uploaded at the desk")
    UPSTREAM = "upstream", _("Handed in at the provider")


class DocumentVerdict(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    ASK_AGAIN = "ask_again", _("Ask again")
    REJECTED = "rejected", _("Rejected")


class SubmissionStatus(models.TextChoices):
    """Where documents that we hand in at the provider stand with us."""

    QUEUED = "queued", _("To be sent")
    SENDING = "sending", _("Being sent")
    UNKNOWN = "unknown", _("Outcome unknown")
    ACCEPTED = "accepted", _("Handed in")
    REFUSED = "refused", _("Refused by provider")


class HitState(models.TextChoices):
    """What people say of a listed entity that looks like a customer."""

    OPEN = "open", _("To review")
    TRUE = "true", _("It is them")
    FALSE = "false", _("It is somebody else")
    UNSURE = "unsure", _("Not sure")


class WhyOpen(models.TextChoices):
    """Why somebody has to look at a hit, maybe again."""

    NEW = "new", _("New")
    CUSTOMER_CHANGED = "customer_changed", _("The customer's data changed")
    LIST_CHANGED = "list_changed", _("The list tells something else")
    BOTH_CHANGED = "both_changed", _("The customer's data and the list changed")
    REOPENED = "reopened", _("Opened again by hand")


class ScreeningReason(models.TextChoices):
    """Why somebody was screened."""

    BY_HAND = "by_hand", _("By hand")
    FIRST = "first", _("For the first time")
    CASE = "case", _("For a KYC case")
    CHANGED = "changed", _("Their data changed")
    PERIODIC = "periodic", _("As every so often")


class RequestKind(models.TextChoices):
    """What somebody may ask Lux Financial to do about a customer (upstreams.md §1.5 to §1.8)."""

    CREATE = "create", _("New customer")
    CHANGE = "change", _("Change of a customer")
    DELETE = "delete", _("Deletion of a customer")
    ADD_WALLET = "add_wallet", _("New wallet")
    ADD_ACCOUNT = "add_account", _("New external account")
    VERIFY_ACCOUNT = "verify_account", _("Verification of an external account")
    REMOVE_ACCOUNT = "remove_account", _("Removal of an external account")


class RequestStatus(models.TextChoices):
    """Where such a request stands with us."""

    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Outcome unknown")
    MADE = "made", _("Carried out")
    REFUSED = "refused", _("Refused by provider")


class ExternalAccountKind(models.TextChoices):
    """Where a customer's money may go (upstreams.md §1.7)."""

    US_BANK = "us_bank_account", _("Bank account in the United States")
    INTERNATIONAL = "international_bank_account", _("International bank account")
    MEXICAN = "mx_bank_account", _("Bank account in Mexico")
    CRYPTO = "crypto_address", _("Crypto address")


class WalletKind(models.TextChoices):
    """Who holds the keys of a wallet (upstreams.md §1.8)."""

    CUSTODIAL = "custodial", _("Custodial: Lux Financial holds the keys")
    MPC = "mpc", _("MPC: several parties hold shares of the key")
