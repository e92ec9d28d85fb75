"""One KYC case: the evidence, the decision rail, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from customers import words
from customers.actions.decisions import against_deciding
from customers.actions.errors import BROUGHT_IT, PROPOSED_IT
from customers.documents import viewing
from customers.enums import CaseStatus, DocumentVerdict, Outcome, ProposalState
from customers.forms.cases import DecisionForm
from customers.kyc import (
    checklist,
    comparing,
    evidence,
    history,
    queue,
    reasons,
    sending,
    standing,
    statuses,
)
from customers.kyc.checklist import Ticked
from customers.kyc.queue import SUBJECT
from customers.models import (
    ON_ITS_WAY,
    REVIEWABLE,
    Customer,
    Hold,
    KycCase,
    Profile,
    Proposal,
)
from customers.people import profile_of
from customers.screening import showing
from customers.sight import Sight
from customers.views.cases import CasesView, minutes_left
from customers.views.documents import lines
from staff import claims, drafts, lists
from staff.models import Claim, Draft
from staff.permissions import Permission, can, permission_required
from staff.timelines import Entry
from upstreams.outbox import waits_for_people

SHARING = 10  # customers who share contact data, named one by one


def find(code: str) -> KycCase:
    """The case with its customer and what Lux Financial tells of them, or the 404."""
    return get_object_or_404(KycCase.objects.select_related("customer__profile"), code=code)


class Page:
    """All that the page of one case shows to one person at one moment."""

    def __init__(self, request: HttpRequest, case: KycCase) -> None:
        self.view = CasesView(request)
        self.person, self.now = self.view.person, self.view.now
        self.case = case
        self.sight = Sight.comparing(self.person)
        self.may_propose = can(self.person, Permission.PROPOSE_KYC)
        self.may_confirm = can(self.person, Permission.CONFIRM_KYC)

    # --- Where it stands --------------------------------------------------------------------------

    @property
    def profile(self) -> Profile | None:
        return profile_of(self.case.customer)

    @property
    def name(self) -> str:
        return self.sight.name(self.case.customer.name) or gettext("not named")

    @property
    def theirs(self) -> str:
        return words.say(words.KYC_STATUSES, self.profile.kyc_status) if self.profile else ""

    @property
    def risk(self) -> str:
        return words.say(words.RISKS, self.profile.risk_rating) if self.profile else ""

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody is to work on it now."""
        return self.case.status in REVIEWABLE and self.profile is not None

    @property
    def is_proposed(self) -> bool:
        return self.case.status == CaseStatus.PROPOSED

    @property
    def is_on_its_way(self) -> bool:
        return self.case.status in ON_ITS_WAY

    @property
    def disagrees(self) -> bool:
        """Whether Lux Financial says something else than what was decided here."""
        if self.case.status != CaseStatus.DECIDED or self.profile is None:
            return False
        wanted = statuses.TARGETS[Outcome(self.case.outcome)]
        return bool(self.profile.kyc_status != wanted)

    @property
    def waits_for_people(self) -> bool:
        """Whether no machine looks for a lost answer any more."""
        if self.case.status != CaseStatus.UNKNOWN:
            return False
        command = sending.newest_command(self.case)
        return command is not None and waits_for_people(command)

    @property
    def status_reason(self) -> str:
        """Why it stands there, as far as that was said, without personal values."""
        said = self.case.status_reason
        return self._readable(gettext(said)) if said else ""

    @cached_property
    def place(self) -> lists.Place[KycCase]:
        return lists.place(self.view.rows(), order=self.view.order, row=self.case)

    @property
    def place_words(self) -> str:
        place = self.place
        if place.position is None:
            return gettext("not in this queue, %(total)s there") % {"total": place.total}
        told = {"position": place.position, "total": place.total}
        return gettext("%(position)s of %(total)s") % told

    @property
    def previous(self) -> str:
        return self.view.address(self.place.previous) if self.place.previous else ""

    @property
    def next(self) -> str:
        return self.view.address(self.place.next) if self.place.next else ""

    @cached_property
    def upcoming(self) -> queue.Next | None:
        found = queue.upcoming(self.person, now=self.now, but=self.case.pk)
        return found[0] if found else None

    # --- Claim ------------------------------------------------------------------------------------

    @cached_property
    def claim(self) -> Claim | None:
        pk = str(self.case.pk)
        return claims.for_subjects(SUBJECT, [pk], self.now).get(pk)

    @property
    def is_mine(self) -> bool:
        return self.claim is not None and self.claim.user_id == self.person.pk

    @property
    def claim_minutes(self) -> int:
        return minutes_left(self.claim, self.now) if self.claim else 0

    @property
    def may_claim(self) -> bool:
        return self.may_propose and (self.is_reviewed or self.is_proposed)

    # --- Evidence ---------------------------------------------------------------------------------

    @cached_property
    def them(self) -> list[Customer]:
        """The customer and whoever is known to be the same person."""
        rows = Customer.objects.same_as(self.case.customer).prefetch_related("identities")
        return list(rows.order_by("pk"))

    @property
    def ids(self) -> list[int]:
        return [one.pk for one in self.them]

    @cached_property
    def points(self) -> list[Ticked]:
        return checklist.told(self.case.checklist, self.profile) if self.profile else []

    @property
    def lines(self) -> list[comparing.Line]:
        if self.profile is None:
            return []
        others = [one for one in self.them if one.pk != self.case.customer_id]
        ticks = {one.point.code: one for one in self.points}
        return comparing.lines(self.profile, others=others, ticks=ticks, sight=self.sight)

    @cached_property
    def checks(self) -> list[standing.Check]:
        return standing.checks(self.case, self.profile) if self.profile else []

    @property
    def open_checks(self) -> int:
        """How many things still stand against an approval."""
        return sum(check.level == standing.BLOCK for check in self.checks)

    @cached_property
    def viewer(self) -> viewing.Viewer:
        word = self.view.query.get(viewing.PARAMETER, "")
        back = self.view.address(self.case)
        return viewing.viewer(self.case.customer, person=self.person, word=word, back=back)

    @cached_property
    def holds(self) -> list[Hold]:
        rows = Hold.objects.in_force().filter(customer__in=self.ids)
        return list(rows.select_related("placed_by").order_by("placed_at", "pk"))

    @property
    def hold_lines(self) -> list[tuple[Hold, str]]:
        return [(hold, self._readable(hold.reason)) for hold in self.holds]

    @cached_property
    def sharing(self) -> list[tuple[Customer, str, list[str]]]:
        """Others with the same phone or e-mail, who are not known to be the same person."""
        keys = {one.email_key for one in self.them} - {""}
        phones = {one.phone_key for one in self.them} - {""}
        rows = (
            Customer.objects.filter(Q(email_key__in=keys) | Q(phone_key__in=phones))
            .exclude(pk__in=self.ids)
            .order_by("pk")[:SHARING]
        )
        return [
            (
                row,
                self.sight.name(row.name) or gettext("not named"),
                [
                    *([gettext("e-mail")] if row.email_key in keys else []),
                    *([gettext("phone")] if row.phone_key in phones else []),
                ],
            )
            for row in rows
        ]

    @property
    def earlier(self) -> list[KycCase]:
        rows = KycCase.objects.filter(customer__in=self.ids).exclude(pk=self.case.pk)
        return list(rows.order_by("-opened_at", "-pk")[:5])

    @property
    def endorsements(self) -> list[str]:
        found = self.profile.endorsements if self.profile else []
        return words.say_all(words.ENDORSEMENTS, found)

    @property
    def requirements(self) -> list[str]:
        found = self.profile.requirements_due if self.profile else []
        return words.say_all(words.REQUIREMENTS, found)

    def timeline(self) -> list[Entry]:
        return history.of_case(self.case, sight=self.sight)

    # --- Deciding ---------------------------------------------------------------------------------

    @cached_property
    def proposal(self) -> Proposal | None:
        """What waits for a second person, or what was decided last."""
        rows = self.case.proposals.select_related("proposed_by", "closed_by")
        return rows.order_by("-proposed_at", "-pk").first()

    @cached_property
    def evidence_changed(self) -> bool:
        """Whether what was proposed rests on something else than what is there now."""
        if self.proposal is None or self.profile is None:
            return False
        return evidence.digest(evidence.gather(self.case, self.profile)) != self.proposal.digest

    @property
    def customer_text(self) -> str:
        return self._readable(self.proposal.customer_text) if self.proposal else ""

    @property
    def internal_note(self) -> str:
        return self._readable(self.proposal.internal_note) if self.proposal else ""

    @property
    def proposal_reasons(self) -> list[str]:
        codes = self.proposal.reason_codes if self.proposal else []
        return [gettext(reasons.BY_CODE[code].label) for code in codes if code in reasons.BY_CODE]

    @property
    def is_own_proposal(self) -> bool:
        return self.proposal is not None and self.proposal.proposed_by_id == self.person.pk

    @cached_property
    def brought_evidence(self) -> bool:
        return standing.brought_evidence(self.case, self.person)

    def _not_proposing(self) -> str:
        if not self.may_propose:
            return gettext("Your roles do not propose KYC decisions.")
        if self.claim is not None and not self.is_mine:
            return gettext("Somebody else is looking at it.")
        return "" if self.is_mine else gettext("Claim it first.")

    @property
    def cannot_save(self) -> str:
        return self._not_proposing()

    @cached_property
    def cannot_approve(self) -> str:
        """Why this person cannot approve it now; unticked points may be ticked in the same form."""
        if self.profile is None:
            return gettext("Lux Financial tells nothing of this customer any more.")
        blocks = [check for check in self.checks if check.level == standing.BLOCK]
        found = [check for check in blocks if check.code != "checklist"]
        if found:
            return found[0].text
        return gettext(BROUGHT_IT) if self.brought_evidence else ""

    def _cannot(self, outcome: Outcome) -> str:
        if self.profile is None:
            return gettext("Lux Financial tells nothing of this customer any more.")
        return str(against_deciding(self.case, self.profile, outcome, by=self.person))

    @cached_property
    def cannot_reject(self) -> str:
        return self._cannot(Outcome.REJECT)

    @cached_property
    def cannot_ask(self) -> str:
        return self._cannot(Outcome.ASK_AGAIN)

    @property
    def outcomes(self) -> list[dict[str, str]]:
        """What may be chosen, each with the reason why not, and its key."""
        told = (
            (Outcome.APPROVE, self.cannot_approve, "a"),
            (Outcome.ASK_AGAIN, self.cannot_ask, ""),
            (Outcome.REJECT, self.cannot_reject, "r"),
        )
        return [
            {
                "value": outcome.value,
                "label": gettext(outcome.label),
                "refused": refused,
                "key": key,
            }
            for outcome, refused, key in told
        ]

    @cached_property
    def takes_two(self) -> bool:
        if self.profile is None:
            return True
        return standing.takes_two(self.case, self.profile, Outcome.APPROVE)

    @property
    def cannot_confirm(self) -> str:
        """Why this person is not the second one; "" if they may be."""
        if not self.may_confirm:
            return gettext("Your roles do not confirm it; a compliance lead does.")
        if self.is_own_proposal:
            return gettext(PROPOSED_IT)
        if self.brought_evidence:
            return gettext(BROUGHT_IT)
        if self.claim is not None and not self.is_mine:
            return gettext("Somebody else is looking at it.")
        return ""

    @property
    def cannot_return(self) -> str:
        if not self.may_confirm:
            return gettext("Your roles do not return proposals; a compliance lead does.")
        return gettext("You proposed it: take it back instead.") if self.is_own_proposal else ""

    @property
    def cannot_reopen(self) -> str:
        if not self.may_propose:
            return gettext("Your roles do not take cases up.")
        if self.case.status == CaseStatus.ESCALATED and not self.may_confirm:
            return gettext("A compliance lead hands an escalated case back.")
        return ""

    @property
    def may_withdraw(self) -> bool:
        is_open = self.proposal is not None and self.proposal.state == ProposalState.OPEN
        return is_open and self.is_own_proposal and self.may_propose

    # --- Forms ------------------------------------------------------------------------------------

    @cached_property
    def draft(self) -> Draft | None:
        if not (self.may_propose and self.is_reviewed):
            return None
        return drafts.of(subject=self.case, by=self.person)

    def form(self, data: Mapping[str, Any] | None = None) -> DecisionForm:
        """The decision form: as posted, else as drafted, else as it stands."""
        points = [one.point for one in self.points]
        if data is not None:
            return DecisionForm(data, points=points)
        kept = {"ticked": [one.point.code for one in self.points if one.is_ticked]}
        drafted = self.draft.data if self.draft else {}
        return DecisionForm(points=points, initial={**kept, **drafted})

    def _readable(self, text: str) -> str:
        return self.sight.text(text, about=self.case.customer, profile=self.profile)

    @property
    def query(self) -> str:
        """What this very address carries: the view, and the word that opens documents."""
        return f"?{self.view.query.urlencode()}" if self.view.query else ""

    @property
    def back(self) -> str:
        return f"{self.case.get_absolute_url()}{self.query}"

    def context(self) -> dict[str, Any]:
        return {
            "page": self,
            "case": self.case,
            "profile": self.profile,
            "now": self.now,
            "query": self.query,
            "back": self.back,
        }


@require_safe
@permission_required(Permission.SEE_KYC)
def case(request: HttpRequest, code: str) -> HttpResponse:
    """The page of one case."""
    page = Page(request, find(code))
    return render_case(request, page, page.form())


def render_case(
    request: HttpRequest,
    page: Page,
    form: DecisionForm,
    *,
    status: int = 200,
    trouble: str = "",
) -> HttpResponse:
    """The page with this form; `trouble` says why what was sent did not happen."""
    case = page.case
    return render(
        request,
        "customers/case.html",
        {
            **page.context(),
            "form": form,
            "trouble": trouble,
            "ticked": form["ticked"].value() or [],
            "reason_texts": {one.code: one.text for one in reasons.REASONS},
            "viewer": page.viewer,
            "documents": lines(page.case.customer, page.viewer.documents, page.person),
            "verdicts": [(one.value, gettext(one.label)) for one in DocumentVerdict],
            "hits": showing.section(
                case.customer,
                viewer=page.person,
                now=page.now,
                back=page.view.address(case),
                compares=True,
            ),
            "timeline": page.timeline(),
        },
        status=status,
    )
