"""The input of steps on evaluations, and of closing them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.call import Criterion
from facility.evaluation import SCALE
from facility.registry.conflicts import Conflict
from facility.registry.people import Person
from facility.roles import held, in_force
from facility.workflow.input import ReasonForm, Rows, StepForm, choices_of

from .registry import long_text


class CloseEvaluation(StepForm):
    """The note that a wide spread needs."""

    spread_note = long_text(_("Note on the spread"), required=False, limit=1000)

    def clean(self) -> dict[str, Any]:
        """A spread over the call's threshold needs the note."""
        data = super().clean() or {}
        totals = list(self.record.evaluations.filter(state="submitted").values_list("total", flat=True))
        limit = self.record.call.spread_threshold
        if totals and max(totals) - min(totals) > limit and not data.get("spread_note"):
            spread = max(totals) - min(totals)
            self.add_error(
                "spread_note",
                _t(
                    "The evaluators are %(spread)s points apart, more than %(limit)s. Say what you make of it, "
                    "or ask for a third evaluation."
                )
                % {"spread": spread, "limit": limit},
            )
        return data


class AssignEvaluator(StepForm):
    """Which evaluator judges which application."""

    application = forms.ModelChoiceField(label=_("Application"), queryset=Application.objects.all())
    evaluator = forms.ModelChoiceField(label=_("Evaluator"), queryset=Person.objects.all())

    def prepare(self) -> None:
        """Eligible applications of own programmes, evaluators of these programmes."""
        mine = held(self.by, "lead", "coordinator") if self.by is not None else []
        rows = Application.objects.filter(state="eligible", programme_id__in=mine).select_related("lead_cluster")
        self.narrow_to("application", rows)
        grants = in_force().filter(role="evaluator", scope_type="programme", scope_key__in=mine)
        self.narrow_to("evaluator", Person.objects.filter(pk__in=grants.values("person_id")).order_by("sort_name"))

    def clean(self) -> dict[str, Any]:
        """No conflict, no second judgement by the same person."""
        data = super().clean() or {}
        application, evaluator = data.get("application"), data.get("evaluator")
        if application and evaluator:
            clusters = [application.lead_cluster_id, *application.partners.values_list("cluster_id", flat=True)]
            if Conflict.objects.filter(person=evaluator, cluster_id__in=clusters).exists():
                self.add_error(
                    "evaluator", _t("%s has a conflict of interest with a cluster of this application.") % evaluator
                )
            if application.evaluations.filter(evaluator=evaluator).exists():
                self.add_error("evaluator", _t("%s is asked already.") % evaluator)
        return data


class RecuseForm(ReasonForm):
    """Why an evaluator steps back."""

    kind = forms.ChoiceField(label=_("Kind of interest"), choices=choices_of(Conflict, "kind"))


class ScoreRow(forms.Form):
    """The score of one criterion."""

    criterion = forms.ModelChoiceField(label=_("Criterion"), queryset=Criterion.objects.all())
    value = forms.DecimalField(label=_("Score, 0 to 10"), min_value=0, max_value=SCALE, max_digits=4, decimal_places=2)
    comment = forms.CharField(label=_("Comment"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class EvaluationForm(StepForm):
    """A row for each criterion of the call, with what was kept before."""

    def prepare(self) -> None:
        """Criteria of this call only."""
        if self.record._state.adding:
            return
        criteria = Criterion.objects.filter(call=self.record.application.call_id).order_by("order")
        self.criteria = list(criteria)
        self.fields["scores"].row_context = {"criterion": criteria}  # type: ignore[attr-defined]
        given = {s.criterion_id: s for s in self.record.scores.all()}
        self.initial["scores"] = [
            {
                "criterion": c.pk,
                "value": getattr(given.get(c.pk), "value", None),
                "comment": getattr(given.get(c.pk), "comment", ""),
            }
            for c in self.criteria
        ]
        self.initial["comment"] = self.record.comment

    def clean(self) -> dict[str, Any]:
        """No criterion twice."""
        data = super().clean() or {}
        named = [row["criterion"] for row in data.get("scores") or []]
        if len(set(named)) < len(named):
            self.add_error("scores", _t("Score each criterion once."))
        scale = self.record.application.call.scale
        if any((row["value"] or 0) > scale for row in data.get("scores") or []):
            self.add_error("scores", _t("Give scores from 0 to %d.") % scale)
        return data


class SubmitEvaluation(EvaluationForm):
    """A score and a comment for each criterion of the call."""

    scores = Rows(ScoreRow, minimum=1, maximum=20, label=_("Scores"))
    comment = long_text(_("Overall comment"))

    def clean(self) -> dict[str, Any]:
        """Every criterion."""
        data = super().clean()
        if "scores" in data:
            missing = [c.name for c in self.criteria if c not in {row["criterion"] for row in data["scores"]}]
            if missing:
                self.add_error("scores", _t("Score every criterion; missing: %s.") % ", ".join(missing))
        return data


class DraftRow(ScoreRow):
    """A score that may still be missing."""

    value = forms.DecimalField(
        label=_("Score, 0 to 10"), min_value=0, max_value=SCALE, max_digits=4, decimal_places=2, required=False
    )
    comment = forms.CharField(
        label=_("Comment"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), required=False
    )


class DraftEvaluation(EvaluationForm):
    """What is scored so far."""

    scores = Rows(DraftRow, maximum=20, label=_("Scores"))
    comment = long_text(_("Overall comment"), required=False)
