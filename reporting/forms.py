"""The input of the steps of this app."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.project import Project
from facility.forms import SHORT, Edits, long_text
from facility.registry.cluster import Cluster
from facility.registry.programme import Programme
from facility.registry.vocabulary_data import vocabulary
from facility.roles import held
from facility.workflow import clock
from facility.workflow.input import ReasonForm, Rows, StepForm
from facility.workflow.steps import SYSTEM
from reporting.cut import SECTIONS
from reporting.render.compiler import LANGUAGES
from reporting.render.labels import Labels
from reporting.report import FORMATS
from reporting.story import RESULTS
from reporting.trajectory import RELEASED, TrajectoryEntry

OWN_LANGUAGES = {"en": "English", "nl": "Nederlands", "de": "Deutsch", "fr": "Français"}


def coordinated(by: Any, path: str = "pk") -> Q:
    """Rows of the programmes that the person coordinates; all for the API's description and the system."""
    return Q() if by is None or by is SYSTEM else Q(**{f"{path}__in": held(by, "lead", "coordinator")})


class RequestReport(StepForm):
    """What a new version of the report holds."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT, initial="Final report")
    language = forms.ChoiceField(
        label=_("Language of the headings"), choices=[(code, OWN_LANGUAGES[code]) for code in LANGUAGES], initial="en"
    )
    formats = forms.MultipleChoiceField(
        label=_("Formats"),
        choices=[(name, name.upper()) for name in FORMATS],
        initial=list(FORMATS),
        widget=forms.CheckboxSelectMultiple,
    )
    sections = forms.MultipleChoiceField(
        label=_("Sections, in this order"),
        choices=[(one, Labels("en")(f"sec.{one}")) for one in SECTIONS],
        initial=list(SECTIONS),
        widget=forms.CheckboxSelectMultiple,
    )

    def prepare(self) -> None:
        """Only the programmes that the person coordinates."""
        self.narrow_to("programme", Programme.objects.filter(coordinated(self.by)).order_by("name", "pk"))

    def clean_formats(self) -> list[str]:
        """Each format once, in the usual order."""
        return [name for name in FORMATS if name in self.cleaned_data["formats"]]

    def clean_sections(self) -> list[str]:
        """Each section once, in the order given."""
        return list(dict.fromkeys(self.cleaned_data["sections"]))


class FinishedSection(StepForm):
    """One section as the renderer made it."""

    section = forms.ChoiceField(choices=[(one, one) for one in SECTIONS])
    content = forms.JSONField()


class FileRow(forms.Form):
    """A finished file."""

    format = forms.ChoiceField(choices=[(name, name) for name in FORMATS])
    stored = forms.CharField(max_length=100)
    size = forms.IntegerField(min_value=1)
    sha256 = forms.RegexField(r"^[0-9a-f]{64}\Z")


class FinishedFiles(StepForm):
    """The finished files."""

    finished = Rows(FileRow, minimum=1, maximum=len(FORMATS))


class NamedCluster(forms.Form):
    """A cluster that a story names."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name", "pk"))


class NamedPartner(forms.Form):
    """A partner that is no cluster."""

    name = forms.CharField(label=_("Name"), max_length=SHORT)
    kind = forms.ChoiceField(label=_("Kind"), choices=vocabulary("organisation_kinds").choices())


class Quote(forms.Form):
    """What somebody said."""

    text = forms.CharField(label=_("In their words"), max_length=500)
    lang = forms.RegexField(r"^[a-z]{2,3}\Z", label=_("Language (two letters)"))
    speaker = forms.CharField(label=_("Who, by role"), max_length=120)
    has_consent = forms.BooleanField(label=_("Consents to be quoted"), required=False)


class EditStory(Edits):
    """A story in words, whom it names and whom it quotes."""

    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    sector = forms.CharField(label=_("Sector"), max_length=120)
    result = forms.ChoiceField(label=_("Result"), choices=RESULTS)
    text = long_text(_("Story"), limit=8000, rows=12)
    clusters = Rows(NamedCluster, minimum=1, maximum=10, label=_("Clusters"))
    partners = Rows(NamedPartner, maximum=20, label=_("Other partners"))
    quotes = Rows(Quote, maximum=10, label=_("Quotes"))

    def narrow(self) -> None:
        """The rows as they stand."""
        if not self.record._state.adding:
            self.initial["clusters"] = [
                {"cluster": key} for key in self.record.clusters.values_list("cluster_id", flat=True)
            ]
            self.initial["partners"] = list(self.record.partners.order_by("name", "pk").values("name", "kind"))
            self.initial["quotes"] = list(
                self.record.quotes.order_by("order").values("text", "lang", "speaker", "has_consent")
            )


class StoryForm(EditStory):
    """A new story, and the project it comes from."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())
    field_order = ("project",)

    def narrow(self) -> None:
        """Projects of one's own programme, or that one manages."""
        if self.by is not None and self.by is not SYSTEM:
            own = coordinated(self.by, "programme") | Q(pk__in=held(self.by, "manager", scope="project"))
            self.narrow_to("project", Project.objects.filter(own).order_by("name", "pk"))


class PublishStory(StepForm):
    """Where else the story was published."""

    place = forms.CharField(label=_("Published in"), max_length=SHORT, required=False)
    link = forms.URLField(label=_("Address there"), required=False, assume_scheme="https")


class OpenTrajectory(StepForm):
    """The project whose way is told."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.all())

    def prepare(self) -> None:
        """Projects of one's own programme that have none yet."""
        without = Project.objects.filter(coordinated(self.by, "programme"), trajectory__isnull=True)
        self.narrow_to("project", without.order_by("name", "pk"))


class TrajectoryEntryForm(StepForm):
    """Something that happened."""

    happened_on = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    title = forms.CharField(label=_("What happened"), max_length=SHORT)
    text = long_text(_("In words for outside"))

    def clean_happened_on(self) -> Any:
        """Only what has happened."""
        day = self.cleaned_data["happened_on"]
        if day > clock.today(self.record.programme.tz()):
            raise ValidationError(_t("This day lies ahead; tell what has happened."))
        return day


class ReleaseEntry(StepForm):
    """Which entry is released."""

    entry = forms.ModelChoiceField(label=_("Entry"), queryset=TrajectoryEntry.objects.none())

    def prepare(self) -> None:
        """Those of this trajectory that are not released."""
        if not self.record._state.adding:
            self.narrow_to("entry", self.record.entries.filter(released_at__isnull=True).order_by("happened_on", "pk"))


class HoldEntry(ReasonForm):
    """Which entry is taken back, and why."""

    entry = forms.ModelChoiceField(label=_("Entry"), queryset=TrajectoryEntry.objects.none())

    def prepare(self) -> None:
        """Those of this trajectory that are released."""
        if not self.record._state.adding:
            self.narrow_to("entry", self.record.entries.filter(RELEASED).order_by("happened_on", "pk"))
