"""Views of a list that are kept, shared, opened first; and its columns."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client

from staff import saved_views
from staff.models import FirstView, SavedView, User
from tests.payments.factories import NOW, WithdrawalFactory
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

PAGE, PATH = "payments:withdrawals", "/withdrawals/"


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def save(client: Client, *, name: str = "Mexico", query: str = "currency=MXN", **more: str) -> str:
    """Save a view as the form does; return where it leads."""
    fields = {"page": PAGE, "name": name, "query": query, **more}
    return client.post("/preferences/views/", fields).headers["Location"]


@pytest.fixture
def me() -> User:
    return UserFactory(roles=["approver"])


@pytest.fixture
def colleague() -> User:
    return UserFactory(roles=["maker"])


class TestSaving:
    def test_keeps_what_the_list_shows_and_offers_it_by_name(self, me: User) -> None:
        client = client_of(me)

        where = save(client, query="tab=all&currency=MXN&after=x~1&view=&size=50&column=rail")

        assert where == "/withdrawals/?column=rail&currency=MXN&size=50&tab=all"
        page = client.get(where).content.decode()
        assert "Mexico" in page

    def test_writes_over_the_view_of_the_same_name(self, me: User) -> None:
        client = client_of(me)

        save(client)
        save(client, query="currency=ARS")

        assert SavedView.objects.get().query == "currency=ARS"

    @pytest.mark.parametrize("name", ["", "   ", "x" * 61])
    def test_refuses_a_name_that_is_none(self, me: User, name: str) -> None:
        client = client_of(me)

        where = save(client, name=name)

        assert where == "/withdrawals/?currency=MXN"
        assert "Give the view a name" in client.get(where).content.decode()
        assert not SavedView.objects.exists()

    @pytest.mark.parametrize("page", ["", "nowhere", "payments:withdrawal"])
    def test_knows_no_other_page(self, me: User, page: str) -> None:
        fields = {"page": page, "name": "x", "query": ""}

        assert client_of(me).post("/preferences/views/", fields).status_code == 404

    def test_has_its_bounds(self, me: User) -> None:
        for number in range(saved_views.MOST):
            saved_views.keep(
                owner=me, page=PAGE, name=f"{number}", query="", is_shared=False, at=NOW
            )

        with pytest.raises(saved_views.ViewNotPossible, match="30 views"):
            saved_views.keep(owner=me, page=PAGE, name="more", query="", is_shared=False, at=NOW)
        with pytest.raises(saved_views.ViewNotPossible, match="too much"):
            long = f"q={'x' * 2_000}"
            saved_views.keep(owner=me, page=PAGE, name="0", query=long, is_shared=False, at=NOW)


class TestSharing:
    def test_offers_it_to_the_others_who_cannot_take_it_away(
        self, me: User, colleague: User
    ) -> None:
        save(client_of(me), is_shared="1")
        view, other = SavedView.objects.get(), client_of(colleague)

        assert "Mexico" in other.get(PATH).content.decode()
        forgetting = other.post(f"/preferences/views/{view.pk}/", {"do": "forget"})
        assert forgetting.status_code == 404
        assert SavedView.objects.exists()

    def test_shows_nobody_what_is_not_shared(self, me: User, colleague: User) -> None:
        save(client_of(me))
        view, other = SavedView.objects.get(), client_of(colleague)

        assert "Mexico" not in other.get(PATH).content.decode()
        opening = other.post(f"/preferences/views/{view.pk}/", {"do": "default"})
        assert opening.status_code == 404

    @pytest.mark.parametrize("field", ["q", "customer", "person", "reference", "beneficiary"])
    def test_refuses_a_view_that_looks_for_somebody(self, me: User, field: str) -> None:
        client = client_of(me)

        where = save(client, query=f"{field}=James", is_shared="1")

        assert not SavedView.objects.exists()
        assert "looks for somebody" in client.get(where).content.decode()

    def test_ends_for_those_who_open_it_first(self, me: User, colleague: User) -> None:
        save(client_of(me), is_shared="1")
        saved_views.open_first(view=SavedView.objects.get(), person=colleague)

        save(client_of(me))

        assert not FirstView.objects.exists()


class TestOpeningFirst:
    def test_opens_the_list_with_it(self, me: User) -> None:
        client = client_of(me)
        save(client)

        client.post(f"/preferences/views/{SavedView.objects.get().pk}/", {"do": "default"})

        assert client.get(PATH).headers["Location"] == "/withdrawals/?currency=MXN"

    def test_leaves_an_address_that_asks_for_something_as_it_is(self, me: User) -> None:
        client = client_of(me)
        save(client)
        saved_views.open_first(view=SavedView.objects.get(), person=me)

        assert client.get(f"{PATH}?tab=all").status_code == 200
        cleared = client.get(f"{PATH}?currency=MXN").context["cleared"]
        assert client.get(f"{PATH}{cleared}").status_code == 200

    def test_can_be_undone(self, me: User) -> None:
        client = client_of(me)
        save(client)
        view = SavedView.objects.get()
        saved_views.open_first(view=view, person=me)

        client.post(f"/preferences/views/{view.pk}/", {"do": "unset"})

        assert client.get(PATH).status_code == 200

    def test_is_one_persons_own(self, me: User, colleague: User) -> None:
        save(client_of(me), is_shared="1")
        saved_views.open_first(view=SavedView.objects.get(), person=me)

        assert client_of(colleague).get(PATH).status_code == 200

    def test_ends_with_the_view(self, me: User) -> None:
        client = client_of(me)
        save(client)
        view = SavedView.objects.get()
        saved_views.open_first(view=view, person=me)

        client.post(f"/preferences/views/{view.pk}/", {"do": "forget"})

        assert client.get(PATH).status_code == 200


def test_an_address_is_spelled_in_one_way() -> None:
    shown = QueryDict("tab=all&currency=MXN&q=&after=x~1&column=b&column=a&since=2026&view=")

    assert saved_views.normal(shown) == "column=b&column=a&currency=MXN&tab=all"


class TestColumns:
    def test_shows_all_until_some_are_chosen(self, me: User) -> None:
        WithdrawalFactory()

        page = client_of(me).get(f"{PATH}?tab=all")

        assert page.context["columns"].hiding == ""

    def test_hides_what_is_not_chosen_but_never_what_a_row_is_known_by(self, me: User) -> None:
        page = client_of(me).get(f"{PATH}?tab=all&column=rail&column=nonsense")

        columns = page.context["columns"]
        shown = {column.key for column in columns.every if columns.shows(column)}
        assert shown == {"due", "code", "recipient", "amount", "rail"}
        # The first place is the box to pick a row with.
        assert columns.hiding == "without-7 without-8 without-9 without-10 without-11"
        assert f'class="table rows cards {columns.hiding}"' in page.content.decode()

    def test_are_kept_by_filters_tabs_and_pages(self, me: User) -> None:
        page = client_of(me).get(f"{PATH}?tab=all&column=rail").content.decode()

        assert page.count('<input type="hidden" name="column" value="rail">') == 1
        assert "?column=rail&amp;tab=mine" in page

    def test_asking_for_all_takes_the_choice_back(self, me: User) -> None:
        page = client_of(me).get(f"{PATH}?tab=all&column=rail")

        assert page.context["columns"].all_address == "?tab=all"

    @pytest.mark.parametrize(
        "path", ["/withdrawals/", "/payments/", "/beneficiaries/", "/trades/", "/customers/"]
    )
    def test_head_every_list(self, me: User, path: str) -> None:
        page = client_of(me).get(path)

        head = page.content.decode().partition("<thead>")[2].partition("</thead>")[0]
        assert head.count("<th ") == len(page.context["columns"])
