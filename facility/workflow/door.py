"""The door: every change of every record passes here, in one transaction, and leaves an entry in the trail."""

from __future__ import annotations

import copy
import datetime as dt
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models.expressions import ExpressionWrapper
from django.http import QueryDict
from django.utils.translation import gettext as _

from . import clock, counts, roles, trail
from .ids import uuid7
from .jobs import Job
from .steps import NEW, Blocked, Invalid, NotAllowed, NotFound, Refused, Stale, Step, parent_step, unmet

log = structlog.get_logger()
T = TypeVar("T")
RETRIES = 3
TAKEN = "23505"  # a unique value is there already
RETRIED = {"40P01", "40001", "55P03"}  # deadlock, serialisation failure, lock not available (PostgreSQL, appendix A)


@dataclass
class Passage:
    """One run through the door: which records are open, and what the step has asked for on the way."""

    by: Any
    role: str
    via: str
    request_id: str
    ids: set[uuid.UUID]
    entries: dict[uuid.UUID, uuid.UUID]
    # The record whose turn it is: what follows from it names its entry as the cause.
    turn: uuid.UUID | None = None
    notices: list[trail.Notice] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    extra: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    outer: Passage | None = None


_passage: ContextVar[Passage | None] = ContextVar("passage", default=None)
request_id: ContextVar[str] = ContextVar("request_id", default="")


def current() -> Passage | None:
    """The passage that is open now, if any."""
    return _passage.get()


def is_open_for(record: Any) -> bool:
    """Whether the door is open for this very record."""
    passage = _passage.get()
    return passage is not None and record.pk in passage.ids


