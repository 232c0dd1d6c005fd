"""The input of steps on programmes, people, clusters, organisations, conflicts and documents."""

from __future__ import annotations

import uuid
import zoneinfo
from typing import Any

from django import forms
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import AREAS
from facility.registry.cluster import Cluster, looked_after_in
from facility.registry.documents import Document, kind_of
from facility.registry.grants import RESERVED, Grant, Role, Scope
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import administrator, any_of, held, in_force, lead
from facility.workflow.input import ReasonForm, StepForm, choices_of
from facility.workflow.steps import SYSTEM

SHORT = 200
IN_OFFICE_TIME = format_lazy(_("As 2021-02-04 09:00, in the time of {zone}."), zone=settings.TIME_ZONE)


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
    de_minimis = forms.BooleanField(
        label=_("Keep a register of de minimis aid"),
        required=False,
        help_text=_("Only where a Member State pays the support, not where the Commission pays it."),
    )
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


# Scopes whose records belong to one programme.
BELONGS = {
    Scope.ADVISOR: "advisory.Advisor",
    Scope.APPLICATION: "facility.Application",
    Scope.CALL: "facility.Call",
    Scope.PROJECT: "advisory.Project",
}


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
        """Only the programmes that the giver works for; a manager only adds managers to their own clusters."""
        if self.by is SYSTEM or self.by is None or self.is_consequence:
            return
        mine = Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator", "administrator"))
        self.narrow_to("programme", mine)
        if not mine.exists():
            own = Cluster.objects.filter(pk__in=held(self.by, "manager", scope="cluster")).order_by("sort_name")
            fields: Any = self.fields
            fields["role"].choices = [(Role.MANAGER.value, Role.MANAGER.label)]
            fields["scope_type"].choices = [(Scope.CLUSTER.value, Scope.CLUSTER.label)]
            fields["scope_type"].initial = Scope.CLUSTER
            fields["scope_key"] = forms.TypedChoiceField(
                label=_("Cluster"), choices=[(str(one.pk), one.name) for one in own], coerce=uuid.UUID
            )
            fields["programme"].widget = forms.HiddenInput()
            fields["email"].required = fields["name"].required = True
            self.narrow_to("person", Person.objects.none())

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
        email, name = data["email"], data["name"]
        if not data.get("person") and not (email and name):
            self.add_error("email", _t("Give the e-mail and the name of the person."))
        if not self.errors and self.by is not SYSTEM and not self.is_consequence:
            self.check_reach(data)
        return data

    def check_reach(self, data: dict[str, Any]) -> None:
        """Whoever gives a role gives it to others, and for what belongs to the programme that they work for."""
        named = data["person"] or Person.objects.filter(email=data["email"].strip().lower()).first()
        same = Grant.objects.filter(
            person=named, role=data["role"], scope_type=data["scope_type"], scope_key=data["scope_key"]
        )
        if named and same.filter(until_at__isnull=True).exists():
            self.add_error("role", _t("%s has this role.") % named)
        if named == self.by:
            self.add_error("person", _t("You cannot give yourself a role."))
        model = BELONGS.get(data["scope_type"])
        rows = (
            apps.get_model(model).objects.filter(pk=data["scope_key"], programme=data["programme"]) if model else None
        )
        if rows is not None and not (data["programme"] and rows.exists()):
            self.add_error("scope_key", _t("There is no such record in this programme."))
        if data["scope_type"] == Scope.CLUSTER:
            self.check_cluster(data)
        elif not data["programme"]:
            self.add_error("programme", _t("Say for which programme."))

    def check_cluster(self, data: dict[str, Any]) -> None:
        """A cluster's managers add others; the office does so where the cluster takes part, or has nobody yet."""
        managers = in_force().filter(role=Role.MANAGER, scope_type=Scope.CLUSTER, scope_key=data["scope_key"])
        own = managers.filter(person=self.by).first()
        if own is not None:
            # The colleague's role belongs to the same programme as one's own, so that the same office looks after it.
            data["programme"] = data["programme"] or own.programme
        elif not data["programme"]:
            self.add_error("programme", _t("Say for which programme."))
        elif not Cluster.objects.filter(pk=data["scope_key"]).exists():
            self.add_error("scope_key", _t("There is no such cluster."))
        elif not Cluster.objects.filter(looked_after_in(data["programme"]), pk=data["scope_key"]).exists():
            said = _t("This cluster takes part in another programme or has a manager already, who invites others.")
            self.add_error("scope_key", said)

    def _may_give_reserved(self, data: dict[str, Any]) -> bool:
        if self.by is SYSTEM or self.is_consequence:
            return True
        programme = data.get("programme")
        own = in_force().filter(
            person=self.by, role__in=["lead", "administrator"], scope_key=getattr(programme, "pk", None)
        )
        return own.exists()


class RevokeGrant(ReasonForm):
    """Why a role ends."""

    def clean(self) -> dict[str, Any]:
        """Managers among each other leave somebody who manages the cluster; the lead may take every role away."""
        data = super().clean() or {}
        if self.by is not SYSTEM and not self.is_consequence and self.record.is_last_holder():
            above = any_of(lead, administrator).q(self.by)
            if not Grant.objects.filter(above, pk=self.record.pk).exists():
                raise ValidationError(_t("Nobody else manages this cluster. Invite somebody first."))
        return data


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

    def prepare(self) -> None:
        """A CV is marked as one by the step that takes it, never by hand."""
        if self.is_consequence:
            self.fields["audience"].choices = choices_of(Document, "audience")  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Size and kind."""
        file = self.cleaned_data["file"]
        if file.size > settings.DOCUMENT_MAX_BYTES:
            limit = settings.DOCUMENT_MAX_BYTES // 1_000_000
            raise ValidationError(_t("%(name)s is larger than %(limit)d MB.") % {"name": file.name, "limit": limit})
        kind_of(file)
        return file

    def clean(self) -> dict[str, Any]:
        """A file for a project or a programme comes from somebody who works there."""
        data = super().clean() or {}
        if self.by is SYSTEM or self.is_consequence:
            return data
        mine, programme = in_force().filter(person=self.by), data.get("programme")
        if data.get("audience") == "project":
            wanted: Any = data.get("scope_key")
            project = apps.get_model("advisory.Project").objects.filter(pk=wanted).first()
            key, data["programme"] = (project.pk, project.programme) if project else (None, None)
            office = Q(
                role__in=["lead", "coordinator"], scope_type="programme", scope_key=project and project.programme_id
            )
            if not mine.filter(office | Q(scope_type="project", scope_key=key)).exists():
                self.add_error("audience", _t("You can hand in files for your own projects only."))
        elif data.get("audience") == "programme":
            there = Q(programme=programme) | Q(scope_type="programme", scope_key=programme and programme.pk)
            if programme is None or not mine.filter(there).exists():
                self.add_error("audience", _t("You can hand in files for your own programmes only."))
        return data


def accepted(file: Any) -> Any:
    """The file, if any, after the same look at size and kind that every file gets; ValidationError else."""
    if file:
        form = ReceiveDocument({"audience": "owner"}, {"file": file}, record=Document(), by=SYSTEM)
        if "file" in form.errors:
            raise ValidationError(list(form.errors["file"]))
    return file
