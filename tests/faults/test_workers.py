"""Jobs outlive their workers: none is lost, none is done twice, and one that kills its worker is set aside."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from facility.workflow import jobs, trail
from facility.workflow.engine import all_records, perform_many
from facility.workflow.jobs import Job
from tests import factories as make
from tests.errands.models import Errand, Stop
from tests.faults.plant import Plant, amount, script, until
from tests.journeys.browsing import Visitor
from tests.workflow import making

pytestmark = pytest.mark.faults
JOBS, KILLS, WIPES, RELAY_KILLS, DRAINED = 10_000, 50, 5, 5, 120
BELLS = 20
# Celery alone: each job is sent once, and the broker is all that knows of it.
SENT_ONCE = """
from facility.workflow import tasks
from facility.workflow.jobs import Job
for key, queue in Job.objects.values_list("pk", "queue"):
    assert tasks.send(str(key), queue)
"""
WORKER = """
from config.celery import app
app.worker_main(["worker", "--queues", "default", "--concurrency", "2", "--without-gossip", "--without-mingle"])
"""
WITHOUT_LOCK = script("from facility.workflow import jobs\njobs._lock = lambda job_id: True" + WORKER)
WITHOUT_LIMIT = script("from facility.workflow import jobs\njobs.TRIES = 1000" + WORKER)
# PostgreSQL shows the 64 bits of an advisory lock as two halves.
LOCKS_OF_JOBS = """l.locktype = 'advisory' AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(workflow_job.id::text, 0)"""


def running(number: int) -> list[Errand]:
    """So many errands on their way."""
    giver, runner = making.people()
    given = perform_many([Errand() for _ in range(number)], "give", by=giver, runner=runner, what="bread", stops=[])
    return perform_many(given, "begin", by=runner)


def fill(errands: list[Errand], number: int, name: str = "tests.stop", **args: Any) -> list[Job]:
    """So many jobs, about one errand after the other."""
    return Job.objects.bulk_create(Job.about(errands[at % len(errands)], name, **args) for at in range(number))


def lost_and_doubled() -> tuple[int, int]:
    """Jobs without their effect, and effects beyond the first, counted in rows and in the trail alike."""
    wanted = {str(key) for key in Job.objects.values_list("pk", flat=True)}
    rows = Counter(Stop.objects.values_list("place", flat=True))
    entries = Counter(trail.Detail.objects.filter(entry__step="stop").values_list("changes__stop__1", flat=True))
    assert rows == entries
    assert set(rows) <= wanted
    return len(wanted - set(rows)), sum(rows.values()) - len(rows)


def done() -> int:
    return Job.objects.filter(state=Job.State.DONE).count()


def is_drained() -> bool:
    return not Job.objects.filter(state__in=[Job.State.WAITING, Job.State.RUNNING]).exists()


def again(plant: Plant, name: str) -> None:
    """Killed, and started anew as whatever watches over it does."""
    plant.kill(name)
    plant.start(name)


def test_no_job_is_lost_and_no_effect_doubled_while_workers_relay_and_broker_fail(processes, figure):
    choose, kills = random.Random(7), amount(KILLS)
    errands = running(amount(500))
    (caught,) = fill(errands, 1, "tests.stop_slowly", seconds=0.3)
    wipes = set(choose.sample(range(kills), max(1, amount(WIPES))))
    relay_kills = set(choose.sample(range(kills), max(1, amount(RELAY_KILLS))))
    processes.start("relay")
    processes.start("worker")
    began = time.monotonic()
    for kill in range(kills):
        fill(errands, amount(JOBS) // kills)
        if kill == 0:
            until(lambda: Job.objects.get(pk=caught.pk).state == Job.State.RUNNING, 60, 0.01)
        else:  # some die while they start, others in the middle of their work; all in all they get it done
            enough = done() + choose.randint(0, 2 * amount(JOBS) // kills)
            until(lambda: done() >= enough or is_drained(), 300)  # noqa: B023
        again(processes, "worker")
        if kill in wipes:
            processes.broker.wipe()
        if kill in relay_kills:
            again(processes, "relay")
    left = Job.objects.exclude(state=Job.State.DONE).count()
    drained = until(is_drained, 600, 0.1)
    took = time.monotonic() - began
    lost, doubled = lost_and_doubled()
    parked = Job.objects.filter(state=Job.State.PARKED).count()
    tried = Job.objects.filter(attempts__gt=1).count()
    figure(f"jobs lost of {Job.objects.count()}, {kills} kills, {len(wipes)} wipes", lost, "0", met=lost == 0)
    figure("effects doubled", doubled, "0", met=doubled == 0)
    figure("jobs killed in the middle and done at a later try", tried, "more than 0")
    figure("jobs parked wrongly", parked, "0", met=parked == 0)
    figure(f"drained after the last kill ({left} left)", round(drained, 1), f"{DRAINED} s", "s", drained <= DRAINED)
    figure("jobs a second under kills", round(Job.objects.count() / took, 1), "-", "/s")
    assert (lost, doubled, parked) == (0, 0, 0)
    assert Job.objects.get(pk=caught.pk).attempts > 1
    assert trail.verify(all_records()) == []


def test_jobs_a_second_without_faults(processes, figure):
    fill(running(amount(500)), amount(5000))
    processes.start("relay")
    processes.start("worker")
    until(done, 60)
    before, began = done(), time.monotonic()
    until(is_drained, 300, 0.5)
    rate = (amount(5000) - before) / (time.monotonic() - began)
    figure("jobs a second", round(rate, 1), "-", "/s")
    assert lost_and_doubled() == (0, 0)


def test_control_celery_alone_loses_jobs(processes, figure):
    """With nothing to ring again, what the broker or a killed worker held is gone."""
    fill(running(10), 300)
    processes.start("worker")
    processes.start("send", script(SENT_ONCE)).wait()
    until(lambda: done() > 20, 60)
    again(processes, "worker")
    until(lambda: done() > 60, 60)
    processes.broker.wipe()
    until(lambda: processes.broker.holds() == 0, 60)
    processes.kill("worker")
    lost, doubled = lost_and_doubled()
    figure("control: jobs lost of 300 by Celery alone, 1 kill, 1 wipe", lost, "more than 0", met=lost > 0)
    assert lost > 0
    assert doubled == 0


def test_control_an_effect_that_is_committed_apart_is_doubled(processes):
    """What keeps effects single is that they are committed with the job's being done."""
    fill(running(10), 10, "tests.stop_and_die")
    processes.start("relay")
    processes.start("worker")
    until(is_drained, 120)
    assert lost_and_doubled() == (0, 10)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control_without_the_lock"])
