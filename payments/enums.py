"""Words of the payments desk.

Labels are English wherever they are kept, signed or logged; pages translate them when they show
them. A label that followed the reader's language would change what a signature was given for.
"""

from django.db import models
from django.utils.translation import gettext_noop as _


class Kind(models.TextChoices):
    """Which way the money goes."""

    DEPOSIT = "deposit", _("Deposit")
    WITHDRAWAL = "withdrawal", _("Withdrawal")
    TRANSFER = "transfer", _("Transfer")
    OTHER = "other", _("Other")


# What a payout of ours may be there; nobody knows both words.
PAID_OUT = (Kind.WITHDRAWAL, Kind.TRANSFER)


class PaymentStatus(models.TextChoices):
    """The common view of a money movement (upstreams.md §4.2)."""

    CREATED = "created", _("Created")
    IN_PROGRESS = "in_progress", _("In progress")
    IN_REVIEW = "in_review", _("In review")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    PARTLY_RETURNED = "partly_returned", _("Partly returned")
    RETURNED = "returned", _("Returned")
    UNKNOWN = "unknown", _("Unknown word")


class SeenBy(models.TextChoices):
    """How we last learned about a payment."""

    POLL = "poll", _("Poll")
    WEBHOOK = "webhook", _("Webhook")
    CLICK = "click", _("Refresh")
    SEND = "send", _("Answer to our request")


class Origin(models.TextChoices):
    DESK = "desk", _("Desk")
    API = "api", _("API")
    IMPORT = "import", _("Import")
    UPSTREAM = "upstream", _("Seen at the provider")


class Status(models.TextChoices):
    """Where a withdrawal stands with us. Theirs stands on its payment."""

    AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
    APPROVED = "approved", _("Approved")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    UNKNOWN = "unknown", _("Outcome unknown")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    REFUSED = "refused", _("Refused by provider")
    REJECTED = "rejected", _("Rejected")
    RETRACTED = "retracted", _("Retracted")
    LAPSED = "lapsed", _("Lapsed")


class RequestStatus(models.TextChoices):
    """Where a deposit that we asked for stands with us. Theirs stands on its payment."""

    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Outcome unknown")
    MADE = "made", _("Made")
    REFUSED = "refused", _("Refused by provider")


class RouteState(models.TextChoices):
    """What a dry run of a transfer said."""

    ASKED = "asked", _("Asked")
    WORKS = "works", _("Works")
    REFUSED = "refused", _("Refused")
    UNANSWERED = "unanswered", _("No answer")


class TradeStatus(models.TextChoices):
    """How an exchange stands at the provider (upstreams.md §2.10)."""

    PENDING = "pending", _("Pending")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    REVERSED = "reversed", _("Reversed")
    UNKNOWN = "unknown", _("Unknown word")


class OrderStatus(models.TextChoices):
    """Where an exchange that we asked a price for stands with us. Theirs stands on its trade."""

    QUOTED = "quoted", _("Quoted")
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Outcome unknown")
    MADE = "made", _("Made")
    REFUSED = "refused", _("Refused by provider")


class ImportState(models.TextChoices):
    """Where a file of payouts stands. Nothing is asked for before `creating`."""

    READING = "reading", _("Being read")
    READY = "ready", _("Read, not confirmed")
    CREATING = "creating", _("Being created")
    DONE = "done", _("Created")
    FAILED = "failed", _("Failed")
    DROPPED = "dropped", _("Discarded")


class Verdict(models.TextChoices):
    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")


class RejectCode(models.TextChoices):
    WRONG_DETAILS = "wrong_details", _("Payout details are wrong")
    WRONG_AMOUNT = "wrong_amount", _("Amount is wrong")
    DUPLICATE = "duplicate", _("Already paid or requested")
    NOT_AUTHORISED = "not_authorised", _("Not authorised")
    SUSPECTED_FRAUD = "suspected_fraud", _("Suspected fraud")
    CUSTOMER_ASKED = "customer_asked", _("Customer asked to stop")
    OTHER = "other", _("Other")


