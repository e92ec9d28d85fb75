"""The pages customers see: their KYC, the terms, a receipt (LF-A13)."""

from collections.abc import Callable
from html import escape

from werkzeug.wrappers import Response

from sandbox.lux import customers, transfers
from sandbox.lux.errors import Refused
from sandbox.lux.work import Work
from sandbox.web import html_page


def kyc(work: Work, identity: str) -> Response:
    """Opening it begins KYC."""
    try:
        row = customers.row_of(work, identity)
    except Refused:
        return _nothing()
    if row["kyc_status"] == "not_started":
        customers.move_kyc(work, identity, "pending")
    shown = customers.get(work, identity)
    text = f"<h1>Verify who you are</h1><p>Status: {escape(shown['kyc_status'])}.</p>"
    return html_page("Verification", text)


def terms(work: Work, identity: str) -> Response:
    """Opening them accepts them."""
    try:
        shown = customers.get(work, identity)
    except Refused:
        return _nothing()
    due = [what for what in shown["requirements_due"] if what != "tos_acceptance"]
    customers.set_facts(work, identity, tos_status="approved", tos_link=None, requirements_due=due)
    return html_page("Terms of service", "<h1>Terms of service</h1><p>Accepted. Thank you.</p>")


def receipt(work: Work, identity: str) -> Response:
    try:
        shown = transfers.get(work, identity)
    except Refused:
        return _nothing()
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in shown.get("receipt", {}).items()
        if name != "url"
    )
    return html_page("Receipt", f"<h1>Receipt</h1><dl>{lines}</dl>")


def _nothing() -> Response:
    return html_page("Not found", "<h1>This link is not valid</h1>", status=404)


PAGES: tuple[tuple[str, Callable[..., Response]], ...] = (
    ("/kyc/<identity>", kyc),
    ("/kyc/<identity>/terms", terms),
    ("/receipts/<identity>", receipt),
)
