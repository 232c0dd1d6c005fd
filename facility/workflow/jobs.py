"""The outbox of work. PostgreSQL holds the truth, the broker is only the doorbell, Celery does the work.

A job is a row written in the transaction that wanted it. The relay rings for what is due; a worker takes the row, works
in one transaction with marking it done, and stops if it is done already. While it works its connection holds a lock on
the job's id: a job that says "running" and whose lock is free was lost with its worker, and is rung for again at once.
After three tries without progress a job is parked with its reason, for the coordinator to see and to try again.
"""

from __future__ import annotations

import datetime as dt
import importlib
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import BooleanField, Case, F, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from . import clock, trail
from .database import is_locked
from .ids import uuid7

log = structlog.get_logger()
TRIES = 3
# Before the next try, by how many there were: a hiccup, then a restart of what is needed.
PAUSES = (dt.timedelta(0), dt.timedelta(seconds=2), dt.timedelta(seconds=30))
LATER = dt.timedelta(minutes=15)
RING_AGAIN = dt.timedelta(seconds=15)
# So many of a queue are rung and not begun at a time, or a long queue would be rung for again and again.
AHEAD = 200
QUEUES = ("default", "reports")
HELD = is_locked("hashtextextended(workflow_job.id::text, 0)")


class Job(models.Model):
    """A piece of work about a record. Arguments are ids and plain settings, never personal data."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        PARKED = "parked", _("Parked after three tries")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    scope_id = models.UUIDField(null=True)
    args = models.JSONField(default=dict)
    queue = models.CharField(max_length=20, default="default")
    key = models.CharField(max_length=120, unique=True, null=True)  # noqa: DJ001 (null: several jobs without a key)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField()
    as_of = models.DateTimeField()
    due_at = models.DateTimeField()
    rung_at = models.DateTimeField(null=True)
    # Of the run that has it: whoever finishes late and is the holder no more changes nothing.
    holder = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0)
    total = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True, default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="job_open", condition=Q(state__in=["waiting", "running"])),
            models.Index(fields=["record_id"], name="job_by_record"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"

    @classmethod
    def about(cls, record: Any, name: str, *, due_at: dt.datetime | None = None, key: str = "", **args: Any) -> Job:
        """An unsaved job about a record. A key makes it the only one of its kind, for ever."""
        instant = clock.now()
        return cls(
            name=name,
            record_type=record._meta.label_lower,
            record_id=record.pk,
            scope_id=record.scope_id(),
            args={k: str(v) if isinstance(v, uuid.UUID) else v for k, v in args.items()},
            queue=handler_of(name).queue,
            key=key or None,
            made_at=instant,
            as_of=instant,
            due_at=due_at or instant,
        )

    def record(self) -> Any:
        """The record it is about."""
        return apps.get_model(self.record_type)._base_manager.get(pk=self.record_id)

    def advance(self, done: int, total: int) -> None:
        """Tells how far the work is, seen at once by those who wait.

        A job that gets further than ever before is not counted as failing. Only for handlers that commit by
        themselves. Raises Lost when another run has taken the job over.
        """
        small = models.PositiveSmallIntegerField()
        changed = _of_holder(self).update(
            total=total,
            progress=Greatest("progress", Value(done, small)),
            attempts=Case(When(progress__lt=done, then=Value(1, small)), default=F("attempts")),
        )
        if not changed:
            raise Lost


@dataclass(frozen=True)
class Handler:
    """What runs a kind of job: `run(job)`; `whole` runs it in one transaction with its being marked done."""

    name: str
    run: Callable[[Job], None]
    queue: str
    whole: bool
    gives_up: Callable[[Job], None] | None


_handlers: dict[str, Handler] = {}


def job(
    name: str,
    *,
    queue: str = "default",
    whole: bool = True,
    gives_up: Callable[[Job], None] | None = None,
) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    """Declares a function of an app's `tasks.py` as the handler of jobs of this name.

    whole=False: the handler commits on its own and must be safe to run again. gives_up: called when the job is parked.
    """

    def declare(run: Callable[[Job], None]) -> Callable[[Job], None]:
        _handlers[name] = Handler(name, run, queue, whole, gives_up)
        return run

    return declare


def handler_of(name: str) -> Handler:
    """The handler of a name; the app's tasks are loaded on first use."""
    if name not in _handlers:
        importlib.import_module(f"{apps.get_app_config(name.split('.', maxsplit=1)[0]).name}.tasks")
    return _handlers[name]


def ring(send: Callable[[str, str], bool]) -> int:
    """Rings for due jobs and for lost ones; answers how many. `send(job_id, queue)` says whether the broker took it."""
    free = ~Q(RawSQL(HELD, [], BooleanField()))  # noqa: S611 (a constant)
    Job.objects.filter(free, state=Job.State.RUNNING).update(state=Job.State.WAITING, holder=None, rung_at=None)
    rung = 0
    for queue in QUEUES:
        found = _to_ring(queue)
        for at, key in enumerate(found):
            if not send(str(key), queue):
                Job.objects.filter(pk__in=found[at:]).update(rung_at=None)
                return rung + at
        rung += len(found)
    return rung


