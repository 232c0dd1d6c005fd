"""What a webinar, an information webinar or an orientation session holds, shows and asks for (F22, F23, F25)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.registry.documents import Document
from facility.registry.people import Person
from facility.registry.programme import InProgramme
from facility.roles import any_of, readers
from facility.selection import Selection
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import guard
from webinars.contents import AGENDA, AUDIENCES, ELEMENTS, GUESTS, KINDS, MATERIAL, REGISTRATIONS, span
from webinars.participants import ANNOUNCED, audience_of, invited, participant, to_everybody

REMINDED_BEFORE = dt.timedelta(days=1)


class Event(InProgramme):
    """What a webinar holds and shows, what must be true before its steps, and what others ask of it."""

    agenda: Any
    guests: Any
    materials: Any
    registrations: Any

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
    columns = ("kind", "order", "planned", "present_count")
    facts = ("kind", "call", "planned", "actual", "zone", "summary")
    staff_facts = (
        "programme",
        "audience",
        "order",
        "capacity",
        "agenda_note",
        "attendance",
        "present_count",
        "guests_count",
    )
    search_in = ("title_text", "summary")
    filter_by = ("state", "kind", "programme", "call")
    order_by = ("sort_on", "-id")
    door_related = ("programme", "attendance", "call")
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
    clocks = {
        "announced": (At("close_registration", "starts_at"), At("remind", "remind_at")),
        "closed": (At("remind", "remind_at"),),
    }
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
        "kind": "kind",
        "call": "call_id",
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
        "staff:audience": "audience",
        "staff:guests_named": GUESTS,
        "staff:capacity": "capacity",
        "staff:agenda_note": "agenda_note",
        "staff:guests": "guests_count",
        "staff:attendance": "attendance_id",
        "agenda": AGENDA,
        "participant:material": MATERIAL,
        "staff:registrations": REGISTRATIONS,
    }
    faces = Faces(
        readers,
        any_of(participant.when(state__in=ANNOUNCED, kind="synergy"), invited.when(state__in=ANNOUNCED)),
        to_everybody,
    )

    state = state_field(State)
    kind = models.CharField(_("kind"), max_length=20, choices=KINDS, default="synergy")
    call = models.ForeignKey(
        "facility.Call", null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("call")
    )
    audience = models.CharField(_("who is invited"), max_length=20, choices=AUDIENCES, default="involved")
    order = models.PositiveSmallIntegerField(_("number"))
    title_text = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True, default="")
    month = models.DateField(_("month"))
    starts_at = models.DateTimeField(_("starts"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    reminded_for = models.DateTimeField(null=True, editable=False)
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
        abstract = True
        verbose_name = _("webinar")
        verbose_name_plural = _("webinars")
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "kind", "order"],
                condition=~Q(state="cancelled"),
                name="webinar_order_once_per_programme_and_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="information") | Q(call__isnull=False), name="information_webinar_about_a_call"
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

    @guard(_("Publish the call first: nobody outside the office knows of it yet."))
    def is_about_a_known_call(self) -> bool:
        """What everybody may register for tells nothing of a draft."""
        return self.kind != "information" or self.call is None or self.call.state not in {"draft", "cancelled"}

    @guard(_("An information webinar is held before its call closes."))
    def is_before_closing(self) -> bool:
        """Whoever hears of the call can still apply."""
        if self.kind != "information" or self.call is None or self.starts_at is None:
            return True
        return self.starts_at < self.call.closes_at

    @guard(_("Release the selection of the call first: the clusters to invite are not known yet."))
    def is_after_release(self) -> bool:
        """Only a released selection says who is invited."""
        if self.audience != "selected":
            return True
        return Selection.objects.filter(call=self.call_id, state="released").exists()

    @guard(_("Nobody would be invited. Choose other people."))
    def has_invitees(self) -> bool:
        """An orientation session is for somebody; to the other kinds people may come later."""
        return self.kind != "orientation" or self.invitees().exists()

    @guard(_("Everybody is invited already."))
    def has_latecomers(self) -> bool:
        """Somebody belongs to those who are invited since the invitations went out."""
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

    # -- what others ask

    def tz(self) -> zoneinfo.ZoneInfo:
        """Its time zone."""
        return zoneinfo.ZoneInfo(self.zone)

    @labelled(_("planned"))
    def planned(self) -> str:
        """When it is planned: day and time in its zone, or the month while the day is open."""
        if self.starts_at is None:
            return formats.date_format(self.month, "F Y")
        return span(self.starts_at, self.ends_at, self.tz())

    @labelled(_("held"))
    def actual(self) -> str:
        """When it was held, in its zone; empty before it was."""
        return span(self.started_at, self.ended_at, self.tz()) if self.started_at else ""

    def missing_elements(self) -> list[str]:
        """The elements that the agenda lacks, in words."""
        if self.kind != "synergy":
            return []
        there = set(self.agenda.values_list("element", flat=True))
        return [str(label) for name, label in ELEMENTS if name not in there]

    def invitees(self) -> QuerySet[Person]:
        """Whom the rule of its audience names now, and those who were chosen by name."""
        return audience_of(self)

    def uninvited(self) -> QuerySet[Person]:
        """Those of them who have no registration, in whatever state."""
        return self.invitees().exclude(pk__in=self.registrations.values("person_id"))

    @property
    def remind_at(self) -> dt.datetime | None:
        """A day before it starts; None once those who come were reminded of this very start."""
        if self.starts_at is None or self.reminded_for == self.starts_at:
            return None
        return self.starts_at - REMINDED_BEFORE

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
