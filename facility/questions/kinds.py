"""What a form consists of: sections, questions and the settings of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from facility.registry.vocabulary_data import vocabulary

# The settings that each kind of question has beside those that all have.
SETTINGS: dict[str, tuple[str, ...]] = {
    "text": ("limit", "unit"),
    "number": ("minimum", "maximum"),
    "choice": ("options",),
    "multiple": ("options", "minimum", "maximum"),
    "date": (),
    "file": (),
    "table": ("columns", "rows"),
    "area_ranking": ("minimum", "maximum"),
}
ROWS_AT_MOST = 100
COLUMN_KINDS = ("text", "number", "date")
UNITS = ("characters", "words")
Text = Mapping[str, str]


def wording(text: Text, language: str) -> str:
    """A text in this language (`nl`, also `nl-BE`), else in English."""
    return text.get(language[:2].lower()) or text.get("en", "")


def length(text: str, unit: str) -> int:
    """How long a text is, in characters or words."""
    return len(text.split()) if unit == "words" else len(text)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `kind` is one of COLUMN_KINDS."""

    key: str
    label: Text
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Condition:
    """The question is asked only where an earlier one, of choice or multiple, has one of these values as its answer."""

    question: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `limit` counts `unit`s of a text; `rows` of a table and `minimum` to `maximum` of a choice of
    several or of a ranking count entries; of a number they are its bounds."""

    key: str
    kind: str
    label: Text
    help: Text = field(default_factory=dict)
    required: bool = False
    limit: int | None = None
    unit: str = "characters"
    minimum: int | float | None = None
    maximum: int | float | None = None
    options: tuple[Option, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: int = 10
    condition: Condition | None = None

    def in_words(self, value: Any, language: str) -> list[str]:
        """An answer as lines for people."""
        if value in (None, "", []):
            return []
        if self.kind in {"choice", "multiple"}:
            labels = {option.value: wording(option.label, language) for option in self.options}
            return [labels.get(one, one) for one in ([value] if isinstance(value, str) else value)]
        if self.kind == "area_ranking":
            return [f"{rank}. {vocabulary('areas')[area].label(language)}" for rank, area in enumerate(value, 1)]
        if self.kind == "table":
            return [" · ".join(str(row[c.key]) for c in self.columns if row.get(c.key) is not None) for row in value]
        return [str(value)]


@dataclass(frozen=True, slots=True)
class Section:
    """Questions under one heading."""

    key: str
    title: Text
    intro: Text
    questions: tuple[Question, ...]
