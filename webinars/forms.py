"""The input of the steps of this app."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.call import Call
from facility.forms import IN_OFFICE_TIME, SHORT, Edits, accepted, long_text, zone_field
from facility.isolation import IsolationError, run_isolated
from facility.registry.documents import Document
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow.input import Rows, StepForm
from facility.workflow.steps import SYSTEM
from webinars.contents import AUDIENCES, AUDIENCES_OF, ELEMENTS, KINDS
from webinars.participants import of_programmes, people_known_to
from webinars.topic import ANSWERS, Topic
from webinars.webinar import Webinar

REPORTS = ("csv", "txt")


class AgendaRow(forms.Form):
    """One point of the agenda."""

    element = forms.ChoiceField(label=_("Element"), choices=[("", "–"), *ELEMENTS])
    title = forms.CharField(label=_("Title"), max_length=SHORT)
    speaker = forms.CharField(label=_("Speaker"), max_length=SHORT, required=False)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=600, required=False)


class WebinarForm(Edits):
    """The plan of a webinar; the month is enough until it is announced."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, required=False, initial="synergy")
    call = forms.ModelChoiceField(
        label=_("Call"),
        queryset=Call.objects.all(),
        required=False,
        help_text=_("Of an information webinar, and of an orientation session for the selected clusters."),
    )
    audience = forms.ChoiceField(
        label=_("Who is invited"),
        choices=[("", "–"), *AUDIENCES],
        required=False,
        help_text=_("Empty: whom this kind is for. You see the list of names before anybody is invited."),
    )
    chosen = forms.ModelMultipleChoiceField(
        label=_("Also these people"),
        queryset=Person.objects.none(),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    order = forms.IntegerField(label=_("Number"), min_value=1, max_value=500)
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    summary = long_text(_("What it is about"), required=False)
    month = forms.DateField(
        label=_("Month"),
        required=False,
        input_formats=["%Y-%m", "%Y-%m-%d"],
        help_text=_("While the day is open, as 2021-09."),
    )
    starts_at = forms.DateTimeField(label=_("Starts"), required=False, help_text=IN_OFFICE_TIME)
    ends_at = forms.DateTimeField(label=_("Ends"), required=False, help_text=IN_OFFICE_TIME)
    zone = zone_field()
    link = forms.URLField(label=_("Link to join"), required=False, assume_scheme="https")
    capacity = forms.IntegerField(
        label=_("Places"), min_value=1, max_value=10_000, required=False, help_text=_("Leave it empty for no limit.")
    )
    agenda = Rows(AgendaRow, maximum=30, label=_("Agenda"))

    def narrow(self) -> None:
        """Own programmes; the agenda as it stands."""
        if self.by is not None:
            mine = held(self.by, "lead", "coordinator")
            self.narrow_to("programme", Programme.objects.filter(pk__in=mine))
            self.narrow_to("call", Call.objects.filter(programme_id__in=mine).exclude(state="cancelled"))
            self.narrow_to("chosen", people_known_to(self.by))
        if not self.record._state.adding:
            columns = ("element", "title", "speaker", "minutes")
            self.initial["agenda"] = list(self.record.agenda.order_by("order").values(*columns))
            self.initial["chosen"] = list(self.record.guests.values_list("person_id", flat=True))
            self.initial["month"] = self.record.month.strftime("%Y-%m")

    def clean(self) -> dict[str, Any]:
        """A month or a day, a start and an end, and a number that is free."""
        data = super().clean() or {}
        starts, ends = data.get("starts_at"), data.get("ends_at")
        if not starts and not data.get("month") and "starts_at" not in self.errors and "month" not in self.errors:
            self.add_error("month", _t("Give the month, or the day with its start and end."))
        if bool(starts) != bool(ends) and not {"starts_at", "ends_at"} & set(self.errors):
            self.add_error("ends_at" if starts else "starts_at", _t("Give both start and end, or neither."))
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _t("The end lies before the start."))
        if not starts and self.record.state == Webinar.State.ANNOUNCED:
            self.add_error("starts_at", _t("An announced webinar keeps a date."))
        kind = self.clean_kind_and_audience(data)
        twins = Webinar.objects.filter(
            programme=data.get("programme"), kind=kind, order=data.get("order") or 0
        ).exclude(state="cancelled")
        if twins.exclude(pk=self.record.pk).exists():
            self.add_error("order", _t("Another webinar of this programme has this number."))
        return data

    def clean_kind_and_audience(self, data: dict[str, Any]) -> str:
        """A kind with an audience that fits it, and with the call that both need; what is left out stays as it was."""
        kind = data["kind"] = data.get("kind") or self.record.kind
        if self.record.state == Webinar.State.ANNOUNCED and kind != self.record.kind:
            self.add_error("kind", _t("What is announced keeps its kind."))
        stays = self.record.audience if self.record.kind == kind else ""
        fitting = AUDIENCES_OF[kind]
        audience = data["audience"] = data.get("audience") or (stays if stays in fitting else fitting[0])
        if audience not in fitting:
            words = ", ".join(str(dict(AUDIENCES)[one]) for one in fitting)
            self.add_error("audience", _t("For this kind choose one of: %s.") % words)
        call = data.get("call")
        if call is None and "call" not in self.errors and (kind == "information" or audience == "selected"):
            self.add_error("call", _t("Choose the call that it is about."))
        if call is not None and data.get("programme") and call.programme_id != data["programme"].pk:
            self.add_error("call", _t("This call belongs to another programme."))
        return kind


