"""Webinars, topics and the people of their programmes, made through the door."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from advisory.project import Project
from facility.registry.grants import grant
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.workflow import jobs
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM
from tests import factories as make
from webinars.topic import Topic
from webinars.webinar import Webinar

SAMPLES = Path(__file__).parent / "samples"
AGENDA = [
    {"element": "expert_presentation", "title": "What a canvas costs", "speaker": "A. Expert", "minutes": 30},
    {"element": "experience_sharing", "title": "Two clusters tell", "speaker": "", "minutes": 30},
    {"element": "participant_session", "title": "Tables on pricing", "speaker": "", "minutes": 40},
]


@dataclass
class House:
    """A programme with its office and one project."""

    programme: Programme
    lead: Person
    coordinator: Person
    evaluator: Person
    project: Project
    manager: Person
    advisor: Person


def house() -> House:
    """A programme with one open project, its cluster manager and its advisor."""
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator, places=1)
    application = make.evaluated(call, coordinator, evaluator)
    call.perform("close", by=SYSTEM) if False else None
    make_closed(call, application, coordinator, lead)
    today = timezone.now().date()
    project = Project().perform(
        "open",
        by=coordinator,
        application=application,
        starts_on=today,
        ends_on=today + dt.timedelta(days=100),
        days_budget=20,
        firms_targeted=5,
    )
    manager = project.managers().get()
    return House(programme, lead, coordinator, evaluator, project, manager, joins(project, "advisor"))
