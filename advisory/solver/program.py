"""One linear or whole-number program over the pairs that were looked at."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from .problem import Array
from .space import Space

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Answer:
    """What a program gave: the columns taken, the value, the bound and the reduced cost of every column.

    A whole-number program has none of its own; once it is proven, those of its relaxation plus the gap stand there.
    """

    chosen: list[int]
    value: float
    bound: float
    reduced: Array
    lacking: Mapping[Any, float] = field(default_factory=dict)


class Program:
    """One linear or whole-number program over the columns seen, in scores divided by the scale.

    The goal is "worst" (raise the lowest project), "sum" (with every project at the threshold or above), "fair" (the
    same, but the goal is set from outside) or "shortage" (leave as few places empty as can be). The columns are those
    seen, where no others are given.
    """

    def __init__(
        self,
        space: Space,
        goal: str,
        threshold: float | None = None,
        is_whole: bool = False,
        columns: Sequence[int] | None = None,
    ) -> None:
        self.space, self.goal, self.threshold = space, goal, threshold
        self.solver = pywraplp.Solver.CreateSolver("SCIP" if is_whole else "GLOP")
        self.is_whole = is_whole
        self.columns: list[int] = np.flatnonzero(space.seen).tolist() if columns is None else list(columns)
        self.objective = self.solver.Objective()
        self.objective.SetMaximization()
        self.slack: dict[Any, Any] = {}
        self.is_impossible = False
        self._rows()
        self._columns()

    def _rows(self) -> None:
        space, row = self.space, self.solver.Constraint
        self.places = {(p, k): row(int(n), int(n)) for (p, k), n in np.ndenumerate(space.demand) if n}
        bounded = np.union1d(space.advisor[self.columns], np.flatnonzero(space.load_lb))
        self.loads = {int(a): row(int(space.load_lb[a]), int(space.load_ub[a])) for a in bounded}
        count = Counter(map(space.pair, self.columns))
        self.pairs = {pair: row(int(pair in space.pins), 1) for pair, n in count.items() if n > 1 or pair in space.pins}
        self.levels = {}
        if self.goal != "shortage":
            low = 0.0 if self.threshold is None else self.threshold / space.scale - TOLERANCE
            self.levels = {p: row(low, self.solver.infinity()) for p in space.asking}
        else:
            for key, constraint in [*self.places.items(), *self.loads.items()]:
                self._lacks(key, constraint)
        self._rules()
        if self.goal == "worst":
            level = self.solver.NumVar(-self.solver.infinity(), self.solver.infinity(), "")
            self._add(level, 1.0, dict.fromkeys(self.levels.values(), -1.0))

    def _rules(self) -> None:
        """The rows of the rules that reach into these columns, and what each column weighs in them."""
        space = self.space
        at = np.full(len(space.score), -1)
        at[self.columns] = np.arange(len(self.columns))
        self.weighs: list[list[tuple[Any, float]]] = [[] for _ in self.columns]
        self.rules = []
        for rule in space.rules:
            here = at[rule.columns]
            is_here = here >= 0
            if not is_here.any() and rule.low <= 0:
                continue
            high = rule.high if rule.high < np.inf else self.solver.infinity()
            row = self.solver.Constraint(rule.low, high)
            self.rules.append((rule, row))
            for position, weight in zip(here[is_here].tolist(), rule.weights[is_here].tolist(), strict=True):
                self.weighs[position].append((row, weight))
            if self.goal == "shortage" and rule.low > 0:
                self._lacks(rule.key, row)

    def _lacks(self, key: Any, row: Any) -> None:
        """What is missing to the lower limit of a row counts against the value."""
        self._add(self.solver.NumVar(0, self.solver.infinity(), ""), -1.0, {row: 1.0}, key)

    def _columns(self) -> None:
        space = self.space
        self.variables = []
        for position, column in enumerate(self.columns):
            pair = advisor, project = space.pair(column)
            score = float(space.score[column]) / space.scale
            rows = {self.places[project, int(space.kind[column])]: 1.0, self.loads[advisor]: 1.0}
            if pair in self.pairs:
                rows[self.pairs[pair]] = 1.0
            if project in self.levels:
                rows[self.levels[project]] = score
            rows.update(self.weighs[position])
            variable = self.solver.BoolVar("") if self.is_whole else self.solver.NumVar(0, 1, "")
            self.variables.append(variable)
            self._add(variable, score if self.goal == "sum" else 0.0, rows)

    def _add(self, variable: Any, gain: float, rows: Mapping[Any, float], slack_of: Any = None) -> None:
        self.objective.SetCoefficient(variable, gain)
        for row, factor in rows.items():
            row.SetCoefficient(variable, factor)
        if slack_of is not None:
            self.slack[slack_of] = variable

    def run(self, deadline: float) -> Answer | None:
        """Solve until the deadline; None when not even one solution was found."""
        self.solver.SetTimeLimit(max(1, int((deadline - time.monotonic()) * 1000)))
        parameters = pywraplp.MPSolverParameters()
        parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, 0.0)
        if self.is_whole:
            self.solver.SetSolverSpecificParametersAsString(f"numerics/feastol = {TOLERANCE}")
        status = self.solver.Solve(parameters)
        self.is_impossible = status == self.solver.INFEASIBLE
        if status not in (self.solver.OPTIMAL, *([self.solver.FEASIBLE] if self.is_whole else [])):
            return None
        values = [variable.solution_value() for variable in self.variables]
        chosen = [int(column) for column, value in zip(self.columns, values, strict=True) if round(value)]
        lacking = {key: variable.solution_value() for key, variable in self.slack.items()}
        bound = self.objective.BestBound() if self.is_whole else self.objective.Value()
        reduced = np.empty(0) if self.is_whole else self._reduced()
        return Answer(chosen, self.objective.Value(), bound, reduced, lacking)

    def _reduced(self) -> Array:
        """What one unit of each column would add to the value, for those not seen too: an upper estimate for all."""
        space = self.space
        score = space.score / space.scale
        places = np.zeros(space.demand.shape)
        loads, levels = np.zeros(len(space.load_ub)), np.zeros(len(space.demand))
        for key, row in self.places.items():
            places[key] = row.dual_value()
        for advisor, row in self.loads.items():
            loads[advisor] = row.dual_value()
        for project, row in self.levels.items():
            levels[project] = row.dual_value()
        gain = score if self.goal == "sum" else 0.0
        rest = gain - places[space.project, space.kind] - loads[space.advisor] - levels[space.project] * score
        for rule, row in self.rules:
            rest[rule.columns] -= row.dual_value() * rule.weights
        return rest
