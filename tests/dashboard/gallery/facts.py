"""What the gallery shows: invented, complete, and the same on every run."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace as Facts
from typing import Any

from django import forms

MAKER = Facts(email="maker@lightdesk.test", name="Mia Kessler")
APPROVER = Facts(email="approver@lightdesk.test", name="Ana Paredes")
LEAD = Facts(email="ops.lead@lightdesk.test", name="")


@dataclass
class Row:
    code: str
    due_at: datetime | None
    customer: str
    amount: Decimal
    currency: str
    method: str
    status: str
    words: str
    theirs: str
    signed: str
    claimed: str = ""
    flags: list[tuple[str, str, str]] = field(default_factory=list)
    is_over: bool = False


def rows(now: datetime) -> list[Row]:
    minute = timedelta(minutes=1)
    waiting = ("awaiting_approval", "Awaiting approval", "not sent")
    return [
        Row("WD-7F3K", now - 18 * minute, "Maria Garcia", Decimal("250000"), "ARS", "Bank transfer",
            *waiting, "1 of 2", flags=[("warn", "user", "New beneficiary")], is_over=True),
        Row("WD-7F3A", now - 3100 * minute, "Zoë van der Merwe", Decimal("12.5"), "ZAR", "EFT",
            *waiting, "0 of 1", is_over=True),
        Row("WD-7F3M", now + 12 * minute, "James Smith", Decimal("2500"), "AUD", "PayID",
            *waiting, "0 of 1", claimed="You, 9 min"),
        Row("WD-7F3P", now + 125 * minute, "Juan Pérez Martínez", Decimal("84120.50"), "MXN",
            "SPEI", *waiting, "0 of 1", flags=[("bad", "copy-check", "Duplicate?")]),
        Row("WD-7F3Q", now + 200 * minute, "Acme Pagos S.A.", Decimal("1200000"), "UYU",
            "Bank transfer", "blocked", "Blocked", "not sent", "0 of 3",
            claimed="R. Silva, 4 min", flags=[("wait", "lock", "Hold: KYC")]),
        Row("WD-7F3T", now + 301 * minute, "Thandi Nkosi", Decimal("101"), "ZAR", "EFT",
            *waiting, "0 of 1"),
        Row("WD-7F3V", now + 4000 * minute, "Distribuidora Hnos. Echeverría e Hijos S.R.L.",
            Decimal("7530000"), "CLP", "Bank transfer", *waiting, "0 of 2",
            flags=[("warn", "user", "New beneficiary"), ("warn", "activity", "Outlier")]),
        Row("WD-7F2Z", None, "Kamal Perera", Decimal("18400"), "USD", "Wire", "unknown",
            "Outcome unknown", "not found", "2 of 2"),
        Row("WD-7F2Y", None, "Oliver Brown", Decimal("640"), "AUD", "Bank transfer", "sending",
            "Sending", "not sent", "1 of 1"),
        Row("WD-7F2X", None, "Sofía Castro", Decimal("990"), "PEN", "Bank transfer", "sent",
            "Sent", "pending", "1 of 1"),
        Row("WD-7F2W", None, "Lucía Fernández", Decimal("37500"), "ARS", "Bank transfer",
            "completed", "Completed", "completed", "1 of 1"),
        Row("WD-7F2V", None, "Noah Wilson", Decimal("75"), "AUD", "PayID", "failed", "Failed",
            "failed", "1 of 1"),
        Row("WD-7F2U", None, "Aiko Tanaka", Decimal("120000"), "JPY", "Bank transfer", "refused",
            "Refused by provider", "refused", "1 of 1"),
        Row("WD-7F2T", None, "Pedro Rojas", Decimal("0.00042"), "BTC", "Wallet", "retracted",
            "Retracted", "not sent", "0 of 1"),
    ]  # fmt: skip


class WithdrawalForm(forms.Form):
    """A form with one of everything."""

    currency = forms.ChoiceField(choices=[("AUD", "AUD"), ("ARS", "ARS"), ("MXN", "MXN")])
    amount = forms.DecimalField(
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Between 10.00 and 50,000.00 AUD for this rail.",
    )
    method = forms.ChoiceField(
        choices=[("payid", "PayID"), ("bank", "Bank transfer")], widget=forms.RadioSelect
    )
    payid = forms.CharField(label="PayID", help_text="E-mail, phone, ABN or organisation id.")
    bank_account = forms.CharField(label="Account number")
    bank_code = forms.CharField(label="BSB", max_length=6)
    recipient_name = forms.CharField(label="Recipient")
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    sure = forms.BooleanField(label="I compared the account with the customer's request")
    receipt = forms.FileField(required=False)


def checks(now: datetime) -> list[Any]:
    return [
        Facts(level="block", text="The customer is held: KYC evidence expired.", as_of=None,
              links=(("hold", "#hold"),)),
        Facts(level="warn", text="2.1 times this customer's usual payout (median 1,190.00 over 6).",
              as_of=None, links=(("history", "#history"),)),
        Facts(level="pass", text="Balance after this and 3 ahead of it: 41,310.20 AUD.",
              as_of=now - timedelta(seconds=20), links=()),
        Facts(level="pass", text="PayID e-mail is valid for this rail.", as_of=None, links=()),
        Facts(level="pass", text="KYC approved, risk low.", as_of=now - timedelta(minutes=2),
              links=()),
    ]  # fmt: skip


def entries(now: datetime) -> list[dict[str, Any]]:
    return [
        {"at": now - timedelta(minutes=1), "who": APPROVER, "text": "claimed it.",
         "kind": "person"},
        {"at": now - timedelta(minutes=4), "who": "LuxCore", "text": "answered: payment created.",
         "kind": "upstream", "detail": "pay_1234567890_abcdefgh", "href": "#payment",
         "tone": "good"},
        {"at": now - timedelta(minutes=18), "who": "Lightdesk",
         "text": "matched policy AUD up to 10,000 (version 4): 1 signature.", "kind": "system"},
        {"at": now - timedelta(hours=27), "who": MAKER, "text": "requested it.", "kind": "person",
         "quote": "Monthly payout, confirmed by phone.", "detail": "audit no. 18,204"},
    ]  # fmt: skip


def pills(now: datetime) -> list[Any]:
    return [
        Facts(label="LuxCore", state="fresh", words="fresh", as_of=now - timedelta(seconds=4),
              budget_left=71),
        Facts(label="Lux Financial", state="late", words="late 6 min",
              as_of=now - timedelta(minutes=6), budget_left=None),
        Facts(label="Lumetrade", state="not_configured", words="not configured", as_of=None,
              budget_left=None),
    ]  # fmt: skip


def desks(current: str = "Withdrawals") -> list[tuple[str, list[Any]]]:
    def desk(label: str, icon: str, key: str = "", count: int | None = None, late: int = 0) -> Any:
        return Facts(label=label, icon=icon, key=key, count=count, overdue=late,
                     is_current=label == current, url=f"#{label}")  # fmt: skip

    return [
        ("", [desk("Home", "house", "h")]),
        (
            "Payments",
            [
                desk("Withdrawals", "banknote-arrow-up", "w", 14, 2),
                desk("Payments", "arrow-up-down", "p"),
                desk("Balances", "wallet", "b"),
                desk("Beneficiaries", "book-user"),
                desk("Reconciliation", "scale", count=3),
            ],
        ),
        (
            "Compliance",
            [
                desk("KYC cases", "id-card", "k", 1421, 1),
                desk("Customers", "users"),
                desk("Screenings", "scan-face", count=4),
            ],
        ),
        ("Support", [desk("Tickets", "life-buoy", "t", 9)]),
        ("Room", [desk("Upstreams", "server", "u"), desk("Audit", "scroll-text")]),
    ]


def alarms(now: datetime) -> list[Any]:
    return [
        Facts(
            get_upstream_display="LuxCore",
            words="An answer differs from what was asked: sending is stopped.",
            raised_at=now - timedelta(minutes=3),
        )
    ] * 2


def days() -> list[Any]:
    values = [50, 61, 55, 72, 66, 38, 36, 70, 80, 74, 85, 78, 40, 88]
    return [
        Facts(label=str(day), value=Decimal(value) * 10_000, text=f"{value * 10_000:,}.00 ARS")
        for day, value in enumerate(values, start=7)
    ]


def frame(now: datetime) -> Any:
    return Facts(
        desks=desks(), pills=pills(now), environment="SANDBOX", time_zone="Australia/Sydney",
        theme="system", letter_keys=True, alarms=[], demo_logins=[],
    )  # fmt: skip


def page(now: datetime) -> dict[str, Any]:
    """Return the context of every gallery page."""
    return {
        "now": now,
        "frame": frame(now),
        "rows": rows(now),
        "checks": checks(now),
        "passed": checks(now)[2:],
        "entries": entries(now),
        "form": WithdrawalForm(),
        "wrong_form": WithdrawalForm({"currency": "XXX", "method": "payid", "payid": "a@b"}),
        "unsigned": [],
        "given": [Facts(by=LEAD, at=now - timedelta(minutes=3), verdict="approve", reason="")],
        "refused": [Facts(by=LEAD, at=now, verdict="reject", reason="The account is not theirs.")],
        "differences": [
            Facts(label="Amount", before="2,500.00 AUD", after="2,900.00 AUD"),
            Facts(label="PayID", before="j••••@e••••.com", after=""),
        ],
        "tabs": [
            {"label": "Needs my decision", "url": "#1", "count": 14, "is_current": True,
             "overdue": 2},
            {"label": "Waiting for others", "url": "#2", "count": 6},
            {"label": "In flight", "url": "#3", "count": 3},
            {"label": "Needs attention", "url": "#4", "count": 2},
            {"label": "Done", "url": "#5", "count": "more than 10,000"},
        ],
        "chips": [
            {"label": "Amount", "value": "from 100", "remove_url": "?"},
            {"label": "Currency", "value": "ARS, AUD", "remove_url": "?"},
        ],
        "days": days(),
        "maker": MAKER,
        "approver": APPROVER,
        "tones": ["good", "flow", "wait", "warn", "bad", ""],
        "states": ["awaiting_approval", "approved", "sending", "sent", "unknown", "completed",
                   "failed", "cancelled", "refused", "rejected", "retracted", "lapsed", "blocked",
                   "created", "in_progress", "in_review", "expired", "partly_returned", "returned",
                   "queued", "retrying", "dead", "fresh", "late", "down", "not_configured",
                   "never_synced", "never heard of"],
        "large": Decimal("2500"),
        "below": Decimal("-41310.2"),
        "coin": Decimal("0.000420000000000000"),
    }  # fmt: skip