class AnnounceWebinar(StepForm):
    """Why an element is missing, if one is."""

    reason = long_text(
        _("Why the agenda lacks an element"),
        required=False,
        limit=2000,
        help_text=_(
            "Needed only where it has no expert presentation, sharing of experience or session among participants."
        ),
    )

    def prepare(self) -> None:
        """Only a synergy webinar has elements that it may lack."""
        if self.record.kind != "synergy":
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        """Three elements, or a reason."""
        data = super().clean() or {}
        missing = self.record.missing_elements()
        if missing and not data.get("reason"):
            self.add_error("reason", _t("The agenda lacks: %s. Add it, or say why.") % ", ".join(missing))
        return data


class ImportAttendance(StepForm):
    """An attendance report: a file, or one that was handed in before. Reading it writes nothing."""

    file = forms.FileField(
        label=_("Attendance report"),
        max_length=200,
        required=False,
        help_text=_("As Teams, Zoom or Webex give it, or a CSV with the columns name, email, minutes."),
    )
    document = forms.ModelChoiceField(queryset=Document.objects.none(), required=False, widget=forms.HiddenInput)
    has_guests = forms.BooleanField(
        label=_("Count people without a registration as guests"), required=False, initial=True
    )

    def prepare(self) -> None:
        """Reports that the person handed in themselves."""
        if self.by is not None and self.by is not SYSTEM:
            mine = Document.objects.filter(owner=self.by, kind__in=REPORTS).exclude(state="rejected")
            self.narrow_to("document", mine)

    def clean_file(self) -> Any:
        """Size and kind as for every file."""
        return accepted(self.cleaned_data["file"])

    def clean(self) -> dict[str, Any]:
        """One report that names somebody; read in a process of its own."""
        data = super().clean() or {}
        file, document = data.pop("file", None), data.pop("document", None)
        if self.errors:
            return data
        if bool(file) == bool(document):
            self.add_error("file", _t("Give one attendance report."))
            return data
        data["report"] = document or file
        data["reading"] = self.read(document, file)
        return data

    def read(self, document: Document | None, file: Any) -> dict[str, Any]:
        """What the report says; the clock of the exporter is taken to be that of the webinar's zone."""
        content, name = (document.read(), document.name) if document else (file.read(), file.name)
        if file:
            file.seek(0)
        try:
            reading = run_isolated("webinars.reconcile.read_report", content, name, self.record.zone)
        except IsolationError as error:
            reading = {"error": error.sentence}
        if "error" in reading:
            self.add_error("file", [reading["error"], *self.hint(reading)])
        elif reading["kind"] == "poll":
            self.add_error(
                "file", _t("A poll report does not say who was there. Give the attendance report of the same meeting.")
            )
        elif not reading["people"]:
            self.add_error("file", _t("The report names nobody."))
        return reading

    def hint(self, reading: dict[str, Any]) -> list[str]:
        """What can be read, where the report is nothing of it."""
        kinds = reading.get("accepted")
        return [_t("Accepted are: %s.") % "; ".join(kinds)] if kinds else []


class AddMaterial(StepForm):
    """A file or a link."""

    title = forms.CharField(label=_("Title"), max_length=SHORT)
    link = forms.URLField(label=_("Link"), required=False, assume_scheme="https")
    file = forms.FileField(label=_("or a file"), max_length=200, required=False)

    def clean_file(self) -> Any:
        """Size and kind as for every file."""
        return accepted(self.cleaned_data["file"])

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        data = super().clean() or {}
        if not self.errors and bool(data.get("link")) == bool(data.get("file")):
            self.add_error("link", _t("Give a link or a file, and not both."))
        return data


class DocumentWebinar(Edits):
    """What came of it."""

    summary = long_text(_("Summary"))


class Attended(StepForm):
    """How long."""

    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=32_000)


class TopicForm(StepForm):
    """A subject for a webinar."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    text = long_text(_("What it is about"), required=False, limit=2000)

    def prepare(self) -> None:
        """Programmes that the person takes part in or works for."""
        if self.by is not None and self.by is not SYSTEM:
            mine = Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator"))
            taking_part = Programme.objects.filter(of_programmes(self.by, "pk"))
            self.narrow_to("programme", mine | taking_part)


class MergeTopic(StepForm):
    """Into which topic."""

    into = forms.ModelChoiceField(label=_("Topic that stays"), queryset=Topic.objects.all())

    def prepare(self) -> None:
        """Open topics of the same programme."""
        others = Topic.objects.filter(programme=self.record.programme_id, state="proposed").exclude(pk=self.record.pk)
        self.narrow_to("into", others)


class TakeOver(StepForm):
    """The topic that is merged into this one."""

    topic = forms.ModelChoiceField(label=_("Topic"), queryset=Topic.objects.all())


class ScheduleTopic(StepForm):
    """Into which webinar."""

    webinar = forms.ModelChoiceField(label=_("Webinar"), queryset=Webinar.objects.all())

    def prepare(self) -> None:
        """Webinars of the programme that are still to come."""
        ahead = Webinar.objects.filter(
            programme=self.record.programme_id, kind="synergy", state__in=["draft", "announced", "closed"]
        )
        self.narrow_to("webinar", ahead.order_by("sort_on", "pk"))


class AnswerTopic(StepForm):
    """What became of a topic without a webinar, and why."""

    answer_kind = forms.ChoiceField(label=_("Answer"), choices=ANSWERS)
    answer_text = long_text(_("Reason"), limit=2000)


class Come(forms.Form):
    """Who wants to come to an information webinar."""

    name = forms.CharField(label=_("Name"), max_length=SHORT, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
