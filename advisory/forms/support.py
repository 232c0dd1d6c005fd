"""The input of the steps of projects, needs, actions and sessions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.action import AIMS, CELLS, FORMS, MODES
from advisory.checks import amount, spoken_for
from advisory.needs import SCALE, STATUSES, Need
from advisory.project import SUPPORTED, Project
from advisory.session import SupportSession
from advisory.voices import voices_of
from facility.application import Application
from facility.bid import AREAS
from facility.forms import SHORT, Edits, long_text
from facility.registry.cluster import Cluster
from facility.registry.documents import Document
from facility.registry.people import Person
from facility.roles import held, in_force
from facility.workflow import clock
from facility.workflow.input import Rows, StepForm, choices_of


def day(label: Any, **more: Any) -> forms.DateField:
    """A day, in the browser's own field."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


def own_projects(person: Any) -> QuerySet:
    """The projects that a person works on, or whose office they are."""
    return Project.objects.filter(
        Q(pk__in=held(person, "advisor", "manager", scope="project"))
        | Q(programme_id__in=held(person, "lead", "coordinator"))
    ).select_related("application__lead_cluster", "programme")


class ProjectTerms(Edits):
    """Dates, days and targets of a project."""

    starts_on = day(_("Start"))
    ends_on = day(_("End"))
    days_budget = forms.IntegerField(label=_("Days of support"), min_value=1, max_value=400)
    firms_targeted = forms.IntegerField(label=_("Firms to reach"), min_value=0, max_value=10_000, initial=0)
    deliverables = long_text(_("Deliverables"), required=False, help_text=_("What advisor and cluster agree on."))

    def clean(self) -> dict[str, Any]:
        """Dates in order."""
        data = super().clean() or {}
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _t("The end lies before the start."))
        return data


class OpenProject(ProjectTerms):
    """Of which application."""

    application = forms.ModelChoiceField(label=_("Application"), queryset=Application.objects.all())
    name = forms.CharField(
        label=_("Name"),
        max_length=SHORT,
        required=False,
        help_text=_("Left empty, it is the name of the lead cluster."),
    )
    field_order = ("application", "name")

    def narrow(self) -> None:
        """Selected applications of own programmes that have no project."""
        if self.by is not None:
            rows = Application.objects.filter(state="selected", programme_id__in=held(self.by, "lead", "coordinator"))
            rows = rows.filter(project__isnull=True).select_related("lead_cluster", "programme")
            self.narrow_to("application", rows)
            self.fields["application"].error_messages["invalid_choice"] = _(
                "Choose an application that is selected and has no project yet."
            )


class EditProject(ProjectTerms):
    """The same with the name."""

    name = forms.CharField(label=_("Name"), max_length=SHORT)
    field_order = ("name",)

    def clean(self) -> dict[str, Any]:
        """The budget is not lowered below what advisors were promised or have worked."""
        data = super().clean() or {}
        budget, taken = data.get("days_budget"), spoken_for("project", [self.record.pk])[self.record.pk]
        if budget is not None and budget < min(self.record.days_budget, taken):
            said = _t("%s days are spoken for by the advisors of the project; the budget cannot be lower.")
            self.add_error("days_budget", said % amount(taken))
        return data


