"""Which colour and mark a state carries. The word always stands beside them."""

from typing import NamedTuple


class Mark(NamedTuple):
    """A tone (a class in components.css) and the name of an icon."""

    tone: str
    icon: str


NEUTRAL = Mark("neutral", "circle-dashed")

_GOOD = Mark("good", "circle-check")
_FLOW = Mark("flow", "arrow-right")
_WAIT = Mark("wait", "hourglass")
_UNKNOWN = Mark("warn", "circle-question-mark")
_WARN = Mark("warn", "triangle-alert")
_BAD = Mark("bad", "octagon-x")
_OVER = Mark("neutral", "ban")
_LAPSED = Mark("neutral", "timer-off")
_BACK = Mark("warn", "corner-up-left")

MARKS: dict[str, Mark] = {
    # Withdrawals
    "awaiting_approval": _WAIT,
    "approved": Mark("flow", "check"),
    "sending": Mark("flow", "send"),
    "sent": Mark("flow", "arrow-up-right"),
    "made": Mark("flow", "arrow-down-left"),
    "unknown": _UNKNOWN,
    "completed": _GOOD,
    "failed": _BAD,
    "cancelled": _OVER,
    "refused": _BAD,
    "rejected": Mark("neutral", "x"),
    "retracted": Mark("neutral", "undo-2"),
    "lapsed": _LAPSED,
    "blocked": _BAD,
    # Payments, in our words and in those an upstream uses
    "created": NEUTRAL,
    "in_progress": _FLOW,
    "in_review": Mark("wait", "eye"),
    "expired": _LAPSED,
    "partly_returned": _BACK,
    "returned": _BACK,
    "pending": Mark("wait", "clock"),
    "processing": _FLOW,
    "declined": _BAD,
    "refunded": _BACK,
    "partial_refund": _BACK,
    # Exchanges
    "quoted": _WAIT,
    "reversed": _BACK,
    # Upstreams. Never synced is not green: nothing is known yet.
    "fresh": _GOOD,
    "late": Mark("warn", "clock-alert"),
    "down": _BAD,
    "not_configured": Mark("neutral", "unplug"),
    "never_synced": Mark("neutral", "circle-dashed"),
    # Feeds, outbox, webhooks
    "queued": Mark("wait", "clock"),
    "done": _GOOD,
    "withdrawn": Mark("neutral", "undo-2"),
    "received": Mark("wait", "inbox"),
    "applied": _GOOD,
    "unhandled": Mark("neutral", "archive"),
    "retrying": Mark("warn", "rotate-cw"),
    "dead": _BAD,
    "running": _FLOW,
    "abandoned": _BAD,
    "on": _GOOD,
    "off": _BAD,
    # Checks and decisions
    "pass": Mark("good", "check"),
    "warn": _WARN,
    "block": _BAD,
    "accepted": _GOOD,
    "ask_again": _BACK,
    "approve": Mark("good", "check"),
    "reject": Mark("bad", "x"),
    "hold": Mark("wait", "lock"),
    # Many decisions at once
    "looking": _FLOW,
    "ready": _WAIT,
    "deciding": _FLOW,
    "stopping": _FLOW,
    "stopped": _OVER,
    "send": Mark("flow", "send"),
    "release": Mark("flow", "arrow-up-right"),
    "sign": Mark("wait", "pen-line"),
    "leave": _OVER,
    "signed": Mark("wait", "pen-line"),
    "not_done": _WARN,
    "left_out": _OVER,
    # API tokens
    "live": _GOOD,
    "revoked": _OVER,
    # Signing rules
    "draft": Mark("neutral", "pencil"),
    "proposed": _WAIT,
    "published": _GOOD,
    # Compliance and support
    "active": _GOOD,
    "suspended": Mark("bad", "ban"),
    "deleted": Mark("neutral", "trash-2"),
    "verified": _GOOD,
    "low": Mark("good", "shield-check"),
    "medium": Mark("warn", "shield-alert"),
    "high": Mark("bad", "shield-alert"),
    "true": Mark("bad", "user-check"),
    "false": Mark("good", "user-x"),
    "unsure": _UNKNOWN,
    "clear": Mark("good", "shield-check"),
    "potential_match": Mark("warn", "shield-alert"),
    "manual_review": Mark("wait", "eye"),
    "open": Mark("flow", "circle-dashed"),
    "waiting": Mark("wait", "hourglass"),
    "escalated": Mark("warn", "arrow-up"),
    "decided": _GOOD,
    "under_review": Mark("wait", "eye"),
    "awaiting_ubo": Mark("wait", "users"),
    "incomplete": Mark("warn", "file-question-mark"),
    "not_started": NEUTRAL,
    "resolved": _GOOD,
    "closed": Mark("neutral", "check"),
    "matched": _GOOD,
    "different": _WARN,
    "missing_here": _WARN,
    "missing_there": _WARN,
    "differs": _WARN,
    "stuck": Mark("warn", "hourglass"),
    "unmatched_event": Mark("warn", "inbox"),
    "balance": Mark("warn", "scale"),
    "written_off": Mark("neutral", "stamp"),
    "gone": Mark("neutral", "check"),
    "in_vain": _OVER,
    "dropped": Mark("neutral", "undo-2"),
}

_BY_TONE: dict[str, Mark] = {
    "good": _GOOD,
    "warn": _WARN,
    "bad": _BAD,
    "wait": _WAIT,
    "flow": _FLOW,
    "neutral": NEUTRAL,
}


def mark(state: str, *, tone: str = "", icon: str = "") -> Mark:
    """Return the mark of `state`; a given `tone` or `icon` wins, an unheard word is neutral."""
    known = _BY_TONE[tone] if tone and state not in MARKS else MARKS.get(state, NEUTRAL)
    return Mark(tone or known.tone, icon or known.icon)


def word(state: object) -> str:
    """Return a readable word for a state that came without one."""
    label = getattr(state, "label", None)
    if label is not None:
        return str(label)
    text = str(state).replace("_", " ")
    return text[:1].upper() + text[1:]
