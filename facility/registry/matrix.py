"""The policy toolkit for clusters as a matrix: 3 themes x 4 challenges x 3 functions (T13, T14, T18, T25, T26).

Pure: no Django, no database. `matrix()` reads data/toolkit.yaml once and checks it; a file that breaks a rule is
refused with a ValueError that names the entry. Cells are keyed theme.challenge.function, as in
`green.innovation.intelligence`. Countries are ISO 3166-1 alpha-2; only `eu_code` writes Greece as EL.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from facility.registry.vocabulary_data import DATA, Term, check_unique, labels_of

# The 27 Member States since 1 February 2020.
EU_MEMBERS = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split()  # noqa: SIM905
)
# How many values each axis has, and how many cells each value (T13).
AXES = {"theme": (3, 12), "challenge": (4, 9), "function": (3, 12)}
RECOMMENDATIONS_PER_HEADING = 5
ISO_COUNTRY = re.compile(r"(?!EL|UK)[A-Z]{2}")


def eu_code(country: str) -> str:
    """The code that EU texts print for an ISO country: EL for Greece, else the same."""
    return "EL" if country == "GR" else country


@dataclass(frozen=True, slots=True)
class Axis(Term):
    """A theme, challenge, function, mode, phase or plan element; `tags` are the finer subjects of a theme."""

    gist: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolkitAction:
    """One policy action. `same_as` names the actions of other cells that say the same."""

    id: str
    cell: str
    text: str
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A programme or initiative. `url` is None where the paper's link does not belong to the name."""

    id: str
    name: str
    country: str
    url: str | None
    url_match: str | None
    note: str
    tables: tuple[int, ...]

    @property
    def is_eu(self) -> bool:
        return self.country in EU_MEMBERS


