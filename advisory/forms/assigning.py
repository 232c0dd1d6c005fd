"""The input of the steps on assignments, terms, agreements, exclusions and wishes."""

from __future__ import annotations

import copy
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import KINDS as KINDS_OF_ADVISOR
from advisory.advisor import OPEN, SERVES, Advisor
from advisory.assignment import Assignment
from advisory.checks import amount, conflicts_of, days_left_of, days_left_on, expected_days
from advisory.forms.advisors import own_programmes
from advisory.matchrun import OPEN_PROJECT
from advisory.preference import KINDS, SIDES
from advisory.project import Project
from facility.forms import SHORT, DeclarationForm, Edits, SignEngagement, long_text
from facility.registry.cluster import Cluster
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow.input import ReasonForm, Rows, StepForm
from facility.workflow.steps import SYSTEM

AT_WORK_SOON = ("accepted", "active")


class TermsForm(DeclarationForm):
    """A version of the terms."""


class ProposeAssignment(StepForm):
    """Who for which project, as what, and why."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())
    advisor = forms.ModelChoiceField(label=_("Advisor"), queryset=Advisor.objects.all())
    kind = forms.ChoiceField(label=_("As"), choices=KINDS_OF_ADVISOR[:2])
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


class ApproveAssignment(StepForm):
    """The days, and why this advisor where a match run proposes another."""

    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=400, required=False)
    reason = long_text(_("Reason"), limit=2000, required=False)

    def prepare(self) -> None:
        """The days that the proposal asks for; and what there is to explain."""
        self.to_explain = ""
        if self.record._state.adding:
            return
        self.initial["days"] = self.record.days or expected_days(self.record.project)
        if not self.is_bound:
            self.fields["days"].help_text = " ".join(self.lacking(self.initial["days"]))
        self.to_explain = "" if self.record.reason else self.passed_over()
        self.fields["reason"].help_text = self.to_explain or _(
            "Needed only where the match run proposes somebody else, or held to a pair that was pinned."
        )

    def passed_over(self) -> str:
        """What an approval overrides: another proposal, or the ranking by a pin; empty where it follows the ranking."""
        advisor = self.record.advisor
        if (rival := self.record.rival()) is not None:
            said = _t("The match run proposes %(rival)s for this place. Say why you take %(advisor)s.")
            return said % {"rival": rival.advisor, "advisor": advisor}
        if self.record.is_pinned():
            return _t("The match run was held to %(advisor)s by a pin. Say why.") % {"advisor": advisor}
        return ""

    def clean(self) -> dict[str, Any]:
        """Whoever passes over the ranking says why (F07)."""
        data = super().clean() or {}
        if self.to_explain and not data.get("reason"):
            self.add_error("reason", self.to_explain)
        # Who saw the field reads there what is left; whoever did not is told by the step, which asks under its locks.
        if "days" in self.data and "days" in data:
            for sentence in self.lacking(data["days"] or self.record.days):
                self.add_error("days", sentence)
        return data

    def lacking(self, days: int | None) -> list[str]:
        """Why so many days cannot be approved; nothing when they can."""
        asked = copy.copy(self.record)
        asked.days = days
        return asked.lacking_days()


class ReplaceAdvisor(ReasonForm):
    """Why, and what the successor needs to know."""

    handover = long_text(
        _("For the successor"),
        limit=4000,
        required=False,
        help_text=_("What was done, what is open, whom to ask. Sessions, needs and actions are handed over anyway."),
    )


class TakeDays(StepForm):
    """From an agreement."""

    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=400)


class PassOn(StepForm):
    """To whom an action goes."""

    owner = forms.ModelChoiceField(label=_("Responsible"), queryset=Person.objects.all())


class DeliverableRow(forms.Form):
    """One thing that is delivered, and until when."""

    text = forms.CharField(label=_("Deliverable"), max_length=300)
    due_on = forms.DateField(label=_("Due"), widget=forms.DateInput(attrs={"type": "date"}))


class ReviseAgreement(Edits):
    """What advisor and cluster agree on."""

    targets = long_text(_("Targets"), limit=4000, help_text=_("What is to be reached, in words both sides can check."))
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=400)
    deliverables = Rows(DeliverableRow, minimum=1, maximum=30, label=_("Deliverables"))

    def of_assignment(self, data: dict[str, Any]) -> Any:
        """The assignment that it is about."""
        return None if self.record._state.adding else self.record.assignment

    def clean(self) -> dict[str, Any]:
        """Within the days of advisor and project, and within the project's time."""
        data = super().clean() or {}
        assignment = self.of_assignment(data)
        if assignment is None:
            return data
        self.check_days(assignment, data.get("days"))
        project, rows = assignment.project, data.get("deliverables") or []
        for at, row in enumerate(rows):
            if not project.starts_on <= row["due_on"] <= project.ends_on:
                said = _t("Deliverable %(n)d is due outside the project, which lasts from %(first)s to %(last)s.")
                words = {"n": at + 1, "first": project.starts_on, "last": project.ends_on}
                self.add_error("deliverables", said % words)
        if "deliverables" in data:
            data["deliverables"] = [{"text": row["text"], "due_on": row["due_on"].isoformat()} for row in rows]
        return data

    def check_days(self, assignment: Any, days: int | None) -> None:
        """No more than advisor and project have left; what was promised already is not asked again."""
        if days is None or days <= (assignment.days or 0):
            return
        of_advisor = days_left_of(assignment.advisor, besides=assignment.pk)
        on_project = days_left_on(assignment.project, besides=assignment.pk)
        if of_advisor is not None and days > of_advisor:
            said = _t("%(advisor)s has %(left)s days left.")
            self.add_error("days", said % {"advisor": assignment.advisor, "left": amount(of_advisor)})
        if days > on_project:
            said = _t("The project has %(left)s of %(all)d days left.")
            self.add_error("days", said % {"left": amount(on_project), "all": assignment.project.days_budget})


