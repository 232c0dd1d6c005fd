"""The page on which the questions of a call are written, and the versions that come of it."""

import dataclasses
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.call import Call
from facility.call_parts import QuestionSet
from facility.workflow.steps import SYSTEM, Blocked, Invalid, Stale
from tests import factories as make

pytestmark = pytest.mark.django_db


def section(key="plan", *questions):
    return {"key": key, "title": {"en": key.title()}, "questions": list(questions)}


def text(key="why", **more):
    return {"key": key, "kind": "text", "label": {"en": f"{key.title()}?"}, **more}


@pytest.fixture
def scene(client):
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    call = make.call(programme, coordinator, open_now=False)
    client.force_login(coordinator)
    return call, coordinator, f"{call.get_absolute_url()}write_questions/"


def posted(client, address, sections, **more):
    return client.post(address, {"sections": json.dumps(sections), "_version": "", **more})


# -- versions


def test_each_change_is_a_version_and_the_same_form_again_is_none(scene):
    call, coordinator, _address = scene
    for sections in ([section("plan", text())], [section("plan", text())], [section("plan", text("how"))]):
        call.perform("write_questions", by=coordinator, sections=sections)

    rows = list(call.question_sets.order_by("number"))
    assert [(row.number, row.replaced_at is None) for row in rows] == [(1, False), (2, True)]
    assert list(call.questions().questions) == ["how"]


def opened(call, coordinator):
    call.perform("publish", by=coordinator)
    return call.perform("open", by=SYSTEM)


def test_opening_freezes_the_questions(scene):
    call, coordinator, _address = scene
    call.perform("write_questions", by=coordinator, sections=[section("plan", text())])
    opened(call, coordinator)

    with pytest.raises(Blocked, match="possible only from"):
        call.perform("write_questions", by=coordinator, sections=[])
    frozen = call.question_set()
    assert frozen.frozen_at is not None
    assert list(call.questions().questions) == ["why"]


def test_control_without_its_sources_the_step_would_change_an_open_call(scene, monkeypatch):
    """Shows that the test above would notice: with `open` among the sources the questions change under applicants."""
    call, coordinator, _address = scene
    call.perform("write_questions", by=coordinator, sections=[section("plan", text())])
    opened(call, coordinator)
    wider = dataclasses.replace(Call.step("write_questions"), sources=("draft", "announced", "open"))
    monkeypatch.setattr(Call, "_steps", Call.steps() | {"write_questions": wider})
    transitions = Call.write_questions._django_fsm.transitions
    monkeypatch.setitem(transitions, "open", transitions["draft"])
    call.perform("write_questions", by=coordinator, sections=[section("plan", text("how"))])

    assert list(call.questions().questions) == ["how"]


def test_a_call_without_questions_of_its_own_opens_as_before(scene):
    call, coordinator, _address = scene
    opened(call, coordinator)

    assert call.state == "open"
    assert call.questions().questions == {}


def test_a_section_that_asks_nothing_is_not_published(scene):
    call, coordinator, _address = scene
    call.perform("write_questions", by=coordinator, sections=[section("plan")])

    with pytest.raises(Blocked, match="“Plan”"):
        call.perform("publish", by=coordinator)


def test_two_writers_are_told_of_each_other(scene):
    call, coordinator, _address = scene
    seen = call.version
    call.perform("write_questions", by=coordinator, sections=[section("plan", text())])

    with pytest.raises(Stale):
        Call.objects.get(pk=call.pk).perform(
            "write_questions", by=coordinator, expected=seen, sections=[section("plan", text("how"))]
        )


# -- input


