"""The input of steps on calls, applications, evaluations and selections."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.bid import AREAS, INELIGIBLE, PARTNERS_AT_MOST
from facility.call import FULL_WEIGHT, Call, Criterion
from facility.evaluation import SCALE
from facility.registry.cluster import Cluster
from facility.registry.conflicts import Conflict
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import held, in_force
from facility.workflow import clock
from facility.workflow.input import ReasonForm, Rows, StepForm, choices_of

from .registry import IN_OFFICE_TIME, SHORT, Edits, long_text, zone_field


class CriterionRow(forms.Form):
    """One criterion."""

    name = forms.CharField(label=_("Criterion"), max_length=120)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=FULL_WEIGHT)
    guidance = forms.CharField(label=_("Guidance"), max_length=1000, required=False)


class CallForm(Edits):
    """A call's particulars, rules and criteria."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    opens_at = forms.DateTimeField(label=_("Opens"), help_text=IN_OFFICE_TIME)
    closes_at = forms.DateTimeField(label=_("Closes"), help_text=IN_OFFICE_TIME)
    zone = zone_field()
    places = forms.IntegerField(label=_("Places"), min_value=1, max_value=500)
    minimum_score = forms.DecimalField(
        label=_("Minimum score"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    country_cap = forms.IntegerField(label=_("At most per country"), min_value=1, required=False)
    reserve_places = forms.IntegerField(label=_("Places on the reserve list"), min_value=0, max_value=500, initial=10)
    evaluations_required = forms.IntegerField(
        label=_("Evaluations per application"), min_value=1, max_value=5, initial=2
    )
    spread_threshold = forms.DecimalField(label=_("Spread that needs a note"), min_value=0, max_value=100, initial=25)
    criteria = Rows(CriterionRow, minimum=1, maximum=20, label=_("Criteria"), help_text=_("Weights sum to 100."))

    def narrow(self) -> None:
        """Own programmes; criteria of the draft."""
        if self.by is not None:
            self.narrow_to("programme", Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator")))
        if not self.record._state.adding:
            self.initial["criteria"] = list(self.record.criteria.order_by("order").values("name", "weight", "guidance"))

    def clean(self) -> dict[str, Any]:
        """Dates in order."""
        data = super().clean() or {}
        if data.get("opens_at") and data.get("closes_at") and data["closes_at"] <= data["opens_at"]:
            self.add_error("closes_at", _t("The closing time lies before the opening time."))
        return data


class ExtendCall(ReasonForm):
    """A later closing time."""

    closes_at = forms.DateTimeField(label=_("New closing time"), help_text=IN_OFFICE_TIME)

    def clean_closes_at(self) -> Any:
        """Later than now and than before."""
        closes = self.cleaned_data["closes_at"]
        if closes <= max(self.record.closes_at, clock.now()):
            raise ValidationError(_t("Give a time later than the present closing time."))
        return closes


class PartnerRow(forms.Form):
    """One partner cluster."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))


class NeedRow(forms.Form):
    """One need."""

    area = forms.ChoiceField(label=_("Area"), choices=[("", "–"), *AREAS])
    text = forms.CharField(label=_("In your words"), max_length=500)


class ApplicationForm(Edits):
    """What a cluster writes; only title, call and lead cluster are needed to save."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())
    lead_cluster = forms.ModelChoiceField(label=_("Lead cluster"), queryset=Cluster.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    motivation = long_text(_("Motivation"), required=False, help_text=_("Why your cluster, why now."))
    context = long_text(_("Context"), required=False, help_text=_("Region, maturity, members and sector."))
    training_needs = long_text(_("Training needs"), required=False, limit=2000)
    strategic_focus = forms.IntegerField(label=_("Strategic focus, 1 to 5"), min_value=1, max_value=5, required=False)
    has_signed = forms.BooleanField(label=_("We declare on our honour that what we say is true"), required=False)
    partners = Rows(PartnerRow, maximum=PARTNERS_AT_MOST, label=_("Partner clusters"))
    needs = Rows(NeedRow, maximum=11, label=_("Needs, the most important first"))

    def narrow(self) -> None:
        """Own clusters, calls that take applications; partners and needs of the draft."""
        if self.by is not None:
            self.narrow_to("lead_cluster", Cluster.objects.filter(pk__in=held(self.by, "manager", scope="cluster")))
            calls = Call.objects.filter(state__in=["announced", "open"])
            self.narrow_to("call", calls if self.record._state.adding else Call.objects.filter(pk=self.record.call_id))
        if not self.record._state.adding:
            self.initial["partners"] = [{"cluster": p.cluster_id} for p in self.record.partners.order_by("pk")]
            self.initial["needs"] = list(self.record.needs.order_by("rank").values("area", "text"))

    def clean(self) -> dict[str, Any]:
        """Each cluster and area once."""
        data = super().clean() or {}
        partners = [row["cluster"] for row in data.get("partners") or []]
        if len(set(partners)) < len(partners) or data.get("lead_cluster") in partners:
            self.add_error("partners", _t("Each cluster takes part once."))
        areas = [row["area"] for row in data.get("needs") or []]
        if len(set(areas)) < len(areas):
            self.add_error("needs", _t("Name each area once."))
        call, cluster = data.get("call"), data.get("lead_cluster")
        twins = Application.objects.filter(call=call, lead_cluster=cluster).exclude(pk=self.record.pk)
        if call and cluster and twins.exclude(state="withdrawn").exists():
            self.add_error("lead_cluster", _t("This cluster has an application in this call already."))
        return data


class ClarifyApplication(StepForm):
    """The answer to a request for clarification."""

    clarification = long_text(_("Clarification"))


class EligibilityForm(StepForm):
    """The checklist; a point that is not met is waived with a reason or the application is not eligible."""

    is_established_in_eu = forms.BooleanField(label=_("The lead cluster is established in a Member State"))
    is_registered = forms.BooleanField(label=_("The lead cluster is registered on the platform"))
    is_complete = forms.BooleanField(label=_("The application is complete and signed"))
    waiver = forms.CharField(
        label=_("Waiver"), max_length=500, required=False, help_text=_("If a point is waived, the reason.")
    )

    def prepare(self) -> None:
        """A waiver stands for the points that are not ticked."""
        if self.is_bound and self.data.get("waiver"):
            for name in ("is_established_in_eu", "is_registered", "is_complete"):
                self.fields[name].required = False


class IneligibilityForm(ReasonForm):
    """Why an application is not eligible."""

    reason_code = forms.ChoiceField(label=_("Reason"), choices=INELIGIBLE)


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


class PlaceForm(StepForm):
    """From a release: application id to place or position."""

    places = forms.JSONField()


class ReasonsForm(StepForm):
    """From a release: application id to reasons."""

    reasons = forms.JSONField(required=False)

    def clean_reasons(self) -> Any:
        """An object, perhaps empty."""
        return self.cleaned_data["reasons"] or {}


class UpholdIneligible(ReasonForm):
    """After a review of eligibility."""

    def clean(self) -> dict[str, Any]:
        """The review came from there."""
        if self.record.before_review != "ineligible":
            raise ValidationError(_t("This review is about the selection, not about eligibility."))
        return super().clean() or {}


class UpholdRejected(ReasonForm):
    """After a review of the selection."""

    def clean(self) -> dict[str, Any]:
        """The review came from there."""
        if self.record.before_review != "rejected":
            raise ValidationError(_t("This review is about eligibility, not about the selection."))
        return super().clean() or {}


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


class SelectionForm(StepForm):
    """Of which call."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())

    def prepare(self) -> None:
        """Calls of own programmes that have no released selection."""
        if self.by is not None:
            mine = held(self.by, "lead", "coordinator")
            self.narrow_to("call", Call.objects.filter(programme_id__in=mine).exclude(selections__state="released"))


class OverrideRow(forms.Form):
    """A decision against the order, always with a reason."""

    application = forms.ModelChoiceField(label=_("Application"), queryset=Application.objects.all())
    decision = forms.ChoiceField(label=_("Decision"), choices=[("", "–"), ("in", _("in")), ("out", _("out"))])
    reason = forms.CharField(label=_("Reason"), max_length=500)

    def clean_application(self) -> str:
        """The key as text, as the ranking names it."""
        return str(self.cleaned_data["application"].pk)


class ProposeSelection(StepForm):
    """Overrides, if any."""

    overrides = Rows(OverrideRow, maximum=50, label=_("Overrides"))

    def prepare(self) -> None:
        """Evaluated applications of the call; the overrides of the last proposal."""
        if self.record._state.adding:
            return
        evaluated = Application.objects.filter(call=self.record.call_id, state="evaluated").select_related(
            "lead_cluster"
        )
        self.fields["overrides"].row_context = {"application": evaluated.order_by("lead_cluster__sort_name")}  # type: ignore[attr-defined]
        self.initial["overrides"] = [
            {"application": line.application_id, "decision": line.override, "reason": line.override_reason}
            for line in self.record.lines.exclude(override="")
        ]
