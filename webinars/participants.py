"""Who takes part in a programme, and whom a webinar is for: its audience as a rule, or people chosen by name (F23)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet

from advisory.advisor import Advisor
from advisory.project import Project
from facility.application import Application
from facility.registry.people import Person
from facility.roles import held, in_force
from facility.workflow.steps import who

OF_A_PROJECT = ("advisor", "manager")
ANNOUNCED = ("announced", "closed", "live", "held", "documented", "published", "cancelled")


def of_programmes(person: Any, path: str = "programme_id") -> Q:
    """Rows whose programme, at `path`, has the person as an advisor or on one of its projects."""
    projects = Project.objects.filter(pk__in=held(person, *OF_A_PROJECT, scope="project"))
    return Q(**{f"{path}__in": held(person, "advisor")}) | Q(**{f"{path}__in": projects.values("programme_id")})


def people_involved(programme_id: Any) -> QuerySet[Person]:
    """Advisors with a running assignment and managers of clusters in projects: those whom a webinar is offered to."""
    projects = Project.objects.filter(programme_id=programme_id).values("pk")
    grants = in_force().filter(role__in=OF_A_PROJECT, scope_type="project", scope_key__in=projects)
    return Person.objects.filter(pk__in=grants.values("person_id"), is_active=True).order_by("pk")


def managers_of(applications: QuerySet[Application]) -> Q:
    """The people who manage a cluster that leads one of the applications or is a partner in it."""
    there = applications.order_by()
    clusters = Q(scope_key__in=there.values("lead_cluster_id")) | Q(scope_key__in=there.values("partners__cluster_id"))
    grants = in_force().filter(clusters, role="manager", scope_type="cluster")
    return Q(pk__in=grants.values("person_id"))


def audience_of(event: Any) -> QuerySet[Person]:
    """Whom an event invites, as its rule names them now, with those chosen by name; each once."""
    chosen = Q(pk__in=event.guests.values("person_id"))
    applications = Application.objects.filter(call_id=event.call_id)
    rules = {
        "involved": lambda: Q(pk__in=people_involved(event.programme_id).values("pk")),
        "applicants": lambda: managers_of(applications.exclude(state="withdrawn")),
        "selected": lambda: managers_of(applications.filter(state="selected")),
        "pool": lambda: Q(
            pk__in=Advisor.objects.filter(programme_id=event.programme_id, state="pool").values("person_id")
        ),
        "chosen": lambda: chosen,
    }
    return Person.objects.filter(rules[event.audience]() | chosen, is_active=True).order_by("pk")


def people_known_to(person: Any) -> QuerySet[Person]:
    """Whom the office may choose by name: who has a role in its programmes, and managers of clusters that applied."""
    programmes = held(person, "lead", "coordinator")
    grants = in_force().filter(programme_id__in=programmes)
    managers = managers_of(Application.objects.filter(programme_id__in=programmes))
    return Person.objects.filter(managers | Q(pk__in=grants.values("person_id")), is_active=True).order_by("sort_name")


participant = who("participant of the programme", of_programmes, *OF_A_PROJECT)
invited = who(
    "invited",
    lambda person: Q(pk__in=apps.get_model("webinars.Registration").objects.filter(person=person).values("webinar_id")),
    *OF_A_PROJECT,
    by_record=True,
)
to_everybody = who("public", lambda person: Q(state="published") | Q(kind="information", state__in=ANNOUNCED))
