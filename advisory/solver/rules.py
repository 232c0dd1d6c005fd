"""Limits on several pairs at once, as rows of a linear program: days, languages, groups of advisors and projects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .problem import Array, Key, Problem


@dataclass(frozen=True)
class Columns:
    """Whom each column joins, as what (a number in `kinds`), and the most projects of each advisor; None: no matter."""

    advisor: Array
    project: Array
    kind: Array
    kinds: Sequence[str]
    load_ub: Array | None


@dataclass(frozen=True)
class Rule:
    """low <= sum of the weights of the columns taken <= high; several rules may share a key."""

    key: Key
    columns: Array
    weights: Array
    low: float = 0.0
    high: float = np.inf


def rules_of(problem: Problem, space: Columns) -> list[Rule]:
    """The rules that could bind; a limit that no assignment can reach is left out.

    Raises ValueError where days are limited but the projects do not say how many they ask for.
    """
    return [*_days(problem, space), *_languages(problem, space), *_places(problem, space), *_each(problem, space)]


def _days(problem: Problem, space: Columns) -> Iterator[Rule]:
    if problem.days is None:
        return
    if problem.days_asked is None:
        raise ValueError("days are limited, but days_asked is missing")
    taken = np.zeros((len(problem.demand), len(space.kinds)))
    for project, asked in enumerate(problem.days_asked):
        for number, kind in enumerate(space.kinds):
            taken[project, number] = asked.get(kind, 0.0) if isinstance(asked, Mapping) else asked
    weights = taken[space.project, space.kind]
    for advisor, columns in _by(space.advisor):
        limit = problem.days[advisor]
        if limit is not None and weights[columns].sum() > limit:
            yield Rule(("days", advisor), columns, weights[columns], high=float(limit))


def _languages(problem: Problem, space: Columns) -> Iterator[Rule]:
    if problem.asks is None or problem.speaks is None:
        return
    own = dict(_by(space.project))
    nobody = np.array([], dtype=int)
    for project, asked in enumerate(problem.asks):
        for codes in asked:
            can = np.array([not set(codes).isdisjoint(spoken) for spoken in problem.speaks], dtype=bool)
            columns = own.get(project, nobody)
            columns = columns[can[space.advisor[columns]]]
            yield Rule(("language", project, tuple(codes)), columns, np.ones(len(columns)), low=1.0)


def _places(problem: Problem, space: Columns) -> Iterator[Rule]:
    """At most so many places for the advisors of a group."""
    for group, most in sorted(problem.most_places.items()):
        columns = np.flatnonzero(_members(problem.groups, group)[space.advisor])
        if len(columns) > most:
            yield Rule(("places", group), columns, np.ones(len(columns)), high=float(most))


def _each(problem: Problem, space: Columns) -> Iterator[Rule]:
    """At most so many projects of a group for each advisor."""
    for group, most in sorted(problem.most_each.items()):
        columns = np.flatnonzero(_members(problem.project_groups, group)[space.project])
        for advisor, own in _by(space.advisor[columns]):
            if len(own) > most and (space.load_ub is None or space.load_ub[advisor] > most):
                yield Rule(("each", group), columns[own], np.ones(len(own)), high=float(most))


def _members(groups: Sequence[Collection[str]] | None, group: str) -> Array:
    return np.array([group in one for one in groups or ()], dtype=bool)


def _by(owners: Array) -> Iterator[tuple[int, Array]]:
    """Each owner with the positions at which it stands."""
    order = np.argsort(owners, kind="stable")
    edges = np.flatnonzero(np.diff(owners[order])) + 1
    for positions in np.split(order, edges) if len(order) else ():
        yield int(owners[positions[0]]), positions
