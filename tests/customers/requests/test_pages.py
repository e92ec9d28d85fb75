"""The forms: who is offered them, what they say of every wrong field, what they keep."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers import actions
from customers.enums import RequestStatus
from customers.models import CustomerRequest
from tests.customers.factories import (
    CustomerRequestFactory,
    ExternalAccountFactory,
    ProfileFactory,
)
from tests.customers.lux import Place
from tests.customers.requests.asking import MARIA, US_ACCOUNT, ask_create, deliver, reviewer
from tests.staff.factories import UserFactory
from upstreams.models import Command

pytestmark = pytest.mark.django_db

BUSINESS = {"business_name": "Harbour Pty", "email": "office@example.com"}


def typed(given: Mapping[str, str]) -> dict[str, str]:
    return {name.replace(".", "_"): value for name, value in given.items()}


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(reviewer())
    return client


class TestNew:
    url = "/customers/new/"

    def test_asks_and_leads_to_the_request(self, desk: Client) -> None:
        answer = desk.post(self.url, {**typed(MARIA), "token": uuid.uuid4()}, follow=True)

        request = CustomerRequest.objects.get()
        assert request.body["address"] == {
            "line1": "Rua Augusta 100",
            "city": "São Paulo",
            "country": "BR",
        }
        assert f"{request.code} is asked for" in answer.text
        assert "Lux Financial is asked to make the customer." in answer.text
        for secret in ("maria@example.com", "+5511987654321", "1985-06-07", "Rua Augusta"):
            assert secret not in answer.text

    def test_sent_twice_asks_once(self, desk: Client) -> None:
        form = {**typed(MARIA), "token": uuid.uuid4()}

        addresses = {desk.post(self.url, form).headers["Location"] for _ in range(2)}

        assert len(addresses) == 1
        assert Command.objects.count() == 1

    @pytest.mark.parametrize(
        ("kind", "field", "value"),
        [
            ("individual", "first_name", ""),
            ("individual", "last_name", ""),
            ("individual", "email", ""),
            ("individual", "email", "maria"),
            ("individual", "phone", "0411"),
            ("individual", "date_of_birth", "1.2.90"),
            ("individual", "ssn_last_4", "12"),
            ("individual", "address_country", "XX"),
            ("individual", "address_city", "a\u200bb"),
            ("business", "business_name", ""),
            ("business", "business_type", "club"),
            ("business", "website", "harbour"),
            ("business", "business_email", "x"),
            ("business", "business_phone", "1"),
            ("business", "incorporation_date", "2015"),
            ("business", "incorporation_country", "EU"),
            ("business", "industry", "s" * 256),
        ],
    )
    def test_says_what_is_wrong_with_every_field(
        self, desk: Client, kind: str, field: str, value: str
    ) -> None:
        given = typed(MARIA) if kind == "individual" else BUSINESS
        form = {**given, field: value, "token": uuid.uuid4()}

        answer = desk.post(f"{self.url}?type={kind}", form)

        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.text
        assert answer.text.count('class="errors"') == 1
        assert given["email"] in answer.text or field == "email"  # what was typed stays
        assert not CustomerRequest.objects.exists()

    def test_is_about_one_kind_at_a_time(self, desk: Client) -> None:
        person, business = desk.get(self.url).text, desk.get(f"{self.url}?type=business").text

        assert ("id_first_name" in person, "id_business_name" in person) == (True, False)
        assert ("id_first_name" in business, "id_business_name" in business) == (False, True)

    def test_is_offered_to_those_who_may(self, client: Client) -> None:
        for role, is_offered in (("reviewer", True), ("viewer", False)):
            client.force_login(UserFactory(roles=[role]))
            shown = client.get(reverse("customers:customers")).text
            assert (self.url in shown) is is_offered


class TestEdit:
    def open(self, desk: Client, **profile: Any) -> tuple[str, dict[str, str]]:
        """The address of the form, and what a browser would send back of it untouched."""
        self.profile = ProfileFactory(**profile)
        url = reverse("customers:edit", args=[self.profile.customer_id])
        form = desk.get(url).context["form"]
        return url, {one.html_name: str(one.value() or "") for one in form}

    def test_pre_fills_nothing_that_nobody_may_read(self, desk: Client) -> None:
        url, form = self.open(desk)

        shown = desk.get(url).text

        assert (form["first_name"], form["address_city"]) == ("James", "Sydney")
        assert {form[name] for name in ("email", "phone", "date_of_birth", "address_line1")} == {""}
        for secret in ("james@example.com", "+61412345678", "1990-01-31", "1 King Street"):
            assert secret not in shown
        assert "Now j••••@e••••.com. Leave empty to keep." in shown

    def test_shows_the_difference_before_it_goes(self, desk: Client) -> None:
        url, form = self.open(desk)
        form |= {"address_city": "Hobart", "phone": "+61498765432"}

        question = desk.post(url, form)

        assert not CustomerRequest.objects.exists()
        for words in ("Sydney", "Hobart", "+61••••678", "+61498765432", "these 2 fields"):
            assert words in question.text
        desk.post(url, {**form, "confirm": "1"})
        assert CustomerRequest.objects.get().body == {
            "phone": "+61498765432",
            "address": {"city": "Hobart"},
        }

    def test_leads_back_to_the_form_with_what_was_typed(self, desk: Client) -> None:
        url, form = self.open(desk)

        answer = desk.post(url, {**form, "address_city": "Hobart", "again": "1"})

        assert answer.status_code == 200
        assert 'value="Hobart"' in answer.text

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "x"),
            ("phone", "12"),
            ("date_of_birth", "x"),
            ("first_name", ""),
            ("address_city", ""),
            ("address_country", "XX"),
            ("last_name", "a\u202eb"),
        ],
    )
    def test_says_what_is_wrong_with_every_field(
        self, desk: Client, field: str, value: str
    ) -> None:
        url, form = self.open(desk)

        answer = desk.post(url, {**form, field: value})

        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.text
        assert answer.text.count('class="errors"') == 1

    def test_of_nothing_says_so(self, desk: Client) -> None:
        url, form = self.open(desk)

        answer = desk.post(url, form)

        assert answer.status_code == 422
        assert "Nothing is different" in answer.text

    def test_of_what_changed_meanwhile_keeps_what_was_typed(self, desk: Client) -> None:
        url, form = self.open(desk)
        form |= {"last_name": "Smythe", "confirm": "1"}
        self.profile.address["city"], self.profile.phone = "Perth", "+61499999999"
        self.profile.save()

        late = desk.post(url, form)

        assert late.status_code == 409
        assert not CustomerRequest.objects.exists()
        for words in ("<del>Sydney</del>", "<ins>Perth</ins>", "<ins>+61••••999</ins>", "Smythe"):
            assert words in late.text
        again = {one.html_name: str(one.value() or "") for one in late.context["form"]}
        assert (again["address_city"], again["last_name"]) == ("Perth", "Smythe")
        desk.post(url, {**again, "confirm": "1"})
        assert CustomerRequest.objects.get().body == {"last_name": "Smythe"}

    def test_knows_a_business(self, desk: Client) -> None:
        url, form = self.open(desk, business_kind=True)

        desk.post(url, {**form, "industry": "Fishing", "confirm": "1"})

        assert CustomerRequest.objects.get().body == {"industry": "Fishing"}

    def test_is_of_whom_lux_knows(self, desk: Client) -> None:
        luxcore_s = CustomerRequestFactory(customer=None, target="x")
        assert luxcore_s.customer is None
        profile = ProfileFactory()
        stranger = ProfileFactory._meta.model.customer.field.related_model.objects.create(
            name="Nobody", created_at=timezone.now()
        )

        assert desk.get(reverse("customers:edit", args=[stranger.pk])).status_code == 404
        stranger.merged_into = profile.customer
        stranger.save()
        assert desk.get(reverse("customers:edit", args=[stranger.pk])).status_code == 200


class TestDelete:
    def test_needs_a_reason_and_asks(self, desk: Client) -> None:
        profile = ProfileFactory()
        url = reverse("customers:delete", args=[profile.customer_id])

        assert desk.post(url, {"reason": " "}).status_code == 422
        answer = desk.post(url, {"reason": "They asked."}, follow=True)

        assert "asked to delete" in answer.text
        assert "They asked." in answer.text

    def test_says_that_something_is_on_its_way(self, desk: Client) -> None:
        request = CustomerRequestFactory()
        url = reverse("customers:delete", args=[request.customer_id])

        answer = desk.post(url, {"reason": "They asked."})

        assert answer.status_code == 422
        assert "on its way already" in answer.text


class TestAccounts:
    def url(self, kind: str = "us_bank_account") -> str:
        self.profile = ProfileFactory()
        address = reverse("customers:account-new", args=[self.profile.customer_id])
        return f"{address}?type={kind}"

    def test_asks_and_shows_the_last_digits_alone(self, desk: Client) -> None:
        answer = desk.post(self.url(), {**US_ACCOUNT, "token": uuid.uuid4()}, follow=True)

        assert "••••6789" in answer.text
        assert US_ACCOUNT["account_number"] not in answer.text

    @pytest.mark.parametrize(
        ("kind", "field", "value"),
        [
            ("us_bank_account", "account_name", ""),
            ("us_bank_account", "account_type", "gold"),
            ("us_bank_account", "routing_number", "1"),
            ("us_bank_account", "account_number", "x"),
            ("international_bank_account", "iban", "IE30AIBK93115212345678"),
            ("international_bank_account", "bic", "x"),
            ("international_bank_account", "bank_country", "EU"),
            ("mx_bank_account", "clabe", "1"),
            ("crypto_address", "chain", "dogecoin"),
            ("crypto_address", "address", "0x"),
        ],
    )
    def test_says_what_is_wrong_with_every_field(
        self, desk: Client, kind: str, field: str, value: str
    ) -> None:
        whole = {
            **US_ACCOUNT,
            "iban": "IE29AIBK93115212345678",
            "bic": "AIBKIE2D",
            "bank_name": "AIB",
            "bank_country": "IE",
            "clabe": "032180000118359719",
            "chain": "base",
            "address": "0x" + "5a" * 20,
        }

        answer = desk.post(self.url(kind), {**whole, field: value, "token": uuid.uuid4()})

        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.text
        assert answer.text.count('class="errors"') == 1

    def test_asks_twice_what_looks_wrong(self, desk: Client) -> None:
        url = self.url()
        form = {**US_ACCOUNT, "routing_number": "101019645", "token": uuid.uuid4()}

        doubted = desk.post(url, form)

        assert doubted.status_code == 422
        assert "check digit of this routing number" in doubted.text
        assert "It is right as I typed it" in doubted.text
        assert desk.post(url, {**form, "is_sure": "on"}).status_code == 302

    def test_verifies_with_two_amounts(self, desk: Client) -> None:
        account = ExternalAccountFactory()
        url = reverse("customers:account-verify", args=[account.customer_id, account.pk])

        wrong = desk.post(url, {"first": "0.1", "second": "0.34"})
        desk.post(url, {"first": "0.12", "second": "0.34"})

        assert (wrong.status_code, 'id="id_first_error"' in wrong.text) == (422, True)
        assert CustomerRequest.objects.get().body == {"amounts": ["0.12", "0.34"]}

    def test_of_somebody_else_is_not_there(self, desk: Client) -> None:
        account, other = ExternalAccountFactory(), ProfileFactory()

        for name in ("customers:account-verify", "customers:account-remove"):
            url = reverse(name, args=[other.customer_id, account.pk])
            assert desk.get(url).status_code == 404


class TestWallets:
    def test_of_several_parties_names_its_shares(self, desk: Client) -> None:
        profile = ProfileFactory()
        url = f"{reverse('customers:wallet-new', args=[profile.customer_id])}?type=mpc"
        form = {"label": "Main", "chains": ["base", "lux"], "threshold": "4", "parties": "3"}

        wrong = desk.post(url, {**form, "token": uuid.uuid4()})
        desk.post(url, {**form, "threshold": "2", "token": uuid.uuid4()})

        assert (wrong.status_code, 'id="id_threshold_error"' in wrong.text) == (422, True)
        assert CustomerRequest.objects.get().body["mpc_config"] == {"threshold": 2, "parties": 3}

    def test_warns_without_the_endorsement(self, desk: Client) -> None:
        lacking, endorsed = ProfileFactory(), ProfileFactory(endorsements=["can_hold_custody"])

        shown = [
            desk.get(reverse("customers:wallet-new", args=[one.customer_id])).text
            for one in (lacking, endorsed)
        ]

        assert ["Custodial wallets" in text for text in shown] == [True, False]


class TestTheRequest:
    def test_shows_the_fields_that_were_refused(self, place: Place, desk: Client) -> None:
        place.customer(email=MARIA["email"])
        request = ask_create(place)
        deliver(request)

        shown = desk.get(request.get_absolute_url()).text

        assert "Somebody else has this e-mail" in shown
        assert "Email:" in shown
        assert MARIA["email"] not in shown

    def test_lives_until_it_is_settled(self, place: Place, desk: Client) -> None:
        request = ask_create(place)
        url = reverse("customers:request-live", args=[request.code])

        before = desk.get(url)
        deliver(request)
        after = desk.get(url)

        assert (before.status_code, after.status_code) == (200, 286)
        assert "Lux Financial made the customer." in after.text

    def test_of_unknown_outcome_is_looked_for_and_settled(self, place: Place, desk: Client) -> None:
        place.fault("drop_before", method="POST", path="/customers")
        request = ask_create(place)
        deliver(request)
        Command.objects.update(next_at=None)
        shown = desk.get(request.get_absolute_url()).text
        look = reverse("customers:request-look", args=[request.code])
        settle = reverse("customers:request-settle", args=[request.code])
        assert (look in shown, settle in shown) == (True, True)

        wrong = desk.post(settle, {"outcome": "made", "reason": "Seen."})
        answer = desk.post(settle, {"outcome": "none", "reason": "Not there."}, follow=True)

        assert (wrong.status_code, 'id="id_made_error"' in wrong.text) == (422, True)
        assert "it was not carried out. Not there." in answer.text
        assert "is not unknown" in desk.post(look, follow=True).text

    def test_stands_on_the_page_of_the_customer(self, desk: Client) -> None:
        request = CustomerRequestFactory(created_at=timezone.now())

        shown = desk.get(reverse("customers:customer", args=[request.customer_id])).text
        live = desk.get(reverse("customers:requests-live", args=[request.customer_id]))

        assert (request.code in shown, request.code in live.text) == (True, True)
        assert live.status_code == 200
        CustomerRequest.objects.update(status=RequestStatus.MADE, body={})
        assert desk.get(live.request["PATH_INFO"]).status_code == 286

    def test_repeats_no_name_to_those_who_may_not_read_it(self, client: Client) -> None:
        request = CustomerRequestFactory(
            kind="delete", body={}, told={}, reason="James Smith of James@example.com asked."
        )

        shown = {}
        for role in ("viewer", "agent"):
            client.force_login(UserFactory(roles=[role]))
            shown[role] = client.get(request.get_absolute_url()).text

        assert ("James Smith" in shown["viewer"], "James Smith" in shown["agent"]) == (True, False)
        assert not any("James@example.com" in page for page in shown.values())

    def test_many_cost_as_many_queries_as_one(self, desk: Client) -> None:
        first = CustomerRequestFactory(created_at=timezone.now())
        url = reverse("customers:requests-live", args=[first.customer_id])
        counts = []
        for _ in range(2):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                desk.get(url)
            counts.append(len(queries))
            for _ in range(3):
                CustomerRequestFactory(
                    customer=first.customer,
                    kind="add_wallet",
                    target="",
                    created_by=first.created_by,
                    created_at=timezone.now(),
                )

        assert counts[0] == counts[1]


def test_a_desk_without_a_key_says_so(desk: Client) -> None:
    profile = ProfileFactory()

    shown = [
        desk.get(reverse(name, args=[profile.customer_id])).text
        for name in ("customers:edit", "customers:delete", "customers:wallet-new")
    ]

    assert all("Lux Financial is not configured" in text for text in shown)


def test_what_is_asked_for_waits_while_there_is_no_key(desk: Client) -> None:
    made = actions.create_customer(
        kind="individual", given=MARIA, token=uuid.uuid4(), by=reviewer(), at=timezone.now()
    )

    deliver(made)

    assert made.status == RequestStatus.QUEUED
    assert "could not be sent yet" in desk.get(made.get_absolute_url()).text
