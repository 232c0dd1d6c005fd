"""Who may: one predicate per kind of person, each a Q over grants, so that lists, doors and inboxes say the same."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Exists, Q, QuerySet

from facility.workflow import clock
from facility.workflow.roles import are_kept
from facility.workflow.steps import EVERYBODY, NOBODY, Who, any_of, parent_step, system, who


def in_force() -> QuerySet:
    """The grants that hold now."""
    instant = clock.now()
    grants = apps.get_model("facility", "Grant").objects
    return grants.filter(Q(until_at__isnull=True) | Q(until_at__gt=instant), from_at__lte=instant)


def held(person: Any, *roles: str, scope: str = "programme") -> Any:
    """The keys of the programmes (clusters, projects, …) for which the person holds one of the roles.

    To be iterated, asked whether there are any, or given to `…__in`: a list in a request, else a query.
    """
    if are_kept() and getattr(person, "pk", None):
        mine = person.grants_held()
        return sorted({key for role, type_, key in mine if role in roles and type_ == scope})
    found = in_force().filter(person=person, role__in=roles, scope_type=scope)
    return found.values_list("scope_key", flat=True)


def holders(*roles: str, scope: str, key: Any) -> QuerySet:
    """The people who hold one of the roles for something, in a stable order."""
    return holders_of_any(*roles, scope=scope, keys=[key])


def holders_of_any(*roles: str, scope: str, keys: Any) -> QuerySet:
    """The people who hold one of the roles for any of several things; `keys` may be a query."""
    found = in_force().filter(role__in=roles, scope_type=scope, scope_key__in=keys)
    return apps.get_model("facility", "Person").objects.filter(pk__in=found.values("person_id")).order_by("pk")


def staff_of(programme_id: Any) -> QuerySet:
    """Lead and coordinators of a programme."""
    return holders("lead", "coordinator", scope="programme", key=programme_id)


def leads_of(programme_id: Any) -> QuerySet:
    """The lead coordinators of a programme."""
    return holders("lead", scope="programme", key=programme_id)


def in_programme(name: str, role: str, path: str = "programme_id") -> Who:
    """Holds the role for the programme that the record belongs to."""
    return who(name, lambda person: Q(**{f"{path}__in": held(person, role)}), role)


def anywhere(role: str) -> Who:
    """Holds the role for something, whatever it is: for records that belong to no programme."""

    def rule(person: Any) -> Q:
        if are_kept():
            return EVERYBODY if role in person.roles_held() else NOBODY
        return Q(Exists(in_force().filter(person=person, role=role)))

    return who(f"any {role}", rule, role)


def manager_of(path: str) -> Who:
    """Manages the cluster that the path leads to."""
    return who("own manager", lambda person: Q(**{f"{path}__in": held(person, "manager", scope="cluster")}), "manager")


lead = in_programme("lead", "lead")
coordinator = in_programme("coordinator", "coordinator")
observer = in_programme("observer", "observer")
administrator = in_programme("administrator", "administrator")
office = any_of(lead, coordinator)
readers = any_of(lead, coordinator, observer)
any_office = any_of(anywhere("lead"), anywhere("coordinator"))
any_reader = any_of(any_office, anywhere("observer"))
signed_in = who("anybody signed in", lambda person: EVERYBODY)
public = who("public", lambda person: EVERYBODY)


def public_when(**conditions: Any) -> Who:
    """Everybody, also without signing in, for rows that meet the conditions."""
    return who("public", lambda person: Q(**conditions))


__all__ = [
    "administrator",
    "any_of",
    "any_office",
    "any_reader",
    "anywhere",
    "coordinator",
    "held",
    "holders",
    "holders_of_any",
    "in_force",
    "in_programme",
    "lead",
    "leads_of",
    "manager_of",
    "observer",
    "office",
    "parent_step",
    "public",
    "public_when",
    "readers",
    "signed_in",
    "staff_of",
    "system",
    "who",
]
