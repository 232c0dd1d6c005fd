"""Match runs: who could advise whom, solved to the proven optimum and explained (F07, F08)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.advisor import SERVES, Advisor
from advisory.assignment import Assignment
from advisory.barred import conflicts, excluded_pairs, settled, unspoken
from advisory.checks import LIVE, OVER, spoken_for
from advisory.curriculum import CurriculumVitae
from advisory.needs import Need
from advisory.placing import Terms, changed_by, pairs_in
from advisory.preference import pairs as preferred
from advisory.project import Project, ProjectCluster
from advisory.redaction import GONE, checksum_of, without
from advisory.told import records_of, told_project
from facility.registry.people import Person
from facility.registry.programme import InProgramme
from facility.roles import office, parent_step, readers, staff_of, system
from facility.workflow import clock
from facility.workflow.engine import Faces, perform_many, state_field
from facility.workflow.show import labelled, shown
from facility.workflow.steps import NEW, guard, step

# A project takes advisors from its opening to the end of its support.
OPEN_PROJECT = ("opened", "matched", "assessing", "planning", "in_support")
UNDER_WAY = ("requested", "running")
OUTCOMES = [("proven", _("Proven optimum")), ("best known", _("Best known"))]


# The columns that the erasure of an advisor changes.
FORGETS = ("why", "inputs", "result", "people_out", "checksum_without")


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
    facts = ("requested_at", "outcome", "why", "checksum", "people_out", "checksum_without")
    filter_by = ("state",)
    door_related = ("programme",)
    untrailed = frozenset({"inputs", "result", "scores", "why"})
    tones = {"requested": "wait", "running": "active", "done": "good", "failed": "bad"}
    awaits = {"failed": ("retry",)}
    shape = {
        "requested_at": "requested_at",
        "parameters": "parameters",
        "pins": "pins",
        "forbids": "forbids",
        "changes": "changes",
        "inputs": "inputs",
        "result": "result",
        "outcome": "outcome",
        "reason": "why",
        "checksum": "checksum",
        "people_out": "people_out",
        "checksum_without": "checksum_without",
    }
    faces = Faces(readers)

    state = state_field(State)
    requested_at = models.DateTimeField(_("requested"), null=True)
    parameters = models.JSONField(_("parameters"), default=dict)
    pins = models.JSONField(_("pinned pairs"), default=list)
    forbids = models.JSONField(_("forbidden pairs"), default=list)
    changes = models.JSONField(_("changed capacities and demanded languages"), default=dict)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    is_for_business = models.BooleanField(default=False)
    is_for_sustainability = models.BooleanField(default=False)
    inputs = models.JSONField(_("what was known"), default=dict)
    # The points of every pair, a row for each advisor, so that another choice can be tried without reading CVs again.
    scores = models.JSONField(_("points of all pairs"), default=list)
    result = models.JSONField(_("what came out"), default=dict)
    outcome = models.CharField(_("outcome"), max_length=10, choices=OUTCOMES, blank=True, default="")
    why = models.TextField(_("why it failed"), blank=True, default="")
    checksum = models.CharField(_("checksum of inputs and result"), max_length=64, blank=True, default="")
    people_out = models.PositiveSmallIntegerField(_("people taken out since"), default=0)
    checksum_without = models.CharField(
        _("checksum without the people taken out"), max_length=64, blank=True, default=""
    )

    class Meta:
        verbose_name = _("match run")
        verbose_name_plural = _("match runs")
        # Two runs for the same places would propose the same people.
        constraints = [
            models.UniqueConstraint(
                fields=["programme"],
                condition=models.Q(state__in=UNDER_WAY, **{f"is_for_{kind}": True}),
                name=f"one_match_for_{kind}_at_once",
            )
            for kind in ("business", "sustainability")
        ]

    def __str__(self) -> str:
        return _t("Match run of %s") % (shown(self.requested_at) or "–")

    @labelled(_("projects"))
    def project_count(self) -> int:
        """How many projects it looks for advisors for."""
        return len(self.parameters.get("projects", []))

    @guard(_("A match is under way for these kinds of advisor."))
    def is_alone(self) -> Any:
        """Nobody else runs a match for one of these kinds in this programme."""
        return under_way(self.programme_id, self.parameters.get("kinds", []), but=self.pk) or True

    # -- steps

    @step(label=_("New match run"), source=NEW, target=State.REQUESTED, who=office, form="RequestMatch")
    def request(
        self,
        *,
        by: Any,
        programme: Any,
        projects: list[Any],
        kinds: list[str],
        weights: dict[str, float],
        **limits: Any,
    ) -> None:
        """Looks for advisors for the projects that lack one of these kinds. The proposals are yours to approve."""
        self.programme, self.requested_at = programme, clock.now()
        self.parameters = {"projects": [str(one.pk) for one in projects], "kinds": kinds, "weights": weights}
        self.parameters["limits"] = {name: value for name, value in limits.items() if value}
        self.is_for_business, self.is_for_sustainability = "business" in kinds, "sustainability" in kinds
        self.call(by)

    @step(label=_("Start"), source=State.REQUESTED, target=State.RUNNING, who=system, quiet=True)
    def start(self, *, by: Any) -> None:
        """Freezes what is known now: advisors, projects, conflicts."""
        self.inputs, self.result, self.outcome, self.why = self.freeze(), {}, "", ""

    @step(label=_("Finish"), source=State.RUNNING, target=State.DONE, who=system, quiet=True, form="FinishMatch")
    def finish(self, *, by: Any, result: dict[str, Any], scores: list[Any] | None = None) -> None:
        """Keeps the result; its pairs replace the proposals of an earlier turn of this run."""
        result, pairs = self.of_those_still_here(result)
        self.scores = scores or []
        known = hashlib.sha256(json.dumps(self.scores).encode()).hexdigest()
        self.result, self.outcome = result | {"scores_sha256": known}, result["status"]
        self.checksum, self.checksum_without, self.people_out = checksum_of(self.inputs, self.result), "", 0
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
                is_lead=bool(pair.get("is_lead")),
                days=pair.get("days"),
            )
            for pair in pairs
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
        form="FailMatch",
    )
    def fail(self, *, by: Any, why: str) -> None:
        """There is no assignment, or the run broke off. Why may name people: it stands in no trail and no notice."""
        self.why = why
        self.tell(staff_of(self.programme_id), gettext_noop("The match run failed. Its page says why."))

    @step(label=_("Take a person out"), source=list(State), target=None, who=parent_step, quiet=True, form="TakeOut")
    def take_out(self, *, by: Any, advisor: str) -> None:
        """Somebody was erased: name and words go, numbers stay. The checksum stays, a second one fits what is left."""
        self.forget(advisor)

    @step(label=_("Try again"), source=State.FAILED, target=State.REQUESTED, who=office, guards=[is_alone])
    def retry(self, *, by: Any) -> None:
        """Runs again with what is known by now."""
        self.call(by)

    @step(
        label=_("Adjust"),
        source=[State.DONE, State.FAILED],
        target=State.REQUESTED,
        who=office,
        quiet=True,
        guards=[is_alone],
        form="AdjustMatch",
    )
    def adjust(self, *, by: Any, pin: str, forbid: str, free: str, **changed: Any) -> None:
        """Pins or forbids a pair, changes a capacity, demands a language, or takes that back, and runs again."""
        pair = pin or forbid or free
        if forbid:
            advisor, _colon, project = forbid.partition(":")
            theirs = self.assignments.filter(state=Assignment.State.PROPOSED, advisor__pk=advisor, project__pk=project)
            perform_many(list(theirs), "discard", by=by, reason=_t("The pair was forbidden."))
        self.pins = [*(one for one in self.pins if one != pair), *([pin] if pin else [])]
        self.forbids = [*(one for one in self.forbids if one != pair), *([forbid] if forbid else [])]
        self.changes = changed_by(self.changes, free, **changed)
        self.call(by)

    # -- what the steps use

    def forget(self, advisor: str) -> None:
        """Empties what is told of one advisor, in the columns of FORGETS."""
        for name in [one["label"] for one in self.inputs.get("advisors", ()) if one["id"] == advisor]:
            self.why = self.why.replace(name, GONE)
        self.inputs, self.result = without(self.inputs, advisor), without(self.result, advisor)
        self.people_out += 1
        if self.checksum:
            self.checksum_without = checksum_of(self.inputs, self.result)

    def of_those_still_here(self, result: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """The result without the words about whoever was erased while it was made, and the pairs that can still be.

        A project that ended meanwhile took its proposals back, and gets no new ones.
        """
        known = [one["id"] for one in self.inputs.get("advisors", ())]
        erased = {str(key) for key in Advisor.objects.filter(pk__in=known, state="erased").values_list("pk", flat=True)}
        for key in erased:
            result = without(result, key)
        asked = [one["id"] for one in self.inputs.get("projects", ())]
        over = {str(key) for key in Project.objects.filter(pk__in=asked, state__in=OVER).values_list("pk", flat=True)}
        pairs = [one for one in result["pairs"] if one["advisor"]["id"] not in erased]
        return result, [one for one in pairs if one["project"]["id"] not in over]

    def terms(self) -> Terms:
        """What the coordinator set, for the solver."""
        return Terms(self.pins, self.forbids, limits=self.parameters.get("limits", {}), **self.changes)

    def holds(self) -> bool:
        """Whether inputs and result are those that the checksum was made of, or those left when people were erased."""
        return checksum_of(self.inputs, self.result) == (self.checksum_without or self.checksum)

    def call(self, by: Any) -> None:
        """Queues the run; each turn has a job of its own."""
        self.asked_by = by if isinstance(by, Person) else None
        self.queue("advisory.run_match", key=f"match:{self.pk}:{self.version}")

    def freeze(self) -> dict[str, Any]:
        """What the run rests on, with names beside ids, so that it can be read years later.

        `advisors`: those of the pool with places left; `projects`: those that lack somebody, with their demand;
        `before`: the pairs of the turn before; `barred`: pairs that must not be, with the reason; `wishes`: pairs that
        a side would gladly see.
        """
        advisors, projects = self.free_advisors(), self.lacking_projects()
        records = records_of([one.person_id for one in advisors])
        promised = spoken_for("advisor", [one.pk for one in advisors])
        told = [self.told_advisor(one, promised[one.pk]) | records[one.person_id] for one in advisors]
        wanted = self.parameters.get("limits", {}).get("language") == "official"
        booked = spoken_for("project", [one.pk for one, _lacking in projects])
        asked = [told_project(one, lacking, booked[one.pk], needs_language=wanted) for one, lacking in projects]
        return {
            "as_of": clock.now().isoformat(),
            "advisors": told,
            "projects": asked,
            "before": pairs_in(self.result),
            "barred": [
                *conflicts(advisors, asked),
                *unspoken(told, asked),
                *settled(projects),
                *excluded_pairs(told, asked),
            ],
            "wishes": preferred("wish", told, asked),
        }

    def free_advisors(self) -> list[Advisor]:
        """The pool, without those whose capacity is taken; each with `places` and the confirmed CV in `cv`."""
        live = models.Q(assignments__state__in=LIVE)
        busy = models.Count("assignments", filter=live)
        confirmed = models.Prefetch(
            "curricula", CurriculumVitae.objects.filter(state="confirmed").defer("text"), to_attr="confirmed"
        )
        rows = Advisor.objects.filter(programme=self.programme_id, state=Advisor.State.POOL).annotate(busy=busy)
        free = rows.filter(busy__lt=models.F("capacity")).select_related("person").prefetch_related(confirmed)
        return list(free.order_by("pk"))

    def told_advisor(self, one: Any, promised: Any) -> dict[str, Any]:
        """An advisor as the run knows them; promised: days that are spoken for."""
        return {
            "id": str(one.pk),
            "label": one.person.name,
            "kind": one.kind,
            "serves": list(SERVES[one.kind]),
            "areas": one.areas,
            "languages": one.languages,
            "countries": one.countries,
            "sectors": one.sectors,
            "years": one.years,
            "places": one.capacity - one.busy,
            "days": None if one.days is None else max(0, int(one.days - promised)),
            "curriculum": str(one.confirmed[0].pk) if one.confirmed else None,
        }

    def lacking_projects(self) -> list[tuple[Any, list[str]]]:
        """The projects asked for that still lack advisors, each with the kinds that it lacks."""
        taken = Assignment.objects.filter(state__in=LIVE).select_related("advisor")
        live = models.Prefetch("assignments", taken, to_attr="live")
        parties = models.Prefetch(
            "parties", ProjectCluster.objects.select_related("cluster").order_by("-is_lead", "pk")
        )
        open_needs = Need.objects.filter(state="named", assessment__state="agreed", rank__isnull=False)
        agreed = models.Prefetch("needs", open_needs, to_attr="agreed_needs")
        rows = Project.objects.filter(pk__in=self.parameters["projects"], state__in=OPEN_PROJECT).order_by("pk")
        rows = rows.select_related("application__lead_cluster")
        found = []
        for one in rows.prefetch_related(live, parties, agreed, "application__needs"):
            lacking = [kind for kind in self.parameters["kinds"] if kind not in {taken.kind for taken in one.live}]
            if lacking:
                found.append((one, lacking))
        return found


def under_way(programme: Any, kinds: list[str], but: Any = None) -> list[str]:
    """Who runs a match for one of these kinds at this moment, as sentences."""
    wanted: Any = models.Q(pk__in=[])
    for kind in kinds:
        wanted |= models.Q(**{f"is_for_{kind}": True})
    rows = MatchRun.objects.filter(wanted, programme=programme, state__in=UNDER_WAY).exclude(pk=but)
    said = _t("%(who)s runs a match for these kinds of advisor since %(time)s. Wait for it in the list of match runs.")
    return [
        said % {"who": one.asked_by or _t("The Facility"), "time": shown(one.requested_at)}
        for one in rows.select_related("asked_by").defer("inputs", "result", "scores").order_by("pk")
    ]


def lacking(programme: Any, kinds: list[str]) -> models.QuerySet:
    """The projects of a programme that lack an advisor of one of the kinds."""
    missing: Any = models.Q()
    for kind in kinds:
        taken = Assignment.objects.filter(project=models.OuterRef("pk"), kind=kind, state__in=LIVE)
        missing |= ~models.Exists(taken)
    return Project.objects.filter(missing, programme=programme, state__in=OPEN_PROJECT).order_by("pk")
