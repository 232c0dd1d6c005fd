"""What is asked of the solver, and what it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Pair = tuple[int, int]
Array = np.ndarray[Any, Any]


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
