"""The report as DOCX, from one cut: plain styles, tables with repeated heads, charts as pictures with their words."""

import base64
import zipfile
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

from reporting.render.labels import Labels, plain
from reporting.render.tables import Part, Table, section_tables

NAMESPACES = nsdecls("w")
ZIP_DAY = (1980, 1, 1, 0, 0, 0)
CHART_WIDTH = Mm(165)


def render_docx(cut: dict[str, Any], lang: str, parts: list[Part] | None = None) -> bytes:
    """The report as DOCX; the same cut and language give the same bytes.

    `parts` are the finished sections with their charts; without them the tables are walked here and charts left out.
    """
    labels = Labels(lang)
    parts = parts or [section_tables(cut, section["id"], lang) for section in cut["sections"]]
    document = docx.Document()
    _set_up(document, cut, labels)
    _cover(document, cut, labels)
    for part in parts:
        _section(document, part, labels)
    made = BytesIO()
    document.save(made)
    return _same_bytes(made)


def _set_up(document: Document, cut: dict[str, Any], labels: Labels) -> None:
    meta = cut["meta"]
    frozen = datetime.fromisoformat(meta["frozen_at"]).replace(tzinfo=None)
    core = document.core_properties
    core.title = plain(f"{meta['title']} \u2013 {meta['subtitle']}")[:255]
    core.author = core.last_modified_by = plain(meta["operator"])[:255]
    core.created = core.modified = frozen
    core.language, core.comments, core.revision = labels.lang, meta["doc_no"], meta["version"]
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(20)
    styles = document.styles
    styles["Normal"].font.size = Pt(10)
    styles["Heading 1"].paragraph_format.page_break_before = True
    for lang in styles.element.iter(qn("w:lang")):
        lang.set(qn("w:val"), labels.lang)


def _cover(document: Document, cut: dict[str, Any], labels: Labels) -> None:
    meta = cut["meta"]
    document.add_paragraph(plain(meta["title"]), style="Title")
    document.add_paragraph(plain(meta["subtitle"]), style="Subtitle")
    issued = f"{labels('published')} {labels.day(meta['published'])}" if meta["published"] else ""
    data = labels("imp.cuttext").format(date=labels.day(meta["frozen_at"]), v=meta["version"], sha=meta["cut_sha256"])
    lines = [meta["framework"], meta["operator"], meta["doc_no"], issued, meta["funding"], meta["disclaimer"]]
    for line in [*lines, meta["reuse"], data, meta["demo_note"] if cut["demo"] else ""]:
        if line:
            document.add_paragraph(plain(line))
    document.add_paragraph(labels("contents"), style="TOC Heading")
    document.element.body.insert(len(document.element.body) - 1, _contents())


def _contents() -> Any:
    """A table of contents that the reader's program fills on opening."""
    field = (
        '<w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r>'
        '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>…</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    return parse_xml(f"<w:p {NAMESPACES}>{field}</w:p>")


def _section(document: Document, part: Part, labels: Labels) -> None:
    document.add_heading(part["title"], 1)
    for paragraph in part["narrative"]:
        document.add_paragraph(paragraph)
    for chart in part["charts"]:
        _chart(document, chart)
    for table in part["tables"]:
        if table["columns"][0]["type"] != "group":
            _table(document, table, table["rows"], labels)
    for group in part["groups"]:
        _text(document.add_heading("", 2), group["title"])
        for table in part["tables"]:
            if table["columns"][0]["type"] == "group":
                _group_rows(document, table, group["id"], labels)


def _group_rows(document: Document, table: Table, group: str, labels: Labels) -> None:
    rows = [row[1:] for row in table["rows"] if row[0] == group]
    if not rows:
        return
    own = {**table, "columns": table["columns"][1:]}
    if all(column["type"] == "text" for column in own["columns"]) and len(own["columns"]) == 2:  # noqa: PLR2004
        for word, text in rows:
            line = document.add_paragraph()
            line.add_run(f"{word}: ").bold = True
            _text(line, text)
    else:
        _table(document, own, rows, labels)


def _text(paragraph: Paragraph, cell: Any) -> None:
    """The words of a cell; a name or quote carries its own language."""
    run = paragraph.add_run(cell["text"] if isinstance(cell, dict) else cell)
    if isinstance(cell, dict):
        run._r.get_or_add_rPr().append(parse_xml(f'<w:lang {NAMESPACES} w:val="{escape(cell["lang"])}"/>'))


def _chart(document: Document, chart: dict[str, str]) -> None:
    document.add_paragraph(plain(chart["title"]), style="Caption").paragraph_format.keep_with_next = True
    document.add_paragraph(plain(chart["reading"])).paragraph_format.keep_with_next = True
    run = document.add_paragraph().add_run()
    picture = run.add_picture(BytesIO(base64.b64decode(chart["png"])), width=CHART_WIDTH)
    about = picture._inline.docPr
    about.set("descr", plain(chart["alt"]))
    about.set("title", plain(chart["title"]))


def _table(document: Document, table: Table, rows: list[list[Any]], labels: Labels) -> None:
    """Caption and table. The rows go in as one piece of XML: cell by cell python-docx takes seconds for a report."""
    document.add_paragraph(table["title"], style="Caption").paragraph_format.keep_with_next = True
    if not rows:
        document.add_paragraph(labels("p.none"))
        return
    kinds = [column["type"] for column in table["columns"]]
    head = _row([column["label"] for column in table["columns"]], ["text"] * len(kinds), labels, head=True)
    body = "".join(_row(row, kinds, labels) for row in rows)
    grid = "<w:gridCol/>" * len(kinds)
    look = '<w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="5000" w:type="pct"/></w:tblPr>'
    xml = f"<w:tbl {NAMESPACES}>{look}<w:tblGrid>{grid}</w:tblGrid>{head}{body}</w:tbl>"
    document.element.body.insert(len(document.element.body) - 1, parse_xml(xml))
    document.add_paragraph()


def _row(cells: list[Any], kinds: list[str], labels: Labels, *, head: bool = False) -> str:
    """A row that stays whole; the head is repeated on each page."""
    inside = "".join(_cell(cell, kind, labels, head=head) for cell, kind in zip(cells, kinds, strict=True))
    repeated = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{inside}</w:tr>"


def _cell(cell: Any, kind: str, labels: Labels, *, head: bool) -> str:
    tongue = f'<w:lang w:val="{escape(cell["lang"])}"/>' if isinstance(cell, dict) else ""
    look = f'<w:rPr>{"<w:b/>" if head else ""}<w:sz w:val="16"/>{tongue}</w:rPr>'
    lines = escape(_words(cell, kind, labels)).replace("\t", " ").split("\n")
    text = "<w:br/>".join(f'<w:t xml:space="preserve">{line}</w:t>' for line in lines)
    side = '<w:pPr><w:jc w:val="right"/></w:pPr>' if kind == "number" else ""
    return f"<w:tc><w:tcPr/><w:p>{side}<w:r>{look}{text}</w:r></w:p></w:tc>"


def _words(cell: Any, kind: str, labels: Labels) -> str:
    if kind == "number":
        return labels.number(cell)
    if kind == "date":
        return labels.day(cell)
    return str(cell["text"] if isinstance(cell, dict) else cell or "")


def _same_bytes(made: BytesIO) -> bytes:
    """The package again with one date and one order, so that equal content gives equal bytes."""
    again = BytesIO()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            target.writestr(zipfile.ZipInfo(name, ZIP_DAY), source.read(name), zipfile.ZIP_DEFLATED)
    return again.getvalue()
