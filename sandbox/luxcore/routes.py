"""Every endpoint of the API, with the scope it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.luxcore import balances
from sandbox.luxcore.call import Answer
from sandbox.luxcore.payments import views as payments
from sandbox.luxcore.tickets import files
from sandbox.luxcore.tickets import views as tickets
from sandbox.luxcore.webhooks import views as webhooks

V1, V2 = "/api/v1", "/api/v2"


@dataclass(frozen=True)
class Route:
    """`view` takes the call and the path's variables."""

    method: str
    path: str
    scope: str
    view: Callable[..., Answer]
    v2: bool = False

    @property
    def creation(self) -> bool:
        return self.view is payments.post


ROUTES = (
    Route("POST", "/payments", "payments.create", payments.post, v2=True),
    Route("GET", "/payments", "payments.read", payments.index),
    Route("GET", "/payments/methods", "payments.methods", payments.list_methods),
    Route("POST", "/payments/methods/validate", "payments.methods", payments.validate),
    Route("GET", "/payments/<payment_id>", "payments.read", payments.show),
    Route("POST", "/payments/<payment_id>/cancel", "payments.cancel", payments.cancel),
    Route("POST", "/webhooks", "webhooks.create", webhooks.post),
    Route("GET", "/webhooks", "webhooks.read", webhooks.index),
    Route("GET", "/webhooks/<webhook_id>", "webhooks.read", webhooks.show),
    Route("PUT", "/webhooks/<webhook_id>", "webhooks.update", webhooks.put),
    Route("DELETE", "/webhooks/<webhook_id>", "webhooks.delete", webhooks.delete),
    Route("POST", "/webhooks/<webhook_id>/test", "webhooks.update", webhooks.test),
    Route("PUT", "/webhooks/<webhook_id>/enable", "webhooks.update", webhooks.enable),
    Route("PUT", "/webhooks/<webhook_id>/disable", "webhooks.update", webhooks.disable),
    Route("GET", "/webhooks/<webhook_id>/events", "webhooks.read", webhooks.log),
    Route("POST", "/webhooks/<webhook_id>/retry", "webhooks.update", webhooks.retry),
    Route("GET", "/balance", "balance.read", balances.show, v2=True),
    Route("GET", "/balance/all", "balance.read", balances.index, v2=True),
    Route("GET", "/merchants/<merchant_id>/balance", "balance.read", balances.show_merchant),
    Route("GET", "/merchants/<merchant_id>/balance/all", "balance.read", balances.index_merchant),
    Route("POST", "/tickets", "tickets.create", tickets.post),
    Route("GET", "/tickets", "tickets.read", tickets.index),
    Route("GET", "/tickets/<ticket_id>", "tickets.read", tickets.show),
    Route("POST", "/tickets/<ticket_id>/close", "tickets.update", tickets.close),
    Route("POST", "/tickets/<ticket_id>/reopen", "tickets.update", tickets.reopen),
    Route("POST", "/tickets/<ticket_id>/comments", "tickets.update", tickets.comment),
    Route("GET", "/tickets/<ticket_id>/comments", "tickets.read", tickets.comments),
    Route("POST", "/tickets/<ticket_id>/upload-url", "tickets.update", files.upload_url),
    Route(
        "GET", "/tickets/<ticket_id>/attachments/<attachment_id>", "tickets.read", files.download
    ),
    Route(
        "GET",
        "/tickets/<ticket_id>/comments/<comment_id>/attachments/<attachment_id>",
        "tickets.read",
        files.download_from_comment,
    ),
)
