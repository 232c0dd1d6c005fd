"""What is asked of the solver, and what it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Pair = tuple[int, int]
Array = np.ndarray[Any, Any]
# What may contradict: a family of demands or limits, then whom it concerns (see `words.FAMILIES`).
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Problem:
    """What is asked: `scores[advisor, project]` (any unit, nan forbids) and the limits.

    `demand[p]` is a number of advisors, or a number for each kind ({"business": 1, "sustainability": 1, "": 1}, where
    "" is anybody); `kinds[a]` are the kinds an advisor can serve as, one at a time. Pairs in `pins` must be in, those
    in `conflict` or `forbids` must not; `why` names the reason of a conflict. `days[a]` is what an advisor has (None:
    no limit) and `days_asked[p]` what a place of the project takes, or that for each kind. For each project `asks`
    holds sets of languages: at least one of its advisors `speaks` one of each set. `most_places` limits how many places
    go to advisors of a group (`groups`), `most_each` how many projects of a group (`project_groups`) one advisor takes.
    Of assignments that are equally good the one is taken that keeps most of the pairs in `before`.
    Names are for the sentences; without them the numbers of rows and columns (from 0) stand there.
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
    why: Mapping[Pair, str] = field(default_factory=dict)
    days: Sequence[float | None] | None = None
    days_asked: Sequence[float | Mapping[str, float]] | None = None
    speaks: Sequence[Collection[str]] | None = None
    asks: Sequence[Collection[Sequence[str]]] | None = None
    groups: Sequence[Collection[str]] | None = None
    project_groups: Sequence[Collection[str]] | None = None
    most_places: Mapping[str, int] = field(default_factory=dict)
    most_each: Mapping[str, int] = field(default_factory=dict)
    before: Collection[Pair] = ()


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best advisor who could take this place without moving anybody else, and what that would cost."""

    advisor: int
    loss: float


@dataclass(frozen=True, slots=True)
class Solution:
    """`pairs` by project; their `min` and `sum`, and bounds that no assignment exceeds (`sum_bound`: at this `min`).

    `status` is "proven" (both figures meet their bounds), "best known" or "infeasible" (then `contradiction` holds a
    set of demands and limits that cannot all hold, none of which could be left out of it, and `reasons` say it in
    words). `kind_of` tells as what an advisor serves; in `runners_up` stands None where nobody else could.
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
    contradiction: tuple[Key, ...] = ()
