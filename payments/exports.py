"""The columns of the desk's lists as files, each value as this person may read it."""

from __future__ import annotations

from decimal import Decimal

from payments import facts
from payments.models import Beneficiary, BulkItem, Payment, Trade, Withdrawal
from payments.sight import Sight
from staff import masking
from staff.exports import Column
from staff.texts import in_english

_ACCOUNTS = ("bank_account", "account_number", "payid")


def payment_columns(sight: Sight) -> list[Column[Payment]]:
    """The mirror of money movements. Codes stay codes: machines read these files too."""
    return [
        Column("created_at", lambda p: p.created_at),
        Column("provider", lambda p: p.upstream),
        Column("id", lambda p: p.upstream_id),
        Column("kind", lambda p: p.kind),
        Column("hosted", lambda p: p.hosted),
        Column("status", lambda p: p.status),
        Column("provider_status", lambda p: p.upstream_status),
        Column("amount", lambda p: _amount(p.amount, p.currency)),
        Column("fee", lambda p: _amount(p.fee, p.currency)),
        Column("net", lambda p: _amount(p.net, p.currency)),
        Column("refunded", lambda p: _amount(p.refunded, p.currency)),
        Column("currency", lambda p: p.currency),
        Column("method", lambda p: p.method),
        Column("reference", lambda p: p.merchant_reference),
        Column("counterparty", lambda p: sight.name(p.counterparty_name)),
        Column("account", lambda p: _account(p, sight)),
        Column("error_code", lambda p: p.error_code),
        Column("expires_at", lambda p: p.expires_at),
        Column("completed_at", lambda p: p.completed_at),
        Column("seen_at", lambda p: p.seen_at),
    ]


def withdrawal_columns(sight: Sight) -> list[Column[Withdrawal]]:
    """What was asked to be paid out."""
    return [
        Column("created_at", lambda w: w.created_at),
        Column("code", lambda w: w.code),
        Column("provider", lambda w: w.upstream),
        Column("origin", lambda w: w.origin),
        Column("status", lambda w: w.status),
        Column("amount", lambda w: _amount(w.amount, w.currency)),
        Column("currency", lambda w: w.currency),
        Column("method", lambda w: w.method),
        Column("hosted", lambda w: w.hosted),
        Column("recipient", lambda w: sight.name(w.recipient_name)),
        Column("account", lambda w: masking.mask_account(w.bank_account)),
        Column("bank_code", lambda w: w.bank_code),
        Column("payid", lambda w: masking.mask_payid(w.payid, w.payid_type)),
        Column("reference", lambda w: w.merchant_reference),
        Column("payment", _payment_of),
        Column("provider_status", lambda w: w.payment.upstream_status if w.payment else ""),
        Column("asked_by", lambda w: w.created_by.email if w.created_by else ""),
        Column("due_at", lambda w: w.due_at),
        Column("approved_at", lambda w: w.approved_at),
        Column("sent_at", lambda w: w.sent_at),
        Column("settled_at", lambda w: w.settled_at),
        Column("reject_code", lambda w: w.reject_code),
        Column("error_code", lambda w: w.error_code),
    ]


def trade_columns() -> list[Column[Trade]]:
    """The mirror of exchanges. They name nobody, so nothing is masked."""
    return [
        Column("created_at", lambda t: t.created_at),
        Column("provider", lambda t: t.upstream),
        Column("id", lambda t: t.upstream_id),
        Column("status", lambda t: t.status),
        Column("provider_status", lambda t: t.upstream_status),
        Column("sold", lambda t: _amount(t.sold, t.from_currency)),
        Column("sold_currency", lambda t: t.from_currency),
        Column("bought", lambda t: _amount(t.bought, t.to_currency)),
        Column("bought_currency", lambda t: t.to_currency),
        Column("rate", lambda t: None if t.rate is None else t.rate.normalize()),
        Column("is_rate_inverted", lambda t: t.is_rate_inverted),
        Column("from_quote", lambda t: t.is_rfq),
        Column("completed_at", lambda t: t.completed_at),
    ]


def beneficiary_columns(sight: Sight) -> list[Column[Beneficiary]]:
    """Whom payouts were asked for."""
    return [
        Column("first_asked_at", lambda b: b.first_asked_at),
        Column("code", lambda b: b.code),
        Column("provider", lambda b: b.upstream),
        Column("currency", lambda b: b.currency),
        Column("method", lambda b: b.method),
        Column("recipient", lambda b: sight.name(b.recipient_name)),
        Column("account", lambda b: masking.mask_account(b.bank_account)),
        Column("bank_code", lambda b: b.bank_code),
        Column("payid", lambda b: masking.mask_payid(b.payid, b.payid_type)),
        Column("first_asked_by", lambda b: b.first_asked_by.email if b.first_asked_by else ""),
        Column("changed_at", lambda b: b.changed_at),
    ]


def bulk_columns(sight: Sight) -> list[Column[BulkItem]]:
    """The receipts of a run: what its dry run said, what became of each, and how it stands now."""
    return [
        Column("position", lambda i: i.position),
        Column("code", lambda i: i.withdrawal.code),
        Column("provider", lambda i: i.upstream),
        Column("amount", lambda i: _amount(i.amount, i.currency)),
        Column("currency", lambda i: i.currency),
        Column("method", lambda i: i.method),
        Column("recipient", lambda i: sight.name(i.recipient_name)),
        Column("account", lambda i: i.account),
        Column("digest", lambda i: i.digest),
        Column("dry_run", lambda i: i.plan),
        Column("outcome", lambda i: i.outcome),
        Column("cause", lambda i: i.cause),
        Column("reason", lambda i: sight.text(in_english(i.words), about=i.withdrawal)),
        Column("audit_number", lambda i: i.audit_number),
        Column("decided_at", lambda i: i.decided_at),
        Column("status_now", lambda i: i.withdrawal.status),
        Column("payment", lambda i: _payment_of(i.withdrawal)),
    ]


def _amount(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else Decimal(facts.plain(amount, currency))


def _payment_of(withdrawal: Withdrawal) -> str:
    return withdrawal.payment.upstream_id if withdrawal.payment else ""


def _account(payment: Payment, sight: Sight) -> str:
    shown = sight.counterparty(payment)
    return next((shown[name] for name in _ACCOUNTS if name in shown), "")
