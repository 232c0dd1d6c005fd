"""Act two: more than 300 CVs as files, read, confirmed, and the pool of advisors chosen out of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae
from config.demo import facts
from config.demo.act_call import coordinator, expect
from config.demo.cv_files import make_cvs
from config.demo.stage import Stage
from facility.workflow.engine import perform_many

POOL = 72
INTAKE = dt.date(2021, 3, 15)


def play(stage: Stage) -> None:
    """From the first CV in March 2021 to a pool in May."""
    folder = settings.DATA_ROOT / "demo" / "cvs"
    people = make_cvs(folder)
    stage.say(f"{len(people)} CV files are written")
    hand_in(stage, folder, people)
    confirm(stage, people)
    choose(stage, people)


def hand_in(stage: Stage, folder: Path, people: list[dict[str, Any]]) -> None:
    """Each file through the upload that people use; the worker reads it."""
    for at, one in enumerate(people):
        stage.on(INTAKE + dt.timedelta(days=at % 26), 8 + at % 10, at % 60)
        file = SimpleUploadedFile(one["file"], (folder / one["file"]).read_bytes())
        made = CurriculumVitae()
        made.perform(
            "receive", by=coordinator(stage, one["file"]), programme=stage.kept["programme"], files={"file": file}
        )
        one["cv"] = made.pk
    stage.on("2021-04-12", 18)
    stage.settle()
    read = CurriculumVitae.objects.filter(programme=stage.kept["programme"])
    stage.say(f"{read.count()} CVs are read, {read.filter(state='incomplete').count()} of them incomplete")


def confirm(stage: Stage, people: list[dict[str, Any]]) -> None:
    """A coordinator looks at what was read and confirms it; incomplete ones wait for a person to fill them."""
    for at, one in enumerate(people):
        stage.on(dt.date(2021, 4, 13) + dt.timedelta(days=at % 10), 9 + at % 8, at % 60)
        cv = CurriculumVitae.objects.get(pk=one["cv"])
        if cv.state != CurriculumVitae.State.READ:
            continue
        who = coordinator(stage, one["file"])
        cv.perform("confirm", by=who, entries=as_read(cv, who), kind=one["kind"])
    stage.say("The CVs are confirmed; their passages are being indexed")


def as_read(cv: CurriculumVitae, by: Any) -> list[dict[str, str]]:
    """The lines of the confirmation page as the reader filled them."""
    form: Any = cv.form_for(cv.step("confirm"), by=by)
    return form.initial["entries"]


def choose(stage: Stage, people: list[dict[str, Any]]) -> None:
    """Shortlisted, with consent and declared interests, admitted; all others declined with a reason."""
    candidates = Advisor.objects.filter(programme=stage.kept["programme"], state="candidate").select_related("person")
    order = sorted(candidates, key=lambda one: facts.draw(f"pool {one.person.email}", 10**9))
    pool, rest = order[:POOL], order[POOL:]
    who = coordinator(stage)
    stage.on("2021-05-05")
    perform_many(pool, "shortlist", by=who)
    stage.on("2021-05-12")
    perform_many(rest, "decline", by=who, reason="Other profiles fit the selected projects better.")
    for at, one in enumerate(pool):
        stage.on(dt.date(2021, 5, 6) + dt.timedelta(days=at % 6), 11, at % 60)
        one.perform("declare_interests", by=who, consent=True, interests="None.", clusters=[])
        one.perform("edit", by=who, **_with_capacity(one, 2))
    stage.on("2021-05-14")
    perform_many(pool, "admit", by=who)
    stage.settle()
    for one in pool:
        stage.people[str(one.person.email)] = one.person
        one.person.password = stage.hash
        one.person.is_demo = True
        one.person.save(update_fields=["password", "is_demo"])
    expect(len(pool) == POOL, f"Only {len(pool)} advisors stand in the pool.")
    stage.say(f"{POOL} advisors are in the pool, {len(rest)} were declined")


def _with_capacity(one: Advisor, capacity: int) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "areas": one.areas,
        "languages": one.languages,
        "countries": one.countries,
        "capacity": capacity,
    }
