"""Where the payer of a deposit sends the money: the details LuxCore shows."""

from sandbox.luxcore.payments.model import Payment
from sandbox.luxcore.work import Work
from sandbox.web import Json

ACCOUNTS: dict[str, Json] = {
    "ARS": {
        "bank_name": "Banco Nacion",
        "swift_code": None,
        "account_holder": "LuxCore Platform S.A.",
        "account_number": "0110012345678901234567",
    },
    "MXN": {
        "bank_name": "STP",
        "swift_code": None,
        "account_holder": "LuxCore Platform S.A. de C.V.",
        "account_number": "646180157000000001",
    },
    "UYU": {
        "bank_name": "BROU",
        "swift_code": None,
        "account_holder": "LuxCore Platform S.A.",
        "account_number": "001234567890",
    },
    "AUD": {
        "bank_name": "Commonwealth Bank",
        "swift_code": "CTBAAU2S",
        "account_holder": "LuxCore Platform Pty Ltd",
        "bsb": "062-000",
        "account_number": "12345678",
    },
}


def for_deposit(work: Work, payment: Payment) -> Json:
    """Bank or PayID details; nothing for methods whose answer no document shows."""
    head = {
        "amount": str(payment.amount),
        "purpose": f"Payment {payment.id}",
        "currency": payment.currency,
    }
    if payment.method == "payid":
        payid = {
            "payid": f"pay-{payment.created_at // 1000}@lux-core.io",
            "payid_type": "email",
            "payid_name": "LuxCore Platform Pty Ltd",
            "reference": f"LXC-{work.token(6).upper()}",
        }
        return {"payid_details": head | payid}
    if payment.method in ("bank_transfer", "spei"):
        return {"bank_details": head | ACCOUNTS[payment.currency]}
    return {}
