"""Rank applications for the places of a call (F03-F05, G03).

Pure: from scores and declared rules to a proposal in which every candidate stands exactly once, as selected, reserve
or rejected, with the reasons. Candidates are taken in order of score; a candidate is passed over when a cap is full or
when the places that are left are needed for a minimum. An override lifts the order and the minimum score, never the
places or a cap. Rules that cannot all hold are named as the smallest set that contradicts itself; the proposal is then
made without the minima, so that places and caps hold whatever the input.

A group is a pair of kind and value: ("country", "ES") counts the lead's country, ("countries", "ES") any country of the
consortium, ("sector", …), ("ecosystem", …) and ("label", …) what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, zip_longest
from typing import Any

from facility.bounds import Bound, most_that_hold, smallest_contradiction

Group = tuple[str, str]


class Outcome(StrEnum):
    SELECTED = "selected"
    RESERVE = "reserve"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bid with its score (0 to 100). `tie` is compared, smaller first, where points are equal: often receipt.

    `bonus` are points for something that is not judged, such as a label: they count for the order, never for the
    minimum score. `below` names the criteria on which the bid does not reach the points needed to pass: (criterion,
    mean points, points needed).
    """

    id: str
    score: Decimal
    tie: Any = 0
    country: str = ""
    countries: tuple[str, ...] = ()
    sector: str = ""
    ecosystem: str = ""
    label: str = ""
    bonus: Decimal = Decimal(0)
    below: tuple[tuple[str, Decimal, Decimal], ...] = ()

    @property
    def points(self) -> Decimal:
        """What the order goes by."""
        return self.score + self.bonus

    @property
    def groups(self) -> frozenset[Group]:
        """Every group in which this candidate counts."""
        own = (
            ("country", self.country),
            ("sector", self.sector),
            ("ecosystem", self.ecosystem),
            ("label", self.label),
        )
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
    """What the call declared. `tie_rule` is the sentence that says how equal points are put in order.

    `fewest_of_country_first`: of equal points, those come first whose country has fewer selected among the overrides
    and the better points; then `Candidate.tie`.
    """

    places: int
    minimum_score: Decimal = Decimal(0)
    caps: Mapping[Group, int] = field(default_factory=dict)
    minima: Mapping[Group, int] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    tie_rule: str = "the application received first"
    fewest_of_country_first: bool = False
    reserve_places: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its values, to be worded in the reader's language."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


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
    """Most points first, then the declared tie key; the id only makes what is still equal repeatable."""
    return sorted(candidates, key=lambda one: (-one.points, one.tie, one.id))


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
    keys: dict[str, Any] = {}
    for place, one in enumerate(_settled(order, pick, keys), 1):
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
    return Proposal(_placings(order, rules, taken, passed, keys), contradiction)


def displaced(before: Proposal, after: Proposal) -> tuple[tuple[str | None, str | None], ...]:
    """Who goes out and who comes in instead, from one proposal to another over the same candidates.

    Pairs of ids, the best of those who go with the best of those who come; None where one side has nobody left.
    """
    was, now = before.ids(Outcome.SELECTED), after.ids(Outcome.SELECTED)
    out = [one for one in was if one not in set(now)]
    come = [one for one in now if one not in set(was)]
    return tuple(zip_longest(out, come))


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


def _settled(order: list[Candidate], pick: _Pick, keys: dict[str, Any]) -> Iterator[Candidate]:
    """The candidates one by one. Those of equal points are put in order when their turn comes, in `order` itself,
    since the declared rule may ask who was selected before them; `keys` learns what decided.
    """
    for start, equals in _equals(list(order)):
        for one in equals:
            fewest = pick.counts["country", one.country] if pick.rules.fewest_of_country_first else 0
            keys[one.id] = (fewest, one.tie)
        equals.sort(key=lambda one: (keys[one.id], one.id))
        order[start : start + len(equals)] = equals
        yield from equals


