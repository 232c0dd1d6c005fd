"""Records and workflows: what a file of the domain builds on."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import ExpressionWrapper
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_fsm import FSMField

from . import door
from .ids import uuid7
from .input import StepForm, choices_of
from .steps import KEPT, NEW, NOBODY, PastTheDoor, Step, Who, any_of, unmet


@dataclass(frozen=True)
class Offer:
    """A step that a person could take on a record now, and the sentences that still block it."""

    step: Step
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Faces:
    """Who sees which face of a record. Whoever has none does not know that the record exists."""

    staff: Who
    participant: Who | None = None
    public: Who | None = None

    def visible(self) -> Who:
        """Everybody who sees any face."""
        return any_of(*(face for face in (self.staff, self.participant, self.public) if face))


def mark(who: Who, person: Any) -> Any:
    """A column that tells of each row whether the person is this."""
    found = who.q(person)
    return Value(False) if found is NOBODY else ExpressionWrapper(found, output_field=models.BooleanField())


R = TypeVar("R", bound="Record")


class RecordQuerySet(QuerySet[R]):
    """The questions that every channel asks."""

    def visible_to(self, person: Any) -> Self:
        """The rows that the person may know of."""
        return self.filter(self.model.visible().q(person))

    def with_faces(self, person: Any) -> Self:
        """Adds `face` (staff, participant, public) as the person sees each row."""
        faces = self.model.faces
        whens = [When(faces.staff.q(person), then=Value("staff"))]
        if faces.participant:
            whens.append(When(faces.participant.q(person), then=Value("participant")))
        return self.annotate(face=Case(*whens, default=Value("public"), output_field=models.CharField()))

    def waiting_on(self, person: Any) -> Self:
        """The rows whose process waits for a step of this person."""
        waits = NOBODY
        for state, names in self.model.awaits.items():
            for name in names:
                if (who := self.model.step(name).who.q(person)) is not NOBODY:
                    waits |= Q(state=state) & who
        return self.filter(waits)

    def with_offers(self, person: Any) -> Self:
        """Adds to each row, without a query per row, which steps the person may take: see `Record.offered_steps`."""
        marks = {
            f"_may_{name}": mark(step.who, person) for name, step in self.model.steps().items() if not step.creates()
        }
        return self.annotate(**marks)

    def update(self, **kwargs: Any) -> int:
        """Refused: rows are changed by steps."""
        raise PastTheDoor(f"{self.model.__name__} rows are changed by steps only.")

    def delete(self) -> Any:
        """Refused: records are not deleted."""
        raise PastTheDoor(f"{self.model.__name__} rows are never deleted.")


class Record(models.Model):
    """Anything that people make and change: it has a version, a trail, steps, and rules on who sees it.

    A subclass declares: `records` (the plural in addresses), `faces`, `shape` (its output, see shape.py), and steps.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = RecordQuerySet.as_manager()

    # Set by `with_faces`: staff, participant or public.
    face: str

    records: ClassVar[str] = ""
    faces: ClassVar[Faces]
    shape: ClassVar[dict[str, Any]] = {}
    awaits: ClassVar[dict[str, tuple[str, ...]]] = {}
    clocks: ClassVar[dict[str, tuple[Any, ...]]] = {}
    door_related: ClassVar[tuple[str, ...]] = ()
    untrailed: ClassVar[frozenset[str]] = frozenset()
    # Steps that are taken while somebody types: their entries hold no values and are not shown in the course.
    silent: ClassVar[frozenset[str]] = frozenset()
    search_in: ClassVar[tuple[str, ...]] = ()
    filter_by: ClassVar[tuple[str, ...]] = ()
    order_by: ClassVar[tuple[str, ...]] = ("-id",)
    lede: ClassVar[Any] = ""
    columns: ClassVar[tuple[str, ...]] = ()
    list_related: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    staff_facts: ClassVar[tuple[str, ...]] = ()
    _steps: ClassVar[dict[str, Step]]

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refused: records are written by steps."""
        raise PastTheDoor(f"{type(self).__name__} is written by perform(…) only.")

    def get_absolute_url(self) -> str:
        """Its page in the workspace."""
        return reverse("record", kwargs={"records": self.records, "pk": self.pk})

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: records are not deleted."""
        raise PastTheDoor(f"{type(self).__name__} is never deleted.")

    @property
    def state(self) -> str:
        """A plain record knows two: new, and kept."""
        return NEW if self._state.adding else KEPT

    @classmethod
    def has_states(cls) -> bool:
        """Whether this is a workflow."""
        return False

    @classmethod
    def steps(cls) -> dict[str, Step]:
        """All steps by name, in the order of the file."""
        if "_steps" not in cls.__dict__:
            found: dict[str, Step] = {}
            for base in reversed(cls.__mro__):
                found |= {name: value.step for name, value in vars(base).items() if hasattr(value, "step")}
            cls._steps = found
        return cls._steps

    @classmethod
    def step(cls, name: str) -> Step:
        """The step of this name; KeyError when there is none."""
        return cls.steps()[name]

    @classmethod
    def visible(cls) -> Who:
        """Everybody who may know of a row."""
        return cls.faces.visible()

    def perform(
        self, step_name: str, /, *, by: Any, files: Any = None, expected: int | None = None, **data: Any
    ) -> Any:
        """Takes a step: locks, authorises, guards, changes, records and notifies, in one transaction.

        Raises NotFound, NotAllowed, Stale, Blocked or Invalid, and then nothing was written.
        """
        return door.perform([self], step_name, by=by, raw=data, files=files, expected=expected)[0]

    def steps_for(self, person: Any) -> list[Offer]:
        """The steps that this person may take in the present state, each with the sentences that block it."""
        row = type(self).objects.filter(pk=self.pk).with_offers(person).first()
        return [] if row is None else [Offer(step, tuple(unmet(step.guards, self))) for step in row.offered_steps()]

    def offered_steps(self) -> list[Step]:
        """The same without the guards, for a row that came from `with_offers`."""
        return [
            step
            for name, step in type(self).steps().items()
            if not step.quiet and self.state in step.sources and getattr(self, f"_may_{name}", False)
        ]

    @classmethod
    def creating_steps(cls, person: Any) -> list[Step]:
        """Steps that make a new record and that some role of the person could take."""
        held = person.roles_held() if getattr(person, "pk", None) else frozenset()
        return [s for s in cls.steps().values() if s.creates() and not s.quiet and s.who.roles & held]

    def form_for(self, step: Step, *, by: Any, raw: Any = None, files: Any = None) -> StepForm | None:
        """The input form of a step, bound when `raw` is given; None when the step takes no input."""
        if not step.form:
            return None
        package = type(self).__module__.split(".", maxsplit=1)[0]
        form = import_string(f"{package}.forms.{step.form}" if "." not in step.form else step.form)
        return form(raw, files, record=self, by=by)

    def not_in_this_state(self, step: Step) -> str:
        """The sentence that says why a step does not fit the present state."""
        names = dict(choices_of(type(self), "state")) if self.has_states() else {}
        return _("“%(step)s” is possible only from %(sources)s; this is %(state)s.") % {
            "step": step.label,
            "sources": ", ".join(str(names.get(s, s)) for s in step.sources),
            "state": str(names.get(self.state, self.state)),
        }

    def tell(self, to: Any, key: str, *, link: str = "", **params: Any) -> None:
        """Inside a step: a notice to people; `key` is a text marked for translation, `params` fill it."""
        door.tell(self, to, key, params, link)

    def queue(self, name: str, *, due_at: Any = None, key: str = "", **ids: Any) -> None:
        """Inside a step: a job, run after the transaction, with ids as arguments only."""
        door.queue(self, name, due_at=due_at, key=key, **ids)

    def trail_also(self, name: str, before: Any, after: Any) -> None:
        """Inside a step: a change of rows that belong to the record (scores, ranks), for the trail."""
        passage = door.current()
        assert passage is not None  # noqa: S101 (a programming error, not an input)
        passage.extra.setdefault(self.pk, {})[name] = [before, after]

    def after_step(self, name: str, *, by: Any) -> None:
        """What follows from a step once it is written, in the same transaction; steps of other records belong here."""

    def letter_of(self, notice: Any) -> tuple[str, str] | None:
        """Subject and text of the mail of a notice about this record; None when the notice itself is the mail."""
        return None

    def clock_stopped(self) -> bool:
        """Whether timers rest, as after the end of the programme."""
        return False

    def tz(self) -> dt.tzinfo:
        """The zone whose days its clocks count."""
        return dt.UTC

    def awaited_people(self) -> list[Any]:
        """The people a timer reminds in the present state."""
        return []

    def overseers(self) -> list[Any]:
        """The people a timer escalates to."""
        return []

    def scope_id(self) -> Any:
        """The programme that the record belongs to; None for what is global."""
        return getattr(self, "programme_id", None)

    def title(self) -> str:
        """How the record is called on pages."""
        return str(self)

    def facts_for(self, face: str) -> tuple[str, ...]:
        """The named values its page shows to a face."""
        return self.facts + (self.staff_facts if face == "staff" else ())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The tables its page shows to a face: {"title", "columns", "rows", "empty"}."""
        return []


class Workflow(Record):
    """A record with states. The subclass declares `state = state_field(State)`."""

    class Meta:
        abstract = True

    # Words for applicants, advisors and managers where they differ from those of staff.
    outside_words: ClassVar[dict[str, Any]] = {}
    tones: ClassVar[dict[str, str]] = {}

    @classmethod
    def has_states(cls) -> bool:
        """Whether this is a workflow."""
        return True

    def state_word(self, face: str = "staff") -> str:
        """The name of the state for a reader."""
        if face != "staff" and self.state in self.outside_words:
            return str(self.outside_words[self.state])
        return str(words_of(self._meta.get_field("state")).get(self.state, self.state))

    @classmethod
    def from_state(cls, state: str) -> list[Step]:
        """The steps that lead out of a state."""
        return [step for step in cls.steps().values() if state in step.sources]


@functools.cache
def words_of(column: Any) -> dict[Any, Any]:
    """The choices of a column by value, each in the language that is active when it is read.

    Django's own `get_…_display` makes this anew for every value, which is half the time of a list of fifty rows.
    """
    return dict(column.flatchoices)


class StateField(FSMField):
    """The state column; in migrations the plain text column that it is.

    An FSMField listens for each model that is made, and migrations make the models of the past by the thousand: with
    it in them, making a database takes three times as long.
    """

    def deconstruct(self) -> Any:
        """As a CharField."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("protected", None)
        return name, "django.db.models.CharField", args, kwargs


