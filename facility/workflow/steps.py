"""What a step is: who may take it, when, and what stands in its way. No database access here."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from . import roles

NEW, KEPT = "new", "kept"
NOBODY, EVERYBODY = Q(pk__in=[]), Q(pk__isnull=False)


class Refused(Exception):
    """A step that the door did not let through; nothing was written."""


class NotFound(Refused):
    """The person may not know that the record exists (404)."""


class NotAllowed(Refused):
    """The person sees the record but may not take this step (403)."""


class Blocked(Refused):
    """The step is not possible now; `sentences` say why (409)."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = [str(sentence) for sentence in sentences]
        super().__init__(" ".join(self.sentences))


class Stale(Refused):
    """Somebody else changed the record in between (409 on the web, 412 in the API)."""

    def __init__(self, record: Any) -> None:
        self.record = record
        super().__init__(str(_("Somebody else has changed this in the meantime.")))


class Invalid(Refused):
    """The input of the step is wrong; `errors` maps a field such as `firms[2].name` to its sentences (400)."""

    def __init__(self, errors: dict[str, list[str]], form: Any = None) -> None:
        self.errors = errors
        self.form = form
        super().__init__("; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in errors.items()))


class PastTheDoor(RuntimeError):
    """A record was changed without going through `perform`."""


class System:
    """The actor of timed steps; it is nobody's account."""

    pk = None
    is_authenticated = True

    def __str__(self) -> str:
        return "System"


SYSTEM = System()


@dataclass(frozen=True)
class Who:
    """Who may: a name for the matrix and one Q over the rows of the record, for a given person.

    `rule(person)` is asked only for people who are signed in. `roles` are the grant roles it builds on: they tell
    whether a step that makes a new record is worth offering, and whoever holds none of them need not be looked for in
    any row. A rule that reads the record alone (its author, say) is `by_record`: the roles then only tell the former.
    """

    name: str
    rule: Callable[[Any], Q]
    roles: frozenset[str] = frozenset()
    by_record: bool = False
    parts: tuple[Who, ...] = ()
    narrowed: Q | None = None

    def when(self, *conditions: Q, **lookups: Any) -> Who:
        """The same people, on the rows that meet the conditions only."""
        return dataclasses.replace(self, narrowed=Q(*conditions, **lookups))

    def q(self, person: Any) -> Q:
        """The rows of the record on which `person` is this."""
        found = self._q(person)
        return found if self.narrowed is None or found is NOBODY else found & self.narrowed

    def _q(self, person: Any) -> Q:
        if self.parts:
            found = [one for one in (part.q(person) for part in self.parts) if one is not NOBODY]
            return functools.reduce(lambda one, other: one | other, found) if found else NOBODY
        if self is system:
            return EVERYBODY if person is SYSTEM else NOBODY
        if self.name.startswith("public"):
            return self.rule(person)
        if not getattr(person, "pk", None) or self.lacks_role(person):
            return NOBODY
        return self.rule(person)

    def lacks_role(self, person: Any) -> bool:
        """Whether the person's roles already rule this out; never said outside of a request, where roles may change."""
        return bool(self.roles) and not self.by_record and roles.are_kept() and not self.roles & person.roles_held()

    def could(self, roles: frozenset[str]) -> bool:
        """Whether somebody with these roles may be this for some row; False for what only follows from other steps."""
        if self.parts:
            return any(part.could(roles) for part in self.parts)
        return self not in (system, parent_step) and (not self.roles or bool(self.roles & roles))

    def names(self) -> list[str]:
        """The names of all its parts, in order."""
        return [name for part in self.parts for name in part.names()] if self.parts else [self.name]


def who(name: str, rule: Callable[[Any], Q], *roles: str, by_record: bool = False) -> Who:
    """A predicate on people, named as the matrix of permissions names it."""
    return Who(name, rule, frozenset(roles), by_record)


def any_of(*parts: Who) -> Who:
    """Any one of these predicates suffices."""
    return Who(
        " or ".join(part.name for part in parts),
        lambda person: NOBODY,
        frozenset().union(*(part.roles for part in parts)),
        parts=parts,
    )


system = Who("system", lambda person: NOBODY)
# A step that is only taken as the consequence of another record's step, in the same transaction.
parent_step = Who("a parent step", lambda person: NOBODY)


def guard(sentence: str | Promise) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Marks a method as a guard. It returns True, or False (then `sentence` is said), or the sentences to say."""

    def mark(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
        method.sentence = sentence  # type: ignore[attr-defined]
        return method

    return mark


def unmet(guards: Sequence[Callable[[Any], Any]], record: Any) -> list[str]:
    """The sentences of all guards that `record` does not meet."""
    sentences: list[str] = []
    for check in guards:
        answer = check(record)
        if answer is True:
            continue
        if isinstance(answer, list | tuple):
            sentences.extend(str(one) for one in answer)
        else:
            sentences.append(str(answer or check.sentence))  # type: ignore[attr-defined]
    return sentences


@dataclass(frozen=True)
class Step:
    """One step of a record as declared in its file."""

    name: str
    label: str | Promise
    sources: tuple[str, ...]
    target: Any
    who: Who
    guards: tuple[Callable[[Any], Any], ...] = ()
    form: str = ""
    locks: str = ""
    doc: str = ""
    quiet: bool = False
    edits: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def creates(self) -> bool:
        """Whether the step makes a new record."""
        return NEW in self.sources


def step(
    *,
    label: str | Promise,
    who: Who,
    source: Any = None,
    target: Any = None,
    new: bool = False,
    guards: Sequence[Callable[[Any], Any]] = (),
    form: str = "",
    locks: str = "",
    quiet: bool = False,
    edits: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares a method as a step.

    source, target: states of a workflow (target None keeps the state). A plain record gives neither, and `new=True`
    for the step that makes it. form: name of the input form in the app's `forms.py`. locks: the attribute that holds
    the shared row (the quota) to lock before the record. quiet: not offered as a button. edits: the step overwrites
    what others may have written, so the API demands If-Match.
    """

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        listed = tuple(source) if isinstance(source, list | tuple) else (source,) if source is not None else ()
        spec = Step(
            name=method.__name__,
            label=label,
            sources=tuple(str(one) for one in listed) or ((NEW,) if new else (KEPT,)),
            target=target,
            who=who,
            guards=tuple(guards),
            form=form,
            locks=locks,
            doc=(method.__doc__ or "").strip(),
            quiet=quiet,
            edits=edits,
        )
        taken: Callable[..., Any] = method
        if listed:
            taken = transition(
                "state",
                source=[str(one) for one in listed],
                target=target,
                conditions=[_at_the_door],
                custom={"step": spec},
            )(method)

        @functools.wraps(taken)
        def through_the_door(self: Any, **data: Any) -> Any:
            if not _at_the_door(self):
                raise PastTheDoor(f"{type(self).__name__}.{spec.name} is taken by perform('{spec.name}', by=…) only.")
            return taken(self, **data)

        through_the_door.step = spec  # type: ignore[attr-defined]
        return through_the_door

    return declare


def _at_the_door(record: Any) -> bool:
    from .door import is_open_for

    return is_open_for(record)
