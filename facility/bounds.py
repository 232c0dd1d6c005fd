"""Whether rules on numbers can hold together, and the smallest set of them that cannot.

Pure: a rule is a bound on how many are taken from some kinds of candidate; a mixed-integer solver does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortools.linear_solver import pywraplp


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule as an inequality: low <= number taken from these kinds of candidate <= high."""

    kinds: frozenset[Any]
    low: int
    high: int


def most_that_hold(kinds: Mapping[Any, int], bounds: Sequence[Bound], required: Iterable[int]) -> frozenset[int] | None:
    """A largest set of bounds that hold together, all the required among them; None when those alone do not.

    kinds: how many candidates there are of each kind. required: indices of bounds.
    """
    required = set(required)
    solver = pywraplp.Solver.CreateSolver("SCIP")
    numbers = {kind: solver.IntVar(0, n, "") for kind, n in kinds.items()}
    holds = []
    slack = sum(kinds.values()) + sum(abs(bound.low) + abs(bound.high) for bound in bounds)
    for index, bound in enumerate(bounds):
        hold = solver.IntVar(int(index in required), 1, "")
        taken = solver.Sum([numbers[kind] for kind in bound.kinds])
        solver.Add(taken >= bound.low - slack * (1 - hold))
        solver.Add(taken <= bound.high + slack * (1 - hold))
        holds.append(hold)
    solver.Maximize(solver.Sum(holds))
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    return frozenset(index for index, hold in enumerate(holds) if round(hold.solution_value()))


def smallest_contradiction(kinds: Mapping[Any, int], bounds: Sequence[Bound]) -> list[int]:
    """The indices of the smallest set of bounds that cannot all hold; empty when all hold together.

    Smallest by the hitting-set method: every set of rules whose removal makes the rest hold must touch the core, so the
    smallest set that touches all of those found so far is the answer as soon as it contradicts itself.
    """
    corrections: list[frozenset[int]] = []
    while True:
        core = _smallest_hitting_set(corrections)
        held = most_that_hold(kinds, bounds, required=core)
        if held is None:
            return core
        if len(held) == len(bounds):
            return []
        corrections.append(frozenset(range(len(bounds))) - held)


def _smallest_hitting_set(sets: Sequence[frozenset[int]]) -> list[int]:
    solver = pywraplp.Solver.CreateSolver("SCIP")
    chosen = {index: solver.BoolVar("") for index in sorted(frozenset().union(*sets))}
    for members in sets:
        solver.Add(solver.Sum([chosen[index] for index in members]) >= 1)
    solver.Minimize(solver.Sum(list(chosen.values())))
    solver.Solve()
    return [index for index, one in chosen.items() if round(one.solution_value())]
