"""Lux Financial's objects as typed records, vendor words translated (upstreams.md §1)."""

from upstreams.lux.schemas.accounts import (
    CoinBalance,
    ExternalAccountRecord,
    WalletBalance,
    WalletRecord,
    parse_balance,
    parse_external_account,
    parse_wallet,
)
from upstreams.lux.schemas.customers import (
    AddressRecord,
    BusinessRecord,
    CustomerRecord,
    DeletedCustomer,
    HandedIn,
    KycSubmission,
    parse_customer,
    parse_deleted,
    parse_handed_in,
    parse_submission,
)
from upstreams.lux.schemas.reading import CursorPage
from upstreams.lux.schemas.sanctions import (
    MatchRecord,
    ScreeningRecord,
    SourceRecord,
    parse_screening,
    parse_source,
)
from upstreams.lux.schemas.transfers import (
    LegRecord,
    ReceiptRecord,
    RouteCheck,
    TransferRecord,
    parse_route_check,
    parse_transfer,
)
from upstreams.lux.schemas.webhooks import WebhookRecord, parse_webhook

__all__ = [
    "AddressRecord",
    "BusinessRecord",
    "CoinBalance",
    "CursorPage",
    "CustomerRecord",
    "DeletedCustomer",
    "ExternalAccountRecord",
    "HandedIn",
    "KycSubmission",
    "LegRecord",
    "MatchRecord",
    "ReceiptRecord",
    "RouteCheck",
    "ScreeningRecord",
    "SourceRecord",
    "TransferRecord",
    "WalletBalance",
    "WalletRecord",
    "WebhookRecord",
    "parse_balance",
    "parse_customer",
    "parse_deleted",
    "parse_external_account",
    "parse_handed_in",
    "parse_route_check",
    "parse_screening",
    "parse_source",
    "parse_submission",
    "parse_transfer",
    "parse_wallet",
    "parse_webhook",
]
