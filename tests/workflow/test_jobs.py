"""Jobs: the table is the truth; what fails is tried again, and parked with its reason."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction

from facility.workflow import jobs
from facility.workflow.jobs import Job
from facility.workflow.trail import Notice
from tests.errands.models import Errand
from tests.workflow import making

pytestmark = pytest.mark.django_db


def a_job(name: str = "tests.thank", **fields) -> Job:
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    if name == "tests.thank":
        errand.perform("begin", by=runner)
        errand.perform("finish", by=runner)
        return Job.objects.get(record_id=errand.pk)
    made = Job.about(errand, name, **fields)
    made.save()
    return made


def rung() -> list[str]:
    sent: list[str] = []

    def send(job_id: str, queue: str) -> bool:
        sent.append(job_id)
        return True

    jobs.ring(send)
    return sent


def test_a_job_is_rung_once_and_run_once():
    job = a_job()
    assert rung() == [str(job.pk)]
    assert rung() == []
    assert jobs.run(str(job.pk)) == "done"
    assert jobs.run(str(job.pk)) == "elsewhere"
    errand = Errand.objects.get(pk=job.record_id)
    assert errand.note == "thanked" and errand.version == 4


def test_what_a_broker_lost_is_rung_again():
    job = a_job()
    rung()
    Job.objects.filter(pk=job.pk).update(rung_at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10))
    assert rung() == [str(job.pk)]


def test_a_lost_worker_is_noticed_at_once():
    job = a_job()
    jobs._lock(str(job.pk))
    jobs._take(str(job.pk))
    assert rung() == []
    jobs._unlock(str(job.pk))  # as when the worker's connection ends
    assert rung() == [str(job.pk)]
    assert jobs.run(str(job.pk)) == "done"
    assert Job.objects.get(pk=job.pk).attempts == 2


def test_whoever_lost_a_job_changes_nothing_more():
    job = a_job()
    jobs._lock(str(job.pk))
    late = jobs._take(str(job.pk))
    jobs._unlock(str(job.pk))
    rung()
    now_it_runs = jobs._take(str(job.pk))
    with pytest.raises(jobs.Lost):
        late.advance(1, 2)
    jobs._finish(late)
    assert jobs._failed(late, ValueError()) == "elsewhere"
    job.refresh_from_db()
    assert (job.state, job.holder, job.progress) == ("running", now_it_runs.holder, 0)


def test_what_comes_on_is_not_counted_as_failing():
    job = a_job("tests.fail")
    for done in range(1, 6):
        taken = jobs._take(str(job.pk))
        assert taken is not None and taken.attempts <= 2
        taken.advance(done, 5)
    assert Job.objects.get(pk=job.pk).attempts == 1


def test_what_fails_at_the_same_place_again_and_again_is_parked():
    job = a_job("tests.fail")
    for _ in range(3):
        jobs._take(str(job.pk)).advance(2, 4)
    assert jobs._take(str(job.pk)) is None
    job.refresh_from_db()
    assert (job.state, job.progress) == ("parked", 2)


def test_a_long_queue_is_not_rung_for_again_and_again(monkeypatch):
    monkeypatch.setattr(jobs, "AHEAD", 3)
    job = a_job()
    Job.objects.bulk_create(Job.about(job.record(), "tests.fail") for _ in range(5))
    assert len(rung()) == 3 and rung() == []
    jobs.run(str(job.pk))
    assert len(rung()) == 1


def test_a_failing_job_is_tried_three_times_and_parked_without_personal_data():
    job = a_job("tests.fail")
    outcomes = []
    for _ in range(3):
        Job.objects.filter(pk=job.pk).update(rung_at=None)
        outcomes.append(jobs.run(str(job.pk)))
    assert outcomes == ["again", "again", "parked"]
    job.refresh_from_db()
    assert (job.state, job.reason) == ("parked", "ValueError")
    assert jobs.run(str(job.pk)) == "elsewhere"
    jobs.retry(job)
    assert rung() == [str(job.pk)]


def test_a_poison_job_that_kills_its_worker_is_parked_after_three_tries():
    job = a_job()
    for _ in range(3):
        assert jobs._take(str(job.pk)) is not None
    assert jobs.run(str(job.pk)) == "elsewhere"
    job.refresh_from_db()
    assert (job.state, job.reason) == ("parked", "The worker was lost while it ran.")
    said = Notice.objects.get(to=job.record().giver, key__startswith="Work in the background")
    assert said.text() == f"Work in the background on “{job.record()}” has stopped; please look after it."


def test_a_useless_job_is_parked_at_once_with_its_sentence():
    job = a_job("tests.useless")
    assert jobs.run(str(job.pk)) == "parked"
    job.refresh_from_db()
    assert job.reason == "The file cannot be read; hand in another."


def test_a_key_makes_a_job_the_only_one():
    job = a_job()
    twin = Job.about(job.record(), "tests.thank", key=job.key)
    with transaction.atomic():
        Job.objects.bulk_create([twin], ignore_conflicts=True)
    assert Job.objects.filter(key=job.key).count() == 1


def test_a_job_of_the_future_waits():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    Job.about(errand, "tests.thank", due_at=later).save()
    assert rung() == []


def test_a_broker_that_is_away_is_asked_again_at_once():
    job = a_job()
    assert jobs.ring(lambda job_id, queue: False) == 0
    assert rung() == [str(job.pk)]


def test_a_job_that_this_worker_does_not_know_is_parked_like_any_other():
    job = a_job("tests.fail")
    Job.objects.filter(pk=job.pk).update(name="tests.unheard_of")
    assert [jobs.run(str(job.pk)) for _ in range(3)] == ["again", "again", "parked"]
    job.refresh_from_db()
    assert (job.state, job.reason) == ("parked", "KeyError")