@dataclass(frozen=True, slots=True)
class Cell:
    """A place of the matrix with its actions, the ids of its examples, and the table of the paper that shows it."""

    id: str
    theme: str
    challenge: str
    function: str
    table: int
    actions: tuple[ToolkitAction, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecommendationEntry:
    """What a recommendation holds in one column: cells, actions and examples by id; `new_action` is in no cell."""

    function: str
    cells: tuple[str, ...]
    actions: tuple[str, ...]
    examples: tuple[str, ...]
    new_action: tuple[str, str] | None = None
    function_differs: bool = False
    uncertain: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One of the fifteen. `label` is None where the title is lost; `title` is what may be shown."""

    id: str
    number: int
    heading: str
    label: str | None
    label_status: str
    uncertain: bool
    working_label: str = ""
    candidate_subjects: tuple[str, ...] = ()
    note: str = ""
    entries: tuple[RecommendationEntry, ...] = ()

    @property
    def title(self) -> str:
        return self.label or self.working_label

    @property
    def is_empty(self) -> bool:
        """Without action and example, as a gap report must show (T26)."""
        return not any(entry.actions or entry.new_action or entry.examples for entry in self.entries)


@dataclass(frozen=True, slots=True)
class FeedbackQuestion:
    """A question on the toolkit; `by_audience`: answers are kept apart by group (T22, T23)."""

    id: str
    order: int
    text: str
    by_audience: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole toolkit. Queries keep the order of the paper and raise KeyError on an id that does not exist."""

    document: Mapping[str, Any]
    themes: tuple[Axis, ...]
    challenges: tuple[Axis, ...]
    functions: tuple[Axis, ...]
    modes: tuple[Axis, ...]
    phases: tuple[Axis, ...]
    plan_elements: tuple[Axis, ...]
    feedback_questions: tuple[FeedbackQuestion, ...]
    headings: Mapping[str, Mapping[str, Any]]
    _cells: Mapping[str, Cell] = field(repr=False)
    _examples: Mapping[str, Example] = field(repr=False)
    _recommendations: Mapping[str, Recommendation] = field(repr=False)

    def cells(
        self, theme: str | None = None, challenge: str | None = None, function: str | None = None
    ) -> tuple[Cell, ...]:
        """Cells by any of the three axes, or all 36."""
        wanted = {"theme": theme, "challenge": challenge, "function": function}
        wanted = {axis: value for axis, value in wanted.items() if value is not None}
        known = {"theme": self.themes, "challenge": self.challenges, "function": self.functions}
        for axis, value in wanted.items():
            if value not in {one.id for one in known[axis]}:
                raise KeyError(f"There is no {axis} {value}.")
        return tuple(c for c in self._cells.values() if all(getattr(c, axis) == v for axis, v in wanted.items()))

    def cell(self, id: str) -> Cell:
        """The cell theme.challenge.function."""
        return self._cells[id]

    def actions(self, cell: str | None = None) -> tuple[ToolkitAction, ...]:
        """The actions of one cell, or all 43."""
        cells = self._cells.values() if cell is None else (self._cells[cell],)
        return tuple(action for one in cells for action in one.actions)

    def examples(
        self, cell: str | None = None, country: str | None = None, eu: bool | None = None
    ) -> tuple[Example, ...]:
        """Examples by cell, ISO country, inside (True) or outside (False) the EU; every example once."""
        ids: Iterable[str] = self._examples if cell is None else self._cells[cell].examples
        found = (self._examples[id] for id in ids)
        return tuple(
            one for one in found if (country is None or one.country == country) and (eu is None or one.is_eu is eu)
        )

    def example(self, id: str) -> Example:
        return self._examples[id]

    def recommendations(
        self, heading: str | None = None, cell: str | None = None, uncertain: bool | None = None
    ) -> tuple[Recommendation, ...]:
        """Recommendations by heading, by a cell they touch, or by whether their title is uncertain."""
        if heading is not None and heading not in self.headings:
            raise KeyError(f"There is no heading {heading}.")
        touched = None if cell is None else self._cells[cell].id
        return tuple(
            one
            for one in self._recommendations.values()
            if (heading is None or one.heading == heading)
            and (touched is None or any(touched in entry.cells for entry in one.entries))
            and (uncertain is None or one.uncertain is uncertain)
        )

    def recommendation(self, id: str) -> Recommendation:
        return self._recommendations[id]


def _axes(rows: Iterable[Mapping[str, Any]], where: str) -> tuple[Axis, ...]:
    return tuple(
        Axis(
            row["id"],
            row["order"],
            labels_of(row["label"], f"{where}.{row['id']}"),
            row.get("gist", ""),
            tuple(tag["id"] for tag in row.get("tags", ())),
        )
        for row in rows
    )


def _cell(row: Mapping[str, Any]) -> Cell:
    actions = tuple(
        ToolkitAction(action["id"], row["id"], action["text"], tuple(action.get("same_as", ())))
        for action in row["actions"]
    )
    axes = (row["theme"], row["challenge"], row["function"])
    return Cell(row["id"], *axes, row["table"], actions, tuple(row["examples"]))


def _example(row: Mapping[str, Any]) -> Example:
    country = row.get("country") or ""
    return Example(
        row["id"], row["name"], country, row["url"], row["url_match"], row.get("note", ""), tuple(row["tables"])
    )


def _entry(row: Mapping[str, Any]) -> RecommendationEntry:
    new = row.get("new_action")
    return RecommendationEntry(
        function=row["function"],
        cells=tuple(row["cells"]),
        actions=tuple(row["actions"]),
        examples=tuple(row["examples"]),
        new_action=(new["id"], new["text"]) if new else None,
        function_differs=row.get("function_differs", False),
        uncertain=row.get("uncertain", False),
        note=row.get("note", ""),
    )


def _recommendation(row: Mapping[str, Any]) -> Recommendation:
    lists = {
        "candidate_subjects": tuple(row.get("candidate_subjects", ())),
        "entries": tuple(map(_entry, row["entries"])),
    }
    return Recommendation(**{**row, **lists})


def _check_counts(cells: tuple[Cell, ...], data: Mapping[str, Any]) -> None:
    for axis, (values, per_value) in AXES.items():
        ids = [row["id"] for row in data[f"{axis}s"]]
        counts = Counter(getattr(cell, axis) for cell in cells)
        if len(ids) != values or counts != dict.fromkeys(ids, per_value):
            raise ValueError(f"Every {axis} must hold {per_value} cells: {dict(counts)}.")
    for cell in cells:
        if cell.id != f"{cell.theme}.{cell.challenge}.{cell.function}":
            raise ValueError(f"The cell {cell.id} is named after another place.")
        if not cell.actions or not cell.examples:
            raise ValueError(f"The cell {cell.id} is empty: it needs an action and an example.")


def _check_references(
    cells: tuple[Cell, ...], examples: Mapping[str, Example], recommendations: tuple[Recommendation, ...]
) -> None:
    actions = {action.id for cell in cells for action in cell.actions}
    known = {"cell": {cell.id for cell in cells}, "action": actions, "example": set(examples)}
    used = [("example", id, cell.id) for cell in cells for id in cell.examples]
    used += [("action", id, a.id) for cell in cells for a in cell.actions for id in a.same_as]
    for one in recommendations:
        for entry in one.entries:
            used += [("cell", id, one.id) for id in entry.cells]
            used += [("action", id, one.id) for id in entry.actions]
            used += [("example", id, one.id) for id in entry.examples]
    for kind, id, where in used:
        if id not in known[kind]:
            raise ValueError(f"{where} refers to the {kind} {id}, which does not exist.")


def read_matrix(data: Mapping[str, Any]) -> Matrix:
    """A checked matrix from the content of the file; ValueError when a count, an id or a country is wrong."""
    cells = tuple(_cell(row) for row in data["cells"])
    examples = tuple(_example(row) for row in data["examples"])
    recommendations = tuple(_recommendation(row) for row in data["recommendations"])
    check_unique((cell.id for cell in cells), "cells")
    check_unique((action.id for cell in cells for action in cell.actions), "actions")
    check_unique((example.id for example in examples), "examples")
    check_unique((one.id for one in recommendations), "recommendations")
    _check_counts(cells, data)
    for example in examples:
        if not ISO_COUNTRY.fullmatch(example.country):
            raise ValueError(f"The example {example.id} needs an ISO country; it has {example.country!r}.")
    by_id = MappingProxyType({example.id: example for example in examples})
    _check_references(cells, by_id, recommendations)
    headings = {row["id"]: MappingProxyType(dict(row)) for row in data["recommendation_headings"]}
    spread = Counter(one.heading for one in recommendations)
    if spread != dict.fromkeys(headings, RECOMMENDATIONS_PER_HEADING):
        raise ValueError(f"Every heading must hold {RECOMMENDATIONS_PER_HEADING} recommendations: {dict(spread)}.")
    axes = ("themes", "challenges", "functions", "modes", "phases", "plan_elements")
    return Matrix(
        document=MappingProxyType(dict(data["document"])),
        **{name: _axes(data[name], name) for name in axes},
        feedback_questions=tuple(FeedbackQuestion(**row) for row in data["feedback_questions"]),
        headings=MappingProxyType(headings),
        _cells=MappingProxyType({cell.id: cell for cell in cells}),
        _examples=by_id,
        _recommendations=MappingProxyType({one.id: one for one in recommendations}),
    )


def load(path: Path = DATA / "toolkit.yaml") -> Mapping[str, Any]:
    """The content of a toolkit file, unchecked."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def matrix() -> Matrix:
    """The toolkit of this project, read once."""
    return read_matrix(load())
