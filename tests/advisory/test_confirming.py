"""Confirming a CV: its text beside the fields, each with its lines; who confirmed what and when is kept."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae, CvField
from advisory.snippets import Document
from facility.registry.documents import Download
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as making
from tests.advisory import making_packs as packs

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


@pytest.fixture
def client(coordinator):
    made = Client()
    made.force_login(coordinator)
    return made


def read_cv(programme, by, number=1, **said):
    made = making.received(programme, by, file=making.text_file("", packs.text_of(number, **said)))
    making.run("advisory.read_cv")
    return CurriculumVitae.objects.get(pk=made.pk)


def inputs(page):
    """What a browser would post of the page, as it is shown."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        is_off = ('type="checkbox"' in tag or 'type="radio"' in tag) and "checked" not in tag
        if name and not is_off and name[1] not in {"q", "language", "next"}:
            found[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    found |= dict(re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', page, re.DOTALL))
    return found


def row_of(posted, name):
    return next(key.removesuffix("-name") for key, value in posted.items() if key.endswith("-name") and value == name)


def test_the_sheet_as_shown_confirms_what_was_read_and_by_whom(programme, coordinator, client):
    cv = read_cv(programme, coordinator)
    url = f"{cv.get_absolute_url()}confirm/"
    page = client.get(url).content.decode()
    posted = inputs(page)
    assert (posted["row-0-name"], posted["row-0-value"]) == ("full_name", "Ada Aaab")
    languages = row_of(posted, "language")
    assert posted[f"{languages}-code"] == "en" and posted[f"{languages}-cefr"] == "C1"

    answer = client.post(url, posted | {"kind": "sustainability"})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    cv.refresh_from_db()
    assert cv.state == "confirmed" and Advisor.objects.get().kind == "sustainability"
    fields = CvField.objects.filter(curriculum=cv, confirmed=True)
    assert fields.exists() and all(one.confirmed_by == coordinator and one.confirmed_at for one in fields)
    assert {one.confidence for one in fields.filter(name="language")} != {1.0} or fields.filter(name="language")[
        0
    ].snippet


def test_each_field_points_to_its_lines_and_they_are_on_the_page(programme, coordinator, client):
    cv = read_cv(programme, coordinator)
    page = client.get(f"{cv.get_absolute_url()}confirm/").content.decode()
    (name,) = re.findall(r'id="row-0"[^>]*data-lines="(\d+)-\d+"', page)
    assert re.search(rf'id="line-{name}">Ada Aaab<', page)
    assert "<q>" in page and f'href="#line-{name}"' in page  # without script too
    for anchor in re.findall(r'href="#(line-\d+)"', page):
        assert f'id="{anchor}"' in page


def test_what_was_mended_is_kept_as_written_and_nothing_typed_is_lost(programme, coordinator, client):
    cv = read_cv(programme, coordinator)
    url = f"{cv.get_absolute_url()}confirm/"
    posted = inputs(client.get(url).content.decode()) | {"kind": "business", "row-0-value": "Ada Mended"}
    email = row_of(posted, "email")
    wrong = client.post(url, posted | {f"{email}-value": "no address"})
    page = wrong.content.decode()
    assert wrong.status_code == 400 and "Ada Mended" in page and "no address" in page
    assert f'href="#{email}"' in page and "valid email" in page

    job = row_of(posted, "employment")
    mended = posted | {f"{job}-employer": "Acme | Sons", f"{job}-country": "PT"}
    assert client.post(url, mended).status_code == 302
    kept = CvField.objects.get(curriculum=cv, name="employment")
    assert (kept.value["employer"], kept.value["country"], kept.confidence) == ("Acme / Sons", "PT", 1)
    assert Advisor.objects.get().person.name == "Ada Mended" and "PT" in Advisor.objects.get().countries


def test_a_row_is_added_and_another_left_out(programme, coordinator, client):
    cv = read_cv(programme, coordinator)
    url = f"{cv.get_absolute_url()}confirm/"
    posted = inputs(client.get(url).content.decode())
    more = client.post(url, posted | {"add": "language", "kind": "business"})
    again = inputs(more.content.decode())
    fresh = f"row-{int(again['rows']) - 1}"
    assert again[f"{fresh}-name"] == "language" and again["kind"] == "business"
    gone = row_of(posted, "language")
    answer = client.post(url, again | {f"{fresh}-code": "fr", f"{fresh}-cefr": "B2", f"{gone}-gone": "1"})
    assert answer.status_code == 302
    assert [one["code"] for one in Advisor.objects.get().languages] == ["es", "fr"]


def test_what_is_missing_is_named_and_has_its_empty_row(programme, coordinator, client):
    made = making.received(programme, coordinator)
    making.run("facility.scan_document")
    made.perform("read", by=SYSTEM, reading=making.reading(without="email"))
    url = f"{made.get_absolute_url()}confirm/"
    page = client.get(url).content.decode()
    assert "missing" in page
    posted = inputs(page)
    assert posted[f"{row_of(posted, 'email')}-value"] == ""
    refused = client.post(url, posted | {"kind": "business"})
    assert refused.status_code == 400 and "Not found in the CV: an e-mail address." in refused.content.decode()
    posted[f"{row_of(posted, 'email')}-value"] = "ada@example.org"
    assert client.post(url, posted | {"kind": "business"}).status_code == 302


def test_confirm_and_next_leads_through_the_queue(programme, coordinator, client):
    first, second = (read_cv(programme, coordinator, number) for number in (1, 2))
    url = f"{first.get_absolute_url()}confirm/"
    page = client.get(url).content.decode()
    assert "One other CV waits" in page
    answer = client.post(url, inputs(page) | {"kind": "business", "next": "1"})
    assert answer.url == f"{second.get_absolute_url()}confirm/"
    page = client.get(answer.url).content.decode()
    assert "Confirm and next" not in page
    assert client.post(answer.url, inputs(page) | {"kind": "business", "next": "1"}).url == "/workspace/curricula/"


def test_the_file_is_opened_through_the_log(programme, coordinator, client):
    cv = read_cv(programme, coordinator)
    page = client.get(f"{cv.get_absolute_url()}confirm/").content.decode()
    (link,) = set(re.findall(r'href="(/workspace/documents/[^"]+/file/)"', page))
    answer = client.get(link)
    assert answer.status_code == 200 and b"".join(answer.streaming_content)
    assert Download.objects.get().person == coordinator


def test_the_page_takes_as_many_statements_for_a_long_cv_as_for_a_short_one(programme, coordinator, client):
    counts = set()
    for number, skills in ((1, "Audits"), (2, "Audits, boilers, pumps, heat, light, steam, water, waste")):
        cv = read_cv(programme, coordinator, number)
        CvField.objects.bulk_create(
            CvField(curriculum=cv, order=100 + at, name="skill", value=one, confidence=0.9)
            for at, one in enumerate(skills.split(", "))
        )
        counts.add(making.statements(client, f"{cv.get_absolute_url()}confirm/"))
    assert len(counts) == 1


def test_a_snippet_is_found_in_its_own_place_first():
    document = Document("Ada\nEnglish C1\nFrench\nEnglish\nC1 and more", [(0, "page 1"), (2, "page 2")])
    assert document.found("English C1", "page 1") == (1, 1)
    assert document.found("English C1", "page 2") == (3, 4)
    assert document.found("English C1", "page 9") == (1, 1)
    assert document.found("Greek", "page 1") is None and document.found("", "page 1") is None
    assert [part["place"] for part in document.parts()] == ["page 1", "page 2"]
    assert Document("a\nb", []).place_of(1) == "line 2"
