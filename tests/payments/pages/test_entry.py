from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse

from payments.enums import Status
from payments.models import Withdrawal
from payments.rules import FIELDS
from tests.payments.factories import NOW, PolicyFactory, WithdrawalFactory, maker
from tests.payments.pages.helpers import as_role, at, client_of, hidden, page, text_of

pytestmark = pytest.mark.django_db

NEW = "/withdrawals/new/"
PAYID = {
    "currency": "AUD",
    "method": "payid",
    "amount": "2500.00",
    "recipient_name": "James Smith",
    "payid": "james@example.com",
    "payid_type": "email",
    "customer_email": "james@example.com",
    "description": "Payout February 2026",
}


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


def names(response: HttpResponse) -> set[str]:
    """The fields of the form that people see."""
    form = response.context["form"]
    return {
        bound.name for bound in [*form.payout_fields, *form.customer_fields] if not bound.is_hidden
    }


class TestFields:
    @pytest.mark.parametrize(("currency", "method"), FIELDS)
    def test_follow_currency_and_method(self, currency: str, method: str) -> None:
        response = as_role("maker").get(NEW, {"currency": currency, "method": method})

        asked = {field.name for field in FIELDS[currency, method]}
        assert asked <= names(response)
        assert ("bank_account" in names(response)) == (method != "payid")
        for field in FIELDS[currency, method]:
            assert field.label.lower() in text_of(response).lower()

    def test_change_with_continue_and_lose_nothing(self) -> None:
        response = as_role("maker").post(
            NEW,
            {
                **PAYID,
                "currency": "MXN",
                "method": "payid",
                "amount": "12.5",
                "payout_reference": "REF-1",
                "continue": "1",
            },
        )

        text = text_of(response)
        assert response.status_code == 200
        assert "CLABE" in text
        for typed in ("12.5", "James Smith", "REF-1", "james@example.com", "Payout February 2026"):
            assert f'value="{typed}"' in text
        assert "Write the amount" not in text

    def test_come_alone_to_htmx(self) -> None:
        response = as_role("maker").post(
            NEW,
            {**PAYID, "currency": "ARS", "continue": "1"},
            headers={"hx-request": "true", "hx-target": "fields"},
        )

        assert "CBU or CVU" in text_of(response)
        assert "<html" not in text_of(response)
        assert 'value="James Smith"' in text_of(response)

    def test_come_back_when_the_first_rail_is_chosen_again(self) -> None:
        client = as_role("maker")
        changed = client.post(NEW, {**PAYID, "currency": "ARS", "continue": "1"})

        assert hidden(changed, "payid") == "james@example.com"


