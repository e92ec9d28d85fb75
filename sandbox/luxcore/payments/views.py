"""The payment endpoints."""

from sandbox.luxcore.call import Answer, Call, page_of, wrapped
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.fields import Fields, Query
from sandbox.luxcore.payments import create, lifecycle, methods, payouts, shapes
from sandbox.luxcore.payments.model import get


def post(call: Call) -> Answer:
    payment, new = create.create(call.work, create.read(call.body))
    return 201 if new else 200, shapes.shown(call.work, payment.id)


def index(call: Call) -> Answer:
    query = Query(call.args)
    limit, offset = query.page()
    wanted = {
        "status = ": query.choice("status", lifecycle.STATUSES),
        "method = ": query.choice("method", methods.METHODS),
        "created_at >= ": query.moment("created_at_from"),
        "created_at <= ": query.moment("created_at_to"),
    }
    query.finish()
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(["p.env = ?", *(f"p.{name}?" for name in given)])
    values = [call.work.env, *given.values()]
    db = call.work.db
    (total,) = db.execute(f"SELECT count(*) FROM payment p WHERE {where}", values).fetchone()
    # The page is chosen from the index alone; only its rows are joined and read.
    order = "ORDER BY p.created_at DESC, p.serial DESC"
    chosen = f"SELECT p.serial FROM payment p WHERE {where} {order} LIMIT ? OFFSET ?"
    rows = db.execute(
        f"{shapes.SELECT} WHERE p.serial IN ({chosen}) {order}", [*values, limit, offset]
    )
    found = [shapes.rest(call.work, row) for row in rows]
    return 200, page_of(found, total=total, limit=limit, offset=offset)


def show(call: Call, payment_id: str) -> Answer:
    return 200, shapes.shown(call.work, payment_id)


def cancel(call: Call, payment_id: str) -> Answer:
    payment = get(call.work, payment_id)
    if payment.status not in call.work.config.cancellable:
        raise lifecycle.CannotMove(payment, "cancelled")
    lifecycle.cancel(call.work, payment)
    return 200, shapes.shown(call.work, payment_id)


def list_methods(call: Call) -> Answer:
    usable = [method for method in methods.METHODS.values() if method.currencies]
    return 200, wrapped([methods.as_json(method) for method in usable])


def validate(call: Call) -> Answer:
    """Whether a payment of this kind would be taken; the reasons are codes (LC-A13)."""
    fields = Fields(call.body)
    code = fields.text("method", required=True) or ""
    currency = fields.text("currency", required=True) or ""
    payment_type = fields.choice("type", methods.TYPES, required=True) or ""
    amount = fields.integer("amount", required=True) or 0
    child = fields.child("payout")
    payout = None if child is None else payouts.read(child)
    fields.finish()
    errors = []
    try:
        method = methods.check(
            code=code, currency=currency, payment_type=payment_type, amount=amount
        )
        if amount < method.least:
            raise BusinessError("VALIDATION_ERROR", f"amount must not be less than {method.least}")
        if payment_type == "withdrawal" and payout is not None:
            payouts.check(currency=currency, method=code, given=payout)
    except BusinessError as exc:
        errors.append({"error_code": exc.code, "message": exc.message})
    return 200, wrapped({"valid": not errors, "errors": errors})
