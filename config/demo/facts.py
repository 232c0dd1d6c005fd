"""Typed access to the facts and inventions of the demo of 2021 (config/demo/data).

Pure: no Django, no database. What is invented says so in the files (`demo`, a column or key ending in `_demo`, or a
basis of `demo`); what is a fact names its source. Everything drawn here (managers, firms, scores) is drawn by a hash of
the keys, so that every run of the demo meets the same people and the same ranking.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from facility.registry.matrix import EU_MEMBERS, matrix
from facility.registry.vocabulary_data import vocabulary

DATA = Path(__file__).resolve().parent / "data"
EVALUATED = ("selected", "promoted", "declined", "capped", "reserve", "rejected")
LANGUAGE_OF = {"AT": "de", "DE": "de", "BE": "nl", "NL": "nl", "FR": "fr", "LU": "fr"}
# Sizes of member firms as often as they are drawn.
SIZES = ("micro", "micro", "micro", "small", "small", "small", "medium", "large")
# How far the first two readings stand from the quality; the third of a disputed application stands on it.
NEAR, FAR = 5, 13
# How far, in points of the scale, one criterion may stand from the score of the whole.
REACH = 1.5
# What the demo promises beside the figures of the programme.
LEAST_APPLICATIONS, MOST_PARTNERS, NEEDS, CELLS = 84, 4, range(2, 7), range(20, 27)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster. A `*_basis` says where a value comes from: a source, inferred or demo. Counts are always invented."""

    key: str
    name: str
    short_name: str
    name_en: str
    is_demo: bool
    source: str
    country: str
    country_basis: str
    nuts2: str
    nuts2_basis: str
    sector: str
    sector_basis: str
    ecosystem: str
    ecosystem_basis: str
    members_demo: int
    smes_demo: int
    label_demo: str


@dataclass(frozen=True, slots=True)
class Need:
    """A need in the agreed order; `ranks` by voice (advisor, manager, coordinator), only for the 25 projects."""

    area: str
    title: str
    context: str
    ranks: Mapping[str, int] = field(default_factory=dict)
    impact: int | None = None
    urgency: int | None = None
    feasibility: int | None = None
    driver: str = ""
    rule: str = ""
    end_status: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """A bid of the demo; `path` is what becomes of it and `quality` (0 to 100) what its scores are drawn around."""

    key: str
    lead: str
    lead_is_real: bool
    partners: tuple[str, ...]
    title: str
    motivation: str
    context: str
    training_needs: str
    maturity: str
    strategic_focus: int
    quality: float
    path: str
    needs: tuple[Need, ...]
    disputed: bool = False
    ineligible_reason: str = ""

    @property
    def readings(self) -> int:
        """How many evaluations it gets."""
        if self.path not in EVALUATED:
            return 0
        return 3 if self.disputed else 2


@dataclass(frozen=True, slots=True)
class Action:
    """A planned action of a project, or a template of one (then `end` is empty)."""

    area: str
    title: str
    form: str
    kind: str
    cells: tuple[str, ...]
    mode: str
    aim: str
    output: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """The invented course of one of the 25."""

    application: str
    outcome: str
    outcome_kind: str
    indicators: tuple[Mapping[str, Any], ...]
    quote: Mapping[str, str]
    actions: tuple[Action, ...]
    lessons: tuple[Mapping[str, str], ...]
    counterpart: Mapping[str, str]
    kick_off: date
    days: int


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """An invented person; `role` as in people.yaml, or manager."""

    name: str
    email: str
    role: str
    lang: str = "en"
    country: str = ""
    territory: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Firm:
    """An invented member firm of a cluster; `size` is micro, small, medium or large."""

    name: str
    country: str
    size: str


def draw(seed: str, n: int) -> int:
    """A number from 0 to n - 1 that depends on the seed alone."""
    return int(sha256(seed.encode()).hexdigest(), 16) % n


