"""What narrows the list of customers."""

from __future__ import annotations

from collections.abc import Iterator

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from customers import words
from customers.enums import CustomerKind
from customers.models import CustomerQuerySet
from customers.people import called
from staff.filters import FilterForm, choice
from upstreams.enums import Upstream

_HELD = Q(holds__lifted_at=None, holds__isnull=False)


class CustomerFilter(FilterForm):
    """Narrows the list of customers. What is true of one member is true of the whole person."""

    HELD = (
        ("yes", gettext_noop("Held")),
        ("no", gettext_noop("Not held")),
    )

    q = forms.CharField(label=_("Name, e-mail, phone or id"), max_length=255, required=False)
    kyc = choice(_("KYC at Lux Financial"), words.KYC_STATUSES.items())
    kind = choice(_("Kind"), CustomerKind.choices)
    risk = choice(_("Risk"), words.RISKS.items())
    endorsement = choice(_("May use"), words.ENDORSEMENTS.items())
    held = choice(_("Holds"), HELD)
    upstream = choice(_("Provider"), Upstream.choices)

    def __init__(self, data: QueryDict, *, with_names: bool = False) -> None:
        super().__init__(data, with_names=with_names)
        if not with_names:
            self.fields["q"].label = _("Whole e-mail or phone, or id")

    def narrow(self, rows: CustomerQuerySet) -> CustomerQuerySet:
        """Return the people that match, each once."""
        rows = rows.whole()
        for match in self._matches():
            rows = rows.people_with(match)
        if text := self.in_force.get("q"):
            rows = called(rows, text, names="icontains" if self.with_names else "")
        match self.in_force.get("held"):
            case "yes":
                rows = rows.people_with(_HELD)
            case "no":
                rows = rows.people_without(_HELD)
        return rows

    def _matches(self) -> Iterator[Q]:
        lookups = {
            "kyc": "profile__kyc_status",
            "kind": "kind",
            "risk": "profile__risk_rating",
            "endorsement": "profile__endorsements__icontains",
            "upstream": "identities__upstream",
        }
        for name, lookup in lookups.items():
            if value := self.in_force.get(name):
                yield Q(**{lookup: value})
