"""DOCX to lines: paragraphs, tables and text boxes in document order, page headers first; read straight from the ZIP.

Only parts inside the file are read: no relationship is followed, so outside templates and pictures stay outside.
"""

import zipfile
from collections.abc import Iterator

from lxml import etree

from advisory.cv.reading import Line, Rejected
from advisory.cv.safety import MACRO_TYPES, parse_xml, read_part

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
MAIN_TYPE = "wordprocessingml.document.main+xml"
HALF_POINTS = 22
TITLE_STYLES = ("title", "titel", "titre", "titolo", "tytu")
HEADING_STYLES = ("heading", "berschrift", "titre", "titolo", "nag", "kop", "ttulo", "otsikko", "rubrik")
LIST_STYLES = ("list", "aufzhlung", "liste", "elenco", "lijst")
MAX_LINES = 5_000


def is_docx(archive: zipfile.ZipFile) -> bool:
    """Tell whether a ZIP container is a Word document; one with macros is refused."""
    types = read_part(archive, "[Content_Types].xml") if "[Content_Types].xml" in archive.namelist() else b""
    if any(mark in types.lower() for mark in MACRO_TYPES):
        raise Rejected("The document is of a type that holds macros. Save it as DOCX and send it again.")
    return MAIN_TYPE.encode() in types


def read_docx(archive: zipfile.ZipFile) -> list[Line]:
    """Return the document's lines; places are `header`, `paragraph 12` or `table 1, row 2`."""
    lines: list[Line] = []
    for name in sorted(name for name in archive.namelist() if name.startswith("word/header") and name.endswith(".xml")):
        root = parse_xml(read_part(archive, name), "A page header of the document")
        lines += [Line(text, "header") for paragraph in root.iter(f"{W}p") for text in _texts(paragraph)]
    root = parse_xml(read_part(archive, _main_part(archive)), "The document's text")
    body = root.find(f"{W}body")
    if body is not None:
        lines += _blocks(body)
    return lines[:MAX_LINES]


def _main_part(archive: zipfile.ZipFile) -> str:
    types = parse_xml(read_part(archive, "[Content_Types].xml"), "The document's list of parts")
    for part in types.iter("{*}Override"):
        if (part.get("ContentType") or "").endswith(MAIN_TYPE):
            return (part.get("PartName") or "").lstrip("/")
    return "word/document.xml"


def _blocks(body: etree._Element) -> list[Line]:
    lines: list[Line] = []
    paragraphs = tables = 0
    gap = False
    for block in body.iter(f"{W}p", f"{W}tbl"):
        if any(above.tag in (f"{W}tc", f"{W}txbxContent") for above in block.iterancestors()):
            continue
        if block.tag == f"{W}tbl":
            tables += 1
            lines += _rows(block, f"table {tables}")
            continue
        paragraphs += 1
        texts = _texts(block)
        size = _size(block)
        for number, text in enumerate(texts):
            lines.append(Line(text, f"paragraph {paragraphs}", size, gap and number == 0))
        gap = not texts
    return lines


def _rows(table: etree._Element, place: str) -> Iterator[Line]:
    """Yield a row as one line where its cells are short, else cell by cell."""
    for number, row in enumerate(table.iter(f"{W}tr"), start=1):
        if next(above for above in row.iterancestors(f"{W}tbl")) is not table:
            continue
        cells = [
            [(text, _size(paragraph)) for paragraph in cell.iter(f"{W}p") for text in _texts(paragraph)]
            for cell in row.iterchildren(f"{W}tc")
        ]
        cells = [cell for cell in cells if cell]
        where = f"{place}, row {number}"
        if len(cells) > 1 and all(len(cell) == 1 for cell in cells):
            yield Line(" | ".join(cell[0][0] for cell in cells), where)
        else:
            yield from (Line(text, where, size) for cell in cells for text, size in cell)


def _texts(paragraph: etree._Element) -> list[str]:
    """Return the lines of a paragraph, text boxes included, each list item marked by a bullet."""
    parts: list[str] = []
    for node in paragraph.iter(f"{W}t", f"{W}tab", f"{W}br", f"{W}cr", f"{W}p", f"{W}noBreakHyphen"):
        if next(node.iterancestors(FALLBACK), None) is not None:
            continue
        if node.tag == f"{W}t":
            parts.append(node.text or "")
        elif node.tag == f"{W}noBreakHyphen":
            parts.append("-")
        elif node is not paragraph:
            parts.append("\t" if node.tag == f"{W}tab" else "\n")
    bullet = "• " if _is_item(paragraph) else ""
    return [bullet + line.strip() for line in "".join(parts).split("\n") if line.strip()]


def _style(paragraph: etree._Element) -> str:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    return (style.get(f"{W}val") or "").lower() if style is not None else ""


def _is_item(paragraph: etree._Element) -> bool:
    return paragraph.find(f"{W}pPr/{W}numPr") is not None or _style(paragraph).startswith(LIST_STYLES)


def _size(paragraph: etree._Element) -> float:
    """Return the letter size relative to 11 points, read from the style's name or the first run."""
    style = _style(paragraph)
    if style.startswith(TITLE_STYLES) and not style[-1:].isdigit():
        return 2.0
    if style.startswith(HEADING_STYLES):
        return 1.4
    size = paragraph.find(f"{W}r/{W}rPr/{W}sz")
    value = size.get(f"{W}val", "") if size is not None else ""
    return int(value) / HALF_POINTS if value.isdigit() else 1.0
