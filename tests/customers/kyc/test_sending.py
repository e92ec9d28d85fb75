"""Telling Lux Financial of a decision: once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.utils import timezone

from customers import actions
from customers.actions.errors import AlreadyMoved, CaseNotPossible
from customers.enums import CaseStatus, Outcome
from customers.kyc import sending
from customers.models import Hold, Identity, KycCase, Profile
from sandbox.app import create_app
from sandbox.config import Config
from sandbox.delivery import Outcome as Delivered
from sandbox.lux.config import LuxConfig
from sandbox.lux.routes import V0
from staff.models import AuditEvent
from tests.customers.factories import NOW, HoldFactory, KycCaseFactory
from tests.customers.kyc.helpers import ask_again, confirm, follow, lead, propose, reject, reviewer
from tests.sandbox.helpers import SandboxTransport
from tests.upstreams.lux import KEY, lux
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.errors import Conflict, NotFound, Rejected, Unknown
from upstreams.models import Command

NAMING = "James Smith (james@example.com), born 1990-01-31, cannot be told of."

pytestmark = pytest.mark.django_db


class Place:
    """Lux Financial's stand-in, a client of it, and its control door."""

    def __init__(self) -> None:
        config = LuxConfig(api_keys=(KEY,), rate_second=10_000)
        self.sandbox = create_app(Config(lux=config), sender=lambda *_: Delivered(200))
        transport = SandboxTransport(self.sandbox)
        self.client = lux(base_url=f"http://sandbox{V0}", transport=transport)
        self._door = httpx.Client(transport=transport, base_url="http://sandbox/_control")

    def control(self, door: str, /, **body: Any) -> Any:
        answer = self._door.post(door, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def customer(self, kyc_status: str) -> str:
        """Somebody who has stood there for an hour."""
        self.control("/clock", advance=-3600)
        made = self.control("/lux/customers", kyc_status=kyc_status)
        self.control("/clock", advance=3600)
        return str(made["customers"][0]["id"])

    def becomes(self, customer_id: str, kyc_status: str) -> None:
        self.control(f"/lux/customers/{customer_id}/kyc/{kyc_status}", force=True)

    def fault(self, kind: str, **rest: Any) -> None:
        """Something goes wrong with the next PATCH."""
        self.control("/faults", kind=kind, method="PATCH", path="/lux/*", times=1, **rest)

    def status(self, case: KycCase) -> str:
        return self.client.get_customer(upstream_id(case)).kyc_status

    def patches(self) -> int:
        """How often it was told something of a customer."""
        asked = self._door.get("/requests").json()["requests"]
        return sum(one["method"] == "PATCH" for one in asked)

    def close(self) -> None:
        self._door.close()
        self.sandbox.__exit__(None, None, None)


def upstream_id(case: KycCase) -> str:
    return Identity.objects.get(customer=case.customer).upstream_id


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Place]:
    settings.LUX_PUSH_KYC_DECISION = True
    made = Place()
    monkeypatch.setattr("customers.kyc.sending.get_client", lambda **_: made.client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    yield made
    made.close()


def case_at(place: Place, kyc_status: str = "under_review", **told: Any) -> KycCase:
    case: KycCase = KycCaseFactory(ready=True, profile__kyc_status=kyc_status, **told)
    Identity.objects.update(upstream_id=place.customer(kyc_status))
    return case


def deliver() -> CommandState | None:
    Command.objects.update(next_at=timezone.now())
    return outbox.deliver(Command.objects.latest("pk").pk)


def standing(case: KycCase) -> tuple[str, str]:
    case.refresh_from_db()
    return case.status, case.status_reason


def test_an_approval_is_told_and_grants_what_follows(place: Place) -> None:
    case = case_at(place)
    assert propose(case).case.status == CaseStatus.QUEUED

    assert deliver() == CommandState.DONE

    assert standing(case)[0] == CaseStatus.DECIDED
    there = place.client.get_customer(upstream_id(case))
    assert (there.kyc_status, there.status) == ("approved", "active")
    assert "can_wire_transfer" in there.endorsements


def test_a_rejection_brings_what_the_customer_reads_and_nothing_else(place: Place) -> None:
    case = case_at(place)
    text = "We could not confirm it.\n\nPlease do not write again."
    confirm(reject(case, customer_text=text, internal_note="Forged.").proposal)

    assert deliver() == CommandState.DONE

    there = place.client.get_customer(upstream_id(case))
    assert there.kyc_status == "rejected"
    assert there.rejection_reasons == ["We could not confirm it.", "Please do not write again."]
    assert "Forged" not in str(Command.objects.get().request_bytes)


def test_asking_again_waits_once_they_know(place: Place) -> None:
    case = case_at(place, "manual_review")
    assert ask_again(case).case.status == CaseStatus.QUEUED

    assert deliver() == CommandState.DONE

    assert standing(case)[0] == CaseStatus.WAITING
    assert place.status(case) == "incomplete"


@pytest.mark.parametrize("kyc_status", ["incomplete", "awaiting_ubo"])
def test_asking_whom_they_ask_already_tells_them_nothing(place: Place, kyc_status: str) -> None:
    case = case_at(place, kyc_status)

    assert ask_again(case).case.status == CaseStatus.WAITING
    assert not Command.objects.exists()


def test_a_customer_who_was_faster_than_the_answer_is_reviewed(place: Place) -> None:
    case = case_at(place)
    ask_again(case)
    profile = Profile.objects.get()
    for status in ("incomplete", "under_review"):
        profile.kyc_status = status
        profile.save()
        follow([profile], at=timezone.now())

    deliver()

    assert standing(case)[0] == CaseStatus.OPEN


def test_who_is_reviewed_again_before_the_approval_was_seen_has_a_new_case(place: Place) -> None:
    case = case_at(place)
    propose(case)
    deliver()
    case.refresh_from_db()
    assert (case.status, case.theirs) == (CaseStatus.DECIDED, "approved")
    profile = Profile.objects.get()
    profile.kyc_status = "manual_review"
    profile.save()

    follow([profile], at=timezone.now())

    assert KycCase.objects.under_way().get().opened_for == "manual_review"


def test_what_the_answer_said_is_theirs_until_the_customer_answers(place: Place) -> None:
    case = case_at(place)
    ask_again(case)
    deliver()
    assert standing(case)[0] == CaseStatus.WAITING
    assert case.theirs == "incomplete"

    follow([Profile.objects.get()], at=timezone.now())

    assert standing(case)[0] == CaseStatus.OPEN


def test_a_refusal_brings_the_case_back_with_its_code_in_the_trail(place: Place) -> None:
    case = case_at(place)
    propose(case)
    place.becomes(upstream_id(case), "awaiting_ubo")

    assert deliver() == CommandState.REFUSED

    status, reason = standing(case)
    assert status == CaseStatus.OPEN
    assert reason == sending.REFUSED
    assert AuditEvent.objects.get(verb="customers.case.refused").reason == "conflict"
    case.refresh_from_db()
    assert (case.outcome, case.decided_at) == ("", None)


def test_an_answer_that_shows_another_status_is_a_no(monkeypatch: Any, place: Place) -> None:
    case = case_at(place)
    propose(case)
    monkeypatch.setattr(
        place.client, "update_customer", lambda pk, _body: place.client.get_customer(pk)
    )

    assert deliver() == CommandState.REFUSED
    assert standing(case)[1] == sending.REFUSALS[sending.NOT_TAKEN]
    assert Command.objects.get().outcome["message"] == "At Lux Financial they are “Under review”."


@pytest.mark.parametrize(
    "error",
    [
        Rejected(NAMING, code="invalid_request"),
        NotFound(NAMING),
        Conflict(NAMING, code="conflict"),
        Unknown(NAMING),
    ],
)
@pytest.mark.parametrize("in_doubt", [False, True])
def test_their_words_are_kept_in_no_audit_event_and_shown_nowhere(
    monkeypatch: Any, place: Place, error: Exception, in_doubt: bool
) -> None:
    case = case_at(place)
    propose(case)
    if in_doubt:
        place.fault("drop_before")
        deliver()

    def no(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(place.client, "update_customer", no)

    assert deliver() in (CommandState.REFUSED, CommandState.UNKNOWN)

    kept = [*AuditEvent.objects.values_list("reason", "before", "after"), standing(case)]
    for told in ("Smith", "james@example.com", "1990-01-31"):
        assert told not in str(kept)


def test_what_they_decided_meanwhile_closes_the_case(place: Place) -> None:
    case = case_at(place)
    propose(case)
    place.becomes(upstream_id(case), "rejected")
    profile = Profile.objects.get()
    profile.kyc_status = "rejected"
    profile.save()
    follow([profile], at=timezone.now())

    assert deliver() == CommandState.REFUSED
    assert standing(case)[0] == CaseStatus.CLOSED


class TestDoubt:
    def test_a_lost_answer_is_found_and_not_told_again(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        place.fault("drop")
        assert deliver() == CommandState.UNKNOWN
        assert standing(case)[0] == CaseStatus.UNKNOWN

        assert deliver() == CommandState.DONE

        assert standing(case)[0] == CaseStatus.DECIDED
        assert place.patches() == 1

    def test_what_never_arrived_is_told_once(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        place.fault("drop_before")
        deliver()

        while standing(case)[0] != CaseStatus.DECIDED:
            assert deliver() in (CommandState.UNKNOWN, CommandState.QUEUED, CommandState.DONE)

        assert place.status(case) == "approved"

    @pytest.mark.parametrize(
        ("decide", "now_there"), [(ask_again, "under_review"), (propose, "manual_review")]
    )
    @pytest.mark.parametrize("fault", ["drop", "drop_before"])
    def test_who_was_changed_since_is_reviewed_anew_and_told_nothing_again(
        self, place: Place, fault: str, decide: Any, now_there: str
    ) -> None:
        case = case_at(place)
        decide(case)
        place.fault(fault)
        deliver()
        place.becomes(upstream_id(case), now_there)
        told = place.patches()

        assert deliver() == CommandState.REFUSED

        status, reason = standing(case)
        assert (status, case.outcome, place.status(case)) == (CaseStatus.OPEN, "", now_there)
        assert reason == sending.REFUSALS[sending.MOVED_ON]
        assert deliver() is None
        assert place.patches() == told

    def test_what_they_decided_otherwise_ends_it(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        place.fault("drop")
        deliver()
        place.becomes(upstream_id(case), "rejected")

        assert deliver() == CommandState.REFUSED
        assert standing(case)[0] == CaseStatus.CLOSED

    @pytest.mark.parametrize(
        ("theirs", "status"), [("approved", CaseStatus.DECIDED), ("rejected", CaseStatus.CLOSED)]
    )
    def test_what_the_mirror_sees_ends_it_too(
        self, place: Place, theirs: str, status: CaseStatus
    ) -> None:
        case = case_at(place)
        propose(case)
        place.fault("drop")
        deliver()
        profile = Profile.objects.get()
        profile.kyc_status = theirs
        profile.save()

        follow([profile], at=timezone.now())

        assert standing(case)[0] == status
        assert Command.objects.get().state in (CommandState.DONE, CommandState.REFUSED)

    def test_a_person_lets_the_desk_look_once_more(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        place.fault("drop")
        deliver()
        Command.objects.update(next_at=None)

        actions.look_for_decision(case_id=case.pk, by=reviewer(), at=NOW)

        assert outbox.deliver(Command.objects.get().pk) == CommandState.DONE
        assert standing(case)[0] == CaseStatus.DECIDED
        with pytest.raises(AlreadyMoved):
            actions.look_for_decision(case_id=case.pk, by=reviewer(), at=NOW)


class TestBeforeItLeaves:
    def test_a_hold_keeps_an_approval_here(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        HoldFactory(customer=case.customer)

        deliver()

        assert place.status(case) == "under_review"
        assert standing(case)[0] == CaseStatus.QUEUED
        Hold.objects.all().delete()
        assert deliver() == CommandState.DONE

    def test_another_name_than_was_screened_keeps_an_approval_here(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        Profile.objects.update(last_name="Doe")

        deliver()

        assert place.status(case) == "under_review"
        assert standing(case)[0] == CaseStatus.QUEUED

    def test_a_rejection_goes_whatever_holds_them(self, place: Place) -> None:
        case = case_at(place)
        confirm(reject(case).proposal)
        HoldFactory(customer=case.customer)

        assert deliver() == CommandState.DONE

    def test_nothing_goes_where_it_was_switched_off(self, place: Place, settings: Any) -> None:
        case = case_at(place)
        propose(case)
        settings.LUX_PUSH_KYC_DECISION = False

        deliver()

        assert place.status(case) == "under_review"

    def test_it_can_be_recalled_and_decided_otherwise(self, place: Place) -> None:
        case, person = case_at(place), reviewer()
        propose(case, by=person)

        actions.recall_decision(case_id=case.pk, reason="Wrong one.", by=person, at=NOW)

        assert standing(case)[0] == CaseStatus.OPEN
        assert deliver() is None
        ask_again(case, by=person)
        deliver()
        assert place.status(case) == "incomplete"

    def test_what_two_decided_and_one_recalled_takes_two_again(self, place: Place) -> None:
        case, person = case_at(place), reviewer()
        confirm(reject(case, by=person).proposal)
        actions.recall_decision(case_id=case.pk, reason="Look anew.", by=person, at=NOW)

        receipt = propose(case, by=person)

        assert receipt.case.status == CaseStatus.PROPOSED
        assert deliver() is None

    def test_it_cannot_be_recalled_once_it_left(self, place: Place) -> None:
        case = case_at(place)
        propose(case)
        deliver()

        with pytest.raises(AlreadyMoved):
            actions.recall_decision(case_id=case.pk, reason="Late.", by=lead(), at=NOW)

    def test_whom_they_do_not_know_cannot_be_decided(self, place: Place) -> None:
        case = case_at(place)
        Identity.objects.all().delete()

        with pytest.raises(CaseNotPossible, match="does not know"):
            propose(case)
        assert standing(case)[0] == CaseStatus.OPEN


def test_without_the_switch_people_carry_it_out(settings: Any) -> None:
    case = KycCaseFactory(ready=True)

    receipt = propose(case)

    assert (receipt.case.status, receipt.case.outcome) == (CaseStatus.DECIDED, Outcome.APPROVE)
    assert not Command.objects.exists()
    assert sending.newest_command(case) is None