class AddPartner(StepForm):
    """Which cluster joins."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))

    def prepare(self) -> None:
        """Those that do not take part yet."""
        if not self.record._state.adding:
            there = self.record.parties.values("cluster_id")
            self.narrow_to("cluster", Cluster.objects.exclude(pk__in=there).order_by("sort_name"))


class KickOff(StepForm):
    """When the first meeting was held."""

    held_on = day(_("Day of the meeting"))

    def clean_held_on(self) -> Any:
        """It was held."""
        return past_day(self.cleaned_data["held_on"], self.record.programme)


def past_day(value: Any, programme: Any) -> Any:
    """A day that is today or earlier where the programme is (F09)."""
    if value > clock.today(programme.tz()):
        raise forms.ValidationError(_t("This day has not come yet."))
    return value


class LessonForm(StepForm):
    """A lesson."""

    area = forms.ChoiceField(label=_("Area"), choices=[("", "–"), *AREAS], required=False)
    text = long_text(_("Lesson"), limit=2000)


class FinalNote(Edits):
    """The final note."""

    final_note = long_text(_("Final note"), rows=8)


class HandOver(StepForm):
    """Which document."""

    roadmap = forms.ModelChoiceField(label=_("Roadmap"), queryset=Document.objects.all())

    def prepare(self) -> None:
        """Documents of this project."""
        if not self.record._state.adding:
            self.narrow_to("roadmap", documents_of(self.record))


def documents_of(project: Any) -> QuerySet:
    """The documents that belong to a project (F17)."""
    return Document.objects.filter(audience="project", scope_key=project.pk).exclude(state="rejected").order_by("-id")


class EditNeed(Edits):
    """A need in words and weights."""

    area = forms.ChoiceField(label=_("Area"), choices=AREAS)
    text = forms.CharField(label=_("Need"), max_length=SHORT, help_text=_("In a few words."))
    context = long_text(_("Context"), required=False, limit=2000, help_text=_("Why it matters to the members."))
    impact = forms.TypedChoiceField(label=_("Impact"), choices=SCALE, coerce=int, initial=3, widget=forms.RadioSelect)
    urgency = forms.TypedChoiceField(label=_("Urgency"), choices=SCALE, coerce=int, initial=3, widget=forms.RadioSelect)
    feasibility = forms.TypedChoiceField(
        label=_("Feasibility"), choices=SCALE, coerce=int, initial=3, widget=forms.RadioSelect
    )
    driver = forms.ChoiceField(label=_("Driven by"), choices=choices_of(Need, "driver"), initial="business")
    start_status = forms.ChoiceField(label=_("At the start"), choices=STATUSES, initial="open")
    source_session = forms.ModelChoiceField(
        label=_("Found in the session"), queryset=SupportSession.objects.all(), required=False
    )

    def narrow(self) -> None:
        """Sessions of the project."""
        if not self.record._state.adding:
            self.narrow_to("source_session", SupportSession.objects.filter(project_id=self.record.project_id))


class NeedForm(EditNeed):
    """Of which project."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())
    field_order = ("project",)

    def narrow(self) -> None:
        """Own projects; a session is one of the same project."""
        if self.by is not None:
            self.narrow_to("project", own_projects(self.by))
            self.narrow_to("source_session", SupportSession.objects.filter(project__in=own_projects(self.by)))

    def clean(self) -> dict[str, Any]:
        """Needs are named while the project is being assessed or again open."""
        data = super().clean() or {}
        project, session = data.get("project"), data.get("source_session")
        if project and not hasattr(project, "assessment"):
            self.add_error("project", _t("Needs are named after the first meeting of the project."))
        if project and session and session.project_id != project.pk:
            self.add_error("source_session", _t("This session belongs to another project."))
        return data


class RankRow(forms.Form):
    """The rank of one need."""

    need = forms.ModelChoiceField(label=_("Need"), queryset=Need.objects.all())
    rank = forms.IntegerField(label=_("Rank"), min_value=1, max_value=100)


class RankNeeds(StepForm):
    """Each need of the project once, with the ranks 1 to n once each (F14)."""

    ranks = Rows(RankRow, minimum=1, maximum=100, label=_("Ranks"))

    def prepare(self) -> None:
        """The needs that stand, in their present order."""
        self.standing: list[Any] = []
        if not self.record._state.adding:
            rows = self.record.standing().order_by("rank", "pk")
            self.standing = list(rows)
            self.fields["ranks"].row_context = {"need": rows}  # type: ignore[attr-defined]
            self.initial["ranks"] = [{"need": need.pk, "rank": at} for at, need in enumerate(self.standing, 1)]

    def clean_ranks(self) -> list[dict[str, Any]]:
        """Complete and without a rank given twice."""
        rows = self.cleaned_data["ranks"]
        named, given = [row["need"] for row in rows], [row["rank"] for row in rows]
        said = [_t("Rank the need “%s” too.") % need.text for need in self.standing if need not in named]
        said += [_t("The need “%s” stands twice.") % need.text for need in self.standing if named.count(need) > 1]
        twice = sorted({rank for rank in given if given.count(rank) > 1})
        said += [_t("The rank %d is given twice; give each rank once.") % rank for rank in twice]
        if not said and sorted(given) != list(range(1, len(self.standing) + 1)):
            said = [_t("Give the ranks 1 to %d.") % len(self.standing)]
        if said:
            raise forms.ValidationError(said)
        return rows


