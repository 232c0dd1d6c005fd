"""Reports: one frozen cut of a programme, built section by section into files, reviewed and published (F33)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, models, transaction
from django.db.models import F, Max, TextField, Value
from django.db.models.functions import Cast, Concat
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.registry.programme import InProgramme, Programme
from facility.roles import lead, leads_of, office, public_when, readers, staff_of, system
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, Blocked, guard, step
from reporting import sections
from reporting.cut import canonical, check, is_sealed
from reporting.render.labels import Labels

FORMATS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
BREACHES_SHOWN = 5


@contextmanager
def snapshot() -> Iterator[None]:
    """One view of all data: what others commit meanwhile is not seen. Inside an open transaction its own view holds."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


class Report(InProgramme):
    """A version of a programme's report. Its cut is frozen once; every file is made from that cut alone."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        FROZEN = "frozen", _("Data frozen, being built")
        FAILED = "failed", _("Could not be built")
        BUILT = "built", _("Built")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        PUBLISHED = "published", _("Published")

    records = "reports"
    lede = _("Versions of the report on a programme. Each keeps its data and its files.")
    columns = ("programme", "number", "frozen_at", "published_at")
    facts = ("programme", "number", "frozen_at", "published_at", "checksum")
    search_in = ("title_text", "programme__name")
    filter_by = ("state", "programme")
    door_related = ("programme",)
    tones = {
        "requested": "wait",
        "frozen": "active",
        "failed": "bad",
        "built": "wait",
        "in_review": "wait",
        "approved": "good",
        "published": "done",
    }
    awaits = {"failed": ("retry",), "built": ("submit",), "in_review": ("approve",), "approved": ("publish",)}
    shape = {
        "title": "title_text",
        "programme": {"id": "programme_id", "slug": "programme__slug", "name": "programme__name"},
        "number": "number",
        "language": "language",
        "frozen_at": "frozen_at",
        "published_at": "published_at",
        "cut_sha256": "checksum",
        "files": Many(
            "reporting.ReportFile",
            "report",
            {
                "format": "format",
                "size": "size",
                "sha256": "sha256",
                "address": Concat(
                    Value("/reports/"),
                    Cast("report_id", TextField()),
                    Value("/"),
                    F("format"),
                    Value("/"),
                    output_field=TextField(),
                ),
            },
            ("format",),
        ),
        "staff:formats": "formats",
        "staff:sections": "sections",
        "staff:sections_done": Many(
            "reporting.ReportPart", "report", {"section": "section", "sha256": "sha256"}, ("section",)
        ),
        "staff:why_failed": "why_failed",
    }
    faces = Faces(readers, public=public_when(state="published"))

    state = state_field(State)
    number = models.PositiveSmallIntegerField(_("version"))
    title_text = models.CharField(_("title"), max_length=200)
    language = models.CharField(_("language"), max_length=2)
    formats = models.JSONField(_("formats"), default=list)
    sections = models.JSONField(_("sections"), default=list)
    frozen_at = models.DateTimeField(_("data of"), null=True)
    published_at = models.DateTimeField(_("published"), null=True)
    checksum = models.CharField(_("checksum of the data"), max_length=64, blank=True, default="")
    why_failed = models.CharField(_("why it failed"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.UniqueConstraint(fields=["programme", "number"], name="report_version_once_per_programme")
        ]

    def __str__(self) -> str:
        return _t("%(title)s, version %(number)d") % {"title": self.title_text, "number": self.number or 0}

    # -- guards

    @guard(_("A file is missing or differs from its checksum; request a new version."))
    def has_intact_files(self) -> bool:
        """Every format asked for is stored as it was built."""
        stored = list(self.files.all())
        return {one.format for one in stored} == set(self.formats) and all(one.is_intact() for one in stored)

    # -- steps

    @step(label=_("Request a report"), source=NEW, target=State.REQUESTED, who=office, form="RequestReport")
    def request(self, *, by: Any, programme: Programme, **data: Any) -> None:
        """Freezes the data of the programme and builds a new version from them. Earlier versions stay as they are."""
        self.programme = Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
        newest = Report.objects.filter(programme=programme).aggregate(newest=Max("number"))["newest"]
        self.number = (newest or 0) + 1
        for name, value in data.items():
            setattr(self, name, value)
        self.queue("reporting.freeze")

    @step(label=_("Freeze the data"), source=State.REQUESTED, target=State.FROZEN, who=system, quiet=True)
    def freeze(self, *, by: Any) -> None:
        """Cuts the data as they are now and keeps the cut with its checksum."""
        self.frozen_at = clock.now().replace(microsecond=0)
        cut = sections.cut_of(
            self.programme,
            as_of=self.frozen_at,
            number=self.number,
            title=self.title_text,
            chosen=self.sections,
        )
        if breaches := check(cut):
            raise Blocked(breaches[:BREACHES_SHOWN])
        self.checksum = cut["meta"]["cut_sha256"]
        ReportCut(report=self, content=canonical(cut)).save(force_insert=True)
        self.queue_missing()

    @step(
        label=_("Keep a finished section"),
        source=[State.FROZEN, State.FAILED],
        target=None,
        who=system,
        form="FinishedSection",
        quiet=True,
    )
    def keep_section(self, *, by: Any, section: str, content: dict[str, Any]) -> None:
        """Keeps one section; the last one calls for the binding. The lock on the report makes exactly one the last."""
        if self.parts.filter(section=section).exists():
            return
        data = canonical(content)
        sha256 = hashlib.sha256(data).hexdigest()
        ReportPart(report=self, section=section, content=data, sha256=sha256).save(force_insert=True)
        self.trail_also("section", None, section)
        if self.state == self.State.FROZEN and not self.missing():
            self.queue("reporting.assemble")

    @step(
        label=_("Keep the files"), source=State.FROZEN, target=State.BUILT, who=system, form="FinishedFiles", quiet=True
    )
    def build(self, *, by: Any, finished: list[dict[str, Any]]) -> None:
        """Keeps name, size and checksum of the finished files."""
        for row in finished:
            ReportFile(report=self, **row).save(force_insert=True)
        self.trail_also("files", None, [[row["format"], row["sha256"]] for row in finished])
        self.tell(staff_of(self.programme_id), gettext_noop("“%(title)s” is built; look at it next."), title=str(self))

    @step(
        label=_("Give up"),
        source=[State.REQUESTED, State.FROZEN],
        target=State.FAILED,
        who=system,
        form="facility.workflow.input.ReasonForm",
        quiet=True,
    )
    def fail(self, *, by: Any, reason: str) -> None:
        """The report could not be built; what is finished is kept."""
        self.why_failed = reason[:500]
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("“%(title)s” could not be built: %(why)s"),
            title=str(self),
            why=self.why_failed,
        )

    @step(label=_("Try again"), source=State.FAILED, target=RETURN_VALUE(State.REQUESTED, State.FROZEN), who=office)
    def retry(self, *, by: Any) -> str:
        """Takes up where it stopped: data that are frozen stay frozen, and only what is missing is made."""
        self.why_failed = ""
        if not self.frozen_at:
            self.queue("reporting.freeze")
            return self.State.REQUESTED
        self.queue_missing()
        return self.State.FROZEN

    @step(label=_("Submit for review"), source=State.BUILT, target=State.IN_REVIEW, who=office)
    def submit(self, *, by: Any) -> None:
        """Hands the report to the lead coordinator."""
        self.tell(leads_of(self.programme_id), gettext_noop("“%(title)s” waits for your review."), title=str(self))

    @step(
        label=_("Return"),
        source=State.IN_REVIEW,
        target=State.BUILT,
        who=lead,
        form="facility.workflow.input.ReasonForm",
    )
    def return_report(self, *, by: Any, reason: str) -> None:
        """Gives the report back with a reason. Its data stay frozen: request a new version once they are corrected."""
        self.tell(staff_of(self.programme_id), gettext_noop("“%(title)s” was returned."), title=str(self))

    @step(label=_("Approve"), source=State.IN_REVIEW, target=State.APPROVED, who=lead, guards=[has_intact_files])
    def approve(self, *, by: Any) -> None:
        """You have read the report and stand for it."""

    @step(label=_("Publish"), source=State.APPROVED, target=State.PUBLISHED, who=lead, guards=[has_intact_files])
    def publish(self, *, by: Any) -> None:
        """Everybody can download this version from now on."""
        self.published_at = clock.now()

    # -- what others ask

    def missing(self) -> list[str]:
        """The sections that are not finished, in their order."""
        done = set(self.parts.values_list("section", flat=True))
        return [section for section in self.sections if section not in done]

    def queue_missing(self) -> None:
        """Inside a step: a job for each unfinished section, or for the binding when none is left."""
        missing = self.missing()
        for section in missing:
            self.queue("reporting.section", section=section)
        if not missing:
            self.queue("reporting.assemble")

    def frozen(self) -> dict[str, Any]:
        """The frozen cut."""
        return json.loads(bytes(self.cut.content))

    def finished_sections(self) -> list[dict[str, Any]]:
        """The finished sections, as `assemble` takes them."""
        return [json.loads(bytes(content)) for content in self.parts.values_list("content", flat=True)]

    def progress(self, language: str) -> list[dict[str, Any]]:
        """Each section with its name in a language and whether it is finished."""
        labels, missing = Labels(language), set(self.missing())
        return [{"id": one, "label": labels(f"sec.{one}"), "is_done": one not in missing} for one in self.sections]

    def is_under_way(self) -> bool:
        """Whether the system works on it now."""
        return self.state in {self.State.REQUESTED, self.State.FROZEN}

    def checks(self) -> list[dict[str, Any]]:
        """What can be checked of the frozen version: [{"label", "is_met"}]; reads the cut and the files."""
        cut = self.frozen()
        return [
            {
                "label": _("The data are those that were frozen."),
                "is_met": is_sealed(cut) and cut["meta"]["cut_sha256"] == self.checksum,
            },
            {"label": _("Every figure names its records, and the sums agree."), "is_met": check(cut) == []},
            {"label": _("All %d projects have a page.") % len(cut["projects"]), "is_met": "projects" in self.sections},
            {"label": _("Every section is finished."), "is_met": not self.missing()},
            {"label": _("Every file is stored as it was built."), "is_met": self.has_intact_files()},
        ]

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The files with size and checksum; the address of each asks who may."""
        rows = [
            [{"value": one.format.upper(), "url": one.get_absolute_url()}, filesizeformat(one.size), one.sha256]
            for one in self.files.order_by("format")
        ]
        columns = [_("File"), _("Size"), "SHA-256"]
        return [{"title": _("Files"), "columns": columns, "rows": rows, "empty": _("No file is built yet.")}]

    def awaited_people(self) -> list[Any]:
        """The lead for review and publication, else the office."""
        of_lead = self.state in {self.State.IN_REVIEW, self.State.APPROVED}
        return list(leads_of(self.programme_id) if of_lead else staff_of(self.programme_id))


