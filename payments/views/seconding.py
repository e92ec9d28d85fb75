"""What a second person answers to a proposal about an unknown outcome, as their form says it."""

from __future__ import annotations

from django.http import HttpRequest

CONFIRM, DROP = "confirm", "drop"


def is_answer(request: HttpRequest) -> bool:
    """Whether somebody answers a proposal; everything else that is posted makes one."""
    return request.method == "POST" and request.POST.get("do") in {CONFIRM, DROP}


def is_drop(request: HttpRequest) -> bool:
    return request.POST.get("do") == DROP


def proposal_id(request: HttpRequest) -> int:
    """The key of the proposal that was shown to them; 0, which is nobody's, where it is none."""
    told = request.POST.get("proposal", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0
