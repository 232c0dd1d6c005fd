"""The search for the best assignment and its proof."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from .contradiction import contradiction
from .fairness import fairest
from .problem import Array, Problem, Solution
from .program import TOLERANCE, Answer, Program
from .resolution import finest, refuse_lost
from .runner import runners_up
from .space import Space
from .words import told

PER_ROUND = 20_000
# Two results closer than this share of the largest score are the same result.
EXACT = 1e-7
# Nor may what is left to the bound be more than this part of the smallest difference between scores.
PART = 0.1
# Sums of floats that differ by this share of the largest score, for each of them, are the same sum.
SAME = 1e-14
# Fairness among equals may take as long as the proof did, but at least so many seconds.
AT_LEAST = 2.0
# Seconds to find the smallest contradiction; it is looked for after the search has ended without an assignment.
TO_EXPLAIN = 30.0


def solve(problem: Problem, time_limit: float = 60.0, is_fairest: bool = True) -> Solution:
    """Assign within about `time_limit` seconds; without `is_fairest` any of the best will do.

    Raises ValueError when the sizes of the input do not agree, or one score is so large that others would be lost.
    """
    began = time.monotonic()
    deadline = began + time_limit
    space = Space(problem)
    refuse_lost(space.score, space.advisor, space.project)
    if _is_short(space, deadline):
        return _impossible(problem)
    if not space.asking:
        return Solution("proven", sum=0.0, sum_bound=0.0)
    try:
        worst = _optimise(space, "worst", None, deadline)
    except NoAssignment:
        return _impossible(problem)
    if worst is None:
        return Solution("best known", reasons=("No assignment was found in the time given.",))
    best = _optimise(space, "sum", space.worst(worst.chosen), deadline)
    chosen = best.chosen if best else worst.chosen
    if is_fairest and best and len(best.reduced):
        proven = time.monotonic()
        until = min(deadline, proven + max(AT_LEAST, proven - began))
        chosen = _no_worse(space, fairest(space, chosen, _in_a_best_one(space, best), until), chosen)
    return _answer(space, chosen, worst, best)


def _no_worse(space: Space, fairer: list[int], chosen: list[int]) -> list[int]:
    """The fairer choice, or the one before where fairness gave back some of the worst case or of the sum.

    A program may give back as much as its tolerances; what is left over from adding floats up is no loss.
    """
    spare = SAME * space.scale * len(chosen)
    lost_sum = math.fsum(space.score[chosen]) - math.fsum(space.score[fairer])
    lost_worst = space.worst(chosen) - space.worst(fairer)
    return fairer if max(lost_sum, lost_worst) <= spare else chosen


def _answer(space: Space, chosen: list[int], worst: Answer, best: Answer | None) -> Solution:
    """What is said of a choice: its own figures, the bounds that were found, and whether they meet."""
    total, least = math.fsum(space.score[chosen]), space.worst(chosen)
    ceiling = space.ceilings()
    proven_sum = best.bound * space.scale if best else math.inf
    sum_bound = max(total, min(proven_sum, math.fsum(ceiling)))
    min_bound = max(least, min(worst.bound * space.scale, *ceiling))
    gap = max(sum_bound - total, min_bound - least)
    is_proven = gap <= min(EXACT * space.scale * len(chosen), finest(space.score) * PART)
    return Solution(
        status="proven" if is_proven else "best known",
        pairs=tuple(sorted(map(space.pair, chosen), key=lambda pair: pair[::-1])),
        sum=total,
        min=least,
        sum_bound=sum_bound,
        min_bound=min_bound,
        reasons=() if is_proven else ("The time given ended before the proof: a better assignment may exist.",),
        kind_of={space.pair(column): space.kinds[space.kind[column]] for column in chosen},
        runners_up=runners_up(space, chosen),
    )


class NoAssignment(Exception):
    """No assignment of whole advisors keeps all demands and limits."""


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
    found = _whole(space, goal, threshold, deadline)
    if found is None or relaxed is None:
        return found and replace(found, bound=math.inf)
    while relaxed.value - found.value > EXACT and _look_at(space, relaxed.reduced, found.value - relaxed.value):
        found = Program(space, goal, threshold, is_whole=True).run(deadline) or found
        if time.monotonic() > deadline:
            return replace(found, bound=relaxed.value)
    spare = relaxed.reduced + (relaxed.value - found.value)
    return replace(found, bound=min(relaxed.value, found.bound), reduced=spare)


def _whole(space: Space, goal: str, threshold: float | None, deadline: float) -> Answer | None:
    """The best whole assignment over the columns seen, or over more where those hold none; None out of time.

    Raises NoAssignment when all pairs together hold none.
    """
    while True:
        program = Program(space, goal, threshold, is_whole=True)
        found = program.run(deadline)
        if found is not None or not program.is_impossible:
            return found
        if not space.look_wider():
            raise NoAssignment
        if time.monotonic() > deadline:
            return None


def _in_a_best_one(space: Space, best: Answer) -> list[int]:
    """The columns that an assignment as good as this proven one may hold: their reduced cost fits into the gap."""
    fits = best.reduced >= -EXACT
    for column, pair in enumerate(zip(space.advisor.tolist(), space.project.tolist(), strict=True)):
        if pair in space.pins:
            fits[column] = True
    fits[best.chosen] = True
    return np.flatnonzero(fits).tolist()


def _is_short(space: Space, deadline: float) -> bool:
    """Whether even fractions of advisors cannot keep all limits; the columns that they need are seen from then on."""
    if space.pins - set(zip(space.advisor.tolist(), space.project.tolist(), strict=True)):
        return True
    answer = None
    while time.monotonic() < deadline:
        program = Program(space, "shortage")
        answer = program.run(deadline)
        if answer is None and program.is_impossible and space.look_wider():
            continue
        if answer is None:
            return program.is_impossible
        if not _look_at(space, answer.reduced, TOLERANCE):
            break
    return answer is not None and any(missing > EXACT for missing in answer.lacking.values())


def _impossible(problem: Problem) -> Solution:
    keys, is_smallest = contradiction(problem, time.monotonic() + TO_EXPLAIN)
    reasons = told(problem, keys, is_smallest)
    return Solution("infeasible", reasons=tuple(reasons), contradiction=tuple(keys))
