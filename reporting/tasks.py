"""The jobs of a report: freeze the data, finish each section by itself, bind the files.

Each may be run again at any time: what is done already stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from facility.workflow.jobs import TRIES, Job, JobRefused, job
from facility.workflow.steps import SYSTEM, Blocked
from reporting.render.assembly import assemble, render_section
from reporting.render.compiler import RenderError
from reporting.report import Report, keep_file, snapshot


def give_up(work: Job) -> None:
    """A parked job stops its report; the coordinator reads why and may try again."""
    report = Report.objects.get(pk=work.record_id)
    if report.is_under_way():
        report.perform("fail", by=SYSTEM, reason=work.reason)


@contextmanager
def said_at_last(work: Job) -> Iterator[None]:
    """A refusal of the compiler may pass, so the job is tried again; the last time its sentence is kept."""
    try:
        yield
    except RenderError as error:
        if work.attempts < TRIES:
            raise
        raise JobRefused(str(error)) from error


@job("reporting.freeze", queue="reports", whole=False, gives_up=give_up)
def freeze(work: Job) -> None:
    """Freezes the data of a requested report, all of them as of one instant."""
    with snapshot():
        report = Report.objects.get(pk=work.record_id)
        if report.state != Report.State.REQUESTED:
            return
        try:
            report.perform("freeze", by=SYSTEM)
        except Blocked as blocked:
            raise JobRefused(str(blocked)) from blocked


@job("reporting.section", queue="reports", whole=False, gives_up=give_up)
def section(work: Job) -> None:
    """Finishes one section of a frozen report."""
    report, name = Report.objects.get(pk=work.record_id), work.args["section"]
    if name not in report.missing():
        return
    with said_at_last(work):
        part = render_section(report.frozen(), name, report.language, settings.FONTS)
    report.perform("keep_section", by=SYSTEM, section=name, content=part)


@job("reporting.assemble", queue="reports", whole=False, gives_up=give_up)
def bind(work: Job) -> None:
    """Binds the finished sections into the files asked for."""
    report = Report.objects.get(pk=work.record_id)
    if report.state != Report.State.FROZEN:
        return
    cut, parts, files = report.frozen(), report.finished_sections(), []
    for done, kind in enumerate(report.formats, 1):
        with said_at_last(work):
            made = assemble(cut, parts, [kind], report.language, settings.FONTS)
        files.append(keep_file(kind, made[kind]))
        work.advance(done, len(report.formats))
    report.perform("build", by=SYSTEM, finished=files)
