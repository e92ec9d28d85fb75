"""The ticket endpoints."""

from typing import Any

from sandbox.clock import SECOND
from sandbox.luxcore.call import Answer, Call, page_of, wrapped
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.fields import Fields, Query
from sandbox.luxcore.tickets import files, model
from sandbox.luxcore.work import Work

MERCHANT = "Merchant"


def post(call: Call) -> Answer:
    fields = Fields(call.body)
    new = model.NewTicket(
        title=fields.text("title", required=True, longest=200) or "",
        description=fields.text("description"),
        category=fields.text("category"),
        sub_category=fields.text("sub_category"),
        payment_id=fields.text("payment_id"),
        transaction_id=fields.text("transaction_id"),
        reference=fields.text("reference"),
        requires_refund=fields.boolean("requires_refund"),
    )
    fields.finish()
    ticket_id = model.create(call.work, new, support_due_at=_support_turn(call.work))
    return 201, wrapped(model.shape(call.work, model.get(call.work, ticket_id)))


def index(call: Call) -> Answer:
    query = Query(call.args)
    limit, offset = query.page()
    where, values = _filters(call, query)
    sort = query.choice("sort_by", ("created_at", "updated_at")) or "created_at"
    order = query.choice("sort_order", ("asc", "desc")) or "desc"
    query.finish()
    db = call.work.db
    (total,) = db.execute(f"SELECT count(*) FROM ticket WHERE {where}", values).fetchone()
    rows = db.execute(
        f"SELECT * FROM ticket WHERE {where} ORDER BY {sort} {order}, serial {order}"
        " LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    found = [model.shape(call.work, row) for row in rows]
    return 200, page_of(found, total=total, limit=limit, offset=offset)


def _filters(call: Call, query: Query) -> tuple[str, list[Any]]:
    where: list[str] = ["env = ?"]
    values: list[Any] = [call.work.env]
    chosen = {
        "status": query.choices("status", model.STATUSES),
        "category": [value for value in call.args.getlist("category") if value],
    }
    for column, wanted in chosen.items():
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    search = query.text("search", longest=100)
    if search:
        where.append("(instr(lower(title), ?) OR instr(lower(ifnull(description, '')), ?))")
        values += [search.lower()] * 2
    exact = {
        "payment_id = ?": query.text("payment_id", longest=255),
        "created_at >= ?": query.moment("created_after"),
        "created_at <= ?": query.moment("created_before"),
    }
    for condition, value in exact.items():
        if value is not None:
            where.append(condition)
            values.append(value)
    return " AND ".join(where), values


def show(call: Call, ticket_id: str) -> Answer:
    return 200, wrapped(model.shape(call.work, model.get(call.work, ticket_id)))


def close(call: Call, ticket_id: str) -> Answer:
    model.move(call.work, ticket_id, "closed")
    return show(call, ticket_id)


def reopen(call: Call, ticket_id: str) -> Answer:
    model.move(call.work, ticket_id, "open")
    return show(call, ticket_id)


def comment(call: Call, ticket_id: str) -> Answer:
    ticket = model.get(call.work, ticket_id)
    fields = Fields(call.body)
    content = fields.text("content", required=True) or ""
    attachments = fields.texts("attachment_ids") or []
    fields.finish()
    if ticket["status"] == "closed":
        raise BusinessError("INVALID_TICKET_STATUS", "A closed ticket takes no comments")
    comment_id = model.say(
        call.work, ticket_id, content, author_type="merchant", author_name=MERCHANT
    )
    files.attach_to_comment(call.work, ticket_id, comment_id, attachments)
    call.work.db.execute(
        "UPDATE ticket SET support_due_at = ? WHERE id = ?",
        (_support_turn(call.work), ticket_id),
    )
    row = model.get_comment(call.work, ticket_id, comment_id)
    return 201, wrapped(model.shape_comment(call.work, row))


def comments(call: Call, ticket_id: str) -> Answer:
    """The conversation, oldest first."""
    model.get(call.work, ticket_id)
    query = Query(call.args)
    limit, offset = query.page()
    query.finish()
    db = call.work.db
    (total,) = db.execute(
        "SELECT count(*) FROM comment WHERE ticket_id = ?", (ticket_id,)
    ).fetchone()
    rows = db.execute(
        "SELECT * FROM comment WHERE ticket_id = ? ORDER BY serial LIMIT ? OFFSET ?",
        (ticket_id, limit, offset),
    )
    found = [model.shape_comment(call.work, row) for row in rows]
    return 200, page_of(found, total=total, limit=limit, offset=offset)


def _support_turn(work: Work) -> int:
    """When support would answer, if anybody is there (see `support.answer_due`)."""
    return work.now + round(work.config.support_delay * SECOND)
