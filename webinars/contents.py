"""What a webinar is made of: the points of its agenda and the material it leaves behind (F25)."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from facility.registry.documents import Document
from facility.workflow.engine import Part
from facility.workflow.shape import Many

ELEMENTS = [
    ("expert_presentation", _("Expert presentation")),
    ("experience_sharing", _("Sharing of experience")),
    ("participant_session", _("Session among participants")),
]

# A synergy webinar has the three elements on its agenda; an information webinar is about a call and open to all.
KINDS = [
    ("synergy", _("Synergy webinar")),
    ("information", _("Information webinar")),
    ("orientation", _("Orientation session")),
]
AUDIENCES = [
    ("involved", _("Advisors and managers of the projects")),
    ("applicants", _("Managers of the clusters that apply")),
    ("selected", _("Managers of the selected clusters")),
    ("pool", _("Advisors in the pool")),
    ("chosen", _("Only the people chosen by name")),
]
# Whom each kind may invite by rule; the first is meant where nothing is said.
AUDIENCES_OF = {
    "synergy": ("involved", "chosen"),
    "information": ("applicants", "chosen"),
    "orientation": ("selected", "pool", "chosen"),
}

AGENDA = Many(
    "webinars.AgendaItem",
    "webinar",
    {"element": "element", "title": "title", "speaker": "speaker", "minutes": "minutes"},
    ("order",),
)
MATERIAL = Many("webinars.Material", "webinar", {"title": "title", "link": "link", "document": "document_id"})
GUESTS = Many("webinars.Guest", "webinar", {"id": "person_id", "name": "person__name"}, ("person__sort_name", "pk"))
REGISTRATIONS = Many(
    "webinars.Registration",
    "webinar",
    {"id": "pk", "person": "person__name", "state": "state", "minutes": "minutes"},
    ("person__sort_name", "pk"),
)


class AgendaItem(Part):
    """A point of the agenda: one of the three elements a webinar is made of."""

    webinar = models.ForeignKey("webinars.Webinar", on_delete=models.PROTECT, related_name="agenda")
    order = models.PositiveSmallIntegerField()
    element = models.CharField(max_length=30, choices=ELEMENTS)
    title = models.CharField(max_length=200)
    speaker = models.CharField(max_length=200, blank=True, default="")
    minutes = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webinar", "order"], name="agenda_order_once_per_webinar")]

    def __str__(self) -> str:
        return self.title


class Guest(Part):
    """Somebody chosen by name to be invited, beside those whom the rule names."""

    webinar = models.ForeignKey("webinars.Webinar", on_delete=models.PROTECT, related_name="guests")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="guest_of")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webinar", "person"], name="guest_once_per_webinar")]

    def __str__(self) -> str:
        return str(self.person)


class Material(Part):
    """Something to take away from a webinar: a file or a link."""

    webinar = models.ForeignKey("webinars.Webinar", on_delete=models.PROTECT, related_name="materials")
    title = models.CharField(max_length=200)
    link = models.URLField(blank=True, default="")
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(link="") ^ Q(document__isnull=True), name="material_is_a_file_or_a_link")
        ]

    def __str__(self) -> str:
        return self.title


def span(start: dt.datetime, end: dt.datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    """A day with start and end, in words and in a zone."""
    local = start.astimezone(zone)
    until = f"–{formats.time_format(end.astimezone(zone), 'H:i')}" if end else ""
    return f"{formats.date_format(local, 'j F Y, H:i')}{until} {local.tzname()}"
