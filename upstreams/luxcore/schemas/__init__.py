"""LuxCore's objects as typed records, vendor words translated (upstreams.md §3)."""

from upstreams.luxcore.schemas.balances import BalanceRecord, parse_balance
from upstreams.luxcore.schemas.payments import (
    CreatedPayment,
    CustomerRecord,
    MethodCheck,
    MethodRecord,
    PaymentRecord,
    PayoutRecord,
    parse_method,
    parse_payment,
)
from upstreams.luxcore.schemas.reading import Page
from upstreams.luxcore.schemas.tickets import (
    AttachmentRecord,
    CommentRecord,
    Download,
    TicketRecord,
    UploadSlot,
    parse_comment,
    parse_ticket,
    parse_upload_slot,
)
from upstreams.luxcore.schemas.webhooks import (
    DeliveryRecord,
    WebhookRecord,
    parse_delivery,
    parse_webhook,
)

__all__ = [
    "AttachmentRecord",
    "BalanceRecord",
    "CommentRecord",
    "CreatedPayment",
    "CustomerRecord",
    "DeliveryRecord",
    "Download",
    "MethodCheck",
    "MethodRecord",
    "Page",
    "PaymentRecord",
    "PayoutRecord",
    "TicketRecord",
    "UploadSlot",
    "WebhookRecord",
    "parse_balance",
    "parse_comment",
    "parse_delivery",
    "parse_method",
    "parse_payment",
    "parse_ticket",
    "parse_upload_slot",
    "parse_webhook",
]
