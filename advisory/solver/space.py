"""The pairs that may be, and what can be said of them without a search."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from .problem import Array, Pair, Problem

# Pairs that the first round looks at for each place of a project; later rounds add what they miss.
FIRST_LOOK = 20


class Space:
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
