"""The control door's page: recent payments with buttons, faults, the pace of traffic."""

import json
from collections.abc import Mapping
from decimal import Decimal
from html import escape

from werkzeug.wrappers import Response

from sandbox.faults import BadFault
from sandbox.web import Json, html_page

DEEDS = {
    "pending": ("release", "decline", "complete", "cancel"),
    "processing": ("complete", "fail", "expire"),
    "completed": ("refund",),
    "partial_refund": ("refund",),
}


def render(
    *,
    payments: list[Json],
    customers: list[Json],
    transfers: list[Json],
    movements: list[Json],
    faults: list[Json],
    kinds: list[str],
    pace: float,
    now: str,
) -> Response:
    body = (
        "<h1>Sandbox</h1>"
        f"<p>It is {escape(now)} here.</p>{_traffic(pace)}"
        f"<h2>Faults</h2>{_fault_list(faults)}{_fault_form(kinds)}"
        f"<h2>LuxCore: recent payments</h2>{_payments(payments)}"
        f"<h2>Lux Financial: recent customers</h2>{_customers(customers)}"
        f"<h2>Lux Financial: recent transfers</h2>{_transfers(transfers)}"
        f"<h2>Lumetrade: recent movements</h2>{_movements(movements)}"
    )
    return html_page("Sandbox", body, width="72rem")


def fault_from_form(form: Mapping[str, str]) -> Json:
    """A fault as the page's form sends it: empty fields mean the default."""
    fault: Json = {
        name: form[name] for name in ("kind", "method", "path", "event") if form.get(name)
    }
    if form.get("times"):
        fault["times"] = int(form["times"])
    if form.get("params"):
        try:
            fault["params"] = json.loads(form["params"])
        except ValueError as exc:
            raise BadFault("params must be a JSON object") from exc
    return fault


def _traffic(pace: float) -> str:
    return (
        '<form method="post" action="/_control/traffic"><label>Payments a minute '
        f'<input name="pace" type="number" min="0" max="600" step="any" value="{pace:g}">'
        "</label> <button>Set</button></form>"
    )


def _fault_list(faults: list[Json]) -> str:
    if not faults:
        return "<p>None.</p>"
    lines = "".join(
        f"<tr><td>{escape(f['kind'])}</td><td>{escape(f['method'])} {escape(f['path'])}</td>"
        f"<td>{f['taken']} of {'any' if f['times'] is None else f['times']}</td>"
        f"<td>{escape(json.dumps(f['params']))}</td></tr>"
        for f in faults
    )
    clear = '<form method="post" action="/_control/faults/clear">'
    clear += '<button name="clear" value="all">Clear all</button></form>'
    head = "<tr><th>Kind</th><th>For</th><th>Taken</th><th>Settings</th></tr>"
    return f"<table>{head}{lines}</table>{clear}"


def _fault_form(kinds: list[str]) -> str:
    options = "".join(f"<option>{escape(kind)}</option>" for kind in kinds)
    return (
        '<form method="post" action="/_control/faults">'
        f'<p><label>Kind <select name="kind">{options}</select></label> '
        '<label>Method <input name="method" size="6" placeholder="*"></label> '
        '<label>Path <input name="path" size="24" placeholder="/api/*"></label> '
        '<label>Event <input name="event" size="16" placeholder="*"></label> '
        '<label>Times <input name="times" size="3" placeholder="1"></label> '
        '<label>Settings <input name="params" size="24" placeholder=\'{"seconds": 2}\'>'
        "</label> <button>Add fault</button></p></form>"
    )


def _payments(payments: list[Json]) -> str:
    head = (
        "<tr><th>Created</th><th>Payment</th><th>Reference</th><th>Customer</th><th>Kind</th>"
        '<th class="n">Amount</th><th>Status</th><th></th></tr>'
    )
    return f"<table>{head}{''.join(_line(payment) for payment in payments)}</table>"


def _line(payment: Json) -> str:
    cells = (
        payment["created_at"],
        payment["transaction_id"],
        payment["merchant_reference"],
        payment["customer_name"] or "",
        f"{payment['type']}, {payment['method']}",
    )
    amount = f"{payment['currency']} {payment['amount'] // 100:,}.{payment['amount'] % 100:02d}"
    shown = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    shown += f'<td class="n">{amount}</td><td>{escape(payment["status"])}</td>'
    return f"<tr>{shown}<td>{_buttons(payment)}</td></tr>"


def _buttons(payment: Json) -> str:
    identity = escape(payment["transaction_id"])
    return "".join(
        f'<form method="post" action="/_control/payments/{identity}/{deed}">'
        f'<button name="deed" value="{deed}">{deed.capitalize()}</button></form>'
        for deed in DEEDS.get(payment["status"], ())
    )


def _customers(customers: list[Json]) -> str:
    titles = ("Created", "Customer", "Name", "Status", "KYC", "")
    head = f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"
    return f"<table>{head}{''.join(_customer(customer) for customer in customers)}</table>"


def _customer(customer: Json) -> str:
    name = customer.get("business_name") or f"{customer['first_name']} {customer['last_name']}"
    cells = (customer["created_at"], customer["id"], name, customer["status"])
    shown = "".join(f"<td>{escape(str(cell))}</td>" for cell in (*cells, customer["kyc_status"]))
    action = f"/_control/lux/customers/{escape(customer['id'])}/kyc"
    return f"<tr>{shown}<td>{_stages(action, customer['next'])}</td></tr>"


def _transfers(transfers: list[Json]) -> str:
    head = "<tr><th>Created</th><th>Transfer</th><th>Customer</th>"
    head += '<th class="n">Amount</th><th>State</th><th></th></tr>'
    return f"<table>{head}{''.join(_transfer(transfer) for transfer in transfers)}</table>"


def _transfer(transfer: Json) -> str:
    cells = (transfer["created_at"], transfer["id"], transfer.get("on_behalf_of") or "")
    shown = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    amount = f"{transfer['currency']} {transfer['amount']}"
    shown += f'<td class="n">{escape(amount)}</td><td>{escape(transfer["state"])}</td>'
    action = f"/_control/lux/transfers/{escape(transfer['id'])}"
    return f"<tr>{shown}<td>{_stages(action, transfer['next'])}</td></tr>"


def _movements(movements: list[Json]) -> str:
    head = (
        "<tr><th>Created</th><th>Transaction</th><th>Kind</th><th>Beneficiary</th>"
        '<th class="n">Amount</th><th>Stage</th><th></th></tr>'
    )
    return f"<table>{head}{''.join(_movement(movement) for movement in movements)}</table>"


def _movement(movement: Json) -> str:
    cells = (
        movement["createdAt"],
        movement["transactionId"],
        f"{movement['kind']}, {movement['source']}",
        movement["beneficiaryId"] or "",
    )
    shown = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    shown += f'<td class="n">{escape(movement["currency"])} {Decimal(movement["amount"]):f}</td>'
    action = f"/_control/lumetrade/movements/{escape(movement['transactionId'])}"
    buttons = _stages(action, movement["next"])
    return f"<tr>{shown}<td>{escape(movement['status'])}</td><td>{buttons}</td></tr>"


def _stages(action: str, stages: list[str]) -> str:
    """A button for each stage that may follow."""
    return "".join(
        f'<form method="post" action="{action}/{stage}"><button name="stage" value="{stage}">'
        f"{stage.replace('_', ' ').capitalize()}</button></form>"
        for stage in stages
    )