class BulkState(models.TextChoices):
    """Where a run of many decisions stands. Nothing is decided before `deciding`."""

    LOOKING = "looking", _("Dry run under way")
    READY = "ready", _("Dry run done, not confirmed")
    DECIDING = "deciding", _("Being decided")
    STOPPING = "stopping", _("Being stopped")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")
    DROPPED = "dropped", _("Discarded")


class Plan(models.TextChoices):
    """What the dry run says will become of one withdrawal."""

    SEND = "send", _("Will be approved and sent")
    RELEASE = "release", _("Will be approved, released by its provider")
    SIGN = "sign", _("Will be signed, needs another signature")
    REJECT = "reject", _("Will be rejected")
    LEAVE = "leave", _("Cannot be decided")


class Outcome(models.TextChoices):
    """What became of one withdrawal in a run."""

    APPROVED = "approved", _("Approved")
    SIGNED = "signed", _("Signed, needs another signature")
    REJECTED = "rejected", _("Rejected")
    NOT_DONE = "not_done", _("Not decided")
    LEFT_OUT = "left_out", _("Left out by the dry run")


class Cause(models.TextChoices):
    """Why one withdrawal was not decided in a run."""

    OWN = "own", _("Written by the person who decides, or to a beneficiary they brought")
    DECIDED = "decided", _("Already decided")
    SIGNED = "signed", _("Already signed by this person")
    HELD = "held", _("The customer is held")
    LIMIT = "limit", _("Over a limit")
    BALANCE = "balance", _("The balance is too low")
    CHECK = "check", _("Another check blocks it")
    TYPED = "typed", _("Signs alone: its tier asks for the typed amount")
    ALONE = "alone", _("To be decided alone")
    ROLE = "role", _("Not for the roles of this person")
    CHANGED = "changed", _("Changed since the dry run")
    BUSY = "busy", _("Others decided at the same time")
    UNREAD = "unread", _("The provider did not answer")
    PROOF = "proof", _("Who decides was proved too long ago")
    STOPPED = "stopped", _("The run was stopped")
    FAULT = "fault", _("A fault of ours")


class Level(models.TextChoices):
    """Weight of a pre-flight check: a block cannot be overridden silently."""

    PASS = "pass", _("Pass")
    WARN = "warn", _("Warning")
    BLOCK = "block", _("Block")


class DriftKind(models.TextChoices):
    """In what way our books and theirs do not agree."""

    MISSING_HERE = "missing_here", _("Missing here")
    MISSING_THERE = "missing_there", _("Missing there")
    DIFFERS = "differs", _("A field differs")
    STUCK = "stuck", _("Stuck")
    UNMATCHED_EVENT = "unmatched_event", _("Webhook without a payment")
    BALANCE = "balance", _("Balance does not add up")


class DriftState(models.TextChoices):
    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Resolved")
    WRITTEN_OFF = "written_off", _("Written off")
    GONE = "gone", _("Gone by itself")


class Remedy(models.TextChoices):
    """What people do about a drift."""

    ACCEPT_THEIRS = "accept_theirs", _("Accept theirs")
    READ_AGAIN = "read_again", _("Read again")
    SEND_AGAIN = "send_again", _("Send ours again")
    LINK = "link", _("Link withdrawal and payment")
    WRITE_OFF = "write_off", _("Write off")


class RemedyState(models.TextChoices):
    WAITING = "waiting", _("Under way")
    DONE = "done", _("Done")
    IN_VAIN = "in_vain", _("Changed nothing")
    DROPPED = "dropped", _("Dropped")


class PolicyState(models.TextChoices):
    """Where a set of signing rules stands. One is in force: the newest that was published."""

    DRAFT = "draft", _("Draft")
    PROPOSED = "proposed", _("Proposed")
    PUBLISHED = "published", _("Published")
    DROPPED = "dropped", _("Dropped")


class LimitPer(models.TextChoices):
    """Whose payouts a limit adds up."""

    CUSTOMER = "customer", _("customer")
    BENEFICIARY = "beneficiary", _("beneficiary")
    APPROVER = "approver", _("approver")


class Window(models.IntegerChoices):
    """How far back a limit looks, in hours: always from this moment, never from midnight."""

    DAY = 24, _("24 hours")
    WEEK = 168, _("7 days")
    MONTH = 720, _("30 days")
