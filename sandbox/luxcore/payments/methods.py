"""Which methods exist, for which currencies, and within which amounts (LC-A14)."""

from dataclasses import dataclass

from sandbox.luxcore.errors import BusinessError
from sandbox.web import Json

CURRENCIES = ("ARS", "MXN", "UYU", "AUD", "LKR")
TYPES = ("deposit", "withdrawal", "deposit_pp", "withdrawal_pp")
MOST = 10_000_000_000  # minor units; above it LIMIT_EXCEEDED


@dataclass(frozen=True, kw_only=True)
class Method:
    code: str
    name: str
    currencies: tuple[str, ...]
    minutes: int
    withdrawal: bool = False
    least: int = 1


METHODS = {
    method.code: method
    for method in (
        Method(code="spei", name="SPEI", currencies=("MXN",), minutes=30, withdrawal=True),
        Method(code="oxxo", name="OXXO", currencies=("MXN",), minutes=30),
        Method(code="card", name="Card", currencies=("MXN",), minutes=30),
        Method(
            code="bank_transfer",
            name="Bank Transfer",
            currencies=("ARS", "UYU", "AUD"),
            minutes=30,
            withdrawal=True,
        ),
        Method(code="cash", name="Cash", currencies=("MXN",), minutes=30),
        Method(code="crypto", name="Crypto", currencies=(), minutes=30, withdrawal=True),
        Method(code="payid", name="PayID", currencies=("AUD",), minutes=10, withdrawal=True),
        Method(code="ipay", name="iPay", currencies=("LKR",), minutes=0, least=100),
    )
}
SCHEMES = ("VISA", "MC", "IPAY", "LQR")


def is_withdrawal(payment_type: str) -> bool:
    return payment_type in ("withdrawal", "withdrawal_pp")


def is_hosted(payment_type: str) -> bool:
    return payment_type.endswith("_pp")


def check(*, code: str, currency: str, payment_type: str, amount: int) -> Method:
    """The method, or the business error that keeps it from being used."""
    if currency not in CURRENCIES:
        raise BusinessError("UNSUPPORTED_CURRENCY", f"Currency {currency} is not supported")
    method = METHODS.get(code)
    if method is None:
        raise BusinessError("INVALID_METHOD", f"Payment method {code} is not configured")
    if is_withdrawal(payment_type) and not method.withdrawal:
        raise BusinessError(
            "WITHDRAWAL_NOT_SUPPORTED", f"Payment method {code} does not support withdrawals"
        )
    if currency not in method.currencies:
        raise BusinessError(
            "METHOD_NOT_AVAILABLE", f"Payment method {code} is not available for {currency}"
        )
    if amount > MOST:
        raise BusinessError("LIMIT_EXCEEDED", f"Amount exceeds the limit of {MOST}")
    return method


def as_json(method: Method) -> Json:
    return {
        "code": method.code,
        "name": method.name,
        "currencies": list(method.currencies),
        "deposit": True,
        "withdrawal": method.withdrawal,
        "min_amount": method.least,
        "max_amount": MOST,
        "processing_time_minutes": method.minutes,
    }
