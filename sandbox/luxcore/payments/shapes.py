"""Payments as LuxCore shows them: over REST, and inside events, where names differ (LC-C9)."""

import hashlib
import hmac
import json
import sqlite3

from sandbox.clock import SECOND, iso, iso_or_none
from sandbox.luxcore.payments.methods import is_hosted, is_withdrawal
from sandbox.luxcore.payments.model import Payment, get
from sandbox.luxcore.work import Work
from sandbox.web import Json

SELECT = (
    "SELECT p.*, c.name AS c_name, c.email AS c_email, c.phone AS c_phone,"
    " c.external_id AS c_external_id"
    " FROM payment p LEFT JOIN customer c ON c.id = p.customer_id"
)


def shown(work: Work, payment_id: str) -> Json:
    """The payment as the API answers it, or a 404."""
    row = work.db.execute(
        f"{SELECT} WHERE p.id = ? AND p.env = ?", (payment_id, work.env)
    ).fetchone()
    if row is None:
        get(work, payment_id)
    return rest(work, row)


def rest(work: Work, row: sqlite3.Row) -> Json:
    """A row of `SELECT` as a bare object; members that do not apply are left out."""
    payment_type = row["type"]
    body: Json = {
        "transaction_id": row["id"],
        "status": row["status"],
        "amount": row["amount"],
        "currency": row["currency"],
        "method": row["method"],
        "type": payment_type,
        "merchant_reference": row["merchant_reference"],
    }
    if not is_withdrawal(payment_type):
        body["fee_amount"] = row["fee"]
        body["net_amount"] = row["amount"] - row["fee"]
    body |= json.loads(row["details"])
    if row["page_token"] is not None:
        url = page_url(work, row["page_token"], row["created_at"], row["expires_at"])
        if is_hosted(payment_type):
            body["payment_page"] = {"url": url}
        else:
            body["redirect_url"] = url
    if row["payout"] is not None:
        body["payout"] = {**json.loads(row["payout"]), "status": row["status"]}
    if row["customer_id"] is not None:
        body["customer_id"] = row["customer_id"]
        body["customer"] = {
            "id": row["customer_id"],
            "name": row["c_name"],
            "email": row["c_email"],
            "phone": row["c_phone"],
            "external_id": row["c_external_id"],
        }
    if row["error_code"] is not None:
        body["error_code"] = row["error_code"]
        body["error_message"] = row["error_message"]
    if row["refunded"]:
        body["refunded_amount"] = row["refunded"]
    body["created_at"] = iso(row["created_at"])
    if row["expires_at"] is not None:
        body["expires_at"] = iso(row["expires_at"])
    return body


def in_event(work: Work, payment: Payment) -> Json:
    """The payment inside an event: `id` and `fee`, and the version of its status."""
    body: Json = {
        "id": payment.id,
        "status": payment.status,
        "amount": payment.amount,
        "currency": payment.currency,
        "type": payment.type,
        "merchant_id": work.config.merchant_id,
        "merchant_reference": payment.merchant_reference,
        "method": payment.method,
        "fee": payment.fee,
        "net_amount": payment.net,
        "created_at": iso(payment.created_at),
        "confirmed_at": iso_or_none(payment.confirmed_at),
        "status_version": payment.status_version,
    }
    if payment.error_code is not None:
        body["error_code"] = payment.error_code
        body["error_message"] = payment.error_message
    if payment.refunded:
        body["refunded_amount"] = payment.refunded
    return body


def page_url(work: Work, token: str, created_at: int, expires_at: int | None) -> str:
    """A hosted page's address (LC-A22). A payout's page is open for a day."""
    day = 24 * 3600
    until = created_at // SECOND + day if expires_at is None else expires_at // SECOND
    signature = sign_page(work.page_secret, token, str(until))
    return f"{work.public_url}/pay/{token}?sig={signature}&exp={until}"


def sign_page(secret: str, token: str, until: str) -> str:
    return hmac.new(secret.encode(), f"{token}.{until}".encode(), hashlib.sha256).hexdigest()
