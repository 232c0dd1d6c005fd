"""Who could take a place without moving anybody else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .problem import Array, Pair, RunnerUp
from .space import Space

TOLERANCE = 1e-9


def runners_up(space: Space, chosen: Sequence[int]) -> dict[Pair, RunnerUp | None]:
    """For each pair the best other advisor whom all limits allow when the rest stays as it is; None for nobody."""
    load = np.bincount(space.advisor[list(chosen)], minlength=len(space.load_ub))
    on_project = np.zeros(space.forbidden.shape, dtype=bool)
    for column in chosen:
        on_project[space.pair(column)] = True
    limits = _Limits(space, chosen)
    found: dict[Pair, RunnerUp | None] = {}
    for column in chosen:
        advisor, project = space.pair(column)
        found[advisor, project] = None
        if (advisor, project) in space.pins or load[advisor] <= space.load_lb[advisor]:
            continue
        others = np.flatnonzero((space.project == project) & (space.kind == space.kind[column]))
        free = (load < space.load_ub) & ~on_project[:, project]
        others = others[free[space.advisor[others]]]
        others = others[limits.allow(column, others)]
        if len(others):
            best = int(others[np.argmax(space.score[others])])
            loss = float(space.score[column] - space.score[best])
            found[advisor, project] = RunnerUp(int(space.advisor[best]), loss)
    return found


class _Limits:
    """The rules with what the chosen columns make of them."""

    def __init__(self, space: Space, chosen: Sequence[int]) -> None:
        self.weights = [dict(zip(rule.columns.tolist(), rule.weights.tolist(), strict=True)) for rule in space.rules]
        self.taken = [sum(own.get(column, 0.0) for column in chosen) for own in self.weights]
        self.space = space

    def allow(self, column: int, others: Array) -> Array:
        """Which of the others may stand in the place of a chosen column."""
        fits = np.ones(len(others), dtype=bool)
        for rule, own, taken in zip(self.space.rules, self.weights, self.taken, strict=True):
            rest = taken - own.get(column, 0.0)
            if rule.low <= rest and rest + rule.weights.max(initial=0.0) <= rule.high:
                continue
            after = rest + np.array([own.get(other, 0.0) for other in others.tolist()])
            fits &= (after >= rule.low - TOLERANCE) & (after <= rule.high + TOLERANCE)
        return fits
