"""The search for the best assignment and its proof."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .fairness import fairest
from .problem import Array, Pair, Problem, RunnerUp, Solution
from .program import TOLERANCE, Answer, Program
from .space import Space

PER_ROUND = 20_000
# Two results closer than this share of the largest score are the same result.
EXACT = 1e-7
# Fairness among equals may take as long as the proof did, but at least so many seconds.
AT_LEAST = 2.0


def solve(problem: Problem, time_limit: float = 60.0) -> Solution:
    """Assign within about `time_limit` seconds. Raises ValueError when the sizes of the input do not agree."""
    began = time.monotonic()
    deadline = began + time_limit
    space = Space(problem)
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
    if best and len(best.reduced):
        proven = time.monotonic()
        until = min(deadline, proven + max(AT_LEAST, proven - began))
        chosen = fairest(space, chosen, _in_a_best_one(space, best), until)
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


def _relax(space: Space, goal: str, threshold: float | None, deadline: float) -> Answer | None:
    """The linear optimum over all columns: look at more of them until none could raise it."""
    while time.monotonic() < deadline:
        answer = Program(space, goal, threshold).run(deadline)
        if answer is None or not _look_at(space, answer.reduced, TOLERANCE):
            return answer
    return None


def _look_at(space: Space, reduced: Array, above: float) -> bool:
    """Add the most promising unseen columns; False when there is none above the mark."""
    promising = np.flatnonzero(~space.seen & (reduced > above))
    best = promising[np.argsort(-reduced[promising], kind="stable")][:PER_ROUND]
    space.seen[best] = True
    return len(best) > 0


def _optimise(space: Space, goal: str, threshold: float | None, deadline: float) -> Answer | None:
    """The best assignment for the goal with the bound that no other exceeds (infinite when time ran out before)."""
    relaxed = _relax(space, goal, threshold, deadline)
    found = Program(space, goal, threshold, is_whole=True).run(deadline)
    if found is None or relaxed is None:
        return found and replace(found, bound=math.inf)
    while relaxed.value - found.value > EXACT and _look_at(space, relaxed.reduced, found.value - relaxed.value):
        found = Program(space, goal, threshold, is_whole=True).run(deadline) or found
        if time.monotonic() > deadline:
            return replace(found, bound=relaxed.value)
    spare = relaxed.reduced + (relaxed.value - found.value)
    return replace(found, bound=min(relaxed.value, found.bound), reduced=spare)


def _in_a_best_one(space: Space, best: Answer) -> list[int]:
    """The columns that an assignment as good as this proven one may hold: their reduced cost fits into the gap."""
    fits = best.reduced >= -EXACT
    for column, pair in enumerate(zip(space.advisor.tolist(), space.project.tolist(), strict=True)):
        if pair in space.pins:
            fits[column] = True
    fits[best.chosen] = True
    return np.flatnonzero(fits).tolist()


def _shortages(space: Space, deadline: float) -> list[str]:
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


def _runners_up(space: Space, chosen: Sequence[int]) -> dict[Pair, RunnerUp | None]:
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
