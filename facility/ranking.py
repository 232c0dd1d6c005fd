"""Rank applications for the places of a call (F03-F05, G03).

Pure: from scores and declared rules to a proposal in which every candidate stands exactly once, as selected, reserve
or rejected, with the reasons. Candidates are taken in order of score; a candidate is passed over when a cap is full or
when the places that are left are needed for a minimum. An override lifts the order and the minimum score, never the
places or a cap. Rules that cannot all hold are named as the smallest set that contradicts itself; the proposal is then
made without the minima, so that places and caps hold whatever the input.

A group is a pair of kind and value: ("country", "ES") counts the lead's country, ("countries", "ES") any country of the
consortium, ("sector", …) and ("ecosystem", …) what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Any

from ortools.linear_solver import pywraplp

Group = tuple[str, str]


class Outcome(StrEnum):
    SELECTED = "selected"
    RESERVE = "reserve"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bid with its score (0 to 100). `tie` is compared, smaller first, where scores are equal: often receipt."""

    id: str
    score: Decimal
    tie: Any = 0
    country: str = ""
    countries: tuple[str, ...] = ()
    sector: str = ""
    ecosystem: str = ""

    @property
    def groups(self) -> frozenset[Group]:
        """Every group in which this candidate counts."""
        own = (("country", self.country), ("sector", self.sector), ("ecosystem", self.ecosystem))
        members = {("countries", country) for country in (self.country, *self.countries)}
        return frozenset(group for group in {*own, *members} if group[1])


@dataclass(frozen=True, slots=True)
class Override:
    """A decision of the coordinators against the order: in or out, always with a reason."""

    is_in: bool
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("An override needs a reason.")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the call declared. `tie_rule` is the sentence that says what `Candidate.tie` holds."""

    places: int
    minimum_score: Decimal = Decimal(0)
    caps: Mapping[Group, int] = field(default_factory=dict)
    minima: Mapping[Group, int] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    tie_rule: str = "the application received first"
    reserve_places: int | None = None


SENTENCES = {
    "in_order": "Rank {rank} with a score of {score}.",
    "in_by_minimum": "Taken before better scores because the minimum of {n} for {group} was not met yet.",
    "in_by_override": "In by override: {reason}",
    "out_by_override": "Out by override: {reason}",
    "override_blocked": "The override could not be followed: places and caps come first.",
    "below_minimum_score": "The score of {score} is below the minimum of {minimum}.",
    "cap": "Displaced by the cap on {group} ({taken} of {n}).",
    "kept_for_minimum": "The places left are needed for the minimum of {n} for {group}.",
    "no_place": "No place left ({taken} of {n}).",
    "no_reserve_place": "No place left on the reserve list ({n}).",
    "tie": "Same score as {others}; the rule is {rule}.",
    "tie_open": "Same score as {others}, and the tie rule leaves both equal: decide by an override.",
    "rule_places": "There are {n} places.",
    "rule_minimum_score": "The minimum score is {minimum}.",
    "rule_cap": "At most {n} for {group}.",
    "rule_minimum": "At least {n} for {group}.",
    "rule_in": "Override: {id} is in.",
    "rule_out": "Override: {id} is out.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its values, to be worded in the reader's language; `sentence` is the English wording."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        words = {key: " ".join(value) if key == "group" else value for key, value in self.values.items()}
        return SENTENCES[self.code].format(**words)


@dataclass(frozen=True, slots=True)
class Placing:
    """What becomes of one candidate; `rank` counts from 1 in order of score, `position` is that on the reserve list."""

    id: str
    outcome: Outcome
    rank: int
    reasons: tuple[Reason, ...]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Every candidate once, in order of rank; `contradiction` names the rules that cannot all hold (empty: they do)."""

    placings: tuple[Placing, ...]
    contradiction: tuple[Reason, ...] = ()

    def ids(self, outcome: Outcome) -> list[str]:
        """The candidates with this outcome, by rank or by position on the reserve list (the two agree)."""
        return [placing.id for placing in self.placings if placing.outcome is outcome]


