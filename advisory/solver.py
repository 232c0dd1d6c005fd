"""Assign advisors to projects: first the best possible worst case, then the best sum that goes with it (F07, F08).

Pure: scores, demands, limits and conflicts go in; pairs come out with a proof, or with the gap that is left. The score
of a project is the sum over its advisors, and the worst case is the lowest score of the projects that ask for anybody.

The proof: the linear relaxation is solved over a growing set of pairs until no other pair could raise it, which bounds
every assignment; then the whole-number problem is solved over those pairs, and again with all pairs whose reduced cost
fits into the gap. A pair left out after that cannot be part of a better assignment.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

Pair = tuple[int, int]
Array = np.ndarray[Any, Any]

# Pairs that the first round looks at for each place of a project; later rounds add what they miss.
FIRST_LOOK = 20
PER_ROUND = 20_000
# Two results closer than this share of the largest score are the same result.
EXACT = 1e-7
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Problem:
    """What is asked: `scores[advisor, project]` (any unit, nan forbids) and the limits.

    `demand[p]` is a number of advisors, or a number for each kind ({"business": 1, "sustainability": 1}); `kinds[a]`
    are the kinds an advisor can serve as, one at a time. Pairs in `pins` must be in, those in `conflict` or `forbids`
    must not. Names are for the sentences; without them the numbers of rows and columns (from 0) stand there.
    """

    scores: Array
    demand: Sequence[int | Mapping[str, int]]
    load_ub: Sequence[int]
    load_lb: Sequence[int] | None = None
    conflict: Array | None = None
    kinds: Sequence[Collection[str]] | None = None
    pins: Collection[Pair] = ()
    forbids: Collection[Pair] = ()
    advisor_names: Sequence[str] | None = None
    project_names: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best advisor who could take this place without moving anybody else, and what that would cost."""

    advisor: int
    loss: float


@dataclass(frozen=True, slots=True)
class Solution:
    """`pairs` by project; their `min` and `sum`, and bounds that no assignment exceeds (`sum_bound`: at this `min`).

    `status` is "proven" (both figures meet their bounds), "best known" or "infeasible" (then `reasons` say why).
    `kind_of` tells as what an advisor serves; in `runners_up` stands None where nobody else could.
    """

    status: str
    pairs: tuple[Pair, ...] = ()
    sum: float | None = None
    min: float | None = None
    sum_bound: float | None = None
    min_bound: float | None = None
    reasons: tuple[str, ...] = ()
    kind_of: Mapping[Pair, str] = field(default_factory=dict)
    runners_up: Mapping[Pair, RunnerUp | None] = field(default_factory=dict)


def solve(problem: Problem, time_limit: float = 60.0) -> Solution:
    """Assign within about `time_limit` seconds. Raises ValueError when the sizes of the input do not agree."""
    deadline = time.monotonic() + time_limit
    space = _Space(problem)
    if reasons := space.contradictions() or _shortages(space, deadline):
        return Solution("infeasible", reasons=tuple(reasons))
    if not space.asking:
        return Solution("proven", sum=0.0, sum_bound=0.0)
    worst = _optimise(space, "worst", None, deadline)
    if worst is None:
        return Solution("best known", reasons=("No assignment was found in the time given.",))
    best = _optimise(space, "sum", space.worst(worst.chosen), deadline)
    chosen = best.chosen if best else worst.chosen
    total, least = math.fsum(space.score[chosen]), space.worst(chosen)
    ceiling = space.ceilings()
    proven_sum = best.bound * space.scale if best else math.inf
    sum_bound = max(total, min(proven_sum, math.fsum(ceiling)))
    min_bound = max(least, min(worst.bound * space.scale, *ceiling))
    is_proven = max(sum_bound - total, min_bound - least) <= EXACT * space.scale * len(chosen)
    return Solution(
        status="proven" if is_proven else "best known",
        pairs=tuple(sorted(map(space.pair, chosen), key=lambda pair: pair[::-1])),
        sum=total,
        min=least,
        sum_bound=sum_bound,
        min_bound=min_bound,
        reasons=() if is_proven else ("The time given ended before the proof: a better assignment may exist.",),
        kind_of={space.pair(column): space.kinds[space.kind[column]] for column in chosen},
        runners_up=_runners_up(space, chosen),
    )