class OrderNeeds(RankNeeds):
    """An order that all three can sign."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


class PlaceNeeds(StepForm):
    """From the assessment: need id to rank."""

    ranks = forms.JSONField(required=False)

    def clean_ranks(self) -> dict[str, int]:
        """An object, perhaps empty."""
        return self.cleaned_data["ranks"] or {}


class OutcomeForm(Edits):
    """What became of a need."""

    end_status = forms.ChoiceField(label=_("Now"), choices=STATUSES)
    end_reason = long_text(_("What came of it"), limit=2000)


class NeedChoice(forms.ModelChoiceField):
    """A need with the project that it belongs to."""

    def label_from_instance(self, need: Need) -> str:
        """As it stands in the list."""
        return f"{need.project.name}: {need.text}"


class ActionForm(Edits):
    """A planned action."""

    need = NeedChoice(label=_("Need"), queryset=Need.objects.select_related("project"))
    title_text = forms.CharField(label=_("Action"), max_length=SHORT)
    cells = forms.MultipleChoiceField(
        label=_("Fields of the toolkit"), choices=CELLS, widget=forms.CheckboxSelectMultiple
    )
    mode = forms.ChoiceField(label=_("Way of working"), choices=MODES)
    aim = forms.ChoiceField(label=_("Aim"), choices=AIMS)
    owner = forms.ModelChoiceField(label=_("Responsible"), queryset=Person.objects.all())
    due_on = day(_("Due"))
    forms = forms.MultipleChoiceField(label=_("Forms of support"), choices=FORMS, widget=forms.CheckboxSelectMultiple)
    field_order = ("need", "title_text", "forms", "mode", "aim", "owner", "due_on", "cells")

    def narrow(self) -> None:
        """Needs that stand, of own projects; the people of these projects."""
        if self.by is None:
            return
        projects = (
            own_projects(self.by) if self.record._state.adding else Project.objects.filter(pk=self.record.project_id)
        )
        rows = Need.objects.filter(project__in=projects).exclude(state="withdrawn").order_by("project", "rank", "pk")
        self.narrow_to("need", rows.select_related("project__programme"))
        working = in_force().filter(
            Q(scope_type="project", scope_key__in=projects.values("pk"))
            | Q(role__in=["lead", "coordinator"], scope_type="programme", scope_key__in=projects.values("programme_id"))
        )
        people = Person.objects.filter(pk__in=working.values("person_id"))
        self.narrow_to("owner", people.order_by("sort_name"))
        self.initial.setdefault("owner", self.by.pk)

    def clean(self) -> dict[str, Any]:
        """The project is being planned or supported; whoever is responsible works on it."""
        data = super().clean() or {}
        need, owner = data.get("need"), data.get("owner")
        if need and need.project.state not in SUPPORTED:
            self.add_error(
                "need", _t("Actions are planned while the project runs; this one is: %s.") % need.project.state_word()
            )
        if need and owner and not voices_of(need.project, owner):
            self.add_error("owner", _t("%s does not work on this project.") % owner)
        return data


class ProofForm(StepForm):
    """Which document."""

    document = forms.ModelChoiceField(label=_("Document"), queryset=Document.objects.all())

    def prepare(self) -> None:
        """Documents of the project."""
        if not self.record._state.adding:
            self.narrow_to("document", documents_of(self.record.project))


__all__ = [
    "ActionForm",
    "AddPartner",
    "EditNeed",
    "EditProject",
    "FinalNote",
    "HandOver",
    "KickOff",
    "LessonForm",
    "NeedForm",
    "OpenProject",
    "OrderNeeds",
    "OutcomeForm",
    "PlaceNeeds",
    "ProofForm",
    "RankNeeds",
]