class TestRequest:
    def send(self, client: Any, **fields: str) -> HttpResponse:
        token = hidden(client.get(NEW, {"currency": "AUD", "method": "payid"}), "token")
        return client.post(NEW, {**PAYID, "token": token, **fields})

    def test_makes_a_withdrawal_and_leads_to_it(self) -> None:
        mara = maker()
        client = client_of(mara)

        response = self.send(client)

        row = Withdrawal.objects.get()
        assert response.headers["Location"] == page(row)
        assert (row.amount, row.currency, row.payid) == (
            Decimal("2500.00"),
            "AUD",
            "james@example.com",
        )
        assert (row.created_by, row.status) == (mara, Status.AWAITING_APPROVAL)
        assert f"{row.code} is requested." in text_of(client.get(page(row)))

    def test_twice_with_one_form_is_once(self) -> None:
        client = as_role("maker")
        token = hidden(client.get(NEW), "token")

        first = client.post(NEW, {**PAYID, "token": token})
        again = client.post(NEW, {**PAYID, "token": token})

        assert first.headers["Location"] == again.headers["Location"]
        assert Withdrawal.objects.count() == 1

    def test_twice_with_two_forms_is_twice(self) -> None:
        client = as_role("maker")

        self.send(client)
        self.send(client)

        assert Withdrawal.objects.count() == 2

    def test_says_at_the_field_that_an_account_type_is_none(self) -> None:
        response = self.send(as_role("maker"), account_type="offshore")

        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"account_type"}

    def test_says_at_the_field_what_is_wrong_and_loses_nothing(self) -> None:
        client = as_role("maker")

        response = self.send(client, payid="not an address", recipient_name="", amount="12")

        text = text_of(response)
        assert response.status_code == 422
        assert "This is not an e-mail address." in text
        assert "Who is the money for?" in text
        for typed in ("not an address", "12", "Payout February 2026", "james@example.com"):
            assert f'value="{typed}"' in text
        assert response.context["form"].errors.keys() == {"payid", "recipient_name"}
        assert not Withdrawal.objects.exists()

    @pytest.mark.parametrize(
        "amount",
        [
            "١٠٠",
            "1_000",
            "1e3",
            "Infinity",
            "NaN",
            "-0",
            "-5",
            "1.005",
            "1,000.00",
            "0",
            "0.00",
            "+1",
            " ",
            "",
            ".5",
            "5.",
            "9" * 40,
            "0x10",
            "²",
        ],
    )
    def test_reads_plain_amounts_only(self, amount: str) -> None:
        response = self.send(as_role("maker"), amount=amount)

        assert response.status_code == 422
        assert "amount" in response.context["form"].errors
        assert not Withdrawal.objects.exists()

    @pytest.mark.parametrize("amount", ["2500", "2500.0", "2500.00", "0002500.00"])
    def test_reads_them_however_many_zeros_there_are(self, amount: str) -> None:
        self.send(as_role("maker"), amount=amount)

        assert Withdrawal.objects.get().amount == Decimal("2500.00")

    @pytest.mark.parametrize(
        ("currency", "method", "why"),
        [
            ("LKR", "ipay", "LuxCore does not pay out LKR"),
            ("USD", "wire", "LuxCore pays out"),
            ("AUD", "spei", "LuxCore pays out AUD by"),
            ("", "", ""),
        ],
    )
    def test_says_which_rails_there_are(self, currency: str, method: str, why: str) -> None:
        response = self.send(as_role("maker"), currency=currency, method=method)

        assert response.status_code == 422
        assert why in text_of(response)

    def test_ignores_what_is_not_the_makers_to_say(self) -> None:
        self.send(
            as_role("maker"),
            status="approved",
            code="wd-MINE22",
            created_by="1",
            origin="upstream",
            merchant_reference="mine",
            signatures_required="0",
            upstream="lux",
        )

        row = Withdrawal.objects.get()
        assert (row.status, row.origin, row.upstream) == ("awaiting_approval", "desk", "luxcore")
        assert row.code != "wd-MINE22"
        assert row.merchant_reference != "mine"

    @pytest.mark.parametrize("token", ["", "x", "1", "00000000-0000-0000-0000-00000000000g"])
    def test_needs_the_token_of_its_form(self, token: str) -> None:
        response = as_role("maker").post(NEW, {**PAYID, "token": token})

        assert response.status_code == 422
        assert not Withdrawal.objects.exists()


class TestCopy:
    def test_begins_with_what_was_refused_and_keeps_what_is_masked(self) -> None:
        refused = WithdrawalFactory(refused=True)
        client = as_role("maker")
        form = client.get(NEW, {"copy_of": refused.code})
        text = text_of(form)

        response = client.post(
            f"{NEW}?copy_of={refused.code}",
            {
                **PAYID,
                "token": hidden(form, "token"),
                "amount": "2400.00",
                "payid": "",
                "customer_email": "",
            },
        )

        assert "james@example.com" not in text
        assert "It is j••••@e••••.com. Leave this empty to keep it." in text
        made = Withdrawal.objects.exclude(pk=refused.pk).get()
        assert response.headers["Location"] == page(made)
        assert (made.copy_of, made.amount, made.payid) == (
            refused,
            Decimal("2400.00"),
            "james@example.com",
        )

    def test_is_not_made_of_one_that_may_still_be_paid(self) -> None:
        sent = WithdrawalFactory(sent=True)
        client = as_role("maker")
        form = client.get(NEW, {"copy_of": sent.code})

        response = client.post(
            f"{NEW}?copy_of={sent.code}", {**PAYID, "token": hidden(form, "token")}
        )

        assert response.status_code == 422
        assert "it cannot be asked for again" in text_of(response)
        assert Withdrawal.objects.count() == 1

    def test_of_nothing_is_not_found(self) -> None:
        assert as_role("maker").get(NEW, {"copy_of": "wd-NOBODY"}).status_code == 404


