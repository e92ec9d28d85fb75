"""The way in, pushed: verify, keep one row per event, answer, and let a worker handle it."""

from upstreams.webhooks.inbox import receive
from upstreams.webhooks.processing import WebhookMessage, process, register, replay, sweep
from upstreams.webhooks.receivers import MAX_BYTES, Receiver, Refusal, Refused
from upstreams.webhooks.refusals import count as count_refusal
from upstreams.webhooks.refusals import counts as refusal_counts

__all__ = [
    "MAX_BYTES",
    "Receiver",
    "Refusal",
    "Refused",
    "WebhookMessage",
    "count_refusal",
    "process",
    "receive",
    "refusal_counts",
    "register",
    "replay",
    "sweep",
]
