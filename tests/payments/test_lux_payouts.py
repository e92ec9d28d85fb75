"""Payouts through Lux Financial: the same key within a day, looked for later, read, settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers import mirror as customers
from customers.models import ExternalAccount, Hold, Profile
from payments import actions, checks, feeds_lux, life
from payments.actions import reads
from payments.enums import Level, PaymentStatus, RouteState, Status
from payments.models import Payment, RouteCheck, Withdrawal
from payments.references import LUX_PAYOUT, LUX_ROUTE
from payments.sight import Sight
from tests.customers.factories import HoldFactory
from tests.customers.lux import Place
from tests.payments.factories import PolicyFactory, approver, maker
from tests.payments.lux import ENDORSED, PAYEE, Books, deliver, look_again, ours
from tests.payments.test_races import at_once, refusals
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from upstreams import feeds, outbox
from upstreams.enums import CommandState
from upstreams.models import Alarm, Command, SendingSwitch
from upstreams.outbox.doubts import LADDER

pytestmark = pytest.mark.django_db(transaction=True)

ASKERS = (
    *("payments.feeds_lux", "payments.senders_lux", "payments.routes"),
    "payments.actions.reads.lux",
)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Place]:
    """Lux Financial at the other end, read once, and nobody who may undo."""
    settings.UNDO_SECONDS = 0
    made = Place()
    for asker in ASKERS:
        monkeypatch.setattr(f"{asker}.get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    PolicyFactory(published_at=timezone.now() - timedelta(days=1))
    feeds.run(feeds_lux.TRANSFERS)
    yield made
    made.close()


@pytest.fixture
def books(place: Place) -> Books:
    return Books(place)


def payout() -> Command:
    return Command.objects.get(kind=LUX_PAYOUT)


def found(withdrawal: Withdrawal) -> dict[str, checks.Check]:
    return {check.code: check for check in checks.run(ours(withdrawal), now=timezone.now())}


class TestAPayout:
    def test_is_asked_for_signed_sent_and_followed(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())

        assert deliver() == CommandState.DONE

        sent = ours(withdrawal)
        assert sent.payment is not None
        assert (sent.status, sent.payment.upstream_status) == (Status.SENT, "awaiting_funds")
        (there,) = books.transfers()
        assert there["client_reference_id"] == withdrawal.merchant_reference
        assert there["destination"]["wire_message"] == "Invoice 17"
        assert there["developer_fee"] == "2.500000"
        assert books.place.keys[-1] == withdrawal.merchant_reference
        assert sent.customer == Profile.objects.get().customer
        for state in ("funds_received", "in_review", "payment_submitted", "payment_processed"):
            books.place.control(f"/lux/transfers/{there['id']}/{state}", {})
        feeds.run(feeds_lux.TRANSFERS)
        assert ours(withdrawal).status == Status.COMPLETED

    def test_to_an_address_on_a_chain(self, books: Books) -> None:
        way = {"destination_rail": "polygon", "destination_currency": "USDT", "to_address": PAYEE}
        withdrawal = books.approved(
            maker(), approver(), **way, external_account_id="", wire_message=""
        )

        assert deliver() == CommandState.DONE

        assert ours(withdrawal).status == Status.SENT
        assert books.transfers()[0]["destination"]["to_address"] == PAYEE

    def test_that_cannot_be_delivered_fails_and_comes_back(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        deliver()
        there = books.transfers()[0]["id"]
        books.place.control(f"/lux/transfers/{there}/undeliverable", {"force": True})
        feeds.run(feeds_lux.TRANSFERS)
        assert ours(withdrawal).status == Status.FAILED

        books.place.control(f"/lux/transfers/{there}/returned", {})
        feeds.run(feeds_lux.TRANSFERS)

        payment = Payment.objects.get()
        assert (payment.status, payment.error_code) == (PaymentStatus.RETURNED, "R03")
        assert ours(withdrawal).went_unpaid()

    def test_that_is_returned_at_once_counts_as_failed(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        deliver()
        there = books.transfers()[0]["id"]
        books.place.control(f"/lux/transfers/{there}/refunded", {"force": True})

        feeds.run(feeds_lux.TRANSFERS)

        assert ours(withdrawal).status == Status.FAILED

    def test_passes_its_checks(self, books: Books) -> None:
        withdrawal = books.request(maker())

        assert not [one for one in found(withdrawal).values() if one.level == Level.BLOCK]


class TestAnAnswer:
    """What comes of it at the wire."""

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (400, "bad_request"),
            (400, "invalid_parameter"),
            (403, "aml_violation"),
            (403, "endorsement_required"),
            (404, "customer_not_found"),
            (422, "insufficient_funds"),
            (422, "limit_exceeded"),
            (422, "kyc_required"),
            (422, "kyc_rejected"),
            (422, "account_suspended"),
            (422, "unsupported_currency"),
            (422, "unsupported_country"),
        ],
    )
    def test_no_is_a_no(self, books: Books, status: int, code: str) -> None:
        withdrawal = books.approved(maker(), approver())
        self.answer(books, status, {"error": {"code": code, "message": "No"}}, kind="error")

        assert deliver() == CommandState.REFUSED

        refused = ours(withdrawal)
        assert refused.status == Status.REFUSED
        assert refused.error_code == ("NOT_FOUND" if status == 404 else code)
        assert not books.transfers()

    def test_that_asks_to_wait_is_heeded(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        body = {"error": {"code": "rate_limit_exceeded", "message": "Slow down"}}
        self.answer(books, 429, body, kind="error")

        assert deliver() == CommandState.QUEUED

        assert ours(withdrawal).status == Status.APPROVED
        assert not books.transfers()

    @pytest.mark.parametrize(("status", "code"), [(500, "unexpected"), (409, "conflict")])
    def test_that_says_nothing_clear_leaves_it_unknown(
        self, books: Books, status: int, code: str
    ) -> None:
        withdrawal = books.approved(maker(), approver())
        self.answer(books, status, {"error": {"code": code, "message": "?"}}, kind="error")

        assert deliver() == CommandState.UNKNOWN

        assert ours(withdrawal).status == Status.UNKNOWN
        assert look_again(payout()) == CommandState.DONE
        assert len(books.transfers()) == 1

    def test_that_it_exists_already_is_looked_into(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        deliver()
        body = {"error": {"code": "already_exists", "message": "There is one"}}
        self.answer(books, 409, body, kind="error")

        assert look_again(payout()) == CommandState.DONE

        assert ours(withdrawal).status == Status.SENT

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("amount", "999.00"),
            ("currency", "usdt"),
            ("on_behalf_of", "cus_other"),
            ("source.payment_rail", "base"),
            ("source.from_address", PAYEE),
            ("destination.external_account_id", "ext_other"),
            ("destination.payment_rail", "swift"),
            ("destination.currency", "eur"),
            ("client_reference_id", "somebody-elses"),
            ("developer_fee", "999.00"),
        ],
    )
    def test_that_differs_stops_the_provider(self, books: Books, member: str, value: str) -> None:
        withdrawal = books.approved(maker(), approver())
        params = {"set": {member: value}}
        books.place.fault("alter", method="POST", path="/transfers", params=params)

        assert deliver() == CommandState.UNKNOWN

        assert ours(withdrawal).status == Status.UNKNOWN
        assert not SendingSwitch.objects.get(upstream="lux").is_on
        assert Alarm.objects.filter(code="answer-differs").exists()
        assert look_again(payout()) is None or len(books.transfers()) == 1

    @staticmethod
    def answer(books: Books, status: int, body: dict[str, Any], *, kind: str) -> None:
        params = {"status": status, "body": body}
        books.place.fault(kind, method="POST", path="/transfers", params=params)


class TestALostAnswer:
    def test_is_given_again_under_the_same_key(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        assert deliver() == CommandState.UNKNOWN
        assert ours(withdrawal).status == Status.UNKNOWN

        assert look_again(payout()) == CommandState.DONE

        assert len(books.transfers()) == 1
        assert set(books.place.keys[-2:]) == {withdrawal.merchant_reference}

    def test_of_what_never_arrived_is_asked_for_again(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop_before", method="POST", path="/transfers")
        deliver()

        assert look_again(payout()) == CommandState.DONE

        assert (len(books.transfers()), ours(withdrawal).status) == (1, Status.SENT)

    def test_is_looked_for_when_the_key_is_forgotten(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        deliver()
        self.a_day_passes()
        posts = books.posts()

        assert look_again(payout()) == CommandState.DONE

        assert (len(books.transfers()), books.posts()) == (1, posts)
        assert ours(withdrawal).status == Status.SENT

    def test_is_sent_anew_only_where_the_list_shows_nothing(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop_before", method="POST", path="/transfers")
        deliver()
        self.a_day_passes()

        assert look_again(payout()) == CommandState.DONE

        assert books.place.asked("GET", "/transfers")
        assert (len(books.transfers()), ours(withdrawal).status) == (1, Status.SENT)

    def test_is_left_open_where_the_list_cannot_be_read(self, books: Books) -> None:
        books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        deliver()
        self.a_day_passes()
        books.place.fault("answer_500", method="GET", path="/transfers", times=9)
        posts = books.posts()

        assert look_again(payout()) == CommandState.UNKNOWN

        assert books.posts() == posts

    def test_refused_when_repeated_much_later_is_refused_twice(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop_before", method="POST", path="/transfers")
        deliver()
        self.a_day_passes()
        body = {"error": {"code": "limit_exceeded", "message": "No"}}
        params = {"status": 422, "body": body}
        books.place.fault("error", method="POST", path="/transfers", times=2, params=params)

        assert look_again(payout()) == CommandState.UNKNOWN

        assert ours(withdrawal).status == Status.UNKNOWN

    def test_that_the_mirror_saw_first_needs_no_repeat(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        deliver()
        feeds.run(feeds_lux.TRANSFERS)
        assert ours(withdrawal).status == Status.SENT
        posts = books.posts()

        assert look_again(payout()) == CommandState.DONE

        assert books.posts() == posts

    def test_that_no_machine_finds_is_settled_by_two_people(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop", method="POST", path="/transfers")
        Command.objects.filter(kind=LUX_PAYOUT).update(doubts=len(LADDER))
        deliver()
        assert outbox.waits_for_people(payout())
        lead, now = UserFactory(roles=["ops_lead"]), timezone.now()
        unpaid = actions.propose_settlement(
            withdrawal_id=withdrawal.pk, outcome=Status.REFUSED, reason="No.", by=lead, at=now
        )
        there = books.transfers()[0]["id"]

        with pytest.raises(actions.SettlementNotPossible, match=there):
            actions.confirm_settlement(
                withdrawal_id=withdrawal.pk, settlement_id=unpaid.pk, by=approver(), at=now
            )

    def a_day_passes(self) -> None:
        long_ago = timezone.now() - timedelta(days=1)
        Command.objects.filter(kind=LUX_PAYOUT).update(
            first_sent_at=long_ago, unknown_since=long_ago
        )


class Killed(BaseException):
    """As a worker that is killed: nothing of ours catches it."""


STEPS = {
    "outbox.claimed": "delivery",
    "outbox.sending": "calling",
    "outbox.answered": "delivery",
    "outbox.recording": "recording",
    "outbox.recorded": "recording",
}


class TestAKilledWorker:
    @pytest.mark.parametrize("step", STEPS)
    def test_leaves_one_transfer(
        self, books: Books, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal = books.approved(maker(), approver())

        def reached(point: str) -> None:
            if point == step:
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(f"upstreams.outbox.{STEPS[step]}.reach", reached)
            deliver()
        past = timezone.now() - timedelta(seconds=1)
        Command.objects.filter(lease_until__isnull=False).update(lease_until=past)
        outbox.sweep()

        self.is_paid_once(books, withdrawal)

    def test_leaves_one_transfer_when_nobody_comes_for_days(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal = books.approved(maker(), approver())

        def reached(point: str) -> None:
            if point == "outbox.answered":
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("upstreams.outbox.delivery.reach", reached)
            deliver()
        books.place.pass_time(3 * 86_400)  # they know the key no more
        past = timezone.now() - timedelta(days=3)
        Command.objects.filter(kind=LUX_PAYOUT).update(lease_until=past, first_sent_at=past)
        outbox.sweep()

        self.is_paid_once(books, withdrawal)

    def is_paid_once(self, books: Books, withdrawal: Withdrawal) -> None:
        assert (len(books.transfers()), ours(withdrawal).status) == (1, Status.SENT)
        assert payout().state == CommandState.DONE


class TestAHold:
    def test_between_signing_and_sending_stops_it(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal = books.approved(maker(), approver())
        customer = Profile.objects.get().customer
        held: list[Hold] = []

        def reached(point: str) -> None:
            if point == "outbox.sending" and not held:
                held.append(HoldFactory(customer=customer))

        monkeypatch.setattr("upstreams.outbox.calling.reach", reached)

        assert deliver() == CommandState.QUEUED

        assert not books.transfers()
        assert "The customer is held" in payout().error
        assert ours(withdrawal).status == Status.APPROVED

    def test_by_their_id_there_is_enough(self, books: Books) -> None:
        withdrawal = books.request(maker())
        Withdrawal.objects.update(customer=None, customer_email="", customer_phone="")
        HoldFactory(customer=Profile.objects.get().customer)

        assert found(withdrawal)["hold"].level == Level.BLOCK


class TestWhatChangedSinceTheSignature:
    @pytest.mark.parametrize(
        ("facts", "says"),
        [
            ({"kyc_status": "rejected"}, "KYC of this customer is not approved"),
            ({"status": "suspended"}, "has this customer as suspended"),
            ({"endorsements": []}, "has not endorsed this customer"),
        ],
    )
    def test_of_the_customer_keeps_it_here_and_is_said(
        self, books: Books, facts: dict[str, Any], says: str
    ) -> None:
        withdrawal = books.approved(maker(), approver())
        Profile.objects.update(**facts)

        self.is_kept_here(books, withdrawal, says)

    @pytest.mark.parametrize(
        ("facts", "says"),
        [
            ({"status": "failed"}, "has not verified this account"),
            ({"is_listed": False}, "lists this account no longer"),
            ({"account_name": "Mallory"}, "was changed at Lux Financial"),
        ],
    )
    def test_of_the_account_keeps_it_here_and_is_said(
        self, books: Books, facts: dict[str, Any], says: str
    ) -> None:
        withdrawal = books.approved(maker(), approver())
        ExternalAccount.objects.update(**facts)

        self.is_kept_here(books, withdrawal, says)

    def test_and_changed_back_lets_it_go(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        Profile.objects.update(kyc_status="manual_review")
        deliver()
        Profile.objects.update(kyc_status="approved")

        assert look_again(payout()) == CommandState.DONE
        assert ours(withdrawal).status == Status.SENT

    def test_is_looked_at_before_it_is_sent_again(self, books: Books) -> None:
        withdrawal = books.approved(maker(), approver())
        books.place.fault("drop_before", method="POST", path="/transfers")
        deliver()
        Profile.objects.update(kyc_status="rejected")
        posts = books.posts()

        assert look_again(payout()) == CommandState.UNKNOWN

        assert (books.posts(), ours(withdrawal).status) == (posts, Status.UNKNOWN)

    def is_kept_here(self, books: Books, withdrawal: Withdrawal, says: str) -> None:
        posts = books.posts()

        assert deliver() is None

        assert (books.posts(), books.transfers()) == (posts, [])
        assert ours(withdrawal).status == Status.APPROVED
        told = life.tell(
            life.facts(ours(withdrawal)), now=timezone.now(), sight=Sight.of(approver())
        )
        assert says in told.known
        assert told.money == "Nothing has been sent yet."


class TestTheChecks:
    @pytest.mark.parametrize(
        "facts",
        [
            {"kyc_status": "manual_review"},
            {"kyc_status": "rejected"},
            {"status": "suspended"},
            {"endorsements": ["can_trade_stablecoins"]},
            {"endorsements": ["can_wire_transfer"]},
        ],
    )
    def test_block_who_may_not_transfer(self, books: Books, facts: dict[str, Any]) -> None:
        withdrawal = books.request(maker())
        Profile.objects.update(**facts)

        assert found(withdrawal)["kyc"].level == Level.BLOCK

    @pytest.mark.parametrize(
        "facts", [{"status": "failed"}, {"is_listed": False}, {"account_name": "Mallory"}]
    )
    def test_block_an_account_that_is_not_what_it_was(
        self, books: Books, facts: dict[str, Any]
    ) -> None:
        withdrawal = books.request(maker())
        ExternalAccount.objects.update(**facts)

        assert found(withdrawal)["payout_rules"].level == Level.BLOCK

    def test_say_that_nothing_of_ours_pays(self, books: Books) -> None:
        withdrawal = books.request(maker())

        balance = found(withdrawal)["balance"]
        assert (balance.level, "waits for the funds" in str(balance.text)) == (Level.PASS, True)

    @pytest.mark.parametrize(("amount", "level"), [("1500.00", Level.PASS), ("10.00", Level.WARN)])
    def test_look_into_the_wallet_it_comes_from(
        self, books: Books, amount: str, level: Level
    ) -> None:
        wallet = books.place.wallet(books.customer)
        books.place.fill(wallet, amount)
        now = timezone.now()
        customers.store_wallets([wallet], at=now)
        balance = books.place.client.wallet_balance(wallet.id)
        customers.store_balances([balance], at=now)
        withdrawal = books.request(maker(), from_address=wallet.addresses["polygon"])

        assert found(withdrawal)["balance"].level == level

    def test_ask_anew_at_the_signature(self, books: Books) -> None:
        withdrawal = books.request(maker())
        books.place.change(books.customer, endorsements=[])

        reads.reread(ours(withdrawal), at=timezone.now())

        assert found(withdrawal)["kyc"].level == Level.BLOCK


class TestTheRoute:
    def test_works(self, books: Books) -> None:
        withdrawal = books.request(maker())

        route = found(withdrawal)["payout_rules"]
        assert (route.level, "this way works" in str(route.text)) == (Level.PASS, True)
        assert not books.transfers()

    def test_is_doubtful_until_it_is_answered(self, books: Books) -> None:
        now = timezone.now()
        withdrawal = actions.request_withdrawal(draft=books.draft(), by=maker(), at=now)

        assert found(withdrawal)["payout_rules"].level == Level.WARN

    def test_that_would_be_refused_blocks(self, books: Books) -> None:
        books.place.change(books.customer, endorsements=[])
        withdrawal = books.request(maker())

        route = found(withdrawal)["payout_rules"]
        assert (route.level, "endorsement_required" in str(route.text)) == (Level.BLOCK, True)

        books.place.change(books.customer, endorsements=list(ENDORSED))
        actions.ask_route(withdrawal_id=withdrawal.pk, by=maker(), at=timezone.now())
        deliver(LUX_ROUTE)
        assert found(withdrawal)["payout_rules"].level == Level.PASS

    def test_stops_nothing_when_lux_is_away(self, books: Books) -> None:
        params = {"status": 503}
        books.place.fault("error", method="POST", path="/transfers", times=9, params=params)
        withdrawal = books.request(maker())

        route = found(withdrawal)["payout_rules"]
        assert route.level == Level.WARN
        assert RouteCheck.objects.get().state == RouteState.UNANSWERED
        assert Command.objects.get().state == CommandState.DONE

    def test_is_asked_anew_of_what_was_changed(self, books: Books) -> None:
        by = maker()
        withdrawal = books.request(by)

        actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=books.draft("900.00"),
            by=by,
            at=timezone.now(),
            reason="Less",
        )

        assert found(withdrawal)["payout_rules"].level == Level.WARN
        assert RouteCheck.objects.filter(revision=2, state=RouteState.ASKED).exists()
        deliver(LUX_ROUTE)
        assert found(withdrawal)["payout_rules"].level == Level.PASS

    def test_is_asked_once_at_a_time(self, books: Books) -> None:
        now = timezone.now()
        withdrawal = actions.request_withdrawal(draft=books.draft(), by=maker(), at=now)

        actions.ask_route(withdrawal_id=withdrawal.pk, by=maker(), at=now)

        assert RouteCheck.objects.count() == 1


@pytest.mark.services
def test_an_answer_and_the_mirror_at_once(books: Books) -> None:
    by, signer = maker(), approver()
    for number in range(1, rounds(10) + 1):
        withdrawal = books.approved(by, signer, f"{number + 9}.00")
        books.place.fault("drop", method="POST", path="/transfers")
        command = Command.objects.filter(kind=LUX_PAYOUT).latest("pk")
        assert outbox.deliver(command.pk) == CommandState.UNKNOWN
        Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))

        answered, seen = at_once(
            lambda: outbox.deliver(command.pk),  # noqa: B023
            lambda: feeds.run(feeds_lux.TRANSFERS),
        )

        assert refusals([answered, seen]) == []
        assert ours(withdrawal).status == Status.SENT
    assert len(books.transfers()) == rounds(10)
    assert not Alarm.objects.filter(code__in=["second-payment", "payment-differs"]).exists()


@pytest.mark.services
def test_a_hold_and_a_worker_at_once(books: Books) -> None:
    by, signer = maker(), approver()
    customer = Profile.objects.get().customer
    for number in range(1, rounds(10) + 1):
        withdrawal = books.approved(by, signer, f"{number + 9}.00")
        command = Command.objects.filter(kind=LUX_PAYOUT).latest("pk")
        Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))
        before = len(books.transfers())

        sent, held = at_once(
            lambda: outbox.deliver(command.pk),  # noqa: B023
            lambda: HoldFactory(customer=customer),
        )

        assert isinstance(held, Hold), held
        assert len(books.transfers()) - before == (sent == CommandState.DONE)
        assert (ours(withdrawal).status == Status.SENT) == (sent == CommandState.DONE)
        Hold.objects.all().delete()
