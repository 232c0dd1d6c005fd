"""The frozen cut of a report: figures with their evidence, canonical bytes, seal, check of the shape.

The shape is `facility-report/1`: `cut.schema.json` beside this file states it, `docs/report.md` explains it.
Every format of the report reads one sealed cut and nothing else, so equal cuts give equal bytes.
Requirements: F33, F34 (the whole course and its lessons), F16 (five forms, zeros too), F27 (eleven areas always),
T16 (36 cells of the toolkit matrix).
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

SCHEMA_FILE = Path(__file__).with_name("cut.schema.json")
SECTIONS = (
    "summary", "course", "selection", "matching", "needs", "support", "webinars", "projects", "stories",
    "matrix", "recommendations", "lessons", "method", "annex", "evidence",
)  # fmt: skip
AREAS = (
    "resilient-business-models",
    "sustainable-investments",
    "greening-business-processes",
    "eco-friendly-products-services",
    "water-use",
    "energy-efficiency",
    "waste-management",
    "carbon-footprint",
    "circular-materials",
    "harmful-emissions",
    "sustainable-innovation",
)
FORMS = ("one_to_one", "workshop", "online_webinar", "guidance_document", "direct_consultancy")
LEDGER_STEPS = ("budgeted", "logged", "confirmed", "approved", "left")
KEY_FIGURES = (
    "projects", "member_states", "cvs", "advisors", "sessions",
    "hours", "firms", "needs_moved", "webinar_avg", "satisfaction",
)  # fmt: skip
THEMES = ("green", "digital", "resilience")
CHALLENGES = ("innovation", "skills", "internationalisation", "value_chains")
FUNCTIONS = ("intelligence", "networking", "business_services")
CELLS = tuple(".".join(place) for place in product(THEMES, CHALLENGES, FUNCTIONS))
FIGURE_MEMBERS = ("id", "value", "unit", "label", "filter", "n", "evidence", "sha256_12")
SENTENCE_LIMIT = 220


def evidence_sha(evidence: Iterable[str]) -> str:
    """First 12 signs of SHA-256 over the record ids joined by newline."""
    return hashlib.sha256("\n".join(evidence).encode()).hexdigest()[:12]


def whole(value: int | float | Decimal) -> int | float:
    """The number as JSON shall hold it: no float where a whole number is meant.

    Raises ValueError for NaN and infinities, which JSON does not know.
    """
    if not math.isfinite(value):
        raise ValueError(f"A figure needs a finite value, not {value}.")
    return int(value) if value == int(value) else float(value)


class Figures:
    """Numbers the figures of a cut F001, F002, … in the order in which its sections ask for them."""

    def __init__(self) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}

    def figure(
        self,
        label: str,
        unit: str,
        filter: str,
        evidence: Iterable[Any],
        value: int | float | Decimal | None = None,
    ) -> dict[str, Any]:
        """One number with what stands behind it.

        `filter` is the query in words, `evidence` the ids of the records it found (any order, no repeats).
        Without `value` the figure is a count: its value is the number of records. A sum or a mean gives `value`
        apart; `n` stays the number of records. Raises ValueError when an id repeats or the value is not finite.
        """
        ids = sorted(str(record) for record in evidence)
        if len(set(ids)) != len(ids):
            raise ValueError(f"The evidence of “{label}” names a record twice.")
        figure: dict[str, Any] = {
            "id": f"F{len(self.by_id) + 1:03d}",
            "value": len(ids) if value is None else whole(value),
            "unit": unit,
            "label": label,
            "filter": filter,
            "n": len(ids),
            "evidence": ids,
            "sha256_12": evidence_sha(ids),
        }
        self.by_id[figure["id"]] = figure
        return figure

    def series(
        self,
        label: str,
        unit: str,
        filter: str,
        rows: Iterable[tuple[Any, ...]],
    ) -> list[dict[str, Any]]:
        """A Figure per row `(key, evidence)` or `(key, evidence, value)`, each with its `key`."""
        return [
            {"key": str(key), **self.figure(f"{label}: {key}", unit, f"{filter}; {key}", *rest)} for key, *rest in rows
        ]

    def members(self) -> dict[str, Any]:
        """The cut's `figures` and `figure_order`."""
        return {"figures": dict(self.by_id), "figure_order": list(self.by_id)}


