"""Who takes part in a programme: its advisors and the managers of the clusters in its projects (F23)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from advisory.project import Project
from facility.registry.people import Person
from facility.roles import held, in_force
from facility.workflow.steps import who

OF_A_PROJECT = ("advisor", "manager")


def of_programmes(person: Any, path: str = "programme_id") -> Q:
    """Rows whose programme, at `path`, has the person as an advisor or on one of its projects."""
    projects = Project.objects.filter(pk__in=held(person, *OF_A_PROJECT, scope="project"))
    return Q(**{f"{path}__in": held(person, "advisor")}) | Q(**{f"{path}__in": projects.values("programme_id")})


def people_involved(programme_id: Any) -> QuerySet:
    """Advisors with a running assignment and managers of clusters in projects: those whom a webinar is offered to."""
    projects = Project.objects.filter(programme_id=programme_id).values("pk")
    grants = in_force().filter(role__in=OF_A_PROJECT, scope_type="project", scope_key__in=projects)
    return Person.objects.filter(pk__in=grants.values("person_id"), is_active=True).order_by("pk")


participant = who("participant of the programme", of_programmes, *OF_A_PROJECT)
