"""Two workers at once: one link, one row each, and no newer word lost."""

from __future__ import annotations

import pytest

from customers import actions, linking, mirror
from customers.enums import LinkState
from customers.mirror import Told
from customers.models import Customer, Identity, Link, Profile
from staff import audit
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    IdentityFactory,
    LinkFactory,
    ProfileFactory,
    record,
)
from tests.payments.test_races import at_once, refusals
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from upstreams.enums import Upstream

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def test_two_workers_look_into_the_same_two() -> None:
    for number in range(rounds(20)):
        email = f"{number}@example.com"
        IdentityFactory(customer=CustomerFactory(email=email, phone=""))
        ProfileFactory(customer=CustomerFactory(email=email, phone=""))

        results = at_once(
            lambda: linking.match_new(at=NOW),
            lambda: linking.match_new(at=NOW),
        )

        assert not [result for result in results if isinstance(result, Exception)], results
        assert Link.objects.filter(state=LinkState.LINKED).count() == number + 1
        assert Link.objects.count() == number + 1
    assert Customer.objects.whole().count() == rounds(20)
    assert audit.verify().ok


def test_both_systems_tell_of_somebody_while_links_are_made() -> None:
    for number in range(rounds(20)):
        email = f"{number}@example.com"
        told = Told(f"1{number}", "Amara", email)
        at_lux = record(id=f"cus_{number}", email=email, phone=...)

        results = at_once(
            lambda: mirror.learn([told], upstream=Upstream.LUXCORE, at=NOW),  # noqa: B023
            lambda: mirror.store_profiles([at_lux], at=NOW),  # noqa: B023
            lambda: linking.match_new(at=NOW),
        )
        linking.match_new(at=NOW)

        assert not [result for result in results if isinstance(result, Exception)], results
        assert Link.objects.standing().count() == number + 1
    assert Customer.objects.whole().count() == rounds(20)


def test_two_people_say_different_things_of_two() -> None:
    rita, ron = UserFactory(roles=["reviewer"]), UserFactory(roles=["reviewer"])
    for _ in range(rounds(20)):
        link = LinkFactory()

        results = at_once(
            lambda: actions.accept_link(link_id=link.pk, reason="One.", by=rita, at=NOW),  # noqa: B023
            lambda: actions.dismiss_link(link_id=link.pk, reason="Two.", by=ron, at=NOW),  # noqa: B023
        )

        refusals(results, actions.LinkNotPossible)
        link.refresh_from_db()
        other = Customer.objects.get(pk=link.other_id)
        assert (other.merged_into_id is not None) == (link.state == LinkState.LINKED)
    assert audit.verify().ok


def test_a_chain_is_joined_from_both_ends() -> None:
    """a with b and b with c at the same moment: whoever comes first, all three are one."""
    by = UserFactory(roles=["reviewer"])
    for number in range(rounds(20)):
        a, b, c = (CustomerFactory(email=f"{x}{number}@example.com", phone="") for x in "abc")
        one, other = LinkFactory(other=a, into=b), LinkFactory(other=c, into=b)

        results = at_once(
            lambda: actions.accept_link(link_id=one.pk, reason="One.", by=by, at=NOW),  # noqa: B023
            lambda: actions.accept_link(link_id=other.pk, reason="One.", by=by, at=NOW),  # noqa: B023
        )

        assert not [result for result in results if isinstance(result, Exception)], results
        roots = {Customer.objects.get(pk=row.pk).root_id for row in (a, b, c)}
        assert len(roots) == 1


def test_two_words_on_one_customer() -> None:
    """A poll and an event: whoever writes last, the newer word stands."""
    for number in range(rounds(20)):
        key = f"cus_{number}"
        older = record(id=key, kyc_status="under_review", updated_at="2026-01-16T10:00:00Z")
        newer = record(id=key, kyc_status="approved", updated_at="2026-01-16T11:00:00Z")

        results = at_once(
            lambda: mirror.store_profiles([older], at=NOW),  # noqa: B023
            lambda: mirror.store_profiles([newer], at=NOW),  # noqa: B023
        )

        assert not [result for result in results if isinstance(result, Exception)], results
        profile = Profile.objects.get(customer__identities__upstream_id=key)
        assert profile.kyc_status == "approved"
    assert Identity.objects.count() == Customer.objects.count() == rounds(20)


def test_pages_in_opposite_order_do_not_wait_for_each_other() -> None:
    for number in range(rounds(10)):
        page = [record(id=f"cus_{number}_{n}", email=f"{number}_{n}@x.com") for n in range(20)]

        results = at_once(
            lambda: mirror.store_profiles(page, at=NOW),  # noqa: B023
            lambda: mirror.store_profiles(page[::-1], at=NOW),  # noqa: B023
        )

        assert not [result for result in results if isinstance(result, Exception)], results
    assert Profile.objects.count() == 20 * rounds(10)
