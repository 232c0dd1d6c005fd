"""CVs: handed in, read in an isolated child, mended and confirmed by a person, indexed for meaning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae, CvField, parsed, worded
from advisory.tasks import matching as tasks
from advisory.vectors import CvPassage
from facility.registry.documents import Document
from facility.workflow import trail
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Detail, Notice
from tests import factories as make
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


def sample(name):
    path = SAMPLES / name
    return matching.text_file(path.name, path.read_bytes())


def fresh(cv):
    return CurriculumVitae.objects.select_related("document", "advisor__person").get(pk=cv.pk)


@pytest.mark.parametrize(
    ("name", "form", "language"),
    [
        ("plain/en.txt", "text", "en"),
        ("europass_v3_skillspassport.xml", "europass-v3", None),
        ("europass_candidate_attached.pdf", "europass-candidate-pdf", None),
        ("jsonresume.json", "json-resume", None),
    ],
)
def test_a_real_file_is_checked_and_read_in_the_job(programme, coordinator, name, form, language):
    cv = matching.received(programme, coordinator, file=sample(name))
    assert matching.run("advisory.read_cv") == ["done"]

    cv = fresh(cv)
    assert cv.document.state == "clean"
    assert cv.format == form
    assert cv.state in {"read", "incomplete"}
    assert language is None or cv.language == language
    found = {one.name for one in cv.fields.all()}
    assert {"full_name", "email", "language"} <= found
    assert all(one.snippet and one.place and not one.confirmed for one in cv.fields.all())
    assert matching.run("facility.scan_document") == ["done"]  # the other job finds its work done


def test_from_the_file_to_a_candidate_with_areas_and_vectors(programme, coordinator):
    cv = matching.received(programme, coordinator, file=sample("plain/en.txt"))
    matching.run("advisory.read_cv")
    cv = fresh(cv)
    cv.perform("confirm", by=coordinator, entries=matching.entries(cv), kind="sustainability")

    advisor = Advisor.objects.select_related("person").get(pk=cv.advisor_id)
    assert (advisor.person.name, advisor.person.email) == ("Fiona Abernathy", "fiona.abernathy@example.org")
    assert not advisor.person.has_usable_password()
    assert {"code": "en", "cefr": "native"} in advisor.languages
    assert {"code": "fr", "cefr": "B2"} in advisor.languages
    assert advisor.areas == [one.value for one in cv.fields.filter(name="area").order_by("order")]
    assert advisor.countries[0] == "GB"
    assert cv.fields.filter(name="employment", confirmed=True).count() == 2

    assert matching.run("advisory.embed_cv") == ["done"]
    vectors = [np.asarray(one.vector, dtype=float) for one in cv.passages.all()]
    assert [round(float(np.linalg.norm(one)), 3) for one in vectors] == [1.0]
    assert "Abernathy" not in cv.told()
    assert "example.org" not in cv.told()


def test_unchanged_text_is_not_embedded_again(programme, coordinator, monkeypatch):
    advisor = matching.candidate(programme, coordinator)
    first = matching.confirmed(advisor, coordinator)
    matching.run("advisory.embed_cv")
    asked = []
    real = tasks.embedder.embed_passages
    monkeypatch.setattr(tasks.embedder, "embed_passages", lambda texts: asked.extend(texts) or real(texts))
    second = matching.confirmed(advisor, coordinator)
    assert matching.run("advisory.embed_cv") == ["done"]

    assert asked == []
    one, two = (CvPassage.objects.get(curriculum=cv) for cv in (first, second))
    assert one.text_sha256 == two.text_sha256
    assert np.allclose(one.vector, two.vector)
    assert fresh(first).state == "replaced"


HOSTILE = {
    "macro.docx": (b"PK\x03\x04 not really a zip", "The file is damaged or not what its name says."),
    "bomb.xml": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "The XML declares a document type"),
    "deep.json": (b"[" * 200_000, "The file looks like JSON"),
    "empty.txt": (b" \n ", "The file is empty."),
    "scan.pdf": (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_rejected_with_a_sentence_and_nothing_else(programme, coordinator, name):
    content, sentence = HOSTILE[name]
    cv = matching.received(programme, coordinator, file=matching.text_file(name, content))
    assert matching.run("advisory.read_cv") == ["done"]

    cv = fresh(cv)
    assert cv.state == "rejected"
    assert cv.why.startswith(sentence)
    assert cv.why.endswith(".")
    assert (cv.text, cv.name, cv.fields.count(), Advisor.objects.count()) == ("", "", 0, 0)
    assert Notice.objects.filter(to=coordinator, record_id=cv.pk).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify([CurriculumVitae, Document]) == []


def test_a_reading_that_breaks_off_is_tried_again_and_then_refused(programme, coordinator, monkeypatch):
    cv = matching.received(programme, coordinator)
    monkeypatch.setattr(tasks, "run_isolated", lambda *_given: tasks_crash())

    assert [matching.run("advisory.read_cv") for _try in range(3)] == [["again"], ["again"], ["done"]]
    assert fresh(cv).why == "The file broke off the reading: it may be damaged. Save it again and send the new copy."


def tasks_crash():
    from facility.isolation import Crashed

    raise Crashed("exit status -9")


def test_signs_that_cannot_be_stored_are_left_out(programme, coordinator):
    resume = {"basics": {"name": "Ana\u0000 Person", "email": "ana@example.org", "summary": "Energy audits. " * 9}}
    resume["work"] = [{"name": "Acme\u0000", "position": "Adviser", "startDate": "2010"}]
    cv = matching.received(programme, coordinator, file=matching.text_file("a.json", json.dumps(resume).encode()))
    assert matching.run("advisory.read_cv") == ["done"]

    assert fresh(cv).state == "incomplete"
    assert "\x00" not in fresh(cv).text


def test_a_file_is_taken_once_and_only_in_a_format_of_cvs(programme, coordinator):
    matching.received(programme, coordinator, file=matching.text_file("cv.txt", b"the same"))
    with pytest.raises(Invalid) as refused:
        matching.received(programme, coordinator, file=matching.text_file("copy.txt", b"the same"))
    assert refused.value.errors == {"file": ["copy.txt was handed in before."]}
    with pytest.raises(Invalid) as refused:
        matching.received(programme, coordinator, file=matching.text_file("cv.csv", b"a,b"))
    assert refused.value.errors["file"][0].startswith("A CV is taken as PDF, DOCX")
    with pytest.raises(Invalid) as refused:
        CurriculumVitae().perform("receive", by=coordinator, files={"file": matching.text_file()})
    assert refused.value.errors == {"programme": ["Say for which programme, or whose CV this is."]}
    assert (CurriculumVitae.objects.count(), Document.objects.count()) == (1, 1)


def test_what_is_missing_is_filled_in_by_a_person(programme, coordinator):
    cv = matching.received(programme, coordinator)
    matching.run("facility.scan_document")
    cv.perform("read", by=SYSTEM, reading=matching.reading(without="email"))
    assert cv.state == "incomplete"
    rows = matching.entries(cv)

    with pytest.raises(Invalid) as refused:
        cv.perform("confirm", by=coordinator, entries=rows, kind="both")
    assert refused.value.errors == {"entries": ["Not found in the CV: an e-mail address."]}
    with pytest.raises(Invalid) as refused:
        cv.perform("confirm", by=coordinator, entries=[*rows, {"name": "email", "value": "a@example.org"}])
    assert refused.value.errors == {"kind": ["Say whether this is a business or a sustainability advisor."]}
    mended = [row | {"value": "en C2"} if row["value"] == "en C1" else row for row in rows if row["value"] != "de A2"]
    cv.perform("confirm", by=coordinator, entries=[*mended, {"name": "email", "value": "a@example.org"}], kind="both")

    advisor = Advisor.objects.get(pk=cv.advisor_id)
    assert advisor.languages == [{"code": "en", "cefr": "C2"}]
    assert advisor.countries == ["ES", "PT"]
    by_hand = CvField.objects.filter(curriculum=cv, snippet="", confirmed=True)
    assert set(by_hand.values_list("name", flat=True)) == {"email", "language"}
    kept = CvField.objects.get(curriculum=cv, name="employment")
    assert (kept.confirmed, kept.place) == (True, "line 6")
    assert CvField.objects.get(curriculum=cv, name="skill").confirmed


def test_a_second_cv_of_the_same_person_adds_nobody(programme, coordinator):
    first = matching.received(programme, coordinator)
    second = matching.received(programme, coordinator)
    matching.run("facility.scan_document")
    said = matching.reading()
    for cv in (first, second):
        cv.perform("read", by=SYSTEM, reading=said)
        cv.perform("confirm", by=coordinator, entries=matching.entries(cv), kind="business")

    assert Advisor.objects.count() == 1
    assert [fresh(cv).state for cv in (first, second)] == ["replaced", "confirmed"]


def test_a_cv_waits_for_its_check_and_for_an_open_record(programme, coordinator):
    advisor = matching.candidate(programme, coordinator)
    cv = matching.received(programme, coordinator, advisor)
    cv.perform("read", by=SYSTEM, reading=matching.reading(advisor))
    advisor.perform("decline", by=coordinator, reason="Too late.")

    with pytest.raises(Blocked) as refused:
        cv.perform("confirm", by=coordinator, entries=matching.entries(cv))
    assert refused.value.sentences == [
        "The file has not been checked yet.",
        "The advisor is neither a candidate nor in the pool any more.",
    ]
    newcomer = matching.received(programme, coordinator)
    matching.run("facility.scan_document")
    newcomer.perform("read", by=SYSTEM, reading=matching.reading(advisor))
    with pytest.raises(Invalid) as refused:
        newcomer.perform("confirm", by=coordinator, entries=matching.entries(newcomer), kind="business")
    assert refused.value.errors == {"": [f"{advisor} was declined or has retired."]}


def test_own_advisor_hands_in_and_confirms_and_nobody_else_sees_it(programme, coordinator, client):
    advisor, other = (matching.candidate(programme, coordinator) for _one in range(2))
    cv = matching.received(programme, advisor.person, advisor)
    matching.run("facility.scan_document")
    cv.perform("read", by=SYSTEM, reading=matching.reading(advisor))

    for stranger in (other.person, make.staff("observer", programme), make.staff("coordinator", make.programme())):
        with pytest.raises(NotFound):
            cv.perform("confirm", by=stranger, entries=matching.entries(cv))
        client.force_login(stranger)
        assert client.get(f"/api/curricula/{cv.pk}/").status_code == 404
        assert client.get(f"/workspace/curricula/{cv.pk}/confirm/").status_code == 404
    with pytest.raises(Invalid):
        matching.received(programme, other.person, advisor)
    with pytest.raises(Invalid):
        matching.received(programme, other.person)
    with pytest.raises(NotAllowed):
        cv.perform("read", by=advisor.person, reading=matching.reading(advisor))
    cv.perform("confirm", by=advisor.person, entries=matching.entries(cv))
    assert cv.state == "confirmed"


def test_the_text_of_a_cv_stays_out_of_trail_and_jobs(programme, coordinator):
    canary = "Vermicelli of Zanzibar"
    advisor = matching.candidate(programme, coordinator)
    matching.confirmed(advisor, coordinator, text=canary)

    assert not Detail.objects.filter(changes__icontains=canary).exists()
    assert not Job.objects.filter(args__icontains=advisor.person.email).exists()


def test_a_cv_comes_in_by_the_api(programme, coordinator, client):
    client.force_login(coordinator)
    answer = client.post("/api/curricula/", {"file": sample("plain/de.txt"), "programme": str(programme.pk)})

    assert answer.status_code == 201, answer.content
    assert matching.run("advisory.read_cv") == ["done"]
    found = client.get(f"/api/curricula/{answer.json()['id']}/").json()
    assert found["language"] == "de"
    assert {"name", "value", "snippet", "place", "confidence", "confirmed"} == set(found["fields"][0])


@pytest.mark.parametrize("count", [1, 3])
def test_lists_and_pages_cost_the_same_at_any_size(programme, coordinator, client, count):
    made = [matching.confirmed(matching.candidate(programme, coordinator), coordinator) for _one in range(count)]
    client.force_login(coordinator)

    assert matching.statements(client, "/workspace/curricula/") == 5
    assert matching.statements(client, "/api/curricula/") == 4
    # Four of them for the log of who opened it, and for possible duplicates.
    assert matching.statements(client, f"/workspace/curricula/{made[0].pk}/") == 11


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("language", {"code": "de", "cefr": "C1"}, "de C1"),
        ("language", {"code": "nl", "cefr": None}, "nl"),
        ("degree", {"title": "MSc", "institution": "TU Delft", "end": "2004"}, "MSc | TU Delft | 2004"),
        (
            "employment",
            {"title": "Engineer", "employer": "Acme", "start": "2010-03", "end": None, "country": "NL"},
            "Engineer | Acme | 2010-03 |  | NL",
        ),
        ("country", "NL", "NL"),
        ("area", "water-use", "water-use"),
    ],
)
def test_values_and_their_lines_say_the_same(name, value, line):
    assert worded(name, value) == line
    assert parsed(name, line) == value


@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        ("language", "German C1", "Write a language as its code"),
        ("language", "de D1", "Write a language as its code"),
        ("degree", "| TU Delft", "Write title | institution"),
        ("employment", "a | b | c | d | e | f", "Write title | employer"),
        ("country", "Holland", "Write a country"),
        ("area", "cheese", "Write an area as one of"),
        ("email", "nobody", "Enter a valid email"),
    ],
)
def test_a_line_that_says_no_value_is_refused_with_its_form(name, line, sentence):
    with pytest.raises(ValidationError) as refused:
        parsed(name, line)
    assert refused.value.messages[0].startswith(sentence)
