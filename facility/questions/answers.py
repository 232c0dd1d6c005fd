"""Answers: from raw values to those that are kept, and what stands against them on submitting."""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from facility.registry.vocabulary_data import vocabulary

from .kinds import ROWS_AT_MOST, Option, Question, length, wording
from .said import NotAnAnswer, Sentence, gettext_noop

AREAS = vocabulary("areas").ids
# What any text can hold, whatever its limit: a draft keeps more than may be submitted, but not without end.
LONGEST = 40_000
LONGEST_CELL = 500
NUMBER_AT_MOST = 10**12


def answer_of(question: Question, raw: Any) -> Any:
    """The value to keep, None for an empty one. Limits are no matter here: a draft may still be too long.

    Raises NotAnAnswer when `raw` is not of the question's kind.
    """
    if isinstance(raw, str):
        raw = _line_ends(raw)
    return None if raw in (None, "", [], {}) else CLEANERS[question.kind](question, raw)


def problems_of(question: Question, raw: Any, complete: bool) -> Iterator[Sentence]:
    """What stands against an answer; an empty one only where it is required and the answers are to be complete."""
    try:
        value = answer_of(question, raw)
    except NotAnAnswer as refused:
        yield refused.sentence
        return
    if value is None:
        if complete and question.required:
            yield Sentence(gettext_noop("Please answer this question."))
        return
    if question.limit and (over := length(value, question.unit) - question.limit) > 0:
        text = (
            gettext_noop("Shorten this by %(over)d words; %(limit)d are allowed.")
            if question.unit == "words"
            else gettext_noop("Shorten this by %(over)d characters; %(limit)d are allowed.")
        )
        yield Sentence(text, {"over": over, "limit": question.limit})
    if question.kind == "number":
        yield from _bounds(question, value)
    elif question.kind in {"multiple", "area_ranking"}:
        yield from _counts(question, len(value))
    elif question.kind == "table" and len(value) > question.rows:
        yield Sentence(gettext_noop("Give at most %(n)d rows."), {"n": question.rows})


def _bounds(question: Question, value: float) -> Iterator[Sentence]:
    if question.minimum is not None and value < question.minimum:
        yield Sentence(gettext_noop("Give at least %(n)s."), {"n": question.minimum})
    if question.maximum is not None and value > question.maximum:
        yield Sentence(gettext_noop("Give at most %(n)s."), {"n": question.maximum})


def _counts(question: Question, number: int) -> Iterator[Sentence]:
    if question.minimum is not None and number < question.minimum:
        yield Sentence(gettext_noop("Choose at least %(n)d."), {"n": question.minimum})
    if question.maximum is not None and number > question.maximum:
        yield Sentence(gettext_noop("Choose at most %(n)d."), {"n": question.maximum})


# From raw values to those that are kept.


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _text(raw: Any, longest: int = LONGEST) -> str:
    if not isinstance(raw, str):
        raise NotAnAnswer(gettext_noop("Give a text."))
    text = _line_ends(raw)
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise NotAnAnswer(gettext_noop("The text holds signs that cannot be stored."))
    if len(text) > longest:
        raise NotAnAnswer(gettext_noop("Give at most %(n)d characters."), n=longest)
    return text


def _number(raw: Any) -> int | float:
    if isinstance(raw, str) and re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,10})?", raw.strip(), re.ASCII):
        raw = float(raw) if "." in raw else int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise NotAnAnswer(gettext_noop("Give a number such as 1250 or 12.5."))
    if not math.isfinite(raw) or abs(raw) > NUMBER_AT_MOST:
        raise NotAnAnswer(gettext_noop("This number is too large."))
    return int(raw) if raw == int(raw) else raw


def _date(raw: Any) -> str:
    try:
        return dt.date.fromisoformat(_text(raw)).isoformat()
    except ValueError:
        raise NotAnAnswer(gettext_noop("Give a day such as 2021-03-05.")) from None


def _file(question: Question, raw: Any) -> str:
    try:
        return str(uuid.UUID(_text(raw)))
    except ValueError:
        raise NotAnAnswer(gettext_noop("Choose a document.")) from None


def _among(values: Sequence[str], raw: Any) -> str:
    if not isinstance(raw, str) or raw not in values:
        raise NotAnAnswer(gettext_noop("Choose one of the answers given."))
    return raw


def _several(values: Sequence[str], raw: Any) -> list[str]:
    """The chosen values as they came, each once."""
    if not isinstance(raw, list):
        raise NotAnAnswer(gettext_noop("Give a list."))
    chosen = [_among(values, one) for one in raw]
    if len(set(chosen)) < len(chosen):
        raise NotAnAnswer(gettext_noop("Name each answer once."))
    return chosen


def _multiple(question: Question, raw: Any) -> list[str]:
    values = _values(question.options)
    return sorted(_several(values, raw), key=values.index)


def _table(question: Question, raw: Any) -> list[dict[str, Any]] | None:
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise NotAnAnswer(gettext_noop("Give a list of rows."))
    if len(raw) > ROWS_AT_MOST:
        raise NotAnAnswer(gettext_noop("Give at most %(n)d rows."), n=ROWS_AT_MOST)
    columns = {column.key: column for column in question.columns}
    rows = []
    for at, given in enumerate(raw, 1):
        row = {}
        for key, value in given.items():
            if key not in columns:
                raise NotAnAnswer(gettext_noop("Row %(row)d: there is no column “%(column)s”."), row=at, column=key)
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            try:
                row[key] = CELLS[columns[key].kind](value)
            except NotAnAnswer as refused:
                label = wording(columns[key].label, "en")
                raise NotAnAnswer(
                    gettext_noop("Row %(row)d, %(column)s: %(said)s"), row=at, column=label, said=refused.sentence
                ) from None
        if row:
            rows.append(row)
    return rows or None


def _values(options: Iterable[Option]) -> list[str]:
    return [option.value for option in options]


CELLS = {"text": lambda raw: _text(raw, LONGEST_CELL), "number": _number, "date": _date}
CLEANERS = {
    "text": lambda question, raw: _text(raw),
    "number": lambda question, raw: _number(raw),
    "choice": lambda question, raw: _among(_values(question.options), raw),
    "multiple": _multiple,
    "date": lambda question, raw: _date(raw),
    "file": _file,
    "table": _table,
    "area_ranking": lambda question, raw: _several(AREAS, raw),
}