class _Space:
    """Every permitted column (advisor, project, kind) as parallel arrays; `seen` marks those looked at so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        shape = advisors, projects = len(problem.load_ub), len(problem.demand)
        scores = np.asarray(problem.scores, dtype=float)
        conflict = np.zeros(shape) if problem.conflict is None else np.asarray(problem.conflict, dtype=float)
        self.load_ub = np.asarray(problem.load_ub, dtype=int)
        self.load_lb = np.zeros(advisors, int) if problem.load_lb is None else np.asarray(problem.load_lb, dtype=int)
        served = problem.kinds if problem.kinds is not None else [()] * advisors
        sizes = {table.shape for table in (scores, conflict) if table.size} | {(len(self.load_lb), projects)}
        if sizes != {shape} or len(served) != advisors:
            raise ValueError("scores, demand, load_ub, load_lb, conflict and kinds do not agree in size")
        self.scores = scores = scores.reshape(shape)
        self.forbidden = np.isnan(scores) | (conflict.reshape(shape) != 0)
        for pair in problem.forbids:
            self.forbidden[pair] = True
        self.pins = {(int(advisor), int(project)) for advisor, project in problem.pins}
        demands = [one if isinstance(one, Mapping) else {"": int(one)} for one in problem.demand]
        self.kinds = sorted({kind for one in demands for kind in one}) or [""]
        self.demand = np.array([[one.get(kind, 0) for kind in self.kinds] for one in demands], dtype=int)
        self.demand = self.demand.reshape(projects, len(self.kinds))
        self.asking = [int(project) for project in np.flatnonzero(self.demand.sum(axis=1))]
        self.serves = np.array(
            [[kind == "" or problem.kinds is None or kind in own for kind in self.kinds] for own in served], dtype=bool
        ).reshape(advisors, len(self.kinds))
        allowed = ~self.forbidden[:, :, None] & (self.demand > 0)[None] & self.serves[:, None, :]
        self.advisor, self.project, self.kind = np.nonzero(allowed)
        self.score = scores[self.advisor, self.project]
        self.scale = float(np.abs(self.score).max(initial=0.0)) or 1.0
        self.seen = self._first_look()

    def pair(self, column: int) -> Pair:
        return int(self.advisor[column]), int(self.project[column])

    def worst(self, chosen: Sequence[int]) -> float:
        """The lowest score of a project that asks for anybody, exact."""
        own: dict[int, list[float]] = {project: [] for project in self.asking}
        for column in chosen:
            own[int(self.project[column])].append(float(self.score[column]))
        return min(map(math.fsum, own.values()))

    def ceilings(self) -> list[float]:
        """For each project that asks: the score with the best permitted advisors, as if nobody else wanted them."""
        totals = []
        for project in self.asking:
            total = 0.0
            for kind, n in enumerate(self.demand[project]):
                columns = (self.project == project) & (self.kind == kind)
                total += math.fsum(np.sort(self.score[columns])[::-1][:n])
            totals.append(total)
        return totals

    def _first_look(self) -> Array:
        seen = np.zeros(len(self.score), dtype=bool)
        order = np.lexsort((-self.score, self.kind, self.project))
        place = self.project[order] * len(self.kinds) + self.kind[order]
        starts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]]) if len(order) else np.array([], dtype=int)
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
        seen[order] = rank < FIRST_LOOK * self.demand[self.project[order], self.kind[order]]
        seen |= self.load_lb[self.advisor] > 0
        pinned = np.zeros(self.forbidden.shape, dtype=bool)
        for pair in self.pins:
            pinned[pair] = True
        return seen | pinned[self.advisor, self.project]

    def contradictions(self) -> list[str]:
        """What can be seen to be impossible without looking for an assignment, as sentences."""
        reasons = []
        load, filled = Counter(advisor for advisor, _ in self.pins), Counter(project for _, project in self.pins)
        for advisor, project in sorted(self.pins):
            if not ((self.advisor == advisor) & (self.project == project)).any():
                reasons.append(
                    f"{self.name(advisor)} is pinned to {self.name(project, True)}, where a conflict, the kind or the "
                    "demand forbids it."
                )
        for advisor, (low, high) in enumerate(zip(self.load_lb, self.load_ub, strict=True)):
            if max(low, load[advisor]) > high:
                reasons.append(
                    f"{self.name(advisor)} must take {max(low, load[advisor])} projects but may take {high}."
                )
        for project in sorted(filled):
            if filled[project] > self.demand[project].sum():
                asked = self.demand[project].sum()
                reasons.append(
                    f"{self.name(project, True)} asks for {asked} advisors but {filled[project]} are pinned."
                )
        places, room = int(self.demand.sum()), int(self.load_ub.sum())
        if places > room:
            reasons.append(f"The projects ask for {places} advisors, but all advisors together may take {room} places.")
        if self.load_lb.sum() > places:
            reasons.append(
                f"Advisors must take {self.load_lb.sum()} places together, but the projects ask for {places}."
            )
        return reasons

    def name(self, number: int, is_project: bool = False) -> str:
        names = self.problem.project_names if is_project else self.problem.advisor_names
        return names[number] if names else f"{'Project' if is_project else 'Advisor'} {number}"


@dataclass(frozen=True)
class _Answer:
    """What a program gave: the columns taken, the value, the bound and, if linear, the reduced cost of every column."""

    chosen: list[int]
    value: float
    bound: float
    reduced: Array
    lacking: Mapping[Any, float] = field(default_factory=dict)


class _Program:
    """One linear or whole-number program over the columns seen, in scores divided by the scale.

    The goal is "worst" (raise the lowest project), "sum" (with every project at the threshold or above) or "shortage"
    (leave as few places empty as can be).
    """

    def __init__(self, space: _Space, goal: str, threshold: float | None = None, is_whole: bool = False) -> None:
        self.space, self.goal, self.threshold = space, goal, threshold
        self.solver = pywraplp.Solver.CreateSolver("SCIP" if is_whole else "GLOP")
        self.is_whole = is_whole
        self.columns: list[int] = np.flatnonzero(space.seen).tolist()
        self.objective = self.solver.Objective()
        self.objective.SetMaximization()
        self.slack: dict[Any, Any] = {}
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
                self._add(self.solver.NumVar(0, self.solver.infinity(), ""), -1.0, {constraint: 1.0}, key)
        if self.goal == "worst":
            level = self.solver.NumVar(-self.solver.infinity(), self.solver.infinity(), "")
            self._add(level, 1.0, dict.fromkeys(self.levels.values(), -1.0))

    def _columns(self) -> None:
        space = self.space
        self.variables = []
        for column in self.columns:
            pair = advisor, project = space.pair(column)
            score = float(space.score[column]) / space.scale
            rows = {self.places[project, int(space.kind[column])]: 1.0, self.loads[advisor]: 1.0}
            if pair in self.pairs:
                rows[self.pairs[pair]] = 1.0
            if project in self.levels:
                rows[self.levels[project]] = score
            variable = self.solver.BoolVar("") if self.is_whole else self.solver.NumVar(0, 1, "")
            self.variables.append(variable)
            self._add(variable, score if self.goal == "sum" else 0.0, rows)

    def _add(self, variable: Any, gain: float, rows: Mapping[Any, float], slack_of: Any = None) -> None:
        self.objective.SetCoefficient(variable, gain)
        for row, factor in rows.items():
            row.SetCoefficient(variable, factor)
        if slack_of is not None:
            self.slack[slack_of] = variable

    def run(self, deadline: float) -> _Answer | None:
        """Solve until the deadline; None when not even one solution was found."""
        self.solver.SetTimeLimit(max(1, int((deadline - time.monotonic()) * 1000)))
        parameters = pywraplp.MPSolverParameters()
        parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, 0.0)
        if self.is_whole:
            self.solver.SetSolverSpecificParametersAsString(f"numerics/feastol = {TOLERANCE}")
        status = self.solver.Solve(parameters)
        if status not in (self.solver.OPTIMAL, *([self.solver.FEASIBLE] if self.is_whole else [])):
            return None
        values = [variable.solution_value() for variable in self.variables]
        chosen = [int(column) for column, value in zip(self.columns, values, strict=True) if round(value)]
        lacking = {key: variable.solution_value() for key, variable in self.slack.items()}
        bound = self.objective.BestBound() if self.is_whole else self.objective.Value()
        reduced = np.empty(0) if self.is_whole else self._reduced()
        return _Answer(chosen, self.objective.Value(), bound, reduced, lacking)

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
        return gain - places[space.project, space.kind] - loads[space.advisor] - levels[space.project] * score


def _relax(space: _Space, goal: str, threshold: float | None, deadline: float) -> _Answer | None:
    """The linear optimum over all columns: look at more of them until none could raise it."""
    while time.monotonic() < deadline:
        answer = _Program(space, goal, threshold).run(deadline)
        if answer is None or not _look_at(space, answer.reduced, TOLERANCE):
            return answer
    return None


def _look_at(space: _Space, reduced: Array, above: float) -> bool:
    """Add the most promising unseen columns; False when there is none above the mark."""
    promising = np.flatnonzero(~space.seen & (reduced > above))
    best = promising[np.argsort(-reduced[promising], kind="stable")][:PER_ROUND]
    space.seen[best] = True
    return len(best) > 0


def _optimise(space: _Space, goal: str, threshold: float | None, deadline: float) -> _Answer | None:
    """The best assignment for the goal with the bound that no other exceeds (infinite when time ran out before)."""
    relaxed = _relax(space, goal, threshold, deadline)
    found = _Program(space, goal, threshold, is_whole=True).run(deadline)
    if found is None or relaxed is None:
        return found and replace(found, bound=math.inf)
    while relaxed.value - found.value > EXACT and _look_at(space, relaxed.reduced, found.value - relaxed.value):
        found = _Program(space, goal, threshold, is_whole=True).run(deadline) or found
        if time.monotonic() > deadline:
            return replace(found, bound=relaxed.value)
    return replace(found, bound=min(relaxed.value, found.bound))


def _shortages(space: _Space, deadline: float) -> list[str]:
    """Which places stay empty in an assignment that fills as many as can be; nothing when all can be filled."""
    answer = _relax(space, "shortage", None, deadline)
    reasons = []
    for key, missing in (answer.lacking if answer else {}).items():
        if missing < EXACT:
            continue
        if isinstance(key, tuple):
            project, kind = key
            free = int((space.serves[:, kind] & ~space.forbidden[:, project]).sum())
            asked = f"{space.demand[key]} {space.kinds[kind]}".strip()
            reasons.append(
                f"{space.name(project, True)} lacks {round(missing)} of {asked} advisors: {free} may serve there, and "
                "those are needed elsewhere or their places are taken."
            )
        else:
            reasons.append(
                f"{space.name(key)} must take {space.load_lb[key]} projects; {round(missing)} of them cannot be found."
            )
    return reasons


def _runners_up(space: _Space, chosen: Sequence[int]) -> dict[Pair, RunnerUp | None]:
    load = np.bincount(space.advisor[list(chosen)], minlength=len(space.load_ub))
    on_project = np.zeros(space.forbidden.shape, dtype=bool)
    for column in chosen:
        on_project[space.pair(column)] = True
    found: dict[Pair, RunnerUp | None] = {}
    for column in chosen:
        advisor, project = space.pair(column)
        could = space.serves[:, space.kind[column]] & (load < space.load_ub)
        could &= ~(space.forbidden | on_project)[:, project]
        is_fixed = (advisor, project) in space.pins or load[advisor] <= space.load_lb[advisor]
        if is_fixed or not could.any():
            found[advisor, project] = None
            continue
        other = int(np.argmax(np.where(could, space.scores[:, project], -np.inf)))
        found[advisor, project] = RunnerUp(other, float(space.scores[advisor, project] - space.scores[other, project]))
    return found
