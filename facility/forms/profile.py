"""The input of steps on profiles of evaluators and on conflicts of interest."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.conflicts import Conflict
from facility.registry.evaluator import LANGUAGES, TIES, EvaluatorProfile
from facility.registry.organisation import Organisation
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import held, in_force
from facility.workflow.input import Rows, StepForm, choices_of
from facility.workflow.steps import SYSTEM

from .registry import SHORT, Edits

LOAD_AT_MOST = 200


class ConflictForm(StepForm):
    """An interest of a person in a cluster, an organisation or somebody else."""

    person = forms.ModelChoiceField(label=_("Person"), queryset=Person.objects.all())
    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"), required=False)
    organisation = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organisation.objects.order_by("sort_name", "pk"), required=False
    )
    other = forms.ModelChoiceField(label=_("Other person"), queryset=Person.objects.all(), required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=choices_of(Conflict, "kind"))
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def prepare(self) -> None:
        """Oneself; for coordinators those with a role in their programmes. The other person manages a cluster."""
        people: Any = Person.objects.order_by("sort_name", "pk")
        managing = in_force().filter(role="manager", scope_type="cluster")
        if self.by is not None and self.by is not SYSTEM and not self.is_consequence:
            mine = held(self.by, "lead", "coordinator")
            there = in_force().filter(Q(programme_id__in=mine) | Q(scope_type="programme", scope_key__in=mine))
            people = people.filter(Q(pk=self.by.pk) | Q(pk__in=there.values("person_id")))
            if not self.by.roles_held() & {"lead", "coordinator"}:
                # Whoever is no office gets no list of people and of firms: they name a cluster.
                self.narrow_to("organisation", Organisation.objects.none())
                managing = managing.none()
        self.narrow_to("person", people)
        self.narrow_to("other", Person.objects.filter(pk__in=managing.values("person_id")).order_by("sort_name", "pk"))

    def clean(self) -> dict[str, Any]:
        """One thing, and each tie once."""
        data = super().clean() or {}
        named = [name for name in ("cluster", "organisation", "other") if data.get(name)]
        if not self.errors and len(named) != 1:
            self.add_error("cluster", _t("Name one: a cluster, an organisation or another person."))
        elif len(named) == 1:
            with_it = {named[0]: data[named[0]]}
            if data.get("person") and Conflict.objects.filter(person=data["person"], **with_it).exists():
                self.add_error(named[0], _t("This conflict of interest is known."))
        return data


class EmployerRow(forms.Form):
    """One house."""

    name = forms.CharField(label=_("House"), max_length=SHORT)
    kind = forms.ChoiceField(label=_("Tie"), choices=[("", "–"), *TIES])


class ProfileForm(Edits):
    """What an evaluator can judge."""

    person = forms.ModelChoiceField(label=_("Evaluator"), queryset=Person.objects.all())
    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    languages = forms.MultipleChoiceField(
        label=_("Languages in which applications can be read"),
        choices=LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    ecosystems = forms.MultipleChoiceField(
        label=_("Industrial ecosystems"), choices=ECOSYSTEMS, widget=forms.CheckboxSelectMultiple, required=False
    )
    areas = forms.MultipleChoiceField(
        label=_("Areas of advice"), choices=AREAS, widget=forms.CheckboxSelectMultiple, required=False
    )
    limit = forms.IntegerField(
        label=_("Applications at most in one call"), min_value=0, max_value=LOAD_AT_MOST, initial=20
    )
    employers = Rows(
        EmployerRow,
        maximum=40,
        label=_("Past employers and other ties"),
        help_text=_("Houses you work or worked for, sit on a board of, or have a share in, as they write their name."),
    )

    def narrow(self) -> None:
        """Evaluators of own programmes, or oneself; who and where stay what they are."""
        if not self.record._state.adding:
            self.narrow_to("person", Person.objects.filter(pk=self.record.person_id))
            self.narrow_to("programme", Programme.objects.filter(pk=self.record.programme_id))
            self.initial["employers"] = list(self.record.employers.order_by("sort_name").values("name", "kind"))
            return
        if self.by is None or self.by is SYSTEM:
            return
        mine, judged = held(self.by, "lead", "coordinator"), held(self.by, "evaluator")
        here = in_force().filter(role="evaluator", scope_type="programme")
        people = Person.objects.filter(Q(pk__in=here.filter(scope_key__in=mine).values("person_id")) | Q(pk=self.by.pk))
        self.narrow_to("person", people.order_by("sort_name", "pk"))
        self.narrow_to("programme", Programme.objects.filter(Q(pk__in=mine) | Q(pk__in=judged)))

    def clean(self) -> dict[str, Any]:
        """One profile for each evaluator of the programme."""
        data = super().clean() or {}
        person, programme = data.get("person"), data.get("programme")
        if person and programme and self.record._state.adding:
            if not in_force().filter(role="evaluator", scope_key=programme.pk, person=person).exists():
                self.add_error("person", _t("%s does not evaluate for this programme.") % person)
            if EvaluatorProfile.objects.filter(person=person, programme=programme).exists():
                self.add_error("person", _t("%s has a profile in this programme already; edit that one.") % person)
        return data
