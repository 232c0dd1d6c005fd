"""The bench of CVs: its figures hold in the files that need no browser, and its scoring shows what goes wrong."""

import pytest

from advisory.cv.extras import countries_named, nationality_code
from advisory.cv.reader import read
from advisory.cv.reading import Line
from advisory.cv.text import read_lines
from bench.cv import writers
from bench.cv.people import people
from bench.cv.scoring import AIMED, Board


def measured(people_of, layouts):
    board = Board()
    for layout, write in layouts.items():
        for person in people(people_of):
            reading = read(write(person.said, None), "cv")
            board.score(f"{layout}.{person.id}", layout, reading.as_dict()["fields"], person.truth())
    return board


def without_browser(layouts, *, structured):
    return {
        name: write
        for name, write in layouts.items()
        if not name.startswith("chromium") and (name in writers.STRUCTURED) == structured
    }


@pytest.mark.row("F06")
@pytest.mark.parametrize(
    ("people_of", "layouts"),
    [("tuned", writers.TUNED), ("tuned_too", writers.TUNED_TOO), ("held_out", writers.HELD_OUT)],
)
@pytest.mark.parametrize(("structured", "goal"), [(True, 0.97), (False, 0.90)])
def test_names_addresses_languages_countries_degrees_and_employers_are_read(people_of, layouts, structured, goal):
    chosen = without_browser(layouts, structured=structured)
    board = measured(people_of, chosen)
    _precision, _recall, f1 = board.sum(chosen, AIMED).figures()
    assert f1 >= goal, board.slips


def test_a_wrong_value_and_a_missed_one_lower_the_figures():
    person = people("tuned")[0]
    fields = read(writers.json_resume(person.said, None), "cv").as_dict()["fields"]
    right, broken = Board(), Board()
    right.score("a", "json-resume", fields, person.truth())
    wrong = [one | {"value": "Somebody Else"} if one["name"] == "full_name" else one for one in fields]
    broken.score("a", "json-resume", [one for one in wrong if one["name"] != "email"], person.truth())
    assert right.sum(["json-resume"], ["full_name", "email"]).figures() == (1.0, 1.0, 1.0)
    assert broken.sum(["json-resume"], ["full_name"]).figures() == (0.0, 0.0, 0.0)
    assert broken.sum(["json-resume"], ["email"]).figures() == (None, 0.0, 0.0)


def test_every_free_text_value_has_snippet_place_and_confidence():
    person = people("tuned")[0]
    reading = read(writers.by_template("plain.txt")(person.said, None), "cv.txt")
    assert {"tool", "availability", "nationality", "project_country", "green_experience", "kind", "sector"} <= {
        field.name for field in reading.fields
    }
    assert all(field.snippet and field.place and 0 < field.confidence <= 1 for field in reading.fields)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Irish", "IE"),
        ("française", "FR"),
        ("deutsch", "DE"),
        ("österreichisch", "AT"),
        ("polska", "PL"),
        ("Nederlandse", "NL"),
        ("Portuguese", "PT"),
        ("Austrian", "AT"),
        ("Martian", None),
        ("", None),
    ],
)
def test_a_nationality_is_told_from_the_word_for_a_people(word, code):
    assert nationality_code(word) == code


def test_nationality_follows_from_nothing_else():
    lines = ["Giulia Rossi", "giulia@example.org", "Roma, Italia", "Languages", "Italian: native"]
    found, _sections = read_lines([Line(text, "page 1") for text in lines])
    assert not found.has("nationality")


def test_countries_are_words_with_a_capital():
    assert countries_named("Reuse in Ireland, the Czech Republic and Bosnia and Herzegovina; mali and turkey") == [
        "IE",
        "CZ",
        "BA",
    ]


def test_levels_by_skill_are_read_from_a_row_of_five_and_from_names():
    lines = ["Anna Example", "Languages", "English C1 C2 B2 B2 C1", "German", "LISTENING B1 READING B2 WRITING A2"]
    found, _sections = read_lines([Line(text, "page 1") for text in lines])
    english, german = (field.value for field in found.fields if field.name == "language")
    assert english == {
        "code": "en",
        "cefr": "B2",
        "skills": {"listening": "C1", "reading": "C2", "interaction": "B2", "production": "B2", "writing": "C1"},
    }
    assert german == {"code": "de", "cefr": "A2", "skills": {"listening": "B1", "reading": "B2", "writing": "A2"}}


def test_a_title_in_bold_is_told_from_the_employer_behind_it():
    lines = [
        Line("Experience", "page 1", 1.3),
        Line("2015 – 2019", "page 1"),
        Line("Steward Harbour House", "p", bold=1),
    ]
    found, _sections = read_lines(lines)
    (job,) = (field.value for field in found.fields if field.name == "employment")
    assert (job["title"], job["employer"]) == ("Steward", "Harbour House")


def test_a_heading_broken_over_two_lines_is_one_heading():
    lines = ["EDUCATION AND", "TRAINING", "2005", "MSc Chemistry", "Example University"]
    _found, sections = read_lines([Line(text, "page 1") for text in lines])
    assert [kind for kind, _lines in sections] == ["head", "education"]


def test_sections_tell_their_own_language():
    english = "I advise food makers on how to use less water and energy, and I have led many audits of large dairies."
    german = "Leitung von Energieaudits in mittleren Betrieben; Abwärmenutzung und Wärmerückgewinnung in Färbereien."
    text = f"Anna Example\nanna@example.org\nSummary\n{english} {english}\nBerufserfahrung\n{german} {german}\n"
    sections = read(text.encode(), "cv.txt").sections
    assert [(one["kind"], one["language"]) for one in sections[1:]] == [("summary", "en"), ("experience", "de")]
