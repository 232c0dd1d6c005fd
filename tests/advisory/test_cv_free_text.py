"""Free text: what is found in CVs of known truth, by F1 of whole values: a job counts only if all of it is right."""

import json
from pathlib import Path

import pytest
import typst

from advisory.cv.dates import find_periods
from advisory.cv.reader import read
from advisory.cv.reading import Line
from advisory.cv.text import read_lines
from advisory.cv.vocabulary import country_code, find_languages, language_code, lowest_level
from config.demo.cv_files import make_cvs
from tests.advisory.cv_score import f1, score

PLAIN = Path(__file__).parent / "samples" / "plain"
LAYOUTS = Path(__file__).parent / "samples" / "layouts"
STRUCTURED = ("europass-v3", "europass-candidate", "europass-candidate-pdf")
FREE = ("pdf", "docx")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Forty CVs of the demo and their truth: five formats, three languages, three layouts."""
    folder = tmp_path_factory.mktemp("cvs")
    return [(read((folder / truth["file"]).read_bytes(), truth["file"]), truth) for truth in make_cvs(folder, count=40)]


@pytest.mark.row("F06")
@pytest.mark.parametrize(("forms", "goal"), [(STRUCTURED, 0.97), (FREE, 0.90)])
def test_demo_cvs_are_read_as_they_were_written(demo, forms, goal):
    for form in forms:
        counts = {}
        for reading, truth in demo:
            if truth["format"] == form:
                assert reading.format == form
                score(reading, truth, counts)
        assert f1(counts) >= goal, (form, counts)
        assert min(f1(counts, name) for name in counts) >= goal - 0.05, (form, counts)


def test_demo_cvs_cover_languages_and_tell_their_own_language_and_what_they_lack(demo):
    assert {truth["written_in"] for _, truth in demo} == {"en", "fr", "de"}
    for reading, truth in demo:
        assert reading.language == truth["written_in"]
        assert reading.status == ("read" if truth["complete"] else "incomplete")
    lacking = [reading.reason for reading, truth in demo if truth["lacking"] == "email"]
    assert lacking == ["Not found in the CV: an e-mail address."]


def test_every_value_stands_in_its_snippet(demo):
    for reading, truth in demo:
        if truth["format"] in FREE:
            for field in reading.fields:
                for name in ("title", "employer", "institution"):
                    if isinstance(field.value, dict) and field.value.get(name):
                        assert field.value[name] in field.snippet, field
                assert field.name not in {"full_name", "email", "phone"} or field.value in field.snippet


def test_the_demo_writes_the_same_files_twice(tmp_path):
    first, second = make_cvs(tmp_path / "a", count=5), make_cvs(tmp_path / "b", count=5)
    assert first == second
    for truth in first:
        assert (tmp_path / "a" / truth["file"]).read_bytes() == (tmp_path / "b" / truth["file"]).read_bytes()


def test_hand_written_cvs_in_seven_languages():
    truths = json.loads((PLAIN / "truth.json").read_text(encoding="utf-8"))
    counts = {}
    for name, truth in truths.items():
        reading = read((PLAIN / f"{name}.txt").read_bytes(), f"{name}.txt")
        assert reading.language == name[:2]
        score(reading, truth, counts)
    assert len(truths) == 15
    assert f1(counts) >= 0.95, counts
    assert min(f1(counts, name) for name in counts) >= 0.90, counts


@pytest.mark.parametrize("name", ["en-linkedin", "de-two-columns", "fr-references"])
def test_pdf_layouts_with_a_left_rail_two_columns_and_running_heads(name):
    truth = json.loads((LAYOUTS / "truth.json").read_text(encoding="utf-8"))[name]
    reading = read(typst.compile(str(LAYOUTS / f"{name}.typ"), ignore_system_fonts=True), "cv.pdf")
    counts = {}
    score(reading, truth, counts)
    assert f1(counts) == 1, counts
    assert reading.format == ("linkedin-pdf" if name == "en-linkedin" else "pdf")


def test_what_the_cv_does_not_say_stays_empty():
    lines = ["Anna Example", "anna@example.org", "Experience", "Advisor, Example Ltd", "2019 - present"]
    found = {field.name: field.value for field in read_lines([Line(text, "page 1") for text in lines])[0].fields}
    assert set(found) == {"full_name", "email", "employment"}
    assert found["employment"]["country"] is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2014-09 \N{EN DASH} present", "2014-09", None),
        ("09/2014 - 10/2015", "2014-09", "2015-10"),
        ("12.05.2014-13.06.2015", "2014-05", "2015-06"),
        ("September 2014 to May 2016", "2014-09", "2016-05"),
        ("de mars 2019 à ce jour", "2019-03", None),
        ("Seit 03.2019: Beraterin", "2019-03", None),
        ("von Januar 2015 bis heute", "2015-01", None),
        ("od marca 2015 do chwili obecnej", "2015-03", None),
        ("desde febrero de 2019 hasta la actualidad", "2019-02", None),
        ("dal 2014 al 2016", "2014", "2016"),
        ("jan 2012 t/m heden", "2012-01", None),
        ("Advisor (2010/2014)", "2010", "2014"),
    ],
)
def test_periods(text, start, end):
    (period,) = find_periods(text)
    assert (period.start, period.end, period.is_range) == (start, end, True)


def test_a_single_year_is_no_range():
    (period,) = find_periods("MSc, Lund University, 2009")
    assert (period.start, period.end, period.is_range) == (None, "2009", False)


def test_codes_of_languages_and_countries():
    codes = {"fre": "fr", "ger": "de", "gre": "el", "dut": "nl", "cze": "cs", "slo": "sk", "rum": "ro", "Basque": "eu"}
    assert {name: language_code(name) for name in codes} == codes
    assert language_code("Mirandese") is None
    lands = {"UK": "GB", "EL": "GR", "pt": "PT", "Niemcy": "DE", "The Netherlands": "NL", "Österreich": "AT"}
    assert {name: country_code(name) for name in lands} == lands
    assert country_code("Atlantis") is None
    assert lowest_level(["C1", "C2", "b2"]) == "B2"
    assert lowest_level([]) is None
    assert [code for code, _, _ in find_languages("angielski, język niemiecki; 中文")] == ["en", "de"]
