"""The settings pages of payments: the signing rules, to be read."""

from __future__ import annotations

from django.contrib import admin

from payments.models import Policy
from staff.admin import NothingToChange


@admin.register(Policy)
class PolicyAdmin(NothingToChange, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "version",
        "upstream",
        "currency",
        "method",
        "origin",
        "from_amount",
        "signatures",
        "roles",
        "published_at",
    )
    list_filter = ("version",)
    ordering = ("-version", "currency", "from_amount")
