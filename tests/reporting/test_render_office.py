"""DOCX and XLSX: every table once, typed, deterministic; no text of a stranger becomes a formula or a field."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import docx
import openpyxl
import pytest

from reporting.cut import AREAS, CELLS, SECTIONS, canonical
from reporting.render.assembly import assemble, render_all, render_section, sections
from reporting.render.compiler import LANGUAGES, RenderError
from reporting.render.docx import render_docx
from reporting.render.labels import Labels, plain
from reporting.render.tables import section_tables
from reporting.render.xlsx import CELL_LIMIT, render_xlsx
from tests.reporting.samples.cuts import CANARIES, EMOJI, LONG_NAME, hostile_cut, sample_cut

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".local" / "assets" / "fonts"
MAKERS = {"in flight": lambda: sample_cut(0), "small": lambda: sample_cut(3), "hostile": hostile_cut}
FORMATS = ("pdf", "docx", "xlsx", "json")


def book(cut, lang="en"):
    return openpyxl.load_workbook(BytesIO(render_xlsx(cut, lang)))


def sheet(workbook, title):
    """The rows of the one sheet whose first contents line carries the title."""
    named = {row[1]: row[0] for row in workbook.worksheets[0].iter_rows(values_only=True)}
    return [list(row) for row in workbook[named[title]].iter_rows(values_only=True)]


def document(cut, lang="en"):
    return docx.Document(BytesIO(render_docx(cut, lang)))


def words(cut, lang="en"):
    """All text of the document, cells included."""
    return "\n".join(text.text or "" for text in document(cut, lang).element.body.iter() if text.tag.endswith("}t"))


@pytest.mark.parametrize("kind", MAKERS)
def test_no_cell_is_a_formula_and_numbers_are_numbers(kind):
    for page in book(MAKERS[kind]()):
        for row in page.iter_rows():
            for cell in row:
                assert cell.data_type in ("s", "n", "d"), (page.title, cell.coordinate)
                assert not (cell.data_type == "s" and re.fullmatch(r"-?\d+\.\d+", cell.value)), cell.value


def test_columns_keep_their_type():
    rows = sheet(book(sample_cut(3)), "Sessions")
    head, first = rows[0], dict(zip(rows[0], rows[1], strict=True))
    assert head == ["No.", "Session", "Date", "Form", "Kind", "Hours", "People", "Firms"]
    assert isinstance(first["Date"], datetime)
    assert first["Date"].date() == date(2021, 7, 8)
    assert first["Hours"] == 6.5
    assert isinstance(first["People"], int)


def test_text_stays_text_whatever_it_begins_with():
    seen = {value for page in book(hostile_cut()) for row in page.iter_rows(values_only=True) for value in row}
    assert set(CANARIES) <= seen
    assert {"+1+1", "-2", "\t=3", "\n=4", "=cmd|' /C calc'!A0", LONG_NAME, plain(EMOJI)} <= seen


def test_text_that_looks_like_a_formula_keeps_its_quote_when_a_person_edits_it():
    looks = {
        cell.value: cell.quotePrefix
        for page in book(hostile_cut())
        for row in page.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
    }
    assert all(looks[text] for text in ("=1+1", "@SUM(A1:A9)", "+1+1", "-2"))
    assert not looks['#read("/etc/passwd")']


def test_nothing_in_the_workbook_points_elsewhere():
    with zipfile.ZipFile(BytesIO(render_xlsx(hostile_cut(), "en"))) as package:
        assert not [name for name in package.namelist() if "external" in name.lower() or "vba" in name.lower()]
        assert not [name for name in package.namelist() if b"<f>" in package.read(name)]
        assert b"TargetMode" not in b"".join(package.read(n) for n in package.namelist() if n.endswith(".rels"))


def test_a_text_too_long_for_a_cell_ends_with_a_sign():
    cut = sample_cut(1)
    cut["lessons"][0]["items"] = [{"text": "y" * 40_000, "source": "Cluster 1"}]
    text = sheet(book(cut), "Lessons learned by area")[1][1]
    assert len(text) == CELL_LIMIT
    assert text.endswith("y…")


def test_every_figure_and_every_record_behind_it_is_listed():
    cut = sample_cut(3)
    workbook = book(cut)
    index = sheet(workbook, "Index of evidence")[1:]
    assert [row[0] for row in index] == cut["figure_order"]
    assert [row[2] for row in index] == [cut["figures"][key]["value"] for key in cut["figure_order"]]
    wanted = [(key, record) for key in cut["figure_order"] for record in cut["figures"][key]["evidence"]]
    assert [tuple(row) for row in sheet(workbook, "Evidence: figure and record")[1:]] == wanted


def test_a_row_names_the_figures_it_shows():
    cut = sample_cut(3)
    rows = sheet(book(cut), "Needs by area and what became of them")
    area = cut["needs"]["areas"][0]
    members = ("total", "first", "projects", "solved", "eased", "open", "hours")
    assert rows[1][1:-1] == [area[member]["value"] for member in members]
    assert rows[1][-1] == ", ".join(area[member]["id"] for member in members)


@pytest.mark.row("F27")
@pytest.mark.row("T16")
@pytest.mark.parametrize("kind", MAKERS)
def test_areas_forms_and_cells_are_complete_at_any_time(kind):
    workbook = book(MAKERS[kind]())
    assert len(sheet(workbook, "Needs by area and what became of them")) == 1 + len(AREAS)
    assert len(sheet(workbook, "Sessions, hours and people by form")) == 1 + 5
    assert [row[0] for row in sheet(workbook, "Evidence by cell")[1:]] == list(CELLS)
    areas = {row[0] for row in sheet(workbook, "Lessons learned by area")[1:]}
    assert len(areas) == len(AREAS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_table_has_one_sheet_with_a_lawful_name_in_each_language(lang):
    names = book(sample_cut(3), lang).sheetnames
    tables = [table for section in SECTIONS for table in section_tables(sample_cut(3), section, lang)["tables"]]
    assert len(names) == len(set(names)) == len(tables) + 2
    assert len({table["id"] for table in tables}) == len(tables)
    assert all(len(name) <= 31 and not re.search(r"[][:*?/\\]|^'|'$", name) for name in names)


def test_the_document_has_a_heading_per_section_and_per_project():
    headings = [
        (p.style.name, p.text) for p in document(sample_cut(3)).paragraphs if p.style.name.startswith("Heading")
    ]
    titles = [Labels("en")(f"sec.{section}") for section in SECTIONS]
    assert [text for style, text in headings if style == "Heading 1"] == titles
    assert [text for style, text in headings if "Grozd" in text] == [f"Grozd za zeleni prehod {n}" for n in (1, 2, 3)]


def test_heads_of_tables_repeat_and_rows_stay_whole():
    made = document(sample_cut(3))
    assert len(made.tables) > 30
    for table in made.tables:
        head, *rows = table._tbl.tr_lst
        assert "w:tblHeader" in head.xml
        assert not any("w:tblHeader" in row.xml for row in rows)
        assert all("w:cantSplit" in row.xml for row in (head, *rows))


def test_names_carry_their_language_and_the_document_its_own():
    made = document(sample_cut(3), "nl")
    heading = next(p for p in made.paragraphs if p.text == "Grozd za zeleni prehod 1")
    assert 'w:lang w:val="sl"' in heading._p.xml
    assert 'w:lang w:val="nl"' in made.styles.element.xml


def test_hostile_text_is_in_the_document_as_text():
    text = words(hostile_cut())
    for canary in [*CANARIES, LONG_NAME, "lastword", plain(EMOJI)]:
        assert canary in text, canary
    assert "\u202e" not in text


def test_the_only_field_of_the_document_is_its_contents():
    fields = [node.text for node in document(hostile_cut()).element.body.iter() if node.tag.endswith("}instrText")]
    assert fields == [' TOC \\o "1-2" \\h \\z \\u ']


def test_charts_stand_in_the_document_with_their_alternative_text():
    cut = sample_cut(3)
    made = docx.Document(BytesIO(render_all(cut, ["docx"], "en", FOLDER)["docx"]))
    pictures = [shape._inline.docPr for shape in made.inline_shapes]
    assert len(pictures) == 15
    assert all(picture.get("descr") for picture in pictures)
    assert not document(cut).inline_shapes


def test_numbers_and_days_are_worded_in_the_language():
    assert [Labels(lang).number(-1234.5) for lang in ("en", "de")] == ["\u22121,234.5", "\u22121.234,5"]
    assert [Labels(lang).number(1234) for lang in ("nl", "fr")] == ["1.234", "1\u202f234"]
    assert Labels("de").day("2022-03-05") == "5.\u00a0März 2022"
    assert Labels("en").number(None) == Labels("en").day(None) == "\u2013"
    with pytest.raises(ValueError, match="not in “xx”"):
        Labels("xx")


def test_a_section_is_json_and_depends_on_the_cut_alone():
    cut = sample_cut(3)
    parts = [render_section(cut, section, "en", FOLDER) for section in ("support", "projects")]
    again = json.loads(canonical({"parts": parts}))["parts"]
    assert again == parts
    assert render_section(json.loads(canonical(cut)), "support", "en", FOLDER) == parts[0]
    assert [len(part["charts"]) for part in parts] == [2, 0]
    assert len(parts[1]["groups"]) == 3


def test_parts_bound_in_any_order_give_the_report_of_one_go():
    cut = sample_cut(3)
    parts = [json.loads(canonical(render_section(cut, section, "en", FOLDER))) for section in sections(cut)]
    assert assemble(cut, parts[::-1], FORMATS, "en", FOLDER) == render_all(cut, FORMATS, "en", FOLDER)


def test_a_missing_part_or_a_changed_cut_is_refused():
    cut = sample_cut(1)
    with pytest.raises(RenderError, match="not finished: summary, course"):
        assemble(cut, [], ["xlsx"], "en", FOLDER)
    cut["meta"]["title"] += "!"
    with pytest.raises(RenderError, match="differs from its checksum"):
        assemble(cut, [], ["json"], "en", FOLDER)


def test_the_open_data_are_the_sealed_cut():
    cut = sample_cut(1)
    parts = [section_tables(cut, section, "en") for section in sections(cut)]
    assert json.loads(assemble(cut, parts, ["json"], "en", FOLDER)["json"]) == cut


def test_the_same_cut_gives_the_same_bytes_in_another_process():
    script = (
        "import sys, hashlib; from pathlib import Path; from reporting.render.assembly import render_all;"
        "from tests.reporting.samples.cuts import sample_cut;"
        "made = render_all(sample_cut(3), ['docx', 'xlsx', 'json'], 'en', Path(sys.argv[1]));"
        "print(*(hashlib.sha256(content).hexdigest() for content in made.values()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, str(FOLDER)], cwd=ROOT, capture_output=True, check=True, timeout=120, text=True
    )
    here = render_all(sample_cut(3), ["docx", "xlsx", "json"], "en", FOLDER)
    assert other.stdout.split() == [hashlib.sha256(content).hexdigest() for content in here.values()]
