"""The report's tables as XLSX, from one cut: a sheet to a table, typed cells, and the records behind each figure."""

import re
from datetime import date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reporting.render.labels import Labels, plain
from reporting.render.tables import Part, Table, records_table, section_tables

CELL_LIMIT = 32_767
NAME_LIMIT = 31
FORBIDDEN = re.compile(r"[][:*?/\\]")
WIDTHS = (8, 60)
# what a spreadsheet program may take for a formula when a person edits the cell, full-width twins among them
LEADS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the twins are meant


def render_xlsx(cut: dict[str, Any], lang: str, parts: list[Part] | None = None) -> bytes:
    """The workbook; the same cut and language give the same bytes. `parts` are the finished sections, if at hand."""
    labels, meta = Labels(lang), cut["meta"]
    parts = parts or [section_tables(cut, section["id"], lang) for section in cut["sections"]]
    tables = [table for part in parts for table in part["tables"]] + [records_table(cut, lang)]
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"constant_memory": True}) as book:
        created = datetime.fromisoformat(meta["frozen_at"]).replace(tzinfo=None)
        book.set_properties(
            {"title": plain(meta["title"])[:255], "author": plain(meta["operator"])[:255], "created": created}
        )
        sheets = [(_sheet_name(number, table["title"]), table) for number, table in enumerate(tables, 1)]
        writer = Writer(book)
        writer.write(labels("t.contents"), _contents(cut, sheets, labels))
        for sheet, table in sheets:
            writer.write(sheet, table)
    return made.getvalue()


def _sheet_name(number: int, title: str) -> str:
    return f"{number:02d} {FORBIDDEN.sub(' ', title)}"[:NAME_LIMIT].strip(" '")


def _contents(cut: dict[str, Any], sheets: list[tuple[str, Table]], labels: Labels) -> Table:
    """The first sheet: which table stands where, and which cut this is."""
    meta = cut["meta"]
    said = labels("imp.cuttext").format(date=labels.day(meta["frozen_at"]), v=meta["version"], sha=meta["cut_sha256"])
    lines = [plain(f"{meta['title']} \u2013 {meta['subtitle']}"), meta["doc_no"], said]
    lines += [plain(meta["demo_note"])] if cut["demo"] else []
    heads = [
        {"label": labels(key), "type": kind}
        for key, kind in (("t.sheet", "text"), ("t.title", "text"), ("e.n", "number"))
    ]
    rows = [[name, table["title"], len(table["rows"])] for name, table in sheets]
    return {"columns": heads, "rows": [*rows, *(["", line, None] for line in lines)]}


class Writer:
    """Puts tables on sheets. Text is written as text, whatever it begins with; numbers and days keep their type."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.quoted = book.add_format({"text_wrap": True, "valign": "top", "quote_prefix": True})
        self.whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.broken = book.add_format({"num_format": "#,##0.0##", "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"})

    def write(self, name: str, table: Table) -> None:
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table["columns"]):
            longest = max((len(_words(row[place])) for row in table["rows"]), default=0)
            low, high = WIDTHS
            sheet.set_column(place, place, min(high, max(low, len(column["label"]) + 1, longest + 1)))
        for place, column in enumerate(table["columns"]):
            sheet.write_string(0, place, column["label"], self.head)
        for line, row in enumerate(table["rows"], 1):
            for place, (cell, column) in enumerate(zip(row, table["columns"], strict=True)):
                self._cell(sheet, (line, place), cell, column["type"])

    def _cell(self, sheet: Worksheet, at: tuple[int, int], cell: Any, kind: str) -> None:
        if cell is None:
            return
        if kind == "number":
            sheet.write_number(*at, cell, self.whole if isinstance(cell, int) else self.broken)
        elif kind == "date":
            sheet.write_datetime(*at, date.fromisoformat(cell), self.day)
        else:
            text = _words(cell)
            text = text if len(text) <= CELL_LIMIT else f"{text[: CELL_LIMIT - 1]}…"
            sheet.write_string(*at, text, self._look(text))

    def _look(self, text: str) -> Format:
        return self.quoted if text.startswith(LEADS) else self.text


def _words(cell: Any) -> str:
    return str(cell["text"] if isinstance(cell, dict) else "" if cell is None else cell)
