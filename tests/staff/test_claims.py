from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import repeat
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from staff import claims
from staff.models import AuditEvent, Claim, User
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds

NOW = datetime(2026, 11, 20, 3, 44, tzinfo=UTC)
LATER = NOW + timedelta(minutes=4)
TOO_LATE = NOW + timedelta(minutes=10)
SUBJECT = ("payments.withdrawal", "7")


@pytest.mark.django_db
class TestClaim:
    def test_gives_a_lease_of_ten_minutes(self) -> None:
        ada = UserFactory()

        claim = claims.claim(subject=SUBJECT, by=ada, at=NOW)

        assert (claim.user, claim.claimed_at) == (ada, NOW)
        assert claim.expires_at == NOW + timedelta(minutes=10)

    def test_takes_a_row_as_its_subject(self) -> None:
        ada = UserFactory()

        claim = claims.claim(subject=ada, by=ada, at=NOW)

        assert (claim.subject_type, claim.subject_id) == ("staff.user", str(ada.pk))

    def test_tells_the_second_who_was_first_and_until_when(self) -> None:
        ada, abel = UserFactory(name="Ada"), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        with pytest.raises(claims.ClaimedByOther) as refusal:
            claims.claim(subject=SUBJECT, by=abel, at=LATER)

        assert (refusal.value.by, refusal.value.until) == (ada, NOW + timedelta(minutes=10))
        assert str(refusal.value) == "Ada is looking at this until 03:54 UTC."

    def test_prolongs_ones_own(self) -> None:
        ada = UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        claim = claims.claim(subject=SUBJECT, by=ada, at=LATER)

        assert (claim.claimed_at, claim.expires_at) == (NOW, LATER + timedelta(minutes=10))

    def test_goes_to_the_next_when_the_lease_ran_out(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        claim = claims.claim(subject=SUBJECT, by=abel, at=TOO_LATE)

        assert (claim.user, claim.claimed_at) == (abel, TOO_LATE)

    def test_begins_anew_after_ones_own_ran_out(self) -> None:
        ada = UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        assert claims.claim(subject=SUBJECT, by=ada, at=TOO_LATE).claimed_at == TOO_LATE

    def test_keeps_subjects_apart(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        assert claims.claim(subject=("payments.payment", "7"), by=abel, at=NOW).user == abel


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
class TestClaimAtOnce:
    def test_has_one_winner_and_tells_the_others(self) -> None:
        people = [UserFactory() for _ in range(4)]
        start = Barrier(len(people))

        def take(person: User, number: int) -> int:
            """Try to claim and return who got it, as this person was told."""
            try:
                start.wait(timeout=10)
                return claims.claim(subject=("a", str(number)), by=person, at=NOW).user_id
            except claims.ClaimedByOther as refusal:
                return refusal.by.pk
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=len(people)) as pool:
            for number in range(rounds(25)):
                told = set(pool.map(take, people, repeat(number)))

                assert told == {Claim.objects.get(subject_id=str(number)).user_id}


@pytest.mark.django_db
class TestRenew:
    def test_prolongs_without_beginning_anew(self) -> None:
        ada = UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        claim = claims.renew(subject=SUBJECT, by=ada, at=LATER)

        assert (claim.claimed_at, claim.expires_at) == (NOW, LATER + timedelta(minutes=10))

    def test_says_who_took_it_over(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)
        claims.take_over(subject=SUBJECT, by=abel, at=NOW, reason="Ada is at lunch")

        with pytest.raises(claims.ClaimedByOther) as refusal:
            claims.renew(subject=SUBJECT, by=ada, at=LATER)

        assert refusal.value.by == abel

    def test_says_that_it_ran_out(self) -> None:
        ada = UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        with pytest.raises(claims.ClaimLost):
            claims.renew(subject=SUBJECT, by=ada, at=TOO_LATE)

    def test_makes_no_claim_of_its_own(self) -> None:
        with pytest.raises(claims.ClaimLost):
            claims.renew(subject=SUBJECT, by=UserFactory(), at=NOW)

        assert not Claim.objects.exists()


@pytest.mark.django_db
class TestRelease:
    def test_lets_the_next_have_it(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        assert claims.release(subject=SUBJECT, by=ada, at=LATER)

        assert claims.claim(subject=SUBJECT, by=abel, at=LATER).user == abel

    def test_leaves_the_lease_of_somebody_else(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        assert not claims.release(subject=SUBJECT, by=abel, at=LATER)

        assert claims.renew(subject=SUBJECT, by=ada, at=LATER).user == ada


@pytest.mark.django_db
class TestTakeOver:
    def test_moves_the_lease_and_writes_down_why(self) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        claim = claims.take_over(subject=SUBJECT, by=abel, at=LATER, reason="Ada is at lunch")

        assert (claim.user, claim.claimed_at) == (abel, LATER)
        event = AuditEvent.objects.get()
        assert (event.verb, event.by, event.reason) == (
            "staff.claim.taken_over",
            abel,
            "Ada is at lunch",
        )
        assert (event.subject_type, event.subject_id) == SUBJECT
        assert (event.before["user"], event.after["user"]) == (ada.email, abel.email)

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_wants_a_reason(self, reason: str) -> None:
        ada, abel = UserFactory(), UserFactory()
        claims.claim(subject=SUBJECT, by=ada, at=NOW)

        with pytest.raises(claims.ReasonMissing):
            claims.take_over(subject=SUBJECT, by=abel, at=LATER, reason=reason)

        assert claims.renew(subject=SUBJECT, by=ada, at=LATER).user == ada

    def test_is_a_plain_claim_when_nobody_holds_it(self) -> None:
        abel = UserFactory()

        assert claims.take_over(subject=SUBJECT, by=abel, at=NOW, reason="mine now").user == abel

        assert not AuditEvent.objects.exists()


@pytest.mark.django_db
class TestForSubjects:
    def test_finds_live_claims_with_their_people_in_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ada, abel = UserFactory(name="Ada"), UserFactory(name="Abel")
        claims.claim(subject=("payments.withdrawal", "1"), by=ada, at=LATER)
        claims.claim(subject=("payments.withdrawal", "2"), by=abel, at=LATER)
        claims.claim(subject=("payments.withdrawal", "3"), by=abel, at=NOW)
        claims.claim(subject=("payments.payment", "4"), by=abel, at=LATER)

        with django_assert_num_queries(1):
            found = claims.for_subjects("payments.withdrawal", [1, 2, 3, 4], TOO_LATE)
            names = {subject_id: claim.user.name for subject_id, claim in found.items()}

        assert names == {"1": "Ada", "2": "Abel"}