def _equals(order: Sequence[Candidate]) -> Iterator[tuple[int, list[Candidate]]]:
    """Those with the same points, with the place at which they start."""
    start = 0
    for _, group in groupby(order, key=lambda one: one.points):
        equals = list(group)
        yield start, equals
        start += len(equals)


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
        bounds = [Bound(frozenset(k for k in kinds if group in k), low, high) for group, low, high in limits]
        bounds.append(Bound(frozenset(kinds), 0, free))
        return most_that_hold(kinds, bounds, required=range(len(bounds))) is not None


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
    return short_of(one, rules.minimum_score)


def short_of(one: Candidate, minimum_score: Decimal) -> tuple[Reason, ...]:
    """What this candidate lacks to be taken at all: the minimum score, the points needed on a criterion."""
    short = [
        Reason("below_threshold", {"criterion": name, "score": mean, "minimum": needed})
        for name, mean, needed in one.below
    ]
    if one.score < minimum_score:
        short.insert(0, Reason("below_minimum_score", {"score": one.score, "minimum": minimum_score}))
    return tuple(short)


def _may_enter(one: Candidate, rules: Rules) -> bool:
    return one.id not in rules.overrides and not short_of(one, rules.minimum_score)


def _placings(
    order: Sequence[Candidate],
    rules: Rules,
    taken: Mapping[str, tuple[Reason, ...]],
    passed: Mapping[str, tuple[Reason, ...]],
    keys: Mapping[str, Any],
) -> tuple[Placing, ...]:
    placings = []
    listed = 0
    ties = _ties(order, rules, keys)
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
        if one.bonus:
            reasons += (Reason("bonus", {"points": one.bonus}),)
        placings.append(Placing(one.id, outcome, place, reasons + ties.get(one.id, ()), position))
    return tuple(placings)


def _ties(order: Sequence[Candidate], rules: Rules, keys: Mapping[str, Any]) -> dict[str, tuple[Reason, ...]]:
    ties: dict[str, tuple[Reason, ...]] = {}
    for _, equals in _equals(order):
        for one in equals if len(equals) > 1 else ():
            open_to = [other.id for other in equals if keys[other.id] == keys[one.id] and other is not one]
            others = ", ".join(open_to or [other.id for other in equals if other is not one])
            values = {"others": others, "rule": rules.tie_rule}
            ties[one.id] = (Reason("tie_open" if open_to else "tie", values),)
    return ties


def _contradiction(order: Sequence[Candidate], rules: Rules) -> tuple[Reason, ...]:
    """The smallest set of rules that cannot all hold, or nothing."""
    if not rules.minima and not any(override.is_in for override in rules.overrides.values()):
        return ()
    kinds: Counter[Any] = Counter()
    for one in order:
        override = rules.overrides.get(one.id)
        lifted = override is not None and override.is_in
        kinds[one.groups, lifted or not short_of(one, rules.minimum_score), one.id if override else None] += 1
    bounds, reasons = zip(*_bounds(kinds, rules), strict=True)
    return tuple(reasons[index] for index in smallest_contradiction(kinds, bounds))


def _bounds(kinds: Counter[Any], rules: Rules) -> Iterator[tuple[Bound, Reason]]:
    """Each rule as an inequality; a kind is (groups, may enter, id of the overridden)."""
    every = sum(kinds.values())
    yield Bound(frozenset(kinds), 0, rules.places), Reason("rule_places", {"n": rules.places})
    below = frozenset(kind for kind in kinds if not kind[1])
    yield Bound(below, 0, 0), Reason("rule_minimum_score", {"minimum": rules.minimum_score})
    for code, limits in (("rule_cap", rules.caps), ("rule_minimum", rules.minima)):
        for group, n in sorted(limits.items()):
            members = frozenset(kind for kind in kinds if group in kind[0])
            low, high = (0, n) if code == "rule_cap" else (n, every)
            yield Bound(members, low, high), Reason(code, {"group": group, "n": n})
    for one, override in sorted(rules.overrides.items()):
        members = frozenset(kind for kind in kinds if kind[2] == one)
        code, n = ("rule_in", 1) if override.is_in else ("rule_out", 0)
        yield Bound(members, n, n), Reason(code, {"id": one})
