"""The assignment that somebody makes who takes the best pair that is left, again and again: what the proof is worth."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from .problem import Array, Pair, Problem
from .rules import Rule
from .space import Space

TOLERANCE = 1e-9


def greedy(problem: Problem) -> tuple[tuple[Pair, ...], float, float, int]:
    """Pairs, their sum, the score of the weakest project that asks for anybody (0 if empty), and places left empty.

    Pins come first. Limits are kept; the last place of a project goes to somebody who speaks what it still lacks.
    """
    space = Space(problem)
    order = np.argsort(-space.score, kind="stable").tolist()
    order.sort(key=lambda column: space.pair(column) not in space.pins)
    state = _State(space)
    for column in order:
        if not state.open_places:
            break
        if state.may(column):
            state.take(column)
    own: dict[int, list[float]] = {project: [] for project in space.asking}
    for column in state.chosen:
        own[int(space.project[column])].append(float(space.score[column]))
    worst = min(map(math.fsum, own.values()), default=0.0)
    pairs = sorted(map(space.pair, state.chosen), key=lambda pair: pair[::-1])
    return tuple(pairs), math.fsum(space.score[state.chosen]), worst, state.open_places


class _State:
    """What is taken so far."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.chosen: list[int] = []
        self.left: Array = space.demand.copy()
        self.load = np.zeros(len(space.load_ub), dtype=int)
        self.open_places = int(space.demand.sum())
        self.pairs: set[Pair] = set()
        self.taken = [0.0] * len(space.rules)
        self.rules_of: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self.lower: dict[int, list[int]] = defaultdict(list)
        for number, rule in enumerate(space.rules):
            for column, weight in zip(rule.columns.tolist(), rule.weights.tolist(), strict=True):
                self.rules_of[column].append((number, weight))
            if rule.low > 0:
                self.lower[int(rule.key[1])].append(number)

    def may(self, column: int) -> bool:
        """Whether all limits allow this column beside what is taken."""
        space = self.space
        advisor, project = pair = space.pair(column)
        if (
            pair in self.pairs
            or not self.left[project, space.kind[column]]
            or self.load[advisor] >= space.load_ub[advisor]
        ):
            return False
        weights = dict(self.rules_of[column])
        rules: list[Rule] = space.rules
        if any(self.taken[n] + weight > rules[n].high + TOLERANCE for n, weight in weights.items()):
            return False
        is_last = self.left[project].sum() == 1
        return not is_last or all(
            self.taken[n] + weights.get(n, 0.0) >= rules[n].low - TOLERANCE for n in self.lower.get(project, ())
        )

    def take(self, column: int) -> None:
        """Takes it."""
        advisor, project = pair = self.space.pair(column)
        self.chosen.append(column)
        self.pairs.add(pair)
        self.load[advisor] += 1
        self.left[project, self.space.kind[column]] -= 1
        self.open_places -= 1
        for number, weight in self.rules_of[column]:
            self.taken[number] += weight
