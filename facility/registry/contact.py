"""Contacts: whom people outside may turn to, with their consent and to a day (F37, C22)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.roles import any_of, manager_of, office, readers, system, who
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

from .cluster import Cluster
from .people import Person
from .programme import InProgramme

own_manager = manager_of("cluster_id")
oneself = who("the person named", lambda person: Q(person=person))
# By the day, not by the state alone: past its last day a contact is hidden at once.
shown_to_all = who("public", lambda person: Q(state="released", until_on__gte=clock.today()))


class Contact(InProgramme):
    """A named person for a programme, a project or an activity. Nothing is shown in public without their consent."""

    class State(models.TextChoices):
        ASKED = "asked", _("Asked for consent")
        AGREED = "agreed", _("Consent given")
        RELEASED = "released", _("Shown in public")
        ENDED = "ended", _("Ended")

    RUNNING = (State.ASKED, State.AGREED, State.RELEASED)

    records = "contacts"
    lede = _("Whom people outside may turn to. In public a contact stands only with consent, and to its last day.")
    columns = ("name", "about", "cluster", "until_on")
    list_related = ("person",)
    facts = ("name", "email", "role_text", "programme", "about", "activity", "cluster", "until_on", "consented_at")
    filter_by = ("state", "about", "cluster")
    tones = {"asked": "wait", "agreed": "active", "released": "good", "ended": "done"}
    shape = {
        "name": "person__name",
        "email": "person__email",
        "role": "role_text",
        "programme": "programme_id",
        "about": "about",
        "activity": "activity",
        "cluster": "cluster_id",
        "until_on": "until_on",
        "participant:consented_at": "consented_at",
    }
    faces = Faces(readers, participant=any_of(own_manager, oneself), public=shown_to_all)
    door_related = ("person", "cluster", "programme")
    awaits = {"asked": ("agree",)}
    clocks = {state: (At("lapse", "lapses_at"),) for state in RUNNING}

    state = state_field(State)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contacts", verbose_name=_("person")
    )
    about = models.CharField(
        _("contact for"),
        max_length=12,
        choices=[("programme", _("the programme")), ("project", _("a project")), ("activity", _("an activity"))],
    )
    cluster = models.ForeignKey(
        Cluster,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="contacts",
        verbose_name=Cluster._meta.verbose_name,
    )
    activity = models.CharField(_("activity"), max_length=200, blank=True, default="")
    role_text = models.CharField(_("role"), max_length=120, blank=True, default="")
    until_on = models.DateField(_("until"))
    consented_at = models.DateTimeField(_("consent given"), null=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return f"{self.get_about_display()}: {self.person}"

    @labelled(_("name"))
    def name(self) -> str:
        """The person's name."""
        return self.person.name

    @labelled(_("e-mail"))
    def email(self) -> str:
        """The person's address."""
        return self.person.email or ""

    @property
    def lapses_at(self) -> dt.datetime:
        """The first instant after its last day, in UTC as the day that the public is asked by."""
        return dt.datetime.combine(self.until_on + dt.timedelta(days=1), dt.time(), dt.UTC)

    @guard(_("The person has not agreed to be named."))
    def has_consent(self) -> bool:
        """Whether consent is given and was not taken back."""
        return self.consented_at is not None

    @guard(_("Its last day has passed."))
    def is_running(self) -> bool:
        """Whether its last day is still to come, or today."""
        return self.until_on >= clock.today()

    @step(
        label=_("Name a contact"),
        source=NEW,
        target=State.ASKED,
        who=any_of(office, own_manager),
        form="ContactForm",
    )
    def propose(self, *, by: Any, email: str, name: str, **data: Any) -> None:
        """Names a person, who gets a mail with a link to agree. Until then only the office and the cluster see it."""
        self.person = Person.objects.known_or_new(email, name)
        for column, value in data.items():
            setattr(self, column, value)
        self.queue("facility.ask_by_mail", person=str(self.person.pk), step="agree")

    @step(label=_("Agree"), source=State.ASKED, target=State.AGREED, who=oneself, form="AgreeToContact")
    def agree(self, *, by: Any, consent: bool) -> None:
        """I agree that my name, e-mail address and role are shown in public to the day below. I can take this back."""
        self.consented_at = clock.now()

    @step(
        label=_("Show in public"),
        source=State.AGREED,
        target=State.RELEASED,
        who=any_of(office, own_manager),
        guards=[has_consent, is_running],
    )
    def release(self, *, by: Any) -> None:
        """From now on everybody may read it, to its last day."""

    @step(
        label=_("Take off the public pages"),
        source=State.RELEASED,
        target=State.AGREED,
        who=any_of(office, own_manager),
    )
    def hold_back(self, *, by: Any) -> None:
        """Only the office and the cluster see it; the consent stays."""

    @step(
        label=_("End"),
        source=RUNNING,
        target=State.ENDED,
        who=any_of(office, own_manager, oneself),
    )
    def end(self, *, by: Any) -> None:
        """The person is no longer a contact; the consent ends with it."""
        self.consented_at = None

    @step(label=_("End by its day"), source=RUNNING, target=State.ENDED, who=system, quiet=True)
    def lapse(self, *, by: Any) -> None:
        """Its last day has passed."""
        self.consented_at = None

    def after_step(self, name: str, *, by: Any) -> None:
        """The person hears when they are shown."""
        if name == "release":
            said = gettext_noop("You are shown as a contact until %(day)s. You can end this on its page.")
            self.tell(self.person, said, day=self.until_on.isoformat())


__all__ = ["Contact"]