def canonical(cut: dict[str, Any]) -> bytes:
    """The cut as bytes: keys sorted, UTF-8, compact. Equal cuts give equal bytes; NaN raises ValueError."""
    return json.dumps(cut, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def checksum(cut: dict[str, Any]) -> str:
    """SHA-256 of the canonical form with `meta.cut_sha256` left empty."""
    return hashlib.sha256(canonical({**cut, "meta": {**cut["meta"], "cut_sha256": ""}})).hexdigest()


def seal(cut: dict[str, Any]) -> dict[str, Any]:
    """The same cut with its checksum in `meta.cut_sha256`."""
    return {**cut, "meta": {**cut["meta"], "cut_sha256": checksum(cut)}}


def is_sealed(cut: dict[str, Any]) -> bool:
    """Whether the cut still is what was sealed."""
    return checksum(cut) == str(cut["meta"]["cut_sha256"])


def figures_in(node: Any) -> Iterator[dict[str, Any]]:
    """Every figure below `node`, as it stands in its place (a row of a series with its `key`)."""
    if isinstance(node, dict):
        if "sha256_12" in node:
            yield node
        else:
            for child in node.values():
                yield from figures_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from figures_in(child)


def check(cut: dict[str, Any]) -> list[str]:
    """Every breach of the shape, one sentence each; an empty list means that all formats can be built.

    Cross-references are looked at only once the shape itself holds.
    """
    breaches = [_sentence(error) for error in sorted(_validator().iter_errors(cut), key=lambda e: e.json_path)]
    return breaches or [
        *_sections(cut),
        *_vocabularies(cut),
        *_labels(cut),
        *_references(cut),
        *_calendar(cut),
        *_needs(cut),
        *_figures(cut),
    ]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def _sentence(error: ValidationError) -> str:
    place = error.json_path.removeprefix("$").removeprefix(".") or "the cut"
    message = error.message if len(error.message) <= SENTENCE_LIMIT else f"…{error.message[-SENTENCE_LIMIT:]}"
    return f"{place}: {message}."


def _sections(cut: dict[str, Any]) -> Iterator[str]:
    for section, times in Counter(section["id"] for section in cut["sections"]).items():
        if section not in SECTIONS:
            yield f"sections: “{section}” has no template; known are {', '.join(SECTIONS)}."
        if times > 1:
            yield f"sections: “{section}” is listed {times} times."


def _vocabularies(cut: dict[str, Any]) -> Iterator[str]:
    """Eleven areas, five forms, five ledger steps and the axes of the matrix: all of them, in order, zeros too."""
    matrix = cut["matrix"]
    lists: tuple[tuple[str, list[str], tuple[str, ...]], ...] = (
        ("areas", [row["slug"] for row in cut["areas"]], AREAS),
        ("needs.areas", [row["area"] for row in cut["needs"]["areas"]], AREAS),
        ("lessons", [row["area"] for row in cut["lessons"]], AREAS),
        ("forms", cut["forms"], FORMS),
        ("support.forms", [row["form"] for row in cut["support"]["forms"]], FORMS),
        ("ledger.steps", [row["key"] for row in cut["ledger"]["steps"]], LEDGER_STEPS),
        ("matrix.themes", [row["id"] for row in matrix["themes"]], THEMES),
        ("matrix.challenges", [row["id"] for row in matrix["challenges"]], CHALLENGES),
        ("matrix.functions", [row["id"] for row in matrix["functions"]], FUNCTIONS),
    )
    for place, found, wanted in lists:
        if tuple(found) != wanted:
            yield f"{place} must name, in this order and no other: {', '.join(wanted)}."


def _labels(cut: dict[str, Any]) -> Iterator[str]:
    """Ids become labels inside the document; two equal labels would stop the build or mislead a link."""
    projects = cut["projects"]
    kinds = {
        "projects": [p["id"] for p in projects],
        "needs": [n["id"] for p in projects for n in p["needs"]],
        "actions": [a["id"] for p in projects for a in p["actions"]],
        "sessions": [s["id"] for p in projects for s in p["sessions"]],
        "webinars.events": [e["id"] for e in cut["webinars"]["events"]],
        "stories": [s["id"] for s in cut["stories"]],
        "recommendations": [r["id"] for r in cut["recommendations"]],
        "course.rows": [r["id"] for r in cut["course"]["rows"]],
    }
    for kind, ids in kinds.items():
        for label, times in Counter(ids).items():
            if times > 1:
                yield f"{kind}: the id “{label}” is given {times} times."
    for cell, row in cut["matrix"]["cells"].items():
        if row["id"] != cell or f"{row['theme']}.{row['challenge']}.{row['function']}" != cell:
            yield f"matrix.cells: the cell under “{cell}” names another place of the matrix."


def _references(cut: dict[str, Any]) -> Iterator[str]:
    known = {project["id"] for project in cut["projects"]}
    named = {
        "highlights": cut["highlights"],
        "stories": [story["project"] for story in cut["stories"]],
        "ledger.rows": [row["project"] for row in cut["ledger"]["rows"]],
        "matching.quality": [row["project"] for row in cut["matching"]["quality"]],
        "matrix.cells": [project for cell in cut["matrix"]["cells"].values() for project in cell["clusters"]],
    }
    for place, ids in named.items():
        for missing in sorted(set(ids) - known):
            yield f"{place}: there is no project “{missing}” in the cut."
    for project in cut["projects"]:
        for missing in sorted({a["need"] for a in project["actions"]} - {n["id"] for n in project["needs"]}):
            yield f"projects: an action of {project['id']} serves “{missing}”, which is no need of that project."


def _calendar(cut: dict[str, Any]) -> Iterator[str]:
    months = len(cut["support"]["months"])
    rows = [(f"support.forms: {form['form']}", form["months"]) for form in cut["support"]["forms"]]
    rows += [(f"projects: {project['id']}", project["months"]) for project in cut["projects"]]
    for place, values in rows:
        if len(values) != months:
            yield f"{place} has {len(values)} months, support.months has {months}."
    days = [*cut["meta"]["period"], cut["meta"]["published"], cut["course"]["from"], cut["course"]["to"]]
    days += [day for row in cut["course"]["rows"] for day in (*row["planned"], *row["actual"])]
    days += [event["date"] for event in cut["webinars"]["events"]]
    for project in cut["projects"]:
        days += [project["kick_off"], project["closed"], *(session["date"] for session in project["sessions"])]
    for day in sorted({day for day in days if day and not _is_day(day)}):
        yield f"“{day}” is not a day of the calendar."
    if cut["course"]["from"] >= cut["course"]["to"]:
        yield "course: “from” must lie before “to”."


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _number(count: Any) -> int | float:
    """The value of a figure, or the plain number that may stand in its place."""
    number: int | float = count["value"] if isinstance(count, dict) else count
    return number


def _needs(cut: dict[str, Any]) -> Iterator[str]:
    """Every need has one state at the end and one area, so the parts make the whole (F35)."""
    needs = cut["needs"]
    total = _number(needs["total"])
    if sum(_number(figure) for figure in needs["shift"].values()) != total:
        yield "needs.shift: solved, eased and open do not add up to the needs agreed."
    if sum(_number(row["total"]) for row in needs["areas"]) != total:
        yield "needs.areas: the areas do not add up to the needs agreed."
    for row in needs["areas"]:
        if sum(_number(row[state]) for state in ("solved", "eased", "open")) != _number(row["total"]):
            yield f"needs.areas: solved, eased and open do not add up in {row['area']}."


def _figures(cut: dict[str, Any]) -> Iterator[str]:
    index = cut["figures"]
    if list(index) != [figure["id"] for figure in index.values()]:
        yield "figures: a figure stands under the id of another."
    if sorted(index) != sorted(cut["figure_order"]):
        yield "figure_order must name each id of figures once and no other."
    for figure in index.values():
        if figure["n"] != len(figure["evidence"]):
            yield f"{figure['id']}: n is {figure['n']}, but {len(figure['evidence'])} records are named."
        if figure["sha256_12"] != evidence_sha(figure["evidence"]):
            yield f"{figure['id']}: the checksum does not fit the records named."
    body = {member: value for member, value in cut.items() if member != "figures"}
    for figure in figures_in(body):
        if index.get(figure["id"]) != {member: figure[member] for member in FIGURE_MEMBERS}:
            yield f"{figure['id']}: the figure in its place differs from the one in figures."
