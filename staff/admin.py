"""The settings pages: people and their roles. Every change goes through an action."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from staff import grants, people
from staff.models import AuditEvent, RoleGrant, User
from staff.permissions import Permission, Role, can

REFUSALS = (grants.SelfGrant, grants.ExclusiveRoles, people.OwnAccount, people.AddressTaken)


class NothingToChange:
    """Rows that the settings pages show and never change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GrantInline(NothingToChange, admin.TabularInline):  # type: ignore[type-arg]
    model = RoleGrant
    fk_name = "user"
    fields = ("group", "granted_by", "granted_at")
    verbose_name_plural = "roles held"


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an admin may change of somebody, and why."""

    give = forms.ChoiceField(
        label="give a role", choices=[("", "—"), *Role.choices], required=False
    )
    take = forms.ChoiceField(
        label="take a role away", choices=[("", "—"), *Role.choices], required=False
    )
    reason = forms.CharField(
        required=False, max_length=500, help_text="Is kept in the audit trail."
    )

    class Meta:
        model = User
        fields = ("name", "is_staff", "is_active")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"give", "take", "is_active"} & set(self.changed_data) and not data.get("reason"):
            self.add_error("reason", "Say why.")
        return data


@admin.register(User)
class PersonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "name", "roles", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    inlines = (GrantInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles")
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all()) or "none"

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        kwargs["form"] = PersonForm if obj else InviteForm
        return super().get_form(request, obj, *args, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except REFUSALS as exc:
            messages.error(request, str(exc))
            return redirect(request.path)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        by, at = request.user, timezone.now()
        assert isinstance(by, User)
        if not change:
            obj.pk = people.invite(email=obj.email, name=obj.name, by=by, at=at).pk
            messages.info(request, "They set their password through “Forgotten password”.")
            return
        person, asked = User.objects.get(pk=obj.pk), form.cleaned_data
        why: dict[str, Any] = {"user": person, "by": by, "at": at, "reason": asked["reason"]}
        people.describe(user=person, name=obj.name, is_staff=obj.is_staff, by=by, at=at)
        if "is_active" in form.changed_data:
            (people.enable if asked["is_active"] else people.disable)(**why)
        if asked["take"]:
            grants.revoke_role(role=asked["take"], **why)
        if asked["give"]:
            grants.grant_role(role=asked["give"], **why)


@admin.register(AuditEvent)
class AuditEventAdmin(NothingToChange, admin.ModelAdmin):  # type: ignore[type-arg]
    """What happened to people and roles; the whole trail is for those who may read it."""

    list_display = ("sequence", "at", "verb", "subject_type", "subject_id", "by_label", "reason")
    search_fields = ("verb", "subject_id", "by_label")
    ordering = ("-sequence",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events: QuerySet[AuditEvent] = super().get_queryset(request)
        if can(request.user, Permission.READ_AUDIT):
            return events
        return events.filter(subject_type__startswith="staff.")
