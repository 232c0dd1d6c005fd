"""Who speaks on a project: its advisors, the managers of its clusters, and the coordinators (F13)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.registry.conflicts import tied_clusters
from facility.roles import held, in_force, who
from facility.workflow.steps import Who

VOICES = [("advisor", _("Advisor")), ("manager", _("Cluster manager")), ("coordinator", _("Coordinator"))]
REASON = "facility.workflow.input.ReasonForm"


def advisor_on(path: str = "project_id") -> Who:
    """Advises the project that the path leads to, by an assignment that was started."""
    return who("own advisor", lambda person: Q(**{f"{path}__in": held(person, "advisor", scope="project")}), "advisor")


def untied_advisor_on(path: str = "project_id") -> Who:
    """The same, while no interest of theirs touches a cluster of the project: for who reads. Decided each time."""
    return untied(advisor_on(path), path)


def untied(advisor: Who, path: str) -> Who:
    """Those of these advisors whom no interest ties to a cluster of the project that the path leads to."""

    def rule(person: Any) -> Q:
        parties = apps.get_model("advisory", "ProjectCluster").objects
        tied = parties.filter(cluster__in=tied_clusters(person).values("pk")).values("project_id")
        return advisor.rule(person) & ~Q(**{f"{path}__in": tied})

    return who(advisor.name, rule, "advisor")


def manager_on(path: str = "project_id") -> Who:
    """Manages a cluster of the project that the path leads to."""
    return who("own manager", lambda person: Q(**{f"{path}__in": held(person, "manager", scope="project")}), "manager")


def lead_manager_on(path: str) -> Who:
    """Manages the lead cluster; `path` leads to the application."""
    return who(
        "manager of the lead cluster",
        lambda person: Q(**{f"{path}__lead_cluster_id__in": held(person, "manager", scope="cluster")}),
        "manager",
    )


def signed(subject: str, voice: str, path: str = "pk") -> Q:
    """Rows of projects on which the voice has signed."""
    signatures = apps.get_model("advisory", "Signature").objects
    return Q(**{f"{path}__in": signatures.filter(subject=subject, voice=voice).values("project_id")})


def voices_of(project: Any, person: Any, *, of_lead: bool = False) -> list[str]:
    """As what a person speaks on a project, in the order advisor, manager, coordinator.

    of_lead: a manager counts only when it is the lead cluster that they manage.
    """
    clusters = project.parties.filter(is_lead=True) if of_lead else project.parties.all()
    scopes = Q(role="advisor", scope_type="project", scope_key=project.pk)
    scopes |= Q(role="manager", scope_type="cluster", scope_key__in=clusters.values("cluster_id"))
    if not of_lead:
        scopes |= Q(role="manager", scope_type="project", scope_key=project.pk)
    scopes |= Q(role__in=["lead", "coordinator"], scope_type="programme", scope_key=project.programme_id)
    roles = set(in_force().filter(scopes, person=person).values_list("role", flat=True))
    if "lead" in roles:
        roles.add("coordinator")
    return [voice for voice, _label in VOICES if voice in roles]
