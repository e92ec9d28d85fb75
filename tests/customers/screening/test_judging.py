"""What people say of hits."""

from __future__ import annotations

import pytest

from customers import actions
from customers.enums import HitState, HoldKind, WhyOpen
from customers.models import Customer, Hit, Hold, ScreeningStanding
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.customers.factories import NOW, ProfileFactory
from tests.customers.screening.helpers import judge, match, reviewer, screen
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def hit() -> Hit:
    (found,) = screen(ProfileFactory().customer, match())
    return found


def reopen(hit: Hit, *, saw: str = "", by: object = None) -> Hit:
    return actions.reopen_hit(
        hit_id=hit.pk,
        reason="The wrong button.",
        saw=saw or actions.hit_as_seen(hit),
        by=by or reviewer(),  # type: ignore[arg-type]
        at=NOW,
    )


class TestJudgeHit:
    @pytest.mark.parametrize(
        ("verdict", "is_open"),
        [(HitState.TRUE, False), (HitState.FALSE, False), (HitState.UNSURE, True)],
    )
    def test_closes_a_hit_unless_nobody_is_sure(
        self, hit: Hit, verdict: HitState, is_open: bool
    ) -> None:
        judged = judge(hit, verdict)

        assert (judged.state, judged.is_open) == (verdict, is_open)
        assert Hit.objects.open().exists() == is_open
        stands = ScreeningStanding.objects.get()
        assert stands.open_hits == 0
        assert stands.hits == 1

    def test_holds_a_customer_who_is_listed(self, hit: Hit) -> None:
        judge(hit, HitState.TRUE)

        hold = Hold.objects.get()
        assert (hold.customer, hold.kind) == (hit.customer, HoldKind.SCREENING)
        verbs = list(AuditEvent.objects.order_by("sequence").values_list("verb", flat=True))
        assert verbs == ["customers.hold.placed", "customers.hit.true"]

    @pytest.mark.parametrize("verdict", [HitState.FALSE, HitState.UNSURE])
    def test_holds_nobody_else(self, hit: Hit, verdict: HitState) -> None:
        judge(hit, verdict)

        assert not Hold.objects.exists()

    def test_is_written_down_without_naming_anybody(self, hit: Hit) -> None:
        judge(hit)

        event = AuditEvent.objects.get()
        assert event.subject_id == str(hit.customer_id)
        assert (event.before["state"], event.after["state"]) == ("open", "false")
        assert "Smith" not in str((event.before, event.after))
        assert audit.verify().ok

    def test_refuses_who_comes_second(self, hit: Hit) -> None:
        saw = actions.hit_as_seen(hit)
        judge(hit, HitState.FALSE)

        with pytest.raises(actions.HitChanged) as refused:
            actions.judge_hit(
                hit_id=hit.pk, verdict=HitState.TRUE, reason="R", saw=saw, by=reviewer(), at=NOW
            )

        assert refused.value.hit.state == HitState.FALSE
        assert not Hold.objects.exists()

    def test_refuses_a_verdict_about_what_was_screened_anew(self, hit: Hit) -> None:
        saw = actions.hit_as_seen(hit)
        screen(hit.customer, match(remarks="DOB 1950"), days=1)

        with pytest.raises(actions.HitChanged):
            actions.judge_hit(
                hit_id=hit.pk, verdict=HitState.FALSE, reason="R", saw=saw, by=reviewer(), at=NOW
            )

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_needs_a_reason(self, hit: Hit, reason: str) -> None:
        with pytest.raises(actions.ScreeningNotPossible):
            actions.judge_hit(
                hit_id=hit.pk,
                verdict=HitState.FALSE,
                reason=reason,
                saw=actions.hit_as_seen(hit),
                by=reviewer(),
                at=NOW,
            )

    def test_does_not_take_open_for_a_verdict(self, hit: Hit) -> None:
        with pytest.raises(actions.ScreeningNotPossible):
            judge(hit, HitState.OPEN)

    @pytest.mark.parametrize("role", ["viewer", "approver", "auditor", "agent", "support_lead"])
    def test_is_for_compliance(self, hit: Hit, role: str) -> None:
        with pytest.raises(NotPermitted):
            judge(hit, by=UserFactory(roles=[role]))

    @pytest.mark.parametrize("role", ["reviewer", "compliance_lead"])
    def test_is_for_all_of_compliance(self, hit: Hit, role: str) -> None:
        assert judge(hit, HitState.TRUE, by=UserFactory(roles=[role])).state == HitState.TRUE


class TestReopenHit:
    def test_forgets_the_verdict(self, hit: Hit) -> None:
        customer: Customer = hit.customer
        judged = judge(hit)

        reopened = reopen(judged)

        assert (reopened.state, reopened.why_open) == (HitState.OPEN, WhyOpen.REOPENED)
        (again,) = screen(customer, match(), days=1)
        assert again.is_open

    def test_lifts_no_hold(self, hit: Hit) -> None:
        reopen(judge(hit, HitState.TRUE))

        assert Hold.objects.in_force().exists()

    def test_refuses_what_is_open(self, hit: Hit) -> None:
        with pytest.raises(actions.ScreeningNotPossible):
            reopen(hit)

    def test_refuses_who_comes_second(self, hit: Hit) -> None:
        with pytest.raises(actions.HitChanged):
            reopen(judge(hit), saw="another")

    def test_is_for_compliance(self, hit: Hit) -> None:
        with pytest.raises(NotPermitted):
            reopen(judge(hit), by=UserFactory(roles=["approver"]))
