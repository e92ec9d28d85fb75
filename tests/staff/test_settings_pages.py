"""The settings pages under /admin/: for admins alone, and every change through an action."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from staff import audit
from staff.models import AuditEvent, User
from staff.permissions import Permission, Role, can
from tests.staff.factories import UserFactory

NOW = datetime(2026, 11, 20, 3, 44, tzinfo=UTC)
NO_INLINES = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}


@pytest.fixture
def admin() -> User:
    return UserFactory(roles=["admin"], is_staff=True)


@pytest.fixture
def at_the_settings(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def change(client: Client, person: User, **fields: str) -> str:
    """Send the form of one person and return the page that follows."""
    form = {"name": person.name, "is_active": "on" if person.is_active else ""}
    form |= {"is_staff": "on"} if person.is_staff else {}
    data = {name: value for name, value in (form | NO_INLINES | fields).items() if value}
    url = reverse("admin:staff_user_change", args=[person.pk])
    return client.post(url, data, follow=True).content.decode()


@pytest.mark.django_db
class TestDoor:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/staff/user/", "/admin/login/"])
    @pytest.mark.parametrize(
        "who",
        [
            {"is_superuser": True, "is_staff": True},
            {"roles": ["admin"]},
            *({"roles": [role], "is_staff": True} for role in Role if role != Role.ADMIN),
        ],
        ids=str,
    )
    def test_is_closed_to_everybody_but_admins(
        self, client: Client, path: str, who: dict[str, object]
    ) -> None:
        client.force_login(UserFactory(**who))

        response = client.get(path, follow=True)

        assert response.status_code == 403

    def test_is_open_to_admins(self, at_the_settings: Client) -> None:
        assert at_the_settings.get("/admin/").status_code == 200
        assert at_the_settings.get("/admin/login/", follow=True).status_code == 200

    def test_sends_others_to_sign_in(self, client: Client) -> None:
        response = client.get("/admin/staff/user/")

        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))

    def test_shows_people_and_their_trail_and_nothing_else(self, at_the_settings: Client) -> None:
        page = at_the_settings.get("/admin/").content.decode()

        linked = set(re.findall(r'href="(/admin/[a-z]+/[a-z]+/)', page))
        assert linked == {"/admin/staff/user/", "/admin/staff/auditevent/"}

    def test_leaves_passwords_to_the_page_that_counts_tries(self, at_the_settings: Client) -> None:
        response = at_the_settings.post("/admin/password_change/", {"old_password": "guess"})

        assert response.headers["Location"] == reverse("account_change_password")

    def test_is_closed_before_raw_groups_and_addresses(self, at_the_settings: Client) -> None:
        for path in ("/admin/auth/group/", "/admin/account/emailaddress/"):
            assert at_the_settings.get(path).status_code in {403, 404}


@pytest.mark.django_db
class TestPeople:
    def test_are_invited_without_password_and_role(self, at_the_settings: Client) -> None:
        data = {"email": "New@Lightdesk.test", "name": "Nora New"}

        response = at_the_settings.post(reverse("admin:staff_user_add"), data, follow=True)

        person = User.objects.get(email="new@lightdesk.test")
        assert response.status_code == 200
        assert not person.has_usable_password()
        assert not person.held_roles
        assert AuditEvent.objects.get().verb == "staff.user.invited"

    def test_are_invited_once(self, at_the_settings: Client) -> None:
        UserFactory(email="ada@lightdesk.test")

        data = {"email": "ADA@lightdesk.test", "name": "Ada again"}
        at_the_settings.post(reverse("admin:staff_user_add"), data)

        assert User.objects.filter(email__iexact="ada@lightdesk.test").count() == 1

    def test_are_given_a_role_by_the_one_who_is_signed_in(
        self, at_the_settings: Client, admin: User
    ) -> None:
        person = UserFactory()

        change(at_the_settings, person, give="approver", reason="joins the desk")

        assert can(User.objects.get(pk=person.pk), Permission.SIGN_WITHDRAWALS)
        event = AuditEvent.objects.get()
        assert (event.verb, event.by, event.reason) == (
            "staff.role.granted",
            admin,
            "joins the desk",
        )

    def test_change_roles_in_one_go(self, at_the_settings: Client) -> None:
        person = UserFactory(roles=["maker"])

        change(at_the_settings, person, take="maker", give="approver", reason="moves desk")

        assert set(User.objects.get(pk=person.pk).held_roles) == {"approver"}

    @pytest.mark.parametrize("fields", [{"give": "maker"}, {"take": "maker"}, {"is_active": ""}])
    def test_are_not_changed_without_a_reason(
        self, at_the_settings: Client, fields: dict[str, str]
    ) -> None:
        person = UserFactory()

        page = change(at_the_settings, person, **fields)

        assert "Say why." in page
        assert not AuditEvent.objects.exists()

    def test_keep_everything_when_one_of_the_changes_is_refused(
        self, at_the_settings: Client
    ) -> None:
        person = UserFactory(roles=["maker"], name="Mara")

        page = change(at_the_settings, person, name="Mia", give="approver", reason="both")

        assert "never both Maker and Approver" in page
        assert User.objects.get(pk=person.pk).name == "Mara"
        assert not AuditEvent.objects.exists()

    def test_cannot_change_themselves(self, at_the_settings: Client, admin: User) -> None:
        page = change(at_the_settings, admin, give="viewer", reason="to look")

        assert "ask another admin" in page
        assert set(User.objects.get(pk=admin.pk).held_roles) == {"admin"}

    def test_are_disabled_and_enabled_with_a_trace(self, at_the_settings: Client) -> None:
        person = UserFactory()

        change(at_the_settings, person, is_active="", reason="left")
        assert not User.objects.get(pk=person.pk).is_active
        person.is_active = False
        change(at_the_settings, person, is_active="on", reason="came back")

        assert User.objects.get(pk=person.pk).is_active
        verbs = AuditEvent.objects.order_by("sequence").values_list("verb", flat=True)
        assert list(verbs) == ["staff.user.disabled", "staff.user.enabled"]

    def test_keep_what_the_form_does_not_show(self, at_the_settings: Client) -> None:
        person = UserFactory(email="ada@lightdesk.test")

        change(
            at_the_settings,
            person,
            email="evil@lightdesk.test",
            is_superuser="on",
            password="x",
            session_epoch="0",
        )

        after = User.objects.get(pk=person.pk)
        assert (after.email, after.is_superuser) == ("ada@lightdesk.test", False)
        assert after.password == person.password

    def test_are_never_removed(self, at_the_settings: Client) -> None:
        person = UserFactory()

        url = reverse("admin:staff_user_delete", args=[person.pk])
        response = at_the_settings.post(url, {"post": "yes"})

        assert response.status_code == 403
        assert User.objects.filter(pk=person.pk).exists()

    def test_list_costs_the_same_for_many(
        self, at_the_settings: Client, django_assert_max_num_queries: object
    ) -> None:
        for _ in range(20):
            UserFactory(roles=["maker"])

        with django_assert_max_num_queries(10):  # type: ignore[operator]
            at_the_settings.get("/admin/staff/user/")


@pytest.mark.django_db
class TestTrail:
    def test_shows_what_happened_to_people_only(self, at_the_settings: Client) -> None:
        with transaction.atomic():
            for verb, kind in (("staff.user.invited", "staff.user"), ("paid", "payments.payment")):
                audit.record(verb, (kind, "1"), by=None, at=NOW)

        page = at_the_settings.get("/admin/staff/auditevent/").content.decode()

        assert "staff.user.invited" in page
        assert "payments.payment" not in page

    def test_offers_no_way_to_change_it(self, at_the_settings: Client) -> None:
        with transaction.atomic():
            event = audit.record("staff.user.invited", ("staff.user", "1"), by=None, at=NOW)

        url = reverse("admin:staff_auditevent_change", args=[event.pk])
        assert at_the_settings.get(url).status_code == 200
        assert at_the_settings.post(url, {"reason": "x"}).status_code == 403
        assert at_the_settings.get("/admin/staff/auditevent/add/").status_code == 403
        url = reverse("admin:staff_auditevent_delete", args=[event.pk])
        assert at_the_settings.post(url, {"post": "yes"}).status_code == 403

    def test_grants_have_no_page_of_their_own(self) -> None:
        with pytest.raises(NoReverseMatch):
            reverse("admin:staff_rolegrant_add")


@pytest.mark.django_db
class TestDjangoPermissions:
    @pytest.mark.parametrize("flags", [{}, {"is_superuser": True}, {"is_staff": True}])
    def test_are_no_to_superusers_without_a_role(self, flags: dict[str, bool]) -> None:
        person = UserFactory(**(flags | {"is_superuser": True}))

        for name in ["staff.see_payments", "staff.add_user", "payments.change_withdrawal", "x", ""]:
            assert not person.has_perm(name)
        assert not person.has_perms(["staff.see_payments"])
        assert not person.has_module_perms("staff")
        assert person.get_all_permissions() == set()

    def test_speak_the_names_of_the_table(self) -> None:
        person = UserFactory(roles=["viewer"])

        assert person.has_perm("staff.see_payments")
        assert not person.has_perm("staff.sign_withdrawals")
        assert person.get_all_permissions() == {"staff.see_payments", "staff.export_lists"}

    def test_of_an_admin_end_at_the_staff(self) -> None:
        person = UserFactory(roles=["admin"], is_staff=True)

        assert person.has_perm("staff.change_user")
        assert person.has_module_perms("staff")
        for name in ["payments.view_payment", "auth.change_group", "account.add_emailaddress"]:
            assert not person.has_perm(name)
        assert not person.has_module_perms("payments")

    def test_do_not_come_from_a_group(self) -> None:
        group = Group.objects.get(name="viewer")

        assert not group.permissions.exists()
