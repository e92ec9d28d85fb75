"""Payments and tickets nobody asked for, drawn from dice: for history and for traffic."""

import random

from sandbox.clock import HOUR, MINUTE, SECOND
from sandbox.luxcore import people
from sandbox.luxcore.payments.create import Draft
from sandbox.luxcore.payments.model import Payment, Step
from sandbox.luxcore.tickets.model import NewTicket

DEPOSITS = 0.68  # their share of all payments
FAILURES = (
    ("BANK_REJECTED", "The receiving bank rejected the transfer"),
    ("INVALID_ACCOUNT", "The account does not exist or is closed"),
    ("PAYER_DECLINED", "The payer declined the transfer"),
    ("PROVIDER_TIMEOUT", "The bank did not answer in time"),
)
ABOUT_DEPOSITS = (
    ("Deposit not credited", "payment_issue", "The customer paid {ref} but it is not credited."),
    ("Wrong amount received", "payment_issue", "{ref} arrived with another amount."),
    ("Please refund", "refund_request", "The customer paid {ref} twice. Please refund one."),
)
ABOUT_PAYOUTS = (
    ("Payout not received", "payment_issue", "The beneficiary of {ref} still waits."),
    ("Proof of payment", "payment_issue", "Please send the bank's receipt for {ref}."),
)
ABOUT_OTHERS = (
    ("Question about webhooks", "integration_question", "Which events does a payout send?"),
    ("Statement for last month", "account_issue", "Could you send us the statement?"),
)


def draft(dice: random.Random, number: int, *, outgoing: bool | None = None) -> Draft:
    """What one of the company's systems would ask for; `number` makes its reference unique."""
    if outgoing is None:
        outgoing = dice.random() >= DEPOSITS
    home = people.country(dice, pays_out=outgoing)
    person = people.customer(dice, home)
    method = dice.choice(home.withdrawals if outgoing else home.deposits)
    kind = "withdrawal" if outgoing else "deposit"
    if not outgoing and method != "ipay" and dice.random() < 0.12:
        kind = "deposit_pp"
    words = people.PAYOUT_PURPOSES if outgoing else people.PURPOSES
    made = Draft(
        amount=people.amount(dice, home),
        currency=home.currency,
        method=method,
        type=kind,
        merchant_reference=f"{'po' if outgoing else 'ord'}_{number:06d}_{dice.randrange(10**6)}",
        description=dice.choice(words).format(n=dice.randrange(1000, 99999)),
        customer=person,
    )
    if outgoing:
        made.payout = people.payout(dice, method, home, person)
    return made


def deposit_plan(dice: random.Random, ttl: int, *, page: bool = False) -> list[Step]:
    """Most are paid within minutes, some fail, some are never paid; a few are refunded."""
    fate = dice.random()
    soon = dice.randrange(10, max(11, ttl // SECOND - 30)) * SECOND // (1 if page else 2)
    if fate < 0.10:
        return [(ttl, "expire", {})]
    if fate < 0.17:
        code, message = dice.choice(FAILURES)
        return [(soon, "fail", {"error_code": code, "error_message": message})]
    plan: list[Step] = [(soon, "complete", {})]
    if fate > 0.96:
        plan.append((dice.randrange(5, 180) * MINUTE, "refund", {}))
    return plan


def withdrawal_plan(dice: random.Random, approval: int, processing: int) -> list[Step]:
    """Approval and processing times in milliseconds; one in twelve is refused by the bank."""
    plan: list[Step] = [(approval, "release", {})]
    after = max(1, round(processing * dice.uniform(0.5, 3)))
    if dice.random() < 1 / 12:
        code, message = dice.choice(FAILURES[:2])
        plan.append((after, "fail", {"error_code": code, "error_message": message}))
    else:
        plan.append((after, "complete", {}))
    return plan


def ticket(dice: random.Random, payment: Payment | None) -> NewTicket:
    """A question, about this payment if there is one."""
    if payment is None:
        title, category, text = dice.choice(ABOUT_OTHERS)
        return NewTicket(title=title, category=category, description=text)
    subjects = ABOUT_PAYOUTS if payment.is_withdrawal else ABOUT_DEPOSITS
    title, category, text = dice.choice(subjects)
    return NewTicket(
        title=f"{title}: {payment.merchant_reference}",
        category=category,
        description=text.format(ref=payment.merchant_reference),
        payment_id=payment.id,
        reference=payment.merchant_reference,
        requires_refund=category == "refund_request",
    )


def moment_between(dice: random.Random, start: int, end: int) -> int:
    """Milliseconds; most of it by day, as the customers' shops are."""
    at = dice.randrange(start, max(start + 1, end))
    return at if dice.random() < 0.85 or at - start < 6 * HOUR else at - 3 * HOUR