@dataclass(frozen=True, slots=True)
class Promotion:
    """The reserve who moves up (or None), who was passed over and why, and the minima that nobody left can meet."""

    id: str | None
    skipped: tuple[tuple[str, tuple[Reason, ...]], ...] = ()
    unreachable: tuple[Reason, ...] = ()


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best score first, then the declared tie key; the id only makes what is still equal repeatable."""
    return sorted(candidates, key=lambda one: (-one.score, one.tie, one.id))


def rank(candidates: Iterable[Candidate], rules: Rules) -> Proposal:
    """Place every candidate. Raises ValueError when an id stands twice or an override names nobody."""
    order = in_order(candidates)
    _check(order, rules)
    contradiction = _contradiction(order, rules)
    pick = _Pick(rules, {} if contradiction else rules.minima)
    for one in order:
        if one.id in rules.overrides and rules.overrides[one.id].is_in and not pick.limits(one):
            pick.add(one)
    taken: dict[str, tuple[Reason, ...]] = {one.id: () for one in pick.candidates}
    passed: dict[str, tuple[Reason, ...]] = {}
    for place, one in enumerate(order, 1):
        if one.id in taken:
            taken[one.id] = (Reason("in_by_override", {"reason": rules.overrides[one.id].reason}),)
        elif out := _excluded(one, rules):
            passed[one.id] = out
        elif blocked := pick.blocks(one, (other for other in order[place:] if _may_enter(other, rules))):
            passed[one.id] = blocked
        else:
            reasons: tuple[Reason, ...] = (Reason("in_order", {"rank": place, "score": one.score}),)
            if any(reason.code == "kept_for_minimum" for why in passed.values() for reason in why):
                reasons += pick.serves(one)
            taken[one.id] = reasons
            pick.add(one)
    return Proposal(_placings(order, rules, taken, passed), contradiction)


def next_promotion(reserves: Sequence[Candidate], selected: Iterable[Candidate], rules: Rules) -> Promotion:
    """The first of the reserves, in their order, who fits the places, caps and minima now that `selected` hold places.

    A minimum that nobody on the list can meet any more is named and blocks nobody.
    """
    selected = list(selected)
    minima: dict[Group, int] = {}
    unreachable = []
    for group, n in sorted(rules.minima.items()):
        if _Pick(rules, {**minima, group: n}, selected).is_reachable(reserves):
            minima[group] = n
        else:
            unreachable.append(Reason("rule_minimum", {"group": group, "n": n}))
    pick = _Pick(rules, minima, selected)
    skipped: list[tuple[str, tuple[Reason, ...]]] = []
    for place, one in enumerate(reserves, 1):
        blocked = pick.blocks(one, reserves[place:])
        if not blocked:
            return Promotion(one.id, tuple(skipped), tuple(unreachable))
        skipped.append((one.id, blocked))
    return Promotion(None, tuple(skipped), tuple(unreachable))


class _Pick:
    """The candidates taken so far, and whether one more leaves all rules within reach."""

    def __init__(self, rules: Rules, minima: Mapping[Group, int], taken: Iterable[Candidate] = ()) -> None:
        self.rules = rules
        self.minima = minima
        self.candidates: list[Candidate] = []
        self.counts: Counter[Group] = Counter()
        self._refused: dict[frozenset[Group], tuple[Reason, ...]] = {}
        for one in taken:
            self.add(one)

    def add(self, one: Candidate) -> None:
        self.candidates.append(one)
        self.counts.update(one.groups)

    def open_minima(self) -> dict[Group, int]:
        return {group: n for group, n in self.minima.items() if self.counts[group] < n}

    def serves(self, one: Candidate) -> tuple[Reason, ...]:
        minima = self.open_minima()
        return tuple(Reason("in_by_minimum", {"group": g, "n": minima[g]}) for g in sorted(one.groups & minima.keys()))

    def limits(self, one: Candidate) -> tuple[Reason, ...]:
        """The places and caps that are full for this candidate."""
        full = [
            Reason("cap", {"group": group, "taken": self.counts[group], "n": self.rules.caps[group]})
            for group in sorted(one.groups & self.rules.caps.keys())
            if self.counts[group] >= self.rules.caps[group]
        ]
        if len(self.candidates) >= self.rules.places:
            full.append(Reason("no_place", {"taken": len(self.candidates), "n": self.rules.places}))
        return tuple(full)

    def blocks(self, one: Candidate, rest: Iterable[Candidate]) -> tuple[Reason, ...]:
        """Why this candidate cannot be taken; empty when it can. `rest` are those who come after."""
        if full := self.limits(one):
            return full
        minima = self.open_minima()
        # Once refused, candidates of the same groups stay refused: what is taken only grows, what is left only shrinks.
        if minima and one.groups not in self._refused:
            after = _Pick(self.rules, self.minima, [*self.candidates, one])
            if not after.is_reachable(rest):
                needed = sorted(minima.keys() - one.groups) or sorted(minima)
                self._refused[one.groups] = tuple(
                    Reason("kept_for_minimum", {"group": group, "n": minima[group]}) for group in needed
                )
        return self._refused.get(one.groups, ())

    def is_reachable(self, rest: Iterable[Candidate]) -> bool:
        """Whether the minima can still be met from `rest` within places and caps."""
        kinds = Counter(one.groups for one in rest)
        free = max(0, self.rules.places - len(self.candidates))
        limits = [(group, 0, max(0, n - self.counts[group])) for group, n in self.rules.caps.items()]
        limits += [(group, n - self.counts[group], kinds.total()) for group, n in self.open_minima().items()]
        bounds = [_Bound(frozenset(k for k in kinds if group in k), low, high) for group, low, high in limits]
        bounds.append(_Bound(frozenset(kinds), 0, free))
        return _most_that_hold(kinds, bounds, required=range(len(bounds))) is not None


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule as an inequality: low <= number taken from these kinds of candidate <= high."""

    kinds: frozenset[Any]
    low: int
    high: int


