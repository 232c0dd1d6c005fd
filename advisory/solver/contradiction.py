"""Which demands and limits cannot all hold: a set of which none could be left out.

Every demand and limit has a key. First the linear program that may break all of them at a price: those it would not pay
for are no part of the contradiction. Then a deletion filter: what can be left out while the rest still contradicts
itself is left out, in halves, quarters and so on down to single ones.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from .problem import Array, Key, Problem
from .space import Space

TOLERANCE = 1e-7


@dataclass(frozen=True)
class Row:
    """low <= sum of the weights of the columns taken <= high."""

    key: Key
    columns: Array
    weights: Array
    low: float
    high: float


def contradiction(problem: Problem, deadline: float) -> tuple[list[Key], bool]:
    """The keys of a set that cannot hold together, and whether none of them could be left out of it.

    Nothing where there is an assignment. deadline: in seconds of `time.monotonic`; then the set found by then is given.
    """
    limits = Limits(problem)
    keys = limits.at_odds()
    if not keys or limits.can_hold(keys, deadline):
        keys = list(limits.rows)
        if limits.can_hold(keys, deadline):
            return [], True
    return smallest(limits, keys, deadline)


def smallest(limits: Limits, keys: list[Key], deadline: float) -> tuple[list[Key], bool]:
    """What is left of keys that cannot hold together when whatever may be left out is left out."""
    size = max(1, len(keys) // 2)
    while True:
        at = 0
        while at < len(keys):
            if time.monotonic() > deadline:
                return keys, False
            rest = keys[:at] + keys[at + size :]
            if limits.can_hold(rest, deadline):
                at += size
            else:
                keys = rest
        if size == 1:
            return keys, True
        size = max(1, min(size // 2, len(keys) // 2))


class Limits:
    """All demands and limits of a problem as rows over all pairs, the forbidden ones among them."""

    def __init__(self, problem: Problem) -> None:
        self.space = space = Space(problem, is_open=True)
        self.rows: dict[Key, list[Row]] = defaultdict(list)
        for rule in space.rules:
            self._row(rule.key, rule.columns, rule.weights, rule.low, rule.high)
        for advisor in range(len(space.load_ub)):
            own = np.flatnonzero(space.advisor == advisor)
            if len(own) > space.load_ub[advisor]:
                self._row(("load", advisor), own, None, -np.inf, int(space.load_ub[advisor]))
            if space.load_lb[advisor]:
                self._row(("least", advisor), own, None, int(space.load_lb[advisor]), np.inf)
        for (project, kind), n in np.ndenumerate(space.demand):
            own = np.flatnonzero((space.project == project) & (space.kind == kind))
            if n:
                self._row(("asks", project, space.kinds[kind]), own, None, int(n), np.inf)
                self._row(("room", project, space.kinds[kind]), own, None, -np.inf, int(n))
        self._barred(problem)
        for advisor, project in sorted(space.pins):
            own = np.flatnonzero((space.advisor == advisor) & (space.project == project))
            self._row(("pin", advisor, project), own, None, 1, np.inf)
        count = Counter(zip(space.advisor.tolist(), space.project.tolist(), strict=True))
        self.twice = {pair for pair, n in count.items() if n > 1}

    def _row(self, key: Key, columns: Array, weights: Array | None, low: float, high: float) -> None:
        self.rows[key].append(Row(key, columns, np.ones(len(columns)) if weights is None else weights, low, high))

    def _barred(self, problem: Problem) -> None:
        """One limit for each reason that keeps people off a project, and one for each pair forbidden by hand."""
        space, named = self.space, set(map(tuple, problem.forbids))
        groups: dict[Key, list[int]] = defaultdict(list)
        for column in np.flatnonzero(space.forbidden[space.advisor, space.project]).tolist():
            pair = advisor, project = space.pair(column)
            if pair in named:
                groups["forbid", advisor, project].append(column)
            if space.conflict[pair]:
                groups["barred", project, problem.why.get(pair, "conflict")].append(column)
            elif space.unscored[pair]:
                groups["barred", project, "score"].append(column)
        for key, own in groups.items():
            self._row(key, np.array(own), None, -np.inf, 0)

    def at_odds(self) -> list[Key]:
        """The keys of those that the cheapest fractional assignment would rather break: a contradiction among them.

        Empty where fractions of advisors could satisfy all.
        """
        solver, variables = self._program(list(self.rows), range(len(self.space.score)), is_whole=False)
        objective = solver.Objective()
        made: list[tuple[Key, Any]] = []
        for key, rows in self.rows.items():
            for row in rows:
                constraint = self._constraint(solver, row, variables)
                slack = solver.NumVar(0, solver.infinity(), "")
                constraint.SetCoefficient(slack, 1.0 if row.low > 0 else -1.0)
                objective.SetCoefficient(slack, 1.0)
                made.append((key, constraint))
        objective.SetMinimization()
        if solver.Solve() != solver.OPTIMAL or objective.Value() < TOLERANCE:
            return []
        return list(dict.fromkeys(key for key, constraint in made if abs(constraint.dual_value()) > TOLERANCE))

    def can_hold(self, keys: Sequence[Key], deadline: float) -> bool:
        """Whether an assignment keeps all of these; yes too where the time ended before that was known."""
        rows = [row for key in keys for row in self.rows[key]]
        asking = [row for row in rows if row.low > 0]
        if any(len(row.columns) == 0 for row in asking):
            return False
        useful = np.unique(np.concatenate([row.columns for row in asking])) if asking else np.array([], dtype=int)
        for row in rows:
            if row.high == 0:
                useful = np.setdiff1d(useful, row.columns[row.weights > 0], assume_unique=True)
        for is_whole in (False, True):
            solver, variables = self._program(keys, useful.tolist(), is_whole)
            for row in rows:
                if row.high != 0:
                    self._constraint(solver, row, variables)
            solver.SetTimeLimit(max(1, int((deadline - time.monotonic()) * 1000)))
            status = solver.Solve()
            if status == solver.INFEASIBLE:
                return False
            values = [variable.solution_value() for variable in variables.values()] if status == solver.OPTIMAL else []
            if is_whole or (values and all(abs(value - round(value)) < TOLERANCE for value in values)):
                return True
        return True

    def _program(self, keys: Collection[Key], columns: Any, is_whole: bool) -> tuple[Any, dict[int, Any]]:
        """A program over these columns in which nobody joins a project twice."""
        solver = pywraplp.Solver.CreateSolver("SCIP" if is_whole else "GLOP")
        variables = {int(column): solver.BoolVar("") if is_whole else solver.NumVar(0, 1, "") for column in columns}
        pairs: dict[tuple[int, int], Any] = {}
        for column, variable in variables.items():
            pair = self.space.pair(column)
            if pair in self.twice:
                pairs.setdefault(pair, solver.Constraint(0, 1)).SetCoefficient(variable, 1.0)
        return solver, variables

    @staticmethod
    def _constraint(solver: Any, row: Row, variables: dict[int, Any]) -> Any:
        low = row.low if row.low > -np.inf else -solver.infinity()
        high = row.high if row.high < np.inf else solver.infinity()
        constraint = solver.Constraint(low, high)
        for column, weight in zip(row.columns.tolist(), row.weights.tolist(), strict=True):
            if column in variables:
                constraint.SetCoefficient(variables[column], weight)
        return constraint
