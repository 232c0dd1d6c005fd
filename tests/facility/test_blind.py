"""A blind call: evaluators see number and texts; no name, country or website comes to them by any channel."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from facility.application import Application
from facility.evaluation import Evaluation
from facility.interests import InterestsDeclaration
from facility.registry.conflicts import Conflict
from facility.registry.documents import Document
from facility.workflow import tasks
from facility.workflow.clock import Timer
from facility.workflow.steps import SYSTEM, Blocked, Invalid
from facility.workflow.trail import Notice
from tests import factories as make
from tests.facility.judging import client, eligible, scene

pytestmark = pytest.mark.django_db
LEAD, PARTNER, MANAGER, SITE = (
    "Zephyrine Weavers",
    "Quillon Glassworks",
    "Ottoline Brasswick",
    "https://zephyrine.example/",
)
NAMES = (LEAD, PARTNER, MANAGER, "zephyrine", "Luxembourg", "Malta")


@pytest.fixture
def found():
    return build(is_blind=True)


def build(*, is_blind):
    """One application of people and places with names that occur nowhere else, before two evaluators."""
    made = scene(evaluators=2, bids=0, is_blind=is_blind)
    lead = make.cluster("LU", name=LEAD, website=SITE)
    partner = make.cluster("MT", name=PARTNER)
    manager = make.manager_of(lead)
    manager.name = MANAGER
    manager.save()
    bid = make.draft(made.call, manager, lead, partners=[{"cluster": str(partner.pk)}], motivation="We measure first.")
    bid.perform("add_document", by=manager, files={"file": SimpleUploadedFile(f"{LEAD}.txt", b"Our plan.")})
    bid.perform("submit", by=manager)
    made.bid = bid.perform("declare_eligible", by=made.coordinator, answers=make.MET)
    pairs = [{"application": str(bid.pk), "evaluator": str(one.pk)} for one in made.evaluators]
    made.call.perform("assign_evaluators", by=made.coordinator, pairs=pairs)
    made.mine, made.other = (Evaluation.objects.get(evaluator=one) for one in made.evaluators)
    return made


def opened(found):
    for one in (found.mine, found.other):
        InterestsDeclaration().perform("declare", by=one.evaluator, call=str(found.call.pk))
        one.perform("accept", by=one.evaluator)
    return found


def told(person, evaluation, bid):
    """Everything that the person is answered, by every channel that knows evaluations or applications."""
    page = client(person)
    addresses = [
        "/workspace/",
        "/workspace/inbox/",
        "/workspace/evaluations/",
        f"/workspace/evaluations/?search={LEAD}",
        f"/workspace/evaluations/{evaluation.pk}/",
        f"/workspace/evaluations/{evaluation.pk}/recuse/",
        f"/workspace/evaluations/{evaluation.pk}/save_draft/",
        "/workspace/applications/",
        f"/workspace/applications/{bid.pk}/",
        "/workspace/search/?q=001",
        f"/workspace/calls/{bid.call_id}/",
        "/api/evaluations/",
        f"/api/evaluations/{evaluation.pk}/",
        "/api/applications/",
        f"/api/applications/{bid.pk}/",
        "/workspace/documents/",
        "/api/documents/",
    ]
    return {one: page.get(one).content.decode() for one in addresses}


def leaks(answers):
    return {
        (at, name) for at, text in answers.items() for name in NAMES if name.lower() in text.lower().replace("%20", " ")
    }


def test_no_channel_tells_an_evaluator_who_applied(found):
    person = found.mine.evaluator
    search = f"/workspace/evaluations/?search={LEAD}"
    for _stage in ("assigned", "opened", "submitted"):
        answers = told(person, found.mine, found.bid)
        assert str(found.mine.pk) not in answers.pop(search), "the search does not answer to names either"
        assert leaks(answers) == set()
        if _stage == "assigned":
            assert "We measure first." not in "".join(answers.values())
            opened(found)
        elif _stage == "opened":
            assert "We measure first." in answers[f"/workspace/evaluations/{found.mine.pk}/"]
            assert "We measure first." in answers[f"/api/evaluations/{found.mine.pk}/"]
            for one in (found.mine, found.other):
                one.perform("submit", by=one.evaluator, scores=make.scores(found.call, 7), comment="Sound.")
    fellow = client(person).get(f"/api/evaluations/{found.other.pk}/")
    assert fellow.json()["total"] == 70 and LEAD not in fellow.content.decode()


def test_control_with_the_switch_off_the_same_channels_tell():
    found = build(is_blind=False)
    for one in (found.mine, found.other):
        one.perform("accept", by=one.evaluator)
    answers = told(found.mine.evaluator, found.mine, found.bid)
    assert {name for _at, name in leaks(answers)} >= {LEAD, PARTNER}


def test_notices_and_mails_name_the_number_only(found):
    due = Timer.objects.get(record_id=found.mine.pk).due_at
    for moment in (due - dt.timedelta(days=1), due + dt.timedelta(hours=1)):
        with time_machine.travel(moment, tick=False):
            tasks.tick()
    with time_machine.travel(due + dt.timedelta(hours=2), tick=False):
        tasks.mail()
    person = found.mine.evaluator
    texts = [one.text() for one in Notice.objects.filter(to=person)]
    texts += [f"{one.subject} {one.body}" for one in mail.outbox if person.email in one.to]
    assert any("Application 001" in text for text in texts)
    assert leaks(dict(enumerate(texts))) == set()


def test_nothing_is_opened_before_the_clusters_of_the_call_are_gone_through(found):
    with pytest.raises(Blocked, match="declare your interests"):
        found.mine.perform("accept", by=found.mine.evaluator)
    page = client(found.mine.evaluator)
    html = page.get(f"/workspace/evaluations/{found.mine.pk}/").content.decode()
    where = f"/workspace/interests-declarations/new/declare/?call={found.call.pk}"
    assert where in html and "open it" not in html
    listed = page.get(where).content.decode()
    assert LEAD in listed and PARTNER in listed and not re.search(r"\b001\b", listed)
    answer = page.post(where, {"call": str(found.call.pk)})
    assert answer["Location"] == f"/workspace/evaluations/{found.mine.pk}/"
    assert found.mine.perform("accept", by=found.mine.evaluator).state == "in_progress"


def test_whoever_names_a_cluster_is_not_given_its_application(found):
    person, partner = found.mine.evaluator, found.bid.partners.get().cluster
    with pytest.raises(Invalid) as refused:
        InterestsDeclaration().perform("declare", by=person, call=str(found.call.pk), ties=[str(partner.pk)])
    assert list(refused.value.errors) == ["kind"]
    InterestsDeclaration().perform(
        "declare", by=person, call=str(found.call.pk), ties=[str(partner.pk)], kind="personal"
    )
    found.mine.refresh_from_db()
    assert found.mine.state == "recused"
    assert Conflict.objects.get().cluster == partner
    assert client(person).get(f"/workspace/evaluations/{found.mine.pk}/").status_code == 404


def test_what_joins_the_call_later_is_declared_on_again(found):
    InterestsDeclaration().perform("declare", by=found.mine.evaluator, call=str(found.call.pk))
    late = eligible(found, "IT")
    made = Evaluation().perform("assign", by=found.coordinator, application=late, evaluator=found.mine.evaluator)
    with pytest.raises(Blocked, match="declare your interests"):
        made.perform("accept", by=made.evaluator)
    InterestsDeclaration().perform("declare", by=found.mine.evaluator, call=str(found.call.pk))
    assert made.perform("accept", by=made.evaluator).state == "in_progress"


def test_a_declaration_is_asked_in_blind_calls_of_the_own_programme_only(found):
    seeing = make.call(found.programme, found.coordinator)
    stranger = make.staff("evaluator", make.programme())
    for person, call in ((found.mine.evaluator, seeing), (stranger, found.call)):
        with pytest.raises(Invalid):
            InterestsDeclaration().perform("declare", by=person, call=str(call.pk))


def test_the_office_sees_who_applied(found):
    page = client(found.coordinator)
    assert LEAD in page.get(found.bid.get_absolute_url()).content.decode()
    assert LEAD in page.get(f"/workspace/calls/{found.call.pk}/evaluation/").content.decode()


def test_a_call_that_is_not_blind_is_as_it_was():
    made = scene(evaluators=1, bids=1)
    one = Evaluation().perform("assign", by=made.coordinator, application=made.bids[0], evaluator=made.evaluators[0])
    assert one.title() == made.bids[0].lead_cluster.name
    one.perform("accept", by=one.evaluator)
    assert Application.objects.visible_to(one.evaluator).exists()


def test_the_files_of_a_blind_application_are_for_no_evaluator(found):
    opened(found)
    reader = found.mine.evaluator

    assert not Document.objects.visible_to(reader).exists()
    html = client(reader).get(found.mine.get_absolute_url()).content.decode()
    assert LEAD not in html and "We measure first." in html


def test_the_files_of_another_are_read_until_a_conflict_stands():
    found = build(is_blind=False)
    found.mine.perform("accept", by=found.mine.evaluator)
    reader = found.mine.evaluator
    assert [one.name for one in Document.objects.visible_to(reader)] == [f"{LEAD}.txt"]
    tie = {"person": str(reader.pk), "cluster": str(found.bid.lead_cluster_id), "kind": "other", "note": ""}
    Conflict().perform("declare", by=SYSTEM, **tie)

    assert not Document.objects.visible_to(reader).exists()
