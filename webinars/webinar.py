"""Webinars: planned, announced, held, documented and published, with who was there (F22, F23, F26)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.base import File
from django.db.models import Avg
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.registry.documents import Document
from facility.registry.programme import Programme
from facility.roles import any_of, office, signed_in, system
from facility.workflow import clock
from facility.workflow.engine import perform_many
from facility.workflow.steps import NEW, SYSTEM, step
from webinars.contents import AgendaItem, Guest, Material
from webinars.event import Event
from webinars.reconcile import Known, Reconciled, reconcile

EXPECTED = ("registered", "attended", "absent")
HELD = ("held", "documented", "published")
State = Event.State


class Webinar(Event):
    """A webinar of a programme: a month at first, then a date and an agenda, then what it left behind."""

    class Meta(Event.Meta):
        abstract = False

    # -- steps

    @step(label=_("New webinar"), source=NEW, target=State.DRAFT, who=office, form="WebinarForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Plans a webinar. Its month is enough for now; nobody outside the office sees it before it is announced."""
        self.take(data)

    @step(
        label=_("Edit"),
        source=[State.DRAFT, State.ANNOUNCED],
        target=None,
        who=office,
        form="WebinarForm",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the plan. Those who have registered are told of a new time."""
        before = self.starts_at
        self.take(data)
        if self.state == self.State.ANNOUNCED and self.starts_at != before:
            self.tell(
                self.people("registered", "waitlisted"),
                gettext_noop("The webinar %(title)s has a new time: %(when)s."),
                title=self.title_text,
                when=self.planned(),
            )

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values, the agenda and the people chosen by name of the form."""
        agenda, chosen = data.pop("agenda"), data.pop("chosen")
        for name, value in data.items():
            setattr(self, name, value)
        day = self.starts_at.astimezone(self.tz()).date() if self.starts_at else self.month
        self.month, self.sort_on = day.replace(day=1), day
        before = list(self.agenda.order_by("order").values_list("element", "title"))
        self.agenda.all().delete()
        AgendaItem.objects.bulk_create(AgendaItem(webinar=self, order=at, **row) for at, row in enumerate(agenda, 1))
        self.trail_also("agenda", before, [[row["element"], row["title"]] for row in agenda])
        self.guests.all().delete()
        Guest.objects.bulk_create(Guest(webinar=self, person=one) for one in chosen)

    @step(
        label=_("Announce"),
        source=State.DRAFT,
        target=State.ANNOUNCED,
        who=office,
        guards=[
            Event.has_date,
            Event.is_ahead,
            Event.is_about_a_known_call,
            Event.is_before_closing,
            Event.is_after_release,
            Event.has_invitees,
        ],
        form="AnnounceWebinar",
    )
    def announce(self, *, by: Any, reason: str = "") -> None:
        """Invites those it is for, and those who join them later. Registration closes when the webinar starts."""
        self.agenda_note = reason
        self.queue("webinars.invite", key=f"webinars.invite:{self.pk}")

    @step(
        label=_("Invite those who joined later"),
        source=State.ANNOUNCED,
        target=None,
        who=any_of(office, system),
        guards=[Event.has_latecomers],
    )
    def invite_latecomers(self, *, by: Any) -> None:
        """Invites all of those it is for who have no invitation yet; everybody gets one, and only one."""
        invited = [self.registrations.model(webinar=self, person=one) for one in self.uninvited()]
        perform_many(invited, "invite", by=by)

    @step(
        label=_("Register"),
        source=State.ANNOUNCED,
        target=None,
        who=signed_in.when(kind="information"),
        guards=[Event.is_ahead],
        quiet=True,
    )
    def join(self, *, by: Any) -> None:
        """Takes a place in an information webinar without having been invited."""
        mine = self.registrations.filter(person=by).first() or self.registrations.model(webinar=self, person=by)
        if mine._state.adding:
            mine.perform("invite", by=by)
        if mine.state in {"invited", "cancelled"}:
            mine.perform("register", by=by)

    @step(
        label=_("Remind"),
        source=[State.ANNOUNCED, State.CLOSED],
        target=None,
        who=system,
        quiet=True,
    )
    def remind(self, *, by: Any) -> None:
        """Reminds those who have a place, a day before."""
        self.reminded_for = self.starts_at
        self.tell(
            self.people("registered"),
            gettext_noop("Reminder: %(title)s, %(when)s. %(join)s"),
            title=self.title_text,
            when=self.planned(),
            join=self.link,
        )

    @step(
        label=_("Close registration"),
        source=State.ANNOUNCED,
        target=State.CLOSED,
        who=any_of(office, system),
    )
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
        source=[
            State.ANNOUNCED,
            State.CLOSED,
            State.LIVE,
            State.HELD,
            State.DOCUMENTED,
            State.PUBLISHED,
        ],
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
        guards=[Event.is_reconciled, Event.has_material],
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

    # -- what follows

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


def average_attendance(programme: Programme) -> float | None:
    """How many took part on average, over the synergy webinars held and counted (F26); None before the first."""
    held = Webinar.objects.filter(programme=programme, kind="synergy", state__in=HELD)
    return held.aggregate(average=Avg("present_count"))["average"]


__all__ = ["HELD", "Webinar", "average_attendance"]
