"""Planted personal data, looked for on every page as every role (proof P-4), and payloads (X-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from payments.enums import RequestStatus
from payments.models import Payment, PaymentRequest, Withdrawal
from staff import audit
from staff.permissions import Role
from tests.dashboard.routes import ROUTES, World
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PaymentFactory,
    PaymentRequestFactory,
    PolicyFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
)
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.support.rounds import FEW_ROLES, widest
from upstreams.models import Alarm, RefusedRecord, WebhookEvent

pytestmark = pytest.mark.django_db

NAME = "Xaverius Plantedname"
SECRETS = {
    "account": "5550001234567890123456",
    "payid": "xaverius.planted@example.com",
    "tax id": "20-98765432-1",
    "e-mail": "xp.contact@example.org",
    "phone": "+61498765432",
}
MASKED = {Role.AGENT, Role.SUPPORT_LEAD, Role.ADMIN}
# Each is several at once, for all are looked for on every page. The first 32 letters, which is what
# the shortest columns hold, leave links, attributes and texts already.
PAYLOADS = (
    """javascript:"><svg onload>{{7*7}}{% debug %}</pre></textarea><img src=x onerror=alert(1)>""",
    """'-alert(1)-'<script>document.title='owned'</script></pre></textarea><svg onload=alert(1)>""",
)


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    everything_is_fresh()
    with at(NOW):
        yield


class Planted:
    """The same person in everything that has a page."""

    def __init__(self, name: str = NAME) -> None:
        facts = {
            "recipient_name": name,
            "customer_name": name,
            "customer_email": SECRETS["e-mail"],
            "customer_phone": SECRETS["phone"],
            "tax_id": SECRETS["tax id"],
        }
        raw = {
            "transaction_id": "pay_planted",
            "customer": {"name": name, "email": SECRETS["e-mail"], "phone": SECRETS["phone"]},
            "payout": {
                "recipient_name": name,
                "bank_account": SECRETS["account"],
                "reference": f"For {name}",
            },
            "metadata": {"whatever": SECRETS["payid"], "list": [SECRETS["tax id"]]},
        }
        self.payment: Payment = PaymentFactory(
            counterparty_name=name,
            counterparty={"recipient_name": name, "bank_account": SECRETS["account"]},
            error_message=f"Account {SECRETS['account']} is closed.",
            description=name,
            raw=raw,
        )
        bank = {
            "currency": "ARS",
            "method": "bank_transfer",
            "payid": "",
            "payid_type": "",
            "bank_account": SECRETS["account"],
        }
        payid = {"payid": SECRETS["payid"]}
        beneficiary = BeneficiaryFactory(
            **bank | payid, recipient_name=name, tax_id=SECRETS["tax id"], changed_at=NOW
        )
        for field, told in (("recipient_name", name), ("bank_account", SECRETS["account"])):
            beneficiary.changes.create(field=field, before=told, after=f"{told}1", at=NOW)
        facts["beneficiary"] = beneficiary
        self.withdrawals: list[Withdrawal] = [
            WithdrawalFactory(**facts, **payid),
            WithdrawalFactory(
                **facts,
                **bank,
                refused=True,
                status_reason=f"Account {SECRETS['account']} of {name} is closed.",
            ),
            WithdrawalFactory(**facts, **bank, unknown=True),
            WithdrawalFactory(
                **facts,
                **bank,
                sent=True,
                payment=PaymentFactory(counterparty_name=name, raw=raw),
                created_at=NOW - timedelta(days=1),
            ),
        ]
        for row in self.withdrawals:
            told = f"{name} {row.payid} {SECRETS['account']} {row.tax_id} {row.customer_email}"
            row.description = row.payout_description = row.payout_reference = f"For {name}"
            row.save(update_fields=["description", "payout_description", "payout_reference"])
            SignatureFactory(withdrawal=row, reason=told)
            with transaction.atomic():
                audit.record("payments.withdrawal.amended", row, by=approver(), at=NOW, reason=told)
        self.request: PaymentRequest = PaymentRequestFactory(
            status=RequestStatus.REFUSED,
            customer_name=name,
            customer_email=SECRETS["e-mail"],
            customer_phone=SECRETS["phone"],
            description=f"For {name}",
            status_reason=f"{name}, {SECRETS['e-mail']}, is blocked.",
            metadata={"whatever": SECRETS["payid"]},
        )
        self.event = WebhookEvent.objects.create(
            upstream="luxcore",
            event_id="evt_planted",
            kind="payment.completed",
            body=str(raw).replace("'", '"').encode(),
            received_at=NOW,
        )
        self.alarm = Alarm.objects.create(
            upstream="luxcore", code="test", text="Look.", raised_at=NOW
        )
        RefusedRecord.objects.create(
            upstream="luxcore",
            source="luxcore.payments",
            payload=str(raw).replace("'", '"'),
            payload_hash="0",
            reason="The amount is no number.",
            first_seen_at=NOW,
            last_seen_at=NOW,
        )
        self.world = replace(
            World.make(),
            beneficiary=beneficiary,
            payment=self.payment,
            request=self.request,
            alarm=self.alarm,
            event=self.event,
        )

    def addresses(self) -> list[str]:
        """Every page that can be read, about each of the planted things."""
        found = ["/search/?q=Xaver", f"/search/?q={self.withdrawals[0].code}"]
        found += [f"/withdrawals/?tab={tab}" for tab in ("flight", "attention", "done", "all")]
        for name, route in ROUTES.items():
            if route.get in (None, 404) or route.is_open:
                continue
            for row in self.withdrawals:
                world = replace(self.world, withdrawal=row)
                found.append(reverse(name, kwargs=dict(route.arguments(world))))
        return sorted(set(found))


