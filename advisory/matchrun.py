"""Match runs: who could advise whom, solved to the proven optimum and explained (F07, F08)."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.advisor import SERVES, Advisor, speaks_one_of, working_languages
from advisory.assignment import LIVE, Assignment
from advisory.curriculum import CurriculumVitae
from advisory.project import Project, ProjectCluster
from advisory.told import asks_of, clusters_told, records_of
from facility.registry.conflicts import ties_of
from facility.registry.programme import InProgramme
from facility.roles import office, readers, staff_of, system
from facility.workflow import clock
from facility.workflow.engine import Faces, perform_many, state_field
from facility.workflow.show import shown
from facility.workflow.steps import NEW, step

# A project takes advisors from its opening to the end of its support.
OPEN_PROJECT = ("opened", "matched", "assessing", "planning", "in_support")
GONE = ("declined", "replaced")
OUTCOMES = [("proven", _("Proven optimum")), ("best known", _("Best known"))]


class MatchRun(InProgramme):
    """One search for the best assignment: what was asked, what was known, what came out, with proof and reasons."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    records = "match-runs"
    lede = _("Proposals of advisors for projects, with proof and reasons.")
    columns = ("requested_at", "project_count", "outcome")
    facts = ("requested_at", "outcome", "why", "checksum")
    filter_by = ("state",)
    door_related = ("programme",)
    untrailed = frozenset({"inputs", "result"})
    tones = {"requested": "wait", "running": "active", "done": "good", "failed": "bad"}
    awaits = {"failed": ("retry",)}
    shape = {
        "requested_at": "requested_at",
        "parameters": "parameters",
        "pins": "pins",
        "forbids": "forbids",
        "inputs": "inputs",
        "result": "result",
        "outcome": "outcome",
        "reason": "why",
        "checksum": "checksum",
    }
    faces = Faces(readers)

    state = state_field(State)
    requested_at = models.DateTimeField(_("requested"), null=True)
    parameters = models.JSONField(_("parameters"), default=dict)
    pins = models.JSONField(_("pinned pairs"), default=list)
    forbids = models.JSONField(_("forbidden pairs"), default=list)
    inputs = models.JSONField(_("what was known"), default=dict)
    result = models.JSONField(_("what came out"), default=dict)
    outcome = models.CharField(_("outcome"), max_length=10, choices=OUTCOMES, blank=True, default="")
    why = models.TextField(_("why it failed"), blank=True, default="")
    checksum = models.CharField(_("checksum of inputs and result"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("match run")
        verbose_name_plural = _("match runs")

    def __str__(self) -> str:
        return _t("Match run of %s") % (shown(self.requested_at) or "–")

    def project_count(self) -> int:
        """How many projects it looks for advisors for."""
        return len(self.parameters.get("projects", []))

    project_count.label = _("projects")  # type: ignore[attr-defined]

    # -- steps

    @step(label=_("New match run"), source=NEW, target=State.REQUESTED, who=office, form="RequestMatch")
    def request(
        self, *, by: Any, programme: Any, projects: list[Any], kinds: list[str], weights: dict[str, float]
    ) -> None:
        """Looks for advisors for the projects that lack one of these kinds. The proposals are yours to approve."""
        self.programme, self.requested_at = programme, clock.now()
        self.parameters = {"projects": [str(one.pk) for one in projects], "kinds": kinds, "weights": weights}
        self.call()

    @step(label=_("Start"), source=State.REQUESTED, target=State.RUNNING, who=system, quiet=True)
    def start(self, *, by: Any) -> None:
        """Freezes what is known now: advisors, projects, conflicts."""
        self.inputs, self.result, self.outcome, self.why = self.freeze(), {}, "", ""

    @step(label=_("Finish"), source=State.RUNNING, target=State.DONE, who=system, quiet=True, form="FinishMatch")
    def finish(self, *, by: Any, result: dict[str, Any]) -> None:
        """Keeps the result; its pairs replace the proposals of an earlier turn of this run."""
        self.result, self.outcome = result, result["status"]
        kept = json.dumps([self.inputs, self.result], sort_keys=True, ensure_ascii=False)
        self.checksum = hashlib.sha256(kept.encode()).hexdigest()
        stale = list(self.assignments.filter(state=Assignment.State.PROPOSED))
        perform_many(stale, "discard", by=by, reason=_t("The match run was adjusted."))
        made = [
            Assignment(
                programme_id=self.programme_id,
                project_id=pair["project"]["id"],
                advisor_id=pair["advisor"]["id"],
                kind=pair["kind"],
                match_run=self,
                score=pair["points"],
                parts=pair["parts"],
            )
            for pair in result["pairs"]
        ]
        perform_many(made, "propose_from_run", by=by)
        told = gettext_noop("The match run is done: %(pairs)d pairs are proposed.")
        self.tell(staff_of(self.programme_id), told, pairs=len(made))

    @step(
        label=_("Fail"),
        source=[State.REQUESTED, State.RUNNING],
        target=State.FAILED,
        who=system,
        quiet=True,
        form="facility.workflow.input.ReasonForm",
    )
    def fail(self, *, by: Any, reason: str) -> None:
        """There is no assignment, or the run broke off."""
        self.why = reason
        self.tell(staff_of(self.programme_id), gettext_noop("The match run failed: %(why)s"), why=reason)

    @step(label=_("Try again"), source=State.FAILED, target=State.REQUESTED, who=office)
    def retry(self, *, by: Any) -> None:
        """Runs again with what is known by now."""
        self.call()

    @step(label=_("Adjust"), source=State.DONE, target=State.REQUESTED, who=office, quiet=True, form="AdjustMatch")
    def adjust(self, *, by: Any, pin: str, forbid: str, free: str) -> None:
        """Pins or forbids a pair, or takes that back, and runs again with what is known by now."""
        pair = pin or forbid or free
        self.pins = [*(one for one in self.pins if one != pair), *([pin] if pin else [])]
        self.forbids = [*(one for one in self.forbids if one != pair), *([forbid] if forbid else [])]
        self.call()

    # -- what the steps use

    def call(self) -> None:
        """Queues the run; each turn has a job of its own."""
        self.queue("advisory.run_match", key=f"match:{self.pk}:{self.version}")

    def freeze(self) -> dict[str, Any]:
        """What the run rests on, with names beside ids, so that it can be read years later.

        `advisors`: those of the pool with places left; `projects`: those that lack somebody, with their demand;
        `barred`: pairs that must not be, with the reason.
        """
        advisors, projects = self.free_advisors(), self.lacking_projects()
        records = records_of([one.person_id for one in advisors])
        told = [self.told_advisor(one) | records[one.person_id] for one in advisors]
        asked = [told_project(one, lacking) for one, lacking in projects]
        return {
            "as_of": clock.now().isoformat(),
            "advisors": told,
            "projects": asked,
            "barred": [*conflicts(advisors, asked), *unspoken(told, asked), *settled(projects)],
        }

    def free_advisors(self) -> list[Advisor]:
        """The pool, without those whose capacity is taken; each with `places` and the confirmed CV in `cv`."""
        busy = models.Count("assignments", filter=models.Q(assignments__state__in=LIVE))
        confirmed = models.Prefetch(
            "curricula", CurriculumVitae.objects.filter(state="confirmed").defer("text"), to_attr="confirmed"
        )
        rows = Advisor.objects.filter(programme=self.programme_id, state=Advisor.State.POOL).annotate(busy=busy)
        free = rows.filter(busy__lt=models.F("capacity")).select_related("person").prefetch_related(confirmed)
        return list(free.order_by("pk"))

    def told_advisor(self, one: Any) -> dict[str, Any]:
        """An advisor as the run knows them."""
        return {
            "id": str(one.pk),
            "label": one.person.name,
            "kind": one.kind,
            "serves": list(SERVES[one.kind]),
            "areas": one.areas,
            "languages": one.languages,
            "sectors": one.sectors,
            "countries": one.countries,
            "places": one.capacity - one.busy,
            "curriculum": str(one.confirmed[0].pk) if one.confirmed else None,
        }

    def lacking_projects(self) -> list[tuple[Any, list[str]]]:
        """The projects asked for that still lack advisors, each with the kinds that it lacks."""
        live = models.Prefetch("assignments", Assignment.objects.filter(state__in=LIVE), to_attr="live")
        parties = models.Prefetch(
            "parties", ProjectCluster.objects.select_related("cluster").order_by("-is_lead", "pk")
        )
        rows = Project.objects.filter(pk__in=self.parameters["projects"], state__in=OPEN_PROJECT).order_by("pk")
        rows = rows.select_related("application__lead_cluster")
        found = []
        for one in rows.prefetch_related(live, parties, "application__needs"):
            lacking = [kind for kind in self.parameters["kinds"] if kind not in {taken.kind for taken in one.live}]
            if lacking:
                found.append((one, lacking))
        return found


def told_project(one: Any, lacking: list[str]) -> dict[str, Any]:
    """A project as the run knows it; an area weighs less the later the applicant named it."""
    application, lead = one.application, one.application.lead_cluster
    needs = sorted(application.needs.all(), key=lambda need: need.rank)
    return {
        "id": str(one.pk),
        "label": one.name,
        "lang": one.lang,
        "country": lead.country.code,
        "clusters": [{"id": str(party.cluster_id), "label": party.cluster.name} for party in one.parties.all()],
        "asks": asks_of(application, needs),
        **clusters_told(one.parties.all()),
        "context": application.context,
        "training_needs": application.training_needs,
        "languages": working_languages(lead.country.code),
        "areas": {need.area: round(1 / need.rank, 3) for need in reversed(needs)},
        "demand": dict.fromkeys(lacking, 1),
    }


def conflicts(advisors: list[Any], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pairs that the register of conflicts forbids, with the cluster; partners count like the lead."""
    ties = ties_of([one.person_id for one in advisors])
    return [
        {"advisor": str(one.pk), "project": project["id"], "why": "conflict", "cluster": cluster["label"]}
        for one in advisors
        for project in projects
        for cluster in project["clusters"]
        if uuid.UUID(cluster["id"]) in ties[one.person_id]
    ]


def unspoken(advisors: list[dict[str, Any]], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pairs without a common language."""
    return [
        {"advisor": advisor["id"], "project": project["id"], "why": "language"}
        for advisor in advisors
        for project in projects
        if not speaks_one_of(advisor["languages"], project["languages"])
    ]


def settled(projects: list[tuple[Any, list[str]]]) -> list[dict[str, str]]:
    """Nobody is put twice on a project, nor proposed again where they declined or were replaced."""
    keys = [one.pk for one, _lacking in projects]
    rows = Assignment.objects.filter(project__in=keys, state__in=[*LIVE, *GONE]).order_by("pk")
    return [
        {
            "advisor": str(one.advisor_id),
            "project": str(one.project_id),
            "why": "declined or replaced" if one.state in GONE else "on the project",
        }
        for one in rows
    ]


def lacking(programme: Any, kinds: list[str]) -> models.QuerySet:
    """The projects of a programme that lack an advisor of one of the kinds."""
    missing: Any = models.Q()
    for kind in kinds:
        taken = Assignment.objects.filter(project=models.OuterRef("pk"), kind=kind, state__in=LIVE)
        missing |= ~models.Exists(taken)
    return Project.objects.filter(missing, programme=programme, state__in=OPEN_PROJECT).order_by("pk")
