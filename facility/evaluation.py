"""Evaluations: one evaluator's scores for one application (F03, G02)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.application import Application
from facility.bid import tied
from facility.call_parts import Criterion
from facility.interests import InterestsDeclaration
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant, grant
from facility.registry.programme import InProgramme
from facility.roles import any_of, office, parent_step, readers, staff_of, system, who
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, Part, perform_many, state_field
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

SCALE = 10


def tied_to_it(person: Any) -> Q:
    """The evaluations of applications in which the person has an interest."""
    return tied(person, "application__lead_cluster_id", "application_id")


own_evaluation = who("own evaluator", lambda person: Q(evaluator=person), "evaluator", by_record=True)
fellow_evaluator = who(
    "evaluator who has submitted",
    lambda person: Q(
        state="submitted",
        application_id__in=Evaluation.objects.filter(evaluator=person, state="submitted").values("application_id"),
    ),
)
# From the moment a conflict stands, nothing of the application is read: no page, list, search or API answers it.
untied_reader = who(
    "own evaluator", lambda person: (Q(evaluator=person) | fellow_evaluator.rule(person)) & ~tied_to_it(person)
)


def _once_opened(column: str) -> Case:
    """A text of the application, for whoever has declared to have no interest in it."""
    opened = When(state__in=["in_progress", "submitted"], then=F(f"application__{column}"))
    return Case(opened, default=Value(""), output_field=models.TextField())


class Evaluation(InProgramme):
    """One evaluator's judgement of one application; others' scores are seen only after submitting one's own."""

    scores: Any

    class State(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned")
        IN_PROGRESS = "in_progress", _("In progress")
        SUBMITTED = "submitted", _("Submitted")
        RECUSED = "recused", _("Recused")

    records = "evaluations"
    lede = _("Evaluations of applications.")
    columns = ("number", "country", "evaluator", "total")
    list_related = ("application", "application__call", "application__lead_cluster", "evaluator")
    facts = ("number", "evaluator", "total", "comment")
    search_in = ("application__number", "evaluator__name")
    filter_by = ("state", "application")
    door_related = ("application", "application__call", "application__lead_cluster", "programme", "evaluator")
    tones = {"assigned": "wait", "in_progress": "active", "submitted": "good", "recused": "idle"}
    clocks = {"assigned": (Due("due_days"),), "in_progress": (Due("due_days"),)}
    awaits = {"assigned": ("accept",), "in_progress": ("submit",)}
    # What stands in a draft is its evaluator's own; the trail has it from the submission on.
    untrailed = frozenset({"comment"})
    shape = {
        "application": {"id": "application_id", "number": "application__number"},
        "evaluator": {"id": "evaluator_id", "name": "evaluator__name"},
        "participant:reading": {
            "motivation": _once_opened("motivation"),
            "context": _once_opened("context"),
            "training_needs": _once_opened("training_needs"),
        },
        "participant:total": "total",
        "participant:comment": "comment",
        "participant:scores": Many(
            "facility.Score",
            "evaluation",
            {"criterion": "criterion_id", "name": "criterion__name", "value": "value", "comment": "comment"},
            ("criterion__order",),
        ),
        # Staff read no drafts: only what was submitted has a total.
        "staff:comment": Case(
            When(total__isnull=False, then=F("comment")), default=Value(""), output_field=models.TextField()
        ),
        "staff:scores": Many(
            "facility.Score",
            "evaluation",
            {"criterion": "criterion_id", "name": "criterion__name", "value": "value", "comment": "comment"},
            ("criterion__order",),
            Q(evaluation__total__isnull=False),
        ),
    }
    faces = Faces(readers, untied_reader)

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
        """The application's name; in a blind call its number, for everybody: titles go into mails and lists."""
        if self.application.call.is_blind:
            return _t("Application %s") % self.application.number
        return self.application.title()

    @labelled(_("number"))
    def number(self) -> str:
        """The application's number."""
        return self.application.number

    @labelled(_("country"))
    def country(self) -> str:
        """Where the lead cluster is; not told in a blind call."""
        return "" if self.application.call.is_blind else str(self.application.lead_cluster.country.name)

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return "" if self.application.call.is_blind else self.application.lead_cluster.lang

    @property
    def due_days(self) -> int:
        """Days to evaluate, a setting of the programme."""
        return self.programme.evaluation_days

    @guard(_("A conflict of interest stands between the evaluator and a cluster of this application."))
    def is_without_conflict(self) -> bool:
        """No tie of the evaluator leads to the lead or a partner."""
        return not Evaluation.objects.filter(tied_to_it(self.evaluator_id), pk=self.pk).exists()

    @guard(_("In this call names are kept from evaluators: declare your interests in its clusters first."))
    def has_declared(self) -> bool:
        """In a blind call, the evaluator has looked at a list with every cluster of the application on it."""
        if not self.application.call.is_blind:
            return True
        partners = self.application.partners.values_list("cluster_id", flat=True)
        named = {str(key) for key in (self.application.lead_cluster_id, *partners)}
        return named <= InterestsDeclaration.covered(self.evaluator_id, self.application.call_id)

    @guard(_("The application is no longer being evaluated."))
    def is_being_evaluated(self) -> bool:
        """Evaluation of the application is open."""
        return self.application.state == "eligible"

    @step(label=_("Assign an evaluator"), source=NEW, target=State.ASSIGNED, who=office, form="AssignEvaluator")
    def assign(self, *, by: Any, application: Any, evaluator: Any) -> None:
        """Asks an evaluator for a judgement; the clock starts to run."""
        self.application, self.evaluator, self.programme_id = application, evaluator, application.programme_id
        self.tell(evaluator, gettext_noop("Please evaluate application %(number)s."), number=application.number)

    @step(label=_("Asked by the plan"), source=NEW, target=State.ASSIGNED, who=parent_step, quiet=True)
    def ask(self, *, by: Any) -> None:
        """Asked together with many others by the assignment of the call, which tells each evaluator once."""

    @classmethod
    def ask_all(cls, call: Any, pairs: list[dict[str, Any]], *, by: Any) -> list[Self]:
        """Inside a step of the call: asks for all these judgements, in a number of statements that does not grow."""
        made = [
            cls(application=pair["application"], evaluator=pair["evaluator"], programme=call.programme)
            for pair in pairs
        ]
        people = {pair["evaluator"].pk: pair["evaluator"] for pair in pairs}
        for key, number in Counter(pair["evaluator"].pk for pair in pairs).items():
            call.tell(
                people[key],
                gettext_noop("Please evaluate applications of %(call)s; number asked of you: %(number)d."),
                link=reverse("records", kwargs={"records": cls.records}),
                call=call.title_text,
                number=number,
            )
        return perform_many(made, "ask", by=by)

    @step(
        label=_("Declare no conflict and begin"),
        source=State.ASSIGNED,
        target=State.IN_PROGRESS,
        who=own_evaluation,
        guards=[is_without_conflict, has_declared, is_being_evaluated],
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
        self._kind = kind
        self.end_reading(by, reason)

    @step(
        label=_("Take off"),
        source=[State.ASSIGNED, State.IN_PROGRESS, State.SUBMITTED],
        target=State.RECUSED,
        who=any_of(system, parent_step),
        quiet=True,
        form="facility.workflow.input.ReasonForm",
    )
    def take_off(self, *, by: Any, reason: str) -> None:
        """A conflict came up; what was written stays for the trail and counts no more."""
        self.end_reading(by, reason)

    def end_reading(self, by: Any, reason: str) -> None:
        """Ends the grant to read the application, and has the office ask somebody else."""
        reading = Grant.objects.filter(
            person=self.evaluator_id,
            role="evaluator",
            scope_type="application",
            scope_key=self.application_id,
            until_at__isnull=True,
        )
        for held_grant in reading:
            held_grant.perform("revoke", by=by, reason=reason)
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("An evaluator of application %(number)s is recused; ask somebody else."),
            link=reverse("assign-evaluators", kwargs={"pk": self.application.call_id}),
            number=self.application.number,
        )

    @classmethod
    def take_off_the_tied(cls, *, by: Any, people: list[Any] | None = None) -> int:
        """Takes off every evaluator (of these people) who has an interest in what they evaluate; answers how many.

        Of what was scored already, the evaluation opens again, so that the score is made without them. Decided
        applications are left alone; reading is blocked there as well.
        """
        going = Q(state__in=[cls.State.ASSIGNED, cls.State.IN_PROGRESS])
        scored = Q(state=cls.State.SUBMITTED, application__state__in=["eligible", "evaluated"])
        rows = cls.objects.filter(going | scored).filter(tied_to_it(OuterRef(OuterRef("evaluator_id"))))
        found = list(rows if people is None else rows.filter(evaluator__in=people))
        reason = _t("A conflict of interest stands.")
        perform_many(found, "take_off", by=by, reason=reason)
        keys = [one.application_id for one in found if one.total is not None]
        for application in Application.objects.filter(pk__in=keys, state="evaluated"):
            application.perform("reopen_evaluation", by=by, reason=reason)
        return len(found)

    def after_step(self, name: str, *, by: Any) -> None:
        """Whoever steps back enters the register, once the evaluation itself is closed."""
        lead = self.application.lead_cluster_id
        if name == "recuse" and not Conflict.objects.filter(person=by, cluster=lead).exists():
            tie: dict[str, Any] = {"person": str(by.pk), "cluster": str(lead), "kind": self._kind, "note": ""}
            Conflict().perform("declare", by=by, **tie)

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
        self.trail_also("scores", None, [[row["criterion"].name, row["value"]] for row in scores])
        self.trail_also("comment", None, comment)
        weighted = sum((row["value"] * row["criterion"].weight for row in scores), Decimal(0))
        self.total = (weighted / self.application.call.scale).quantize(Decimal("0.01"))

    def take(self, scores: list[dict[str, Any]], comment: str) -> None:
        """Keeps scores and comments of the form."""
        self.scores.all().delete()
        Score.objects.bulk_create(Score(evaluation=self, **row) for row in scores)
        self.comment = comment

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
        self.total = None
        self.tell(
            self.evaluator,
            gettext_noop("Your evaluation of application %(number)s is open again."),
            number=self.application.number,
        )

    def awaited_people(self) -> list[Any]:
        """The evaluator."""
        return [self.evaluator]

    def facts_for(self, face: str) -> tuple[str, ...]:
        """What stands in a draft is not for staff."""
        drafts = ("total", "comment") if face == "staff" and self.total is None else ()
        return tuple(name for name in super().facts_for(face) if name not in drafts)

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The scores, for staff once they are submitted."""
        given = self.scores.select_related("criterion").order_by("criterion__order")
        if face == "staff" and self.total is None:
            given = given.none()
        rows = [[s.criterion.name, "" if s.value is None else s.value, s.comment] for s in given]
        return [
            {
                "title": _("Scores"),
                "columns": [_("Criterion"), _("Score"), _("Comment")],
                "rows": rows,
                "empty": _t("No scores are submitted yet.") if face == "staff" else _t("No scores yet."),
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
