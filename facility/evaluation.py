"""Evaluations: one evaluator's scores for one application (F03, G02)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.call import Criterion
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant, grant
from facility.registry.programme import InProgramme
from facility.roles import office, readers, staff_of, who
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

SCALE = 10

own_evaluation = who("own evaluator", lambda person: Q(evaluator=person), "evaluator")
fellow_evaluator = who(
    "evaluator who has submitted",
    lambda person: Q(
        state="submitted",
        application_id__in=Evaluation.objects.filter(evaluator=person, state="submitted").values("application_id"),
    ),
)


class Evaluation(InProgramme):
    """One evaluator's judgement of one application; others' scores are seen only after submitting one's own."""

    class State(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned")
        IN_PROGRESS = "in_progress", _("In progress")
        SUBMITTED = "submitted", _("Submitted")
        RECUSED = "recused", _("Recused")

    records = "evaluations"
    lede = _("Evaluations of applications.")
    columns = ("application__lead_cluster__country", "evaluator", "total")
    list_related = ("application", "application__lead_cluster", "evaluator")
    facts = ("application", "evaluator", "total", "comment")
    search_in = ("application__lead_cluster__name",)
    filter_by = ("state", "application")
    door_related = ("application", "application__call", "application__lead_cluster", "programme", "evaluator")
    tones = {"assigned": "wait", "in_progress": "active", "submitted": "good", "recused": "idle"}
    clocks = {"assigned": (Due("due_days"),), "in_progress": (Due("due_days"),)}
    awaits = {"assigned": ("accept",), "in_progress": ("submit",)}
    shape = {
        "application": {"id": "application_id", "number": "application__number"},
        "evaluator": {"id": "evaluator_id", "name": "evaluator__name"},
        "participant:total": "total",
        "participant:comment": "comment",
        "participant:scores": Many(
            "facility.Score",
            "evaluation",
            {"criterion": "criterion_id", "name": "criterion__name", "value": "value", "comment": "comment"},
            ("criterion__order",),
        ),
    }
    faces = Faces(readers, who("own evaluator", lambda person: Q(evaluator=person) | fellow_evaluator.rule(person)))

    state = state_field(State)
    application = models.ForeignKey(
        "facility.Application", on_delete=models.PROTECT, related_name="evaluations", verbose_name=_("application")
    )
    evaluator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evaluations", verbose_name=_("evaluator")
    )
    total = models.DecimalField(_("total of 100"), max_digits=5, decimal_places=2, null=True)
    comment = models.TextField(_("overall comment"), blank=True, default="")

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        constraints = [
            models.UniqueConstraint(fields=["application", "evaluator"], name="evaluator_once_per_application"),
        ]

    def __str__(self) -> str:
        return f"{self.application.title()}: {self.evaluator}"

    def title(self) -> str:
        """The application's name."""
        return self.application.title()

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.application.lead_cluster.lang

    @property
    def due_days(self) -> int:
        """Days to evaluate, a setting of the programme."""
        return self.programme.evaluation_days

    @guard(_("You declared a conflict of interest; recuse yourself."))
    def is_without_conflict(self) -> bool:
        """The register holds no conflict with any cluster of the application."""
        clusters = [self.application.lead_cluster_id, *self.application.partners.values_list("cluster_id", flat=True)]
        return not Conflict.objects.filter(person=self.evaluator_id, cluster_id__in=clusters).exists()

    @guard(_("The application is no longer being evaluated."))
    def is_being_evaluated(self) -> bool:
        """Evaluation of the application is open."""
        return self.application.state == "eligible"

    @step(label=_("Assign an evaluator"), source=NEW, target=State.ASSIGNED, who=office, form="AssignEvaluator")
    def assign(self, *, by: Any, application: Any, evaluator: Any) -> None:
        """Asks an evaluator for a judgement; the clock starts to run."""
        self.application, self.evaluator, self.programme_id = application, evaluator, application.programme_id
        self.tell(evaluator, gettext_noop("Please evaluate application %(number)s."), number=application.number)

    @step(
        label=_("Declare no conflict and begin"),
        source=State.ASSIGNED,
        target=State.IN_PROGRESS,
        who=own_evaluation,
        guards=[is_without_conflict, is_being_evaluated],
    )
    def accept(self, *, by: Any) -> None:
        """You have no interest in the clusters of this application and will judge it on its merits."""
        grant(by, "evaluator", "application", self.application_id, by=by, programme=self.programme)

    @step(
        label=_("Recuse yourself"),
        source=[State.ASSIGNED, State.IN_PROGRESS],
        target=State.RECUSED,
        who=own_evaluation,
        form="RecuseForm",
    )
    def recuse(self, *, by: Any, kind: str, reason: str) -> None:
        """You have an interest; the conflict enters the register and somebody else is asked."""
        known = Conflict.objects.filter(person=by, cluster=self.application.lead_cluster).exists()
        if not known:
            Conflict().perform(
                "declare", by=by, person=str(by.pk), cluster=str(self.application.lead_cluster_id), kind=kind, note=""
            )
        reading = Grant.objects.filter(
            person=by, role="evaluator", scope_type="application", scope_key=self.application_id, until_at__isnull=True
        )
        for held_grant in reading:
            held_grant.perform("revoke", by=by, reason=reason)
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("An evaluator of application %(number)s is recused."),
            number=self.application.number,
        )

    # A draft has no rival (only its evaluator writes it), and it must not set the clock of the state back: no `edits`.
    @step(
        label=_("Save draft"),
        source=State.IN_PROGRESS,
        target=None,
        who=own_evaluation,
        guards=[is_without_conflict, is_being_evaluated],
        form="DraftEvaluation",
    )
    def save_draft(self, *, by: Any, scores: list[dict[str, Any]], comment: str) -> None:
        """Keeps what is scored so far; it counts only when you submit."""
        self.take(scores, comment)

    @step(
        label=_("Submit evaluation"),
        source=State.IN_PROGRESS,
        target=State.SUBMITTED,
        who=own_evaluation,
        guards=[is_without_conflict, is_being_evaluated],
        form="SubmitEvaluation",
        locks="application",
        edits=True,
    )
    def submit(self, *, by: Any, scores: list[dict[str, Any]], comment: str) -> None:
        """A score from 0 to 10 and a comment for each criterion. After this you see your colleagues' scores."""
        self.take(scores, comment)
        weighted = sum((row["value"] * row["criterion"].weight for row in scores), Decimal(0))
        self.total = (weighted / self.application.call.scale).quantize(Decimal("0.01"))

    def take(self, scores: list[dict[str, Any]], comment: str) -> None:
        """Keeps scores and comments of the form."""
        before = list(self.scores.order_by("criterion__order").values_list("criterion__name", "value"))
        self.scores.all().delete()
        Score.objects.bulk_create(Score(evaluation=self, **row) for row in scores)
        self.comment = comment
        self.trail_also("scores", before, [[row["criterion"].name, row["value"]] for row in scores])

    @step(
        label=_("Open again"),
        source=State.SUBMITTED,
        target=State.IN_PROGRESS,
        who=office,
        guards=[is_being_evaluated],
        form="facility.workflow.input.ReasonForm",
        locks="application",
    )
    def reopen(self, *, by: Any, reason: str) -> None:
        """Gives the evaluation back to the evaluator."""
        self.tell(
            self.evaluator,
            gettext_noop("Your evaluation of application %(number)s is open again."),
            number=self.application.number,
        )

    def awaited_people(self) -> list[Any]:
        """The evaluator."""
        return [self.evaluator]

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The scores."""
        rows = [
            [s.criterion.name, "" if s.value is None else s.value, s.comment]
            for s in self.scores.select_related("criterion").order_by("criterion__order")
        ]
        return [
            {
                "title": _("Scores"),
                "columns": [_("Criterion"), _("Score"), _("Comment")],
                "rows": rows,
                "empty": _t("No scores yet."),
            }
        ]


class Score(Part):
    """A score from 0 to 10 with its comment; in a draft either may still be missing."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="scores")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    value = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    comment = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "criterion"], name="score_once_per_criterion"),
            models.CheckConstraint(condition=Q(value__gte=0, value__lte=SCALE), name="score_on_the_scale"),
        ]

    def __str__(self) -> str:
        return f"{self.criterion.name}: {self.value}"
