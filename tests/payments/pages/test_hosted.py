"""A payout on LuxCore's own page: asked for, signed, sent, handed on; and what goes along."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from payments import actions, checks, mirror, rules
from payments.enums import Level, PaymentStatus, SeenBy, Status
from payments.models import Payment, Withdrawal
from staff.models import AuditEvent
from tests.customers.factories import HoldFactory
from tests.payments.deciding import sign
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
    record_for,
)
from tests.payments.pages.helpers import as_role, at, client_of, hidden, page, text_of
from tests.payments.test_senders import deliver
from tests.sandbox.helpers import Bench
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db

NEW = "/withdrawals/new/"
HOOK = "https://hooks.example.com/luxcore?key=s3cret"
HOSTED = {
    "currency": "ARS",
    "method": "bank_transfer",
    "payment_type": "withdrawal_pp",
    "amount": "2500.00",
    "customer_name": "Maria Garcia",
    "customer_email": "maria@example.com",
    "customer_number": "1",
    "metadata": '{"order": "17"}',
    "webhook_url": HOOK,
}
NO_PAYEE = {"recipient_name": "", "payid": "", "payid_type": ""}


def ask(client: Any, **fields: Any) -> HttpResponse:
    token = hidden(client.get(NEW), "token")
    answer: HttpResponse = client.post(NEW, {"token": token, **HOSTED, **fields})
    return answer


def a_page(**fields: Any) -> Withdrawal:
    told = {"hosted": True, "customer_number": "17", "webhook_url": HOOK, "metadata": {"a": "b"}}
    made: Withdrawal = WithdrawalFactory(**(NO_PAYEE | told | fields))
    return made


@pytest.mark.django_db(transaction=True)
def test_is_asked_for_signed_sent_handed_on_and_paid(sandbox: Bench) -> None:
    sandbox.create(customer={"email": "maria@example.com"})
    with at(NOW):
        PolicyFactory()
        everything_is_fresh(currencies=["ARS"])
        mara = maker()

        made = ask(client_of(mara))

        withdrawal = Withdrawal.objects.get()
        assert made.headers["Location"] == page(withdrawal)
        sign(withdrawal, approver())
    Command.objects.update(next_at=timezone.now() - timedelta(days=400))
    assert deliver(withdrawal) == CommandState.DONE
    payment = Payment.objects.get()
    assert (payment.hosted, payment.status) == (True, PaymentStatus.CREATED)

    client = client_of(mara)
    shown = text_of(client.get(page(withdrawal)))
    address = f"{payment.get_absolute_url()}address/"
    assert payment.page_url not in shown
    assert "To hand on to the payee" in shown
    handed = client.post(address)
    assert payment.page_url in text_of(handed)
    assert 'class="qr"' in text_of(handed)
    assert handed.headers["Cache-Control"] == "no-store"
    assert AuditEvent.objects.filter(verb="payments.payment.address_shown", by=mara).count() == 1
    assert "No money moves before the payee has said" in shown
    for other in (as_role("approver"), as_role("agent")):
        assert payment.page_url not in text_of(other.get(page(withdrawal)))
        assert payment.page_url not in text_of(other.get(payment.get_absolute_url()))
        assert other.post(address).status_code == 403
    assert "Show the address" in text_of(client.get(payment.get_absolute_url()))
    assert payment.page_url not in text_of(client.get(payment.get_absolute_url()))

    sandbox.act({"transaction_id": payment.upstream_id}, "release")
    actions.refresh_payment(payment_id=payment.pk, by=approver(), at=timezone.now())
    assert "Show the address" not in text_of(client.get(page(withdrawal)))
    withdrawal.refresh_from_db()
    assert withdrawal.status == Status.SENT


def test_is_not_handed_on_while_the_customer_is_held() -> None:
    payment = PaymentFactory(hosted=True, counterparty={}, page_url=HOOK)
    withdrawal = a_page(sent=True, payment=payment, account_key="")
    HoldFactory()
    client = as_role("maker")

    shown = text_of(client.get(page(withdrawal)))
    answer = client.post(f"{payment.get_absolute_url()}address/", follow=True)

    assert "Do not hand the address on: cancel the payout." in shown
    assert "Do not hand the address on: cancel the payout." in text_of(answer)
    assert HOOK not in shown + text_of(answer)
    assert not AuditEvent.objects.filter(verb="payments.payment.address_shown").exists()
    assert "held" in [flag.text for flag in checks.flags_for([withdrawal])[withdrawal.pk]]


class TestForm:
    @pytest.fixture(autouse=True)
    def _now(self) -> Any:
        PolicyFactory()
        with at(NOW):
            yield

    def test_asks_nothing_about_an_account(self) -> None:
        response = as_role("maker").get(NEW, {"payment_type": "withdrawal_pp"})

        form = response.context["form"]
        assert form.payout_fields == []
        assert "Nobody here: whoever is handed the address" in text_of(response)

    def test_changes_with_continue_and_loses_nothing(self) -> None:
        told = {**HOSTED, "recipient_name": "Maria", "webhook_events": ["payment.completed"]}

        response = as_role("maker").post(NEW, {**told, "continue": "1"})

        text = text_of(response)
        assert hidden(response, "recipient_name") == "Maria"
        assert f'value="{HOOK}"' in text
        assert '{"order": "17"}' in text
        assert 'value="payment.completed" id="id_webhook_events_1" checked' in text.replace(
            'checked id="id_webhook_events_1"', 'id="id_webhook_events_1" checked'
        )

    def test_folds_away_what_few_need_unless_there_is_something(self) -> None:
        client = as_role("maker")

        closed = text_of(client.get(NEW))
        wrong = ask(client, webhook_url="https://127.0.0.1/", metadata="")

        assert '<details class="fold in">' in closed
        assert '<details class="fold in" open>' in text_of(wrong)
        assert wrong.status_code == 422
        assert wrong.context["form"].errors.keys() == {"webhook_url"}
        assert "but not cancelled" in closed

    def test_keeps_the_address_of_what_is_changed_without_showing_it(self) -> None:
        row = a_page()
        client = client_of(row.created_by)  # type: ignore[arg-type]

        form = client.get(page(row, "amend/"))
        told = {**HOSTED, "currency": "AUD", "method": "payid", "webhook_url": ""}
        token = hidden(form, "token")
        done = client.post(page(row, "amend/"), {**told, "token": token, "reason": "Less."})

        assert "s3cret" not in text_of(form)
        assert "hooks.example.com/" in text_of(form)
        assert done.status_code == 302, done.context["form"].errors
        row.refresh_from_db()
        assert (row.webhook_url, row.metadata, row.revision) == (HOOK, {"order": "17"}, 2)
        assert "s3cret" not in json.dumps(list(AuditEvent.objects.values_list("after", flat=True)))

    def test_copies_all_of_it(self) -> None:
        row = a_page(refused=True)
        client = as_role("maker")

        form = client.get(NEW, {"copy_of": row.code}).context["form"]

        assert form.is_hosted
        assert form["metadata"].value() == '{"a": "b"}'
        assert form["customer_number"].value() == "17"

    def test_tells_the_approver_what_is_at_stake(self) -> None:
        row = a_page()

        for address in (page(row), page(row, "approve/")):
            shown = text_of(as_role("approver").get(address))
            assert "where the payee says where the money goes" in shown
            assert "hooks.example.com/" in shown
            assert "s3cret" not in shown
            assert "LuxCore's usual ones: created, completed, failed and refunded" in shown
            assert "Nobody here knows where the money will go" in shown


class TestChecks:
    def found(self, withdrawal: Withdrawal, code: str) -> checks.Check:
        (check,) = [one for one in checks.run(withdrawal, now=NOW) if one.code == code]
        return check

    def test_do_not_take_two_pages_for_one_account(self, ready: None) -> None:
        PaymentFactory(completed=True, counterparty={})
        a_page(customer_email="else@example.com", customer_phone="", customer_number="18")

        row = a_page()

        assert self.found(row, "duplicate").level == Level.PASS
        assert self.found(row, "beneficiary").level == Level.WARN
        assert [flag.code for flag in checks.flags_for([row])[row.pk]] == ["hosted"]

    @pytest.mark.parametrize("shared", ["customer_number", "customer_email", "customer_phone"])
    def test_find_the_same_amount_to_the_same_customer(self, ready: None, shared: str) -> None:
        nobody = {"customer_number": "", "customer_email": "", "customer_phone": ""}
        row = a_page()
        other = a_page(**(nobody | {shared: getattr(row, shared)}))

        check = self.found(row, "duplicate")

        assert (check.level, check.links[0][0]) == (Level.WARN, other.code)
        said = actions.mark_not_duplicate(
            withdrawal_id=row.pk, other=other.code, reason="Two rents.", by=approver(), at=NOW
        )
        assert said.other == other.code
        assert self.found(row, "duplicate").level == Level.PASS

    def test_say_when_nobody_knows_the_number(self, ready: None) -> None:
        assert "has not seen LuxCore's customer 17" in self.found(a_page(), "payout_rules").text


def test_the_mirror_tells_where_the_money_went(ready: None) -> None:
    """From then on this account was asked for, and duplicates of it are found."""
    payment = PaymentFactory(hosted=True, counterparty={}, counterparty_name="")
    row = a_page(sent=True, payment=payment, merchant_reference=payment.merchant_reference)
    assert rules.validate(rules.WithdrawalDraft.of(row)) == {}

    told = record_for(
        row,
        transaction_id=payment.upstream_id,
        type="withdrawal_pp",
        status="processing",
        payout={"recipient_name": "Ann", "payid": "ann@example.com", "payid_type": "email"},
    )

    mirror.store_payments([told], seen_by=SeenBy.POLL, at=NOW)

    row.refresh_from_db()
    assert row.account_key != ""
    assert row.account_key == Payment.objects.get().account_key
