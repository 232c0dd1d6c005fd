"""Whom and what a session served: its firms, needs and actions (F18)."""

from __future__ import annotations

from django.db import models

from facility.registry.organisation import Organisation
from facility.workflow.engine import Part

from .action import Action
from .needs import Need


class SessionFirm(Part):
    """A member firm that was reached (F18)."""

    session = models.ForeignKey("advisory.SupportSession", on_delete=models.PROTECT, related_name="firms")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "organisation"], name="firm_once_per_session")]

    def __str__(self) -> str:
        return self.organisation.name


class SessionNeed(Part):
    """A need that the session served."""

    session = models.ForeignKey("advisory.SupportSession", on_delete=models.PROTECT, related_name="needs")
    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="sessions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "need"], name="need_once_per_session")]

    def __str__(self) -> str:
        return self.need.text


class SessionAction(Part):
    """An action that the session served."""

    session = models.ForeignKey("advisory.SupportSession", on_delete=models.PROTECT, related_name="actions")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="sessions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "action"], name="action_once_per_session")]

    def __str__(self) -> str:
        return self.action.title_text
