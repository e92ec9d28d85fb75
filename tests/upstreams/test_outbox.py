"""The outbox: each command is carried out once, or a person is called."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings
from structlog.testing import capture_logs

from staff.models import AuditEvent
from tests.upstreams.world import KIND, LUXCORE, Clock, Provider, queued
from upstreams import credentials, doorbell, outbox
from upstreams.enums import CommandState
from upstreams.errors import (
    BadPayload,
    Conflict,
    Forbidden,
    NotConfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
)
from upstreams.models import Alarm, Command
from upstreams.outbox import Done, Mismatch, MustNotSend, Postponed, Refused, Repeat, Uncertain

pytestmark = pytest.mark.django_db

look_first = pytest.mark.parametrize("provider", [Repeat.LOOK_FIRST], indirect=True)
never_again = pytest.mark.parametrize("provider", [Repeat.NEVER], indirect=True)


def alarms() -> set[str]:
    return set(Alarm.objects.open().values_list("code", flat=True))


class TestPut:
    @pytest.mark.django_db(transaction=True)
    def test_refuses_to_queue_outside_the_decisions_transaction(self, clock: Clock) -> None:
        with pytest.raises(RuntimeError, match="transaction"):
            outbox.put(
                kind=KIND,
                upstream=LUXCORE,
                subject=("test.withdrawal", "1"),
                attempt_no=1,
                request=b"{}",
                idempotency_key="key",
                at=clock.now,
            )

        assert not Command.objects.exists()

    def test_rings_once_it_is_committed(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rung = []
        monkeypatch.setattr(doorbell, "_ring", lambda name, kwargs: rung.append((name, kwargs)))

        with transaction.atomic():
            command = queued(at=clock.now)
            assert rung == []

        assert rung == [("upstreams.tasks.deliver_command", {"command_id": command.pk})]

    def test_does_not_ring_for_what_may_still_be_undone(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rung = []
        monkeypatch.setattr(doorbell, "_ring", lambda name, kwargs: rung.append(name))

        queued(at=clock.now, not_before=clock.now + timedelta(seconds=5))

        assert rung == []

    def test_allows_one_live_command_per_subject(self, clock: Clock) -> None:
        first = queued(at=clock.now)

        with pytest.raises(IntegrityError):
            queued(at=clock.now, subject=("test.withdrawal", first.subject_id), attempt_no=2)

    def test_allows_a_new_attempt_after_a_refusal(self, clock: Clock, provider: Provider) -> None:
        provider.plan = [Refused("NO", "no")]
        first = queued(at=clock.now)
        outbox.deliver(first.pk)

        second = queued(at=clock.now, subject=("test.withdrawal", first.subject_id), attempt_no=2)

        assert outbox.deliver(second.pk) == CommandState.DONE

    def test_puts_the_same_attempt_again_after_it_was_taken_back(
        self, clock: Clock, provider: Provider
    ) -> None:
        first = queued(at=clock.now)
        subject = ("test.withdrawal", first.subject_id)
        assert outbox.take_back(subject=subject, kind=KIND, at=clock.now)

        again = queued(
            at=clock.now, subject=subject, idempotency_key=first.idempotency_key, request=b"new"
        )

        assert again.pk == first.pk
        assert outbox.deliver(again.pk) == CommandState.DONE
        assert provider.sent == [(first.idempotency_key, b"new")]


class TestTakeBack:
    def test_takes_back_what_nobody_has_begun_to_send(
        self, clock: Clock, provider: Provider
    ) -> None:
        command = queued(at=clock.now)

        assert outbox.take_back(
            subject=("test.withdrawal", command.subject_id), kind=KIND, at=clock.now
        )

        assert outbox.deliver(command.pk) is None
        assert provider.sent == []

    def test_takes_back_what_was_only_put_off(self, clock: Clock, provider: Provider) -> None:
        """However often: nothing of it was sent. Put again, it begins without a past."""
        command = queued(at=clock.now)
        provider.plan = [Postponed(60, "busy"), Postponed(60, "busy")]
        for _ in range(2):
            outbox.deliver(command.pk)
            clock.now += timedelta(minutes=20)
        assert "put-off" in alarms()

        subject = ("test.withdrawal", command.subject_id)
        assert outbox.take_back(subject=subject, kind=KIND, at=clock.now)

        assert alarms() == set()
        assert outbox.deliver(command.pk) is None
        again = queued(
            at=clock.now, subject=subject, idempotency_key=command.idempotency_key, request=b"new"
        )
        assert (again.pk, again.outcome) == (command.pk, {})

    @pytest.mark.parametrize("answer", [Done("pay_1"), Uncertain("silence")], ids=str)
    def test_is_too_late_once_it_may_have_left(
        self, clock: Clock, provider: Provider, answer: outbox.Outcome
    ) -> None:
        command = queued(at=clock.now)
        provider.plan = [answer]
        outbox.deliver(command.pk)

        assert not outbox.take_back(
            subject=("test.withdrawal", command.subject_id), kind=KIND, at=clock.now
        )

    def test_is_too_late_for_what_a_dead_worker_had(self, clock: Clock, provider: Provider) -> None:
        command = queued(at=clock.now)
        Command.objects.update(state=CommandState.SENDING, fence=1, lease_until=clock.now)
        provider.plan = [Postponed(60, "busy")]
        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        subject = ("test.withdrawal", command.subject_id)
        assert not outbox.take_back(subject=subject, kind=KIND, at=clock.now)


class TestDeliver:
    def test_sends_the_stored_bytes_and_records_the_answer(
        self, clock: Clock, provider: Provider
    ) -> None:
        record = object()
        provider.plan = [Done(reference="pay_7", data={"status": "pending"}, record=record)]
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) == CommandState.DONE

        command.refresh_from_db()
        assert provider.sent == [(command.idempotency_key, b'{"amount": 12500}')]
        assert provider.told == [Done(reference="pay_7", data={"status": "pending"}, record=record)]
        assert command.outcome == {
            "outcome": "done",
            "reference": "pay_7",
            "data": {"status": "pending"},
        }
        assert (command.settled_at, command.next_at, command.lease_until) == (
            clock.now,
            None,
            None,
        )

    def test_sends_once_however_often_the_bell_rings(
        self, clock: Clock, provider: Provider
    ) -> None:
        command = queued(at=clock.now)

        for _ in range(100):
            outbox.deliver(command.pk)

        assert len(provider.sent) == len(provider.told) == 1

    def test_waits_until_it_is_due(self, clock: Clock, provider: Provider) -> None:
        command = queued(at=clock.now, not_before=clock.now + timedelta(seconds=5))

        assert outbox.deliver(command.pk) is None
        clock.forward(seconds=5)
        assert outbox.deliver(command.pk) == CommandState.DONE

    def test_holds_the_claim_committed_while_it_sends(
        self, clock: Clock, provider: Provider
    ) -> None:
        seen = []

        def look(command: Command) -> outbox.Outcome:
            row = Command.objects.get(pk=command.pk)
            seen.append((row.state, row.fence, row.attempts, row.lease_until))
            assert outbox.deliver(command.pk) is None  # another worker finds it taken
            return Done("pay_1")

        provider.plan = [look]
        outbox.deliver(queued(at=clock.now).pk)

        assert seen == [(CommandState.SENDING, 1, 1, clock.now + timedelta(seconds=60))]
        assert len(provider.sent) == 1

    @pytest.mark.parametrize(
        "refusal", [MustNotSend("The customer is on hold."), ValueError("not movable")]
    )
    def test_leaves_what_may_not_start_and_looks_again_later(
        self, clock: Clock, provider: Provider, refusal: Exception
    ) -> None:
        command = queued(at=clock.now)
        provider.hold = refusal

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert (command.state, command.attempts, provider.sent) == (CommandState.QUEUED, 0, [])
        assert command.error
        provider.hold = None
        assert outbox.deliver(command.pk) is None  # not at once: a sweep would spin
        clock.forward(seconds=30)
        assert outbox.deliver(command.pk) == CommandState.DONE

    def test_says_who_is_missing_when_nobody_sends_its_kind(
        self, clock: Clock, nobody_sends: None
    ) -> None:
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert (command.state, command.attempts) == (CommandState.QUEUED, 0)
        assert command.next_at == clock.now + timedelta(seconds=30)


class TestBlocked:
    """What is put off again and again calls a person once, and says what for."""

    def put_off(self, clock: Clock, provider: Provider, *, minutes: float) -> Command:
        command = queued(at=clock.now)
        provider.hold = MustNotSend("The customer is on hold.")
        until = clock.now + timedelta(minutes=minutes)
        while clock.now <= until:
            outbox.sweep()
            clock.forward(seconds=30)
        return command

    def test_calls_nobody_at_first(self, clock: Clock, provider: Provider) -> None:
        self.put_off(clock, provider, minutes=9)

        assert alarms() == set()

    def test_calls_a_person_once_with_the_reason(self, clock: Clock, provider: Provider) -> None:
        command = self.put_off(clock, provider, minutes=30)

        alarm = Alarm.objects.get()
        assert (alarm.code, alarm.subject_id) == ("not-started", command.subject_id)
        assert "The customer is on hold." in alarm.text

    def test_is_over_when_it_leaves(self, clock: Clock, provider: Provider) -> None:
        command = self.put_off(clock, provider, minutes=11)
        provider.hold = None

        assert outbox.deliver(command.pk) == CommandState.DONE

        assert alarms() == set()
        command.refresh_from_db()
        assert command.blocked_since is None

    def test_is_over_when_it_is_taken_back(self, clock: Clock, provider: Provider) -> None:
        command = self.put_off(clock, provider, minutes=11)

        assert outbox.take_back(
            subject=("test.withdrawal", command.subject_id), kind=KIND, at=clock.now
        )

        assert alarms() == set()

    def test_does_not_spin_where_nobody_sends_what_a_dead_worker_left(
        self, clock: Clock, nobody_sends: None
    ) -> None:
        command = queued(at=clock.now)
        Command.objects.update(state=CommandState.SENDING, fence=1, lease_until=clock.now)

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert command.lease_until == clock.now + timedelta(seconds=30)


class TestAnswers:
    @pytest.mark.parametrize(
        ("error", "state", "told"),
        [
            (Rejected("no", code="LIMIT_EXCEEDED"), CommandState.REFUSED, Refused),
            (NotFound("gone"), CommandState.REFUSED, Refused),
            (RateLimited("slow down", retry_after=7), CommandState.QUEUED, Postponed),
            (Unavailable("down"), CommandState.QUEUED, Postponed),
            (Unauthorized("key"), CommandState.QUEUED, Postponed),
            (Forbidden("key"), CommandState.QUEUED, Postponed),
            (NotConfigured("key"), CommandState.QUEUED, Postponed),
            (Unknown("silence"), CommandState.UNKNOWN, Uncertain),
            (Conflict("perhaps"), CommandState.UNKNOWN, Uncertain),
            (BadPayload("garbage"), CommandState.UNKNOWN, Uncertain),
            (RuntimeError("a bug"), CommandState.UNKNOWN, Uncertain),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_are_sorted_by_what_may_have_happened(
        self,
        clock: Clock,
        provider: Provider,
        error: Exception,
        state: CommandState,
        told: type[outbox.Outcome],
    ) -> None:
        provider.plan = [error]
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) == state

        assert len(provider.told) == 1
        assert isinstance(provider.told[0], told)

    def test_that_ask_to_wait_are_obeyed(self, clock: Clock, provider: Provider) -> None:
        provider.plan = [RateLimited("slow down", retry_after=7)]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)

        clock.forward(seconds=6)
        assert outbox.deliver(command.pk) is None
        clock.forward(seconds=1)
        assert outbox.deliver(command.pk) == CommandState.DONE

    @pytest.mark.parametrize("in_doubt", [False, True])
    def test_that_only_ever_put_it_off_call_a_person_until_one_does_not(
        self, clock: Clock, provider: Provider, in_doubt: bool
    ) -> None:
        doubts = [Unknown("silence")] if in_doubt else []
        provider.plan = [*doubts, *[RateLimited("slow down", retry_after=60)] * 16]
        command = queued(at=clock.now)
        for _ in range(len(doubts) + 15):
            outbox.deliver(command.pk)
            clock.forward(minutes=1)
        assert alarms() == set()

        outbox.deliver(command.pk)
        clock.forward(minutes=1)

        assert alarms() == {"put-off"}
        assert outbox.deliver(command.pk) == CommandState.DONE
        assert alarms() == set()

    @pytest.mark.parametrize("error", [Unauthorized("401"), Forbidden("403"), NotConfigured("-")])
    def test_that_refuse_the_key_stop_the_provider_and_call_a_person_once(
        self, clock: Clock, provider: Provider, error: Exception
    ) -> None:
        commands = [queued(at=clock.now) for _ in range(5)]
        provider.plan = [error] * 5

        for command in commands:
            outbox.deliver(command.pk)

        assert len(provider.sent) == 1
        assert not outbox.sending_is_on(LUXCORE)
        assert Alarm.objects.count() == 1
        assert AuditEvent.objects.filter(verb="upstreams.sending.stopped").count() == 1

    def test_that_differ_from_what_was_asked_stop_the_provider(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Mismatch(differences=[("amount", "125.00", "12500.00")])]
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        command.refresh_from_db()
        assert command.next_at is None
        assert not outbox.sending_is_on(LUXCORE)
        assert alarms() == {"answer-differs", "sending-stopped"}
        clock.forward(days=1)
        outbox.resume_sending(LUXCORE, reason="compared", by_label="lead", at=clock.now)
        assert outbox.sweep() == 0

    def test_the_domain_cannot_take_in_are_kept_and_call_a_person(
        self, clock: Clock, provider: Provider
    ) -> None:
        def fail() -> None:
            raise ValueError("no such withdrawal")

        provider.on_settle = fail
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        command.refresh_from_db()
        assert command.outcome["reference"] == "pay_1"
        assert alarms() == {"outcome-not-recorded"}


class TestDoubt:
    def test_climbs_the_ladder_with_one_key_and_then_calls_a_person(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence")] * 6
        command = queued(at=clock.now)
        waits = []

        for _ in range(6):
            assert outbox.deliver(command.pk) == CommandState.UNKNOWN
            command.refresh_from_db()
            if command.next_at is not None:
                waits.append((command.next_at - clock.now).total_seconds())
                clock.now = command.next_at

        assert waits == [5, 30, 120, 600, 1800]
        assert command.next_at is None
        assert alarms() == {"outcome-unknown"}
        assert set(provider.sent) == {(command.idempotency_key, command.request_bytes)}
        clock.forward(days=30)
        assert outbox.sweep() == 0

    def test_is_over_when_a_repeat_gets_a_clear_answer(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence"), Done("pay_9")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.DONE

        assert provider.told == [Uncertain("silence"), Done("pay_9")]

    @look_first
    def test_looks_before_it_sends_again(self, clock: Clock, provider: Provider) -> None:
        provider.plan = [Unknown("silence")]
        provider.shows = [Done("pay_9")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        assert provider.looks == 0
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.DONE

        assert (len(provider.sent), provider.looks) == (1, 1)

    @look_first
    @pytest.mark.parametrize(
        "error", [Unavailable("down"), RateLimited("slow", retry_after=3), NotFound("?")], ids=repr
    )
    def test_does_not_send_again_while_it_cannot_look(
        self, clock: Clock, provider: Provider, error: Exception
    ) -> None:
        provider.plan = [Unknown("silence")]
        provider.shows = [error]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        assert len(provider.sent) == 1
        assert all(isinstance(outcome, Uncertain) for outcome in provider.told)

    @look_first
    def test_sends_the_same_bytes_when_it_looked_in_vain(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence"), Done("pay_9")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.DONE

        assert len(provider.sent) == 2
        assert len(set(provider.sent)) == 1

    @look_first
    def test_believes_a_refused_repeat_only_when_it_is_refused_again_a_minute_later(
        self, clock: Clock, provider: Provider
    ) -> None:
        no = Rejected("balance too low", code="INSUFFICIENT_BALANCE")
        provider.plan = [Unknown("silence"), no, no]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN
        clock.forward(seconds=60)
        assert outbox.deliver(command.pk) == CommandState.REFUSED

        assert provider.looks == 2
        assert isinstance(provider.told[-1], Refused)

    @look_first
    def test_takes_what_shows_up_late_after_a_refused_repeat(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence"), Rejected("low", code="INSUFFICIENT_BALANCE")]
        provider.shows = [None, Done("pay_9")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)
        outbox.deliver(command.pk)
        clock.forward(seconds=60)

        assert outbox.deliver(command.pk) == CommandState.DONE

        assert len(provider.sent) == 2

    def test_takes_a_refusal_at_its_word_where_the_key_makes_repeats_safe(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence"), Rejected("low", code="INSUFFICIENT_BALANCE")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.REFUSED

    @never_again
    def test_never_repeats_what_may_not_be_repeated(self, clock: Clock, provider: Provider) -> None:
        provider.plan = [Unknown("silence")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        for _ in range(10):
            clock.forward(hours=1)
            outbox.deliver(command.pk)

        assert (len(provider.sent), provider.looks) == (1, 5)
        assert alarms() == {"outcome-unknown"}

    @never_again
    def test_still_sends_what_was_definitely_not_sent(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unavailable("down"), Done("pay_1")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(minutes=1)

        assert outbox.deliver(command.pk) == CommandState.DONE

    def test_stays_a_doubt_when_a_repeat_was_not_sent(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence"), Unavailable("down")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        command.refresh_from_db()
        assert command.doubts == 1

    def test_about_three_commands_in_ten_minutes_raises_an_alarm_and_stops_nothing(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence")] * 3

        for number in range(3):
            assert "many-outcomes-unknown" not in alarms()
            outbox.deliver(queued(at=clock.now).pk)
            clock.forward(minutes=number)

        assert "many-outcomes-unknown" in alarms()
        assert outbox.sending_is_on(LUXCORE)

    def test_about_three_commands_over_a_longer_time_is_no_alarm(
        self, clock: Clock, provider: Provider
    ) -> None:
        for _ in range(3):
            provider.plan = [Unknown("silence")]
            outbox.deliver(queued(at=clock.now).pk)
            clock.forward(minutes=6)

        assert alarms() == set()


class TestDeadWorker:
    """M-1, M-2: what a killed worker leaves behind."""

    def left_behind(self, clock: Clock) -> Command:
        command = queued(at=clock.now)
        Command.objects.filter(pk=command.pk).update(
            state=CommandState.SENDING,
            fence=1,
            attempts=1,
            lease_until=clock.now + timedelta(seconds=60),
        )
        return command

    def test_is_not_disturbed_before_its_lease_ends(self, clock: Clock, provider: Provider) -> None:
        command = self.left_behind(clock)
        clock.forward(seconds=59)

        assert outbox.deliver(command.pk) is None

    @look_first
    def test_is_taken_for_one_that_may_have_sent(self, clock: Clock, provider: Provider) -> None:
        command = self.left_behind(clock)
        provider.shows = [Done("pay_1")]
        clock.forward(seconds=60)

        assert outbox.sweep() == 1

        command.refresh_from_db()
        assert (command.state, provider.sent) == (CommandState.DONE, [])

    def test_that_dies_of_it_every_time_ends_with_a_person(
        self, clock: Clock, provider: Provider
    ) -> None:
        command = self.left_behind(clock)
        Command.objects.filter(pk=command.pk).update(doubts=5)
        clock.forward(seconds=60)

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert (command.state, command.next_at) == (CommandState.UNKNOWN, None)
        assert provider.told == [Uncertain(command.error)]
        assert alarms() == {"outcome-unknown"}


class TestStaleWorker:
    def test_writes_nothing_when_it_comes_back(self, clock: Clock, provider: Provider) -> None:
        """M-7: the lease ends while the first worker is still in its call."""

        def sleep_too_long(command: Command) -> outbox.Outcome:
            clock.forward(seconds=61)
            assert outbox.deliver(command.pk) == CommandState.DONE
            return Refused("LATE", "a late answer to the first call")

        provider.plan = [sleep_too_long, Done("pay_1")]
        command = queued(at=clock.now)

        with capture_logs() as lines:
            assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert (command.state, command.fence) == (CommandState.DONE, 2)
        assert provider.told == [Done("pay_1")]
        assert [line["event"] for line in lines] == ["upstreams.outbox.overtaken"]

    def test_writes_nothing_after_people_settled_it(self, clock: Clock, provider: Provider) -> None:
        def settled_meanwhile(command: Command) -> outbox.Outcome:
            Command.objects.filter(pk=command.pk).update(state=CommandState.UNKNOWN)
            outbox.settle_by_hand(
                command=command, outcome=Done("pay_1"), at=clock.now, by_label="two people"
            )
            return Uncertain("a late answer")

        provider.plan = [settled_meanwhile]
        command = queued(at=clock.now)

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert command.state == CommandState.DONE


class TestSettleByHand:
    def test_settles_what_is_unknown(self, clock: Clock, provider: Provider) -> None:
        provider.plan = [Unknown("silence")] * 6
        command = queued(at=clock.now)
        for _ in range(6):
            outbox.deliver(command.pk)
            clock.forward(hours=1)
        assert alarms() == {"outcome-unknown"}
        command.refresh_from_db()

        outbox.settle_by_hand(
            command=command,
            outcome=Refused("NOT_PAID", "not in their list"),
            at=clock.now,
            by_label="ana@example.com, bo@example.com",
        )

        command.refresh_from_db()
        assert command.state == CommandState.REFUSED
        assert command.outcome["by"] == "ana@example.com, bo@example.com"
        assert provider.told[-1] == Refused("NOT_PAID", "not in their list")
        assert alarms() == set()

    def test_refuses_what_was_tried_again_since_people_looked(
        self, clock: Clock, provider: Provider
    ) -> None:
        provider.plan = [Unknown("silence")] * 2
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        command.refresh_from_db()
        clock.forward(seconds=5)
        outbox.deliver(command.pk)

        with pytest.raises(outbox.NotSettleable):
            outbox.settle_by_hand(
                command=command, outcome=Refused("NO", "no"), at=clock.now, by_label="two people"
            )

    def test_refuses_what_is_not_in_doubt(self, clock: Clock, provider: Provider) -> None:
        command = queued(at=clock.now)

        with pytest.raises(outbox.NotSettleable):
            outbox.settle_by_hand(
                command=command, outcome=Done("pay_1"), at=clock.now, by_label="two people"
            )


class TestCredential:
    """M-11: a repeat under another key could pay twice."""

    def test_is_pinned_by_the_first_sending(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        settings.LUXCORE_API_KEY = "qp_test_sk_old"
        provider.plan = [Unknown("silence")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        settings.LUXCORE_API_KEY = "qp_test_sk_new"
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) is None

        assert len(provider.sent) == 1
        assert alarms() == {"credential-changed"}

    def in_doubt_under_another_key(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> Command:
        settings.LUXCORE_API_KEY = "qp_test_sk_old"
        provider.plan = [Unknown("silence")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        settings.LUXCORE_API_KEY = "qp_test_sk_new"
        command.refresh_from_db()
        return command

    def test_that_was_changed_leaves_a_doubt_to_people(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        command = self.in_doubt_under_another_key(clock, provider, settings)

        assert outbox.waits_for_people(command)  # at once, before a worker has noticed
        clock.forward(seconds=5)
        outbox.sweep()

        command.refresh_from_db()
        assert (command.state, command.next_at) == (CommandState.UNKNOWN, None)
        assert outbox.waits_for_people(command)
        alarm = Alarm.objects.get()
        assert (alarm.code, alarm.subject_id) == ("credential-changed", command.subject_id)
        clock.forward(days=1)
        assert outbox.sweep() == 0
        assert len(provider.told) == 2  # not again every few minutes

    def test_that_is_back_lets_the_machine_go_on(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        command = self.in_doubt_under_another_key(clock, provider, settings)
        clock.forward(seconds=5)
        outbox.sweep()

        settings.LUXCORE_API_KEY = "qp_test_sk_old"

        command.refresh_from_db()
        assert not outbox.waits_for_people(command)
        assert outbox.sweep() == 1
        command.refresh_from_db()
        assert (command.state, command.awaits_key) == (CommandState.DONE, False)
        assert alarms() == set()

    def test_that_is_back_moves_nothing_that_machines_had_given_up(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        command = self.in_doubt_under_another_key(clock, provider, settings)
        Command.objects.update(next_at=None)

        settings.LUXCORE_API_KEY = "qp_test_sk_old"

        assert outbox.sweep() == 0
        command.refresh_from_db()
        assert command.state == CommandState.UNKNOWN

    def test_that_was_changed_lets_people_settle(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        command = self.in_doubt_under_another_key(clock, provider, settings)
        clock.forward(seconds=5)
        outbox.sweep()

        outbox.settle_by_hand(
            command=command, outcome=Done("pay_1"), at=clock.now, by_label="two people"
        )

        assert alarms() == set()
        settings.LUXCORE_API_KEY = "qp_test_sk_old"
        assert outbox.sweep() == 0

    def test_is_pinned_by_a_repeat_when_the_first_sending_had_none(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        provider.plan = [Unknown("silence"), Unknown("silence")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        settings.LUXCORE_API_KEY = "qp_test_sk_first"
        clock.forward(seconds=5)
        outbox.deliver(command.pk)

        settings.LUXCORE_API_KEY = "qp_test_sk_second"

        command.refresh_from_db()
        assert outbox.has_another_key(command)

    def test_leaves_nothing_under_way_when_the_worker_died_with_the_old_one(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        settings.LUXCORE_API_KEY = "qp_test_sk_old"
        command = queued(at=clock.now)
        Command.objects.filter(pk=command.pk).update(
            state=CommandState.SENDING,
            fence=1,
            credential=credentials.fingerprint(LUXCORE),
            lease_until=clock.now,
        )
        settings.LUXCORE_API_KEY = "qp_test_sk_new"

        assert outbox.deliver(command.pk) is None

        command.refresh_from_db()
        assert (command.state, provider.sent) == (CommandState.UNKNOWN, [])
        assert provider.told == [Uncertain(command.error)]

    def test_may_change_while_nothing_has_left(
        self, clock: Clock, provider: Provider, settings: Settings
    ) -> None:
        settings.LUXCORE_API_KEY = "qp_test_sk_old"
        provider.plan = [Unavailable("down")]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        settings.LUXCORE_API_KEY = "qp_test_sk_new"
        clock.forward(minutes=1)

        assert outbox.deliver(command.pk) == CommandState.DONE

    @pytest.mark.parametrize(
        ("answer", "is_unknown"),
        [(Done("pay_1"), False), (Unknown("?"), True), (Unavailable("down"), False)],
        ids=["done", "unknown", "not sent"],
    )
    def test_should_not_change_while_anything_is_unknown(
        self,
        clock: Clock,
        provider: Provider,
        answer: outbox.Outcome | Exception,
        is_unknown: bool,
    ) -> None:
        provider.plan = [answer]
        outbox.deliver(queued(at=clock.now).pk)

        assert outbox.has_unknown(LUXCORE) == is_unknown


class TestSwitch:
    def test_stops_a_queue_of_two_hundred_and_resumes_each_once(
        self, clock: Clock, provider: Provider
    ) -> None:
        """M-18."""
        commands = [queued(at=clock.now) for _ in range(200)]

        def pull_the_switch(command: Command) -> outbox.Outcome:
            outbox.stop_sending(LUXCORE, reason="drill", by_label="lead", at=clock.now)
            return Done("pay_1")

        provider.plan = [Done("pay_1")] * 9 + [pull_the_switch]
        outbox.sweep(limit=200)
        assert len(provider.sent) == 10
        clock.forward(hours=1)
        assert outbox.sweep(limit=200) == 0

        outbox.resume_sending(LUXCORE, reason="drill is over", by_label="lead", at=clock.now)

        assert outbox.sweep(limit=200) == 190
        assert sorted(key for key, _ in provider.sent) == sorted(
            command.idempotency_key for command in commands
        )

    @look_first
    def test_thrown_during_a_look_holds_what_would_be_sent_again(
        self, clock: Clock, provider: Provider
    ) -> None:
        def nothing_there(command: Command) -> None:
            outbox.stop_sending(LUXCORE, reason="drill", by_label="lead", at=clock.now)

        provider.plan = [Unknown("silence")]
        provider.shows = [nothing_there]
        command = queued(at=clock.now)
        outbox.deliver(command.pk)
        clock.forward(seconds=5)

        assert outbox.deliver(command.pk) == CommandState.UNKNOWN

        assert (len(provider.sent), provider.looks) == (1, 1)

    def test_says_whether_it_changed_anything(self, clock: Clock) -> None:
        facts = {"reason": "drill", "by_label": "lead", "at": clock.now}

        assert not outbox.resume_sending(LUXCORE, **facts)
        assert outbox.stop_sending(LUXCORE, **facts)
        assert not outbox.stop_sending(LUXCORE, **facts)
        assert alarms() == {"sending-stopped"}
        assert outbox.resume_sending(LUXCORE, **facts)
        assert alarms() == set()
        assert list(AuditEvent.objects.order_by("sequence").values_list("verb", flat=True)) == [
            "upstreams.sending.stopped",
            "upstreams.sending.resumed",
        ]

    def test_of_one_provider_leaves_the_others_alone(self, clock: Clock) -> None:
        outbox.stop_sending("lux", reason="drill", by_label="lead", at=clock.now)

        assert outbox.sending_is_on(LUXCORE)


class TestSweep:
    def test_sends_the_oldest_first_up_to_its_limit(self, clock: Clock, provider: Provider) -> None:
        keys = []
        for _ in range(5):
            keys.append(queued(at=clock.now).idempotency_key)
            clock.forward(seconds=1)

        assert outbox.sweep(limit=3) == 3

        assert [key for key, _ in provider.sent] == keys[:3]

    def test_goes_on_after_a_command_that_fails(
        self, clock: Clock, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queued(at=clock.now, kind="test.of-another-release")
        good = queued(at=clock.now)

        outbox.sweep()

        good.refresh_from_db()
        assert good.state == CommandState.DONE

    def test_stops_between_two_commands_when_asked(self, clock: Clock, provider: Provider) -> None:
        for _ in range(3):
            queued(at=clock.now)

        outbox.sweep(stop=lambda: len(provider.sent) == 2)

        assert len(provider.sent) == 2


class TestRegister:
    def test_refuses_a_second_sender_of_one_kind(self, provider: Provider) -> None:
        with pytest.raises(ValueError, match=KIND):
            outbox.register(provider.sender())

    def test_refuses_to_look_without_a_way_to_look(self, provider: Provider) -> None:
        with pytest.raises(ValueError, match="find"):
            outbox.Sender(
                kind="blind",
                upstream=LUXCORE,
                send=provider.send,
                settle=provider.settle,
                repeat=Repeat.NEVER,
            )
