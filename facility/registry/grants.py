"""Grants: which person holds which role, and for what."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.registry.people import Person, Token
from facility.roles import (
    administrator,
    any_of,
    anywhere,
    held,
    in_force,
    lead,
    leads_of,
    observer,
    office,
    parent_step,
    system,
    who,
)
from facility.workflow import clock, door, roles
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import SYSTEM, guard, step

own_grant = who("holder", lambda person: Q(person=person))
# The managers of a cluster among each other.
fellow = who(
    "fellow manager",
    lambda person: Q(role="manager", scope_type="cluster", scope_key__in=held(person, "manager", scope="cluster")),
    "manager",
)


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


# Roles whose holders sign in with a second factor.
WITH_SECOND_FACTOR = {Role.LEAD, Role.COORDINATOR, Role.EVALUATOR}
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
    faces = Faces(any_of(office, observer, administrator), participant=any_of(own_grant, fellow))
    door_related = ("person",)

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

    @guard(_("The role has ended."))
    def is_in_force(self) -> bool:
        """Whether the role has not been revoked."""
        return self.until_at is None or self.until_at > clock.now()

    @guard(_("This person can sign in already; whoever forgot the password gets a new one at the sign-in."))
    def is_new_here(self) -> bool:
        """Whether the person has never set up a way to sign in."""
        return not self.person.can_sign_in()

    @guard(_("No e-mail address of this person is known."))
    def has_address(self) -> bool:
        """Whether there is an address to write to."""
        return bool(self.person.email)

    def is_last_holder(self) -> bool:
        """Whether nobody else who can come in holds the same role for the same thing."""
        others = in_force().filter(role=self.role, scope_type=self.scope_type, scope_key=self.scope_key)
        return not others.exclude(person=self.person_id).filter(person__is_active=True).exists()

    @step(
        label=_("Give a role"),
        new=True,
        who=any_of(office, administrator, fellow, system, parent_step),
        form="GiveGrant",
    )
    def give(self, *, by: Any, person: Any, email: str, name: str, **data: Any) -> None:
        """Gives a person a role. Whoever is new is added, and gets a link by mail to set up their sign-in."""
        self.person = person or Person.objects.known_or_new(email, name)
        for column, value in data.items():
            setattr(self, column, value)
        self.changes_what_may_be_done(self.role in WITH_SECOND_FACTOR)
        # Candidates are only read about; they are invited once they are admitted.
        is_invited = by is not SYSTEM and self.scope_type != Scope.ADVISOR
        if is_invited and self.has_address() and self.is_new_here():
            self.queue("facility.invite")

    @step(
        label=_("Send the sign-in link again"),
        who=any_of(office, administrator, fellow),
        guards=[is_in_force, has_address, is_new_here],
    )
    def invite(self, *, by: Any) -> None:
        """Sends a new link to set up the sign-in; the one before it ends."""
        self.queue("facility.invite")

    @step(
        label=_("Revoke the role"),
        who=any_of(lead, administrator, fellow, parent_step),
        form="RevokeGrant",
    )
    def revoke(self, *, by: Any, reason: str) -> None:
        """Ends the role now, and with it the person's sessions. Managers of a cluster end each other's access."""
        self.until_at = clock.now()
        self.changes_what_may_be_done(False)

    def after_step(self, name: str, *, by: Any) -> None:
        """From here on the request knows the new roles."""
        roles.forget()

    def overseers(self) -> list[Any]:
        """The lead coordinators, where it belongs to a programme."""
        return list(leads_of(self.programme_id)) if self.programme_id else []

    def changes_what_may_be_done(self, ends_tokens: bool) -> None:
        """Ends the person's sessions, unless the grant only follows from a step of another record.

        Whoever accepts an evaluation gets the grant for it on the way, and stays signed in. Tokens made before a role
        with a second factor may have been made without one.
        """
        passage = door.current()
        if passage is None or passage.outer is not None:
            return
        self.person.end_sessions()
        if ends_tokens:
            Token.revoke(person=self.person)


def grant(person: Any, role: str, scope: str, key: Any, *, by: Any, programme: Any = None) -> Grant | None:
    """Gives a role unless the person has it; None then."""
    if Grant.objects.filter(person=person, role=role, scope_type=scope, scope_key=key, until_at__isnull=True).exists():
        return None
    made = Grant().perform(
        "give", by=by, person=person, role=role, scope_type=scope, scope_key=str(key), programme=programme
    )
    if door.current() is None:
        person.refresh_from_db(fields=["sessions_ended"])
    return made


__all__ = ["RESERVED", "WITH_SECOND_FACTOR", "Grant", "Role", "Scope", "anywhere", "grant"]
