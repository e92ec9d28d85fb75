"""LuxCore's support team: it answers, refunds what was asked for, and resolves."""

from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.payments import lifecycle
from sandbox.luxcore.payments.model import get as get_payment
from sandbox.luxcore.tickets import model
from sandbox.luxcore.work import Work

PEOPLE = ("Lucía (LuxCore)", "Daniel (LuxCore)", "Anjali (LuxCore)")
ANSWERS = (
    "Thank you for writing. We have asked the bank and will come back to you today.",
    "We can see the transfer on our side. It is waiting for the receiving bank.",
    "Could you send us the payer's receipt? Then we can trace the transfer.",
    "The bank confirmed. Please check again, and tell us if anything is still missing.",
)
REFUNDED = "The payment was refunded as you asked. The amount was taken from your balance."
NOT_REFUNDED = "This payment cannot be refunded in its present status."


def answer_due(work: Work, *, limit: int) -> int:
    """Answer the tickets whose turn has come; returns how many."""
    rows = work.db.execute(
        "SELECT * FROM ticket WHERE support_due_at <= ? ORDER BY support_due_at LIMIT ?",
        (work.now, limit),
    ).fetchall()
    for row in rows:
        work.db.execute("UPDATE ticket SET support_due_at = NULL WHERE id = ?", (row["id"],))
        answer(work.of(row["env"]), row["id"])
    return len(rows)


def answer(work: Work, ticket_id: str, content: str | None = None) -> None:
    """Take the ticket up and reply. A closed one is left alone."""
    ticket = model.get(work, ticket_id)
    if ticket["status"] == "closed":
        return
    if ticket["status"] == "open":
        model.move(work, ticket_id, "in_progress")
    payment_id = ticket["payment_id"] or ticket["transaction_id"]
    refundable = ticket["requires_refund"] and payment_id and content is None
    text = content or work.dice.choice(ANSWERS)
    if refundable:
        text = _refund(work, payment_id)
    author = work.dice.choice(PEOPLE)
    model.say(work, ticket_id, text, author_type="support", author_name=author)
    if text == REFUNDED and ticket["status"] in ("open", "in_progress"):
        model.move(work, ticket_id, "resolved")


def _refund(work: Work, payment_id: str) -> str:
    try:
        lifecycle.refund(work, get_payment(work, payment_id))
    except BusinessError:
        return NOT_REFUNDED
    return REFUNDED
