"""The PDF: tagged and whole at any size of programme, deterministic, and deaf to text that wants to be code."""

import json
import re
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from reporting.cut import SECTIONS, seal
from reporting.render.compiler import FONTS, LANGUAGES, TEMPLATES, RenderError, compile_cut, run
from reporting.render.pdf import render_charts, render_pdf
from tests.reporting import check_pdf
from tests.reporting.samples.cuts import CANARIES, EMOJI, LONG_NAME, hostile_cut, sample_cut

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".local" / "assets" / "fonts"
MAKERS = {"in flight": lambda: sample_cut(0), "small": lambda: sample_cut(3), "hostile": hostile_cut}


@cache
def pdf(kind, lang="en"):
    return render_pdf(MAKERS[kind](), lang, FOLDER)


def pages(content):
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_range() for page in document]


def letters(text):
    """Text as it can be found again: no spaces, line ends or breaks inside words."""
    return re.sub(r"[\s\u200b\u00ad\ufffe\x02-]+", "", text)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_file_is_tagged_for_everyone_and_for_the_archive(kind):
    assert check_pdf.faults(pdf(kind)) == []
    assert check_pdf.standards(pdf(kind)) == {"pdfuaid:part": "1", "pdfaid:part": "2", "pdfaid:conformance": "A"}


def test_the_checker_sees_a_fault():
    with pikepdf.open(BytesIO(pdf("small"))) as document:
        del document.Root.Lang
        del document.pages[0].Tabs
        broken = BytesIO()
        document.save(broken)
    assert check_pdf.faults(broken.getvalue()) == [
        "The document has no language.",
        "Page 1: the tab order is not that of the structure.",
    ]


def test_every_section_opens_with_its_number_and_each_project_has_a_page():
    texts = pages(pdf("small"))
    words = json.loads((TEMPLATES / "strings.json").read_text("utf-8"))
    for number, section in enumerate(SECTIONS, 1):
        title = letters(f"{number}{words[f'sec.{section}']['en']}")
        assert sum(letters(text.split("\n", 3)[1]) == title for text in texts[3:]) == 1, section
    for number in (1, 2, 3):
        assert any(f"Grozd za zeleni prehod {number}\r\nP00{number}" in text for text in texts)


@pytest.mark.row("F16")
@pytest.mark.row("F27")
def test_eleven_areas_and_five_forms_stand_there_with_their_zeros():
    for kind in ("in flight", "small"):
        text = letters("".join(pages(pdf(kind))))
        words = json.loads((TEMPLATES / "strings.json").read_text("utf-8"))
        for key in [key for key in words if key.startswith(("area.", "form."))]:
            assert letters(words[key]["en"]) in text, key


def test_a_programme_in_flight_says_what_is_missing():
    text = "\n".join(pages(pdf("in flight"))).replace("\u00a0", " ")
    assert "No need has been agreed yet." in text
    assert "since 5 Jul 21" in text
    assert "Data of 22 April 2022" in text
    assert text.count("no activity") == 36
    assert text.count("No activity in this Facility.") == 36
    assert "Published" not in text


@pytest.mark.row("F33")
def test_the_number_of_pages_grows_with_the_projects():
    assert len(pages(pdf("small"))) >= len(pages(pdf("in flight"))) + 3
    twenty_five = pages(render_pdf(sample_cut(25), "en", FOLDER))
    assert 50 <= len(twenty_five) <= 80
    assert sum("Kick-off and closing" in text for text in twenty_five) == 25


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_has_its_labels(lang):
    words = json.loads((TEMPLATES / "strings.json").read_text("utf-8"))
    text = letters("".join(pages(pdf("small", lang))))
    assert letters(words["sec.matrix"][lang]) in text
    assert "[" not in re.sub(r"\[U\+", "", text), "a label is missing"


def test_typed_text_is_printed_as_it_is():
    text = letters("".join(pages(pdf("hostile"))))
    for canary in [*CANARIES, 'Facility #read("/etc/passwd") $x$ *bold*', "=cmd|' /C calc'!A0", "T" * 400, LONG_NAME]:
        assert letters(canary) in text, canary
    assert "root:x:0" not in text


