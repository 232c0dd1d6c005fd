"""Needs: named by three voices, ranked by each in private, agreed by all (F13, F14)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.bid import AREAS
from facility.registry.programme import InProgramme
from facility.roles import any_of, office, parent_step, readers, staff_of
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, perform_many, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, Blocked, guard, step

from .order import Ranking, agreed, agreed_order, ranked, voices_not_yet
from .project import Project
from .voices import REASON, VOICES, advisor_on, manager_on, untied_advisor_on, voices_of

SCALE = [(n, str(n)) for n in range(1, 6)]
STATUSES = [("open", _("Open")), ("eased", _("Eased")), ("solved", _("Solved"))]


class NeedsAssessment(InProgramme):
    """The three voices rank the needs of a project, each alone; then they see all orders and sign one."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        RANKED = "ranked", _("Ranked")
        AGREED = "agreed", _("Agreed")

    records = "needs-assessments"
    lede = _("Needs of each project, from naming to the order that all three voices signed.")
    columns = ("project", "ranked_count")
    list_related = ("project__application__lead_cluster",)
    facts = ("project",)
    search_in = ("project__name",)
    filter_by = ("state", "project")
    door_related = ("programme", "project__application__lead_cluster")
    tones = {"open": "wait", "ranked": "wait", "agreed": "good"}
    clocks = {"open": (Due(14),), "ranked": (Due(7),)}
    awaits = {"open": ("submit_ranking",), "ranked": ("agree",)}
    shape = {
        "project": "project_id",
        "needs": Many(
            "advisory.Need",
            "assessment",
            {"id": "pk", "area": "area", "text": "text", "rank": "rank", "state": "state"},
            ("rank", "pk"),
        ),
        # Nobody sees another's order before all three are in, not by any channel (F13).
        "rankings": Many(
            "advisory.Ranking",
            "assessment",
            {"voice": "voice", "need": "need_id", "rank": "rank"},
            ("voice", "rank"),
            only=Q(assessment__state__in=("ranked", "agreed")),
        ),
    }
    faces = Faces(readers, any_of(untied_advisor_on(), manager_on()))

    state = state_field(State)
    project = models.OneToOneField(
        Project, on_delete=models.PROTECT, related_name="assessment", verbose_name=_("project")
    )
    ranked_count = models.PositiveSmallIntegerField(_("voices that have ranked"), default=0)

    class Meta:
        verbose_name = _("needs assessment")
        verbose_name_plural = _("needs assessments")

    def __str__(self) -> str:
        return _t("Needs of %s") % self.project.name

    # -- guards

    @guard(_("Name at least two needs before they are ranked."))
    def has_needs(self) -> bool:
        """There is something to put in order."""
        return self.standing().count() > 1

    # -- steps

    @step(label=_("Open the needs"), source=NEW, target=State.OPEN, who=parent_step, quiet=True)
    def open(self, *, by: Any) -> None:
        """Opened by the first meeting of the project."""

    @step(
        label=_("Rank the needs"),
        source=State.OPEN,
        target=RETURN_VALUE(State.OPEN, State.RANKED),
        who=voices_not_yet(ranked),
        guards=[has_needs],
        form="RankNeeds",
    )
    def submit_ranking(self, *, by: Any, ranks: list[dict[str, Any]]) -> str:
        """You rank alone. When advisor, manager and coordinator are all in, you see the three orders side by side."""
        there = set(self.rankings.values_list("voice", flat=True))
        voice = next(one for one in voices_of(self.project, by, of_lead=True) if one not in there)
        Ranking.objects.bulk_create(
            Ranking(assessment=self, need=row["need"], voice=voice, rank=row["rank"], by=by) for row in ranks
        )
        self.ranked_count = len(there) + 1
        self.trail_also("voices", sorted(there), sorted({*there, voice}))
        if self.ranked_count < len(VOICES):
            return self.State.OPEN
        self.trail_also("rankings", None, self.orders())
        self.tell(
            self.people(),
            gettext_noop("All three have ranked the needs of %(name)s. Compare, then sign."),
            name=self.project.name,
        )
        return self.State.RANKED

    @step(
        label=_("Change the order"),
        source=State.RANKED,
        target=None,
        who=office,
        form="OrderNeeds",
        edits=True,
    )
    def reorder(self, *, by: Any, ranks: list[dict[str, Any]], reason: str) -> None:
        """Sets the order that the three have agreed on in talk. Signatures under another order fall away."""
        self.fresh_order = {str(row["need"].pk): row["rank"] for row in ranks}
        self.trail_also("signed by", self.project.unsign("order"), [])

    @step(
        label=_("Sign the order of needs"),
        source=State.RANKED,
        target=RETURN_VALUE(State.RANKED, State.AGREED),
        who=voices_not_yet(agreed),
    )
    def agree(self, *, by: Any) -> str:
        """You agree that the needs are met in this order. It stands when all three have signed."""
        there = set(self.project.signatures.filter(subject="order").values_list("voice", flat=True))
        voice = next(one for one in voices_of(self.project, by, of_lead=True) if one not in there)
        self.project.sign("order", voice, by)
        self.trail_also("signed by", sorted(there), sorted({*there, voice}))
        return self.State.AGREED if len(there) + 1 == len(VOICES) else self.State.RANKED

    @step(
        label=_("Open the needs again"),
        source=[State.OPEN, State.RANKED, State.AGREED],
        target=State.OPEN,
        who=office,
        form=REASON,
    )
    def reopen(self, *, by: Any, reason: str) -> None:
        """Rankings and signatures fall away and are given anew; the old ones stay in the trail."""
        self.trail_also("rankings", self.orders() if self.state != self.State.OPEN else None, [])
        self.rankings.all().delete()
        self.ranked_count = 0
        self.fresh_order = {}
        self.trail_also("signed by", self.project.unsign("order"), [])
        self.tell(
            self.people(),
            gettext_noop("The needs of %(name)s are open again: %(reason)s"),
            name=self.project.name,
            reason=reason,
        )

    def after_step(self, name: str, *, by: Any) -> None:
        """The order stands on the needs themselves; the project goes on when all three have signed."""
        if name == "submit_ranking" and self.state == self.State.RANKED:
            ranks: dict[str, dict[Any, int]] = {}
            for voice, need, rank in self.rankings.values_list("voice", "need_id", "rank"):
                ranks.setdefault(voice, {})[need] = rank
            self.place({str(key): at for at, key in enumerate(agreed_order(ranks), 1)}, by)
        if name in {"reorder", "reopen"}:
            self.place(self.fresh_order, by)
        if name == "agree" and self.state == self.State.AGREED and self.project.state == "assessing":
            self.project.perform("agree_needs", by=by)

    # -- what others ask

    def place(self, order: dict[str, int], by: Any) -> None:
        """Gives each need its rank; all of them or none."""
        perform_many(list(self.standing().order_by("pk")), "place", by=by, ranks=order)

    def standing(self) -> Any:
        """The needs that were not withdrawn."""
        return self.needs.exclude(state="withdrawn")

    def orders(self) -> list[list[Any]]:
        """Every ranking as [voice, rank, need]."""
        return [list(row) for row in self.rankings.order_by("voice", "rank").values_list("voice", "rank", "need__text")]

    def people(self) -> list[Any]:
        """All who may be a voice."""
        found = [*self.project.advisors(), *self.project.managers(), *staff_of(self.programme_id)]
        return list({one.pk: one for one in found}.values())

    def awaited_people(self) -> list[Any]:
        """Those whose voice is missing."""
        spoken = self.rankings if self.state == self.State.OPEN else self.project.signatures.filter(subject="order")
        there = set(spoken.values_list("voice", flat=True))
        people = {
            "advisor": self.project.advisors(),
            "manager": self.project.managers(),
            "coordinator": staff_of(self.programme_id),
        }
        return list({one.pk: one for voice, found in people.items() if voice not in there for one in found}.values())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The needs in their order."""
        rows = [
            [n.rank or "", n.text, n.get_area_display(), n.get_author_role_display()]
            for n in self.standing().order_by("rank", "pk")
        ]
        columns = [_("Rank"), _("Need"), _("Area"), _("Named by")]
        return [{"title": _("Needs"), "columns": columns, "rows": rows, "empty": _("No needs are named yet.")}]


class Need(InProgramme):
    """A challenge of the cluster: who named it, how much it matters, its rank, and what became of it."""

    class State(models.TextChoices):
        NAMED = "named", _("Named")
        SETTLED = "settled", _("Outcome recorded")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    records = "needs"
    lede = _("Needs of the projects, in their order.")
    columns = ("project", "rank", "area", "author_role", "end_status")
    list_related = ("project__application__lead_cluster",)
    facts = (
        "project", "area", "text", "context", "impact", "urgency", "feasibility", "driver",
        "author", "author_role", "rank", "start_status", "end_status", "end_reason",
    )  # fmt: skip
    search_in = ("text", "project__name")
    filter_by = ("state", "project", "area", "end_status")
    order_by = ("-id", "rank")
    door_related = ("programme", "project__application__lead_cluster", "assessment")
    tones = {"named": "active", "settled": "good", "withdrawn": "idle"}
    shape = {
        "project": "project_id",
        "assessment": "assessment_id",
        "area": "area",
        "text": "text",
        "context": "context",
        "impact": "impact",
        "urgency": "urgency",
        "feasibility": "feasibility",
        "driver": "driver",
        "author": {"name": "author__name", "role": "author_role"},
        "source_session": "source_session_id",
        "rank": "rank",
        "start_status": "start_status",
        "end_status": "end_status",
        "end_reason": "end_reason",
    }
    faces = Faces(readers, any_of(untied_advisor_on(), manager_on()))

    state = state_field(State)
    assessment = models.ForeignKey(NeedsAssessment, on_delete=models.PROTECT, related_name="needs")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="needs", verbose_name=_("project"))
    area = models.CharField(_("area"), max_length=40, choices=AREAS)
    text = models.CharField(_("need"), max_length=200)
    context = models.TextField(_("context"), blank=True, default="")
    impact = models.PositiveSmallIntegerField(_("impact"), default=3)
    urgency = models.PositiveSmallIntegerField(_("urgency"), default=3)
    feasibility = models.PositiveSmallIntegerField(_("feasibility"), default=3)
    driver = models.CharField(
        _("driven by"),
        max_length=12,
        choices=[("business", _("business")), ("regulation", _("regulation")), ("both", _("both"))],
        default="business",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("named by")
    )
    author_role = models.CharField(_("as"), max_length=20, choices=VOICES)
    source_session = models.ForeignKey(
        "advisory.SupportSession", null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("found in")
    )
    rank = models.PositiveSmallIntegerField(_("rank"), null=True)
    start_status = models.CharField(_("at the start"), max_length=8, choices=STATUSES, default="open")
    end_status = models.CharField(_("at the end"), max_length=8, choices=STATUSES, blank=True, default="")
    end_reason = models.TextField(_("what came of it"), blank=True, default="")

    class Meta:
        verbose_name = _("need")
        verbose_name_plural = _("needs")
        constraints = [
            # Deferred, so that an order changes as a whole.
            models.UniqueConstraint(
                fields=["project", "rank"], name="need_rank_once_per_project", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(
                condition=Q(impact__range=(1, 5), urgency__range=(1, 5), feasibility__range=(1, 5)),
                name="need_scales_1_to_5",
            ),
            models.CheckConstraint(
                condition=~Q(state="settled") | ~Q(end_status=""), name="settled_need_has_an_outcome"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @guard(_("The needs are ranked already; ask the coordinator to open them again."))
    def is_open(self) -> bool:
        """Nobody has ranked."""
        return self.assessment.state == "open" and not self.assessment.ranked_count

    @guard(_("Outcomes are recorded while the project is in support or wrapping up."))
    def is_supported(self) -> bool:
        """The plan is approved and the project not closed."""
        return self.project.state in {"in_support", "wrapping_up"}

    @step(
        label=_("Name a need"),
        source=NEW,
        target=State.NAMED,
        who=any_of(advisor_on(), manager_on(), office),
        form="NeedForm",
    )
    def add(self, *, by: Any, project: Any, **data: Any) -> None:
        """A challenge that support could ease, in a few words of your own."""
        self.project, self.programme = project, project.programme
        # Locked, so that no ranking can be sent without this need while it is being added.
        self.assessment = NeedsAssessment._base_manager.select_for_update(no_key=True).get(project=project)
        if not self.is_open():
            raise Blocked([type(self).is_open.sentence])  # type: ignore[attr-defined]
        self.take(data)
        self.author, self.author_role = by, voices_of(project, by)[0]

    @step(
        label=_("Edit"),
        source=State.NAMED,
        target=None,
        who=any_of(advisor_on(), manager_on(), office),
        guards=[is_open],
        form="EditNeed",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the words and weights of the need."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)

    @step(
        label=_("Withdraw the need"),
        source=State.NAMED,
        target=State.WITHDRAWN,
        who=any_of(advisor_on(), manager_on(), office),
        guards=[is_open],
        form=REASON,
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """Takes the need out, as when another says the same."""
        self.rank = None

    @step(
        label=_("Give a rank"),
        source=[State.NAMED, State.SETTLED],
        target=None,
        who=parent_step,
        quiet=True,
        form="PlaceNeeds",
    )
    def place(self, *, by: Any, ranks: dict[str, int]) -> None:
        """Its place in the order of all."""
        self.rank = ranks.get(str(self.pk))

    @step(
        label=_("Record the outcome"),
        source=[State.NAMED, State.SETTLED],
        target=State.SETTLED,
        who=any_of(advisor_on(), office),
        guards=[is_supported],
        form="OutcomeForm",
        edits=True,
    )
    def set_outcome(self, *, by: Any, end_status: str, end_reason: str) -> None:
        """Says whether the need is solved, eased or still open, and why."""
        self.end_status, self.end_reason = end_status, end_reason