def _check(order: Sequence[Candidate], rules: Rules) -> None:
    ids = Counter(one.id for one in order)
    if twice := [one for one, n in ids.items() if n > 1]:
        raise ValueError(f"Candidate {twice[0]} stands twice.")
    if unknown := rules.overrides.keys() - ids.keys():
        raise ValueError(f"The override for {min(unknown)} names no candidate of this call.")


def _excluded(one: Candidate, rules: Rules) -> tuple[Reason, ...]:
    override = rules.overrides.get(one.id)
    if override and not override.is_in:
        return (Reason("out_by_override", {"reason": override.reason}),)
    if one.score < rules.minimum_score:
        return (Reason("below_minimum_score", {"score": one.score, "minimum": rules.minimum_score}),)
    return ()


def _may_enter(one: Candidate, rules: Rules) -> bool:
    return one.id not in rules.overrides and one.score >= rules.minimum_score


def _placings(
    order: Sequence[Candidate],
    rules: Rules,
    taken: Mapping[str, tuple[Reason, ...]],
    passed: Mapping[str, tuple[Reason, ...]],
) -> tuple[Placing, ...]:
    placings = []
    listed = 0
    ties = _ties(order, rules)
    for place, one in enumerate(order, 1):
        outcome, position = Outcome.SELECTED, None
        reasons = taken.get(one.id) or passed[one.id]
        if one.id not in taken and _excluded(one, rules):
            outcome = Outcome.REJECTED
        elif one.id not in taken and rules.reserve_places is not None and listed >= rules.reserve_places:
            outcome = Outcome.REJECTED
            reasons += (Reason("no_reserve_place", {"n": rules.reserve_places}),)
        elif one.id not in taken:
            listed += 1
            outcome, position = Outcome.RESERVE, listed
        if one.id in rules.overrides and rules.overrides[one.id].is_in and one.id not in taken:
            reasons += (Reason("override_blocked"),)
        placings.append(Placing(one.id, outcome, place, reasons + ties.get(one.id, ()), position))
    return tuple(placings)


