"""Projects on their way, with needs, actions and sessions, made through the door like everything else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from advisory.action import Action
from advisory.needs import Need, NeedsAssessment
from advisory.project import Project
from advisory.session import SupportSession
from facility.registry.documents import Document
from facility.registry.organisation import Organisation
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as matching

CELL = "green.innovation.intelligence"


@dataclass
class Case:
    """A project with the people around it."""

    project: Project
    lead: Any
    coordinator: Any
    second: Any  # another coordinator, who approves what the first has confirmed
    manager: Any
    advisor: Any  # the record; the person is `self.adviser`
    firms: list[Organisation] = field(default_factory=list)

    @property
    def adviser(self) -> Any:
        return self.advisor.person

    @property
    def assessment(self) -> NeedsAssessment:
        return NeedsAssessment.objects.get(project=self.project)

    @property
    def voices(self) -> list[Any]:
        return [self.adviser, self.manager, self.coordinator]

    def again(self) -> Project:
        """The project as it is now."""
        self.project = Project.objects.select_related("application__lead_cluster", "programme").get(pk=self.project.pk)
        return self.project


def cases(count: int = 1, programme: Any = None, **fields: Any) -> list[Case]:
    """Opened projects of one programme, each with an advisor at work and two member firms."""
    programme = programme or make.programme()
    people = matching.office(programme)
    second = make.staff("coordinator", programme)
    made = []
    for project in matching.projects(programme, people, [fields] * count):
        advisor = matching.pooled(programme, people[1])
        matching.active(project, advisor, people[1])
        cluster = project.application.lead_cluster
        firms = [firm(cluster, size) for size in ("small", "large")]
        made.append(Case(project, people[0], people[1], second, cluster_manager(cluster), advisor, firms))
        made[-1].again()
    return made


def case(state: str = "matched", **fields: Any) -> Case:
    """One project, taken as far as asked."""
    made = cases(1, **fields)[0]
    for until, go in COURSE:
        if made.again().state == state:
            break
        go(made)
        assert made.again().state == until
    assert made.project.state == state
    return made


def cluster_manager(cluster: Any) -> Any:
    from facility.roles import holders

    return holders("manager", scope="cluster", key=cluster.pk).first()


def firm(cluster: Any, size: str = "small") -> Organisation:
    """A member firm."""
    values = {
        "name": f"Firm {next(make._counter)}",
        "kind": "firm",
        "size": size,
        "country": "ES",
        "cluster": str(cluster.pk),
    }
    return Organisation().perform("create", by=SYSTEM, **values)


def kicked_off(one: Case) -> Case:
    """The first meeting was held."""
    one.project.perform("kick_off", by=one.coordinator, held_on=timezone.now().date())
    one.again()
    return one


def need(one: Case, by: Any = None, **fields: Any) -> Need:
    """A need, named by the advisor unless asked otherwise."""
    values = {
        "project": one.project.pk,
        "area": "energy-efficiency",
        "text": f"Need {next(make._counter)}",
        "impact": 3,
        "urgency": 3,
        "feasibility": 3,
        "driver": "business",
        "start_status": "open",
        **fields,
    }
    return Need().perform("add", by=by or one.adviser, **values)


def ranks(*needs: Need) -> list[dict[str, Any]]:
    """A ranking in this order."""
    return [{"need": str(one.pk), "rank": at} for at, one in enumerate(needs, 1)]


def ranked(one: Case) -> list[Need]:
    """Two needs that all three have ranked alike."""
    needs = [need(one), need(one)]
    for voice in one.voices:
        one.assessment.perform("submit_ranking", by=voice, ranks=ranks(*needs))
    return needs


def agreed(one: Case) -> None:
    """All three have signed the order."""
    ranked(one)
    for voice in one.voices:
        one.assessment.perform("agree", by=voice)


def action(one: Case, **fields: Any) -> Action:
    """A planned action for the first need."""
    values = {
        "need": str(one.project.needs.order_by("rank").first().pk),
        "title_text": f"Action {next(make._counter)}",
        "forms": ["workshop"],
        "cells": [CELL],
        "mode": "promote_new",
        "aim": "uptake",
        "owner": str(one.adviser.pk),
        "due_on": timezone.now().date() + dt.timedelta(days=30),
        **fields,
    }
    return Action().perform("plan", by=one.adviser, **values)


def approved_plan(one: Case) -> None:
    """A plan with one action, approved."""
    action(one)
    one.project.perform("approve_plan", by=one.coordinator)


def renewed(one: Case, **fields: Any) -> None:
    """The agreement in other words, which nobody has signed."""
    agreement = one.project.agreements.get()
    values = {name: getattr(agreement, name) for name in ("targets", "days", "deliverables")}
    agreement.perform("revise", by=one.coordinator, **values | fields)


def wrapped_up(one: Case) -> None:
    """Support has ended."""
    one.project.perform("wrap_up", by=one.coordinator)


COURSE = [("assessing", kicked_off), ("planning", agreed), ("in_support", approved_plan), ("wrapping_up", wrapped_up)]


def session_values(one: Case, **fields: Any) -> dict[str, Any]:
    """A session of today with the first firm for the first need."""
    first = one.project.needs.order_by("rank", "pk").first()
    return {
        "project": str(one.project.pk),
        "held_on": timezone.now().date(),
        "form": "workshop",
        "kind": "technical",
        "audience": "members",
        "contact_hours": "3",
        "preparation_hours": "1.5",
        "people_count": 4,
        "firms": [str(one.firms[0].pk)],
        "needs": [str(first.pk)] if first else [],
        "actions": [],
        "result": "Three audits done.",
        "next_step": "Quotes for insulation.",
        **fields,
    }


def session(one: Case, state: str = "logged", **fields: Any) -> SupportSession:
    """A session, taken as far as asked: logged, confirmed or approved."""
    made = SupportSession().perform("log", by=one.adviser, **session_values(one, **fields))
    if state in {"confirmed", "approved"}:
        made.perform("confirm", by=one.manager)
    if state == "approved":
        made.perform("approve", by=one.coordinator)
    return made


def document(one: Case, name: str = "guide.txt") -> Document:
    """A document of the project."""
    file = SimpleUploadedFile(name, f"Guide {next(make._counter)}".encode())
    values = {"programme": str(one.project.programme_id), "audience": "project", "scope_key": str(one.project.pk)}
    return Document().perform("receive", by=one.adviser, files={"file": file}, **values)
