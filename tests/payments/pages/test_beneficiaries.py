"""The pages of whom we pay: found, masked, with what changed; and a payout to them, prefilled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Beneficiary, Withdrawal
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    maker,
)
from tests.payments.pages.helpers import as_role, at, client_of, hidden, page, text_of
from tests.payments.pages.test_exports import rows

pytestmark = pytest.mark.django_db

LIST = "/beneficiaries/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


def codes(response: Any) -> list[str]:
    return [row.beneficiary.code for row in response.context["rows"]]


class TestList:
    @pytest.fixture
    def three(self) -> dict[str, Beneficiary]:
        return {
            "old": BeneficiaryFactory(recipient_name="Ana Gómez", payid="ana@example.com"),
            "new": BeneficiaryFactory(
                currency="MXN", payid="m@example.com", first_asked_at=NOW - timedelta(hours=23)
            ),
            "changed": BeneficiaryFactory(
                upstream="lumetrade",
                payid="l@example.com",
                first_asked_at=NOW - timedelta(days=2),
                changed_at=NOW - timedelta(hours=1),
            ),
        }

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, ["new", "changed", "old"]),
            ({"currency": "MXN"}, ["new"]),
            ({"upstream": "lumetrade"}, ["changed"]),
            ({"lately": "new"}, ["new"]),
            ({"lately": "changed"}, ["changed"]),
            ({"q": "góm"}, ["old"]),
            ({"q": "bn-"}, ["new", "changed", "old"]),
            ({"lately": "never", "q": "nobody"}, []),
        ],
    )
    def test_holds_what_the_filters_leave(
        self, query: dict[str, str], expected: list[str], three: dict[str, Beneficiary]
    ) -> None:
        found = codes(as_role("viewer").get(LIST, query))

        assert found == [three[name].code for name in expected]

    def test_is_found_by_code_and_not_by_a_masked_name(self) -> None:
        row = BeneficiaryFactory(code="bn-7F3MK2QXRA", recipient_name="Ana Gómez")
        support = as_role("agent")

        assert codes(support.get(LIST, {"q": "7f3m"})) == [row.code]
        assert codes(support.get(LIST, {"q": "Ana"})) == []
        assert "Gómez" not in text_of(support.get(LIST))

    def test_shows_what_was_paid_and_masks_the_account(self) -> None:
        BeneficiaryFactory()
        for _ in range(3):
            PaymentFactory(completed=True)

        text = text_of(as_role("viewer").get(LIST))

        assert "7,500.00" in text
        assert "j••••@e••••.com" in text
        assert "james@example.com" not in text

    def test_costs_for_fifty_what_it_costs_for_one(self) -> None:
        client, counts = as_role("viewer"), []
        for number in range(50):
            row = BeneficiaryFactory(payid=f"p{number}@example.com")
            PaymentFactory(completed=True, account_key=row.account_key)
            if number in (0, 49):
                with CaptureQueriesContext(connection) as queries:
                    client.get(LIST, {"size": "50"})
                counts.append(len(queries))

        assert counts[0] == counts[1]

    def test_goes_into_a_file_masked(self) -> None:
        row = BeneficiaryFactory(recipient_name="=Ana")

        (seen,) = rows(as_role("support_lead"), f"{LIST}export/")

        assert (seen["code"], seen["payid"]) == (row.code, "j••••@e••••.com")
        assert "Ana" not in seen["recipient"]


class TestPage:
    def test_tells_what_changed_and_what_was_paid(self) -> None:
        PolicyFactory(version=2, beneficiary_limit=9000, published_at=NOW)
        milo = maker()
        row = BeneficiaryFactory(changed_at=NOW, recipient_name="Jane Smith")
        row.changes.create(
            field="recipient_name", before="James Smith", after="Jane Smith", by=milo, at=NOW
        )
        payout = WithdrawalFactory(beneficiary=row)
        PaymentFactory(completed=True)

        text = text_of(as_role("viewer").get(row.get_absolute_url()))

        assert "changed: recipient" in text
        assert "James Smith → Jane Smith" in text
        assert row.first_asked_by.email in text
        assert "9,000 per beneficiary in 24 hours" in text
        assert payout.code in text
        assert f"beneficiary={row.code}" in text
        assert "Pay out to this one" not in text

    def test_takes_the_same_queries_for_many_changes(self) -> None:
        row, client, counts = BeneficiaryFactory(), as_role("viewer"), []
        for number in range(20):
            row.changes.create(field="bank_code", before="1", after="2", by=maker(), at=NOW)
            WithdrawalFactory(beneficiary=row, amount=number + 1)
            if number in (0, 19):
                with CaptureQueriesContext(connection) as queries:
                    client.get(row.get_absolute_url())
                counts.append(len(queries))

        assert counts[0] == counts[1]

    def test_narrows_the_queue_to_its_payouts(self) -> None:
        row = BeneficiaryFactory()
        mine, _other = WithdrawalFactory(beneficiary=row), WithdrawalFactory()
        client = as_role("viewer")

        found, nobody = (
            client.get("/withdrawals/", {"tab": "all", "beneficiary": code})
            for code in (row.code, "bn-NOBODY")
        )

        assert [line.withdrawal for line in found.context["rows"]] == [mine]
        assert nobody.context["rows"] == []

    def test_is_linked_from_a_withdrawal_with_who_brought_it(self) -> None:
        row = BeneficiaryFactory()

        text = text_of(as_role("viewer").get(page(WithdrawalFactory(beneficiary=row))))

        assert row.get_absolute_url() in text
        assert "first asked for by" in text
        assert row.first_asked_by.email in text

    def test_is_missing_for_a_code_that_nobody_has(self) -> None:
        assert as_role("viewer").get(f"{LIST}bn-NOBODY/").status_code == 404


class TestPayOutToThisOne:
    def test_brings_who_is_paid_and_nothing_else(self) -> None:
        row = BeneficiaryFactory()
        payout = WithdrawalFactory(
            beneficiary=row, payout_reference="FEB", webhook_url="https://old.example.com/hook"
        )
        client = client_of(maker())
        address = f"/withdrawals/new/?like={payout.code}"

        assert address in text_of(client.get(row.get_absolute_url()))
        form = client.get(address)
        assert "It is j••••@e••••.com. Leave this empty to keep it." in text_of(form)
        assert "james@example.com" not in text_of(form)
        assert "webhook_url_empty" not in form.context["form"].fields
        assert (form.context["form"]["amount"].value(), form.context["form"].initial["method"]) == (
            None,
            "payid",
        )
        typed = {
            "token": hidden(form, "token"),
            "currency": "AUD",
            "method": "payid",
            "amount": "12.00",
            "recipient_name": "James Smith",
            "payid_type": "email",
            "customer_name": "James Smith",
        }
        done = client.post(address, typed)

        made = Withdrawal.objects.exclude(pk=payout.pk).get()
        assert done.status_code == 302
        assert (made.payid, made.copy_of, made.payout_reference) == ("james@example.com", None, "")
        assert (made.beneficiary, made.webhook_url) == (row, "")

    def test_chooses_the_beneficiary_at_lumetrade(self) -> None:
        payout = WithdrawalFactory(upstream="lumetrade", payee_id="ben_1", payid="")

        form = client_of(maker()).get(f"/withdrawals/new/?like={payout.code}", follow=True)

        assert form.redirect_chain[-1][0] == f"/withdrawals/new/lumetrade/?like={payout.code}"
        assert form.context["form"].initial["payee_id"] == "ben_1"
