"""The input of the steps of sessions."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.action import FORMS, Action
from advisory.advisor import Advisor
from advisory.forms.support import day, past_day
from advisory.needs import Need
from advisory.project import SUPPORTED, Project
from advisory.session import AUDIENCES, KINDS, WRONG
from facility.forms import Edits, long_text
from facility.registry.organisation import Organisation
from facility.roles import held
from facility.workflow import clock
from facility.workflow.input import ReasonForm, StepForm

HOURS: dict[str, Any] = {"max_digits": 5, "decimal_places": 2, "max_value": 24}


def ticks(label: Any, rows: QuerySet, *, required: bool = True, help_text: Any = "") -> forms.ModelMultipleChoiceField:
    """Several of a list."""
    return forms.ModelMultipleChoiceField(
        label=label, queryset=rows, widget=forms.CheckboxSelectMultiple, required=required, help_text=help_text
    )


class PlanSession(Edits):
    """A session that is agreed on, or was held. Firms, needs and actions are those of the chosen project."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())
    held_on = day(_("Day"))
    form = forms.ChoiceField(label=_("Form"), choices=FORMS, widget=forms.RadioSelect)
    kind = forms.ChoiceField(label=_("Support was"), choices=KINDS, widget=forms.RadioSelect)
    audience = forms.ChoiceField(label=_("For whom"), choices=AUDIENCES, widget=forms.RadioSelect)
    contact_hours = forms.DecimalField(label=_("Hours of contact"), min_value=0, required=False, **HOURS)
    preparation_hours = forms.DecimalField(
        label=_("Hours of preparation"), min_value=0, initial=0, required=False, **HOURS
    )
    people_count = forms.IntegerField(label=_("People"), min_value=0, max_value=5000, initial=1, required=False)
    firms = ticks(
        _("Firms present"),
        Organisation.objects.all(),
        required=False,
        help_text=_("At least one when the session was for members."),
    )
    needs = ticks(_("Needs served"), Need.objects.all(), required=False)
    actions = ticks(_("Actions served"), Action.objects.all(), required=False)
    result = long_text(
        _("What came out of it"), required=False, help_text=_("One or two sentences. The manager reads this."), rows=3
    )
    next_step = forms.CharField(label=_("What comes next"), max_length=500, required=False)

    def narrow(self) -> None:
        """Choices of the project; the project is that of the session, that of the input, or any of one's own."""
        if self.by is None:
            return
        mine = Project.objects.filter(pk__in=held(self.by, "advisor", scope="project")).select_related(
            "application__lead_cluster", "programme"
        )
        self.narrow_to("project", mine if self.record._state.adding else mine.filter(pk=self.record.project_id))
        project = self.record.project_id or self._named_project()
        self.limit_to(mine.filter(pk=project) if project else mine)
        for name, said in (
            ("firms", _("Choose member firms of the project's clusters.")),
            ("needs", _("Choose needs of this project.")),
            ("actions", _("Choose actions of this project.")),
        ):
            self.fields[name].error_messages["invalid_choice"] = said
        if not self.record._state.adding:
            self.initial["firms"] = list(self.record.firms.values_list("organisation_id", flat=True))
            self.initial["needs"] = list(self.record.needs.values_list("need_id", flat=True))
            self.initial["actions"] = list(self.record.actions.values_list("action_id", flat=True))

    def limit_to(self, projects: QuerySet) -> None:
        """Members, needs and actions of these projects only."""
        members = Organisation.objects.filter(cluster__parties__project__in=projects).distinct()
        self.narrow_to("firms", members.order_by("sort_name"))
        needs = Need.objects.filter(project__in=projects).exclude(state="withdrawn")
        self.narrow_to("needs", needs.order_by("rank", "pk"))
        actions = Action.objects.filter(project__in=projects).exclude(state="dropped")
        self.narrow_to("actions", actions.order_by("due_on", "pk"))

    def hide_project(self, project: Project | None) -> None:
        """For a page that names the project in its head; without one the field stays to be chosen."""
        if project is not None:
            self.fields["project"].widget = forms.HiddenInput()
            self.initial["project"] = project.pk
            self.limit_to(Project.objects.filter(pk=project.pk))

    def _named_project(self) -> uuid.UUID | None:
        given = self.data.get("project")
        try:
            return given.pk if isinstance(given, Project) else uuid.UUID(str(given))
        except ValueError:
            return None

    def clean(self) -> dict[str, Any]:
        """The project runs and the person advises it; empty numbers are none."""
        data = super().clean() or {}
        for name in ("contact_hours", "preparation_hours", "people_count"):
            data[name] = data.get(name) or 0
        project = data.get("project")
        if project is None:
            return data
        if project.state not in SUPPORTED:
            self.add_error("project", _t("Sessions are for projects that run; this one is: %s.") % project.state_word())
        if self.record._state.adding:
            data["advisor"] = Advisor.objects.filter(person=self.by, programme_id=project.programme_id).first()
            if data["advisor"] is None:
                self.add_error("project", _t("You are not an advisor of this programme."))
        return data


class LogSession(PlanSession):
    """A session that was held."""

    def prepare(self) -> None:
        """What a plan may leave open is asked now."""
        super().prepare()
        for name in ("contact_hours", "result"):
            self.fields[name].required = True
        if self.record._state.adding:
            self.initial.setdefault("held_on", clock.today())

    def clean(self) -> dict[str, Any]:
        """Held, of some length, with firms where members were supported, for needs where there are any (F09, F18)."""
        data = super().clean() or {}
        project = data.get("project")
        if project and data.get("held_on"):
            try:
                past_day(data["held_on"], project.programme)
            except forms.ValidationError as error:
                self.add_error("held_on", error)
        if "contact_hours" not in self.errors and data["contact_hours"] <= 0:
            self.add_error("contact_hours", _t("Give the hours of contact; they are more than 0."))
        if data.get("audience") == "members" and "firms" not in self.errors and not data.get("firms"):
            self.add_error("firms", _t("Name at least one member firm, since the session was for members."))
        if (
            project
            and "needs" not in self.errors
            and not data.get("needs")
            and project.needs.exclude(state="withdrawn").exists()
        ):
            self.add_error("needs", _t("Name at least one need that the session served."))
        return data


class DisputeSession(StepForm):
    """What is wrong."""

    wrong = forms.ChoiceField(label=_("What is wrong?"), choices=WRONG, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("In your words"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class SettleSession(ReasonForm):
    """What the coordinator decides."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[("confirmed", _("it counts as logged")), ("cancelled", _("it does not count"))],
        widget=forms.RadioSelect,
    )


class EvidenceForm(StepForm):
    """What shows that the session took place."""

    evidence = long_text(
        _("Evidence"), limit=2000, help_text=_("Such as an attendance list, minutes, or a mail of the firm.")
    )


__all__ = ["DisputeSession", "EvidenceForm", "LogSession", "PlanSession", "SettleSession"]
