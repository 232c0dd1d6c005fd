"""The pairs that may be, and what limits them together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Sized

import numpy as np

from .problem import Array, Pair, Problem
from .rules import Columns, Rule, rules_of

# Pairs that the first round looks at for each place of a project; later rounds add what they miss.
FIRST_LOOK = 20
# How many times as many pairs are looked at when those so far hold no assignment at all.
WIDER = 8


class Space:
    """Every permitted column (advisor, project, kind) as parallel arrays; `seen` marks those looked at so far.

    `rules` are the limits on several columns that are neither a place nor a load. With `is_open` the columns of
    forbidden pairs are there too, so that their absence can be held to be a limit like others.
    """

    def __init__(self, problem: Problem, is_open: bool = False) -> None:
        self.problem = problem
        shape = advisors, projects = len(problem.load_ub), len(problem.demand)
        scores = np.asarray(problem.scores, dtype=float)
        conflict = np.zeros(shape) if problem.conflict is None else np.asarray(problem.conflict, dtype=float)
        self.load_ub = np.asarray(problem.load_ub, dtype=int)
        self.load_lb = np.zeros(advisors, int) if problem.load_lb is None else np.asarray(problem.load_lb, dtype=int)
        served = problem.kinds if problem.kinds is not None else [()] * advisors
        sizes = {table.shape for table in (scores, conflict) if table.size} | {(len(self.load_lb), projects)}
        lists: list[tuple[Sized | None, int]] = [(problem.days, advisors), (problem.speaks, advisors)]
        lists += [(problem.groups, advisors)]
        lists += [(problem.days_asked, projects), (problem.asks, projects), (problem.project_groups, projects)]
        fit = all(one is None or len(one) == number for one, number in lists)
        if sizes != {shape} or len(served) != advisors or not fit:
            raise ValueError("scores, demand, load_ub, load_lb, conflict and kinds do not agree in size")
        self.scores = scores = scores.reshape(shape)
        self.unscored = np.isnan(scores)
        self.conflict = conflict.reshape(shape) != 0
        self.forbidden = self.unscored | self.conflict
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
        may = (self.demand > 0)[None] & self.serves[:, None, :]
        self.advisor, self.project, self.kind = np.nonzero(may if is_open else may & ~self.forbidden[:, :, None])
        self.score = scores[self.advisor, self.project]
        self.scale = float(np.abs(self.score).max(initial=0.0, where=~np.isnan(self.score))) or 1.0
        # Where a load may be given up, it makes no other limit superfluous.
        most = None if is_open else self.load_ub
        columns = Columns(self.advisor, self.project, self.kind, self.kinds, most)
        self.rules: list[Rule] = rules_of(problem, columns)
        self.rank = self._rank()
        self.first_look = FIRST_LOOK
        self.seen = np.zeros(len(self.score), dtype=bool)
        self.look()

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

    def look(self) -> None:
        """Marks the best columns of each place as seen, and all that a lower limit may need."""
        self.seen |= self.rank < self.first_look * self.demand[self.project, self.kind]
        self.seen |= self.load_lb[self.advisor] > 0
        pinned = np.zeros(self.forbidden.shape, dtype=bool)
        for pair in self.pins:
            pinned[pair] = True
        self.seen |= pinned[self.advisor, self.project]

    def look_wider(self) -> bool:
        """Looks at several times as many columns; False when all were seen."""
        if self.seen.all():
            return False
        self.first_look = max(1, self.first_look) * WIDER
        self.look()
        return True

    def _rank(self) -> Array:
        """The place of each column among those of its project and kind, the best score first."""
        order = np.lexsort((-self.score, self.kind, self.project))
        place = self.project[order] * len(self.kinds) + self.kind[order]
        starts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]]) if len(order) else np.array([], dtype=int)
        rank = np.zeros(len(order), dtype=int)
        rank[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
        return rank
