"""Which customers are one person."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from customers.enums import LinkState
from customers.models.customers import Customer


class LinkQuerySet(models.QuerySet["Link"]):
    def standing(self) -> LinkQuerySet:
        return self.filter(state=LinkState.LINKED)

    def with_sides(self) -> LinkQuerySet:
        """With everything that tells one of the two from the other."""
        rows = self.select_related("by", "other__profile", "into__profile")
        return rows.prefetch_related("other__identities", "into__identities")

    def suggested(self) -> LinkQuerySet:
        return self.filter(state=LinkState.SUGGESTED)


class Link(models.Model):
    """ "These two are one": suggested, accepted or dismissed, and taken apart again.

    `other` is the row that `into` stands for while the link stands. `by` None: the documented
    matching order found one candidate and no more (upstreams.md §3.10).
    """

    other = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="links")
    into = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=LinkState)
    why = models.JSONField(default=list)  # what agrees: "email", "phone", "name"
    made_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(other=F("into")), name="link_of_two"),
            models.UniqueConstraint(
                fields=["other"], condition=Q(state="linked"), name="one_standing_link"
            ),
            models.UniqueConstraint(
                fields=["other", "into"],
                condition=Q(state__in=["suggested", "dismissed"]),
                name="suggested_once",
            ),
        ]

    def __str__(self) -> str:
        return f"customer {self.other_id} {self.state} customer {self.into_id}"
