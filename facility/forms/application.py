"""The input of steps on applications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.application import Application
from facility.call import Call
from facility.call_parts import worded
from facility.papers import AREAS, PARTNERS_AT_MOST
from facility.questions import Form, NotAnAnswer
from facility.registry.cluster import Cluster
from facility.roles import held
from facility.workflow.input import ReasonForm, Rows, StepForm
from facility.workflow.trail import Entry

from .registry import SHORT, Edits, long_text


class PartnerRow(forms.Form):
    """One partner cluster."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))


class NeedRow(forms.Form):
    """One need."""

    area = forms.ChoiceField(label=_("Area"), choices=[("", "–"), *AREAS])
    text = forms.CharField(label=_("In your words"), max_length=500)


class ApplicationForm(Edits):
    """An application as a whole; only title, call and lead cluster are needed to save it as a draft."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())
    lead_cluster = forms.ModelChoiceField(label=_("Lead cluster"), queryset=Cluster.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    motivation = long_text(_("Motivation"), required=False, help_text=_("Why your cluster, why now."))
    context = long_text(_("Context"), required=False, help_text=_("Region, maturity, members and sector."))
    training_needs = long_text(_("Training needs"), required=False, limit=2000)
    strategic_focus = forms.IntegerField(label=_("Strategic focus, 1 to 5"), min_value=1, max_value=5, required=False)
    has_signed = forms.BooleanField(label=_("We declare on our honour that what we say is true"), required=False)
    answers = forms.JSONField(label=_("Answers to the questions of the call, by key"), required=False)
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
            self.initial["needs"] = self.record.draft()["needs"]

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
        if call:
            data["answers"] = self.clean_answers_to(call.questions(), data.get("answers") or {})
        twins = Application.objects.filter(call=call, lead_cluster=cluster).exclude(pk=self.record.pk)
        if call and cluster and twins.exclude(state="withdrawn").exists():
            self.add_error("lead_cluster", _t("This cluster has an application in this call already."))
        return data

    def clean_answers_to(self, asks: Form, given: Any) -> dict[str, Any]:
        """The answers that were given, as they are kept; those that were not given stay as they are."""
        found: dict[str, Any] = {}
        if not isinstance(given, dict):
            self.add_error("answers", _t("Give an object of question to answer."))
            return found
        for key, raw in given.items():
            try:
                if key in asks.questions and asks.questions[key].kind == "file":
                    raise NotAnAnswer(gettext_noop("Files are added by a step of their own."))
                found[key] = asks.clean(key, raw)
            except NotAnAnswer as refused:
                self.add_error("answers", f"{str(key)[:40]}: {worded(refused.sentence)}")
        return found


class PlaceForm(StepForm):
    """From a release: application id to place or position."""

    places = forms.JSONField()


class ReasonsForm(StepForm):
    """From a release: application id to reasons."""

    reasons = forms.JSONField(required=False)

    def clean_reasons(self) -> Any:
        """An object, perhaps empty."""
        return self.cleaned_data["reasons"] or {}


class ReviewForm(ReasonForm):
    """The outcome of a review, by somebody who did not take the decision, if there is another lead."""

    def clean(self) -> dict[str, Any]:
        """Nobody judges their own decision where somebody else can."""
        data = super().clean() or {}
        if self.by is None or not decided_by(self.record, self.by):
            return data
        if any(not decided_by(self.record, other) for other in self.record.call.leads()):
            raise ValidationError(_t("You took the decision that is under review; another lead looks at it."))
        return data


def decided_by(application: Application, person: Any) -> bool:
    """Whether the person took the decision that is under review, or proposed, approved or released it."""
    entries = Entry.objects.filter(actor=person)
    if application.before_review == "ineligible":
        return entries.filter(record_id=application.pk, step="declare_ineligible").exists()
    selections = application.call.selections.filter(state="released").values("pk")
    return entries.filter(record_id__in=selections, step__in=["propose", "approve", "release"]).exists()


class UpholdIneligible(ReviewForm):
    """After a review of eligibility."""

    def clean(self) -> dict[str, Any]:
        """The review came from there."""
        if self.record.before_review != "ineligible":
            raise ValidationError(_t("This review is about the selection, not about eligibility."))
        return super().clean()


class UpholdRejected(ReviewForm):
    """After a review of the selection."""

    def clean(self) -> dict[str, Any]:
        """The review came from there."""
        if self.record.before_review != "rejected":
            raise ValidationError(_t("This review is about eligibility, not about the selection."))
        return super().clean()


class OverturnForm(ReviewForm):
    """After a review of either."""
