"""The rows that belong to a call: its criteria, and the versions of its questions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t

from facility import questions
from facility.workflow.engine import Part


class Criterion(Part):
    """What evaluators score, from 0 to the scale of the call, and what it weighs in the score of 100.

    threshold: the points an application needs here to pass. points: what single points of the scale stand for,
    [{"points": 5, "means": "…"}] in their order.
    """

    call = models.ForeignKey("facility.Call", on_delete=models.PROTECT, related_name="criteria")
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    weight = models.PositiveSmallIntegerField()
    guidance = models.TextField(blank=True, default="")
    threshold = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    points = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "order"], name="criterion_order_once_per_call")]

    def __str__(self) -> str:
        return self.name


class QuestionSet(Part):
    """One version of the questions of a call, as `facility.questions` stores them, in force until it is replaced."""

    call = models.ForeignKey("facility.Call", on_delete=models.PROTECT, related_name="question_sets")
    number = models.PositiveSmallIntegerField()
    sections = models.JSONField(default=list)
    made_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)
    frozen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "number"], name="question_set_number_once_per_call"),
            models.UniqueConstraint(
                fields=["call"], condition=Q(replaced_at=None), name="one_question_set_in_force_per_call"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call} {self.number}"

    def form(self) -> questions.Form:
        """The form that it stores."""
        return questions.parse(self.sections)


def worded(sentence: questions.Sentence) -> str:
    """A sentence about questions or answers in the language of the reader."""
    values = {name: worded(v) if isinstance(v, questions.Sentence) else v for name, v in sentence.values.items()}
    return _t(sentence.text) % values
