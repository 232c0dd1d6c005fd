"""Who leads a project, who was taken instead of whom, and who comes next: the other half of `assignment.py`."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, TextField, Value, When
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from advisory.checks import LIVE, Checked, days_left_on
from advisory.redaction import without_evidence
from facility.roles import office, parent_step
from facility.workflow.engine import perform_many
from facility.workflow.steps import Blocked, guard, step, unmet

# States in which a place is free again because somebody did not come or did not stay.
LEFT = ("declined", "lapsed", "withdrawn", "replaced")
ALL = ("proposed", *LIVE, *LEFT, "discarded", "completed")
# Agreements that end with a step, by their state: what both have signed stays as it is when the work is done.
ENDED_BY = {"withdraw": ("open", "signed"), "replace": ("open", "signed"), "complete": ("open",)}

# Why somebody was chosen is for the office; why it ended is told to the advisor.
ENDED_WITH_REASON = ("declined", "replaced", "withdrawn")
REASON_OF_THE_END = Case(
    When(state__in=ENDED_WITH_REASON, then=F("reason")), default=Value(""), output_field=TextField()
)


class Succession(Checked):
    """What an assignment knows of those beside, before and after it."""

    is_lead: bool
    match_run: Any
    match_run_id: Any
    parts: Any
    predecessor: Any
    predecessor_id: Any
    programme_id: Any

    class Meta:
        abstract = True

    @guard(_("Nobody is next."))
    def has_next(self) -> Any:
        """The runner-up of the match run can be asked now."""
        found = self.runner_up()
        if found is None:
            return [_t("The match run names nobody else for this place; run a match again.")]
        return self.speaks_against(found) or True

    @guard(_("This advisor leads the project already."))
    def leads_not_yet(self) -> bool:
        """Somebody else leads, or nobody."""
        return not self.is_lead

    @step(
        label=_("Offer to the runner-up"),
        source=list(LEFT),
        target=None,
        who=office,
        guards=[has_next],
    )
    def offer_next(self, *, by: Any) -> None:
        """Proposes, approves and offers the place to the runner-up of the match run, checked again just now."""

    @step(
        label=_("Name as lead advisor"),
        source=list(LIVE),
        target=None,
        who=office,
        guards=[leads_not_yet],
        locks="project",
    )
    def make_lead(self, *, by: Any) -> None:
        """Leads the project from now on instead of whoever did."""
        for other in self.project.assignments.filter(is_lead=True, state__in=LIVE).exclude(pk=self.pk):
            other.perform("yield_lead", by=by)
        self.is_lead = True

    @step(label=_("Yield the lead"), source=list(LIVE), target=None, who=parent_step, quiet=True)
    def yield_lead(self, *, by: Any) -> None:
        """Another advisor leads the project now."""
        self.is_lead = False

    @step(
        label=_("Take the days agreed"),
        source=list(LIVE),
        target=None,
        who=parent_step,
        quiet=True,
        form="TakeDays",
        locks="advisor",
    )
    def take_days(self, *, by: Any, days: int) -> None:
        """The days as the agreement says them. More than before are taken only while nobody else can take them."""
        is_more, self.days = days > (self.days or 0), days
        if is_more:
            self.lock_project()
            if said := self.lacking_days():
                raise Blocked(said)

    @step(label=_("Move"), source=list(ALL), target=None, who=parent_step, quiet=True, form="ToAdvisor")
    def move(self, *, by: Any, advisor: Any) -> None:
        """Its advisor was merged with another record."""
        self.advisor = advisor

    @step(label=_("Erase the words"), source=list(ALL), target=None, who=parent_step, quiet=True)
    def erase_words(self, *, by: Any) -> None:
        """Its advisor was erased: what people wrote goes, what was agreed and worked stays."""
        self.reason, self.handover = "", ""
        self.parts = without_evidence(self.parts)

    def ask_the_next(self, by: Any) -> None:
        """Inside a step: proposes, approves and offers the place to the runner-up."""
        found = self.runner_up()
        assert found is not None  # noqa: S101 (the guard has found them)
        successor = self.follower(found)
        for name in ("propose_from_run", "approve", "offer"):
            successor.perform(name, by=by)

    def end_agreement(self, name: str, by: Any) -> None:
        """Inside a step: what was agreed ends with the assignment."""
        rows = self.project.agreements.filter(assignment=self.pk, state__in=ENDED_BY.get(name, ()))
        if name in ENDED_BY:
            perform_many(rows, "end", by=by)

    def take_over(self, by: Any) -> None:
        """Inside a step: open actions of whoever was on this place before are this advisor's now."""
        before = self.project.assignments.filter(kind=self.kind, state="replaced").values("advisor__person")
        there = self.project.assignments.filter(state="active").exclude(pk=self.pk).values("advisor__person")
        rows = self.project.actions.filter(state__in=["planned", "under_way"], owner__in=before)
        perform_many(rows.exclude(owner__in=there), "pass_on", by=by, owner=str(self.advisor.person_id))

    def runner_up(self) -> Advisor | None:
        """Whom the match run would have taken next for this place; None where it knows nobody."""
        pairs = self.match_run.result.get("pairs", []) if self.match_run_id else []
        place = (str(self.project_id), str(self.advisor_id), self.kind)
        for pair in pairs:
            runner = pair.get("runner_up")
            if runner and (pair["project"]["id"], pair["advisor"]["id"], pair["kind"]) == place:
                return Advisor.objects.select_related("person").filter(pk=runner["id"]).first()
        return None

    def speaks_against(self, advisor: Advisor) -> list[str]:
        """Why the advisor cannot follow on this place now: what an approval asks, asked anew."""
        if self.project.assignments.filter(advisor=advisor.pk, state__in=LEFT).exists():
            return [_t("%s was asked for this project before.") % advisor]
        follower = self.follower(advisor)
        rival = follower.rival()
        later = _t("A later match run proposes %s for this place; discard that proposal first.")
        guards = [*type(self).step("approve").guards, Checked.has_days, Checked.has_budget, Checked.can_be_reached]
        return [*unmet(guards, follower), *([later % rival.advisor] if rival else [])]

    def follower(self, advisor: Advisor) -> Any:
        """The assignment that would follow this one, not yet written; it gets the days that are left of these."""
        left = int(days_left_on(self.project))
        model: Any = type(self)
        return model(
            programme_id=self.programme_id,
            project=self.project,
            advisor=advisor,
            kind=self.kind,
            match_run_id=self.match_run_id,
            predecessor=self,
            days=max(min(self.days or left, left), 1),
        )

    def lacking_days(self) -> list[str]:
        """Why these days do not fit into what advisor and project have left; nothing when they do."""
        return unmet([Checked.has_days, Checked.has_budget], self)

    def check_again(self) -> None:
        """The days as they were entered, and several approvals at once, each of them possible by itself: of one
        advisor, whom the step locks, and on one project."""
        self.lock_project()
        if said := [*unmet([Checked.has_capacity], self), *self.lacking_days()]:
            raise Blocked(said)

    def lock_project(self) -> None:
        """Inside a step: nobody else takes days of the project until this is through; its budget is that of now."""
        row = type(self.project).objects.select_for_update(no_key=True).values_list("days_budget", flat=True)
        self.project.days_budget = row.get(pk=self.project_id)

    def rival(self) -> Any:
        """The proposal of a later match run for this place that is passed over when this one is approved, if any."""
        rows = self.project.assignments.filter(kind=self.kind, state="proposed", match_run__isnull=False)
        rows = rows.exclude(advisor=self.advisor_id).select_related("advisor__person")
        if self.match_run_id:
            rows = rows.filter(match_run__requested_at__gt=self.match_run.requested_at)
        return rows.order_by("-match_run__requested_at", "-pk").first()

    def is_pinned(self) -> bool:
        """Whether a coordinator held the match run to this pair, whatever its points."""
        rows: Any = type(self)._base_manager
        pins = rows.filter(pk=self.pk).values_list("match_run__pins", flat=True).first()
        return f"{self.advisor_id}:{self.project_id}" in (pins or [])

    def before(self) -> Any:
        """Whose place it was: as named, or whoever was replaced last; None where nobody was."""
        if self.predecessor_id:
            return self.predecessor
        gone = self.project.assignments.filter(kind=self.kind, state="replaced").exclude(pk=self.pk)
        return gone.order_by("-pk").first()

    def takes_the_lead(self) -> bool:
        """Whether this advisor leads: whom the match run names, else the first business advisor, or who is alone."""
        others = self.project.assignments.exclude(pk=self.pk)
        if others.filter(is_lead=True, state__in=LIVE).exists():
            return False
        if self.is_lead:  # named by the match run
            return True
        waiting = others.filter(state__in=["proposed", *LIVE])
        if waiting.filter(is_lead=True).exists():
            return False
        return self.kind == "business" or not waiting.filter(kind="business").exists()

    def why_part(self, labels: dict[str, Any]) -> dict[str, Any]:
        """For the office: the parts of the score, under these names."""
        rows = [
            [labels.get(one["name"], one["name"]), one["points"], ", ".join(map(str, one["evidence"]))]
            for one in self.parts
        ]
        columns = [_t("Part"), _t("Points"), _t("Evidence")]
        return {"title": _t("Why this advisor"), "columns": columns, "rows": rows, "empty": _t("Proposed by hand.")}

    def next_part(self) -> dict[str, Any]:
        """For the office: who is next, checked again just now."""
        found = self.runner_up()
        against = self.speaks_against(found) if found else []
        said = " ".join(against) if against else _t("Can be asked now.")
        rows = [[{"value": str(found), "url": found.get_absolute_url()}, said]] if found else []
        return {
            "title": _("Who is next"),
            "columns": [_("Runner-up of the match run"), _("Checked now")],
            "rows": rows,
            "empty": _("The match run names nobody else for this place; run a match again."),
        }


__all__ = ["ENDED_WITH_REASON", "LEFT", "REASON_OF_THE_END", "Succession"]