def retrying(act: Callable[[], T]) -> T:
    """Runs `act` in one transaction; deadlocks and lock time-outs are tried again, at most three times.

    What somebody else has entered at the same moment is tried again once: then guards and forms see it and say so;
    where none of them does, it is refused in general words. Inside a transaction that is already open the outermost
    caller retries, since only it can start anew.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return act()
    for attempt in range(RETRIES + 1):
        try:
            with transaction.atomic():
                return act()
        except (OperationalError, IntegrityError) as error:
            code = getattr(error.__cause__, "sqlstate", None)
            if code == TAKEN and attempt > 0:
                raise Blocked([_("This is there already, or somebody else has just entered it.")]) from error
            if code not in {*RETRIED, TAKEN} or attempt == RETRIES:
                raise
            log.warning("door_retry", sqlstate=code, attempt=attempt + 1)
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 (a pause, not a secret)
    raise AssertionError("unreachable")


def perform(
    records: Sequence[Any],
    name: str,
    *,
    by: Any,
    raw: Any = None,
    files: Any = None,
    expected: int | None = None,
    via: str = "code",
    acting_for: Any = None,
) -> list[Any]:
    """Takes the step `name` on all `records` (of one model) or on none, and answers the records as they are then.

    by: a person, or SYSTEM. raw: the input of the step, a mapping or the posted form; the step's form cleans it.
    expected: the version that the caller has seen. via: the channel, for the trail.
    Raises NotFound, NotAllowed, Stale, Blocked or Invalid; then nothing was written.
    """
    if not records:
        return []
    step = type(records[0]).step(name)
    run = _Run(step, list(records), by, raw, files, expected, via, acting_for)
    said = {
        "step": f"{records[0]._meta.label_lower}.{name}",
        "record_id": str(records[0].pk),
        "records": len(records),
        "person_id": str(getattr(by, "pk", None) or "system"),
    }
    try:
        done = retrying(run.through)
    except Refused as refused:
        if current() is None:
            counts.count(type(refused).__name__)
            log.info("step_refused", refusal=type(refused).__name__, **said)
        raise
    # A step that follows from another may still be undone with it.
    transaction.on_commit(lambda: log.info("step_taken", **said))
    for mine, fresh in zip(records, done, strict=True):
        if mine is not fresh:
            mine.__dict__.update({k: v for k, v in fresh.__dict__.items() if not k.startswith("_may")})
    return done


@dataclass
class _Run:
    step: Step
    given: list[Any]
    by: Any
    raw: Any
    files: Any
    expected: int | None
    via: str
    acting_for: Any
    # Whether another record's step takes it; asked before this one opens the door itself.
    is_consequence: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_consequence = current() is not None and parent_step.name in self.step.who.names()

    def through(self) -> list[Any]:
        # A new record is made from a copy, so that a try that was rolled back leaves the given one as it was.
        records = [copy.copy(record) for record in self.given] if self.step.creates() else self.lock()
        if not self.step.creates():
            self.check_permission(records)
        for record in records:
            self.check_possible(record)
        passage = self.open(records)
        before = {record.pk: _snapshot(record) for record in records}
        token = _passage.set(passage)
        try:
            cleaned = [self.clean(record) for record in records]
            for record, data in zip(records, cleaned, strict=True):
                passage.turn = record.pk
                getattr(record, self.step.name)(by=self.by, **data)
            self.write(records, before)
            self.keep(records, before, passage, str(cleaned[0].get("reason") or ""))
            for record in records:
                passage.turn = record.pk
                record.after_step(self.step.name, by=self.by)
        finally:
            _passage.reset(token)
        if passage.notices:
            trail.Notice.objects.bulk_create(passage.notices)
        if passage.jobs:
            Job.objects.bulk_create(passage.jobs, ignore_conflicts=True)
        return records

    def lock(self) -> list[Any]:
        """Shared rows first, then the records in the order of their keys: one order for everybody."""
        model, ids = type(self.given[0]), sorted(record.pk for record in self.given)
        if self.step.locks:
            self.lock_shared(model)
        rows = model._base_manager.filter(pk__in=ids).order_by("pk").select_related(*model.door_related)
        with roles.asked_anew():
            rows = rows.select_for_update(of=("self",), no_key=True).annotate(
                _may=ExpressionWrapper(self.step.who.q(self.by), output_field=models.BooleanField()),
                _may_see=ExpressionWrapper(model.visible().q(self.by), output_field=models.BooleanField()),
            )
        found = {record.pk: record for record in rows}
        if len(found) < len(ids):
            raise NotFound(_("There is no such record."))
        return [found[record.pk] for record in self.given]

    def lock_shared(self, model: Any) -> None:
        relation = model._meta.get_field(self.step.locks)
        shared = relation.related_model
        held = {getattr(record, relation.attname) for record in self.given}
        list(shared._base_manager.filter(pk__in=held).order_by("pk").select_for_update(no_key=True).values_list("pk"))

    def check_permission(self, records: list[Any]) -> None:
        if self.is_consequence:
            return
        for record in records:
            if not record._may:
                if not record._may_see:
                    raise NotFound(_("There is no such record."))
                raise NotAllowed(_("You may not take this step: %(step)s.") % {"step": self.step.label})

    def check_possible(self, record: Any) -> None:
        if record.state not in self.step.sources:
            raise Blocked([record.not_in_this_state(self.step)])
        if self.expected is not None and record.version != self.expected:
            raise Stale(record)
        sentences = unmet(self.step.guards, record)
        if sentences:
            raise Blocked(sentences)

    def open(self, records: list[Any]) -> Passage:
        return Passage(
            by=self.by,
            role=self.step.who.name,
            via=self.via,
            request_id=request_id.get(),
            ids={record.pk for record in records},
            entries={record.pk: uuid7() for record in records},
            outer=current(),
        )

    def clean(self, record: Any) -> dict[str, Any]:
        form = record.form_for(self.step, by=self.by, raw=self.raw or {}, files=self.files)
        if form is None:
            if self.raw and not isinstance(self.raw, QueryDict):
                raise Invalid({name: [_("This step takes no such field.")] for name in self.raw})
            return {}
        if not form.is_valid():
            raise Invalid(form.flat_errors(), form)
        return dict(form.cleaned_data)

    def write(self, records: list[Any], before: dict[Any, dict[str, Any]]) -> None:
        manager = type(records[0])._base_manager
        for record in records:
            record.version += 1
        if self.step.creates():
            manager.bulk_create(records)
            for record in records:
                record._state.adding = False
            self.check_created(records)
            return
        changed = sorted({name for record in records for name in _changed(record, before[record.pk])} | {"version"})
        if len(records) == 1:
            values = {name: records[0].__dict__[name] for name in changed}
            manager.filter(pk=records[0].pk).update(**values)
        else:
            names = {attname: f.name for f in records[0]._meta.concrete_fields for attname in [f.attname]}
            manager.bulk_update(records, [names[name] for name in changed], batch_size=500)

    def check_created(self, records: list[Any]) -> None:
        """A creation is allowed by the same Q as any step; it is asked of the row just made, and undone if refused."""
        if self.is_consequence:
            return
        mine = type(records[0])._base_manager.filter(pk__in=[record.pk for record in records])
        if mine.filter(self.step.who.q(self.by)).count() != len(records):
            raise NotAllowed(_("You may not take this step: %(step)s.") % {"step": self.step.label})

    def keep(self, records: list[Any], before: dict[Any, dict[str, Any]], passage: Passage, reason: str) -> None:
        entries, details = [], []
        for record in records:
            old = before[record.pk]
            cause = passage.outer
            entry = trail.Entry(
                id=passage.entries[record.pk],
                record_type=record._meta.label_lower,
                record_id=record.pk,
                scope_id=record.scope_id(),
                actor_id=getattr(self.by, "pk", None),
                acting_for=self.acting_for,
                role=passage.role[:120],
                via=self.via if cause is None else cause.via,
                step=self.step.name,
                from_state=old["state"],
                to_state=record.state,
                request_id=passage.request_id,
                effective_at=clock.now(),
                caused_by_id=cause.entries[cause.turn] if cause and cause.turn else None,
            )
            changes = {
                name: [old["values"].get(name), record.__dict__[name]]
                for name in (_changed(record, old) if self.step.name not in record.silent else ())
                if name not in {"version", "state"} and name not in record.untrailed
            }
            details.append(trail.make(entry, reason, changes | passage.extra.get(record.pk, {})))
            entries.append(entry)
        trail.Entry.objects.bulk_create(entries)
        trail.Detail.objects.bulk_create(details)
        self.keep_timers(records)

    def keep_timers(self, records: list[Any]) -> None:
        model = type(records[0])
        if not model.clocks:
            return
        if self.step.target is None and not self.step.edits:
            return
        if not self.step.creates():
            clock.Timer.objects.filter(record_id__in=[record.pk for record in records]).delete()
        made = [timer for record in records for timer in clock.timers_for(record)]
        if made:
            clock.Timer.objects.bulk_create(made)


def _snapshot(record: Any) -> dict[str, Any]:
    values = (
        {}
        if record._state.adding
        else {f.attname: record.__dict__.get(f.attname) for f in record._meta.concrete_fields}
    )
    return {"state": NEW if record._state.adding else record.state, "values": values}


def _changed(record: Any, old: dict[str, Any]) -> list[str]:
    values = old["values"]
    return [
        f.attname
        for f in record._meta.concrete_fields
        if f.attname != "id" and record.__dict__.get(f.attname) != values.get(f.attname)
    ]


def tell(record: Any, to: Any, key: str, params: Mapping[str, Any], link: str = "") -> None:
    """Queues a notice for people (a queryset, a list, or one); called by `Record.tell` inside a step."""
    passage = current()
    assert passage is not None  # noqa: S101 (a programming error, not an input)
    people = list(to) if isinstance(to, list | tuple | set | models.QuerySet) else [to]
    passage.notices += trail.notices(record, people, key, params, link)


def queue(record: Any, name: str, *, due_at: dt.datetime | None = None, key: str = "", **ids: Any) -> None:
    """Queues a job about the record; called by `Record.queue` inside a step."""
    passage = current()
    assert passage is not None  # noqa: S101 (a programming error, not an input)
    passage.jobs.append(Job.about(record, name, due_at=due_at, key=key, **ids))
