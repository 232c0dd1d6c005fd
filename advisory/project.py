"""Projects: the support of one application, from the first meeting to the roadmap (F02, F10, F12, F16)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.application import Application
from facility.registry.cluster import Cluster
from facility.registry.documents import Document
from facility.registry.grants import grant
from facility.registry.people import Person
from facility.roles import any_of, holders, in_force, lead, office, parent_step, readers
from facility.workflow import clock, door
from facility.workflow.engine import Faces, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, step

from .case import Case, Lesson, ProjectCluster
from .checks import NAMED
from .voices import REASON, advisor_on, lead_manager_on, manager_on, untied_advisor_on, voices_of
from .watch import flag_the_tied

SUPPORTED = ("matched", "assessing", "planning", "in_support", "wrapping_up")

own_advisor, own_manager = advisor_on("pk"), manager_on("pk")


class Project(Case):
    """The support of one application: matched with an advisor, needs agreed, plan approved, supported, wrapped up."""

    class State(models.TextChoices):
        OPENED = "opened", _("Opened")
        MATCHED = "matched", _("Matched")
        ASSESSING = "assessing", _("Assessing")
        PLANNING = "planning", _("Planning")
        IN_SUPPORT = "in_support", _("In support")
        WRAPPING_UP = "wrapping_up", _("Wrapping up")
        CLOSED = "closed", _("Closed")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped")

    RUNNING = (State.OPENED, State.MATCHED, State.ASSESSING, State.PLANNING, State.IN_SUPPORT, State.WRAPPING_UP)

    records = "projects"
    lede = _("Projects, one for each application that was selected.")
    columns = ("application__lead_cluster__country", "starts_on", "ends_on", "days_budget", "firms_targeted")
    list_related = ("application__lead_cluster",)
    facts = (
        "application",
        "starts_on",
        "ends_on",
        "days_budget",
        "firms_targeted",
        "deliverables",
        "final_note",
        "roadmap",
    )
    search_in = ("name", "application__lead_cluster__name")
    filter_by = ("state",)
    order_by = ("-id", "name", "ends_on")
    door_related = ("programme", "application__lead_cluster", "roadmap")
    tones = {
        "matched": "wait",
        "assessing": "idle",
        "planning": "wait",
        "in_support": "active",
        "wrapping_up": "wait",
        "closed": "done",
        "paused": "warn",
        "stopped": "bad",
    }
    awaits = {
        "matched": ("kick_off",),
        "planning": ("approve_plan",),
        "wrapping_up": ("approve_note", "close"),
    }
    shape = {
        "name": "name",
        "application": {"id": "application_id", "number": "application__number"},
        "lead_cluster": {
            "id": "application__lead_cluster_id",
            "name": "application__lead_cluster__name",
            "country": "application__lead_cluster__country",
        },
        "clusters": Many(
            "advisory.ProjectCluster",
            "project",
            {"id": "cluster_id", "name": "cluster__name", "country": "cluster__country", "is_lead": "is_lead"},
            ("-is_lead", "cluster__sort_name", "pk"),
        ),
        "advisors": Many(
            "advisory.Assignment",
            "project",
            {"id": "advisor_id", "name": "advisor__person__name", "kind": "kind"},
            only=NAMED,
        ),
        "starts_on": "starts_on",
        "ends_on": "ends_on",
        "days_budget": "days_budget",
        "firms_targeted": "firms_targeted",
        "deliverables": "deliverables",
        "signatures": Many(
            "advisory.Signature",
            "project",
            {"subject": "subject", "voice": "voice", "name": "by__name", "at": "at"},
            ("at", "pk"),
        ),
        "lessons": Many("advisory.Lesson", "project", {"area": "area", "text": "text", "role": "role"}),
        "final_note": "final_note",
        "roadmap": "roadmap_id",
    }
    faces = Faces(readers, any_of(untied_advisor_on("pk"), own_manager))

    agreements: Any

    state = state_field(State)
    application = models.OneToOneField(
        Application, on_delete=models.PROTECT, related_name="project", verbose_name=_("application")
    )
    name = models.CharField(_("name"), max_length=200)
    starts_on = models.DateField(_("start"))
    ends_on = models.DateField(_("end"))
    days_budget = models.PositiveSmallIntegerField(_("days of support"))
    firms_targeted = models.PositiveSmallIntegerField(_("firms to reach"), default=0)
    deliverables = models.TextField(_("deliverables"), blank=True, default="")
    kicked_off_on = models.DateField(_("first meeting"), null=True)
    final_note = models.TextField(_("final note"), blank=True, default="")
    note_approved_at = models.DateTimeField(_("note approved"), null=True)
    roadmap = models.ForeignKey(
        Document, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("roadmap")
    )
    before_pause = models.CharField(max_length=30, blank=True, default="")

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="project_ends_after_start")
        ]

    def __str__(self) -> str:
        return self.name

    def title(self) -> str:
        """Its name."""
        return self.name

    @property
    def lead_cluster(self) -> Cluster:
        """The lead cluster of its application."""
        return self.application.lead_cluster

    @property
    def lang(self) -> str:
        """The language of the name where it is the cluster's."""
        return self.lead_cluster.lang if self.name == self.lead_cluster.name else ""

    # -- steps

    @step(label=_("Open a project"), source=NEW, target=State.OPENED, who=office, form="OpenProject")
    def open(self, *, by: Any, application: Any, **data: Any) -> None:
        """Opens the project of a selected application. The managers of all its clusters see it from now on."""
        self.application, self.programme = application, application.programme
        for name, value in data.items():
            setattr(self, name, value)
        self.name = self.name or application.lead_cluster.name
        clusters = [
            application.lead_cluster,
            *(p.cluster for p in application.partners.select_related("cluster").order_by("pk")),
        ]
        ProjectCluster.objects.bulk_create(
            ProjectCluster(project=self, cluster=cluster, is_lead=at == 0) for at, cluster in enumerate(clusters)
        )
        self.trail_also("clusters", None, [cluster.name for cluster in clusters])
        managers = Person.objects.filter(
            pk__in=in_force()
            .filter(role="manager", scope_type="cluster", scope_key__in=[c.pk for c in clusters])
            .values("person_id")
        ).order_by("pk")
        for manager in managers:
            grant(manager, "manager", "project", self.pk, by=by, programme=self.programme)
        self.tell(
            managers, gettext_noop("Your project %(name)s is open; advisors are looked for next."), name=self.name
        )

    @step(
        label=_("Edit"),
        source=[State.OPENED, State.MATCHED, State.ASSESSING, State.PLANNING],
        target=None,
        who=office,
        form="EditProject",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes dates, days, targets and deliverables. An agreement whose text names them is to be signed anew."""
        for name, value in data.items():
            setattr(self, name, value)

    @step(label=_("Add a partner cluster"), source=list(RUNNING), target=None, who=office, form="AddPartner")
    def add_partner(self, *, by: Any, cluster: Any) -> None:
        """Another cluster takes part from now on; its managers see the project, and conflicts are checked again."""
        ProjectCluster(project=self, cluster=cluster).save()
        self.trail_also("clusters", None, [cluster.name])
        for manager in holders("manager", scope="cluster", key=cluster.pk):
            grant(manager, "manager", "project", self.pk, by=by, programme=self.programme)

    @step(label=_("Match"), source=State.OPENED, target=State.MATCHED, who=parent_step, quiet=True)
    def match(self, *, by: Any) -> None:
        """An advisor has started."""

    @step(label=_("Hold the first meeting"), source=State.MATCHED, target=State.ASSESSING, who=office, form="KickOff")
    def kick_off(self, *, by: Any, held_on: Any) -> None:
        """The first meeting was held. Advisor, manager and coordinator name the needs now."""
        self.kicked_off_on = held_on
        self.tell(
            [*self.advisors(), *self.managers()],
            gettext_noop("The first meeting of %(name)s was held. Name the needs, then rank them."),
            name=self.name,
        )

    @step(label=_("Agree on the needs"), source=State.ASSESSING, target=State.PLANNING, who=parent_step, quiet=True)
    def agree_needs(self, *, by: Any) -> None:
        """The three have signed the order of needs."""
        self.tell(self.advisors(), gettext_noop("The needs of %(name)s are agreed. Plan the actions."), name=self.name)

    @step(
        label=_("Approve the plan"),
        source=State.PLANNING,
        target=State.IN_SUPPORT,
        who=office,
        guards=[Case.has_agreed_needs, Case.has_actions, Case.has_a_need_for_each_action, Case.is_signed],
    )
    def approve_plan(self, *, by: Any) -> None:
        """Support starts as planned."""
        self.tell(
            [*self.advisors(), *self.managers()],
            gettext_noop("The plan of %(name)s is approved; support starts."),
            name=self.name,
        )

    @step(
        label=_("Record a lesson"),
        source=[State.IN_SUPPORT, State.WRAPPING_UP],
        target=None,
        who=any_of(own_advisor, own_manager, office),
        form="LessonForm",
    )
    def record_lesson(self, *, by: Any, area: str, text: str) -> None:
        """Something that the next programme should know."""
        Lesson(project=self, area=area, text=text, role=voices_of(self, by)[0], by=by).save()
        self.trail_also("lessons", None, text)

    @step(label=_("Start wrapping up"), source=State.IN_SUPPORT, target=State.WRAPPING_UP, who=office)
    def wrap_up(self, *, by: Any) -> None:
        """Support ends; what came of it is written down."""
        self.tell(
            [*self.advisors(), *self.managers()],
            gettext_noop("%(name)s is wrapping up: outcomes, lessons, roadmap and final note are due."),
            name=self.name,
        )

    @step(
        label=_("Write the final note"),
        source=State.WRAPPING_UP,
        target=None,
        who=any_of(own_advisor, office),
        form="FinalNote",
        edits=True,
    )
    def write_note(self, *, by: Any, final_note: str) -> None:
        """What was done and what came of it, in words for outside. The cluster manager approves it."""
        self.final_note, self.note_approved_at = final_note, None
        self.tell(self.managers(), gettext_noop("Please read and approve the final note of %(name)s."), name=self.name)

    @step(
        label=_("Approve the final note"),
        source=State.WRAPPING_UP,
        target=None,
        who=lead_manager_on("application").when(~Q(final_note=""), note_approved_at__isnull=True),
    )
    def approve_note(self, *, by: Any) -> None:
        """The note may stand for your cluster."""
        self.note_approved_at = clock.now()

    @step(
        label=_("Hand over the roadmap"),
        source=[State.IN_SUPPORT, State.WRAPPING_UP],
        target=None,
        who=any_of(own_advisor, office),
        form="HandOver",
    )
    def hand_over_roadmap(self, *, by: Any, roadmap: Any) -> None:
        """Gives the cluster its roadmap, as a document of this project."""
        self.roadmap = roadmap
        self.tell(
            self.managers(),
            gettext_noop("The roadmap of %(name)s is yours: it stands on the project's page."),
            name=self.name,
        )

    @step(
        label=_("Close the project"),
        source=State.WRAPPING_UP,
        target=State.CLOSED,
        who=office,
        guards=[
            Case.has_approved_session,
            Case.is_without_open_sessions,
            Case.has_lessons,
            Case.has_outcome_for_each_need,
            Case.has_roadmap,
            Case.has_approved_note,
        ],
    )
    def close(self, *, by: Any) -> None:
        """Ends the project; nothing of it changes after this. Assignments end with it, offers are withdrawn."""
        self.tell([*self.advisors(), *self.managers()], gettext_noop("%(name)s is closed. Thank you."), name=self.name)

    @step(label=_("Pause"), source=list(RUNNING), target=State.PAUSED, who=office, form=REASON)
    def pause(self, *, by: Any, reason: str) -> None:
        """Lets the project rest; it goes on from where it stands."""
        self.before_pause = self.state

    @step(label=_("Resume"), source=State.PAUSED, target=RETURN_VALUE(*RUNNING), who=office)
    def resume(self, *, by: Any) -> str:
        """Goes on from where it was."""
        return self.before_pause

    @step(label=_("Stop"), source=[*RUNNING, State.PAUSED], target=State.STOPPED, who=lead, form=REASON)
    def stop(self, *, by: Any, reason: str) -> None:
        """Ends the support before its time, and every assignment; the reason stays in the trail."""
        self.tell([*self.advisors(), *self.managers()], gettext_noop("%(name)s was stopped."), name=self.name)

    def after_step(self, name: str, *, by: Any) -> None:
        """With the first meeting the needs are open to be named; a change of terms reaches the agreements."""
        if name == "add_partner":
            flag_the_tied(by=by, people=list(self.assignments.values_list("advisor__person", flat=True)))
        if name in {"close", "stop"}:
            self.end_assignments(by)
        if name == "edit":
            for agreement in self.agreements.filter(state__in=["open", "signed"]).order_by("pk"):
                agreement.perform("follow", by=by)
        if name == "kick_off":
            from .needs import NeedsAssessment

            NeedsAssessment(project=self, programme=self.programme).perform("open", by=by)


def open_for(applications: Any, *, by: Any, **data: Any) -> list[Project]:
    """Opens a project for each of these applications, or none, all with the same dates, days and targets."""
    return door.retrying(lambda: [Project().perform("open", by=by, application=one.pk, **data) for one in applications])
