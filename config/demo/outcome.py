"""What the demo leaves behind: the report's files, a summary of the programme of 2021, and the sign-ins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages

from advisory.action import Action
from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.project import Project, ProjectCluster
from advisory.session import SupportSession
from config.demo import facts
from config.demo.act_call import manager
from config.demo.act_second import STAFF_ROLES
from config.demo.stage import PASSWORD, Stage
from facility.application import Application
from facility.registry.matrix import EU_MEMBERS
from facility.registry.people import Person, Token
from reporting.evidence import cells_with_evidence
from webinars.webinar import Webinar


def write(stage: Stage, folder: Path, mark: str) -> None:
    """Writes final-report.*, access.json and, last of all, summary.json."""
    report = stage.kept["report"]
    files = list(report.files.order_by("format"))
    for file in files:
        with storages["documents"].open(file.stored) as stored:
            (folder / f"final-report.{file.format}").write_bytes(stored.read())
    _json(folder / "access.json", {"base_url": settings.BASE_URL, "people": people(stage)})
    _json(folder / "summary.json", summary(stage, report, files) | {"made_from": mark})


def summary(stage: Stage, report: Any, files: list[Any]) -> dict[str, Any]:
    """The figures of the programme of 2021."""
    programme = stage.kept["programme"]
    clusters = ProjectCluster.objects.filter(project__programme=programme)
    countries = {str(country) for country in clusters.values_list("cluster__country", flat=True)}
    evidence = cells_with_evidence(programme)
    return {
        "applications": Application.objects.filter(programme=programme).count(),
        "clusters": clusters.values("cluster_id").distinct().count(),
        "cvs": CurriculumVitae.objects.filter(programme=programme).count(),
        "advisors": Advisor.objects.filter(programme=programme, state="pool").count(),
        "projects": Project.objects.filter(programme=programme).count(),
        "member_states": len(countries & EU_MEMBERS),
        "sessions": SupportSession.objects.filter(project__programme=programme, state="approved").count(),
        "webinars": Webinar.objects.filter(programme=programme, kind="synergy", state="published").count(),
        "actions": Action.objects.filter(project__programme=programme).count(),
        "cells_with_evidence": sum(entry.state != "empty" for entry in evidence.values()),
        "report": {
            "version": report.number,
            "sha256": {file.format: file.sha256 for file in files}["json"],
            "files": {file.format: file.sha256 for file in files},
        },
    }


def people(stage: Stage) -> list[dict[str, Any]]:
    """One or two of each role with something to do, and a stranger of each."""
    own, _assessing, offered = stage.kept["now"]["projects"]
    found: list[tuple[str, Person, bool]] = []
    for role in STAFF_ROLES:
        found += [(role, stage.person(who), False) for who in facts.staff(role)[:2]]
        found.append((role, Person.objects.get(email=f"stranger.{role}@example.org"), True))
    busy = (
        Assignment.objects.filter(project__in=[own, offered]).select_related("advisor__person").order_by("state", "pk")
    )
    for one in {assignment.advisor.person: None for assignment in busy}:
        found.append(("advisor", one, False))
    found.append(("advisor", _idle(stage, busy), True))
    found.append(("manager", own.managers().first(), False))
    found.append(("manager", manager(stage, "cluster-aec"), False))
    rejected = [bid for bid in facts.applications().values() if bid.path == "rejected"]
    found.append(("manager", manager(stage, rejected[-1].lead), True))
    return [
        {
            "role": role,
            "name": person.name,
            "email": person.email,
            "password": PASSWORD,
            "token": Token.make(person, "demo", days=365),
            "stranger": stranger,
        }
        for role, person, stranger in found
    ]


def _idle(stage: Stage, busy: Any) -> Person:
    """An advisor of the pool of 2021 who never had a project."""
    working = Assignment.objects.values("advisor__person_id")
    pool = Advisor.objects.filter(programme=stage.kept["programme"], state="pool").select_related("person")
    return pool.exclude(person_id__in=working).order_by("pk")[0].person


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