def _ties(order: Sequence[Candidate], rules: Rules) -> dict[str, tuple[Reason, ...]]:
    ties: dict[str, tuple[Reason, ...]] = {}
    for _, group in groupby(order, key=lambda one: one.score):
        equals = list(group)
        for one in equals if len(equals) > 1 else ():
            open_to = [other.id for other in equals if other.tie == one.tie and other is not one]
            others = ", ".join(open_to or [other.id for other in equals if other is not one])
            values = {"others": others, "rule": rules.tie_rule}
            ties[one.id] = (Reason("tie_open" if open_to else "tie", values),)
    return ties


def _contradiction(order: Sequence[Candidate], rules: Rules) -> tuple[Reason, ...]:
    """The smallest set of rules that cannot all hold, or nothing.

    Smallest by the hitting-set method: every set of rules whose removal makes the rest hold must touch the core, so the
    smallest set that touches all of those found so far is the answer as soon as it contradicts itself.
    """
    if not rules.minima and not any(override.is_in for override in rules.overrides.values()):
        return ()
    kinds: Counter[Any] = Counter()
    for one in order:
        override = rules.overrides.get(one.id)
        lifted = override is not None and override.is_in
        kinds[one.groups, one.score >= rules.minimum_score or lifted, one.id if override else None] += 1
    bounds, reasons = zip(*_bounds(kinds, rules), strict=True)
    corrections: list[frozenset[int]] = []
    while True:
        core = _smallest_hitting_set(corrections)
        held = _most_that_hold(kinds, bounds, required=core)
        if held is None:
            return tuple(reasons[index] for index in core)
        if len(held) == len(bounds):
            return ()
        corrections.append(frozenset(range(len(bounds))) - held)


def _bounds(kinds: Counter[Any], rules: Rules) -> Iterator[tuple[_Bound, Reason]]:
    """Each rule as an inequality; a kind is (groups, may enter, id of the overridden)."""
    every = sum(kinds.values())
    yield _Bound(frozenset(kinds), 0, rules.places), Reason("rule_places", {"n": rules.places})
    below = frozenset(kind for kind in kinds if not kind[1])
    yield _Bound(below, 0, 0), Reason("rule_minimum_score", {"minimum": rules.minimum_score})
    for code, limits in (("rule_cap", rules.caps), ("rule_minimum", rules.minima)):
        for group, n in sorted(limits.items()):
            members = frozenset(kind for kind in kinds if group in kind[0])
            low, high = (0, n) if code == "rule_cap" else (n, every)
            yield _Bound(members, low, high), Reason(code, {"group": group, "n": n})
    for one, override in sorted(rules.overrides.items()):
        members = frozenset(kind for kind in kinds if kind[2] == one)
        code, n = ("rule_in", 1) if override.is_in else ("rule_out", 0)
        yield _Bound(members, n, n), Reason(code, {"id": one})


def _most_that_hold(
    kinds: Mapping[Any, int], bounds: Sequence[_Bound], required: Iterable[int]
) -> frozenset[int] | None:
    """A largest set of bounds that hold together, all the required among them; None when those alone do not."""
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


def _smallest_hitting_set(sets: Sequence[frozenset[int]]) -> list[int]:
    solver = pywraplp.Solver.CreateSolver("SCIP")
    chosen = {index: solver.BoolVar("") for index in sorted(frozenset().union(*sets))}
    for members in sets:
        solver.Add(solver.Sum([chosen[index] for index in members]) >= 1)
    solver.Minimize(solver.Sum(list(chosen.values())))
    solver.Solve()
    return [index for index, one in chosen.items() if round(one.solution_value())]
