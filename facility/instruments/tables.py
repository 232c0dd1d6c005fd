"""Tables that a stranger sent, as rows of text with their place: XLSX and CSV. Pure: bytes in, JSON-able out.

Called in a child process with limits (facility.isolation). What is refused is named by a key of `exchange.REFUSALS`
with its parameters, since sentences are made where the reader's language is known.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from facility.registry.inspection import look_inside

BYTES_AT_MOST = 5_000_000
ROWS_AT_MOST = 5_000
COLUMNS_AT_MOST = 60
SEPARATORS = ";,\t"
# An XML part that declares a document type does so in its first bytes; no office program writes one.
HEAD_OF_PART = 4096
# A sheet of the template that explains the others.
EXPLAINS = "columns"
Row = tuple[int, list[str]]


class Refused(Exception):
    """The file is not taken: a key and its parameters."""

    def __init__(self, key: str, **said: Any) -> None:
        super().__init__(key)
        self.key, self.said = key, said


def read(data: bytes, name: str, known: dict[str, dict[str, list[str]]], leads: list[str]) -> dict[str, Any]:
    """The rows of all tables that are known in a file.

    known: {table: {"columns": headings, "required": headings}}. leads: beginnings that an export hides behind an
    apostrophe. Answers {"rows": [{"table", "sheet", "row", "cells": {heading: text}, "spoilt": [heading]}], "notes":
    [[key, parameters]]}, or {"refused": [key, parameters]}. `spoilt` are cells with an error value, such as #REF!.
    """
    try:
        sheets = _workbook(data) if _kind(data, name) == "xlsx" else [("", _lines(data, known, leads))]
        return _gathered(sheets, known)
    except Refused as refused:
        return {"refused": [refused.key, refused.said]}


def _kind(data: bytes, name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    if ending not in ("xlsx", "csv"):
        raise Refused("kind", name=name)
    if len(data) > BYTES_AT_MOST:
        raise Refused("huge", limit=BYTES_AT_MOST // 1_000_000)
    packed = data[:4] == b"PK\x03\x04"
    if packed != (ending == "xlsx") or data[:5] == b"%PDF-" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise Refused("other", name=name)
    return ending


# -- XLSX


def _workbook(data: bytes) -> list[tuple[str, list[Row]]]:
    if why := look_inside(data, "xlsx"):
        raise Refused("unsafe", why=why)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                with packed.open(name) as part:
                    if b"<!DOCTYPE" in part.read(HEAD_OF_PART).upper():
                        raise Refused("damaged")
        # First row by row, so that a file of a million rows is refused before it fills the memory.
        quick = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        for sheet in quick.worksheets:
            rows = sheet.iter_rows(max_row=ROWS_AT_MOST + 2, max_col=COLUMNS_AT_MOST + 1, values_only=True)
            for number, row in enumerate(rows, 1):
                if any(cell is not None for cell in row[COLUMNS_AT_MOST:]):
                    raise Refused("wide", sheet=sheet.title, limit=COLUMNS_AT_MOST)
                if number > ROWS_AT_MOST + 1 and any(cell is not None for cell in row):
                    raise Refused("long", limit=ROWS_AT_MOST)
        quick.close()
        book = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, InvalidFileException, OSError) as error:
        raise Refused("damaged") from error
    return [
        (sheet.title, _cells_of(sheet))
        for sheet in book.worksheets
        if sheet.sheet_state == "visible" and sheet.title.lower() != EXPLAINS
    ]


def _cells_of(sheet: Any) -> list[Row]:
    if sheet.max_row > ROWS_AT_MOST + 1:
        raise Refused("long", limit=ROWS_AT_MOST)
    for merged in sheet.merged_cells.ranges:
        raise Refused("merged", sheet=sheet.title, cells=str(merged))
    return [(row[0].row, [_text(sheet.title, cell) for cell in row]) for row in sheet.iter_rows()]


def _text(sheet: str, cell: Any) -> str:
    value = cell.value
    if cell.data_type == "f":
        raise Refused("formula", sheet=sheet, cell=cell.coordinate)
    if cell.data_type == "e":
        return "\x00"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


# -- CSV


def _lines(data: bytes, known: dict[str, dict[str, list[str]]], leads: list[str]) -> list[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("letters") from None
    if "\x00" in text:
        raise Refused("letters")
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text, known), strict=True)
    try:
        for row in reader:
            if len(row) > COLUMNS_AT_MOST:
                raise Refused("wide", sheet="CSV", limit=COLUMNS_AT_MOST)
            if len(rows) > ROWS_AT_MOST:
                raise Refused("long", limit=ROWS_AT_MOST)
            rows.append((reader.line_num, [_uncovered(cell, leads, reader.line_num) for cell in row]))
    except csv.Error:
        raise Refused("broken", row=reader.line_num) from None
    return rows


def _separator(text: str, known: dict[str, dict[str, list[str]]]) -> str:
    """The one by which the first line has most headings that are known."""
    headings = {heading for table in known.values() for heading in table["columns"]}
    first = text.lstrip().splitlines()[:1]

    def fits(separator: str) -> int:
        return len(headings & {_heading(cell) for row in csv.reader(first, delimiter=separator) for cell in row})

    return max(SEPARATORS, key=fits)


def _uncovered(cell: str, leads: list[str], row: int) -> str:
    text = cell[1:] if cell[:1] == "'" and cell[1:].startswith(tuple(leads)) else cell
    if text is cell and cell.startswith("="):
        raise Refused("formula", sheet="CSV", cell=str(row))
    return text.strip()


# -- what the sheets are


def _gathered(sheets: Iterable[tuple[str, list[Row]]], known: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    notes: list[list[Any]] = []
    lacking: Refused | None = None
    found = False
    for sheet, lines in sheets:
        filled = [(number, cells) for number, cells in lines if any(cells)]
        if not filled:
            continue
        head = [_heading(cell) for cell in filled[0][1]]
        table, missing = _table_of(head, known)
        if missing:
            named = sheet.lower() in known
            lacking = lacking or Refused("missing", sheet=sheet or "CSV", columns=", ".join(missing))
            if named:
                raise lacking
            notes.append(["not_read", {"sheet": sheet}])
            continue
        found = True
        for heading in head:
            if heading and head.count(heading) > 1:
                raise Refused("twice", sheet=sheet or "CSV", column=heading)
        columns = known[table]["columns"]
        strange = [heading for heading in head if heading and heading not in columns]
        notes += [["unknown", {"sheet": sheet or "CSV", "column": heading}] for heading in strange]
        rows += _rows_of(sheet or "CSV", table, head, columns, filled[1:])
    if not found:
        raise lacking or Refused("empty")
    if not rows:
        raise Refused("empty")
    if len(rows) > ROWS_AT_MOST:
        raise Refused("long", limit=ROWS_AT_MOST)
    return {"rows": rows, "notes": notes}


def _rows_of(
    sheet: str, table: str, head: list[str], columns: list[str], filled: list[Row]
) -> Iterator[dict[str, Any]]:
    for number, cells in filled:
        named = dict(zip(head, [*cells, *[""] * len(head)], strict=False))
        kept = {heading: text for heading, text in named.items() if heading in columns}
        spoilt = [heading for heading, text in kept.items() if "\x00" in text]
        beside = [text for heading, text in zip([*head, *[""] * len(cells)], cells, strict=False) if not heading]
        spoilt += ["…"] if any(beside) else []
        clean = {heading: text.replace("\x00", "") for heading, text in kept.items()}
        yield {"table": table, "sheet": sheet, "row": number, "cells": clean, "spoilt": spoilt}


def _heading(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def _table_of(head: list[str], known: dict[str, dict[str, list[str]]]) -> tuple[str, list[str]]:
    """(the table that a head fits best, the required headings that it lacks)."""

    def fit(table: str) -> tuple[bool, int]:
        wanted = known[table]
        return set(wanted["required"]) <= set(head), len(set(wanted["columns"]) & set(head))

    best = max(known, key=fit)
    return best, [heading for heading in known[best]["required"] if heading not in head]
