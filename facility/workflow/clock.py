"""The one place that tells the time, and the timers of states: remind once, overdue, escalate, or take a step."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from .ids import uuid7


def now() -> dt.datetime:
    """The present instant, aware and in UTC. Only the demo may set it, by a file that every process reads."""
    if settings.DEMO_CLOCK:
        try:
            return dt.datetime.fromisoformat(Path(settings.DEMO_CLOCK).read_text(encoding="ascii"))
        except FileNotFoundError:
            pass
    return timezone.now()


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
        due = now() + dt.timedelta(days=days)
        remind = due - dt.timedelta(days=min(clock.remind_before, days / 2))
        escalate = due + dt.timedelta(days=clock.escalate_after)
        made.append(Timer(**common, due_at=due, remind_at=remind, escalate_at=escalate, next_at=remind))
    return made
