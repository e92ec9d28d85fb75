"""Who works here and what they did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import auth
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_noop as _


def normalise_email(email: str) -> str:
    """The one spelling of an address that is stored and looked up."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, email: str, password: str | None = None, **fields: Any) -> User:
        """Create somebody who may open the settings pages; it gives no business right."""
        return self.create_user(
            email=email, password=password, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=normalise_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person at the desk. Rights come from roles alone: `is_superuser` gives none."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the settings pages", default=False)
    joined_at = models.DateTimeField(default=timezone.now)
    session_epoch = models.PositiveIntegerField(default=0)
    time_zone = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=8, blank=True)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    letter_keys = models.BooleanField(default=True)

    groups = models.ManyToManyField(  # type: ignore[assignment]
        Group,
        through="RoleGrant",
        through_fields=("user", "group"),
        related_name="user_set",
        related_query_name="user",
        verbose_name="roles",
    )
    user_permissions = None  # type: ignore[assignment]  # roles are the one source of rights

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            # Sign-in looks addresses up in lower case: another spelling would be a second person.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_lowered")
        ]

    def __str__(self) -> str:
        return self.email

    @cached_property
    def held_roles(self) -> Mapping[str, datetime]:
        """Names of the roles held, each with the moment it was granted. One query per instance.

        A request loads its user afresh, so what was revoked is gone at the next request.
        """
        return dict(self.grants.values_list("group__name", "granted_at"))

    def forget_roles(self) -> None:
        """Read the roles again when they are next asked for."""
        self.__dict__.pop("held_roles", None)

    def clean(self) -> None:
        super().clean()
        self.email = normalise_email(self.email)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self.forget_roles()
        super().refresh_from_db(*args, **kwargs)

    def get_session_auth_hash(self) -> str:
        """What every session of this person must carry: raising the epoch ends them all."""
        return f"{super().get_session_auth_hash()}.{self.session_epoch}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for fallback in super().get_session_auth_fallback_hash():
            yield f"{fallback}.{self.session_epoch}"

    # Django answers yes to everything for superusers before it asks a backend. Here the backend,
    # and so the table of roles, is always asked.

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return any(backend.has_perm(self, perm, obj) for backend in auth.get_backends())

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(
            backend.has_module_perms(self, app_label)  # type: ignore[attr-defined]
            for backend in auth.get_backends()
        )


class RoleGrant(models.Model):
    """One role that one person holds. The roles themselves are data in `permissions.py`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="grants")
    granted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="one_grant_per_role")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.group_id}"


class AppendOnlyError(TypeError):
    """What is kept for ever was about to be changed or removed."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def about(self, *, subject_type: str, subject_id: str) -> AuditEventQuerySet:
        return self.filter(subject_type=subject_type, subject_id=subject_id).order_by("sequence")

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("Audit events are never changed")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise AppendOnlyError("Audit events are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit events are never removed")

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[AuditEvent]:
        raise AppendOnlyError("Audit events are recorded by audit.record and audit.record_all")

    def append(self, events: list[AuditEvent]) -> list[AuditEvent]:
        """Insert the next links of the chain. For `audit` alone."""
        return super().bulk_create(events, batch_size=100)

    def _raw_delete(self, using: str | None) -> int:
        raise AppendOnlyError("Audit events are never removed")


class AuditEvent(models.Model):
    """One thing that somebody, or the desk itself, did. A link in a hash chain; append-only."""

    sequence = models.PositiveBigIntegerField(unique=True)
    verb = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=254)
    at = models.DateTimeField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=45, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id", "sequence"])]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.verb}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("Audit events are never changed")
        super().save(force_insert=True)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit events are never removed")


class ClaimQuerySet(models.QuerySet["Claim"]):
    def live(self, *, at: datetime) -> ClaimQuerySet:
        return self.filter(expires_at__gt=at)


class Claim(models.Model):
    """A lease on one thing: "I am looking at this". It is not a lock and stops no decision."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    claimed_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"], name="one_claim_per_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id} by {self.user_id}"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def offered_to(self, person: User, *, page: str) -> SavedViewQuerySet:
        """What this person may choose from on this page: their own, and what others share."""
        return self.filter(models.Q(owner=person) | models.Q(is_shared=True), page=page)


class SavedView(models.Model):
    """A list as somebody likes to look at it: its filters, order and columns, under a name.

    `page` is the name of the list's address, `query` what stands behind its question mark.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=80)
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    is_shared = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="one_view_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class FirstView(models.Model):
    """The view with which a list opens for one person."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=80)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="opens_for")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "page"], name="one_first_view_per_page")
        ]

    def __str__(self) -> str:
        return f"{self.page} opens with view {self.view_id} for {self.person_id}"


class Draft(models.Model):
    """What somebody typed about one thing and has not sent yet. For their eyes alone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "subject_type", "subject_id"], name="one_draft_per_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id} by {self.user_id}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, *, at: datetime) -> ApiTokenQuerySet:
        """Tokens that open the door, as far as the token itself goes."""
        return self.filter(revoked_at=None, expires_at__gt=at)

    def newest_first(self) -> ApiTokenQuerySet:
        return self.order_by("-created_at", "-pk")


class ApiToken(models.Model):
    """A key by which another system of the company speaks for one person.

    Its secret is known to that system alone: kept is a hash, and the beginning that names it.
    """

    class State(models.TextChoices):
        LIVE = "live", _("Live")
        EXPIRED = "expired", _("Expired")
        REVOKED = "revoked", _("Revoked")

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        indexes = [
            # A person's own tokens, newest first.
            models.Index(fields=["owner", "-created_at", "-id"], name="token_of_owner"),
        ]

    def __str__(self) -> str:
        return self.prefix

    def state(self, *, at: datetime) -> State:
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at <= at else self.State.LIVE


class RevealQuerySet(models.QuerySet["Reveal"]):
    def of(self, subjects: Iterable[tuple[str, str]]) -> RevealQuerySet:
        """Those of these things, as `audit.subject_of` names them."""
        wanted = models.Q(pk=None)
        by_type: dict[str, set[str]] = {}
        for subject_type, subject_id in subjects:
            by_type.setdefault(subject_type, set()).add(subject_id)
        for subject_type, ids in by_type.items():
            wanted |= models.Q(subject_type=subject_type, subject_id__in=ids)
        return self.filter(wanted)

    def newest_first(self) -> RevealQuerySet:
        return self.order_by("-at", "-pk")

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("The ledger of reveals is never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Nothing leaves the ledger of reveals")

    def _raw_delete(self, using: str | None) -> int:
        raise AppendOnlyError("Nothing leaves the ledger of reveals")


class Reveal(models.Model):
    """Somebody looked at one masked value: who, which, why, until when. Never what. Append-only."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    field = models.CharField(max_length=60)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()
    expires_at = models.DateTimeField()

    objects = RevealQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-at"], name="reveals_of_subject"),
            # How often somebody looked within the hour.
            models.Index(fields=["by", "at"], name="reveals_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.subject_type} {self.subject_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("The ledger of reveals is never changed")
        super().save(force_insert=True)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Nothing leaves the ledger of reveals")
