"""Calls for advisors: whether a programme takes applications, what an advisor agrees to, and how long a CV is kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from advisory.rights import RETENTION_MONTHS
from facility.registry.programme import InProgramme
from facility.roles import office, readers
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.steps import NEW, guard, step

CHANGED = _("The text was changed meanwhile. Read it again before you agree.")


class AdvisorCall(InProgramme):
    """A programme's standing call for advisors. Each change of the consent is a version that stays readable."""

    class State(models.TextChoices):
        CLOSED = "closed", _("Closed")
        OPEN = "open", _("Takes applications")

    records = "advisor-calls"
    lede = _("Whether a programme takes applications of advisors, what they agree to, and how long CVs are kept.")
    columns = ("programme", "closes_on", "consent_version", "retention_months")
    list_related = ("programme",)
    facts = ("programme", "text", "closes_on", "consent_text", "consent_version", "retention_months")
    filter_by = ("state",)
    door_related = ("programme",)
    tones = {"closed": "idle", "open": "good"}
    shape = {
        "programme": "programme_id",
        "text": "text",
        "closes_on": "closes_on",
        "consent_text": "consent_text",
        "consent_version": "consent_version",
        "retention_months": "retention_months",
    }
    faces = Faces(readers)

    state = state_field(State)
    text = models.TextField(_("whom you look for"), blank=True, default="")
    closes_on = models.DateField(_("last day"), null=True)
    consent_text = models.TextField(_("what an advisor agrees to"))
    consent_version = models.PositiveSmallIntegerField(_("version of the consent"), default=0)
    retention_months = models.PositiveSmallIntegerField(_("months a CV is kept"), default=RETENTION_MONTHS)

    class Meta:
        verbose_name = _("call for advisors")
        verbose_name_plural = _("calls for advisors")
        constraints = [models.UniqueConstraint(fields=["programme"], name="one_advisor_call_per_programme")]

    def __str__(self) -> str:
        return str(self.programme)

    def is_as_read(self, version: Any) -> bool:
        """Whether the text of the consent is still the one of this version."""
        return str(version) == str(self.consent_version)

    def is_open(self) -> bool:
        """Whether somebody may apply today."""
        in_time = self.closes_on is None or clock.today(self.tz()) <= self.closes_on
        return self.state == self.State.OPEN and in_time and not self.programme.is_over()

    @guard(_("The last day has passed. Set a later one, or none."))
    def is_in_time(self) -> bool:
        """The last day lies ahead."""
        return self.closes_on is None or clock.today(self.tz()) <= self.closes_on

    @step(label=_("New call for advisors"), source=NEW, target=State.CLOSED, who=office, form="AdvisorCallForm")
    def create(self, *, by: Any, programme: Any, **data: Any) -> None:
        """Sets out whom you look for and what they agree to. It takes applications once you open it."""
        self.programme = programme
        self.keep(data)

    @step(
        label=_("Edit"),
        source=[State.CLOSED, State.OPEN],
        target=None,
        who=office,
        form="AdvisorCallForm",
        edits=True,
    )
    def edit(self, *, by: Any, programme: Any = None, **data: Any) -> None:
        """Changes the call. Another text of the consent is a new version; who agreed before, agreed to that one."""
        self.keep(data)

    @step(label=_("Open"), source=State.CLOSED, target=State.OPEN, who=office, guards=[is_in_time])
    def open(self, *, by: Any) -> None:
        """The public form takes applications from now on."""

    @step(label=_("Close"), source=State.OPEN, target=State.CLOSED, who=office)
    def close(self, *, by: Any) -> None:
        """No more applications; those that came in stay."""

    def keep(self, data: dict[str, Any]) -> None:
        """Takes the values over; another consent gets the next number."""
        is_other = data["consent_text"] != self.consent_text
        for name, value in data.items():
            setattr(self, name, value)
        self.consent_version += is_other
        self.is_other = is_other

    def after_step(self, name: str, *, by: Any) -> None:
        """Every version is kept in words."""
        if name in {"create", "edit"} and self.is_other:
            ConsentText(call=self, number=self.consent_version, text=self.consent_text).save()

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The versions of the consent."""
        rows = [[one.number, one.text, one.made_at] for one in self.consent_texts.order_by("-number")]
        columns = [_("Version"), _("What an advisor agrees to"), _("From")]
        form = reverse("apply", kwargs={"programme": self.programme.slug})
        address = [[{"value": f"{settings.BASE_URL}{form}", "url": form}]]
        return [
            {"title": _("The open form"), "columns": [_("Address")], "rows": address, "empty": ""},
            {"title": _("Versions of the consent"), "columns": columns, "rows": rows, "empty": ""},
        ]

    @classmethod
    def open_ones(cls) -> Any:
        """The calls that take applications today, by programme."""
        in_time = Q(closes_on__isnull=True) | Q(closes_on__gte=clock.today() - dt.timedelta(days=1))
        rows = cls.objects.filter(in_time, state=cls.State.OPEN).select_related("programme").order_by("programme__name")
        return [one for one in rows if one.is_open()]


class ConsentText(Part):
    """One version of what an advisor agrees to."""

    call = models.ForeignKey(AdvisorCall, on_delete=models.PROTECT, related_name="consent_texts")
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="consent_version_once_per_call")]

    def __str__(self) -> str:
        return f"{self.call_id} {self.number}"


__all__ = ["AdvisorCall", "ConsentText"]
