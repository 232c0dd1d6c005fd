"""The one place that tells the time, and the timers of states: remind once, overdue, escalate, or take a step."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from .ids import uuid7

# A machine whose clock is off by less goes by its own, so that instants do not jump about within one process.
TOLERANCE = dt.timedelta(seconds=1)
_behind = dt.timedelta()
_received: ContextVar[dt.datetime | None] = ContextVar("received", default=None)


def now() -> dt.datetime:
    """The present instant, aware and in UTC. Only the demo may set it, by a file that every process reads."""
    if settings.DEMO_CLOCK:
        try:
            return dt.datetime.fromisoformat(Path(settings.DEMO_CLOCK).read_text(encoding="ascii"))
        except FileNotFoundError:
            pass
    return actual()


def received() -> dt.datetime:
    """When the request that is being answered began to arrive; now, where there is none, as in a job."""
    return _received.get() or now()


@contextlib.contextmanager
def receiving() -> Iterator[None]:
    """Around a request: keeps the instant at which it began to arrive, before its body is read or a lock waited for."""
    token = _received.set(now())
    try:
        yield
    finally:
        _received.reset(token)


def actual() -> dt.datetime:
    """The present instant also in the demo, for what depends on how long something really takes."""
    return timezone.now() + _behind


def set_by_database(connection: Any, **kwargs: Any) -> None:
    """On each new connection: processes on several machines all go by the database's clock."""
    global _behind  # noqa: PLW0603 (one clock per process)
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    difference = theirs - (before + (timezone.now() - before) / 2)
    _behind = difference if abs(difference) > TOLERANCE else dt.timedelta()


def days_later(instant: dt.datetime, days: float, zone: dt.tzinfo) -> dt.datetime:
    """So many days later at the same time of day in a zone, in UTC.

    An hour that daylight saving skips is the one after it; of an hour that comes twice it is the first.
    """
    return (instant.astimezone(zone) + dt.timedelta(days=days)).replace(fold=0).astimezone(dt.UTC)


def today(zone: dt.tzinfo = dt.UTC) -> dt.date:
    """The present day in a zone."""
    return now().astimezone(zone).date()


def set_demo(instant: dt.datetime) -> None:
    """Sets the demo's clock for all processes at once."""
    if not settings.DEMO_CLOCK:
        raise RuntimeError("The clock can be set only in the demo.")
    path = Path(settings.DEMO_CLOCK)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(instant.astimezone(dt.UTC).isoformat(), encoding="ascii")
    fresh.replace(path)


@dataclass(frozen=True)
class Due:
    """A state that waits for somebody: due after `days` (a number or the name of an attribute), with a reminder
    before and an escalation after."""

    days: int | str
    remind_before: int = 2
    escalate_after: int = 7


@dataclass(frozen=True)
class At:
    """A state that the system leaves by itself: `step` is taken at the instant that the attribute `when` holds."""

    step: str
    when: str


class Timer(models.Model):
    """A running clock of a record: made on entering a state, gone on leaving it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    scope_id = models.UUIDField(null=True)
    state = models.CharField(max_length=50)
    step = models.CharField(max_length=60, blank=True, default="")
    due_at = models.DateTimeField()
    remind_at = models.DateTimeField(null=True)
    escalate_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True, db_index=True)
    reminded_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record_id", "step"], name="timer_once_per_record_and_step")]

    def __str__(self) -> str:
        return f"{self.record_type} {self.state} {self.due_at:%Y-%m-%d}"

    def is_overdue(self) -> bool:
        """Whether the due instant has passed."""
        return self.due_at <= now()


def timers_for(record: Any) -> list[Timer]:
    """The timers that the present state of the record asks for."""
    made = []
    for clock in type(record).clocks.get(record.state, ()):
        common = {
            "record_type": record._meta.label_lower,
            "record_id": record.pk,
            "scope_id": record.scope_id(),
            "state": record.state,
        }
        if isinstance(clock, At):
            instant = getattr(record, clock.when)
            if instant:
                made.append(Timer(**common, step=clock.step, due_at=instant, next_at=instant))
            continue
        days = getattr(record, clock.days) if isinstance(clock.days, str) else clock.days
        if not days:
            continue
        remind, due, escalate = (
            days_later(now(), days + more, record.tz())
            for more in (-min(clock.remind_before, days / 2), 0, clock.escalate_after)
        )
        made.append(Timer(**common, due_at=due, remind_at=remind, escalate_at=escalate, next_at=remind))
    return made
