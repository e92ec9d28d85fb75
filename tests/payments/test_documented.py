"""Every body that LuxCore's guide shows, and every wrong variation, by form, API and file."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from payments import asking, deposits, facts, mirror, rules
from payments.api.requests import WithdrawalRequest
from payments.deposits import DepositDraft
from payments.enums import Origin, SeenBy
from payments.forms.deposits import DepositForm
from payments.forms.drafts import DraftForm
from payments.imports.rows import COLUMNS, parse
from payments.intent import deposit_differences, differences
from payments.models import PaymentRequest, Withdrawal
from payments.rules import WithdrawalDraft
from payments.rules.extras import DEFAULT_EVENTS
from tests.payments.factories import NOW, deposit_methods, draft
from tests.sandbox.helpers import KEY, Bench, Json, SandboxTransport, bench
from tests.sandbox.test_guide import assert_like
from tests.upstreams.wire import luxcore as luxcore_client
from upstreams.luxcore.client import LuxCoreClient

EXAMPLES = json.loads((Path(__file__).parents[1] / "sandbox" / "guide_examples.json").read_bytes())
HOOK = "https://hooks.example.com/luxcore?key=s3cret"
TOKEN = "6f1d4b0e-5d0c-4a53-9b43-2d1f7f0f9a11"

# Where a payout's form has what a body says.
FIELD_OF = {
    "payout": {
        "beneficiary_tax_id": "tax_id",
        "description": "payout_description",
        "reference": "payout_reference",
    },
    "customer": {
        "name": "customer_name",
        "email": "customer_email",
        "phone": "customer_phone",
        "external_id": "customer_external_id",
    },
}


def payout(**changes: Any) -> Json:
    """A body as LuxCore documents it; None leaves a member out, and a dot leads into one."""
    body: Json = {
        "amount": 250_000,
        "currency": "AUD",
        "method": "payid",
        "type": "withdrawal",
        "customer": {"name": "James Smith", "email": "james@example.com"},
        "payout": {
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
        },
    }
    for name, value in changes.items():
        group, _, member = name.rpartition("__")
        (body[group] if group else body)[member] = value
    return {name: value for name, value in body.items() if value is not None}


# What the guide allows beside its samples (upstreams.md §3.6, §3.7).
MORE = {
    "hosted payout": payout(type="withdrawal_pp", payout=None),
    "hosted payout in ARS": payout(
        type="withdrawal_pp", payout=None, currency="ARS", method="bank_transfer"
    ),
    "hosted payout of a customer they know": payout(
        type="withdrawal_pp", payout=None, customer=None, customer_id=1
    ),
    "payout with all there is": payout(
        customer_id=1,
        metadata={"order": "17", "lines": [1, {"a": True, "b": None}]},
        webhook_url=HOOK,
        webhook_events=["payment.completed", "payment.cancelled"],
    ),
    "PayID by phone": payout(payout__payid="+61412345678", payout__payid_type="phone"),
    "PayID by ABN": payout(payout__payid="51824753556", payout__payid_type="abn"),
}
PAID_OUT = {
    example["title"]: example["request"]
    for example in EXAMPLES
    if example["request"]["type"] == "withdrawal"
} | MORE
PAID_IN = {
    example["title"]: example["request"]
    for example in EXAMPLES
    if example["request"]["type"] != "withdrawal"
}
DOCUMENTED = {example["title"]: example["response"] or {} for example in EXAMPLES}


def typed(body: Json) -> QueryDict:
    """The body as somebody types it into the form."""
    told: Json = {"token": TOKEN, "amount": str(Decimal(body["amount"]).scaleb(-2))}
    for name, value in body.items():
        match name, value:
            case ("payout" | "customer", dict()):
                told |= {FIELD_OF[name].get(inner, inner): text for inner, text in value.items()}
            case "metadata", _:
                told["metadata"] = json.dumps(value, default=float)
            case _ if name not in ("amount", "merchant_reference"):
                told[_RENAMED.get(name, name)] = value
    told |= {"scheme": told.pop("ipay", {}).get("payment_method", "")}
    data = QueryDict(mutable=True)
    for name, value in told.items():
        data.setlist(name, value if isinstance(value, list) else [str(value)])
    return data


_RENAMED = {"type": "payment_type", "customer_id": "customer_number"}


def by_form(body: Json) -> tuple[WithdrawalDraft | None, dict[str, str]]:
    form = DraftForm(typed(body))
    if form.is_valid():
        return form.draft(), {}
    return None, {name: str(texts[0]) for name, texts in form.errors.items()}


def by_api(body: Json) -> tuple[WithdrawalDraft | None, dict[str, str]]:
    sent = {name: value for name, value in body.items() if name != "merchant_reference"}
    sent["amount"] = str(Decimal(body["amount"]).scaleb(-2))
    request = WithdrawalRequest(data=sent)
    if request.is_valid():
        return request.validated_data["draft"], {}
    return None, dict(_flat(request.errors))


def by_file(body: Json) -> tuple[WithdrawalDraft | None, dict[str, str]]:
    cells = {name: " ".join(values) for name, values in typed(body).lists()}
    cells["type"] = cells.pop("payment_type")
    told = {name: cells[name] for name in COLUMNS if name in cells}
    parsed = parse(list(told.values()), list(told), payees={})
    return parsed.draft, {name: str(text) for name, text in parsed.errors.items()}


WAYS = [by_form, by_api, by_file]
Way = Callable[[Json], tuple[WithdrawalDraft | None, dict[str, str]]]


def _flat(errors: Any) -> Iterator[tuple[str, str]]:
    """The errors of a body under the names that the form has for its members."""
    for name, found in errors.items():
        if not isinstance(found, dict):
            yield _RENAMED.get(name, name), str(found[0])
            continue
        for inner, texts in found.items():
            yield FIELD_OF.get(name, {}).get(inner, inner), str(texts[0])


def asked(told: WithdrawalDraft) -> Withdrawal:
    return asking.build(told, by=None, at=NOW, origin=Origin.DESK, beneficiary=None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def luxcore() -> Iterator[Bench]:
    """One LuxCore for all of them: every body goes under a reference of its own."""
    with bench() as made:
        first = made.create(merchant_reference="first", customer={"name": "Somebody"})
        assert first["customer_id"] == 1
        yield made


@pytest.fixture
def client(luxcore: Bench) -> Iterator[LuxCoreClient]:
    transport = SandboxTransport(luxcore.sandbox)
    yield luxcore_client(transport.handle_request, api_key=KEY)


class TestPaidOut:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("title", PAID_OUT)
    def test_is_sent_as_documented_and_answered_as_documented(
        self, luxcore: Bench, client: LuxCoreClient, title: str, way: Way
    ) -> None:
        body = PAID_OUT[title]

        told, errors = way(body)

        assert told is not None, errors
        withdrawal = asked(told)
        sent = rules.payload(withdrawal)
        reference = withdrawal.merchant_reference
        assert json.loads(sent) == body | {"merchant_reference": reference}
        record = client.create_payment(sent).record
        seen = mirror.observe(record).as_new(seen_by=SeenBy.SEND, at=NOW)
        assert differences(withdrawal, seen) == []
        answered = luxcore.get({"transaction_id": record.id})
        documented = {"status": "pending", "type": body["type"]} | DOCUMENTED.get(title, {})
        assert_like(documented | {"merchant_reference": reference}, answered)
        assert seen.hosted == (body["type"] == "withdrawal_pp")
        assert bool(seen.page_url) == seen.hosted
        assert told == WithdrawalDraft.of(withdrawal)

    def test_hosted_or_not_is_no_small_difference(self, client: LuxCoreClient) -> None:
        told, _ = by_form(MORE["hosted payout"])
        assert told is not None
        withdrawal = asked(told)
        record = client.create_payment(rules.payload(withdrawal)).record
        seen = mirror.observe(record).as_new(seen_by=SeenBy.SEND, at=NOW)

        withdrawal.hosted = False

        assert differences(withdrawal, seen) == [("hosted", "no", "yes")]


@pytest.mark.django_db
class TestPaidIn:
    @pytest.mark.parametrize("title", PAID_IN)
    def test_is_sent_as_documented_and_answered_as_documented(
        self, luxcore: Bench, client: LuxCoreClient, title: str
    ) -> None:
        deposit_methods()
        body = PAID_IN[title] | ({"customer_id": 1} if "customer_id" in PAID_IN[title] else {})

        form = DepositForm(typed(body))

        assert form.is_valid(), form.errors
        request = PaymentRequest(**form.draft().values(), merchant_reference=title)
        sent = deposits.payload(request)
        assert json.loads(sent) == body | {"merchant_reference": title}
        record = client.create_payment(sent).record
        seen = mirror.observe(record).as_new(seen_by=SeenBy.SEND, at=NOW)
        assert deposit_differences(request, seen) == []
        assert_like(_shape(DOCUMENTED[title]), luxcore.get({"transaction_id": record.id}))
        assert form.draft() == DepositDraft.of(request)


def _shape(documented: Json) -> Json:
    """The documented answer without what names their own host."""
    return {name: told for name, told in documented.items() if name != "transaction_id"}


BANK = {"payout": {"recipient_name": "A B"}}
WRONG: dict[str, tuple[Json, str, str]] = {
    "21-digit CBU": (
        payout(
            currency="ARS",
            method="bank_transfer",
            payout={**BANK["payout"], "bank_account": "1" * 21},
        ),
        "bank_account",
        "exactly 22 digits; this one has 21",
    ),
    "CLABE without bank code": (
        payout(currency="MXN", method="spei", payout={**BANK["payout"], "bank_account": "1" * 18}),
        "bank_code",
        "SPEI needs the bank code",
    ),
    "BSB missing": (
        payout(method="bank_transfer", payout={**BANK["payout"], "bank_account": "12345678"}),
        "bank_code",
        "needs the BSB",
    ),
    "PayID without type": (
        payout(payout={**BANK["payout"], "payid": "james@example.com"}),
        "payid_type",
        "what kind of PayID",
    ),
    "LKR withdrawal": (payout(currency="LKR", method="ipay"), "currency", "does not pay out LKR"),
    "fractional minor units": (payout(amount=Decimal("250000.5")), "amount", "decimals"),
    "unknown currency": (payout(currency="XYZ"), "currency", "XYZ is not among them"),
    "other type": (payout(type="deposit"), "payment_type", ""),
    "customer number in words": (payout(customer_id="twelve"), "customer_number", ""),
    "customer number of nobody": (payout(customer_id=0), "customer_number", "digits only"),
    "long customer number": (payout(customer_id=10**18), "customer_number", "18"),
    "nobody's page": (
        payout(type="withdrawal_pp", payout=None, customer={"name": "James Smith"}),
        "customer_email",
        "whose page",
    ),
    "metadata with a fraction": (payout(metadata={"a": Decimal("1.5")}), "metadata", "quotes"),
    "metadata that is a list": (payout(metadata=[1]), "metadata", "JSON object"),
    "endless metadata": (payout(metadata={"a": "x" * 4096}), "metadata", "most"),
    "events and no address": (
        payout(webhook_events=["payment.completed"]),
        "webhook_url",
        "Say where to send",
    ),
    "an event nobody has": (
        payout(webhook_url=HOOK, webhook_events=["ticket.created"]),
        "webhook_events",
        "ticket.created",
    ),
}


class TestWrong:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("case", WRONG)
    def test_is_told_at_its_own_field_and_nowhere_else(self, case: str, way: Way) -> None:
        body, field, says = WRONG[case]

        told, errors = way(body)

        assert told is None
        place = {"payment_type": "type"}.get(field, field) if way is by_file else field
        assert list(errors) == [place]
        assert says in errors[place]

    @pytest.mark.parametrize("way", [by_api, by_file])
    def test_details_of_an_account_do_not_go_with_a_page(self, way: Way) -> None:
        _, errors = way(payout(type="withdrawal_pp"))

        assert set(errors) == {"recipient_name", "payid", "payid_type"}
        assert all("Leave this empty" in text for text in errors.values())

    # Proof X-7. What JSON cannot say as text at all is in tests/payments/api.
    @pytest.mark.parametrize(
        "amount", ["١٠٠", "1_000", "1e3", "Infinity", "-0", "1.005", "1,000.00", "1" * 40]
    )
    @pytest.mark.parametrize("kind", ["withdrawal", "withdrawal_pp"])
    def test_takes_amounts_in_plain_ascii_alone(self, amount: str, kind: str) -> None:
        body = payout(type=kind, payout=None) if kind == "withdrawal_pp" else payout()
        data = typed(body)
        data["amount"] = amount
        request = WithdrawalRequest(data=body | {"amount": amount})

        form = DraftForm(data)

        assert list(form.errors) == ["amount"]
        assert not request.is_valid()
        assert list(request.errors) == ["amount"]

    # Proof X-8: written into a payout, as into a deposit.
    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.example.com/",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://100.64.0.1/",
            "https://169.254.169.254/latest/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://user:pass@hooks.example.com/",
            "https://hooks.example.com:6379/",
            "https://hооks.example.com/",  # noqa: RUF001  (Cyrillic)
            "https://intranet/",
            "https://db.internal/",
            "https://hooks.example.com/" + "x" * 2048,
        ],
    )
    @pytest.mark.parametrize("way", WAYS)
    def test_refuses_addresses_that_lead_elsewhere(self, url: str, way: Way) -> None:
        _, errors = way(payout(webhook_url=url))

        assert list(errors) == ["webhook_url"]


class TestOldOnes:
    """What was asked for before there were pages and webhooks stays as it is."""

    def test_bytes_are_the_same(self) -> None:
        withdrawal = Withdrawal(**draft().values(), merchant_reference="r-1")

        assert rules.payload(withdrawal) == (
            b'{"amount":250000,"currency":"AUD","customer":{"email":"james@example.com",'
            b'"name":"James Smith","phone":"+61412345678"},"description":"Payout February 2026",'
            b'"merchant_reference":"r-1","method":"payid","payout":{"payid":"james@example.com",'
            b'"payid_type":"email","recipient_name":"James Smith"},"type":"withdrawal"}'
        )

    def test_what_was_signed_stays_signed(self) -> None:
        withdrawal = Withdrawal(**draft().values(), code="wd-OLD222", origin=Origin.DESK)
        told = facts.of(withdrawal)
        newer = ("hosted", "customer_number", "metadata", "webhook_url", "webhook_events")

        older = {name: value for name, value in told.items() if name not in newer}

        assert facts.digest(told) == facts.digest(older)
        for name, value in (("hosted", True), ("webhook_url", HOOK), ("metadata", {"a": 1})):
            other = Withdrawal(**draft(**{name: value}).values(), code="wd-OLD222", origin="desk")
            assert facts.digest(facts.of(other)) != facts.digest(older)


def test_the_default_does_not_tell_of_what_was_cancelled() -> None:
    assert DEFAULT_EVENTS == (
        "payment.created",
        "payment.completed",
        "payment.failed",
        "payment.refunded",
    )