def test_a_job_rung_for_again_and_again_while_it_runs_is_run_once(processes, guarded):
    fill(running(1), 1, "tests.slow_stop", seconds=10)
    processes.start("worker", "" if guarded else WITHOUT_LOCK)
    processes.start("send", script(SENT_ONCE * BELLS)).wait()
    until(lambda: Job.objects.filter(state=Job.State.RUNNING).exists(), 30)
    until(is_drained, 60)
    _lost, doubled = lost_and_doubled()
    assert (doubled == 0) == guarded
    assert (Job.objects.get().attempts == 1) == guarded


def test_a_worker_that_has_lost_its_lock_changes_nothing_any_more(processes):
    """The database ends the connection of a run; another worker takes the job over, and the first wakes up too late."""
    fill(running(1), 1, "tests.slow_stop", seconds=4)
    processes.start("relay")
    processes.start("worker")
    until(lambda: Job.objects.filter(state=Job.State.RUNNING).exists(), 30)
    time.sleep(1)
    first = Job.objects.get().holder
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(l.pid) FROM pg_locks l, workflow_job WHERE {LOCKS_OF_JOBS}")
        assert cursor.rowcount == 1
    until(lambda: Job.objects.exclude(holder=first).exists(), 10)
    until(is_drained, 30)
    done = Job.objects.get()
    assert (done.state, done.attempts) == ("done", 2)
    time.sleep(4)
    assert Job.objects.get().done_at == done.done_at


def test_a_job_that_kills_its_worker_is_parked_after_three_tries_and_the_queue_goes_on(processes, figure):
    programme = make.programme()
    lead, coordinator = make.staff("lead", programme), make.staff("coordinator", programme)
    call = make.call(programme, coordinator, open_now=False)
    poison = Job.about(call, "tests.die")
    poison.save()
    fill(running(10), amount(500))
    processes.start("relay")
    processes.start("worker")
    took = until(lambda: Job.objects.filter(state=Job.State.PARKED).exists(), 60)
    until(is_drained, 120)
    poison.refresh_from_db()
    figure("poison is parked after", poison.attempts, "3 tries", "tries", poison.attempts == 3)
    figure("poison is parked within", round(took, 1), "60 s", "s")
    assert (poison.state, poison.attempts, poison.reason) == ("parked", 3, "The worker was lost while it ran.")
    assert done() == amount(500)
    assert Job.objects.filter(attempts__gt=1).exclude(pk=poison.pk).count() == 0
    assert trail.Notice.objects.filter(to=lead, record_id=call.pk).count() == 1
    for person in (lead, coordinator):
        assert "The worker was lost while it ran." in Visitor(person).read("/workspace/jobs/").said()


def test_a_job_that_comes_on_a_little_and_kills_its_worker_there_each_time_is_parked(processes):
    """Only what goes beyond the last try counts as progress."""
    Job.about(running(1)[0], "tests.die_late").save()
    processes.start("relay")
    processes.start("worker")
    until(is_drained, 60)
    poison = Job.objects.get()
    assert (poison.state, poison.progress) == ("parked", 2)


def test_control_without_the_limit_poison_goes_on_killing(processes):
    Job.about(running(1)[0], "tests.die").save()
    processes.start("relay")
    processes.start("worker", WITHOUT_LIMIT)
    until(lambda: Job.objects.get().attempts > jobs.TRIES + 2, 60)
    assert Job.objects.get().state != Job.State.PARKED