def test_the_api_takes_the_form_as_json_and_gives_it_back(client, scene):
    call, _coordinator, _address = scene
    sections = [section("plan", text(limit=10))]
    answer = client.post(
        f"/api/calls/{call.pk}/perform/write_questions/",
        json.dumps({"sections": sections}),
        content_type="application/json",
        headers={"if-match": f'"{call.version}"'},
    )

    assert answer.status_code == 200, answer.content
    (asked,) = client.get(f"/api/calls/{call.pk}/").json()["questions"]
    assert asked["sections"][0]["questions"][0]["limit"] == 10


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ([section("plan", {"key": "q", "kind": "choice", "label": {"en": "Q"}})], "sections[0].questions[0].options"),
        ([section("plan", text(limit=-1))], "sections[0].questions[0].limit"),
        ([section("plan", text(options=[]), {"key": "x"})], "sections[0].questions[1].kind"),
        ([{"key": "Plan", "title": "Plan"}], "sections[0].key"),
        ("plan", "sections"),
        ([1], "sections[0]"),
        (
            [section("plan", text(condition={"question": "later", "is": ["x"]}))],
            "sections[0].questions[0].condition.question",
        ),
        ([section("plan", text(label={"en": "a\x00b"}))], "sections[0].questions[0].label.en"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(scene, sections, path):
    call, coordinator, _address = scene
    with pytest.raises(Invalid) as refused:
        call.perform("write_questions", by=coordinator, sections=sections)

    assert path in refused.value.errors
    assert not QuestionSet.objects.exists()


# -- the page


def test_buttons_change_what_is_on_the_page_and_only_saving_keeps_it(client, scene):
    call, _coordinator, address = scene
    page = posted(client, address, [], do="section").content.decode()

    assert 'name="title_en"' in page
    assert not call.question_sets.exists()
    saved = posted(
        client, address, [section("plan", text())], do="save", at="0.0", edited="1", kind="text", label_en="How?"
    )
    assert saved.status_code == 302
    assert call.questions().questions["why"].label == {"en": "How?"}


def test_a_refused_form_opens_the_first_wrong_item_and_keeps_what_was_typed(client, scene):
    _call, _coordinator, address = scene
    wrong = [section("plan", text(), {"key": "q", "kind": "choice", "label": {"en": "Which?"}})]
    answer = posted(client, address, wrong, do="save", at="0.0", edited="1", kind="text", label_en="How on earth?")
    page = answer.content.decode()

    assert answer.status_code == 400
    assert "Section 1, question 2" in page
    assert 'value="Which?"' in page
    assert "How on earth?" in page


@pytest.mark.parametrize("damaged", ["", "[", "{}", "[1]", '[{"questions": 1}]', "[[]]"])
def test_a_damaged_page_is_answered_in_words(client, scene, damaged):
    _call, _coordinator, address = scene
    answer = client.post(address, {"sections": damaged, "do": "save"})

    assert answer.status_code == 400
    assert "came damaged" in answer.content.decode()


@pytest.mark.parametrize("at", ["", "9", "0.9", "x.y", "0.0.0", "²"])
def test_no_button_at_no_place_is_a_fault(client, scene, at):
    _call, _coordinator, address = scene
    for do in ("open:7", "up", "down", "copy", "remove", "question", "undo", "preview:xx", "take", "?"):
        answer = posted(client, address, [section("plan", text())], at=at, do=do, undo='{"at": 1}', edited="1")
        assert (do, answer.status_code) == (do, 200)


def test_what_was_taken_away_comes_back_and_what_was_typed_since_stays(client, scene):
    _call, _coordinator, address = scene
    sections = [section("plan", text(), text("how"))]
    page = posted(client, address, sections, do="remove", at="0.0", edited="1", kind="text", label_en="Why?")
    left, undo = json.loads(page.context["draft"].text()), page.context["undo"]
    page = posted(client, address, left, undo=undo, do="undo", at="0.0", edited="1", kind="text", label_en="How then?")

    (back,) = page.context["draft"].sections
    assert [one["label"]["en"] for one in back["questions"]] == ["Why?", "How then?"]


def test_the_questions_of_an_earlier_call_are_taken_over(client, scene):
    call, coordinator, address = scene
    earlier = make.call(call.programme, coordinator, open_now=False)
    earlier.perform("write_questions", by=coordinator, sections=[section("past", text("before"))])
    foreign = make.call(other := make.programme(), make.staff("coordinator", other), open_now=False)
    foreign.perform("write_questions", by=make.staff("coordinator", other), sections=[section("alien", text("alien"))])
    page = client.get(address)

    assert [one["text"] for one in page.context["takes"]] == [earlier.title_text]
    taken = posted(client, address, [], do="take", **{"from": page.context["takes"][0]["value"]})
    assert [one["text"] for one in taken.context["outline"]] == ["Past"]
    stolen = posted(client, address, [], do="take", **{"from": foreign.question_set().pk})
    assert stolen.context["outline"] == []


def test_of_two_answers_with_the_same_words_each_has_a_name_of_its_own(client, scene):
    call, _coordinator, address = scene
    rows = {
        "options-TOTAL_FORMS": "3",
        "options-0-label_en": "Yes",
        "options-1-label_en": "Yes",
        "options-2-label_en": "Ja!",
    }
    sections = [section("plan", {"key": "question_1", "kind": "choice", "label": {}})]
    posted(client, address, sections, do="save", at="0.0", edited="1", kind="choice", label_en="Do you?", **rows)

    (question,) = call.questions().questions.values()
    assert question.key == "do_you"
    assert [option.value for option in question.options] == ["yes", "yes_2", "ja"]


def test_a_condition_on_answers_of_two_questions_is_refused(client, scene):
    _call, _coordinator, address = scene
    asked = [
        {"key": key, "kind": "choice", "label": {"en": key}, "options": [{"value": "yes", "label": {"en": "Yes"}}]}
        for key in ("first", "second")
    ]
    answer = posted(
        client,
        address,
        [section("plan", *asked, text())],
        do="save",
        at="0.2",
        edited="1",
        kind="text",
        label_en="Why?",
        when=["first:yes", "second:yes"],
    )

    assert answer.status_code == 400
    assert "Choose among the answers of the earlier question." in answer.content.decode()


def test_once_open_the_page_shows_the_questions_and_changes_nothing(client, scene):
    call, coordinator, address = scene
    call.perform("write_questions", by=coordinator, sections=[section("plan", text())])
    opened(call, coordinator)
    page = client.get(address)

    assert page.status_code == 200
    assert "Save the questions" not in page.content.decode()
    assert posted(client, address, [], do="save").status_code == 409


def test_the_page_asks_as_many_queries_for_three_questions_as_for_one(client, scene):
    call, coordinator, address = scene
    counts = []
    for number in (1, 3):
        call.perform("write_questions", by=coordinator, sections=[section("plan", *map(text, "abc"[:number]))])
        client.get(address)
        with CaptureQueriesContext(connection) as found:
            client.get(address)
        counts.append(len(found))

    assert counts[0] == counts[1]


def test_who_saves_after_somebody_else_sees_both_and_may_save_again(client, scene):
    call, coordinator, address = scene
    seen = call.version
    call.perform("write_questions", by=coordinator, sections=[section("theirs", text())])
    refused = client.post(
        address, {"sections": json.dumps([section("mine", text("how"))]), "_version": seen, "do": "save", "at": ""}
    )
    page = refused.content.decode()

    assert refused.status_code == 409
    assert "Theirs" in page and "Mine" in page
    again = {
        "sections": refused.context["draft"].text(),
        "_version": refused.context["hidden"]["_version"],
        "do": "save",
    }
    assert client.post(address, again).status_code == 302
    assert list(call.questions().questions) == ["how"]


def test_an_announced_call_may_still_be_changed_and_the_page_of_a_saved_form_can_be_sent_twice(client, scene):
    call, coordinator, address = scene
    call.perform("publish", by=coordinator)
    body = {"sections": json.dumps([section("plan", text())]), "do": "save", "_token": "abc123", "_version": ""}

    assert client.post(address, body).status_code == 302
    assert client.post(address, body).status_code == 302
    assert call.question_sets.count() == 1


def test_only_the_office_of_the_programme_writes_questions(client, scene):
    call, _coordinator, address = scene
    for role, status in (("observer", 403), ("evaluator", 404)):
        client.force_login(make.staff(role, call.programme))
        assert (role, client.get(address).status_code) == (role, status)
    client.force_login(make.staff("coordinator", make.programme()))
    assert client.get(address).status_code == 404
