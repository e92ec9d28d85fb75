"""How LuxCore posts its events: which headers, and what a forger would claim."""

import hashlib
import hmac

from sandbox.luxcore.config import LuxCoreConfig
from sandbox.mailing import Letter, Mailing
from sandbox.web import Json

SIGNATURE = "X-Webhook-Signature"


def mailing(config: LuxCoreConfig) -> Mailing:
    return Mailing(
        prefix="",
        retries=config.webhook_retries,
        scale=config.webhook_retry_scale,
        signature_header=SIGNATURE,
        sign=lambda letter: signed(config, letter),
        falsify=_falsify,
    )


def signed(config: LuxCoreConfig, letter: Letter) -> dict[str, str]:
    """The headers of one attempt (LC-A2)."""
    template = config.webhook_signed_text.encode()
    stamp = str(letter.stamp)
    text = template.replace(b"{timestamp}", stamp.encode()).replace(b"{body}", letter.body)
    digest = hmac.new(letter.secret.encode(), text, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "LuxCore-Webhooks/1.0",
        SIGNATURE: f"hmac_sha256={digest}",
        "X-Webhook-Timestamp": stamp,
        "X-Webhook-Event": letter.name,
        "X-Webhook-Id": letter.event_id,
    }


def _falsify(event: Json) -> None:
    if "payment" in event:
        event["payment"] |= {"status": "completed", "status_version": 99}
