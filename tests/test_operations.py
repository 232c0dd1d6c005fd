"""What operators read: is it alive, is it ready and what is degraded, and figures."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import psycopg
import pytest
from django.db import connection
from django.test import Client

from facility.workflow import clock, jobs, tasks
from facility.workflow.jobs import Job
from facility.workflow.steps import Refused
from tests.workflow import making

pytestmark = pytest.mark.django_db


def parts() -> dict[str, str]:
    return Client().get("/ready").json()["parts"]


def figures() -> dict[str, float]:
    lines = Client().get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode().splitlines()
    return {name: float(value) for name, _space, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_alive_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/live").content == b"ok"


def test_ready_says_what_is_degraded_and_people_work_on(settings):
    settings.EMBEDDER_SOCKET = "/nowhere/embedder.sock"
    answer = Client().get("/ready")
    said = answer.json()
    assert answer.status_code == 200 and said["ready"]
    assert said["parts"]["relay"] == "away: jobs, clocks and mail wait"
    assert said["parts"]["embedder"] == "away: search goes by words alone"
    assert {"relay", "embedder"} <= set(said["degraded"]) and "database" not in said["degraded"]


def test_ready_sees_a_relay_at_work():
    given = {name: value for name, value in connection.get_connection_params().items() if name in psycopg_names()}
    with psycopg.connect(**given) as relay:
        relay.execute("SELECT pg_advisory_lock(%s)", [tasks.TICKS])
        assert parts()["relay"] == "ok"
    assert parts()["relay"] != "ok"


def psycopg_names() -> set[str]:
    return {"host", "port", "dbname", "user", "password"}


def test_ready_says_for_how_long_work_has_waited():
    assert parts()["worker"] == "ok"
    errand = making.errand(*making.people())
    Job.about(errand, "tests.thank", due_at=clock.now() - dt.timedelta(minutes=5)).save()
    assert re.fullmatch(r"behind: the oldest job has waited for 30\d seconds", parts()["worker"])


def test_a_job_planned_for_later_is_not_late():
    errand = making.errand(*making.people())
    Job.about(errand, "tests.thank", due_at=clock.now() + dt.timedelta(days=5)).save()
    assert parts()["worker"] == "ok" and figures()["facility_jobs_oldest_seconds"] == 0


def test_figures_tell_of_waiting_parked_and_late_work():
    errand = making.errand(*making.people())
    Job.about(errand, "tests.thank", due_at=clock.now() - dt.timedelta(minutes=2)).save()
    useless = Job.about(errand, "tests.useless", due_at=clock.now() + dt.timedelta(days=1))
    useless.save()
    jobs.run(str(useless.pk))
    clock.Timer.objects.update(next_at=clock.now() - dt.timedelta(minutes=2))
    found = figures()
    assert found["facility_jobs_waiting"] == found["facility_jobs_parked"] == found["facility_timers_late"] == 1
    assert 120 <= found["facility_jobs_oldest_seconds"] < 130


def test_figures_count_refusals_by_kind(settings):
    own = settings.CACHES["default"] | {"KEY_PREFIX": uuid.uuid4().hex}  # others count in the same server
    settings.CACHES = {"default": own}
    giver, runner = making.people()
    errand = making.errand(giver, runner, "walk in the rain")
    for by, step in ((runner, "begin"), (giver, "begin"), (giver, "edit"), (making.people()[0], "begin")):
        with pytest.raises(Refused):
            errand.perform(step, by=by)
    found = {name: value for name, value in figures().items() if "refusals" in name and value}
    assert found == {
        'facility_refusals_total{kind="Blocked"}': 1,
        'facility_refusals_total{kind="NotAllowed"}': 1,
        'facility_refusals_total{kind="Invalid"}': 1,
        'facility_refusals_total{kind="NotFound"}': 1,
    }
