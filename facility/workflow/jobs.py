"""The outbox of work. PostgreSQL holds the truth, the broker is only the doorbell, Celery does the work.

A job is a row written in the transaction that wanted it. The relay rings for what is due; a worker takes the row under
a lease, works in one transaction with marking it done, and stops if it is done already. What a lease left unfinished
is rung again, and after three tries it is parked with its reason for the coordinator to see and to try again.
"""

from __future__ import annotations

import datetime as dt
import importlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from . import clock
from .ids import uuid7

log = structlog.get_logger()
TRIES = 3
RING_AGAIN = dt.timedelta(seconds=30)


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
    lease_until = models.DateTimeField(null=True)
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
        """Tells how far the work is; seen at once by those who wait, and renews the lease."""
        type(self).objects.using("default").filter(pk=self.pk).update(
            progress=done,
            total=total,
            lease_until=clock_of_machine() + dt.timedelta(seconds=handler_of(self.name).lease),
        )


def clock_of_machine() -> dt.datetime:
    """Leases run on the machine's clock, also in the demo."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Handler:
    """What runs a kind of job: `run(job)`; `whole` runs it in one transaction with its being marked done."""

    name: str
    run: Callable[[Job], None]
    queue: str
    lease: int
    whole: bool
    gives_up: Callable[[Job], None] | None


_handlers: dict[str, Handler] = {}


def job(
    name: str,
    *,
    queue: str = "default",
    lease: int = 120,
    whole: bool = True,
    gives_up: Callable[[Job], None] | None = None,
) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    """Declares a function of an app's `tasks.py` as the handler of jobs of this name.

    lease: seconds after which an unfinished run counts as lost. whole=False: the handler commits on its own and must
    be safe to run again. gives_up: called when the job is parked.
    """

    def declare(run: Callable[[Job], None]) -> Callable[[Job], None]:
        _handlers[name] = Handler(name, run, queue, lease, whole, gives_up)
        return run

    return declare


def handler_of(name: str) -> Handler:
    """The handler of a name; the app's tasks are loaded on first use."""
    if name not in _handlers:
        importlib.import_module(f"{apps.get_app_config(name.split('.', maxsplit=1)[0]).name}.tasks")
    return _handlers[name]


def ring(send: Callable[[str, str], bool], limit: int = 500) -> int:
    """Rings for due jobs, at most `limit`; answers how many. `send(job_id, queue)` says whether the broker took it.

    It is noted first and rung after the commit, since a worker passes over a row that is locked here.
    """
    instant = clock.now()
    machine = clock_of_machine()
    with transaction.atomic():
        due = Job.objects.filter(
            Q(state=Job.State.WAITING, due_at__lte=instant) | Q(state=Job.State.RUNNING, lease_until__lt=machine)
        ).filter(Q(rung_at__isnull=True) | Q(rung_at__lt=machine - RING_AGAIN))
        found = list(due.order_by("due_at", "id").select_for_update(skip_locked=True)[:limit])
        Job.objects.filter(pk__in=[one.pk for one in found]).update(rung_at=machine)
    for at, one in enumerate(found):
        if not send(str(one.pk), one.queue):
            Job.objects.filter(pk__in=[left.pk for left in found[at:]]).update(rung_at=None)
            return at
    return len(found)


def run(job_id: str) -> str:
    """Runs one job; answers what became of it: done, again, parked, or elsewhere (somebody has it, or it is done)."""
    taken = _take(job_id)
    if taken is None:
        return "elsewhere"
    structlog.contextvars.bind_contextvars(job_id=str(taken.pk), job=taken.name, record_id=str(taken.record_id))
    handler = handler_of(taken.name)
    try:
        if handler.whole:
            with transaction.atomic():
                held = Job.objects.select_for_update(no_key=True).get(pk=taken.pk)
                if held.state != Job.State.RUNNING or held.attempts != taken.attempts:
                    return "elsewhere"
                handler.run(held)
                _finish(held)
        else:
            handler.run(taken)
            _finish(taken)
    except Exception as error:
        return _failed(taken, error)
    finally:
        structlog.contextvars.unbind_contextvars("job_id", "job", "record_id")
    return "done"


def _take(job_id: str) -> Job | None:
    with transaction.atomic():
        found = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(pk=job_id)
            .filter(Q(state=Job.State.WAITING) | Q(state=Job.State.RUNNING, lease_until__lt=clock_of_machine()))
            .first()
        )
        if found is None:
            return None
        if found.attempts >= TRIES:
            _park(found, found.reason or "The worker was lost while it ran.")
            return None
        found.state = Job.State.RUNNING
        found.attempts += 1
        found.lease_until = clock_of_machine() + dt.timedelta(seconds=handler_of(found.name).lease)
        found.save(update_fields=["state", "attempts", "lease_until"])
        return found


def _finish(done: Job) -> None:
    Job.objects.filter(pk=done.pk).update(
        state=Job.State.DONE, done_at=clock.now(), lease_until=None, reason="", progress=F("total")
    )


def _failed(taken: Job, error: Exception) -> str:
    """Written down by class and, for our own refusals, by sentence; never with the data that caused it."""
    from .steps import Refused

    said = str(error) if isinstance(error, Refused | JobRefused) else type(error).__name__
    log.warning(
        "job_failed", error=type(error).__name__, attempt=taken.attempts, exc_info=not isinstance(error, Refused)
    )
    with transaction.atomic():
        held = Job.objects.select_for_update(no_key=True).get(pk=taken.pk)
        if held.state != Job.State.RUNNING or held.attempts != taken.attempts:
            return "elsewhere"
        if held.attempts >= TRIES or isinstance(error, JobRefused):
            _park(held, said)
            return "parked"
        held.state = Job.State.WAITING
        held.reason = said[:500]
        held.rung_at = clock_of_machine() - RING_AGAIN + dt.timedelta(seconds=2**held.attempts)
        held.lease_until = None
        held.save(update_fields=["state", "reason", "rung_at", "lease_until"])
    return "again"


class JobRefused(Exception):
    """A handler says that trying again is useless; its sentence is shown to the coordinator."""


def _park(held: Job, reason: str) -> None:
    held.state = Job.State.PARKED
    held.reason = reason[:500]
    held.lease_until = None
    held.save(update_fields=["state", "reason", "lease_until"])
    # The reason stands on the page of jobs; it may name people, so it is not logged.
    log.error("job_parked", job=held.name, job_id=str(held.pk))
    handler = handler_of(held.name)
    if handler.gives_up:
        try:
            with transaction.atomic():
                handler.gives_up(held)
        except Exception as error:  # the job is parked all the same, or it would be rung for ever
            log.error("giving_up_failed", job=held.name, job_id=str(held.pk), error=type(error).__name__)


def retry(parked: Job) -> None:
    """Puts a parked job back in the queue with its tries counted anew."""
    with transaction.atomic():
        held = Job.objects.select_for_update(no_key=True).get(pk=parked.pk)
        if held.state == Job.State.PARKED:
            held.state, held.attempts, held.rung_at, held.due_at = Job.State.WAITING, 0, None, clock.now()
            held.save(update_fields=["state", "attempts", "rung_at", "due_at"])
