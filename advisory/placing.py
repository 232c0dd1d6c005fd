"""From points and limits to who works where: the proven assignment, what each pair is worth, and what if (F07, F08).

Pure. `inputs` is what a match run has frozen (see `advisory.matchrun.MatchRun.freeze`); `points` has a row for each of
its advisors and a column for each of its projects, nan where a pair must not be. All sums, losses and bounds are in the
same points, so that they compare with the score of a pair.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from advisory.solver import Pair, Problem, Solution, greedy, solve, told

SECONDS = 60.0
# Seconds for all that is said of single pairs; what is not known by then is left out.
LOSS_SECONDS = 180.0
# From this level on somebody speaks a language that a project demands; a level that is not known is not enough.
SPEAKS = {"B2", "C1", "C2", "native"}
DIGITS = 3
Points = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True)
class Terms:
    """What the coordinator set, with ids: pairs as `advisor:project`, projects for an advisor, languages that a project
    demands; `limits` as in the form of the run (`wish_points`, `each_country`, `each_sector`, `country_places`)."""

    pins: Sequence[str] = ()
    forbids: Sequence[str] = ()
    capacity: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)

    def with_pin(self, pair: str) -> Terms:
        """The same with a pair that must be."""
        kept = [one for one in self.forbids if one != pair]
        return replace(self, pins=[*(one for one in self.pins if one != pair), pair], forbids=kept)

    def with_forbid(self, pair: str) -> Terms:
        """The same with a pair that must not be."""
        kept = [one for one in self.pins if one != pair]
        return replace(self, pins=kept, forbids=[*(one for one in self.forbids if one != pair), pair])


class Field:
    """The advisors and projects of a run with their points, and the problem that terms make of them."""

    def __init__(self, inputs: Mapping[str, Any], points: Any) -> None:
        self.advisors, self.projects = inputs["advisors"], inputs["projects"]
        self.rows = {one["id"]: number for number, one in enumerate(self.advisors)}
        self.columns = {one["id"]: number for number, one in enumerate(self.projects)}
        shape = len(self.advisors), len(self.projects)
        self.points = np.round(np.array(points, dtype=float).reshape(shape), DIGITS)
        # Whoever has no place left is barred from own projects, but is nobody to be placed.
        own = [one for one in inputs["barred"] if one["advisor"] in self.rows and one["project"] in self.columns]
        self.why = {(self.rows[one["advisor"]], self.columns[one["project"]]): one["why"] for one in own}
        self.there = {f"{one['advisor']}:{one['project']}" for one in own if one["why"] == "on the project"}
        self.wishes = self.pairs_of(f"{one['advisor']}:{one['project']}" for one in inputs.get("wishes", ()))

    def pairs_of(self, keys: Any) -> list[Pair]:
        """Rows and columns of `advisor:project`; whoever is not asked any more is left out."""
        split = [key.split(":") for key in keys]
        return [(self.rows[a], self.columns[p]) for a, p in split if a in self.rows and p in self.columns]

    def wish_points(self, pair: Pair, terms: Terms) -> float:
        """What the wish of either side adds to a pair; once, where both wish it."""
        return float(terms.limits.get("wish_points") or 0) if pair in self.wishes else 0.0

    def problem(self, terms: Terms, before: Sequence[str] = ()) -> Problem:
        """What the solver is asked; before: pairs that stay where that costs nothing."""
        advisors, projects, limits = self.advisors, self.projects, terms.limits
        scores = self.points.copy()
        for pair in set(self.wishes):
            scores[pair] += self.wish_points(pair, terms)
        conflict = np.zeros(scores.shape, dtype=bool)
        for pair in self.why:
            conflict[pair] = True
        groups, most_places, most_each = self._groups(limits)
        has_days = any(one.get("days") is not None for one in advisors)
        return Problem(
            scores=scores,
            demand=[one["demand"] for one in projects],
            load_ub=[terms.capacity.get(one["id"], one["places"]) for one in advisors],
            kinds=[one["serves"] for one in advisors],
            pins=self.pairs_of(pair for pair in terms.pins if pair not in self.there),
            forbids=self.pairs_of(terms.forbids),
            conflict=conflict,
            why=self.why,
            advisor_names=[one["label"] for one in advisors],
            project_names=[one["label"] for one in projects],
            days=[one.get("days") for one in advisors] if has_days else None,
            days_asked=[one.get("days", 0) or 0 for one in projects] if has_days else None,
            speaks=[spoken(one) for one in advisors],
            asks=[self._demanded(one, terms) for one in projects],
            groups=groups,
            project_groups=[{one["country"], one.get("sector") or ""} for one in projects],
            most_places=most_places,
            most_each=most_each,
            before=self.pairs_of(before),
        )

    @staticmethod
    def _demanded(project: Mapping[str, Any], terms: Terms) -> list[tuple[str, ...]]:
        own = [tuple(codes) for codes in project.get("must_speak", ())]
        return [*own, *((code,) for code in terms.languages.get(project["id"], ()))]

    def _groups(self, limits: Mapping[str, Any]) -> tuple[list[set[str]], dict[str, int], dict[str, int]]:
        groups = [set(one.get("countries") or ()) for one in self.advisors]
        places = limits.get("country_places")
        most_places = dict.fromkeys(sorted(set().union(*groups)), places) if places else {}
        most_each: dict[str, int] = {}
        for name, key in (("each_country", "country"), ("each_sector", "sector")):
            if limits.get(name):
                most_each |= {one[key]: limits[name] for one in self.projects if one.get(key)}
        return groups, most_places, most_each

    def key(self, pair: Pair) -> str:
        """`advisor:project`."""
        return f"{self.advisors[pair[0]]['id']}:{self.projects[pair[1]]['id']}"


def spoken(advisor: Mapping[str, Any]) -> set[str]:
    """The codes of the languages that an advisor speaks at B2 or better."""
    return {one["code"] for one in advisor["languages"] if one.get("cefr") in SPEAKS}


def placed(
    inputs: Mapping[str, Any],
    points: Any,
    terms: Terms,
    parts: Callable[[int, int], list[dict[str, Any]]],
    advance: Callable[[int], None] = lambda number: None,
    say: Callable[[str], str] = str,
) -> dict[str, Any]:
    """The best assignment with proof, reasons and a comparison, as JSON.

    parts: the reasons of the points of a pair. advance: told how many pairs were weighed so far. say: translates.
    """
    if not inputs["advisors"] or not inputs["projects"]:
        empty = "The pool has no advisor with a place left." if inputs["projects"] else "No project lacks an advisor."
        return {"status": "infeasible", "reasons": [say(empty)]}
    here = Field(inputs, points)
    problem = here.problem(terms, inputs.get("before", ()))
    solution = solve(problem, SECONDS)
    if solution.status == "infeasible":
        return {"status": "infeasible", "reasons": told(problem, solution.contradiction, say=say)}
    without = losses(here, terms, solution, advance)
    taken, total, worst, empty_places = greedy(problem)
    scores = [[None if math.isnan(value) else value for value in row] for row in here.points.tolist()]
    return {
        "status": solution.status,
        "reasons": list(solution.reasons),
        **figures(solution),
        "greedy": {"sum": round(total, 1), "min": round(worst, 1), "empty": empty_places, "pairs": len(taken)},
        "pairs": [_pair(here, terms, solution, pair, parts(*pair), without.get(pair)) for pair in solution.pairs],
        "scores": scores,
    }


def figures(solution: Solution) -> dict[str, Any]:
    """Sum, worst case and their bounds."""
    return {
        name: None if (value := getattr(solution, name)) is None else round(value, 3)
        for name in ("sum", "min", "sum_bound", "min_bound")
    }


def losses(here: Field, terms: Terms, best: Solution, advance: Callable[[int], None]) -> dict[Pair, dict[str, Any]]:
    """What forbidding each pair would cost when everybody else is placed anew, exact where it is proven in time."""
    deadline, found = time.monotonic() + LOSS_SECONDS, {}
    for number, pair in enumerate(best.pairs, 1):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        other = solve(here.problem(terms.with_forbid(here.key(pair))), min(left, SECONDS / 4), is_fairest=False)
        found[pair] = cost(best, other)
        advance(number)
    return found


def cost(best: Solution, other: Solution) -> dict[str, Any]:
    """What another assignment has less than the best; nothing but the status where there is none."""
    if other.sum is None or other.min is None or best.sum is None or best.min is None:
        return {"status": other.status, "sum": None, "min": None}
    return {"status": other.status, "sum": round(best.sum - other.sum, 1), "min": round(best.min - other.min, 1)}


def leads(here: Field, solution: Solution) -> set[Pair]:
    """The lead advisor of each project: its business advisor, else the one with the most points.

    A project that has an advisor already has its lead, and gets no second.
    """
    found = set()
    for number, project in enumerate(here.projects):
        own = [pair for pair in solution.pairs if pair[1] == number]
        if own and not project.get("has_lead"):
            found.add(max(own, key=lambda pair: (solution.kind_of[pair] == "business", here.points[pair], -pair[0])))
    return found


def _pair(
    here: Field,
    terms: Terms,
    solution: Solution,
    pair: Pair,
    parts: list[dict[str, Any]],
    without: dict[str, Any] | None,
) -> dict[str, Any]:
    """A pair with names beside ids, so that it can be read when nothing else is left."""
    i, j = pair
    advisor, project, runner = here.advisors[i], here.projects[j], solution.runners_up[pair]
    if wished := here.wish_points(pair, terms):
        parts = [*parts, {"name": "wishes", "value": None, "points": wished, "evidence": []}]
    return {
        "advisor": {name: advisor[name] for name in ("id", "label", "languages")},
        "project": {name: project[name] for name in ("id", "label", "lang", "country")},
        "kind": solution.kind_of[pair],
        "points": round(sum(part["points"] for part in parts), 1),
        "parts": parts,
        "is_lead": pair in leads(here, solution),
        "days": project.get("days"),
        "runner_up": runner and {name: here.advisors[runner.advisor][name] for name in ("id", "label")},
        "loss": runner and round(runner.loss, 1),
        "without": without,
    }


def tried(
    inputs: Mapping[str, Any], points: Any, result: Mapping[str, Any], terms: Terms, seconds: float
) -> dict[str, Any]:
    """What other terms would change in a result: cost, who moves, or why they cannot be kept (`contradiction`).

    `moves` by project: (name, id, kind) of those who leave and of those who come.
    """
    here = Field(inputs, points)
    problem = here.problem(terms, pairs_in(result))
    now = solve(problem, seconds)
    if now.status == "infeasible":
        return {"status": "infeasible", "contradiction": (problem, now.contradiction)}
    moves = []
    for number, project in enumerate(here.projects):
        was = {
            (pair["advisor"]["label"], pair["advisor"]["id"], pair["kind"])
            for pair in result["pairs"]
            if pair["project"]["id"] == project["id"]
        }
        new = {
            (here.advisors[i]["label"], here.advisors[i]["id"], now.kind_of[i, j]) for i, j in now.pairs if j == number
        }
        if was != new:
            moves.append({"project": project, "out": sorted(was - new), "in": sorted(new - was)})
    before = {name: result[name] for name in ("sum", "min")}
    after = figures(now)
    lost = {name: round(before[name] - after[name], 1) for name in before if after[name] is not None}
    return {"status": now.status, "before": before, "after": after, "cost": lost, "moves": moves}


def pairs_in(result: Mapping[str, Any]) -> list[str]:
    """The pairs of a result as `advisor:project`."""
    return [f"{pair['advisor']['id']}:{pair['project']['id']}" for pair in result.get("pairs", ())]


def changed_by(
    changes: Mapping[str, Any],
    free: str,
    capacity_of: str = "",
    places: int | None = None,
    language_for: str = "",
    language: str = "",
) -> dict[str, Any]:
    """The changes after one more; `free` takes back `capacity:<advisor>` or `language:<project>:<code>`."""
    capacity, languages = dict(changes.get("capacity", {})), dict(changes.get("languages", {}))
    what, _colon, rest = free.partition(":")
    if what == "capacity":
        capacity.pop(rest, None)
    if what == "language":
        project, _colon, code = rest.partition(":")
        languages[project] = [one for one in languages.get(project, []) if one != code]
    if capacity_of and places is not None:
        capacity[capacity_of] = places
    if language_for and language:
        languages[language_for] = sorted({*languages.get(language_for, []), language})
    return {"capacity": capacity, "languages": {project: codes for project, codes in languages.items() if codes}}


def size_of(inputs: Mapping[str, Any]) -> int:
    """How many pairs a run weighs; large ones are for the background."""
    return len(inputs.get("advisors", ())) * len(inputs.get("projects", ()))