def crawl(client: Client, planted: Planted) -> dict[str, str]:
    """The pages that this person may read, by address."""
    read = {address: client.get(address) for address in planted.addresses()}
    return {
        address: text_of(response)
        for address, response in read.items()
        if response.status_code in {200, 286}
    }


class TestPersonalData:
    @pytest.mark.parametrize("role", widest(Role, FEW_ROLES))
    def test_shows_each_role_no_more_than_it_may_read(self, role: Role) -> None:
        planted = Planted()

        pages = crawl(as_role(role), planted)

        for address, text in pages.items():
            for kind, secret in SECRETS.items():
                assert secret not in text, f"{role} reads the {kind} at {address}"
            links = [part.split('"')[0] for part in text.split('href="')[1:]]
            assert not any("Plantedname" in link for link in links), address
            if role in MASKED:
                assert "Plantedname" not in text, f"{role} reads the name at {address}"
        if role in MASKED - {Role.ADMIN}:
            assert "X•••• P••••" in pages["/withdrawals/?tab=all"]
        if role == Role.APPROVER:
            assert NAME in pages["/withdrawals/?tab=all"]
            assert NAME in pages[planted.withdrawals[0].get_absolute_url()]

    @pytest.mark.parametrize("role", [Role.AGENT, Role.SUPPORT_LEAD])
    def test_does_not_find_by_what_it_masks(self, role: Role) -> None:
        row = WithdrawalFactory(payout_reference="PAYOUT-JAN-001")
        client = as_role(role)

        searched = client.get("/search/?q=PAYOUT-JAN")
        filtered = client.get("/withdrawals/?tab=all&q=PAYOUT-JAN")
        shown = client.get(row.get_absolute_url())

        assert row.code not in text_of(searched)
        assert row.code not in text_of(filtered)
        assert "••••-001" in text_of(shown)
        assert "PAYOUT-JAN" not in text_of(shown)

    def test_repeats_no_account_that_was_written_into_a_reference(self) -> None:
        row = WithdrawalFactory(payout_reference=f"To {SECRETS['payid']}", payid=SECRETS["payid"])

        shown = as_role("approver").get(row.get_absolute_url())

        assert "To x••••@e••••.com" in text_of(shown)


class TestUnseenLetters:
    """A name with letters that nobody sees (proof X-6), asked for at the provider."""

    def test_are_spelled_out_wherever_the_name_stands(self) -> None:
        row = WithdrawalFactory(seen_upstream=True, recipient_name="J\u0430mes \u202eSmith")
        client = client_of(approver())

        pages = [client.get(f"{row.get_absolute_url()}{question}") for question in ("", "approve/")]
        queue = client.get("/withdrawals/?tab=all")

        for response in (*pages, queue):
            assert "\u202e" not in text_of(response)
            assert "⟨U+202E⟩" in text_of(response)
        for response in pages:
            assert "\u0430 U+0430" in text_of(response)


class TestPayloads:
    @pytest.mark.parametrize("payload", widest(PAYLOADS, PAYLOADS[:1]))
    def test_are_inert_wherever_they_stand(self, payload: str) -> None:
        planted = Planted(name=payload)
        for row in planted.withdrawals:
            Withdrawal.objects.filter(pk=row.pk).update(
                payout_reference=payload[:120],
                payout_description=payload,
                description=payload,
                bank_code=payload[:32],
                status_reason=payload,
                account_type=payload[:32],
            )
        Payment.objects.update(
            merchant_reference=payload,
            upstream_status=payload[:40],
            method=payload[:40],
            error_code=payload[:80],
            description=payload,
        )
        Alarm.objects.update(text=payload)
        WebhookEvent.objects.update(kind=payload[:80], error=payload)
        RefusedRecord.objects.update(reason=payload, record_id=payload)
        client = client_of(approver())

        for address in planted.addresses():
            response = client.get(address)
            assert response.status_code in {200, 286, 302, 403}, address
            source = response.content.decode()
            for raw in ("<script>document", "<img src=x", "<svg onload", "</textarea><svg"):
                assert raw not in source, address
            assert 'href="javascript:' not in source
            assert "49{%" not in source
