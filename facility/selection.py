"""The selection of a call: ranked proposal, approval, release (F03, F05)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import ranking
from facility.application import Application
from facility.registry.cluster import Cluster
from facility.registry.matrix import EU_MEMBERS
from facility.registry.programme import InProgramme
from facility.roles import lead, office, readers, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, perform_many, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

released_to_all = who("public", lambda person: Q(state="released"))


class Selection(InProgramme):
    """Who comes in: computed from scores and rules, approved by the lead, released to everybody at one moment."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        RELEASED = "released", _("Released")

    records = "selections"
    lede = _("The ranking of a call and its release.")
    columns = ("call", "released_at")
    facts = ("call", "places", "minimum_score", "country_cap", "reserve_places", "released_at", "checksum")
    filter_by = ("state", "call")
    door_related = ("call", "programme")
    tones = {"draft": "idle", "proposed": "wait", "approved": "wait", "released": "good"}
    awaits = {"draft": ("propose",), "proposed": ("approve",), "approved": ("release",)}
    shape = {
        "call": {"id": "call_id", "title": "call__title_text"},
        "places": "places",
        "released_at": "released_at",
        "staff:minimum_score": "minimum_score",
        "staff:country_cap": "country_cap",
        "selected": Many(
            "facility.SelectionLine",
            "selection",
            {"application": "application_id", "cluster": "application__lead_cluster__name"},
            ("application__lead_cluster__sort_name", "pk"),
            {"outcome": "selected"},
        ),
        "staff:ranking": Many(
            "facility.SelectionLine",
            "selection",
            {
                "rank": "rank",
                "application": "application_id",
                "score": "score",
                "outcome": "outcome",
                "position": "position",
                "reasons": "reasons",
                "override": "override",
                "override_reason": "override_reason",
            },
            ("rank",),
        ),
    }
    faces = Faces(readers, public=released_to_all)

    state = state_field(State)
    call = models.ForeignKey(
        "facility.Call", on_delete=models.PROTECT, related_name="selections", verbose_name=_("call")
    )
    places = models.PositiveSmallIntegerField(_("places"))
    minimum_score = models.DecimalField(_("minimum score"), max_digits=5, decimal_places=2)
    country_cap = models.PositiveSmallIntegerField(_("at most per country"), null=True)
    reserve_places = models.PositiveSmallIntegerField(_("places on the reserve list"))
    released_at = models.DateTimeField(_("released"), null=True)
    checksum = models.CharField(_("checksum of the ranking"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("selection")
        verbose_name_plural = _("selections")
        constraints = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(state="released"), name="one_released_selection_per_call"
            )
        ]

    def __str__(self) -> str:
        return f"{self.call}: {self.get_state_display()}"

    def title(self) -> str:
        """The call's title."""
        return _t("Selection of %s") % self.call

    # -- guards

    @guard(_("The call is still open."))
    def is_closed_call(self) -> bool:
        """The call takes nothing any more."""
        return self.call.state == "closed"

    @guard(_("Close the evaluation of every eligible application first."))
    def has_all_evaluated(self) -> Any:
        """No application waits for eligibility or evaluation."""
        left = self.call.applications.filter(state__in=["submitted", "returned", "eligible", "under_review"]).count()
        return left == 0 or [_t("%d applications are not evaluated yet.") % left]

    @guard(_("More are selected than there are places."))
    def is_within_capacity(self) -> bool:
        """Never more than the places."""
        return self.lines.filter(outcome="selected").count() <= self.call.places

    @guard(_("The cap per country does not hold."))
    def is_within_quotas(self) -> Any:
        """The cap per country holds."""
        if self.country_cap is None:
            return True
        per = (
            self.lines.filter(outcome="selected")
            .values("application__lead_cluster__country")
            .annotate(n=models.Count("pk"))
        )
        over = [row for row in per.order_by("application__lead_cluster__country") if row["n"] > self.country_cap]
        return not over or [
            _t("%(country)s has %(n)d selected applications; the cap is %(cap)d.")
            % {"country": row["application__lead_cluster__country"], "n": row["n"], "cap": self.country_cap}
            for row in over
        ]

    @guard(_("Give a reason for every override."))
    def has_reasons(self) -> bool:
        """Overrides carry reasons."""
        return not self.lines.exclude(override="").filter(override_reason="").exists()

    @guard(_("The applications have changed since the ranking was made; propose it again."))
    def is_up_to_date(self) -> bool:
        """The ranking holds exactly the evaluated applications with their present scores."""
        now = set(self.call.applications.filter(state="evaluated").values_list("pk", "score"))
        return now == set(self.lines.values_list("application_id", "score"))

    # -- steps

    @step(label=_("New selection"), source=NEW, target=State.DRAFT, who=office, form="SelectionForm")
    def create(self, *, by: Any, call: Any) -> None:
        """Starts the selection of a call under the rules that the call declared."""
        self.call, self.programme_id = call, call.programme_id
        self.places, self.minimum_score = call.places, call.minimum_score
        self.country_cap, self.reserve_places = call.country_cap, call.reserve_places

    @step(
        label=_("Propose ranking"),
        source=[State.DRAFT, State.PROPOSED],
        target=State.PROPOSED,
        who=office,
        guards=[is_closed_call, has_all_evaluated],
        form="ProposeSelection",
        edits=True,
    )
    def propose(self, *, by: Any, overrides: list[dict[str, Any]]) -> None:
        """Ranks the evaluated applications by score and rules. Propose again to change an override."""
        chosen = {row["application"]: row for row in overrides}
        proposal = self.rank(
            {key: ranking.Override(row["decision"] == "in", row["reason"]) for key, row in chosen.items()}
        )
        self.lines.all().delete()
        SelectionLine.objects.bulk_create(
            SelectionLine(
                selection=self,
                application=application,
                rank=rank,
                score=application.score,  # type: ignore[misc]  # evaluated applications have one
                outcome=str(placing.outcome),
                position=placing.position,
                reasons=[reason.sentence for reason in placing.reasons],
                override=chosen[str(application.pk)]["decision"] if str(application.pk) in chosen else "",
                override_reason=chosen[str(application.pk)]["reason"] if str(application.pk) in chosen else "",
            )
            for rank, (placing, application) in enumerate(proposal, 1)
        )
        self.trail_also("ranking", None, [[str(p.outcome), a.number] for p, a in proposal])

    def rank(self, overrides: dict[str, ranking.Override]) -> list[tuple[Any, Application]]:
        """Each evaluated application with its placing, best first; used by the proposal and the simulator."""
        rows = (
            self.call.applications.filter(state="evaluated")
            .select_related("lead_cluster")
            .prefetch_related("partners__cluster")
        )
        by_id = {str(row.pk): row for row in rows}
        candidates = [
            ranking.Candidate(
                id=key,
                score=cast("Decimal", row.score),
                tie=(row.submitted_at, key),
                country=str(row.lead_cluster.country),
                countries=tuple(sorted({str(p.cluster.country) for p in row.partners.all()})),
                sector=row.lead_cluster.sector,
                ecosystem=row.lead_cluster.ecosystem,
            )
            for key, row in by_id.items()
        ]
        countries = {str(row.lead_cluster.country) for row in by_id.values()}
        caps = {("country", country): self.country_cap for country in countries} if self.country_cap else {}
        rules = ranking.Rules(
            places=self.places,
            minimum_score=self.minimum_score,
            caps=caps,
            overrides=overrides,
            reserve_places=self.reserve_places,
        )
        return [(placing, by_id[placing.id]) for placing in ranking.rank(candidates, rules).placings]

    @step(
        label=_("Approve ranking"),
        source=State.PROPOSED,
        target=State.APPROVED,
        who=lead,
        guards=[is_up_to_date, is_within_capacity, is_within_quotas, has_reasons],
    )
    def approve(self, *, by: Any) -> None:
        """You have seen who comes in and why. Nothing is told to anybody before the release."""

    @step(
        label=_("Return"),
        source=State.APPROVED,
        target=State.PROPOSED,
        who=lead,
        form="facility.workflow.input.ReasonForm",
    )
    def send_back(self, *, by: Any, reason: str) -> None:
        """Takes the approval back."""

    @step(
        label=_("Release the decisions"),
        source=State.APPROVED,
        target=State.RELEASED,
        who=lead,
        guards=[is_closed_call, has_all_evaluated, is_up_to_date, is_within_capacity, is_within_quotas],
        locks="call",
    )
    def release(self, *, by: Any) -> None:
        """Moves all applications at once, tells their managers, and puts the list of the selected before the public."""
        self.released_at = clock.now()
        lines = list(self.lines.select_related("application__lead_cluster").order_by("rank"))
        places = {str(one.application_id): place for place, one in enumerate(_with(lines, "selected"), 1)}
        positions = {str(one.application_id): one.position for one in _with(lines, "reserve")}
        why = {str(one.application_id): " ".join(one.reasons) for one in _with(lines, "rejected")}
        perform_many([one.application for one in _with(lines, "selected")], "select", by=by, places=places)
        perform_many([one.application for one in _with(lines, "reserve")], "reserve", by=by, places=positions)
        perform_many([one.application for one in _with(lines, "rejected")], "reject", by=by, reasons=why)

    def awaited_people(self) -> list[Any]:
        """The lead."""
        return list(self.call.leads())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The ranking for staff; the list of the selected for everybody else."""
        lines = self.lines.select_related("application__lead_cluster").order_by("rank")
        if face != "staff":
            lines = lines.filter(outcome="selected").order_by("application__lead_cluster__sort_name")
            selected = [[line.application.title(), line.application.lead_cluster.country.name] for line in lines]
            return [
                {
                    "title": _("Selected clusters"),
                    "columns": [_("Cluster"), _("Country")],
                    "rows": selected,
                    "empty": "",
                }
            ]
        rows = [
            [
                line.rank,
                line.application.title(),
                line.application.lead_cluster.country.code,
                line.score,
                line.get_outcome_display(),
                " ".join(line.reasons),
            ]
            for line in lines
        ]
        columns = [_("Rank"), _("Cluster"), _("Country"), _("Score"), _("Outcome"), _("Why")]
        return [{"title": _("Ranking"), "columns": columns, "rows": rows, "empty": _("Not proposed yet.")}]


def spread_by_country(programmes: Any) -> dict[str, int]:
    """How many selected clusters, leads and partners, each country has, most first (F04). `programmes`: their keys."""
    selected = Application.objects.filter(programme__in=programmes, state="selected")
    part = Q(applications__in=selected) | Q(partnerships__application__in=selected)
    found = Cluster.objects.filter(part).values("country").annotate(n=models.Count("pk", distinct=True))
    return {str(row["country"]): row["n"] for row in found.order_by("-n", "country")}


def member_states(programmes: Any) -> int:
    """From how many Member States the selected clusters come; a country outside the EU is none (F04)."""
    return len(EU_MEMBERS & spread_by_country(programmes).keys())


def _with(lines: list[Any], outcome: str) -> list[Any]:
    return [line for line in lines if line.outcome == outcome]


class SelectionLine(Part):
    """One application in the ranking, with its outcome and the reasons."""

    selection = models.ForeignKey(Selection, on_delete=models.PROTECT, related_name="lines")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="selection_lines")
    rank = models.PositiveSmallIntegerField()
    score = models.DecimalField(max_digits=5, decimal_places=2)
    outcome = models.CharField(
        max_length=10,
        choices=[("selected", _("Selected")), ("reserve", _("Reserve")), ("rejected", _("Not selected"))],
    )
    position = models.PositiveSmallIntegerField(null=True)
    reasons = models.JSONField(default=list)
    override = models.CharField(max_length=3, choices=[("in", _("in")), ("out", _("out"))], blank=True, default="")
    override_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["selection", "rank"], name="rank_once_per_selection"),
            models.UniqueConstraint(fields=["selection", "application"], name="application_once_per_selection"),
        ]

    def __str__(self) -> str:
        return f"{self.rank} {self.application.title()}"
