"""What the desk says of a payout, to people of different languages."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from payments import decision, rules
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.payments.deciding import sign
from tests.payments.factories import (
    NOW,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    draft,
    everything_is_fresh,
    maker,
)
from tests.payments.pages.helpers import at, client_of, hidden, page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    everything_is_fresh()
    with at(NOW):
        yield


def reader(language: str, **fields: Any) -> User:
    return approver(language=language, **fields)


class TestChecks:
    def test_are_told_to_each_reader_in_their_language(self) -> None:
        row = WithdrawalFactory()

        english = text_of(client_of(reader("en")).get(page(row)))
        spanish = text_of(client_of(reader("es")).get(page(row)))

        assert "First payout to this account." in english
        assert " AUD left after this: 10,000,000.00 AUD available" in english
        assert "Primer pago saliente a esta cuenta." in spanish
        assert " AUD después de este: 10.000.000,00 AUD disponibles" in spanish
        assert "left after this" not in spanish

    def test_of_what_was_typed_are_told_at_the_field(self) -> None:
        with translation.override("es"):
            errors = rules.validate(draft(payid=""))

            assert str(errors["payid"]) == "Falta el PayID."


class TestRefusals:
    def test_are_told_in_one_language_and_read_in_another(self) -> None:
        row = WithdrawalFactory()
        with translation.override("es"), pytest.raises(NotPermitted, match="^Sus roles no le"):
            sign(row, maker())

        event = AuditEvent.objects.latest("sequence")
        english = text_of(client_of(reader("en")).get(page(row)))
        spanish = text_of(client_of(reader("es")).get(page(row)))

        assert event.reason.startswith("Your roles do not allow you to sign withdrawals")
        assert "Your roles do not allow you to sign withdrawals" in english
        assert "Sus roles no le permiten firmar retiros" in spanish


class TestSignature:
    def test_holds_when_the_language_is_changed_between_page_and_click(self) -> None:
        row, ada = WithdrawalFactory(), reader("es")
        client = client_of(ada)
        question = client.get(page(row, "approve/"))
        User.objects.filter(pk=ada.pk).update(language="en")

        client.post(page(row, "approve/"), {"seen": hidden(question, "seen")})

        assert decision.review(row, viewer=ada, now=NOW).signatures