def _to_ring(queue: str) -> list[uuid.UUID]:
    """What to ring for now; noted first and rung after the commit, since a worker passes over a row locked here."""
    instant, machine = clock.now(), clock.actual()
    mine = Job.objects.filter(queue=queue)
    with transaction.atomic():
        ahead = mine.filter(state=Job.State.WAITING, rung_at__gte=machine - RING_AGAIN).count()
        silent = Q(rung_at__isnull=True) | Q(rung_at__lt=machine - RING_AGAIN)
        rows = mine.filter(silent, state=Job.State.WAITING, due_at__lte=instant)
        found = list(rows.order_by("due_at", "id").select_for_update(skip_locked=True)[: max(AHEAD - ahead, 0)])
        Job.objects.filter(pk__in=[one.pk for one in found]).update(rung_at=machine)
    return [one.pk for one in found]


def run(job_id: str) -> str:
    """Runs one job; answers what became of it: done, again, parked, or elsewhere (somebody has it, or it is done)."""
    if not _lock(job_id):
        return "elsewhere"
    try:
        taken = _take(job_id)
        return _work(taken) if taken else "elsewhere"
    finally:
        _unlock(job_id)


def _lock(job_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [job_id])
        return bool(cursor.fetchone()[0])


def _unlock(job_id: str) -> None:
    # With the connection the lock is gone too; the error that took it away is the one to be told.
    with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [job_id])


def _work(taken: Job) -> str:
    structlog.contextvars.bind_contextvars(job_id=str(taken.pk), job=taken.name, record_id=str(taken.record_id))
    try:
        handler = handler_of(taken.name)
        if handler.whole:
            with transaction.atomic():
                if not _of_holder(taken).select_for_update(no_key=True).exists():
                    return "elsewhere"
                handler.run(taken)
                _finish(taken)
        else:
            handler.run(taken)
            _finish(taken)
    except Lost:
        return "elsewhere"
    except Exception as error:
        return _failed(taken, error)
    finally:
        structlog.contextvars.unbind_contextvars("job_id", "job", "record_id")
    return "done"


def _of_holder(taken: Job) -> models.QuerySet[Job]:
    return Job.objects.filter(pk=taken.pk, state=Job.State.RUNNING, holder=taken.holder)


def _take(job_id: str) -> Job | None:
    """The job, marked as running; None when there is nothing to do. Whoever calls it holds the job's lock."""
    with transaction.atomic():
        rows = Job.objects.select_for_update(no_key=True)
        found = rows.filter(pk=job_id, state__in=[Job.State.WAITING, Job.State.RUNNING]).first()
        if found is None:
            return None
        if found.attempts >= TRIES:
            _park(found, found.reason or "The worker was lost while it ran.")
            return None
        found.state, found.holder = Job.State.RUNNING, uuid7()
        found.attempts += 1
        found.save(update_fields=["state", "holder", "attempts"])
        return found


def _finish(done: Job) -> None:
    _of_holder(done).update(state=Job.State.DONE, done_at=clock.now(), holder=None, reason="", progress=F("total"))


def _failed(taken: Job, error: Exception) -> str:
    """Written down by class and, for our own refusals, by sentence; never with the data that caused it."""
    from .steps import Refused

    said = str(error) if isinstance(error, Refused | JobRefused) else type(error).__name__
    log.warning(
        "job_failed", error=type(error).__name__, attempt=taken.attempts, exc_info=not isinstance(error, Refused)
    )
    with transaction.atomic():
        held = _of_holder(taken).select_for_update(no_key=True).first()
        if held is None:
            return "elsewhere"
        if isinstance(error, Later):
            held.attempts, held.due_at = held.attempts - 1, clock.now() + LATER
        elif held.attempts >= TRIES or isinstance(error, JobRefused):
            _park(held, said)
            return "parked"
        held.state, held.holder, held.reason = Job.State.WAITING, None, said[:500]
        held.rung_at = clock.actual() - RING_AGAIN + PAUSES[held.attempts]
        held.save(update_fields=["state", "holder", "attempts", "due_at", "reason", "rung_at"])
    return "again"


class Later(Exception):
    """A handler says that it cannot be done now and that nobody is at fault, as when the server of mail is away."""


class Lost(Exception):
    """The job is another run's by now; this one stops and changes nothing."""


class JobRefused(Exception):
    """A handler says that trying again is useless; its sentence is shown to the coordinator."""


def _park(held: Job, reason: str) -> None:
    held.state, held.holder = Job.State.PARKED, None
    held.reason = reason[:500]
    held.save(update_fields=["state", "holder", "reason"])
    # The reason stands on the page of jobs; it may name people, so it is not logged.
    log.error("job_parked", job=held.name, job_id=str(held.pk))
    for follow in (_tell_overseers, _give_up):
        try:
            with transaction.atomic():
                follow(held)
        except Exception as error:  # the job is parked all the same, or it would be rung for ever
            kind = type(error).__name__
            log.error("parking_failed", job=held.name, job_id=str(held.pk), error=kind, exc_info=True)


def _give_up(held: Job) -> None:
    gives_up = handler_of(held.name).gives_up
    if gives_up:
        gives_up(held)


def _tell_overseers(held: Job) -> None:
    record = held.record()
    key = gettext_noop("Work in the background on “%(title)s” has stopped; please look after it.")
    trail.Notice.objects.bulk_create(trail.notices(record, record.overseers(), key, {"title": record.title()}))


def retry(parked: Job) -> None:
    """Puts a parked job back in the queue with its tries counted anew."""
    with transaction.atomic():
        held = Job.objects.select_for_update(no_key=True).get(pk=parked.pk)
        if held.state == Job.State.PARKED:
            held.state, held.attempts, held.progress = Job.State.WAITING, 0, 0
            held.rung_at, held.due_at = None, clock.now()
            held.save(update_fields=["state", "attempts", "progress", "rung_at", "due_at"])
