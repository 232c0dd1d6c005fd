"""Applications: a cluster's bid for a place (F03-F05, F11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility import eligibility
from facility.bid import (
    State,
    own_manager,
)
from facility.readiness import Ready
from facility.roles import any_of, lead, office, parent_step, system
from facility.workflow import clock
from facility.workflow.steps import NEW, step


class Application(Ready):
    """A cluster's bid for a place: drafted, submitted, found eligible, evaluated, then selected or not."""

    @step(label=_("New application"), source=NEW, target=State.DRAFT, who=own_manager, form="ApplicationForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Starts an application. Save as often as you like; nothing is read before you submit."""
        self.take(data)

    @step(label=_("Edit"), source=State.DRAFT, target=None, who=own_manager, form="ApplicationForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the draft."""
        self.take(data)

    @step(
        label=_("Submit application"),
        source=State.DRAFT,
        target=State.SUBMITTED,
        who=own_manager,
        guards=[
            Ready.is_before_closing,
            Ready.has_motivation,
            Ready.has_context,
            Ready.has_needs,
            Ready.has_declaration,
        ],
        locks="call",
    )
    def submit(self, *, by: Any) -> None:
        """Hands the application over to the coordinators. You get a receipt with the time and a hash of the content."""
        self.submitted_at = clock.now()
        self.number = f"{self.call.applications.exclude(number='').count() + 1:03d}"
        self.receipt = self.fingerprint()
        self.tell(
            by,
            gettext_noop("Your application %(number)s was received. Receipt: %(receipt)s."),
            number=self.number,
            receipt=self.receipt[:16],
        )

    @step(
        label=_("Return for clarification"),
        source=State.SUBMITTED,
        target=State.RETURNED,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def return_for_clarification(self, *, by: Any, reason: str) -> None:
        """Asks the applicant to make something clear; the reason is what they read."""
        self.reason_text = reason
        self.tell(self.managers(), gettext_noop("Please clarify your application %(number)s."), number=self.number)

    @step(
        label=_("Submit again"),
        source=State.RETURNED,
        target=State.SUBMITTED,
        who=own_manager,
        form="ClarifyApplication",
    )
    def resubmit(self, *, by: Any, clarification: str) -> None:
        """Hands the clarified application back."""
        self.context = f"{self.context}\n\n{clarification}".strip()
        self.receipt = self.fingerprint()

    @step(
        label=_("Check eligibility"),
        source=State.SUBMITTED,
        target=None,
        who=office,
        form="EligibilityForm",
        edits=True,
    )
    def check_eligibility(self, *, by: Any, answers: list[dict[str, str]]) -> None:
        """Saves answers to the checklist, point by point; nothing is decided yet."""
        eligibility.keep(self, answers)

    @step(
        label=_("Declare eligible"), source=State.SUBMITTED, target=State.ELIGIBLE, who=office, form="DeclareEligible"
    )
    def declare_eligible(self, *, by: Any, answers: list[dict[str, str]]) -> None:
        """Every point of the checklist is answered with yes, or waived with a reason."""
        eligibility.keep(self, answers)

    @step(
        label=_("Declare not eligible"),
        source=State.SUBMITTED,
        target=State.INELIGIBLE,
        who=office,
        form="DeclareIneligible",
    )
    def declare_ineligible(self, *, by: Any, answers: list[dict[str, str]], reason_code: str, reason: str) -> None:
        """The applicant reads the reason and may ask once for a review."""
        eligibility.keep(self, answers)
        self.reason_code, self.reason_text = reason_code, reason
        self.tell(
            self.managers(),
            gettext_noop("Your application %(number)s is not eligible; the reason is on its page."),
            number=self.number,
        )

    @step(
        label=_("Close evaluation"),
        source=State.ELIGIBLE,
        target=State.EVALUATED,
        who=office,
        guards=[Ready.has_enough_evaluations],
        locks="call",
        form="CloseEvaluation",
    )
    def close_evaluation(self, *, by: Any, spread_note: str = "") -> None:
        """Takes the mean of the submitted evaluations as the score. A wide spread needs a note."""
        totals = self.totals()
        self.score = (sum(totals, Decimal()) / len(totals)).quantize(Decimal("0.01"))
        self.spread = max(totals) - min(totals)
        self.spread_note = spread_note

    @step(
        label=_("Open the evaluation again"),
        source=State.EVALUATED,
        target=State.ELIGIBLE,
        who=any_of(office, system, parent_step),
        locks="call",
        form="facility.workflow.input.ReasonForm",
    )
    def reopen_evaluation(self, *, by: Any, reason: str) -> None:
        """Takes the score back, as when an evaluator turns out to be in conflict; it is closed anew."""
        self.score = self.spread = None
        self.spread_note = ""

    @step(
        label=_("Select"), source=State.EVALUATED, target=State.SELECTED, who=parent_step, quiet=True, form="PlaceForm"
    )
    def select(self, *, by: Any, places: dict[str, int]) -> None:
        """Given a place by a released selection."""
        self.place = places[str(self.pk)]
        self.tell(
            self.managers(),
            gettext_noop("Your application %(number)s is selected. Congratulations."),
            number=self.number,
        )

    @step(
        label=_("Put on the reserve list"),
        source=State.EVALUATED,
        target=State.RESERVE,
        who=parent_step,
        quiet=True,
        form="PlaceForm",
    )
    def reserve(self, *, by: Any, places: dict[str, int]) -> None:
        """Put on the reserve list by a released selection."""
        self.reserve_position = places[str(self.pk)]
        self.tell(
            self.managers(),
            gettext_noop("Your application %(number)s is on the reserve list at position %(position)d."),
            number=self.number,
            position=self.reserve_position,
        )

    @step(
        label=_("Reject"),
        source=State.EVALUATED,
        target=State.REJECTED,
        who=parent_step,
        quiet=True,
        form="ReasonsForm",
    )
    def reject(self, *, by: Any, reasons: dict[str, str]) -> None:
        """Not selected by a released selection."""
        self.reason_text = reasons.get(str(self.pk), "")
        self.tell(
            self.managers(),
            gettext_noop("Your application %(number)s is not selected; the reasons are on its page."),
            number=self.number,
        )

    @step(
        label=_("Decline the place"),
        source=State.SELECTED,
        target=State.DECLINED,
        who=own_manager,
        locks="call",
        form="facility.workflow.input.ReasonForm",
    )
    def decline(self, *, by: Any, reason: str) -> None:
        """Gives the place back, so that the next on the reserve list can have it."""
        self.place = None
        self.tell(
            self.call.leads(),
            gettext_noop("%(cluster)s declined its place; promote from the reserve list."),
            cluster=self.lead_cluster.name,
        )

    @step(
        label=_("Promote from the reserve list"),
        source=State.RESERVE,
        target=State.SELECTED,
        who=lead,
        guards=[Ready.has_free_place, Ready.is_within_quota, Ready.is_next_in_order],
        locks="call",
    )
    def promote(self, *, by: Any) -> None:
        """Gives a place that became free to the next on the reserve list that fits the quotas."""
        self.place = self.call.free_places()[0]
        self.reserve_position = None
        self.tell(
            self.managers(),
            gettext_noop("A place became free: your application %(number)s is selected."),
            number=self.number,
        )

    @step(
        label=_("Withdraw application"),
        source=[State.DRAFT, State.SUBMITTED, State.RETURNED, State.ELIGIBLE, State.EVALUATED, State.RESERVE],
        target=State.WITHDRAWN,
        who=own_manager,
        locks="call",
        form="facility.workflow.input.ReasonForm",
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """Takes the application out of the call; it cannot come back."""
        self.reserve_position = None

    @step(
        label=_("Ask for a review"),
        source=[State.INELIGIBLE, State.REJECTED],
        target=State.UNDER_REVIEW,
        who=own_manager,
        guards=[Ready.is_not_reviewed],
        form="facility.workflow.input.ReasonForm",
    )
    def request_review(self, *, by: Any, reason: str) -> None:
        """Asks the lead coordinator to look at the decision again; possible once."""
        self.before_review = self.state
        self.tell(self.call.leads(), gettext_noop("%(cluster)s asks for a review."), cluster=self.lead_cluster.name)

    @step(
        label=_("Uphold: not eligible"),
        source=State.UNDER_REVIEW,
        target=State.INELIGIBLE,
        who=lead,
        form="UpholdIneligible",
    )
    def uphold(self, *, by: Any, reason: str) -> None:
        """The decision on eligibility stands."""
        self.reason_text = reason

    @step(
        label=_("Uphold: not selected"),
        source=State.UNDER_REVIEW,
        target=State.REJECTED,
        who=lead,
        form="UpholdRejected",
    )
    def uphold_rejection(self, *, by: Any, reason: str) -> None:
        """The decision on selection stands."""
        self.reason_text = reason

    @step(label=_("Overturn"), source=State.UNDER_REVIEW, target=State.ELIGIBLE, who=lead, form="UpholdIneligible")
    def overturn(self, *, by: Any, reason: str) -> None:
        """The application is eligible after all."""
        self.reason_text = reason
