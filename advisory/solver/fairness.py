"""Among equally good assignments the fairest: the lowest project as high as can be, then the second lowest, and so on.

The sum of the k lowest projects is a linear expression (Ogryczak and Tamir 2003): the most that k times a level can be,
less what single projects fall short of it. Raised for k = 1, 2, … one after the other, it gives the leximin order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from .program import Program
from .space import Space

# What one round may give back of what an earlier one reached, as a share of the largest score.
SLACK = 1e-8


def fairest(space: Space, chosen: list[int], columns: Sequence[int], deadline: float) -> list[int]:
    """The leximin best of the assignments within `columns` that keep the worst case and the sum of `chosen`.

    columns: every column that an assignment so good can hold. When the time ends, the best found so far.
    """
    if len(columns) == len(chosen):
        return chosen
    program = _Fair(space, columns, space.worst(chosen), math.fsum(space.score[chosen]))
    if not program.has_another(chosen, deadline):
        return chosen
    for lowest in range(1, len(space.asking)):
        fairer = program.raise_the(lowest, deadline)
        if fairer is None:
            return chosen
        chosen = fairer
    return program.keep_most(chosen, deadline) if space.problem.before else chosen


class _Fair(Program):
    """The whole-number program in which the sum stands and the lowest projects are raised one by one."""

    def __init__(self, space: Space, columns: Sequence[int], threshold: float, total: float) -> None:
        super().__init__(space, "fair", threshold, is_whole=True, columns=columns)
        keeps = self.solver.Constraint(total / space.scale - SLACK, self.solver.infinity())
        self.own: dict[int, dict[object, float]] = {project: {} for project in space.asking}
        for column, variable in zip(self.columns, self.variables, strict=True):
            score = float(space.score[column]) / space.scale
            keeps.SetCoefficient(variable, score)
            self.own[int(space.project[column])][variable] = score

    def has_another(self, chosen: Sequence[int], deadline: float) -> bool:
        """Whether an assignment other than this one is as good."""
        other = self.solver.Constraint(-self.solver.infinity(), len(chosen) - 1)
        taken = set(chosen)
        for column, variable in zip(self.columns, self.variables, strict=True):
            if column in taken:
                other.SetCoefficient(variable, 1.0)
        found = self.run(deadline)
        other.SetUb(len(chosen))
        return found is not None

    def keep_most(self, chosen: list[int], deadline: float) -> list[int]:
        """Among the assignments that are as fair, the one with the most pairs from before; out of time the chosen."""
        before = {(int(advisor), int(project)) for advisor, project in self.space.problem.before}
        self.objective.Clear()
        self.objective.SetMaximization()
        for column, variable in zip(self.columns, self.variables, strict=True):
            if self.space.pair(column) in before:
                self.objective.SetCoefficient(variable, 1.0)
        answer = self.run(deadline) if time.monotonic() < deadline else None
        return chosen if answer is None else answer.chosen

    def raise_the(self, lowest: int, deadline: float) -> list[int] | None:
        """Raises the sum of so many of the lowest projects as far as it goes and holds it there; None out of time."""
        infinity = self.solver.infinity()
        level = self.solver.NumVar(-infinity, infinity, "")
        gains = {level: float(lowest)}
        for scores in self.own.values():
            short = self.solver.NumVar(0, infinity, "")
            gains[short] = -1.0
            row = self.solver.Constraint(0, infinity)  # the project and what it falls short make up the level
            row.SetCoefficient(level, -1.0)
            row.SetCoefficient(short, 1.0)
            for variable, score in scores.items():
                row.SetCoefficient(variable, score)
        self.objective.Clear()
        self.objective.SetMaximization()
        for variable, gain in gains.items():
            self.objective.SetCoefficient(variable, gain)
        answer = self.run(deadline) if time.monotonic() < deadline else None
        if answer is None or answer.bound - answer.value > SLACK:
            return None
        held = self.solver.Constraint(answer.value - SLACK, infinity)
        for variable, gain in gains.items():
            held.SetCoefficient(variable, gain)
        return answer.chosen
