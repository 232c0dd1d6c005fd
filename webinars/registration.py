"""Registrations: one person's invitation to one webinar, and what came of it (F23, F26)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.registry.programme import InProgramme
from facility.roles import parent_step, readers, who
from facility.workflow import clock
from facility.workflow.engine import Faces, state_field
from facility.workflow.steps import NEW, step
from webinars.webinar import Webinar

own_registration = who("own registration", lambda person: Q(person=person), "advisor", "manager", by_record=True)


INVITATION = gettext_noop("You are invited to the webinar %(title)s, %(when)s.")
INVITATIONS = {"orientation": gettext_noop("You are invited to the orientation session %(title)s, %(when)s.")}


class Registration(InProgramme):
    """A person's place in a webinar: offered, taken, given back; attended or not as the platform's report says."""

    class State(models.TextChoices):
        INVITED = "invited", _("Invited")
        REGISTERED = "registered", _("Registered")
        WAITLISTED = "waitlisted", _("On the waiting list")
        CANCELLED = "cancelled", _("Cancelled")
        ATTENDED = "attended", _("Attended")
        ABSENT = "absent", _("Did not come")

    records = "registrations"
    lede = _("Who is invited to which webinar, and who came.")
    columns = ("person", "webinar__sort_on", "minutes")
    list_related = ("webinar", "person")
    facts = ("webinar", "person", "minutes")
    search_in = ("person__name", "webinar__title_text")
    filter_by = ("state", "webinar")
    door_related = ("programme", "webinar", "person")
    tones = {"invited": "wait", "registered": "good", "waitlisted": "wait", "attended": "done", "absent": "idle"}
    awaits = {"invited": ("register",)}
    shape = {
        "webinar": {"id": "webinar_id", "title": "webinar__title_text", "starts_at": "webinar__starts_at"},
        "person": {"id": "person_id", "name": "person__name"},
        "registered_at": "registered_at",
        "minutes": "minutes",
    }
    faces = Faces(readers, own_registration)

    state = state_field(State)
    webinar = models.ForeignKey(
        Webinar, on_delete=models.PROTECT, related_name="registrations", verbose_name=_("webinar")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="registrations", verbose_name=_("person")
    )
    registered_at = models.DateTimeField(_("registered"), null=True)
    minutes = models.PositiveSmallIntegerField(_("minutes"), null=True)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        constraints = [
            models.UniqueConstraint(fields=["webinar", "person"], name="invited_once_per_webinar"),
            models.CheckConstraint(
                condition=Q(state="attended", minutes__isnull=False) | (~Q(state="attended") & Q(minutes__isnull=True)),
                name="minutes_of_those_who_attended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.webinar}: {self.person}"

    def title(self) -> str:
        """The webinar's title."""
        return self.webinar.title()

    @step(label=_("Invite"), source=NEW, target=State.INVITED, who=parent_step, quiet=True)
    def invite(self, *, by: Any) -> None:
        """Offers a place in the webinar."""
        self.programme_id = self.webinar.programme_id
        self.tell(
            self.person,
            INVITATIONS.get(self.webinar.kind, INVITATION),
            title=self.webinar.title_text,
            when=self.webinar.planned(),
        )

    @step(
        label=_("Register"),
        source=[State.INVITED, State.CANCELLED],
        target=RETURN_VALUE(State.REGISTERED, State.WAITLISTED),
        who=own_registration.when(webinar__state="announced"),
        locks="webinar",
    )
    def register(self, *, by: Any) -> str:
        """Takes a place; where all are taken, a place on the waiting list."""
        self.registered_at = clock.now()
        return self.State.WAITLISTED if self.webinar.free_places() == 0 else self.State.REGISTERED

    @step(
        label=_("Move up from the waiting list"),
        source=State.WAITLISTED,
        target=State.REGISTERED,
        who=parent_step,
        quiet=True,
    )
    def promote(self, *, by: Any) -> None:
        """A place is free."""
        self.tell(
            self.person, gettext_noop("You have a place in the webinar %(title)s."), title=self.webinar.title_text
        )

    @step(
        label=_("I cannot come"),
        source=[State.INVITED, State.REGISTERED, State.WAITLISTED],
        target=State.CANCELLED,
        who=own_registration.when(webinar__state__in=["announced", "closed"]),
        locks="webinar",
    )
    def cancel(self, *, by: Any) -> None:
        """Gives the place back; whoever waits longest gets it."""
        self.registered_at = None

    @step(
        label=_("Attended"),
        source=[State.INVITED, State.REGISTERED, State.WAITLISTED, State.CANCELLED, State.ATTENDED, State.ABSENT],
        target=State.ATTENDED,
        who=parent_step,
        form="Attended",
        quiet=True,
    )
    def attend(self, *, by: Any, minutes: int) -> None:
        """Was there, also without having registered, as the attendance report says."""
        self.minutes = minutes

    @step(
        label=_("Did not come"),
        source=[State.REGISTERED, State.ATTENDED],
        target=RETURN_VALUE(State.ABSENT, State.INVITED),
        who=parent_step,
        quiet=True,
    )
    def miss(self, *, by: Any) -> str:
        """Is not in the attendance report. Whoever had not registered is not absent, but invited as before."""
        self.minutes = None
        return self.State.ABSENT if self.registered_at else self.State.INVITED

    def after_step(self, name: str, *, by: Any) -> None:
        """A place given back goes to whoever waits longest."""
        if name == "cancel":
            self.webinar.fill_places()

    def awaited_people(self) -> list[Any]:
        """Whoever is invited."""
        return [self.person]


__all__ = ["Registration"]
