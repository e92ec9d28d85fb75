"""One spelling per e-mail address, so that equal ones are found equal."""

from __future__ import annotations


def same_email(text: str) -> str:
    """The address in lower case: LuxCore compares them whole and ignores case (§3.10)."""
    return text.strip().lower()
