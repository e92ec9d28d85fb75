"""The pages payers see: hosted deposits and payouts, and the iPay checkout (LC-A22)."""

import hmac
from html import escape

from werkzeug.wrappers import Request, Response

from sandbox.clock import SECOND
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.payments import lifecycle, shapes
from sandbox.luxcore.payments.model import Payment, from_row
from sandbox.luxcore.work import Work
from sandbox.web import html_page

OUTCOMES = ("success", "decline", "pending")
TEXT = {
    "pending": "Waiting for approval.",
    "processing": "Waiting for your payment.",
    "completed": "Paid. Thank you.",
    "failed": "The payment was declined.",
    "cancelled": "The payment was cancelled.",
    "expired": "The time for this payment is over.",
    "refunded": "The payment was refunded.",
    "partial_refund": "Part of the payment was refunded.",
}


def page(work: Work, request: Request, token: str) -> Response:
    """GET shows the page; POST with `outcome` is what a payer (or their bank) would do."""
    until, given = request.args.get("exp", ""), request.args.get("sig", "")
    wanted = shapes.sign_page(work.page_secret, token, until)
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return html_page("Not found", "<h1>This link is not valid</h1>", status=403)
    row = work.db.execute("SELECT * FROM payment WHERE page_token = ?", (token,)).fetchone()
    if row is None:
        return html_page("Not found", "<h1>This link is not valid</h1>", status=404)
    payment = from_row(row)
    if work.now > int(until) * SECOND and payment.status in ("pending", "processing"):
        return html_page("Expired", "<h1>This link has expired</h1>", status=410)
    if request.method == "POST":
        return _decide(work.of(payment.env), request, payment)
    return _show(payment)


def _decide(work: Work, request: Request, payment: Payment) -> Response:
    outcome = request.form.get("outcome", "")
    if outcome not in OUTCOMES:
        return html_page("Error", "<h1>Unknown outcome</h1>", status=400)
    try:
        _carry_out(work, payment, outcome)
    except BusinessError as exc:
        return html_page("Too late", f"<h1>{escape(exc.message)}</h1>", status=409)
    return _show(payment)


def _carry_out(work: Work, payment: Payment, outcome: str) -> None:
    """iPay's A, D and P (S004); on a payout page the payee accepts or declines the money."""
    if payment.is_withdrawal:
        if outcome == "success":
            lifecycle.release(work, payment)
        elif outcome == "decline":
            lifecycle.cancel(work, payment)
        return
    match outcome:
        case "success":
            lifecycle.complete(work, payment)
        case "decline":
            lifecycle.fail(work, payment, "PAYMENT_DECLINED", "Declined by the card issuer")
        case _:
            lifecycle.hold(work, payment)


def _show(payment: Payment) -> Response:
    amount = f"{payment.currency} {payment.amount // 100:,}.{payment.amount % 100:02d}"
    checkout = payment.method == "ipay"
    title = "iPay checkout" if checkout else "LuxCore payment"
    facts = {
        "Amount": amount,
        "For": payment.description or payment.merchant_reference,
        "Reference": payment.id,
        "Status": f"{payment.status}. {TEXT.get(payment.status, '')}",
    }
    if checkout:
        facts["Scheme"] = payment.extras.get("scheme", "VISA, MC, IPAY, LQR")
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    buttons = "".join(
        f'<button name="outcome" value="{outcome}">{outcome.capitalize()}</button>'
        for outcome in OUTCOMES
    )
    form = f'<form method="post" class="big">{buttons}</form>'
    if payment.status not in ("pending", "processing"):
        form = ""
    return html_page(title, f"<h1>{title}</h1><dl>{rows}</dl>{form}")
