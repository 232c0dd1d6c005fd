"""The input of the steps of this app."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility.application import AREAS, INELIGIBLE, PARTNERS_AT_MOST, Application
from facility.call import FULL_WEIGHT, Call, Criterion
from facility.evaluation import SCALE
from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.conflicts import Conflict
from facility.registry.documents import kind_of
from facility.registry.grants import RESERVED, Role, Scope
from facility.registry.organisation import KINDS, SIZES
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import held, in_force
from facility.workflow import clock
from facility.workflow.input import ReasonForm, Rows, StepForm
from facility.workflow.steps import SYSTEM

SHORT = 200


def long_text(
    label: Any, *, required: bool = True, limit: int = 4000, help_text: Any = "", rows: int = 4
) -> forms.CharField:
    """A text of several lines."""
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=limit, widget=widget, required=required, help_text=help_text)


def zone_field() -> forms.ChoiceField:
    """A time zone by its IANA name."""
    names = sorted(name for name in zoneinfo.available_timezones() if name.startswith("Europe/") or name == "UTC")
    return forms.ChoiceField(label=_("Time zone"), choices=[(name, name) for name in names], initial="Europe/Brussels")


class Edits(StepForm):
    """A form whose first values are those of the record."""

    def prepare(self) -> None:
        """Takes the first values from the record."""
        self.narrow()
        if not self.record._state.adding:
            for name in self.fields:
                if name not in self.initial and hasattr(self.record, name):
                    self.initial[name] = getattr(self.record, name)

    def narrow(self) -> None:
        """Limits choices to what the person may see."""


class ProgrammeForm(Edits):
    """A programme's particulars."""

    slug = forms.SlugField(label=_("Address"), max_length=50)
    name = forms.CharField(label=_("Name"), max_length=SHORT)
    names = forms.JSONField(label=_("Names by language"), required=False, initial=dict)
    funder = forms.CharField(label=_("Funder"), max_length=SHORT)
    platform = forms.CharField(label=_("Platform"), max_length=SHORT, required=False)
    operator = forms.CharField(label=_("Operator"), max_length=SHORT)
    contact = forms.CharField(label=_("Contact"), max_length=SHORT, required=False)
    starts_on = forms.DateField(label=_("Start"), widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_("End"), widget=forms.DateInput(attrs={"type": "date"}))
    zone = zone_field()
    evaluation_days = forms.IntegerField(label=_("Days to evaluate"), min_value=1, max_value=90, initial=14)
    offer_days = forms.IntegerField(label=_("Days to answer an offer"), min_value=1, max_value=60, initial=7)
    confirm_days = forms.IntegerField(label=_("Days to confirm a session"), min_value=1, max_value=60, initial=10)
    days_per_project = forms.IntegerField(label=_("Days per project"), min_value=1, max_value=200, initial=20)
    is_demo = forms.BooleanField(label=_("Demo"), required=False)

    def clean_names(self) -> dict[str, str]:
        """An object of language to name."""
        names = self.cleaned_data["names"] or {}
        if not isinstance(names, dict) or not all(isinstance(v, str) for v in names.values()):
            raise ValidationError(_t('Give an object of language to name, such as {"nl": "…"}.'))
        return names

    def clean(self) -> dict[str, Any]:
        """Dates in order; an address that is free."""
        data = super().clean() or {}
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _t("The end lies before the start."))
        taken = Programme.objects.filter(slug=data.get("slug", "")).exclude(pk=self.record.pk)
        if taken.exists():
            self.add_error("slug", _t("Another programme has this address."))
        return data


class GiveGrant(StepForm):
    """Who gets which role for what."""

    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Somebody new is added with this address."))
    name = forms.CharField(label=_("Name"), max_length=SHORT, required=False)
    person = forms.ModelChoiceField(
        label=_("or a known person"), queryset=Person.objects.all(), required=False, widget=forms.HiddenInput
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all(), required=False)
    scope_type = forms.ChoiceField(label=_("For"), choices=Scope.choices, initial=Scope.PROGRAMME)
    scope_key = forms.UUIDField(label=_("Key of the cluster or project"), required=False)

    def prepare(self) -> None:
        """Only the programmes that the giver works for."""
        if self.by is not SYSTEM and self.by is not None and not self.is_consequence:
            self.fields["programme"].queryset = Programme.objects.filter(
                pk__in=held(self.by, "lead", "coordinator", "administrator")
            )

    def clean(self) -> dict[str, Any]:
        """One person, one scope, and no role above the giver's own."""
        data = super().clean() or {}
        if self.errors:
            return data
        if data["scope_type"] == Scope.PROGRAMME and data.get("programme"):
            data["scope_key"] = data["programme"].pk
        if not data.get("scope_key"):
            self.add_error("scope_key", _t("Say which %s the role is for.") % data["scope_type"])
        if data["role"] in RESERVED and not self._may_give_reserved(data):
            self.add_error("role", _t("This role is given by the lead coordinator or an administrator."))
        email, name = data.pop("email"), data.pop("name")
        if not data.get("person") and not self.errors:
            if not email or not name:
                self.add_error("email", _t("Give the e-mail and the name of the person."))
            else:
                data["person"] = Person.objects.known_or_new(email, name)
        return data

    def _may_give_reserved(self, data: dict[str, Any]) -> bool:
        if self.by is SYSTEM or self.is_consequence:
            return True
        programme = data.get("programme")
        own = in_force().filter(
            person=self.by, role__in=["lead", "administrator"], scope_key=getattr(programme, "pk", None)
        )
        return own.exists()


