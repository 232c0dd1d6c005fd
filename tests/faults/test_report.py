"""A report is one artefact, complete and the same to the byte, whenever its workers are killed."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from facility.workflow.jobs import Job
from facility.workflow.trail import Entry
from reporting.cut import SECTIONS
from reporting.report import FORMATS, Report
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.faults.plant import QUICK, Plant, script, until
from tests.reporting import making

pytestmark = pytest.mark.faults
IMPATIENT = (
    "celery -A tests.faults.impatient worker --queues default,reports --concurrency 2 --without-gossip "
    "--without-mingle --loglevel info"
)
# Each file under a name of its own, so that a second run cannot find what the first has stored.
NAMED_AT_RANDOM = script("""
import uuid
from reporting import report, tasks
def keep(kind, data):
    name = report.storages["documents"].save(f"report-{uuid.uuid4()}.{kind}", report.ContentFile(data))
    return {"format": kind, "stored": name, "size": len(data), "sha256": report.hashlib.sha256(data).hexdigest()}
tasks.keep_file = keep
from config.celery import app
app.worker_main(["worker", "--queues", "reports", "--concurrency", "1", "--without-gossip", "--without-mingle"])
""")


def requested(**fields) -> Report:
    """A report on a programme with two projects."""
    programme = make.programme()
    office = [make.staff(role, programme) for role in ("lead", "coordinator", "evaluator")]
    matching.projects(programme, office, [{"country": "ES"}, {"country": "PL"}])
    return making.requested(programme, office[1], **fields)


def jobs_of(report: Report, **fields) -> list[Job]:
    return list(Job.objects.filter(record_id=report.pk, **fields).order_by("pk"))


def is_built(report: Report) -> bool:
    return Report.objects.get(pk=report.pk).state == Report.State.BUILT


def kill_at_each_job(plant: Plant, report: Report, most: int) -> int:
    """Kills the worker as soon as a job has begun that was not killed yet, until the report is built; how often."""
    killed: set[object] = set()
    began = time.monotonic()
    while not is_built(report):
        assert time.monotonic() - began < 540
        fresh = [one for one in jobs_of(report, state=Job.State.RUNNING) if one.pk not in killed]
        if fresh and len(killed) < most:
            plant.kill("worker")
            killed.add(fresh[0].pk)
            plant.start("worker")
        time.sleep(0.01)
    return len(killed)


def assert_is_whole(report: Report, folder: Path) -> None:
    """One row, one entry and one stored file of each, equal to what an undisturbed run makes from the same data."""
    built = Report.objects.get(pk=report.pk)
    assert sorted(built.parts.values_list("section", flat=True)) == sorted(report.sections)
    steps = Counter(Entry.objects.filter(record_id=report.pk).values_list("step", flat=True))
    assert steps == {"request": 1, "freeze": 1, "keep_section": len(report.sections), "build": 1}
    call_command("build_report", report=str(report.pk), formats=",".join(report.formats), out=folder / "undisturbed")
    files = {one.format: one.sha256 for one in built.files.all()}
    assert files == {
        kind: hashlib.sha256((folder / "undisturbed" / f"final-report.{kind}").read_bytes()).hexdigest()
        for kind in report.formats
    }
    assert built.has_intact_files()


def test_a_report_whose_worker_is_killed_at_every_section_is_one_and_the_same(processes, figure, tmp_path):
    processes.environment["WORKER_PROCESSES"] = "1"
    report = requested(formats=list(FORMATS))
    processes.start("relay")
    processes.start("worker")
    killed = kill_at_each_job(processes, report, 3 if QUICK else 100)
    redone = sum(one.attempts - 1 for one in jobs_of(report, name="reporting.section"))
    stored = len(list((tmp_path / "documents").iterdir()))
    figure("kills of a report's worker, one at each job", killed, f"{len(SECTIONS) + 2}")
    figure("sections redone", redone, f"at most {killed}", met=redone <= killed)
    figure("files stored", stored, f"{len(FORMATS)}", met=stored == len(FORMATS))
    assert_is_whole(report, tmp_path)
    assert redone <= killed
    assert max(one.attempts for one in jobs_of(report)) <= 2
    assert stored == len(FORMATS)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control_files_named_at_random"])
def test_a_worker_killed_after_a_file_leaves_no_second_one(processes, tmp_path, guarded):
    processes.environment["WORKER_PROCESSES"] = "1"
    report = requested(formats=["json", "pdf"], sections=["summary"])
    command = "" if guarded else NAMED_AT_RANDOM
    processes.start("relay")
    processes.start("worker", command)
    folder = tmp_path / "documents"
    until(lambda: list(folder.glob("*.json")), 60, 0.005)
    processes.kill("worker")
    assert not is_built(report)
    processes.start("worker", command)
    until(lambda: is_built(report), 60)
    assert (len(list(folder.iterdir())) == 2) == guarded


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control_without_the_lock"])
def test_a_section_that_outlasts_the_brokers_patience_is_done_once(processes, figure, tmp_path, guarded):
    if not guarded:
        processes.environment["WITHOUT_LOCK"] = "1"
    report = requested(sections=["summary", "method"])
    processes.start("relay")
    processes.start("worker", IMPATIENT)
    until(lambda: is_built(report) or most_tries(report) > 1, 120)
    assert messages_that_came_again(processes) > 0
    assert (most_tries(report) == 1) == guarded
    if guarded:
        figure("tries of a section that outlasts the broker's patience", most_tries(report), "1")
        assert_is_whole(report, tmp_path)


def messages_that_came_again(plant: Plant) -> int:
    """So many messages the worker got once more."""
    received = re.findall(r"Task workflow\.run_job\[([0-9a-f-]+)\] received", plant.said("worker"))
    return len(received) - len(set(received))


def most_tries(report: Report) -> int:
    return max((one.attempts for one in jobs_of(report, name="reporting.section")), default=0)
