"""From bytes to rows of cells, and tables found in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .model import Refused

MAX_BYTES = 20 * 1024 * 1024
# What people send instead of the export: the first bytes of the file, and its name in a sentence.
OTHERS = {b"PK": "a spreadsheet or an archive", b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "an old spreadsheet"}

Rows = list[list[str]]


def decode(data: bytes) -> tuple[str, list[str]]:
    """The text and warnings. Raises Refused when it is empty, too long or no text."""
    if len(data) > MAX_BYTES:
        raise Refused(f"The file is longer than {MAX_BYTES // 1024**2} MB.")
    for start, name in OTHERS.items():
        if data.startswith(start):
            raise Refused(f"The file is {name}, not text; export the report as CSV.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    elif data[1:200:2].count(0) > len(data[1:200:2]) // 2:
        text = data.decode("utf-16-le", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            if b"\0" in data:
                raise Refused("The file is not text; export the report as CSV.") from None
            return data.decode("cp1252", "replace"), ["The file is not UTF-8; letters with accents may be wrong."]
    if not text.strip("\ufeff\0 \t\r\n"):
        raise Refused("The file is empty.")
    if "\0" in text:
        raise Refused("The file is not text; export the report as CSV.")
    return text, []


def rows_of(text: str, delimiter: str) -> Rows:
    """All rows with their cells stripped; blank rows stay, they end tables."""
    try:
        return [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise Refused(f"The rows of the file cannot be told apart: {error}.") from error


def fold(text: str) -> str:
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class Row:
    """A row whose cells are found by the heading of their column, in any case of letters."""

    header: Sequence[str]
    cells: Sequence[str]

    def get(self, *headings: str) -> str:
        """The cell under the first of these headings that the table has; "" when it has none."""
        for heading in headings:
            if heading in self.header:
                place = self.header.index(heading)
                return self.cells[place] if place < len(self.cells) else ""
        return ""


def table(rows: Rows, header_at: int) -> Iterator[Row]:
    """The rows under a header, to the next blank row or the end."""
    header = [fold(cell) for cell in rows[header_at]]
    for cells in rows[header_at + 1 :]:
        if not any(cells):
            return
        yield Row(header, cells)


def find_header(rows: Rows, *alternatives: set[str]) -> int | None:
    """The number of the first row that has all headings of one of the alternatives."""
    for number, cells in enumerate(rows):
        headings = {fold(cell) for cell in cells}
        if any(needed <= headings for needed in alternatives):
            return number
    return None