def test_long_text_loses_nothing_and_letters_without_a_font_are_named():
    text = letters("".join(pages(pdf("hostile"))))
    assert text.count("longtext") == 900
    assert "longtextlastword" in text
    assert text.count("x") >= 40_000
    assert EMOJI.count("🌱") == 1
    assert "seedling[U+1F331]and[U+6F22][U+5B57]andturnedandbell" in text


def test_the_same_cut_gives_the_same_bytes_in_another_process():
    script = (
        "import sys; from pathlib import Path; from reporting.render.pdf import render_pdf;"
        "from tests.reporting.samples.cuts import sample_cut;"
        "sys.stdout.buffer.write(render_pdf(sample_cut(3), 'en', Path(sys.argv[1])))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, str(FOLDER)], cwd=ROOT, capture_output=True, check=True, timeout=120
    )
    assert other.stdout == pdf("small")


def test_the_day_in_the_file_is_the_day_of_the_cut():
    with pikepdf.open(BytesIO(pdf("small"))) as document:
        assert str(document.docinfo["/CreationDate"]).startswith("D:20220422")


def test_sections_may_be_left_out_or_turned_without_a_dead_link():
    cut = sample_cut(3)
    cut["sections"] = [{"id": s, "narrative": []} for s in ("recommendations", "summary", "stories", "needs")]
    content = render_pdf(seal(cut), "en", FOLDER)
    assert check_pdf.faults(content) == []
    assert "1 Recommendations" in re.sub(r"\s+", " ", "".join(pages(content)))


def test_charts_of_a_section_come_with_their_words():
    charts = render_charts(sample_cut(3), "matrix", "en", FOLDER)
    assert [chart["title"].split(":")[0] for chart in charts] == [
        "Green transition",
        "Digital transition",
        "Resilience",
    ]
    assert all(chart["png"].startswith(b"\x89PNG") and chart["alt"] and chart["reading"] for chart in charts)
    assert render_charts(sample_cut(3), "method", "en", FOLDER) == []


def test_a_missing_font_is_refused_by_name(tmp_path):
    with pytest.raises(RenderError, match=re.escape(FONTS[0])):
        render_pdf(sample_cut(0), "en", tmp_path)


@pytest.mark.parametrize(
    ("limit", "said"), [({"memory": 40_000_000}, "limit of memory"), ({"seconds": 0.01}, "longer than")]
)
def test_the_compiler_ends_at_its_limits(limit, said):
    with pytest.raises(RenderError, match=said):
        compile_cut(sample_cut(3), "report.typ", fonts=FOLDER, inputs={"lang": "en"}, **limit)


def test_a_section_without_a_template_stops_the_build():
    cut = sample_cut(0)
    cut["sections"].append({"id": "weather", "narrative": []})
    with pytest.raises(RenderError, match="unknown section: weather"):
        render_pdf(seal(cut), "en", FOLDER)


@pytest.mark.parametrize("path", ["/etc/hostname", "../secret.txt", "https://example.org/x.json"])
def test_the_compiler_sees_its_own_folder_alone(tmp_path, path):
    """Even a template, which no user can write, reaches no file outside of the folder and no other machine."""
    root = tmp_path / "job"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("hidden")
    (root / "main.typ").write_text(f'#read("{path}")')
    order = {"root": str(root), "main": "main.typ", "fonts": str(FOLDER), "inputs": {}, "memory": 3 * 1024**3}
    with pytest.raises(RenderError, match=r"refused the report: .*(not found|failed to load|outside|escape)"):
        run({**order, "seconds": 60})


def test_the_fonts_show_every_letter_that_the_templates_let_through():
    """What coverage.json lists beyond the packaged fonts is Hebrew and Arabic, which the compiler brings along."""
    shown = set.intersection(*(set(TTFont(FOLDER / name).getBestCmap()) for name in FONTS))
    listed = json.loads((TEMPLATES / "coverage.json").read_text("utf-8"))["class"]
    letter = re.compile("[" + re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: f"\\U{int(m[1], 16):08x}", listed) + "]")
    beyond = {code for code in range(0x110000) if letter.match(chr(code))} - shown
    assert beyond - {9, 10} <= set(range(0x5D0, 0x5EB)) | set(range(0x60C, 0x66A))
