"""Programmes: one technical-assistance service with its timetable and settings (F01)."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from facility.roles import administrator, any_of, anywhere, held, leads_of, public, staff_of, system, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Record, Workflow
from facility.workflow.steps import step

own_lead = who("lead", lambda person: Q(pk__in=held(person, "lead")), "lead")
own_staff = who("staff", lambda person: Q(pk__in=held(person, "lead", "coordinator", "observer", "administrator")))


class Programme(Record):
    """A technical-assistance programme: who pays, who runs it, from when to when, and what its clocks are set to."""

    records = "programmes"
    columns = ("name", "funder", "operator", "starts_on", "ends_on")
    facts = ("funder", "platform", "operator", "starts_on", "ends_on", "zone")
    shape = {
        "slug": "slug",
        "name": "name",
        "names": "names",
        "funder": "funder",
        "platform": "platform",
        "operator": "operator",
        "starts_on": "starts_on",
        "ends_on": "ends_on",
        "zone": "zone",
        "demo": "is_demo",
    }
    faces = Faces(own_staff, public=public)

    slug = models.SlugField(_("address"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    names = models.JSONField(_("names by language"), default=dict, blank=True)
    funder = models.CharField(_("funder"), max_length=200)
    platform = models.CharField(_("platform"), max_length=200, blank=True, default="")
    operator = models.CharField(_("operator"), max_length=200)
    contact = models.CharField(_("contact"), max_length=200, blank=True, default="")
    starts_on = models.DateField(_("start"))
    ends_on = models.DateField(_("end"))
    zone = models.CharField(_("time zone"), max_length=60, default="Europe/Brussels")
    evaluation_days = models.PositiveSmallIntegerField(_("days to evaluate"), default=14)
    offer_days = models.PositiveSmallIntegerField(_("days to answer an offer"), default=7)
    confirm_days = models.PositiveSmallIntegerField(_("days to confirm a session"), default=10)
    days_per_project = models.PositiveSmallIntegerField(_("days per project"), default=20)
    # Only where a Member State pays; what the Commission pays is not State aid as such. See aid.py.
    de_minimis = models.BooleanField(_("register of de minimis aid"), default=False)
    is_demo = models.BooleanField(_("demo"), default=False)

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="programme_ends_after_start")
        ]

    def __str__(self) -> str:
        return self.name_in(get_language() or "en")

    def name_in(self, language: str) -> str:
        """The name in a language; the English one where there is none."""
        return self.names.get(language[:2]) or self.name

    def scope_id(self) -> Any:
        """A programme is its own scope."""
        return self.pk

    def tz(self) -> zoneinfo.ZoneInfo:
        """Its time zone."""
        return zoneinfo.ZoneInfo(self.zone)

    def is_over(self) -> bool:
        """Whether its last day has passed in its zone."""
        return clock.today(self.tz()) > self.ends_on

    @step(label=_("New programme"), new=True, who=any_of(anywhere("administrator"), system), form="ProgrammeForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Sets up a programme. Its lead is named next, by a grant."""
        for name, value in data.items():
            setattr(self, name, value)

    @step(label=_("Edit"), who=any_of(own_lead, system), form="ProgrammeForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes names, dates and the days that the clocks are set to."""
        for name, value in data.items():
            setattr(self, name, value)


class InProgramme(Workflow):
    """A workflow of a programme: its clocks stop with the programme, and its lead looks after what is overdue."""

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, verbose_name=_("programme"), related_name="+")

    class Meta:
        abstract = True

    def clock_stopped(self) -> bool:
        """Timers rest once the programme is over."""
        return self.programme.is_over()

    def tz(self) -> zoneinfo.ZoneInfo:
        """The programme's."""
        return self.programme.tz()

    def overseers(self) -> list[Any]:
        """The lead coordinators."""
        return list(leads_of(self.programme_id))

    def awaited_people(self) -> list[Any]:
        """Where a file does not say more: the coordinators."""
        return list(staff_of(self.programme_id))


__all__ = ["InProgramme", "Programme", "administrator"]