def state_field(states: type[models.TextChoices]) -> StateField:
    """The state column: a new record is nowhere until its first step."""
    return StateField(
        default=NEW, choices=[(NEW, gettext_lazy("New")), *states.choices], db_index=True, editable=False, max_length=30
    )


class Part(models.Model):
    """A row that belongs to a record (a score, a partner): written only inside a step, kept by the record's trail."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only inside a step."""
        if door.current() is None:
            raise PastTheDoor(f"{type(self).__name__} is written inside a step only.")
        super().save(*args, **kwargs)


def perform_many(records: Iterable[Any], step_name: str, /, *, by: Any, **data: Any) -> list[Any]:
    """Takes one step on all records or on none, with a number of statements that does not grow with them."""
    return door.perform(list(records), step_name, by=by, raw=data)


def all_records() -> list[type[Record]]:
    """Every record of every app, in a stable order."""
    return sorted((m for m in apps.get_models() if issubclass(m, Record)), key=lambda m: m._meta.label)


def by_plural(plural: str) -> type[Record]:
    """The record of an address such as `applications`; LookupError when there is none."""
    for model in all_records():
        if model.records == plural:
            return model
    raise LookupError(plural)


def by_type(record_type: str) -> type[Record]:
    """The record of a type as the trail names it, such as `facility.application`."""
    return apps.get_model(record_type)


def title_of(model: type[Record]) -> str:
    """The plural name for headings."""
    return capfirst(str(model._meta.verbose_name_plural))


__all__ = ["F", "Faces", "Offer", "Part", "Record", "RecordQuerySet", "Workflow", "perform_many", "state_field"]
