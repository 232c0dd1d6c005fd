"""Assignments: one advisor on one project, from proposal to completion (F07, F08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.advisor import KINDS, Advisor
from advisory.checks import LIVE, Checked, expected_days
from advisory.parts import PARTS
from advisory.succession import ENDED_WITH_REASON, LEFT, REASON_OF_THE_END, Succession
from advisory.terms import name_terms, sign_terms
from advisory.watch import Watched
from facility.roles import any_of, held, holders, office, parent_step, readers, staff_of, system, who
from facility.workflow import clock
from facility.workflow.clock import At, Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.steps import NEW, step

UNTOLD = ("proposed", "approved", "discarded")
REASON = "facility.workflow.input.ReasonForm"

own_assignment = who(
    "own advisor", lambda person: Q(advisor_id__in=held(person, "advisor", scope="advisor")), "advisor"
)
project_manager = who(
    "own manager", lambda person: Q(project_id__in=held(person, "manager", scope="project")), "manager"
)
unsigned = Q(has_signed_terms=False) | Q(has_declared_interests=False)


class Assignment(Succession, Watched):
    """An advisor on a project: proposed by a match run or by hand, approved, offered, accepted, and then at work."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        DISCARDED = "discarded", _("Discarded")
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined by the advisor")
        LAPSED = "lapsed", _("Offer lapsed")
        ACTIVE = "active", _("At work")
        COMPLETED = "completed", _("Completed")
        REPLACED = "replaced", _("Replaced")
        WITHDRAWN = "withdrawn", _("Offer withdrawn")

    records = "assignments"
    lede = _("Which advisor works on which project.")
    columns = ("advisor", "kind", "is_lead", "days", "lapses_at", "started_at")
    list_related = ("advisor__person", "project__application__lead_cluster")
    facts = ("project", "advisor", "kind", "is_lead", "started_at")
    own_facts = (
        "days",
        "offered_at",
        "lapses_at",
        "terms_number",
        "has_signed_terms",
        "has_declared_interests",
        "conflicted_at",
        "reason",
    )
    staff_facts = (*own_facts, "match_run", "score", "predecessor")
    search_in = ("advisor__person__name", "project__name")
    filter_by = ("state", "kind", "project")
    door_related = ("project__application__lead_cluster", "advisor__person", "match_run", "programme")
    tones = {
        "proposed": "wait",
        "approved": "wait",
        "offered": "wait",
        "accepted": "good",
        "active": "active",
        "declined": "bad",
        "lapsed": "bad",
        "completed": "done",
        "replaced": "warn",
        "withdrawn": "warn",
    }
    clocks = {"offered": (Due("offer_days"), At("lapse", "lapses_at"))}
    awaits = {"proposed": ("approve",), "approved": ("offer",), "offered": ("accept",), "accepted": ("sign", "start")}
    shape = {
        "project": {"id": "project_id", "name": "project__name"},
        "advisor": {"id": "advisor_id", "name": "advisor__person__name", "kind": "advisor__kind"},
        "kind": "kind",
        "is_lead": "is_lead",
        "started_at": "started_at",
        "participant:days": "days",
        "participant:terms_number": "terms_number",
        "participant:conflicted_at": "conflicted_at",
        "participant:offered_at": "offered_at",
        "participant:lapses_at": "lapses_at",
        "participant:has_signed_terms": "has_signed_terms",
        "participant:has_declared_interests": "has_declared_interests",
        "participant:reason": REASON_OF_THE_END,
        "staff:reason": "reason",
        "staff:match_run": "match_run_id",
        "staff:score": "score",
        "staff:parts": "parts",
        "staff:predecessor": "predecessor_id",
    }
    # A proposal is nobody's news before it is an offer; managers meet the advisor who is at work with them.
    faces = Faces(
        readers,
        own_assignment.when(~Q(state__in=UNTOLD)),
        project_manager.when(state__in=["active", "completed"]),
    )

    state = state_field(State)
    project = models.ForeignKey(
        "advisory.Project", on_delete=models.PROTECT, related_name="assignments", verbose_name=_("project")
    )
    advisor = models.ForeignKey(
        Advisor, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("advisor")
    )
    kind = models.CharField(_("as"), max_length=20, choices=KINDS[:2])
    match_run = models.ForeignKey(
        "advisory.MatchRun",
        null=True,
        on_delete=models.PROTECT,
        related_name="assignments",
        verbose_name=_("match run"),
    )
    score = models.DecimalField(_("score of 100"), max_digits=5, decimal_places=1, null=True)
    parts = models.JSONField(_("parts of the score"), default=list)
    reason = models.TextField(_("reason"), blank=True, default="")
    offered_at = models.DateTimeField(_("offered"), null=True)
    lapses_at = models.DateTimeField(_("offer ends"), null=True)
    has_signed_terms = models.BooleanField(_("terms signed"), default=False)
    has_declared_interests = models.BooleanField(_("no interest declared"), default=False)
    started_at = models.DateTimeField(_("started"), null=True)
    is_lead = models.BooleanField(_("lead advisor"), default=False)
    days = models.PositiveSmallIntegerField(_("days"), null=True)
    terms_number = models.PositiveSmallIntegerField(_("version of the terms"), null=True)
    handover = models.TextField(_("handover"), blank=True, default="")
    conflicted_at = models.DateTimeField(_("conflict found"), null=True)
    predecessor = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="successors", verbose_name=_("follows on")
    )

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        indexes = [models.Index(fields=["advisor", "state"], name="assignment_by_advisor")]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind"], condition=Q(state__in=LIVE), name="one_advisor_of_a_kind_per_project"
            ),
            models.UniqueConstraint(
                fields=["project", "advisor"], condition=Q(state__in=LIVE), name="advisor_once_per_project"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=LIVE, is_lead=True), name="one_lead_advisor_per_project"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project.name}: {self.advisor.person.name}"

    def title(self) -> str:
        """The project's name."""
        return self.project.name

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.project.lang

    @property
    def offer_days(self) -> int:
        """Days to answer an offer, a setting of the programme."""
        return self.programme.offer_days

    # -- steps

    @step(label=_("Propose an advisor"), source=NEW, target=State.PROPOSED, who=office, form="ProposeAssignment")
    def propose(self, *, by: Any, project: Any, advisor: Any, kind: str, reason: str, days: int | None) -> None:
        """Proposes by hand; say why this advisor."""
        self.project, self.advisor, self.kind, self.reason = project, advisor, kind, reason
        self.programme_id, self.days = project.programme_id, days or expected_days(project)

    @step(label=_("Propose from a match run"), source=NEW, target=State.PROPOSED, who=parent_step, quiet=True)
    def propose_from_run(self, *, by: Any) -> None:
        """Proposed by a match run, which has set project, advisor, kind, score and parts."""
        self.days = self.days or expected_days(self.project)

    @step(
        label=_("Approve"),
        source=State.PROPOSED,
        target=State.APPROVED,
        who=office,
        guards=[
            Checked.is_in_pool,
            Checked.has_no_conflict,
            Checked.is_not_excluded,
            Checked.has_capacity,
            Checked.has_common_language,
            Checked.has_free_place,
            Checked.has_open_project,
        ],
        form="ApproveAssignment",
        locks="advisor",
    )
    def approve(self, *, by: Any, days: int | None, reason: str) -> None:
        """Keeps the place for this advisor. Who is not the one that the match run proposes needs a reason."""
        rival = self.rival()
        if rival is not None:
            self.trail_also("instead_of", None, str(rival.pk))
        self.reason, self.days = reason or self.reason, days or self.days
        self.is_lead, self.predecessor = self.takes_the_lead(), self.before()

    @step(
        label=_("Discard"),
        source=[State.PROPOSED, State.APPROVED],
        target=State.DISCARDED,
        who=any_of(office, parent_step),
        form=REASON,
    )
    def discard(self, *, by: Any, reason: str) -> None:
        """Takes the proposal back before anybody was told."""
        self.reason = reason

    @step(
        label=_("Offer"),
        source=State.APPROVED,
        target=State.OFFERED,
        who=office,
        guards=[
            Checked.is_in_pool,
            Checked.can_be_reached,
            Checked.has_no_conflict,
            Checked.has_capacity,
            Checked.has_days,
            Checked.has_budget,
            Checked.has_open_project,
        ],
    )
    def offer(self, *, by: Any) -> None:
        """Asks the advisor, by mail with a link, who answers within the days that the programme gives."""
        self.offered_at = clock.now()
        self.lapses_at = self.offered_at + dt.timedelta(days=self.offer_days)
        name_terms(self)
        self.mail_offer()

    @step(
        label=_("Send the offer again"),
        source=State.OFFERED,
        target=None,
        who=office,
        guards=[Checked.can_be_reached],
    )
    def offer_again(self, *, by: Any) -> None:
        """A new link by mail; the one before it ends. The day on which the offer ends stays."""
        self.mail_offer()

    @step(
        label=_("Accept"),
        source=State.OFFERED,
        target=State.ACCEPTED,
        who=own_assignment,
        guards=[Checked.is_in_time, Checked.has_no_conflict, Checked.has_project_ahead],
        form="AcceptOffer",
    )
    def accept(self, *, by: Any, **signed: bool) -> None:
        """You take the project on. Terms and declaration can be signed now or later, but before the start."""
        self.keep_signatures(by, signed)
        self.tell_staff(gettext_noop("%(advisor)s accepts %(project)s."))

    @step(
        label=_("Sign terms and declaration"),
        source=State.ACCEPTED,
        target=None,
        who=own_assignment.when(unsigned),
        guards=[Checked.has_no_conflict],
        form="SignTerms",
    )
    def sign(self, *, by: Any, **signed: bool) -> None:
        """You agree to the terms and have no interest in the clusters of this project."""
        self.keep_signatures(by, signed)

    @step(label=_("Decline"), source=State.OFFERED, target=State.DECLINED, who=own_assignment, form=REASON)
    def decline(self, *, by: Any, reason: str) -> None:
        """You do not take the project on; say why, so that a better fit is found."""
        self.reason = reason
        self.tell_staff(gettext_noop("%(advisor)s declines %(project)s. The page says who is next."))

    @step(label=_("Lapse"), source=State.OFFERED, target=State.LAPSED, who=system, quiet=True)
    def lapse(self, *, by: Any) -> None:
        """The offer was not answered in time."""
        self.tell_staff(gettext_noop("The offer of %(project)s to %(advisor)s lapsed. The page says who is next."))
        self.tell(self.advisor.person, gettext_noop("The offer of %(project)s has ended."), project=self.project.name)

    @step(
        label=_("Withdraw the offer"),
        source=[State.OFFERED, State.ACCEPTED],
        target=State.WITHDRAWN,
        who=any_of(office, parent_step),
        form=REASON,
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """Takes the offer back before work has begun; the advisor reads the reason, and the place is free."""
        self.reason = reason
        told = gettext_noop("The offer of %(project)s is withdrawn: %(reason)s")
        self.tell(self.advisor.person, told, project=self.project.name, reason=reason)

    @step(
        label=_("Start"),
        source=State.ACCEPTED,
        target=State.ACTIVE,
        who=office,
        guards=[
            Checked.has_terms,
            Checked.has_declaration,
            Checked.has_agreement,
            Checked.is_in_pool,
            Checked.has_no_conflict,
            Checked.has_open_project,
        ],
        locks="project",
    )
    def start(self, *, by: Any) -> None:
        """The advisor sees project and application from now on, and the managers see the advisor."""
        self.started_at = clock.now()
        self.is_lead = self.is_lead or self.takes_the_lead()
        self.tell(
            self.advisor.person, gettext_noop("You are the advisor of %(project)s now."), project=self.project.name
        )
        self.tell(self.managers(), gettext_noop("%(advisor)s advises %(project)s from now on."), **self.names())

    @step(label=_("Complete"), source=State.ACTIVE, target=State.COMPLETED, who=any_of(office, parent_step))
    def complete(self, *, by: Any) -> None:
        """The work is done; the advisor keeps sight of the project. An agreement that is not signed by then ends."""

    @step(label=_("Replace"), source=State.ACTIVE, target=State.REPLACED, who=office, form="ReplaceAdvisor")
    def replace(self, *, by: Any, reason: str, handover: str) -> None:
        """Ends the assignment before its time. Days that were worked stay counted; the place is free."""
        self.reason, self.handover = reason, handover
        self.end_sight(by, reason)
        told = gettext_noop("%(advisor)s does not advise %(project)s any more.")
        self.tell([self.advisor.person, *self.managers()], told, **self.names())

    def after_step(self, name: str, *, by: Any) -> None:
        """With the start the advisor gets sight of the project, and a project that waited for it is matched."""
        if name == "approve":
            self.check_again()
        if name == "offer_next":
            self.ask_the_next(by)
        self.end_agreement(name, by)
        if name == "start":
            self.give_sight(by)
            self.take_over(by)
            if self.project.state == "opened":
                self.project.perform("match", by=by)

    # -- what the steps use

    def mail_offer(self) -> None:
        """Inside a step: a notice, and a mail with a link by which the advisor reads and answers."""
        self.queue("advisory.mail_offer", key=f"offer:{self.pk}:{self.version + 1}")

    def keep_signatures(self, by: Any, signed: dict[str, bool]) -> None:
        """A signature once given stays; that under the terms is kept with the text that was signed."""
        if signed.get("has_signed_terms") and not self.has_signed_terms:
            sign_terms(self, by)
        for name, is_given in signed.items():
            setattr(self, name, is_given or getattr(self, name))

    def names(self) -> dict[str, str]:
        """Advisor and project by their names, for notices."""
        return {"advisor": self.advisor.person.name, "project": self.project.name}

    def tell_staff(self, key: str) -> None:
        """A notice to the office that names advisor and project."""
        self.tell(staff_of(self.programme_id), key, **self.names())

    def managers(self) -> Any:
        """Who manages the clusters of the project."""
        return holders("manager", scope="project", key=self.project_id)

    def awaited_people(self) -> list[Any]:
        """The advisor while the offer is open, else the office."""
        return [self.advisor.person] if self.state == self.State.OFFERED else list(staff_of(self.programme_id))

    def facts_for(self, face: str) -> tuple[str, ...]:
        """Scores are for the office, dates and signatures also for the advisor."""
        names = self.facts + {"staff": self.staff_facts, "participant": self.own_facts}.get(face, ())
        is_told = face == "staff" or self.state in ENDED_WITH_REASON
        return names if is_told else tuple(name for name in names if name != "reason")

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Why this advisor, and who is next, for the office."""
        if face != "staff":
            return []
        why = self.why_part(dict(PARTS))
        return [self.next_part(), why] if self.state in LEFT else [why]
