"""The input of the steps on advisors, CVs, match runs and assignments."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from advisory.advisor import KINDS, OPEN, SERVES, Advisor
from advisory.advisorcall import AdvisorCall
from advisory.checks import conflicts_of
from advisory.curriculum import CurriculumVitae
from advisory.cv.reading import MAX_FIELDS, Field, missing
from advisory.forms.scoring import Weighed
from advisory.forms.solving import LimitsForm
from advisory.matchrun import OPEN_PROJECT, lacking, under_way
from advisory.project import Project
from advisory.said import CONFIRMABLE, parsed, worded
from advisory.speaking import LEVELS
from facility.bid import AREAS
from facility.forms import SHORT, Edits, ReceiveDocument, long_text
from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.conflicts import Conflict
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow.input import Rows, StepForm, choices_of
from facility.workflow.steps import SYSTEM

CV_ENDINGS = ("pdf", "docx", "odt", "xml", "json", "txt")


def own_programmes(by: Any) -> Any:
    """The programmes that the person coordinates; all for the system and for the description of the API."""
    if by is None or by is SYSTEM:
        return Programme.objects.order_by("pk")
    return Programme.objects.filter(pk__in=held(by, "lead", "coordinator")).order_by("pk")


def programme_field(**kwargs: Any) -> forms.ModelChoiceField:
    """A programme; its choices are narrowed by `own_programmes`."""
    return forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all(), **kwargs)


def several(label: Any, choices: Any) -> forms.MultipleChoiceField:
    """Several of these, or none."""
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple)


class LanguageRow(forms.Form):
    """One language with its level."""

    code = forms.RegexField(r"^[a-z]{2,3}$", label=_("Language"), help_text=_("Two letters, such as nl."))
    cefr = forms.ChoiceField(
        label=_("Level"), choices=[("", "–"), *((level, level) for level in LEVELS)], required=False
    )

    def clean(self) -> dict[str, Any]:
        """A level that is not given is unknown."""
        data = super().clean() or {}
        return data | {"cefr": data.get("cefr") or None}


class FromCv(StepForm):
    """What an advisor takes over from a confirmed CV."""

    areas = several(_("Areas"), AREAS)
    languages = Rows(LanguageRow, maximum=40, label=_("Languages"))
    countries = forms.MultipleChoiceField(label=_("Countries"), choices=list(countries), required=False)
    sectors = several(_("Industrial ecosystems"), ECOSYSTEMS)
    years = forms.IntegerField(label=_("Years of experience"), min_value=0, max_value=70, required=False)


class AdvisorForm(Edits):
    """An advisor's particulars."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    areas = several(_("Areas"), AREAS)
    languages = Rows(LanguageRow, maximum=40, label=_("Languages"))
    countries = forms.MultipleChoiceField(label=_("Countries"), choices=list(countries), required=False)
    sectors = several(_("Industrial ecosystems"), ECOSYSTEMS)
    years = forms.IntegerField(label=_("Years of experience"), min_value=0, max_value=70, required=False)
    capacity = forms.IntegerField(label=_("Projects at once"), min_value=1, max_value=20, initial=2)
    days = forms.IntegerField(
        label=_("Days available"),
        min_value=0,
        max_value=1000,
        required=False,
        help_text=_("In all, those already promised included."),
    )
    available_from = forms.DateField(
        label=_("Available from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class CreateAdvisor(AdvisorForm):
    """A candidate who is entered by hand, or follows from a CV."""

    programme = programme_field()
    name = forms.CharField(label=_("Name"), max_length=SHORT)
    email = forms.EmailField(label=_("E-mail"), required=False)
    field_order = ("programme", "name", "email")

    def narrow(self) -> None:
        """Own programmes."""
        self.narrow_to("programme", own_programmes(self.by))

    def clean(self) -> dict[str, Any]:
        """Nobody twice in a programme."""
        data = super().clean() or {}
        email, programme = data.get("email"), data.get("programme")
        if email and programme and Advisor.objects.filter(programme=programme, person__email=email.lower()).exists():
            self.add_error("email", _t("An advisor with this address is known in this programme."))
        return data


class InterestRow(forms.Form):
    """An interest in a cluster."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))
    kind = forms.ChoiceField(label=_("Kind"), choices=choices_of(Conflict, "kind"))


class DeclareInterests(StepForm):
    """Consent and interests."""

    consent = forms.BooleanField(label=_("The CV may be kept and used to find projects"))
    interests = long_text(_("Interests"), limit=2000, help_text=_("Write “none” if there are none."))
    clusters = Rows(InterestRow, maximum=50, label=_("Clusters with which there is a tie"))

    def prepare(self) -> None:
        """What was declared before, beside the text that is agreed to."""
        self.initial.update(consent=self.record.consent, interests=self.record.interests)
        if self.by is not None and (call := AdvisorCall.objects.filter(programme=self.record.programme_id).first()):
            self.fields["consent"].help_text = call.consent_text


class ReceiveCv(ReceiveDocument):
    """A CV, of a known advisor or of somebody new."""

    audience = scope_key = language = area = None  # type: ignore[assignment]
    programme = programme_field(required=False)
    advisor = forms.ModelChoiceField(
        label=_("Advisor"), queryset=Advisor.objects.all(), required=False, help_text=_("Leave empty for somebody new.")
    )

    def prepare(self) -> None:
        """Own programmes and their advisors; for an advisor their own record only."""
        programmes = own_programmes(self.by)
        self.narrow_to("programme", programmes)
        rows = Advisor.objects.filter(state__in=OPEN).select_related("person").order_by("person__sort_name", "pk")
        if self.by is not None and self.by is not SYSTEM:
            own = rows.filter(pk__in=held(self.by, "advisor", scope="advisor"))
            rows = own | rows.filter(programme__in=programmes)
        self.narrow_to("advisor", rows)

    def clean_file(self) -> Any:
        """A kind of file that CVs come in."""
        file = super().clean_file()
        if file.name.rpartition(".")[2].lower() not in CV_ENDINGS:
            raise ValidationError(
                _t("A CV is taken as PDF, DOCX, ODT, Europass XML, JSON Resume or text, not as %s.") % file.name
            )
        return file

    def clean(self) -> dict[str, Any]:
        """Of somebody new only with a programme; and no file twice."""
        data = super().clean() or {}
        if data.get("advisor"):
            data["programme"] = data["advisor"].programme
        if not data.get("programme"):
            self.add_error("programme", _t("Say for which programme, or whose CV this is."))
        elif data.get("file"):
            known = CurriculumVitae.objects.filter(programme=data["programme"], document__sha256=_sha256(data["file"]))
            if known.exclude(state="rejected").exists():
                self.add_error("file", _t("%s was handed in before.") % data["file"].name)
        return data


def _sha256(file: Any) -> str:
    running = hashlib.sha256()
    for chunk in file.chunks():
        running.update(chunk)
    file.seek(0)
    return running.hexdigest()


class ReadCv(StepForm):
    """From the reader: the reading as a JSON object."""

    reading = forms.JSONField()


class IndexCv(StepForm):
    """From the embedder: passages with hash and vector."""

    passages = forms.JSONField()


class CvFieldRow(forms.Form):
    """One fact of a CV on one line."""

    name = forms.ChoiceField(label=_("Field"), choices=CONFIRMABLE)
    value = forms.CharField(label=_("Value"), max_length=1000)

    def clean(self) -> dict[str, Any]:
        """The line as a value."""
        data = super().clean() or {}
        if "name" in data and "value" in data:
            try:
                data["value"] = parsed(data["name"], data["value"])
            except ValidationError as error:
                self.add_error("value", error)
        return data


class ConfirmCv(StepForm):
    """Everything that counts in a CV, as lines to mend."""

    entries = Rows(
        CvFieldRow,
        minimum=1,
        maximum=MAX_FIELDS,
        label=_("What the CV says"),
        help_text=_(
            "Languages as “de C1”, jobs as title | employer | start | end | country, degrees as title | school | year."
        ),
    )
    kind = forms.ChoiceField(label=_("Kind of advisor"), choices=[("", "–"), *KINDS], required=False)

    def prepare(self) -> None:
        """What was read; the kind is asked for somebody new only."""
        if self.record._state.adding:
            return
        if self.record.advisor_id:
            del self.fields["kind"]
        read = self.record.fields.filter(name__in=[name for name, _label in CONFIRMABLE]).order_by("order")
        self.initial["entries"] = [{"name": one.name, "value": worded(one.name, one.value)} for one in read]

    def clean_entries(self) -> list[dict[str, Any]]:
        """Complete, with one name and one address."""
        rows = self.cleaned_data["entries"]
        if self.record.applicant_id:
            # The address was proven by a mail; no other one counts.
            rows = [row for row in rows if row["name"] != "email"]
            rows.insert(0, {"name": "email", "value": self.record.applicant.email})
        lacking = missing([Field(row["name"], row["value"], "", "", 1) for row in rows])
        if lacking:
            raise ValidationError(lacking)
        for name, label in CONFIRMABLE[:2]:
            if sum(row["name"] == name for row in rows) > 1:
                raise ValidationError(_t("Keep one line only for: %s.") % label)
        return rows

    def clean(self) -> dict[str, Any]:
        """Somebody new needs a kind, and must not have been declined or have retired under this address."""
        data = super().clean() or {}
        data.setdefault("kind", "")
        if self.record.advisor_id or not data.get("entries"):
            return data
        email = next(row["value"] for row in data["entries"] if row["name"] == "email")
        known = self.record.known_advisor(email)
        if known is None and not data["kind"]:
            self.add_error("kind", _t("Say whether this is a business or a sustainability advisor."))
        if known is not None and known.state not in OPEN:
            raise ValidationError(_t("%s was declined or has retired.") % known)
        return data


class RequestMatch(LimitsForm, Weighed):
    """For which projects advisors are looked for."""

    programme = programme_field()
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of advisor, one of each"),
        choices=KINDS[:2],
        initial=["business", "sustainability"],
        widget=forms.CheckboxSelectMultiple,
    )
    projects = forms.ModelMultipleChoiceField(
        label=_("Projects"),
        queryset=Project.objects.all(),
        required=False,
        help_text=_("None chosen: all that lack one."),
    )
    field_order = ("programme", "kinds", "projects")

    def prepare(self) -> None:
        """Own programmes and their open projects."""
        programmes = own_programmes(self.by)
        self.narrow_to("programme", programmes)
        rows = Project.objects.filter(programme__in=programmes, state__in=OPEN_PROJECT)
        self.narrow_to("projects", rows.select_related("application__lead_cluster").order_by("pk"))

    def clean(self) -> dict[str, Any]:
        """At least one project that lacks somebody."""
        data = super().clean() or {}
        if not data.get("programme") or not data.get("kinds"):
            return data
        rows = lacking(data["programme"], data["kinds"])
        chosen = [one.pk for one in data.get("projects") or []]
        data["projects"] = list(rows.filter(pk__in=chosen) if chosen else rows)
        if not data["projects"]:
            self.add_error("projects", _t("No project of this programme lacks an advisor of these kinds."))
        if said := under_way(data["programme"].pk, data["kinds"]):
            raise ValidationError(said)
        return data


class FinishMatch(StepForm):
    """From the solver: the result as a JSON object."""

    result = forms.JSONField()
    scores = forms.JSONField(required=False)


class FailMatch(StepForm):
    """From the solver: why there is no assignment."""

    why = forms.CharField(max_length=2000)


class ProposeAssignment(StepForm):
    """Who for which project, as what, and why."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())
    advisor = forms.ModelChoiceField(label=_("Advisor"), queryset=Advisor.objects.all())
    kind = forms.ChoiceField(label=_("As"), choices=KINDS[:2])
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=400,
        required=False,
        help_text=_("Left empty: half of the project's days, or what is left of them."),
    )
    reason = long_text(_("Reason"), limit=2000)

    def prepare(self) -> None:
        """Open projects and the pool of own programmes."""
        programmes = own_programmes(self.by)
        projects = Project.objects.filter(programme__in=programmes, state__in=OPEN_PROJECT)
        self.narrow_to("project", projects.select_related("application__lead_cluster").order_by("name", "pk"))
        pool = Advisor.objects.filter(programme__in=programmes, state=Advisor.State.POOL).select_related("person")
        self.narrow_to("advisor", pool.order_by("person__sort_name", "pk"))

    def clean(self) -> dict[str, Any]:
        """The same programme, a kind that the advisor serves as, and no conflict."""
        data = super().clean() or {}
        project, advisor = data.get("project"), data.get("advisor")
        if not project or not advisor:
            return data
        if project.programme_id != advisor.programme_id:
            self.add_error("advisor", _t("%s is in the pool of another programme.") % advisor)
        if data.get("kind") and data["kind"] not in SERVES[advisor.kind]:
            self.add_error(
                "kind", _t("%(advisor)s is a %(kind)s.") % {"advisor": advisor, "kind": advisor.get_kind_display()}
            )
        for cluster in conflicts_of(advisor, project):
            said = _t("%(advisor)s has a conflict of interest with %(cluster)s.")
            self.add_error("advisor", said % {"advisor": advisor, "cluster": cluster})
        return data


class AcceptOffer(StepForm):
    """The signatures that an advisor gives with the answer, or later."""

    has_signed_terms = forms.BooleanField(label=_("I agree to the terms of the assignment"), required=False)
    has_declared_interests = forms.BooleanField(
        label=_("I have no interest in the clusters of this project"), required=False
    )


class SignTerms(StepForm):
    """Both signatures."""

    has_signed_terms = forms.BooleanField(label=_("I agree to the terms of the assignment"))
    has_declared_interests = forms.BooleanField(label=_("I have no interest in the clusters of this project"))

    def prepare(self) -> None:
        """What was signed before."""
        for name in self.fields:
            self.initial[name] = getattr(self.record, name)


__all__ = [
    "AcceptOffer",
    "AdvisorForm",
    "ConfirmCv",
    "CreateAdvisor",
    "DeclareInterests",
    "FailMatch",
    "FinishMatch",
    "FromCv",
    "IndexCv",
    "ProposeAssignment",
    "ReadCv",
    "ReceiveCv",
    "RequestMatch",
    "SignTerms",
]