class DraftAgreement(ReviseAgreement):
    """Of which assignment."""

    assignment = forms.ModelChoiceField(label=_("Assignment"), queryset=Assignment.objects.all())
    field_order = ("assignment",)

    def narrow(self) -> None:
        """Assignments that were accepted, of own programmes or one's own, without an agreement."""
        rows = Assignment.objects.filter(state__in=AT_WORK_SOON, agreement__isnull=True)
        if self.by is not None and self.by is not SYSTEM:
            own = rows.filter(advisor__in=held(self.by, "advisor", scope="advisor"))
            rows = own | rows.filter(programme__in=own_programmes(self.by))
        rows = rows.select_related("advisor__person", "project__application__lead_cluster", "programme")
        self.narrow_to("assignment", rows.order_by("pk"))

    def of_assignment(self, data: dict[str, Any]) -> Any:
        """The one chosen."""
        return data.get("assignment")


class SignAgreement(SignEngagement):
    """A signature under the text that was read."""


class PreferenceForm(StepForm):
    """Who speaks, of whom, together or not, and why."""

    kind = forms.ChoiceField(label=_("What"), choices=KINDS)
    side = forms.ChoiceField(label=_("Said for"), choices=SIDES)
    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    advisor = forms.ModelChoiceField(label=_("Advisor"), queryset=Advisor.objects.all(), required=False)
    named = forms.CharField(
        label=_("Name of the advisor"),
        max_length=SHORT,
        required=False,
        help_text=_("As you know it. You are not told whether somebody of this name is in the pool."),
    )
    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))
    reason = long_text(_("Reason"), limit=2000, help_text=_("Read by the office alone."))

    def prepare(self) -> None:
        """An advisor speaks for themselves, a manager for own clusters and by name, the office for either."""
        if self.by is None or self.by is SYSTEM:
            return
        office, clusters = own_programmes(self.by), self.own_clusters()
        advisors = Advisor.objects.filter(pk__in=held(self.by, "advisor", scope="advisor"))
        there = Project.objects.filter(parties__cluster__in=clusters).values("programme")
        programmes = Programme.objects.filter(
            Q(pk__in=office) | Q(pk__in=advisors.values("programme")) | Q(pk__in=there)
        )
        self.narrow_to("programme", programmes.order_by("-starts_on", "pk"))
        if office.exists():
            pool = Advisor.objects.filter(programme__in=office, state__in=OPEN).select_related("person")
            self.narrow_to("advisor", pool.order_by("person__sort_name", "pk"))
            return
        del self.fields["advisor"]
        sides = [side for side, has_it in (("advisor", advisors.exists()), ("manager", clusters.exists())) if has_it]
        self.fields["side"].choices = [one for one in SIDES if one[0] in sides]  # type: ignore[attr-defined]
        self.initial["side"] = sides[0] if sides else ""
        if len(sides) == 1:
            self.fields["side"].widget = forms.HiddenInput()
        if sides == ["advisor"]:
            del self.fields["named"]
        elif sides == ["manager"]:
            self.fields["named"].required = True
            self.narrow_to("cluster", clusters)
            self.initial["cluster"] = clusters.values_list("pk", flat=True).first()
        if len(found := list(programmes[:2])) == 1:
            self.initial["programme"] = found[0].pk

    def own_clusters(self) -> Any:
        """The clusters that the person manages."""
        return Cluster.objects.filter(pk__in=held(self.by, "manager", scope="cluster")).order_by("sort_name")

    def clean(self) -> dict[str, Any]:
        """One advisor or one name, and nobody speaks for somebody else but the office."""
        data = super().clean() or {}
        if not all(data.get(name) for name in ("side", "programme", "cluster")):
            return data
        advisor, by_office = data.get("advisor"), data["programme"] in own_programmes(self.by)
        if not by_office and data["side"] == "advisor":
            advisor = Advisor.objects.filter(
                pk__in=held(self.by, "advisor", scope="advisor"), programme=data["programme"]
            ).first()
            if advisor is None:
                self.add_error("programme", _t("You are no advisor of this programme."))
        elif not by_office and not self.own_clusters().filter(pk=data["cluster"].pk).exists():
            self.add_error("cluster", _t("You speak for the clusters that you manage."))
        elif advisor is None and not data.get("named"):
            self.add_error("named", _t("Name the advisor."))
        if advisor is not None and advisor.programme_id != data["programme"].pk:
            self.add_error("advisor", _t("%s is in the pool of another programme.") % advisor)
        data["advisor"] = advisor
        data["named"] = advisor.person.name if advisor else data.get("named", "").strip()
        return data


__all__ = [
    "AcceptOffer",
    "ApproveAssignment",
    "DraftAgreement",
    "PassOn",
    "PreferenceForm",
    "ProposeAssignment",
    "ReplaceAdvisor",
    "ReviseAgreement",
    "SignAgreement",
    "SignTerms",
    "TakeDays",
    "TermsForm",
]
