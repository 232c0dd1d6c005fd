"""The input of steps on applications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.bid import AREAS, INELIGIBLE, PARTNERS_AT_MOST
from facility.call import Call
from facility.registry.cluster import Cluster
from facility.roles import held
from facility.workflow.input import ReasonForm, Rows, StepForm

from .registry import SHORT, Edits, long_text


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

    def clean_is_established_in_eu(self) -> bool:
        """The profile says where the lead cluster is; partners may be anywhere."""
        is_ticked: bool = self.cleaned_data["is_established_in_eu"]
        if is_ticked and not self.record.lead_cluster.is_in_eu():
            country = self.record.lead_cluster.country.name
            raise ValidationError(_t("%s is no Member State; a cluster from there may be a partner.") % country)
        return is_ticked


class IneligibilityForm(ReasonForm):
    """Why an application is not eligible."""

    reason_code = forms.ChoiceField(label=_("Reason"), choices=INELIGIBLE)


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
