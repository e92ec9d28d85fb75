"""Rows of the payments desk."""

from payments.models.accounts import (
    AccountOpening,
    DepositWallet,
    OfferedCurrency,
    OpeningNotMovable,
)
from payments.models.balances import Balance, DailyBalance
from payments.models.beneficiaries import Beneficiary, BeneficiaryChange
from payments.models.bulk import BULK_MOVES, OUTCOMES, BulkItem, BulkRun, BulkRunNotMovable
from payments.models.duplicates import NotDuplicate
from payments.models.idempotency import IdempotencyKey
from payments.models.imports import ImportPiece, ImportRow, PayoutImport
from payments.models.methods import PaymentMethod
from payments.models.payments import (
    OPEN_STATUSES,
    PAID_STATUSES,
    UNPAID_STATUSES,
    Payment,
)
from payments.models.policies import SIGNING_ROLES, Limit, Policy, PolicyVersion
from payments.models.reconciliation import (
    DayTotal,
    Drift,
    Reconciliation,
    Resolution,
)
from payments.models.requests import REQUEST_MOVES, PaymentRequest, RequestNotMovable
from payments.models.routes import RouteCheck
from payments.models.saved import SavedBeneficiary
from payments.models.trades import (
    OPEN_TRADES,
    ORDER_MOVES,
    Fill,
    OrderNotMovable,
    OrderSettlement,
    Trade,
    TradeOrder,
)
from payments.models.turnover import Turnover
from payments.models.withdrawals import (
    MOVES,
    NotPossible,
    Revision,
    Settlement,
    Signature,
    Withdrawal,
    WithdrawalNotMovable,
)

__all__ = [
    "BULK_MOVES",
    "MOVES",
    "OPEN_STATUSES",
    "OPEN_TRADES",
    "ORDER_MOVES",
    "OUTCOMES",
    "PAID_STATUSES",
    "REQUEST_MOVES",
    "SIGNING_ROLES",
    "UNPAID_STATUSES",
    "AccountOpening",
    "Balance",
    "Beneficiary",
    "BeneficiaryChange",
    "BulkItem",
    "BulkRun",
    "BulkRunNotMovable",
    "DailyBalance",
    "DayTotal",
    "DepositWallet",
    "Drift",
    "Fill",
    "IdempotencyKey",
    "ImportPiece",
    "ImportRow",
    "Limit",
    "NotDuplicate",
    "NotPossible",
    "OfferedCurrency",
    "OpeningNotMovable",
    "OrderNotMovable",
    "OrderSettlement",
    "Payment",
    "PaymentMethod",
    "PaymentRequest",
    "PayoutImport",
    "Policy",
    "PolicyVersion",
    "Reconciliation",
    "RequestNotMovable",
    "Resolution",
    "Revision",
    "RouteCheck",
    "SavedBeneficiary",
    "Settlement",
    "Signature",
    "Trade",
    "TradeOrder",
    "Turnover",
    "Withdrawal",
    "WithdrawalNotMovable",
]
