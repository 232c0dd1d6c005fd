"""The input of the steps on advisors and their CVs."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from advisory.advisor import KINDS, OPEN, Advisor
from advisory.advisorcall import CHANGED, AdvisorCall
from advisory.curriculum import CurriculumVitae
from advisory.cv.reading import MAX_FIELDS, Field, missing
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


class AvailabilityFields(forms.Form):
    """How much somebody can do, and from when."""

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


class AdvisorForm(AvailabilityFields, FromCv, Edits):
    """An advisor's particulars."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    field_order: tuple[str, ...] = ("kind",)


class CreateAdvisor(AdvisorForm):
    """A candidate who is entered by hand, or follows from a CV."""

    programme = programme_field()
    name = forms.CharField(label=_("Name"), max_length=SHORT)
    email = forms.EmailField(label=_("E-mail"), required=False)
    field_order = ("programme", "name", "email", "kind")

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
    consent_version = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput())

    def prepare(self) -> None:
        """What was declared before, beside the text that is agreed to."""
        self.initial.update(consent=self.record.consent, interests=self.record.interests)
        programme = None if self.by is None else self.record.programme_id
        self.call = AdvisorCall.objects.filter(programme=programme).first() if programme else None
        if self.call is not None:
            self.fields["consent"].help_text = self.call.consent_text
            self.initial["consent_version"] = self.call.consent_version

    def clean(self) -> dict[str, Any]:
        """Consent is to the text as it stands; whoever read another one gets the new one to read."""
        data = super().clean() or {}
        read = data.get("consent_version")
        if self.call is not None and read is not None and not self.call.is_as_read(read):
            self.add_error("consent", CHANGED)
            self.data = {**self.data, "consent_version": str(self.call.consent_version)}
        return data


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


__all__ = [
    "AdvisorForm",
    "ConfirmCv",
    "CreateAdvisor",
    "DeclareInterests",
    "FromCv",
    "IndexCv",
    "ReadCv",
    "ReceiveCv",
]
