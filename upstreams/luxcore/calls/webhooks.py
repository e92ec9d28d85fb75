"""Webhook endpoints at LuxCore (upstreams.md §3.13, LC-A6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstreams.http import Call
from upstreams.luxcore.calls.base import MAX_LIMIT, Calls, json_body, page_params
from upstreams.luxcore.schemas import (
    DeliveryRecord,
    Page,
    WebhookRecord,
    parse_delivery,
    parse_webhook,
)
from upstreams.luxcore.schemas.reading import Fields


class WebhookCalls(Calls):
    def create_webhook(self, *, url: str, events: Sequence[str]) -> WebhookRecord:
        """POST /webhooks (§3.13). The record's `secret` is shown this once."""
        body = json_body({"url": url, "events": list(events), "signature_algorithm": "hmac_sha256"})
        return self._one(Call("POST", "/webhooks", body=body), parse_webhook)

    def list_webhooks(self, *, limit: int = MAX_LIMIT, offset: int = 0) -> Page[WebhookRecord]:
        """GET /webhooks (§3.13)."""
        params = page_params(limit, offset)
        call = Call("GET", "/webhooks", params=params, is_safe=True)
        return self._page(call, parse_webhook, limit=params["limit"], offset=offset)

    def get_webhook(self, webhook_id: str) -> WebhookRecord:
        """GET /webhooks/{id} (§3.13)."""
        call = Call("GET", "/webhooks/{id}", ids={"id": webhook_id}, is_safe=True)
        return self._one(call, parse_webhook)

    def update_webhook(
        self, webhook_id: str, *, url: str = "", events: Sequence[str] = ()
    ) -> WebhookRecord:
        """PUT /webhooks/{id} (§3.13): what is given changes, the rest stays (LC-A6)."""
        call = Call(
            "PUT",
            "/webhooks/{id}",
            ids={"id": webhook_id},
            body=json_body({"url": url, "events": list(events)}),
        )
        return self._one(call, parse_webhook)

    def delete_webhook(self, webhook_id: str) -> None:
        """DELETE /webhooks/{id} (§3.13)."""
        self._v1.send(Call("DELETE", "/webhooks/{id}", ids={"id": webhook_id}))

    def test_webhook(self, webhook_id: str) -> None:
        """POST /webhooks/{id}/test (§3.13): LuxCore sends `webhook.test` there."""
        self._v1.send(Call("POST", "/webhooks/{id}/test", ids={"id": webhook_id}))

    def enable_webhook(self, webhook_id: str) -> None:
        """PUT /webhooks/{id}/enable (§3.13)."""
        self._v1.send(Call("PUT", "/webhooks/{id}/enable", ids={"id": webhook_id}))

    def disable_webhook(self, webhook_id: str) -> None:
        """PUT /webhooks/{id}/disable (§3.13)."""
        self._v1.send(Call("PUT", "/webhooks/{id}/disable", ids={"id": webhook_id}))

    def webhook_events(
        self, webhook_id: str, *, limit: int = MAX_LIMIT, offset: int = 0
    ) -> Page[DeliveryRecord]:
        """GET /webhooks/{id}/events (§3.13): the delivery log."""
        params = page_params(limit, offset)
        call = Call(
            "GET", "/webhooks/{id}/events", ids={"id": webhook_id}, params=params, is_safe=True
        )
        return self._page(call, parse_delivery, limit=params["limit"], offset=offset)

    def retry_webhook(self, webhook_id: str) -> int:
        """POST /webhooks/{id}/retry (§3.13): send the failed events again; answers how many."""
        call = Call("POST", "/webhooks/{id}/retry", ids={"id": webhook_id})
        return self._one(call, _parse_retried)


def _parse_retried(raw: Any) -> int:
    return Fields(raw).integer("retried") or 0