class OrganisationForm(Edits):
    """A firm or another body."""

    name = forms.CharField(label=_("Name"), max_length=SHORT)
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    size = forms.ChoiceField(label=_("Size"), choices=[("", "–"), *SIZES], required=False)
    country = forms.ChoiceField(label=_("Country"), choices=[("", "–"), *countries], required=False)
    cluster = forms.ModelChoiceField(
        label=_("Member of"), queryset=Cluster.objects.order_by("sort_name"), required=False
    )


class ClusterForm(Edits):
    """A cluster's profile."""

    name = forms.CharField(
        label=_("Name"), max_length=SHORT, help_text=_("As the cluster writes it; never translated.")
    )
    lang = forms.CharField(label=_("Language of the name"), max_length=5, initial="en")
    country = forms.ChoiceField(label=_("Country"), choices=list(countries))
    nuts = forms.CharField(label=_("Region (NUTS)"), max_length=5, required=False)
    sector = forms.CharField(label=_("Sector"), max_length=120)
    ecosystem = forms.ChoiceField(label=_("Industrial ecosystem"), choices=[("", "–"), *ECOSYSTEMS], required=False)
    members_count = forms.IntegerField(label=_("Members"), min_value=0)
    smes_count = forms.IntegerField(label=_("SMEs among them"), min_value=0)
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    is_demo = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """SMEs are members."""
        data = super().clean() or {}
        if data.get("smes_count", 0) > data.get("members_count", 0):
            self.add_error("smes_count", _t("There cannot be more SMEs than members."))
        twin = Cluster.objects.filter(name=data.get("name"), country=data.get("country")).exclude(pk=self.record.pk)
        if twin.exists():
            self.add_error("name", _t("A cluster of this name is registered in this country."))
        return data


class ConflictForm(StepForm):
    """An interest of a person in a cluster."""

    person = forms.ModelChoiceField(label=_("Person"), queryset=Person.objects.order_by("sort_name"))
    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))
    kind = forms.ChoiceField(label=_("Kind"), choices=Conflict._meta.get_field("kind").choices)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)


class ReceiveDocument(StepForm):
    """A file."""

    file = forms.FileField(label=_("File"), max_length=200)
    programme = forms.ModelChoiceField(queryset=Programme.objects.all(), required=False, widget=forms.HiddenInput)
    audience = forms.ChoiceField(
        label=_("For"),
        choices=[
            ("owner", _("the office and me")),
            ("project", _("one project")),
            ("programme", _("all who take part")),
        ],
        initial="owner",
    )
    scope_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    language = forms.CharField(label=_("Language"), max_length=5, required=False)
    area = forms.ChoiceField(label=_("Area"), choices=[("", "–"), *AREAS], required=False)

    def clean_file(self) -> Any:
        """Size and kind."""
        from django.conf import settings

        file = self.cleaned_data["file"]
        if file.size > settings.DOCUMENT_MAX_BYTES:
            limit = settings.DOCUMENT_MAX_BYTES // 1_000_000
            raise ValidationError(_t("%(name)s is larger than %(limit)d MB.") % {"name": file.name, "limit": limit})
        kind_of(file)
        return file

    def clean(self) -> dict[str, Any]:
        """A file for a project comes from somebody who works on it."""
        data = super().clean() or {}
        key = data.get("scope_key")
        if data.get("audience") == "project" and self.by is not SYSTEM:
            mine = in_force().filter(person=self.by, scope_type="project", scope_key=key)
            office = in_force().filter(person=self.by, role__in=["lead", "coordinator"])
            if not key or not (mine.exists() or office.exists()):
                self.add_error("audience", _t("You can hand in files for your own projects only."))
        return data


class CriterionRow(forms.Form):
    """One criterion."""

    name = forms.CharField(label=_("Criterion"), max_length=120)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=FULL_WEIGHT)
    guidance = forms.CharField(label=_("Guidance"), max_length=1000, required=False)


class CallForm(Edits):
    """A call's particulars, rules and criteria."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    opens_at = forms.DateTimeField(label=_("Opens"), help_text=_("In UTC, as 2021-02-04 09:00."))
    closes_at = forms.DateTimeField(label=_("Closes"), help_text=_("In UTC."))
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
            self.fields["programme"].queryset = Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator"))
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

    closes_at = forms.DateTimeField(label=_("New closing time"), help_text=_("In UTC."))

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
            self.fields["lead_cluster"].queryset = Cluster.objects.filter(
                pk__in=held(self.by, "manager", scope="cluster")
            )
            calls = Call.objects.filter(state__in=["announced", "open"])
            self.fields["call"].queryset = (
                calls if self.record._state.adding else Call.objects.filter(pk=self.record.call_id)
            )
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
                    "The evaluators are %(spread)s points apart, more than %(limit)s. Say what you make of it, or ask for a third evaluation."
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
        self.fields["application"].queryset = rows
        grants = in_force().filter(role="evaluator", scope_type="programme", scope_key__in=mine)
        self.fields["evaluator"].queryset = Person.objects.filter(pk__in=grants.values("person_id")).order_by(
            "sort_name"
        )

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

    kind = forms.ChoiceField(label=_("Kind of interest"), choices=Conflict._meta.get_field("kind").choices)


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
            self.fields["call"].queryset = Call.objects.filter(programme_id__in=mine).exclude(
                selections__state="released"
            )


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
