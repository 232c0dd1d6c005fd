"""The structured formats: the sample of each gives exactly these fields, each with its snippet and place."""

import json
from pathlib import Path

import pytest

from advisory.cv.reader import read

SAMPLES = Path(__file__).parent / "samples"


def fields(name: str, *wanted: str) -> list[tuple[str, object]]:
    reading = read((SAMPLES / name).read_bytes(), name)
    assert (reading.status, reading.reason, reading.language) == ("read", None, "en")
    assert all(field.snippet and field.place and 0 < field.confidence <= 1 for field in reading.fields)
    return [(field.name, field.value) for field in reading.fields if field.name in wanted or not wanted]


def job(title, employer, start, end, country=None):
    return {"title": title, "employer": employer, "start": start, "end": end, "country": country}


def by_skill(*levels):
    return dict(zip(("listening", "reading", "interaction", "production", "writing"), levels, strict=True))


@pytest.mark.row("F06")
def test_europass_v3_gives_every_field_with_attribute_dates_and_the_lowest_of_five_skills():
    assert fields("europass_v3_skillspassport.xml") == [
        ("full_name", "Ilse VERMEULEN-KOVÁČ"),
        ("email", "ilse.vk@example.org"),
        ("phone", "+31 600000012"),
        ("city", "Rotterdam"),
        ("country", "NL"),
        ("employment", job("Senior advisor, resource efficiency", "Example Green Advice BV", "2014-09", None, "NL")),
        ("green_experience", "Senior advisor, resource efficiency, Example Green Advice BV (2014-09 –)"),
        ("employment", job("Process engineer", "Example Papier a.s.", "2006", "2014-08")),
        (
            "degree",
            {
                "title": "PhD in chemical engineering",
                "institution": "Example University of Technology",
                "end": "2005",
            },
        ),
        ("language", {"code": "sk", "cefr": "native"}),
        ("language", {"code": "en", "cefr": "B2", "skills": by_skill("C2", "C2", "C1", "C1", "B2")}),
        ("language", {"code": "eu", "cefr": "A2"}),
        ("skill", "Facilitates workshops of up to 40 people"),
        ("skill", "Led a team of six"),
        ("skill", "Life cycle assessment"),
        ("skill", "ISO 14001 audits"),
        ("project", "Textile waste pilot, 2019"),
        ("nationality", "NL"),
        ("nationality", "SK"),
        ("area", "resilient-business-models"),
        ("area", "greening-business-processes"),
        ("area", "waste-management"),
        ("area", "circular-materials"),
        ("kind", "both"),
    ]


CANDIDATE = [
    ("full_name", "Tomás Öberg Silva"),
    ("email", "tomas.os@example.org"),
    ("phone", "+351 900000034"),
    ("city", "Porto"),
    ("country", "PT"),
    ("language", {"code": "pt", "cefr": "native"}),
    ("nationality", "PT"),
    ("nationality", "SE"),
    ("employment", job("Energy auditor", "Example Energia Lda", "2016-03", None, "PT")),
    ("green_experience", "Energy auditor, Example Energia Lda (2016-03 –)"),
    ("degree", {"title": "MSc Environmental Engineering", "institution": "Example University", "end": "2009-06"}),
    ("language", {"code": "en", "cefr": "B2", "skills": by_skill("C1", "C2", "C1", "B2", "C1")}),
    ("area", "energy-efficiency"),
    ("kind", "sustainability"),
    ("sector", "textiles"),
]


@pytest.mark.parametrize("name", ["europass_candidate.xml", "europass_candidate_attached.pdf"])
def test_europass_candidate_gives_the_same_alone_and_inside_a_pdf(name):
    assert fields(name) == CANDIDATE


def test_json_resume_gives_every_field_and_takes_only_stated_levels():
    assert fields("jsonresume.json", "full_name", "email", "phone", "city", "country", "employment", "degree") == [
        ("full_name", "Maja Lindqvist"),
        ("email", "maja.l@example.org"),
        ("phone", "+46 70 000 00 56"),
        ("city", "Malmö"),
        ("country", "SE"),
        ("employment", job("Advisor", "Example Kapital AB", "2017-02", None)),
        ("employment", job("Analyst", "Example Bank", "2010", "2017-01")),
        ("degree", {"title": "MSc Finance", "institution": "Example School of Economics", "end": "2010-06"}),
    ]
    assert fields("jsonresume.json", "language", "certificate", "area") == [
        ("language", {"code": "sv", "cefr": "native"}),
        ("language", {"code": "en", "cefr": "C2"}),
        ("language", {"code": "de", "cefr": None}),
        ("certificate", "Certified ESG analyst"),
        ("area", "sustainable-investments"),
    ]


def test_linkedin_text_finds_the_name_behind_the_left_rail_and_two_posts_in_one_company():
    assert fields("linkedin_profile_extracted.txt", "full_name", "city", "country", "language", "employment") == [
        ("full_name", "Maja Lindqvist"),
        ("city", "Malmö"),
        ("country", "SE"),
        ("language", {"code": "sv", "cefr": "native"}),
        ("language", {"code": "en", "cefr": None}),
        ("language", {"code": "de", "cefr": None}),
        ("employment", job("Senior Advisor", "Example Kapital AB", "2019-02", None)),
        ("employment", job("Advisor", "Example Kapital AB", "2017-02", "2019-01")),
    ]


def test_places_lead_to_the_element():
    reading = read((SAMPLES / "europass_v3_skillspassport.xml").read_bytes(), "cv.xml")
    places = {field.name: field.place for field in reading.fields if field.name == "employment"}
    assert places["employment"] == "SkillsPassport/LearnerInfo/WorkExperienceList/WorkExperience[2]"
    snippet = next(field.snippet for field in reading.fields if field.name == "employment")
    assert "2014-09" in snippet
    assert "waste management" in snippet


def test_the_text_for_matching_leaves_contact_data_out_and_the_json_shape_leaves_the_text_out():
    for name in ("europass_v3_skillspassport.xml", "europass_candidate.xml", "jsonresume.json"):
        reading = read((SAMPLES / name).read_bytes(), name)
        assert "@example.org" not in reading.text
        assert len(reading.text) > 100
    assert set(reading.as_dict()) == {"format", "language", "status", "reason", "fields", "sections"}


@pytest.mark.parametrize(
    ("drop", "sentence"),
    [
        (("email",), "Not found in the CV: an e-mail address."),
        (("name", "email"), "Not found in the CV: a name and an e-mail address."),
        (("languages", "work", "education"), "Not found in the CV: a language and a job or a degree."),
        (("work",), None),
    ],
)
def test_an_incomplete_cv_names_what_was_not_found(drop, sentence):
    content = json.loads((SAMPLES / "jsonresume.json").read_text(encoding="utf-8"))
    for key in drop:
        content["basics"].pop(key, None)
        content.pop(key, None)
    reading = read(json.dumps(content).encode(), "cv.json")
    assert (reading.status, reading.reason) == ("incomplete" if sentence else "read", sentence)
