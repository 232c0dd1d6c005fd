"""Applications: a cluster's bid for a place (F03-F05, F11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility import eligibility, letter, submission
from facility.bid import State, own_manager
from facility.papers import Clarification, Submission
from facility.quotas import joined, what_is_missing
from facility.readiness import Ready
from facility.reasons import TO_APPLICANTS, worded
from facility.roles import any_of, lead, office, parent_step, staff_of, system
from facility.workflow import clock
from facility.workflow.engine import perform_many
from facility.workflow.steps import step


class Application(Ready):
    """A cluster's bid for a place: drafted, submitted, found eligible, evaluated, then selected or not."""

    @step(
        label=_("Submit application"),
        source=State.DRAFT,
        target=State.SUBMITTED,
        who=own_manager,
        guards=[Ready.is_before_closing, Ready.is_complete],
        locks="call",
    )
    def submit(self, *, by: Any) -> None:
        """Hands the application over to the coordinators. You get a receipt with the time and a hash of the content."""
        self.submitted_at = clock.received()
        self.number = f"{self.call.applications.exclude(number='').count() + 1:03d}"
        self.hand_in(by)

    @step(
        label=_("Return for clarification"),
        source=State.SUBMITTED,
        target=State.RETURNED,
        who=office,
        form="AskClarification",
    )
    def return_for_clarification(self, *, by: Any, reason: str, fields: list[str], days: int) -> None:
        """Asks the applicant to make something clear. Only the fields that you name can be changed."""
        self.reason_text, self.clarify_days = reason, days
        Clarification(
            application_id=self.pk,
            question=reason,
            fields=fields,
            asked_by=by,
            asked_at=clock.now(),
            before=self.submissions.order_by("number").last(),
        ).save(force_insert=True)
        self.trail_also("fields", None, fields)
        self.tell(self.managers(), gettext_noop("Please clarify your application %(number)s."), number=self.number)

    @step(
        label=_("Submit again"),
        source=State.RETURNED,
        target=State.SUBMITTED,
        who=own_manager,
        guards=[Ready.is_complete],
        form="ClarifyApplication",
    )
    def resubmit(self, *, by: Any, clarification: str) -> None:
        """Hands the clarified application back, with an answer in your words."""
        asked = self.clarifications.get(answered_at__isnull=True)
        asked.answer, asked.answered_by, asked.answered_at = clarification, by, clock.now()
        asked.after = self.hand_in(by)
        asked.save()
        self.trail_also("clarification", None, clarification)
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("%(cluster)s has clarified application %(number)s."),
            cluster=self.lead_cluster.name,
            number=self.number,
        )

    def hand_in(self, by: Any) -> Submission:
        """Keeps what is handed in, whole, and tells everybody who manages the lead cluster its receipt."""
        self.raise_need()
        content = submission.content_of(self)
        made = Submission(
            application_id=self.pk,
            number=self.submissions.count() + 1,
            at=clock.received(),
            by=by,
            content=content,
            sha256=submission.sha256_of(content),
        )
        made.save(force_insert=True)
        self.receipt = made.sha256
        self.tell(
            self.managers(),
            gettext_noop("Your application %(number)s was received on %(at)s. Receipt: %(receipt)s."),
            link=reverse("application-receipt", kwargs={"pk": self.pk}),
            number=self.number,
            at=submission.moment(made.at, self.call.zone),
            receipt=self.receipt,
        )
        return made

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
        """Given a place by a released selection, which sends the letter."""
        self.place = places[str(self.pk)]

    @step(
        label=_("Put on the reserve list"),
        source=State.EVALUATED,
        target=State.RESERVE,
        who=parent_step,
        quiet=True,
        form="PlaceForm",
    )
    def reserve(self, *, by: Any, places: dict[str, int]) -> None:
        """Put on the reserve list by a released selection, which sends the letter."""
        self.reserve_position = places[str(self.pk)]

    @step(
        label=_("Reject"),
        source=State.EVALUATED,
        target=State.REJECTED,
        who=parent_step,
        quiet=True,
        form="ReasonsForm",
    )
    def reject(self, *, by: Any, reasons: dict[str, str]) -> None:
        """Not selected by a released selection, which sends the letter."""
        self.reason_text = reasons.get(str(self.pk), "")

    @step(
        label=_("Decide after the release"),
        source=State.EVALUATED,
        target=RETURN_VALUE(State.RESERVE, State.REJECTED),
        who=lead,
        guards=[Ready.has_released_selection],
        locks="call",
        form="facility.workflow.input.ReasonForm",
    )
    def decide_late(self, *, by: Any, reason: str) -> str:
        """For an application found eligible after the release: the reserve list at the position that its score gives,
        or not selected when it lacks the points that are needed. Nobody loses a place by it."""
        short = what_is_missing(self)
        if short:

            def said() -> str:
                return " ".join(worded(why, words=TO_APPLICANTS) for why in short)

            self.reason_text = said()
            told = letter.Decision(self, letter.Kind.REJECTED, reasons=said)
        else:
            self.join_reserves(by)
            told = letter.Decision(self, letter.Kind.RESERVE, self.reserve_position)
        letter.tell(told)
        return State.REJECTED if self.reserve_position is None else State.RESERVE

    @step(
        label=_("Move down the reserve list"),
        source=State.RESERVE,
        target=None,
        who=parent_step,
        quiet=True,
        form="PlaceForm",
    )
    def move_down(self, *, by: Any, places: dict[str, int]) -> None:
        """Makes room for an application that comes onto the list above this one."""
        self.reserve_position = places[str(self.pk)]

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
        guards=[Ready.has_free_place, Ready.is_next_in_line],
        locks="call",
    )
    def promote(self, *, by: Any) -> None:
        """Gives a place that became free to the next on the reserve list that fits all quotas, and sends the letter."""
        self.place = self.call.free_places()[0]
        self.reserve_position = None
        letter.tell(letter.Decision(self, letter.Kind.PROMOTED))

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
        guards=[Ready.is_not_reviewed, Ready.is_in_time_for_review],
        form="facility.workflow.input.ReasonForm",
    )
    def request_review(self, *, by: Any, reason: str) -> None:
        """Asks the lead coordinator to look at the decision again; possible once, for as long as the call says."""
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
        """The decision on eligibility stands; the applicant reads the reason."""
        self.reason_text = reason
        letter.tell(letter.Decision(self, letter.Kind.UPHELD, reasons=lambda: reason))

    @step(
        label=_("Uphold: not selected"),
        source=State.UNDER_REVIEW,
        target=State.REJECTED,
        who=lead,
        form="UpholdRejected",
    )
    def uphold_rejection(self, *, by: Any, reason: str) -> None:
        """The decision on selection stands; the applicant reads the reason."""
        self.reason_text = reason
        letter.tell(letter.Decision(self, letter.Kind.UPHELD, reasons=lambda: reason))

    @step(
        label=_("Overturn"),
        source=State.UNDER_REVIEW,
        target=RETURN_VALUE(State.ELIGIBLE, State.RESERVE),
        who=lead,
        form="OverturnForm",
        locks="call",
    )
    def overturn(self, *, by: Any, reason: str) -> str:
        """Changes the decision: who was not eligible is evaluated, who was not selected comes onto the reserve list."""
        self.reason_text = reason
        if self.before_review == State.REJECTED:
            self.join_reserves(by)
        letter.tell(letter.Decision(self, letter.Kind.OVERTURNED, None, lambda: reason, self.what_follows))
        return State.ELIGIBLE if self.reserve_position is None else State.RESERVE

    def what_follows(self) -> str:
        """What a changed decision means for the applicant, in the active language."""
        if self.reserve_position is None:
            return _t("Your application is eligible and will be evaluated.")
        return _t("Your application now stands on the reserve list at position %d.") % self.reserve_position

    def join_reserves(self, by: Any) -> None:
        """Inside a step that holds the call: takes the position that its score gives; those below move down."""
        self.reserve_position, moved = joined(self)
        rows = list(self.call.applications.filter(pk__in=moved).select_related("lead_cluster", "call__programme"))
        places = {str(key): position for key, position in moved.items()}
        perform_many(rows, "move_down", by=by, places=places)
        decisions = [letter.Decision(row, letter.Kind.MOVED, moved[row.pk]) for row in rows]
        letter.send(letter.drafted(self.call, decisions))

    def letter_of(self, notice: Any) -> tuple[str, str] | None:
        """The letter on a decision that a notice carries."""
        return letter.carried_by(notice)
