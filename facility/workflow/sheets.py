"""Tables as files: CSV, XLSX and a ZIP of CSVs, written while the rows come in, so that memory stays flat.

A cell is None, text, a number, a truth value, a date or an instant; an instant is written in its own zone. No cell is
ever a formula: XLSX has typed cells, and in CSV a text that a spreadsheet would take for one gets an apostrophe.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

# What a spreadsheet takes for the beginning of a formula, with the full-width twins.
LEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")  # noqa: RUF001
CHUNK = 64_000
CELL_AT_MOST = 32_767  # letters, the limit of the format
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class Table:
    """A table with its head; `rows` may be read once. name: of the sheet or file, at most 31 letters."""

    name: str
    head: Sequence[str]
    rows: Iterable[Sequence[Any]]


def unformula(value: Any) -> str:
    """A cell of a CSV that no spreadsheet takes for a formula; a number is none."""
    text = plain(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(LEADS) else text


def plain(value: Any) -> str:
    """A cell as text: instants and days in ISO 8601, truth as yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def csv_lines(table: Table) -> Iterator[str]:
    """The lines of a CSV, head first."""
    writer = csv.writer(_Echo())
    yield writer.writerow([unformula(str(label)) for label in table.head])
    for row in table.rows:
        yield writer.writerow([unformula(cell) for cell in row])


def in_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines in pieces that are worth sending, as UTF-8 with a byte order mark, which spreadsheets ask for."""
    held = ["\ufeff"]
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= CHUNK:
            yield "".join(held).encode("utf-8", "replace")
            held, size = [], 0
    yield "".join(held).encode("utf-8", "replace")


def zip_chunks(tables: Iterable[Table]) -> Iterator[bytes]:
    """A ZIP with one CSV a table, sent while it is written."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as packed:
        for table in tables:
            with packed.open(f"{table.name}.csv", "w", force_zip64=True) as file:
                for piece in in_chunks(csv_lines(table)):
                    file.write(piece)
                    yield from pipe.drained()
    yield from pipe.drained()


def write_xlsx(file: Any, tables: Iterable[Table]) -> None:
    """Writes a workbook with one sheet a table, row by row; what is unfinished waits in temporary files."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        forms: dict[type[Any], Any] = {
            dt.date: book.add_format({"num_format": DAY}),
            dt.datetime: book.add_format({"num_format": MOMENT}),
        }
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, max(len(table.head) - 1, 0), 20)
            for at, label in enumerate(table.head):
                sheet.write_string(0, at, str(label), bold)
            for number, row in enumerate(table.rows, 1):
                for at, cell in enumerate(row):
                    _write_cell(sheet, number, at, cell, forms)


def _write_cell(sheet: Any, row: int, column: int, cell: Any, forms: dict[type[Any], Any]) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | float | Decimal):
        sheet.write_number(row, column, cell)
    elif isinstance(cell, dt.date):
        sheet.write_datetime(row, column, cell, forms[type(cell)])
    else:
        sheet.write_string(row, column, str(cell)[:CELL_AT_MOST])


def answer(kind: str, name: str, tables: Iterable[Table]) -> HttpResponseBase:
    """The tables as a download: `xlsx`, `zip` (a CSV each) or `csv` (the first table). name: without ending."""
    made: HttpResponseBase
    if kind == "xlsx":
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the response)
        write_xlsx(file, tables)
        file.seek(0)
        made = FileResponse(file, content_type=XLSX)
    elif kind == "zip":
        made = StreamingHttpResponse(zip_chunks(tables), content_type="application/zip")
    else:
        pieces = in_chunks(csv_lines(next(iter(tables))))
        made = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    made["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return made


class _Echo:
    def write(self, line: str) -> str:
        return line


class _Pipe(io.RawIOBase):
    """Takes what is written and hands it on; a ZIP that cannot go back to its beginning is written front to back."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.held.append(bytes(piece))
        return len(piece)

    def drained(self) -> Iterator[bytes]:
        held, self.held = self.held, []
        if held:
            yield b"".join(held)
