"""The log: JSON lines that join request, person, record and job, and hold no personal data."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from django.db import transaction
from django.test import Client

from facility.workflow import jobs, tasks
from facility.workflow.jobs import Job
from tests.workflow import making

# A step is told when it is committed.
pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def lines(settings):
    """The lines of the log as JSON, as they would stand on standard error."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    given = {name: value for name, value in settings.LOGGING["formatters"]["json"].items() if name != "()"}
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**given))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_log_lines_join_request_person_record_and_job(lines):
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    client = Client()
    client.force_login(runner)
    for step in ("begin", "finish"):
        answer = client.post(f"/api/errands/{errand.pk}/perform/{step}/", "{}", content_type="application/json")
        assert answer.status_code == 200
    job = Job.objects.get(record_id=errand.pk)
    jobs.run(str(job.pk))
    found = lines()
    finished = next(line for line in found if line.get("step") == "tests.errand.finish")
    assert (finished["record_id"], finished["person_id"]) == (str(errand.pk), str(runner.pk))
    assert finished["request_id"] == answer["X-Request-Id"]
    asked = next(line for line in found if line["event"] == "request" and line["request_id"] == answer["X-Request-Id"])
    assert (asked["status"], asked["person_id"], asked["method"]) == (200, str(runner.pk), "POST")
    thanked = next(line for line in found if line.get("step") == "tests.errand.thank")
    assert (thanked["job_id"], thanked["person_id"]) == (str(job.pk), "system")


def test_no_personal_data_stands_in_the_log(lines):
    giver, runner = making.people()
    errand = making.errand(giver, runner, "secret words of Giver")
    client = Client()
    client.force_login(giver)
    client.get(f"/workspace/search/?q={runner.email}")
    client.post(f"/workspace/errands/{errand.pk}/edit/", {"what": "x" * 200, "_version": errand.version})
    client.post("/accounts/login/", {"login": giver.email, "password": "wrong"})
    client.get("/c/a-secret-code/")
    tasks.mail()
    said = json.dumps(lines(), ensure_ascii=False)
    assert lines()
    for private in (giver.email, runner.email, giver.name, runner.name, "secret words", "a-secret-code", "wrong"):
        assert private not in said, private


def test_a_step_that_was_undone_with_another_is_not_told(lines):
    errand = making.errand(*making.people())
    with transaction.atomic():
        errand.perform("begin", by=errand.runner)
        transaction.set_rollback(True)
    assert not [line for line in lines() if line.get("step") == "tests.errand.begin"]
