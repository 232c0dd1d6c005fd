"""The input of steps on evaluations, and of closing them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.bid import clusters_of, tied
from facility.call import Call
from facility.call_parts import Criterion
from facility.evaluation import SCALE, Evaluation
from facility.interests import clusters_in
from facility.registry.cluster import Cluster
from facility.registry.conflicts import Conflict, ties_of
from facility.registry.people import Person
from facility.roles import held, in_force
from facility.workflow.input import ReasonForm, Rows, StepForm, choices_of

from .registry import long_text

# More would be more fields than a post may carry; a further run of the assignment takes the rest.
PAIRS_AT_MOST = 450


class CloseEvaluation(StepForm):
    """The note that a wide spread needs."""

    spread_note = long_text(_("Note on the spread"), required=False, limit=1000)

    def clean(self) -> dict[str, Any]:
        """A spread over the call's threshold needs the note."""
        data = super().clean() or {}
        totals = self.record.totals()
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
            if Application.objects.filter(tied(evaluator), pk=application.pk).exists():
                self.add_error(
                    "evaluator", _t("%s has a conflict of interest with a cluster of this application.") % evaluator
                )
            if application.evaluations.filter(evaluator=evaluator).exists():
                self.add_error("evaluator", _t("%s is asked already.") % evaluator)
        return data


class PairRow(forms.Form):
    """One evaluator for one application."""

    application = forms.UUIDField(label=_("Application"))
    evaluator = forms.UUIDField(label=_("Evaluator"))


class AssignEvaluators(StepForm):
    """Who is asked to judge what. Each pair is checked again, since a conflict may have come up in between."""

    pairs = Rows(PairRow, minimum=1, maximum=PAIRS_AT_MOST, label=_("Pairs"))

    def clean_pairs(self) -> list[dict[str, Any]]:
        """Eligible applications of the call, its evaluators, no conflict, nobody twice; a statement for each check."""
        rows = self.cleaned_data["pairs"]
        bids = Application.objects.filter(call=self.record.pk, state="eligible").select_related("lead_cluster", "call")
        applications = {one.pk: one for one in bids.prefetch_related("partners")}
        people = {one.pk: one for one in self.record.evaluators()}
        asked = set(Evaluation.objects.filter(application__in=applications).values_list("application", "evaluator"))
        ties, faults = ties_of({row["evaluator"] for row in rows}), {}
        for at, row in enumerate(rows):
            application, evaluator = applications.get(row["application"]), people.get(row["evaluator"])
            pair = (row["application"], row["evaluator"])
            if application is None:
                faults[f"[{at}].application"] = [_t("This is no eligible application of the call.")]
            elif evaluator is None:
                faults[f"[{at}].evaluator"] = [_t("This person does not evaluate for the programme.")]
            elif pair in asked:
                faults[f"[{at}].evaluator"] = [_t("%s is asked already.") % evaluator]
            elif ties[evaluator.pk] & clusters_of(application):
                said = _t("%s has a conflict of interest with a cluster of this application.")
                faults[f"[{at}].evaluator"] = [said % evaluator]
            asked.add(pair)
        if faults:
            error = ValidationError(" ".join(dict.fromkeys(sentence for said in faults.values() for sentence in said)))
            error.rows = faults  # type: ignore[attr-defined]
            raise error
        return [
            {"application": applications[row["application"]], "evaluator": people[row["evaluator"]]} for row in rows
        ]


class InterestsForm(StepForm):
    """The clusters of a blind call in which an evaluator has an interest."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())
    ties = forms.ModelMultipleChoiceField(
        label=_("I have an interest in"),
        queryset=Cluster.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Tick every cluster that you work or worked for, help, own a share of, or know people in."),
    )
    kind = forms.ChoiceField(
        label=_("Kind of interest"), choices=[("", "–"), *choices_of(Conflict, "kind")], required=False
    )
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def prepare(self) -> None:
        """Blind calls of own programmes; the clusters of the one that is named."""
        calls = Call.objects.filter(is_blind=True, programme_id__in=held(self.by, "evaluator"))
        self.narrow_to("call", calls)
        named = str(self.data.get("call") or self.record.call_id or "")
        self.chosen = next((one for one in calls if str(one.pk) == named), None) if named else None
        if self.chosen:
            self.initial["call"] = self.chosen.pk
            self.narrow_to("ties", clusters_in(self.chosen))

    def clean(self) -> dict[str, Any]:
        """An interest has its kind."""
        data = super().clean() or {}
        if data.get("ties") and not data.get("kind"):
            self.add_error("kind", _t("Say what kind of interest it is."))
        return data


class RecuseForm(ReasonForm):
    """Why an evaluator steps back."""

    kind = forms.ChoiceField(label=_("Kind of interest"), choices=choices_of(Conflict, "kind"))


class ScoreRow(forms.Form):
    """The score of one criterion."""

    criterion = forms.ModelChoiceField(label=_("Criterion"), queryset=Criterion.objects.all())
    value = forms.DecimalField(label=_("Score"), min_value=0, max_value=SCALE, max_digits=4, decimal_places=2)
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
        label=_("Score"), min_value=0, max_value=SCALE, max_digits=4, decimal_places=2, required=False
    )
    comment = forms.CharField(
        label=_("Comment"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), required=False
    )


class DraftEvaluation(EvaluationForm):
    """What is scored so far."""

    scores = Rows(DraftRow, maximum=20, label=_("Scores"))
    comment = long_text(_("Overall comment"), required=False)
