"""Webinars, topics and the people of their programmes, made through the door."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import time_machine
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
from webinars.registration import Registration
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
    """A programme with its office, one project, its cluster manager and its advisor."""

    programme: Programme
    lead: Person
    coordinator: Person
    project: Project
    manager: Person
    advisor: Person


def house() -> House:
    """A programme that selected its one application a month ago and opened the project."""
    start = timezone.now()
    with time_machine.travel(start - dt.timedelta(days=60)):
        programme = make.programme()
        lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
        call = make.call(programme, coordinator, places=1)
        application = make.evaluated(call, coordinator, evaluator)
    with time_machine.travel(start - dt.timedelta(days=30)):
        call.perform("close", by=SYSTEM)
        make.released(call, coordinator, lead)
        application.refresh_from_db()
        terms = {"starts_on": "2021-03-01", "ends_on": "2021-12-31", "days_budget": 20, "firms_targeted": 5}
        project = Project().perform("open", by=coordinator, application=application, **terms)
    return House(programme, lead, coordinator, project, project.managers().get(), joins(project))


def joins(project: Project, role: str = "advisor", person: Person | None = None, **fields: Any) -> Person:
    """Somebody, a new person unless given, who works on a project from now on."""
    person = person or make.person()
    for name, value in fields.items():
        setattr(person, name, value)
    person.save()
    grant(person, role, "project", project.pk, by=SYSTEM, programme=project.programme)
    return person


def webinar(of: House, order: int = 1, **fields: Any) -> Webinar:
    """A draft with its three elements, in a week."""
    starts = (timezone.now() + dt.timedelta(days=7)).replace(microsecond=0)
    values = {
        "programme": of.programme,
        "order": order,
        "title_text": f"Webinar {order}",
        "starts_at": starts,
        "ends_at": starts + dt.timedelta(hours=2),
        "zone": "Europe/Brussels",
        "agenda": AGENDA,
    }
    return Webinar().perform("create", by=of.coordinator, **(values | fields))


def run_jobs(name: str = "webinars.invite") -> list[str]:
    """Runs the jobs of this name that are due, and answers what became of each."""
    due = Job.objects.filter(name=name, state="waiting", due_at__lte=timezone.now()).order_by("due_at")
    return [jobs.run(str(one.pk)) for one in due]


def announced(of: House, order: int = 1, **fields: Any) -> Webinar:
    """An announced webinar whose invitations are out."""
    made = webinar(of, order, **fields)
    made.perform("announce", by=of.coordinator)
    run_jobs()
    return made


def registration(one: Webinar, person: Person) -> Registration:
    """A person's registration as it is now."""
    return Registration.objects.get(webinar=one, person=person)


def registered(one: Webinar, person: Person) -> Registration:
    """A person's registration, taken up."""
    made = registration(one, person)
    made.perform("register", by=person)
    return made


def hold(one: Webinar, by: Person) -> Webinar:
    """From announced to held."""
    for step in ("close_registration", "start", "end"):
        one.perform(step, by=by)
    return one


def table(*rows: tuple[str, str, int], name: str = "attendance.csv") -> SimpleUploadedFile:
    """A plain attendance table."""
    lines = ["name,email,minutes", *(f"{person},{email},{minutes}" for person, email, minutes in rows)]
    return SimpleUploadedFile(name, "\n".join(lines).encode())


def sample(name: str) -> SimpleUploadedFile:
    """One of the platforms' own reports."""
    return SimpleUploadedFile(name, (SAMPLES / name).read_bytes())


def topic(of: House, by: Person, title: str, *voters: Person) -> Topic:
    """A topic with votes."""
    made = Topic().perform("propose", by=by, programme=of.programme, title_text=title, text="")
    for voter in voters:
        made.perform("vote", by=voter)
    return made
