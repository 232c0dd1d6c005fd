"""Webinars: planned, announced, held, documented and published, with who was there (F22, F23, F26)."""

from __future__ import annotations

import hashlib
import zoneinfo
from typing import Any

from django.core.files.base import File
from django.db import models
from django.db.models import Avg, Q, QuerySet
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.registry.documents import Document
from facility.registry.people import Person
from facility.registry.programme import InProgramme, Programme
from facility.roles import any_of, office, public_when, readers, system
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, perform_many, state_field
from facility.workflow.steps import NEW, SYSTEM, guard, step
from webinars.contents import AGENDA, ELEMENTS, MATERIAL, REGISTRATIONS, AgendaItem, Material, span
from webinars.participants import participant, people_involved
from webinars.reconcile import Known, Reconciled, reconcile

TOLD = ("announced", "closed", "live", "held", "documented", "published", "cancelled")
EXPECTED = ("registered", "attended", "absent")
HELD = ("held", "documented", "published")


class Webinar(InProgramme):
    """A webinar of a programme: a month at first, then a date and an agenda, then what it left behind."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ANNOUNCED = "announced", _("Announced")
        CLOSED = "closed", _("Registration closed")
        LIVE = "live", _("Live")
        HELD = "held", _("Held")
        DOCUMENTED = "documented", _("Documented")
        PUBLISHED = "published", _("Published")
        CANCELLED = "cancelled", _("Cancelled")

    records = "webinars"
    lede = _("Webinars of the programme, in the order of their dates.")
    columns = ("order", "planned", "present_count")
    facts = ("planned", "actual", "zone", "summary")
    staff_facts = ("programme", "order", "capacity", "agenda_note", "attendance", "present_count", "guests_count")
    search_in = ("title_text", "summary")
    filter_by = ("state", "programme")
    order_by = ("sort_on", "-id")
    door_related = ("programme", "attendance")
    tones = {
        "announced": "active",
        "closed": "wait",
        "live": "active",
        "held": "wait",
        "documented": "good",
        "published": "done",
        "cancelled": "bad",
    }
    outside_words = {"documented": _("Held")}
    clocks = {"announced": (At("close_registration", "starts_at"),)}
    awaits = {
        "draft": ("announce",),
        "closed": ("start",),
        "live": ("end",),
        "held": ("import_attendance", "document"),
        "documented": ("publish",),
    }
    shape = {
        "title": "title_text",
        "programme": {"id": "programme_id", "name": "programme__name"},
        "order": "order",
        "month": "month",
        "starts_at": "starts_at",
        "ends_at": "ends_at",
        "started_at": "started_at",
        "ended_at": "ended_at",
        "zone": "zone",
        "summary": "summary",
        "attended": "present_count",
        "participant:link": "link",
        "staff:capacity": "capacity",
        "staff:agenda_note": "agenda_note",
        "staff:guests": "guests_count",
        "staff:attendance": "attendance_id",
        "agenda": AGENDA,
        "participant:material": MATERIAL,
        "staff:registrations": REGISTRATIONS,
    }
    faces = Faces(readers, participant.when(state__in=TOLD), public_when(state="published"))

    state = state_field(State)
    order = models.PositiveSmallIntegerField(_("number"))
    title_text = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True, default="")
    month = models.DateField(_("month"))
    starts_at = models.DateTimeField(_("starts"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    sort_on = models.DateField(editable=False)
    zone = models.CharField(_("time zone"), max_length=60, default="Europe/Brussels")
    link = models.URLField(_("link to join"), blank=True, default="")
    capacity = models.PositiveSmallIntegerField(_("places"), null=True)
    agenda_note = models.CharField(_("why the agenda lacks something"), max_length=2000, blank=True, default="")
    attendance = models.ForeignKey(
        Document, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("attendance report")
    )
    guests_count = models.PositiveSmallIntegerField(_("guests"), default=0)
    present_count = models.PositiveSmallIntegerField(_("took part"), null=True)

    class Meta:
        verbose_name = _("webinar")
        verbose_name_plural = _("webinars")
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "order"], condition=~Q(state="cancelled"), name="webinar_order_once_per_programme"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="webinar_ends_after_start"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled"]) | Q(starts_at__isnull=False, ends_at__isnull=False),
                name="webinar_announced_with_a_date",
            ),
        ]

    def __str__(self) -> str:
        return self.title_text

    # -- guards

    @guard(_("Set the date and the time before you announce the webinar."))
    def has_date(self) -> bool:
        """A month alone is enough for a draft only."""
        return self.starts_at is not None

    @guard(_("Give a start in the future."))
    def is_ahead(self) -> bool:
        """Nobody is invited to what is over."""
        return self.starts_at is None or self.starts_at > clock.now()

    @guard(_("Everybody who takes part in the programme is invited already."))
    def has_latecomers(self) -> bool:
        """Somebody joined the programme after the invitations."""
        return self.uninvited().exists()

    @guard(_("Import the attendance report before you document the webinar."))
    def is_reconciled(self) -> Any:
        """The report is in, and says of everybody who had registered whether they came."""
        left = self.registrations.filter(state="registered").count()
        if self.attendance_id is None or left == 0:
            return self.attendance_id is not None
        return [_t("Of %d people who registered it is not known whether they came; import the report again.") % left]

    @guard(_("Add the material of the webinar first: at least one file or link."))
    def has_material(self) -> bool:
        """Those who missed it find something."""
        return self.materials.exists()

    # -- steps

    @step(label=_("New webinar"), source=NEW, target=State.DRAFT, who=office, form="WebinarForm")
    def create(self, *, by: Any, agenda: list[dict[str, Any]], **data: Any) -> None:
        """Plans a webinar. Its month is enough for now; nobody outside the office sees it before it is announced."""
        self.take(agenda, data)

    @step(
        label=_("Edit"), source=[State.DRAFT, State.ANNOUNCED], target=None, who=office, form="WebinarForm", edits=True
    )
    def edit(self, *, by: Any, agenda: list[dict[str, Any]], **data: Any) -> None:
        """Changes the plan. Those who have registered are told of a new time."""
        before = self.starts_at
        self.take(agenda, data)
        if self.state == self.State.ANNOUNCED and self.starts_at != before:
            self.tell(
                self.people("registered", "waitlisted"),
                gettext_noop("The webinar %(title)s has a new time: %(when)s."),
                title=self.title_text,
                when=self.planned(),
            )

    def take(self, agenda: list[dict[str, Any]], data: dict[str, Any]) -> None:
        """Sets the values and the agenda of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        day = self.starts_at.astimezone(self.tz()).date() if self.starts_at else self.month
        self.month, self.sort_on = day.replace(day=1), day
        before = list(self.agenda.order_by("order").values_list("element", "title"))
        self.agenda.all().delete()
        AgendaItem.objects.bulk_create(AgendaItem(webinar=self, order=at, **row) for at, row in enumerate(agenda, 1))
        self.trail_also("agenda", before, [[row["element"], row["title"]] for row in agenda])

    @step(
        label=_("Announce"),
        source=State.DRAFT,
        target=State.ANNOUNCED,
        who=office,
        guards=[has_date, is_ahead],
        form="AnnounceWebinar",
    )
    def announce(self, *, by: Any, reason: str = "") -> None:
        """Invites every advisor and manager of the programme. Registration closes when the webinar starts."""
        self.agenda_note = reason
        self.queue("webinars.invite", key=f"webinars.invite:{self.pk}")

    @step(
        label=_("Invite those who joined later"),
        source=State.ANNOUNCED,
        target=None,
        who=any_of(office, system),
        guards=[has_latecomers],
    )
    def invite_latecomers(self, *, by: Any) -> None:
        """Invites all advisors and managers who have no invitation yet; everybody gets one, and only one."""
        invited = [self.registrations.model(webinar=self, person=one) for one in self.uninvited()]
        perform_many(invited, "invite", by=by)

    @step(label=_("Close registration"), source=State.ANNOUNCED, target=State.CLOSED, who=any_of(office, system))
    def close_registration(self, *, by: Any) -> None:
        """Nobody can register any more. Happens by itself when the webinar starts."""

    @step(label=_("Start"), source=State.CLOSED, target=State.LIVE, who=office)
    def start(self, *, by: Any) -> None:
        """The webinar begins now; the planned time is kept beside the actual one."""
        self.started_at = clock.now()

    @step(label=_("End"), source=State.LIVE, target=State.HELD, who=office)
    def end(self, *, by: Any) -> None:
        """The webinar is over. Import the attendance report next."""
        self.ended_at = clock.now()

    @step(
        label=_("Import attendance"),
        source=[State.HELD, State.DOCUMENTED],
        target=None,
        who=any_of(office, system),
        form="ImportAttendance",
    )
    def import_attendance(self, *, by: Any, report: Any, reading: dict[str, Any], has_guests: bool) -> None:
        """Says of everybody invited whether they came, from the report of Teams, Zoom, Webex or a plain table."""
        found = self.reconciled(reading)
        known = {str(one.pk): one for one in self.registrations.all()}
        came: dict[int, list[Any]] = {}
        for one in found.present:
            registration = known[one.key]
            if (registration.state, registration.minutes) != ("attended", one.minutes):
                came.setdefault(one.minutes, []).append(registration)
        for minutes, registrations in came.items():
            perform_many(registrations, "attend", by=by, minutes=minutes)
        perform_many([known[key] for key in found.absent if known[key].state != "absent"], "miss", by=by)
        self.attendance = self.kept(report, by=by)
        self.guests_count = len(found.unmatched) if has_guests else 0
        self.present_count = len(found.present) + self.guests_count

    @step(
        label=_("Add material"),
        source=[State.ANNOUNCED, State.CLOSED, State.LIVE, State.HELD, State.DOCUMENTED, State.PUBLISHED],
        target=None,
        who=office,
        form="AddMaterial",
    )
    def add_material(self, *, by: Any, title: str, link: str, file: Any) -> None:
        """Slides, a recording, notes: as a file or as a link, for all who take part in the programme."""
        document = self.received(file, by=by, audience="programme") if file else None
        Material(webinar=self, title=title, link=link, document=document).save()
        self.trail_also("material", None, title)

    @step(
        label=_("Document"),
        source=State.HELD,
        target=State.DOCUMENTED,
        who=office,
        guards=[is_reconciled, has_material],
        form="DocumentWebinar",
    )
    def document(self, *, by: Any, summary: str) -> None:
        """Puts down what came of the webinar, and tells those who were invited where to find it."""
        self.summary = summary
        self.tell(
            self.people("attended", "absent", "invited"),
            gettext_noop("The material of the webinar %(title)s is ready."),
            title=self.title_text,
        )

    @step(label=_("Publish"), source=State.DOCUMENTED, target=State.PUBLISHED, who=office)
    def publish(self, *, by: Any) -> None:
        """Shows date, agenda, summary and the number of people to everybody; material stays with the participants."""

    @step(
        label=_("Cancel the webinar"),
        source=[State.DRAFT, State.ANNOUNCED, State.CLOSED],
        target=State.CANCELLED,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def cancel(self, *, by: Any, reason: str) -> None:
        """Calls the webinar off. Its topics wait for another one."""
        self.tell(
            self.people("invited", "registered", "waitlisted"),
            gettext_noop("The webinar %(title)s is cancelled."),
            title=self.title_text,
        )
        perform_many(list(self.topics.filter(state="scheduled")), "put_back", by=by)

    def after_step(self, name: str, *, by: Any) -> None:
        """More places than before go to those who wait first."""
        if name == "edit" and self.state == self.State.ANNOUNCED:
            self.fill_places()

    # -- what others ask

    def tz(self) -> zoneinfo.ZoneInfo:
        """Its time zone."""
        return zoneinfo.ZoneInfo(self.zone)

    def planned(self) -> str:
        """When it is planned: day and time in its zone, or the month while the day is open."""
        if self.starts_at is None:
            return formats.date_format(self.month, "F Y")
        return span(self.starts_at, self.ends_at, self.tz())

    planned.label = _("planned")  # type: ignore[attr-defined]

    def actual(self) -> str:
        """When it was held, in its zone; empty before it was."""
        return span(self.started_at, self.ended_at, self.tz()) if self.started_at else ""

    actual.label = _("held")  # type: ignore[attr-defined]

    def missing_elements(self) -> list[str]:
        """The elements that the agenda lacks, in words."""
        there = set(self.agenda.values_list("element", flat=True))
        return [str(label) for name, label in ELEMENTS if name not in there]

    def uninvited(self) -> QuerySet:
        """Advisors and managers of the programme who have no registration, in whatever state."""
        return people_involved(self.programme_id).exclude(pk__in=self.registrations.values("person_id"))

    def people(self, *states: str) -> QuerySet:
        """The people whose registration is in one of the states."""
        return Person.objects.filter(pk__in=self.registrations.filter(state__in=states).values("person_id")).order_by(
            "pk"
        )

    def free_places(self) -> int | None:
        """How many more may register; None without a limit."""
        if self.capacity is None:
            return None
        return max(0, self.capacity - self.registrations.filter(state="registered").count())

    def fill_places(self) -> None:
        """Inside a step: those who wait longest get the places that are free."""
        waiting = list(self.registrations.filter(state="waitlisted").order_by("registered_at", "pk"))
        perform_many(waiting[: self.free_places()], "promote", by=SYSTEM)

    def reconciled(self, reading: dict[str, Any]) -> Reconciled:
        """What a report (as `Attendance.as_json` gives it) says about the registrations; writes nothing."""
        rows = self.registrations.select_related("person").order_by("pk")
        known = [Known(str(r.pk), r.person.name, r.person.email or "", r.state in EXPECTED) for r in rows]
        return reconcile(reading["people"], known, reading["warnings"])

    def kept(self, report: Any, *, by: Any) -> Document:
        """Inside a step: the report as a document; one that is the same as before is not kept twice."""
        if isinstance(report, Document):
            return report
        if self.attendance and self.attendance.sha256 == hashlib.sha256(report.read()).hexdigest():
            return self.attendance
        report.seek(0)
        return self.received(report, by=by, audience="owner")

    def received(self, file: File, *, by: Any, audience: str) -> Document:
        """Inside a step: a file handed in with it."""
        made = Document()
        made.perform("receive", by=by, files={"file": file}, programme=str(self.programme_id), audience=audience)
        return made

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The registrations, for staff; agenda and material have a place of their own on the page."""
        if face != "staff":
            return []
        rows = [
            [r.person.name, r.get_state_display(), "" if r.minutes is None else r.minutes]
            for r in self.registrations.select_related("person").order_by("person__sort_name", "pk")
        ]
        columns = [_("Person"), _("State"), _("Minutes")]
        return [{"title": _("Registrations"), "columns": columns, "rows": rows, "empty": _("Nobody is invited yet.")}]


def average_attendance(programme: Programme) -> float | None:
    """How many took part on average, over the webinars that were held and counted (F26); None before the first."""
    held = Webinar.objects.filter(programme=programme, state__in=HELD)
    return held.aggregate(average=Avg("present_count"))["average"]


__all__ = ["HELD", "Webinar", "average_attendance"]