class TestAmend:
    def test_makes_a_new_revision_with_its_reason(self) -> None:
        mara = maker()
        row = WithdrawalFactory(created_by=mara)
        client = client_of(mara)
        form = client.get(page(row, "amend/"))

        response = client.post(
            page(row, "amend/"),
            {
                **PAYID,
                "token": hidden(form, "token"),
                "amount": "2600.00",
                "payid": "",
                "customer_email": "",
                "reason": "One digit was wrong.",
            },
            follow=True,
        )

        changed = Withdrawal.objects.get(pk=row.pk)
        assert f"{row.code} is changed: this is revision 2." in text_of(response)
        assert (changed.amount, changed.payid, changed.revision) == (
            Decimal("2600.00"),
            "james@example.com",
            2,
        )
        assert "One digit was wrong." in text_of(response)

    def test_empties_a_masked_field_where_that_is_ticked(self) -> None:
        row = WithdrawalFactory(tax_id="20-12345678-9")
        client = as_role("maker")
        form = client.get(page(row, "amend/"))
        given = {
            **PAYID,
            "token": hidden(form, "token"),
            "payid": "",
            "customer_email": "",
            "reason": "They want no e-mail.",
        }

        client.post(page(row, "amend/"), {**given, "customer_email_empty": "on"})

        changed = Withdrawal.objects.get(pk=row.pk)
        assert "Empty it: Customer e-mail" in text_of(form)
        assert (changed.customer_email, changed.revision) == ("", 2)
        assert (changed.tax_id, changed.payid) == (row.tax_id, row.payid)

    def test_offers_no_emptying_of_what_is_needed_or_empty(self) -> None:
        row = WithdrawalFactory(tax_id="")

        form = as_role("maker").get(page(row, "amend/")).context["form"]

        assert "payid_empty" not in form.fields
        assert "tax_id_empty" not in form.fields
        assert "customer_phone_empty" in form.fields

    def test_does_not_guess_between_a_new_value_and_none(self) -> None:
        row = WithdrawalFactory()
        client = as_role("maker")
        token = hidden(client.get(page(row, "amend/")), "token")

        response = client.post(
            page(row, "amend/"),
            {**PAYID, "token": token, "reason": "Both.", "customer_email_empty": "on"},
        )

        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"customer_email"}
        assert 'value="james@example.com"' in text_of(response)
        assert Withdrawal.objects.get().revision == 1

    def test_needs_a_reason_and_loses_nothing(self) -> None:
        row = WithdrawalFactory()
        client = as_role("maker")
        token = hidden(client.get(page(row, "amend/")), "token")

        response = client.post(
            page(row, "amend/"), {**PAYID, "token": token, "amount": "2600.00", "reason": ""}
        )

        assert response.status_code == 422
        assert 'value="2600.00"' in text_of(response)
        assert Withdrawal.objects.get().revision == 1

    def test_says_who_was_faster(self) -> None:
        row = WithdrawalFactory(approved=True)
        client = as_role("maker")
        token = hidden(client.get(page(row, "amend/")), "token")

        response = client.post(
            page(row, "amend/"), {**PAYID, "token": token, "reason": "Too late."}
        )

        assert response.status_code == 422
        assert "is already approved" in text_of(response)
