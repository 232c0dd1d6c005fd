"""Assignments: one advisor on one project, from proposal to completion (F07, F08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.advisor import KINDS, Advisor, revoke, speaks_one_of, working_languages
from facility.registry.conflicts import tied_clusters
from facility.registry.grants import grant
from facility.registry.programme import InProgramme
from facility.roles import any_of, held, holders, office, parent_step, readers, staff_of, system, who
from facility.workflow import clock
from facility.workflow.clock import At, Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.steps import NEW, Blocked, guard, step

# States in which an assignment takes a place on the project and one of the advisor's.
LIVE = ("approved", "offered", "accepted", "active")
UNTOLD = ("proposed", "approved", "discarded")
PARTS = [
    ("meaning", _("What the CV says")),
    ("words", _("Words in common")),
    ("areas", _("Areas")),
    ("languages", _("Languages")),
    ("sector", _("Sector")),
    ("country", _("Country known")),
    ("kind", _("Exact kind")),
    ("record", _("Earlier work here")),
]
REASON = "facility.workflow.input.ReasonForm"

own_assignment = who(
    "own advisor", lambda person: Q(advisor_id__in=held(person, "advisor", scope="advisor")), "advisor"
)
project_manager = who(
    "own manager", lambda person: Q(project_id__in=held(person, "manager", scope="project")), "manager"
)
unsigned = Q(has_signed_terms=False) | Q(has_declared_interests=False)


class Assignment(InProgramme):
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

    records = "assignments"
    lede = _("Which advisor works on which project.")
    columns = ("advisor", "kind", "lapses_at", "started_at")
    list_related = ("advisor__person", "project__application__lead_cluster")
    facts = ("project", "advisor", "kind", "started_at")
    own_facts = ("offered_at", "lapses_at", "has_signed_terms", "has_declared_interests", "reason")
    staff_facts = (*own_facts, "match_run", "score")
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
    }
    clocks = {"offered": (Due("offer_days"), At("lapse", "lapses_at"))}
    awaits = {"proposed": ("approve",), "approved": ("offer",), "offered": ("accept",), "accepted": ("sign", "start")}
    shape = {
        "project": {"id": "project_id", "name": "project__name"},
        "advisor": {"id": "advisor_id", "name": "advisor__person__name", "kind": "advisor__kind"},
        "kind": "kind",
        "started_at": "started_at",
        "participant:offered_at": "offered_at",
        "participant:lapses_at": "lapses_at",
        "participant:has_signed_terms": "has_signed_terms",
        "participant:has_declared_interests": "has_declared_interests",
        "participant:reason": "reason",
        "staff:match_run": "match_run_id",
        "staff:score": "score",
        "staff:parts": "parts",
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

    # -- guards

    @guard(_("The advisor is not in the pool."))
    def is_in_pool(self) -> Any:
        """Nobody suspended, retired or not yet admitted."""
        return self.advisor.state == Advisor.State.POOL or [_t("%s is not in the pool.") % self.advisor]

    @guard(_("The advisor has a conflict of interest."))
    def has_no_conflict(self) -> Any:
        """The register holds no interest in any cluster of the project."""
        return [
            _t("%(advisor)s has a conflict of interest with %(cluster)s.") % {"advisor": self.advisor, "cluster": one}
            for one in conflicts_of(self.advisor, self.project)
        ] or True

    @guard(_("The advisor has no capacity left."))
    def has_capacity(self) -> Any:
        """The advisor takes fewer projects than the capacity says."""
        busy = self.advisor.assignments.filter(state__in=LIVE).exclude(pk=self.pk).count()
        return busy < self.advisor.capacity or [
            _t("%(advisor)s has %(busy)d projects and takes %(capacity)d at once.")
            % {"advisor": self.advisor, "busy": busy, "capacity": self.advisor.capacity}
        ]

    @guard(_("The advisor speaks no language that the project can work in."))
    def has_common_language(self) -> Any:
        """One of the project's languages at B1 or better."""
        codes = working_languages(str(self.project.application.lead_cluster.country))
        return speaks_one_of(self.advisor.languages, codes) or [
            _t("%(advisor)s speaks none of %(codes)s at B1 or better.")
            % {"advisor": self.advisor, "codes": ", ".join(codes)}
        ]

    @guard(_("The place is taken."))
    def has_free_place(self) -> Any:
        """No other advisor of this kind, and not the same one twice."""
        others = self.project.assignments.filter(Q(kind=self.kind) | Q(advisor=self.advisor_id), state__in=LIVE)
        return [
            _t("%(advisor)s is on the project already: %(state)s.")
            % {"advisor": one.advisor, "state": one.get_state_display()}
            for one in others.exclude(pk=self.pk).select_related("advisor__person")
        ] or True

    @guard(_("The project takes no advisors any more."))
    def has_open_project(self) -> Any:
        """The project is not closed, stopped or resting."""
        return self.project.state not in {"closed", "stopped", "paused"} or [
            _t("%(project)s is %(state)s.") % {"project": self.project, "state": self.project.state_word()}
        ]

    @guard(_("The offer has ended."))
    def is_in_time(self) -> Any:
        """Before the offer lapses."""
        ends = self.lapses_at
        return ends is None or clock.now() < ends or [_t("The offer ended on %s.") % formats.date_format(ends, "j F Y")]

    @guard(_("The advisor has not signed the terms."))
    def has_terms(self) -> bool:
        """Terms are signed."""
        return self.has_signed_terms

    @guard(_("The advisor has not declared interests for this project."))
    def has_declaration(self) -> bool:
        """The advisor has declared to have no interest in the clusters of the project."""
        return self.has_declared_interests

    # -- steps

    @step(label=_("Propose an advisor"), source=NEW, target=State.PROPOSED, who=office, form="ProposeAssignment")
    def propose(self, *, by: Any, project: Any, advisor: Any, kind: str, reason: str) -> None:
        """Proposes by hand; say why this advisor."""
        self.project, self.advisor, self.kind, self.reason = project, advisor, kind, reason
        self.programme_id = project.programme_id

    @step(label=_("Propose from a match run"), source=NEW, target=State.PROPOSED, who=parent_step, quiet=True)
    def propose_from_run(self, *, by: Any) -> None:
        """Proposed by a match run, which has set project, advisor, kind, score and parts."""

    @step(
        label=_("Approve"),
        source=State.PROPOSED,
        target=State.APPROVED,
        who=office,
        guards=[is_in_pool, has_no_conflict, has_capacity, has_common_language, has_free_place, has_open_project],
        locks="advisor",
    )
    def approve(self, *, by: Any) -> None:
        """Keeps the place for this advisor. Nothing is told before the offer."""

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
        guards=[is_in_pool, has_no_conflict, has_open_project],
    )
    def offer(self, *, by: Any) -> None:
        """Asks the advisor, who answers within the days that the programme gives."""
        self.offered_at = clock.now()
        self.lapses_at = self.offered_at + dt.timedelta(days=self.offer_days)
        self.tell(
            self.advisor.person,
            gettext_noop("You are asked to advise %(project)s. Please answer within %(days)d days."),
            project=self.project.name,
            days=self.offer_days,
        )

    @step(
        label=_("Accept"),
        source=State.OFFERED,
        target=State.ACCEPTED,
        who=own_assignment,
        guards=[is_in_time, has_no_conflict],
        form="AcceptOffer",
    )
    def accept(self, *, by: Any, **signed: bool) -> None:
        """You take the project on. Terms and declaration can be signed now or later, but before the start."""
        self.keep_signatures(signed)
        self.tell_staff(gettext_noop("%(advisor)s accepts %(project)s."))

    @step(
        label=_("Sign terms and declaration"),
        source=State.ACCEPTED,
        target=None,
        who=own_assignment.when(unsigned),
        form="SignTerms",
    )
    def sign(self, *, by: Any, **signed: bool) -> None:
        """You agree to the terms and have no interest in the clusters of this project."""
        self.keep_signatures(signed)

    @step(label=_("Decline"), source=State.OFFERED, target=State.DECLINED, who=own_assignment, form=REASON)
    def decline(self, *, by: Any, reason: str) -> None:
        """You do not take the project on; say why, so that a better fit is found."""
        self.reason = reason
        self.tell_staff(gettext_noop("%(advisor)s declines %(project)s."))

    @step(label=_("Lapse"), source=State.OFFERED, target=State.LAPSED, who=system, quiet=True)
    def lapse(self, *, by: Any) -> None:
        """The offer was not answered in time."""
        self.tell_staff(gettext_noop("The offer of %(project)s to %(advisor)s lapsed."))

    @step(
        label=_("Start"),
        source=State.ACCEPTED,
        target=State.ACTIVE,
        who=office,
        guards=[has_terms, has_declaration, is_in_pool, has_no_conflict, has_open_project],
        locks="project",
    )
    def start(self, *, by: Any) -> None:
        """The advisor sees project and application from now on, and the managers see the advisor."""
        self.started_at = clock.now()
        self.tell(
            self.advisor.person, gettext_noop("You are the advisor of %(project)s now."), project=self.project.name
        )

    @step(label=_("Complete"), source=State.ACTIVE, target=State.COMPLETED, who=any_of(office, parent_step))
    def complete(self, *, by: Any) -> None:
        """The work is done; the advisor keeps sight of the project."""

    @step(label=_("Replace"), source=State.ACTIVE, target=State.REPLACED, who=office, form=REASON)
    def replace(self, *, by: Any, reason: str) -> None:
        """Ends the assignment before its time; the place is free for another advisor."""
        self.reason = reason
        for scope, key in self.sight():
            revoke(self.advisor.person, scope, key, by=by, reason=reason)
        self.tell(
            [self.advisor.person, *holders("manager", scope="project", key=self.project_id)],
            gettext_noop("%(advisor)s does not advise %(project)s any more."),
            **self.names(),
        )

    def after_step(self, name: str, *, by: Any) -> None:
        """With the start the advisor gets sight of the project, and a project that waited for it is matched."""
        if name == "approve" and (said := self.has_capacity()) is not True:
            raise Blocked(said)  # several approvals at once, each of them possible by itself
        if name != "start":
            return
        for scope, key in self.sight():
            grant(self.advisor.person, "advisor", scope, key, by=by, programme=self.programme)
        if self.project.state == "opened":
            self.project.perform("match", by=by)

    # -- what the steps use

    def sight(self) -> list[tuple[str, Any]]:
        """What an advisor at work may see."""
        return [("project", self.project_id), ("application", self.project.application_id)]

    def keep_signatures(self, signed: dict[str, bool]) -> None:
        """A signature once given stays."""
        for name, is_given in signed.items():
            setattr(self, name, is_given or getattr(self, name))

    def names(self) -> dict[str, str]:
        """Advisor and project by their names, for notices."""
        return {"advisor": self.advisor.person.name, "project": self.project.name}

    def tell_staff(self, key: str) -> None:
        """A notice to the office that names advisor and project."""
        self.tell(staff_of(self.programme_id), key, **self.names())

    def awaited_people(self) -> list[Any]:
        """The advisor while the offer is open, else the office."""
        return [self.advisor.person] if self.state == self.State.OFFERED else list(staff_of(self.programme_id))

    def facts_for(self, face: str) -> tuple[str, ...]:
        """Scores are for the office, dates and signatures also for the advisor."""
        return self.facts + {"staff": self.staff_facts, "participant": self.own_facts}.get(face, ())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Why this advisor, for the office."""
        if face != "staff":
            return []
        labels = dict(PARTS)
        rows = [[labels.get(one["name"], one["name"]), one["points"], ", ".join(one["evidence"])] for one in self.parts]
        columns = [_("Part"), _("Points"), _("Evidence")]
        return [{"title": _("Why this advisor"), "columns": columns, "rows": rows, "empty": _("Proposed by hand.")}]


def conflicts_of(advisor: Advisor, project: Any) -> list[str]:
    """The names of the project's clusters in which the advisor has an interest, lead and partners alike."""
    clusters = project.parties.values("cluster_id")
    found = tied_clusters(advisor.person_id).filter(pk__in=clusters).order_by("sort_name").distinct()
    return list(found.values_list("name", flat=True))