def _yaml(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


def _action(row: Mapping[str, Any]) -> Action:
    rest = {key: value for key, value in row.items() if key not in {"area", "need_area", "cells"}}
    return Action(area=row.get("area") or row["need_area"], cells=tuple(row["cells"]), **rest)


def _email(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(str.maketrans("łŁøæ", "lLoa"))).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9]+", ".", plain.decode().lower()).strip(".") + "@example.org"


@cache
def programme() -> Mapping[str, Any]:
    """programme.yaml: programme, figures, timetable, call, selection, sources."""
    return _yaml("programme.yaml")


@cache
def webinars() -> Mapping[str, Any]:
    """webinars.yaml: webinars, events around the call, speakers, topics, practice_notes."""
    return _yaml("webinars.yaml")


@cache
def stories() -> Mapping[str, Any]:
    """stories.yaml: six stories, and the recommendations of the demo's report."""
    return _yaml("stories.yaml")


@cache
def clusters() -> Mapping[str, Cluster]:
    """Every cluster by key, real ones first."""
    with (DATA / "clusters.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        row["is_demo"] = row.pop("demo") == "yes"
        row["members_demo"], row["smes_demo"] = int(row["members_demo"]), int(row["smes_demo"])
    return {row["key"]: Cluster(**row) for row in rows}


@cache
def applications() -> Mapping[str, Application]:
    """Every application by key, the 25 first."""
    found = {}
    for row in _yaml("applications.yaml")["applications"]:
        needs = tuple(Need(**need) for need in row["needs"])
        found[row["key"]] = Application(**{**row, "needs": needs, "partners": tuple(row["partners"])})
    return found


@cache
def projects() -> Mapping[str, Project]:
    """The 25 projects by the key of their application."""
    found = {}
    for row in _yaml("projects.yaml")["projects"]:
        lists = {name: tuple(row[name]) for name in ("indicators", "lessons")}
        actions = tuple(_action(action) for action in row["actions"])
        found[row["application"]] = Project(**{**row, **lists, "actions": actions})
    return found


@cache
def action_templates(area: str | None = None) -> tuple[Action, ...]:
    """Templates of actions, of one area or all."""
    found = (_action(row) for row in _yaml("projects.yaml")["action_templates"])
    return tuple(one for one in found if area in {None, one.area})


@cache
def lessons() -> Mapping[str, list[str]]:
    """Lessons by each of the eleven areas."""
    return _yaml("projects.yaml")["lessons"]


@cache
def session_outputs() -> Mapping[str, list[str]]:
    """What a session left behind, by each of the five forms."""
    return _yaml("projects.yaml")["session_outputs"]


@cache
def _people() -> Mapping[str, Any]:
    return _yaml("people.yaml")


@cache
def staff(role: str | None = None) -> tuple[DemoPerson, ...]:
    """Coordinators, evaluators and the other staff, of one role or all."""
    found = (DemoPerson(email=_email(row["name"]), **row) for row in _people()["staff"])
    return tuple(one for one in found if role in {None, one.role})


def profile(who: DemoPerson) -> Mapping[str, Any]:
    """What an evaluator reads and knows, as the form of a profile takes it."""
    return {"employers": [], **_people()["profiles"][who.name]}


def signatories() -> tuple[DemoPerson, ...]:
    """Who signs for member firms."""
    return tuple(DemoPerson(name, _email(name), "signatory") for name in _people()["signatories"])


def _names(country: str) -> Iterator[str]:
    """Full names of this country, each once, in an order of their own."""
    pool = _people()["names"][country]
    full = []
    for form, given in enumerate((pool["women"], pool["men"])):
        full += [
            f"{one} {family.split('/')[form if '/' in family else 0]}" for one, family in product(given, pool["family"])
        ]
    return iter(sorted(full, key=lambda name: draw(name, 10**9)))


@cache
def managers() -> Mapping[str, tuple[DemoPerson, ...]]:
    """One or two invented managers by the key of their cluster."""
    left: dict[str, Iterator[str]] = {}
    found = {}
    for cluster in clusters().values():
        country = cluster.country
        names = left.setdefault(country, _names(country))
        found[cluster.key] = tuple(
            DemoPerson(name, _email(name), "manager", LANGUAGE_OF.get(country, "en"), country, cluster=cluster.key)
            for name, _ in zip(names, range(1 + (draw(f"second manager {cluster.key}", 3) == 0)), strict=False)
        )
    return found


def firms(cluster: Cluster, number: int) -> tuple[Firm, ...]:
    """That many invented member firms, at most 50, each name once; one in eight is large."""
    parts = _people()["firms"]
    words = sorted(parts["words"], key=lambda word: draw(f"{cluster.key} {word}", 10**9))[:number]
    trades, legal = parts["trades"][cluster.ecosystem], parts["legal_forms"][cluster.country]
    return tuple(
        Firm(
            f"{word} {trades[draw(f'trade {cluster.key} {word}', len(trades))]} {legal}",
            cluster.country,
            SIZES[draw(f"size {cluster.key} {word}", len(SIZES))],
        )
        for word in words
    )


def scores(application: Application, reading: int) -> dict[str, int]:
    """The points of one evaluation by criterion; `reading` counts from 1.

    The first two readings lie on either side of the quality, so that their weighted mean (0 to 100) is the quality
    within about half a point.
    """
    call = programme()["call"]
    top, weights = call["scale_max"], {one["id"]: one["weight"] for one in call["criteria"]}
    side = {1: 1, 2: -1}.get(reading, 0) * (1 if draw(f"side {application.key}", 2) else -1)
    distance = FAR if application.disputed else draw(f"distance {application.key}", NEAR + 1)
    target = application.quality + side * distance
    taste = {id: (draw(f"{application.key} {id} {reading}", 3) - 1) / 2 for id in weights}
    around = [
        [point for point in range(top + 1) if abs(point - (target / 100 * top + taste[id])) <= REACH] for id in weights
    ]
    options = (dict(zip(weights, points, strict=True)) for points in product(*around))
    return min(
        options, key=lambda one: (abs(weighted(one) - target), draw(f"{application.key} {reading} {one}", 10**9))
    )


def weighted(points: Mapping[str, int]) -> float:
    """The score of 0 to 100 that these points give under the weights of the call."""
    call = programme()["call"]
    return sum(one["weight"] * points[one["id"]] for one in call["criteria"]) / call["scale_max"]


def comment(application: Application, reading: int, criterion: str, points: int) -> str:
    """What the evaluator wrote beside these points."""
    call = programme()["call"]
    choice = call["comments"][round(points / call["scale_max"] * (len(call["comments"]) - 1))]
    return choice[draw(f"comment {application.key} {reading} {criterion}", len(choice))]


def check() -> None:
    """ValueError that names the first promise of the demo which the files do not keep."""
    bids, known, courses = applications(), clusters(), projects()
    chosen = [one for one in bids.values() if one.path in {"selected", "promoted"}]
    leads = {known[one.lead].country for one in chosen}
    everyone = {known[key].country for one in chosen for key in (one.lead, *one.partners)}
    cells = {cell for one in courses.values() for action in one.actions for cell in action.cells}
    areas, forms = set(vocabulary("areas").ids), set(vocabulary("forms").ids)
    figures = programme()["figures"]
    promises = {
        "every selected application has a course": set(courses) == {one.key for one in chosen},
        "as many projects as the programme had": len(chosen) == figures["projects"],
        "leads and partners lie in the same Member States": leads == everyone <= EU_MEMBERS,
        "as many Member States as the programme had": len(leads) == figures["member_states"],
        "at least 84 applications": len(bids) >= LEAST_APPLICATIONS,
        "0 to 4 partners": all(len(one.partners) <= MOST_PARTNERS for one in bids.values()),
        "2 to 6 needs": all(len(one.needs) in NEEDS for one in bids.values()),
        "needs in known areas": {need.area for one in bids.values() for need in one.needs} <= areas,
        "20 to 26 cells with evidence": len(cells) in CELLS and cells <= {cell.id for cell in matrix().cells()},
        "a lesson for each area": set(lessons()) == areas,
        "outputs for each form": set(session_outputs()) == forms,
    }
    for promise, is_kept in promises.items():
        if not is_kept:
            raise ValueError(f"The files of the demo break a promise: {promise}.")
