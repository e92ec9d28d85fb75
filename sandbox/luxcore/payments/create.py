"""Creating a payment: validation, idempotency, business rules, the first status."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import DAY, SECOND
from sandbox.luxcore import balances, customers, events
from sandbox.luxcore.fields import Fields
from sandbox.luxcore.payments import instructions, lifecycle, methods, payouts
from sandbox.luxcore.payments.model import Payment, Step, holder_of_reference, insert
from sandbox.luxcore.work import Work
from sandbox.web import Json, is_webhook_url


@dataclass(kw_only=True)
class Draft:
    """A request whose form is right; whether it may be done is another matter."""

    amount: int
    currency: str
    method: str
    type: str
    merchant_reference: str
    description: str | None = None
    customer_id: int | None = None
    customer: Json | None = None
    payout: Json | None = None
    extras: Json = field(default_factory=dict)
    webhook_url: str | None = None
    webhook_events: list[str] = field(default_factory=lambda: list(events.PAYMENT_DEFAULT))


def read(body: object) -> Draft:
    """Read a request body, or raise `ValidationFailed` naming every fault."""
    fields = Fields(body)
    least = methods.METHODS["ipay"].least if fields.body.get("method") == "ipay" else 1
    amount = fields.integer("amount", required=True, least=least)
    currency = fields.text("currency", required=True)
    method = fields.text("method", required=True)
    payment_type = fields.choice("type", methods.TYPES, required=True)
    reference = fields.text("merchant_reference", required=True)
    draft = Draft(
        amount=amount or 0,
        currency=currency or "",
        method=method or "",
        type=payment_type or "",
        merchant_reference=reference or "",
        description=fields.text("description"),
        customer_id=fields.integer("customer_id"),
        customer=_customer(fields),
        payout=_payout(fields),
        extras=_extras(fields),
    )
    _webhook(fields, draft)
    fields.finish()
    return draft


def _customer(fields: Fields) -> Json | None:
    child = fields.child("customer")
    if child is None:
        return None
    return {
        "name": child.text("name", longest=255),
        "email": child.email("email", longest=255),
        "phone": child.text("phone", longest=50),
        "external_id": child.text("external_id", longest=255),
    }


def _payout(fields: Fields) -> Json | None:
    child = fields.child("payout")
    return None if child is None else payouts.read(child)


def _extras(fields: Fields) -> Json:
    """What is kept and never shown: metadata, the traffic type, the iPay scheme."""
    scheme = fields.child("ipay")
    given: dict[str, Any] = {
        "metadata": fields.mapping("metadata"),
        "traffic_type": fields.text("traffic_type"),
        "scheme": scheme.choice("payment_method", methods.SCHEMES) if scheme else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _webhook(fields: Fields, draft: Draft) -> None:
    url = fields.text("webhook_url", longest=2048)
    if url is not None and not is_webhook_url(url):
        fields.fault("webhook_url", "must be an HTTPS URL")
    wanted = fields.texts("webhook_events", allowed=events.CURRENT)
    draft.webhook_url = url
    if wanted is not None:
        draft.webhook_events = wanted


def create(
    work: Work, draft: Draft, *, source: str = "api", plan: list[Step] | None = None
) -> tuple[Payment, bool]:
    """The payment and whether it is new; a used reference returns its holder unchanged.

    Without a `plan` the payment lives as configured for those made over the API. Raises
    `BusinessError` when method, currency, payout, customer or balance do not allow it.
    """
    existing = holder_of_reference(work, draft.merchant_reference)
    if existing is not None:
        return existing, False
    method = methods.check(
        code=draft.method,
        currency=draft.currency,
        payment_type=draft.type,
        amount=draft.amount,
    )
    payment = _build(work, draft, source)
    if payment.is_withdrawal:
        # On a hosted payout page the payee gives the details there.
        if draft.payout is not None or draft.type == "withdrawal":
            payment.payout = payouts.check(
                currency=draft.currency, method=method.code, given=draft.payout
            )
        balances.freeze(work, payment.currency, payment.total_debit)
    payment.customer_id = customers.link(work, draft.customer_id, draft.customer)
    payment.follow(default_plan(work, payment) if plan is None else plan, work.now)
    insert(work, payment)
    lifecycle.announce(work, payment, "payment.created")
    return payment, True


def _build(work: Work, draft: Draft, source: str) -> Payment:
    outgoing = methods.is_withdrawal(draft.type)
    # Payments are dated in whole seconds, so that filters and dates shown agree.
    created_at = work.now - work.now % SECOND
    payment = Payment(
        id=f"pay_{created_at // SECOND}_{work.token(8)}",
        env=work.env,
        type=draft.type,
        method=draft.method,
        currency=draft.currency,
        amount=draft.amount,
        fee=fee(work, draft.amount),
        status="pending" if outgoing else "processing",
        merchant_reference=draft.merchant_reference,
        source=source,
        created_at=created_at,
        description=draft.description,
        extras=_kept(draft),
        webhook_url=draft.webhook_url,
        webhook_events=draft.webhook_events,
    )
    if not outgoing:
        payment.expires_at = created_at + time_to_live(work, payment)
    if methods.is_hosted(draft.type) or draft.method == "ipay":
        payment.page_token = work.token(20)
    elif not outgoing:
        payment.details = instructions.for_deposit(work, payment)
    return payment


def fee(work: Work, amount: int) -> int:
    """LuxCore's share, rounded half up to a minor unit (LC-A9)."""
    return (amount * work.config.fee_bps + 5000) // 10_000


def _kept(draft: Draft) -> Json:
    return draft.extras | ({"payout": draft.payout} if draft.payout else {})


def time_to_live(work: Work, payment: Payment) -> int:
    config = work.config
    ttl = config.payid_ttl if payment.method == "payid" else config.deposit_ttl
    return round(ttl.total_seconds() * SECOND)


def default_plan(work: Work, payment: Payment) -> list[Step]:
    """How a payment made over the API goes on when nobody interferes."""
    config = work.config
    if payment.is_withdrawal and payment.payout is None:
        return [(DAY, "expire", {})]  # nobody told the hosted page where to send it
    if payment.is_withdrawal:
        return [
            (round(config.approval_delay * SECOND), "release", {}),
            (round(config.processing_delay * SECOND), "complete", {}),
        ]
    if config.payer_delay is not None and payment.page_token is None:
        return [(round(config.payer_delay * SECOND), "complete", {})]
    assert payment.expires_at is not None
    return [(payment.expires_at - work.now, "expire", {})]
