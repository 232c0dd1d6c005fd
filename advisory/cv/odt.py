"""ODT to lines: paragraphs, headings, lists, tables and text frames in document order; read straight from the ZIP.

Only `content.xml` is read: no link is followed and no script or picture is opened.
"""

import zipfile
from collections.abc import Iterator

from lxml import etree

from advisory.cv.reading import Line, Rejected
from advisory.cv.safety import parse_xml, read_part
from advisory.cv.xmltext import local

TYPE = "application/vnd.oasis.opendocument.text"
SCRIPTS = ("Basic/", "Scripts/")
HEADING_SIZE, TITLE_SIZE = 1.4, 2.0
MAX_LINES, MAX_SPACES = 5_000, 4


def is_odt(archive: zipfile.ZipFile) -> bool:
    """Tell whether a ZIP container is an OpenDocument text; one with macros or a password is refused."""
    names = archive.namelist()
    if "mimetype" not in names or read_part(archive, "mimetype").decode("latin-1").strip() != TYPE:
        return False
    if any(name.startswith(SCRIPTS) and not name.endswith(("/", ".xml", ".xlc")) for name in names):
        raise Rejected("The document holds macros. Save it without macros and send it again.")
    if "META-INF/manifest.xml" in names and b"encryption-data" in read_part(archive, "META-INF/manifest.xml"):
        raise Rejected("The document is protected by a password. Save it without one and send it again.")
    return True


def read_odt(archive: zipfile.ZipFile) -> list[Line]:
    """Return the document's lines; places are `paragraph 12` or `table 1, row 2`."""
    root = parse_xml(read_part(archive, "content.xml"), "The document's text")
    lines: list[Line] = []
    paragraphs = tables = 0
    gap = False
    for block in root.iter("{*}p", "{*}h", "{*}table"):
        if _inside(block, "table-cell", "tracked-changes", "annotation"):
            continue
        if local(block) == "table":
            tables += 1
            lines += _rows(block, f"table {tables}")
        elif not _inside(block, "p", "h"):
            paragraphs += 1
            texts = _texts(block)
            lines += [
                Line(text, f"paragraph {paragraphs}", _size(block), gap and number == 0)
                for number, text in enumerate(texts)
            ]
            gap = not texts
    return lines[:MAX_LINES]


def _inside(node: etree._Element, *names: str) -> bool:
    return any(local(above) in names for above in node.iterancestors())


def _rows(table: etree._Element, place: str) -> Iterator[Line]:
    """Yield a row as one line where its cells are short, else cell by cell."""
    for number, row in enumerate(table.iter("{*}table-row"), start=1):
        cells = [
            [(text, _size(block)) for block in cell.iter("{*}p", "{*}h") if not _inside_frame(block, cell)
             for text in _texts(block)]
            for cell in row.iterchildren("{*}table-cell")
        ]  # fmt: skip
        cells = [cell for cell in cells if cell]
        where = f"{place}, row {number}"
        if len(cells) > 1 and all(len(cell) == 1 for cell in cells):
            yield Line(" | ".join(cell[0][0] for cell in cells), where)
        else:
            yield from (Line(text, where, size) for cell in cells for text, size in cell)


def _inside_frame(block: etree._Element, cell: etree._Element) -> bool:
    """Tell whether a paragraph is part of another one in the same cell, which then tells its text too."""
    for above in block.iterancestors():
        if above is cell:
            return False
        if local(above) in {"p", "h"}:
            return True
    return False


def _texts(block: etree._Element) -> list[str]:
    """Return the lines of a paragraph, text frames inside it included, a list item marked by a bullet."""
    parts: list[str] = []
    _gather(block, parts)
    bullet = "• " if _inside(block, "list-item") and local(block) == "p" else ""
    return [bullet + line.strip() for line in "".join(parts).split("\n") if line.strip()]


def _gather(node: etree._Element, parts: list[str]) -> None:
    parts.append(_inline(node.text))
    for child in node.iterchildren(etree.Element):
        name = local(child)
        if name == "tab":
            parts.append("\t")
        elif name == "s":
            count = next((value for key, value in child.attrib.items() if key.endswith("}c")), "1")
            parts.append(" " * min(int(count) if count.isdigit() else 1, MAX_SPACES))
        elif name in {"line-break", "frame", "custom-shape"}:
            parts.append("\n")
        if name not in {"note", "annotation", "tracked-changes"}:
            _gather(child, parts)
        if name in {"p", "frame", "custom-shape"}:
            parts.append("\n")
        parts.append(_inline(child.tail))


def _inline(text: str | None) -> str:
    """Return text as OpenDocument means it: line ends and runs of spaces in the XML are one space."""
    if not text:
        return ""
    inner = " ".join(text.split())
    return f"{' ' if text[0].isspace() else ''}{inner}{' ' if inner and text[-1].isspace() else ''}"


def _size(block: etree._Element) -> float:
    """Return the letter size that headings and titles stand for; the size of letters lies in styles and is not read."""
    style = next((value.lower() for key, value in block.attrib.items() if key.endswith("}style-name")), "")
    if style == "title":
        return TITLE_SIZE
    return HEADING_SIZE if local(block) == "h" else 1.0
