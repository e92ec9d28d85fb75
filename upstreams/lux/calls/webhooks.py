"""Webhook endpoints at Lux Financial (upstreams.md §1.10, §1.11)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from upstreams.http import Call
from upstreams.lux.calls.base import MAX_LIMIT, Calls
from upstreams.lux.schemas import CursorPage, WebhookRecord, parse_webhook

WEBHOOKS: Final = "/webhooks"


class WebhookCalls(Calls):
    def create_webhook(
        self, *, url: str, events: Sequence[str], secret: str, idempotency_key: str
    ) -> WebhookRecord:
        """POST /webhooks. The secret is chosen by us and never shown by them."""
        body = json.dumps({"url": url, "events": list(events), "secret": secret}).encode()
        return self._post(WEBHOOKS, body, parse_webhook, idempotency_key=idempotency_key)

    def list_webhooks(
        self, *, cursor: str = "", limit: int = MAX_LIMIT
    ) -> CursorPage[WebhookRecord]:
        """GET /webhooks."""
        return self._page(WEBHOOKS, parse_webhook, limit=limit, cursor=cursor)

    def delete_webhook(self, webhook_id: str) -> None:
        """DELETE /webhooks/{id}."""
        self.http.send(Call("DELETE", f"{WEBHOOKS}/{{id}}", ids={"id": webhook_id}))
