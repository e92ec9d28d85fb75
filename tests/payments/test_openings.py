"""An account in another currency: asked for once, and looked for before it is asked for again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from payments import actions, feeds_lumetrade, openings
from payments.enums import RequestStatus
from payments.models import AccountOpening, Balance, DepositWallet
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.payments.factories import approver, maker
from tests.payments.lumetrade import Place
from tests.staff.factories import UserFactory
from upstreams import feeds, outbox
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db

OPEN = ("POST", "/api/v1/accounts")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Lumetrade at the other end, its accounts, wallets and currencies read once."""
    made = Place()
    for asker in ("payments.feeds_lumetrade", "payments.openings"):
        monkeypatch.setattr(f"{asker}.get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    for name in (feeds_lumetrade.ACCOUNTS, feeds_lumetrade.WALLETS, feeds_lumetrade.CURRENCIES):
        feeds.run(name)
    yield made
    made.close()


def lead() -> User:
    return UserFactory(roles=["ops_lead"])


def asked(currency: str = "EUR") -> AccountOpening:
    return actions.open_account(currency=currency, by=lead(), at=timezone.now())


def deliver() -> CommandState | None:
    Command.objects.update(next_at=timezone.now())
    return outbox.deliver(Command.objects.get().pk)


def told() -> str:
    opening = AccountOpening.objects.get()
    return openings.tell(opening, openings.newest_command(opening)).known


def test_is_opened_once_and_there_at_once(place: Place) -> None:
    opening = asked()

    assert deliver() == CommandState.DONE

    opening.refresh_from_db()
    assert (opening.status, told()) == (RequestStatus.MADE, "The account in EUR is open.")
    assert Balance.objects.get(upstream="lumetrade", currency="EUR").available == 0
    assert place.calls.count(OPEN) == 1


def test_is_for_ops_leads(place: Place) -> None:
    for person in (maker(), approver()):
        with pytest.raises(NotPermitted):
            actions.open_account(currency="EUR", by=person, at=timezone.now())


@pytest.mark.parametrize(
    ("currency", "why"), [("USD", "in USD already"), ("GBP", "no accounts in GBP")]
)
def test_is_not_asked_for_in_vain(place: Place, currency: str, why: str) -> None:
    with pytest.raises(actions.OpeningNotPossible, match=why):
        asked(currency)


def test_is_asked_for_by_one_person_at_a_time(place: Place) -> None:
    asked()

    with pytest.raises(actions.OpeningNotPossible, match="asked for already"):
        asked()


def test_one_that_exists_is_as_good_as_a_new_one(place: Place) -> None:
    asked()
    place.client.create_account("EUR")

    assert deliver() == CommandState.DONE

    assert told() == "An account in EUR existed already."


def test_a_currency_that_is_not_offered_any_more_is_told_in_words(place: Place) -> None:
    opening = asked()
    Command.objects.update(request=b'{"currency": "GBP"}')

    assert deliver() == CommandState.REFUSED

    opening.refresh_from_db()
    assert (opening.status, told()) == (
        RequestStatus.REFUSED,
        "Lumetrade keeps no accounts in EUR.",
    )


def test_a_lost_reply_is_found(place: Place) -> None:
    place.fault("drop", method="POST", path="/lumetrade/api/v1/accounts")
    asked()
    assert deliver() == CommandState.UNKNOWN
    assert "no clear answer" in told()

    assert deliver() == CommandState.DONE

    assert place.calls.count(OPEN) == 1


def test_what_never_arrived_is_asked_for_again(place: Place, client: Client) -> None:
    place.fault("drop_before", method="POST", path="/lumetrade/api/v1/accounts")
    opening = asked()
    assert deliver() == CommandState.UNKNOWN
    Command.objects.update(next_at=None)
    client.force_login(lead())
    with CaptureQueriesContext(connection) as asked_for:
        shown = client.get(reverse("payments:accounts")).text
    assert "Look again" in shown
    commands = f'FROM "{Command._meta.db_table}" WHERE ("{Command._meta.db_table}"."subject_id"'
    assert sum(commands in query["sql"] for query in asked_for) == 1

    client.post(reverse("payments:account-look", args=[opening.code]))

    assert deliver() == CommandState.DONE
    assert place.calls.count(OPEN) == 2


def in_doubt_under_another_key(place: Place) -> AccountOpening:
    place.fault("drop_before", method="POST", path="/lumetrade/api/v1/accounts")
    opening = asked()
    deliver()
    Command.objects.update(credential="old key", next_at=None)
    return opening


def test_one_in_doubt_is_settled_when_the_account_is_listed(place: Place) -> None:
    opening = in_doubt_under_another_key(place)
    feeds.run(feeds_lumetrade.ACCOUNTS)
    opening.refresh_from_db()
    assert opening.status == RequestStatus.UNKNOWN
    place.client.create_account("EUR")

    feeds.run(feeds_lumetrade.ACCOUNTS)

    opening.refresh_from_db()
    assert (opening.status, told()) == (RequestStatus.MADE, "The account in EUR is open.")
    assert Command.objects.get().state == CommandState.DONE


def test_one_in_doubt_is_closed_by_an_ops_lead_with_a_reason(place: Place, client: Client) -> None:
    opening = in_doubt_under_another_key(place)
    with pytest.raises(NotPermitted):
        actions.close_opening(opening_id=opening.pk, reason="None.", by=maker(), at=timezone.now())
    client.force_login(lead())
    url = reverse("payments:account-close", args=[opening.code])
    assert url in client.get(reverse("payments:accounts")).text
    assert client.post(url, {"reason": " "}).status_code == 422

    answer = client.post(url, {"reason": "Their page lists none."}, follow=True)

    opening.refresh_from_db()
    assert (opening.status, opening.error_code) == (RequestStatus.REFUSED, openings.CLOSED)
    assert "no account in EUR was opened. Their page lists none." in answer.text
    event = AuditEvent.objects.get(verb="payments.accountopening.closed")
    assert event.reason == "Their page lists none."
    assert asked().status == RequestStatus.QUEUED


def test_one_that_the_desk_still_looks_for_is_not_closed(place: Place) -> None:
    place.fault("drop", method="POST", path="/lumetrade/api/v1/accounts")
    opening = asked()
    deliver()

    with pytest.raises(actions.OpeningNotPossible, match="still looking"):
        actions.close_opening(opening_id=opening.pk, reason="No.", by=lead(), at=timezone.now())


def test_looking_again_says_when_it_has_moved_meanwhile(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.fault("drop_before", method="POST", path="/lumetrade/api/v1/accounts")
    opening = asked()
    deliver()
    seen = openings.newest_command(opening)
    Command.objects.update(fence=F("fence") + 1)
    monkeypatch.setattr(openings, "newest_command", lambda opening: seen)

    with pytest.raises(actions.OpeningNotPossible, match="moved meanwhile"):
        actions.look_for_account(opening_id=opening.pk, by=lead(), at=timezone.now())


def test_the_page_shows_accounts_and_hands_ways_to_pay_in_to_those_who_may(
    place: Place, client: Client
) -> None:
    number = place.client.list_wallets().items[0].details
    account = next(str(number[name]) for name in ("accountNumber", "address") if name in number)
    url = reverse("payments:accounts")

    client.force_login(maker())
    shown = client.get(url).text
    client.force_login(UserFactory(roles=["viewer"]))
    masked = client.get(url).text

    assert account in shown
    assert account not in masked
    assert account[-4:] in masked
    assert "Open the account" not in shown


def test_masks_what_nobody_has_looked_at(place: Place, client: Client) -> None:
    details = {
        "bank_name": "FNB",
        "branchCode": "250655",
        "accountName": "Thandi Nkosi",
        "account_number": "62812345678",
        "clabe": "646180157000000004",
    }
    DepositWallet.objects.update(details=details)
    client.force_login(UserFactory(roles=["viewer"]))

    shown = client.get(reverse("payments:accounts")).text

    assert {name for name, value in details.items() if value in shown} == {
        "bank_name",
        "branchCode",
    }


def test_the_page_asks_for_an_account_and_says_what_stands_in_the_way(
    place: Place, client: Client
) -> None:
    client.force_login(lead())
    url = reverse("payments:account-open")
    assert client.post(url, {"currency": "USD"}).status_code == 422

    answer = client.post(url, {"currency": "EUR"}, follow=True)

    assert "Lumetrade is asked for an account in EUR" in answer.text
    again = client.post(url, {"currency": "EUR"})
    assert (again.status_code, "asked for already" in again.text) == (422, True)


def test_signing_in_lies_below_it_as_before(client: Client) -> None:
    assert "Sign in" in client.get(reverse("account_login")).text
    answer = client.get(reverse("payments:accounts"))
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"{reverse('account_login')}?next=/accounts/",
    )
    client.force_login(lead())
    assert client.get("/accounts/email/").status_code == 404
