"""Applications: a cluster's bid for a place (F03-F05, F11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.bid import (
    INELIGIBLE,
    Bid,
    assigned_evaluator,
    on_public_list,
    own_advisor,
    own_manager,
    partner_manager,
)
from facility.registry.cluster import Cluster
from facility.roles import any_of, lead, office, parent_step, readers
from facility.workflow import clock
from facility.workflow.engine import Faces, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, step


class Application(Bid):
    """A cluster's bid for a place: drafted, submitted, found eligible, evaluated, then selected or not."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        RETURNED = "returned", _("Returned for clarification")
        ELIGIBLE = "eligible", _("Eligible")
        INELIGIBLE = "ineligible", _("Not eligible")
        EVALUATED = "evaluated", _("Evaluated")
        SELECTED = "selected", _("Selected")
        RESERVE = "reserve", _("On the reserve list")
        REJECTED = "rejected", _("Not selected")
        DECLINED = "declined", _("Declined by the cluster")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        UNDER_REVIEW = "under_review", _("Under review")

    records = "applications"
    lede = _("Applications, from draft to decision.")
    columns = ("number", "lead_cluster__country", "call", "submitted_at", "score")
    list_related = ("lead_cluster",)
    facts = (
        "call",
        "lead_cluster",
        "number",
        "submitted_at",
        "motivation",
        "context",
        "training_needs",
        "strategic_focus",
    )
    staff_facts = ("score", "spread", "place", "reserve_position", "reason_code", "receipt")
    search_in = ("lead_cluster__name", "title_text", "number")
    filter_by = ("state", "call")
    order_by = ("-id", "number", "score")
    door_related = ("call", "programme", "lead_cluster")
    tones = {
        "submitted": "wait",
        "returned": "warn",
        "eligible": "active",
        "ineligible": "bad",
        "evaluated": "wait",
        "selected": "good",
        "reserve": "wait",
        "under_review": "wait",
        "withdrawn": "idle",
    }
    outside_words = {"eligible": _("Being evaluated"), "evaluated": _("Being evaluated")}
    awaits = {
        "draft": ("submit",),
        "returned": ("resubmit",),
        "submitted": ("declare_eligible",),
        "eligible": ("close_evaluation",),
        "under_review": ("uphold",),
    }
    shape = {
        "number": "number",
        "title": "title_text",
        "call": {"id": "call_id", "title": "call__title_text"},
        "lead_cluster": {"id": "lead_cluster_id", "name": "lead_cluster__name", "country": "lead_cluster__country"},
        "partners": Many(
            "facility.ApplicationPartner",
            "application",
            {"id": "cluster_id", "name": "cluster__name", "country": "cluster__country"},
            ("cluster__sort_name", "pk"),
        ),
        "participant:motivation": "motivation",
        "participant:context": "context",
        "participant:training_needs": "training_needs",
        "participant:strategic_focus": "strategic_focus",
        "participant:submitted_at": "submitted_at",
        "participant:needs": Many(
            "facility.ApplicationNeed", "application", {"area": "area", "text": "text", "rank": "rank"}, ("rank",)
        ),
        "staff:score": "score",
        "staff:spread": "spread",
        "staff:place": "place",
        "staff:reserve_position": "reserve_position",
    }
    faces = Faces(
        readers.when(~Q(state="draft")),
        any_of(own_manager, partner_manager, assigned_evaluator, own_advisor),
        on_public_list,
    )

    state = state_field(State)
    call = models.ForeignKey(
        "facility.Call", on_delete=models.PROTECT, related_name="applications", verbose_name=_("call")
    )
    lead_cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="applications", verbose_name=_("lead cluster")
    )
    number = models.CharField(_("number"), max_length=20, blank=True, default="")
    title_text = models.CharField(_("title"), max_length=200)
    motivation = models.TextField(_("motivation"), blank=True, default="")
    context = models.TextField(_("context"), blank=True, default="")
    training_needs = models.TextField(_("training needs"), blank=True, default="")
    strategic_focus = models.PositiveSmallIntegerField(_("strategic focus, 1 to 5"), null=True, blank=True)
    has_signed = models.BooleanField(_("declaration of honour"), default=False)
    is_registered = models.BooleanField(_("registered on the platform"), default=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    receipt = models.CharField(_("receipt"), max_length=64, blank=True, default="")
    reason_code = models.CharField(_("reason"), max_length=20, choices=INELIGIBLE, blank=True, default="")
    reason_text = models.TextField(_("reason in words"), blank=True, default="")
    before_review = models.CharField(max_length=30, blank=True, default="")
    score = models.DecimalField(_("score"), max_digits=5, decimal_places=2, null=True)
    spread = models.DecimalField(_("spread"), max_digits=5, decimal_places=2, null=True)
    spread_note = models.TextField(_("note on the spread"), blank=True, default="")
    place = models.PositiveSmallIntegerField(_("place"), null=True)
    reserve_position = models.PositiveSmallIntegerField(_("position on the reserve list"), null=True)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        indexes = [models.Index(fields=["call", "state"], name="application_by_call")]
        constraints = [
            models.UniqueConstraint(fields=["call", "place"], condition=Q(place__isnull=False), name="place_sold_once"),
            models.CheckConstraint(
                condition=Q(place__isnull=True) | Q(state="selected"), name="place_only_for_the_selected"
            ),
            models.CheckConstraint(
                condition=~Q(state="selected") | Q(place__isnull=False), name="the_selected_have_a_place"
            ),
            models.UniqueConstraint(
                fields=["call", "lead_cluster"],
                condition=~Q(state__in=["withdrawn"]),
                name="one_application_per_cluster",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_cluster.name}: {self.title_text}"

    def title(self) -> str:
        """The lead cluster's name."""
        return self.lead_cluster.name

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.lead_cluster.lang

    # -- steps

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
        guards=[Bid.is_before_closing, Bid.has_motivation, Bid.has_context, Bid.has_needs, Bid.has_declaration],
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
        label=_("Declare eligible"), source=State.SUBMITTED, target=State.ELIGIBLE, who=office, form="EligibilityForm"
    )
    def declare_eligible(self, *, by: Any, **checks: Any) -> None:
        """Every point of the checklist is answered with yes, or waived with a reason."""

    @step(
        label=_("Declare not eligible"),
        source=State.SUBMITTED,
        target=State.INELIGIBLE,
        who=office,
        form="IneligibilityForm",
    )
    def declare_ineligible(self, *, by: Any, reason_code: str, reason: str) -> None:
        """The applicant reads the reason and may ask once for a review."""
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
        guards=[Bid.has_enough_evaluations],
        locks="call",
        form="CloseEvaluation",
    )
    def close_evaluation(self, *, by: Any, spread_note: str = "") -> None:
        """Takes the mean of the submitted evaluations as the score. A wide spread needs a note."""
        given = self.evaluations.filter(state="submitted").values_list("total", flat=True)
        totals = [total for total in given if total is not None]
        self.score = (sum(totals, Decimal()) / len(totals)).quantize(Decimal("0.01"))
        self.spread = max(totals) - min(totals)
        self.spread_note = spread_note

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
        guards=[Bid.has_free_place, Bid.is_within_quota, Bid.is_next_in_order],
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
        guards=[Bid.is_not_reviewed],
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
