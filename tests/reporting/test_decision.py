"""The decision record of a selection: what it says, who gets it, and that it is the same each time."""

import re
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from django.conf import settings
from django.test import Client

from facility.selection import Selection
from reporting.decision import content_of, decision_record
from tests import factories as make
from tests.facility.making_selection import after_closing, approved, crowd, scene
from tests.reporting.check_pdf import faults, standards

pytestmark = pytest.mark.django_db


@pytest.fixture
def released():
    call, lead, coordinator, _evaluator = scene(places=2, reserve_places=2, minimum_score=60)
    with after_closing(call):
        bids = crowd(call, 6, scores=[90, 85, 80, 75, 70, 40])
        out = [{"application": str(bids[1].pk), "decision": "out", "reason": "Double funding [*#$"}]
        made = approved(call, coordinator, lead, out)
        yield made.perform("release", by=lead), lead, coordinator


def text_of(content):
    pdf = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pdf)


def test_the_record_says_rules_ranking_overrides_and_who_signed_and_is_the_same_each_time(released):
    selection, lead, coordinator = released
    once, again = (decision_record(Selection.objects.get(pk=selection.pk), "en") for _ in range(2))
    said = text_of(once)

    assert once == again
    assert faults(once) == []
    assert standards(once)["pdfuaid:part"] == "1"
    for words in ("Decision record", "Double funding [*#$", "The minimum score is 60.00", lead.name, coordinator.name):
        assert words in said
    assert selection.checksum in re.sub(r"[\s\u200b]", "", said)
    with pikepdf.open(BytesIO(once)) as pdf:
        assert str(pdf.Root.Lang).startswith("en")
    (settings.LOCAL / "screens").mkdir(parents=True, exist_ok=True)
    for at, page in enumerate(pypdfium2.PdfDocument(once), 1):
        page.render(scale=1.2).to_pil().save(settings.LOCAL / "screens" / f"decision-{at}.png")


def test_each_step_is_signed_with_the_digest_of_its_entry(released):
    selection, lead, _coordinator = released
    signed = content_of(selection, "en")["signatures"]
    assert [row[0] for row in signed] == [
        "New selection",
        "Propose ranking",
        "Approve ranking",
        "Release the decisions",
    ]
    assert signed[-1][1] == f"{lead.name} (lead)"
    assert all(len(row[3]) == 64 for row in signed)


def test_another_ranking_is_another_record(released):
    selection, *_people = released
    before = content_of(selection, "en")
    selection.lines.filter(rank=3).update(override_reason="Changed.", override="in")
    assert content_of(Selection.objects.get(pk=selection.pk), "en") != before
    assert selection.digest() != selection.checksum


def test_staff_and_observer_get_the_record_and_nobody_else(released):
    selection, lead, coordinator = released
    url = f"/workspace/selections/{selection.pk}/record.pdf"
    people = {
        lead: 200,
        coordinator: 200,
        make.staff("observer", selection.programme): 200,
        make.staff("lead", make.programme()): 404,
        make.staff("evaluator", selection.programme): 404,
    }
    for person, status in people.items():
        client = Client()
        client.force_login(person)
        assert client.get(url).status_code == status
    assert Client().get(url).status_code == 302
