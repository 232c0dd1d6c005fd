"""Grants: which person holds which role, and for what."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.registry.people import Person
from facility.roles import administrator, any_of, anywhere, lead, observer, office, parent_step, system, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

own_grant = who("holder", lambda person: Q(person=person))


class Role(models.TextChoices):
    """The roles of the Facility."""

    LEAD = "lead", _("Lead coordinator")
    COORDINATOR = "coordinator", _("Coordinator")
    EVALUATOR = "evaluator", _("Evaluator")
    ADVISOR = "advisor", _("Advisor")
    MANAGER = "manager", _("Cluster manager")
    OBSERVER = "observer", _("Observer")
    POLICYMAKER = "policymaker", _("Policymaker")
    ADMINISTRATOR = "administrator", _("Administrator")


class Scope(models.TextChoices):
    """What a grant is for."""

    PROGRAMME = "programme", _("Programme")
    CLUSTER = "cluster", _("Cluster")
    ADVISOR = "advisor", _("Advisor")
    CALL = "call", _("Call")
    APPLICATION = "application", _("Application")
    PROJECT = "project", _("Project")


# Roles that only a lead or an administrator gives; a coordinator invites everybody else.
RESERVED = {Role.LEAD, Role.COORDINATOR, Role.ADMINISTRATOR, Role.OBSERVER}


class Grant(Record):
    """A role held by a person for a programme, a cluster, an advisor, a call, an application or a project."""

    records = "grants"
    lede = _("Who holds which role, and for what.")
    columns = ("person", "role", "scope_type", "from_at", "until_at")
    facts = columns
    search_in = ("person__name",)
    filter_by = ("role", "scope_type")
    shape = {
        "person": {"id": "person_id", "name": "person__name"},
        "role": "role",
        "programme": "programme_id",
        "scope": {"type": "scope_type", "key": "scope_key"},
        "from": "from_at",
        "until": "until_at",
    }
    faces = Faces(any_of(office, observer, administrator), participant=own_grant)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    programme = models.ForeignKey("facility.Programme", null=True, on_delete=models.PROTECT, related_name="grants")
    scope_type = models.CharField(_("for"), max_length=20, choices=Scope.choices)
    scope_key = models.UUIDField()
    from_at = models.DateTimeField(_("from"), default=clock.now)
    until_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        indexes = [
            models.Index(fields=["person", "role", "scope_type", "scope_key"], name="grant_by_person"),
            models.Index(fields=["scope_key", "role"], name="grant_by_scope"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "role", "scope_type", "scope_key"],
                condition=Q(until_at__isnull=True),
                name="grant_once_while_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.person}"

    @step(label=_("Give a role"), new=True, who=any_of(office, administrator, system, parent_step), form="GiveGrant")
    def give(self, *, by: Any, person: Any, email: str, name: str, **data: Any) -> None:
        """Gives a person a role. Whoever is new is added, and sets a password by mail at the first sign-in."""
        self.person = person or Person.objects.known_or_new(email, name)
        for column, value in data.items():
            setattr(self, column, value)

    @step(
        label=_("Revoke the role"),
        who=any_of(lead, administrator, parent_step),
        form="facility.workflow.input.ReasonForm",
    )
    def revoke(self, *, by: Any, reason: str) -> None:
        """Ends the role now."""
        self.until_at = clock.now()


def grant(person: Any, role: str, scope: str, key: Any, *, by: Any, programme: Any = None) -> Grant | None:
    """Gives a role unless the person has it; None then."""
    if Grant.objects.filter(person=person, role=role, scope_type=scope, scope_key=key, until_at__isnull=True).exists():
        return None
    made = Grant()
    return made.perform(
        "give", by=by, person=person, role=role, scope_type=scope, scope_key=str(key), programme=programme
    )


__all__ = ["RESERVED", "Grant", "Role", "Scope", "anywhere", "grant"]