class ReportCut(Part):
    """The frozen cut of a report: its canonical bytes, from which every file is made."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="cut")
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"Cut of {self.report}"


class ReportPart(Part):
    """One finished section of a report, as canonical JSON."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="parts")
    section = models.CharField(max_length=30)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "section"], name="section_once_per_report")]

    def __str__(self) -> str:
        return f"{self.section} of {self.report}"


class ReportFile(Part):
    """One finished file of a report."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="files")
    format = models.CharField(max_length=10, choices=[(name, name.upper()) for name in FORMATS])
    stored = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "format"], name="format_once_per_report")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the file is called where it is saved."""
        return f"{self.report.programme.slug}-report-{self.report.number}.{self.format}"

    def get_absolute_url(self) -> str:
        """Where it is fetched; the address asks who may."""
        return reverse("report-file", kwargs={"pk": self.report_id, "kind": self.format})

    def is_intact(self) -> bool:
        """Whether the stored bytes are those that were built."""
        storage = storages["documents"]
        if not storage.exists(self.stored):
            return False
        with storage.open(self.stored) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def keep_file(kind: str, data: bytes) -> dict[str, Any]:
    """Stores a finished file under its own hash, so that a second run finds it there, and answers its row."""
    sha256 = hashlib.sha256(data).hexdigest()
    storage, stored = storages["documents"], f"report-{sha256}.{kind}"
    if storage.exists(stored) and storage.size(stored) != len(data):
        storage.delete(stored)
    if not storage.exists(stored):
        stored = storage.save(stored, ContentFile(data))
    return {"format": kind, "stored": stored, "size": len(data), "sha256": sha256}
