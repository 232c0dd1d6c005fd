"""Scores: a draft is its evaluator's own, colleagues see each other afterwards, the office sees them side by side."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.evaluation import Evaluation
from facility.workflow.steps import Blocked, Invalid, NotFound
from facility.workflow.trail import Detail
from tests import factories as make
from tests.facility.judging import asked, client, judged, scene

pytestmark = pytest.mark.django_db
SECRET = "An unfinished thought on dyeing"


def drafted(found):
    made = asked(found, found.bids[0], found.evaluators[0])
    rows = make.scores(found.call, "7.25")
    rows[0]["comment"] = SECRET
    return made.perform("save_draft", by=found.evaluators[0], scores=rows, comment=f"{SECRET}, overall")


def read_by(person, made):
    page = client(person)
    at = [f"/workspace/evaluations/{made.pk}/", "/workspace/evaluations/", f"/api/evaluations/{made.pk}/"]
    at += ["/api/evaluations/", f"/workspace/applications/{made.application_id}/"]
    at += [f"/workspace/trail/?record={made.pk}", "/workspace/trail/?as=csv"]
    return "".join(page.get(one).getvalue().decode() for one in at)


def stands(word, text):
    """Whether a word or number stands in a text by itself; the seconds of an instant ("07.2513") are no number."""
    return bool(re.search(rf"(?<!\d){re.escape(word)}0*(?!\d)", text))


def shows(text):
    return {word for word in (SECRET, "7.25", "72.5") if stands(word, text)}


@pytest.mark.parametrize("role", ["observer", "coordinator", "lead"])
def test_readers_see_no_draft_and_all_of_what_is_submitted(role):
    found = scene()
    made, reader = drafted(found), getattr(found, role)
    assert shows(read_by(reader, made)) == set()
    assert SECRET in read_by(found.evaluators[0], made)
    rows = make.scores(found.call, "7.25")
    rows[0]["comment"] = SECRET
    made.perform("submit", by=found.evaluators[0], scores=rows, comment="Sound.")
    assert shows(read_by(reader, made)) == {SECRET, "7.25", "72.5"}
    made.perform("reopen", by=found.coordinator, reason="A criterion was misread.")
    made.perform("save_draft", by=found.evaluators[0], scores=make.scores(found.call, "3.25"), comment="Anew.")
    shown = read_by(reader, made)
    assert not stands("3.25", shown) and "Anew." not in shown


def test_the_trail_of_a_draft_holds_no_score_and_that_of_a_submission_does():
    found = scene()
    made = drafted(found)
    assert SECRET not in str(list(Detail.objects.filter(entry__record_id=made.pk).values_list("changes", flat=True)))
    made.perform("submit", by=made.evaluator, scores=make.scores(found.call, 7), comment="Sound.")
    changes = Detail.objects.get(entry__record_id=made.pk, entry__step="submit").changes
    assert changes["comment"] == [None, "Sound."] and changes["scores"][1][0] == ["Relevance", "7"]


def test_control_with_drafts_in_the_shape_readers_would_see_them(monkeypatch):
    found = scene()
    made = drafted(found)
    open_shape = {name: one for name, one in Evaluation.shape.items() if not name.startswith("staff:")}
    monkeypatch.setattr(Evaluation, "shape", open_shape)
    assert SECRET in shows(read_by(found.observer, made))


def test_fellow_evaluators_see_each_other_only_after_submitting():
    found = scene()
    first = judged(found, found.bids[0], found.evaluators[0], 8)
    second = asked(found, found.bids[0], found.evaluators[1])
    page = client(found.evaluators[1])
    assert page.get(f"/api/evaluations/{first.pk}/").status_code == 404
    with pytest.raises(NotFound):
        first.perform("reopen", by=found.evaluators[1], reason="Curious.")
    second.perform("submit", by=found.evaluators[1], scores=make.scores(found.call, 6), comment="Sound.")
    assert page.get(f"/api/evaluations/{first.pk}/").json()["total"] == 80
    third = asked(found, found.bids[0], make.staff("evaluator", found.programme))
    assert page.get(f"/api/evaluations/{third.pk}/").status_code == 404, "not while that one is at work"


def test_scores_stand_side_by_side_and_a_wide_spread_is_flagged():
    found = scene(evaluators=3)
    for person, value in zip(found.evaluators[:2], (9, 4), strict=True):
        judged(found, found.bids[0], person, value)
    waits = asked(found, found.bids[0], found.evaluators[2])
    page, at = client(found.coordinator), f"{found.bids[0].get_absolute_url()}close_evaluation/"
    answer = page.get(at)
    rows = [
        [getattr(cell, "get", lambda key, cell=cell: cell)("value") for cell in row] for row in answer.context["rows"]
    ]
    assert rows == [
        ["Relevance", 60, "9", "4", "6.5", "5"],
        ["Capacity", 40, "9", "4", "6.5", "5"],
        ["Total", 100, "90", "40", "65", "50"],
    ]
    html = answer.content.decode()
    assert "50 points apart" in html and waits.evaluator.name in html and "Far apart" in html
    assert "50 points apart" in page.get(found.bids[0].get_absolute_url()).content.decode()
    listed = page.get(f"/workspace/calls/{found.call.pk}/evaluation/?only=wide").content.decode()
    assert found.bids[0].title() in listed and "Far apart: 1" in listed
    assert page.post(at, {"spread_note": ""}).status_code == 400
    answer = page.post(at, {"spread_note": "One read for members, one for the region."})
    assert answer["Location"] == f"/workspace/calls/{found.call.pk}/evaluation/"
    found.bids[0].refresh_from_db()
    assert (found.bids[0].state, found.bids[0].score, found.bids[0].spread) == ("evaluated", Decimal(65), 50)


def test_the_third_evaluation_is_the_other_way_out():
    found = scene(evaluators=3)
    for person, value in zip(found.evaluators, (9, 6, 7), strict=True):
        judged(found, found.bids[0], person, value)
    with pytest.raises(Invalid):
        found.bids[0].perform("close_evaluation", by=found.coordinator)
    found.bids[0].perform("close_evaluation", by=found.coordinator, spread_note="A third read, the mean stands.")
    assert found.bids[0].score == Decimal("73.33")


def test_a_closed_evaluation_can_be_opened_again_with_a_reason():
    found = scene()
    judged(found, found.bids[0], found.evaluators[0], 8)
    found.bids[0].perform("close_evaluation", by=found.coordinator)
    found.bids[0].perform("reopen_evaluation", by=found.coordinator, reason="A third reading is wanted.")
    assert (found.bids[0].state, found.bids[0].score) == ("eligible", None)
    with pytest.raises(Blocked):
        found.bids[0].perform("reopen_evaluation", by=found.coordinator, reason="Again.")


def test_calibration_stands_beside_the_scores_and_changes_none():
    found = scene(bids=3)
    for bid in found.bids:
        for person, value in zip(found.evaluators, (8, 6), strict=True):
            judged(found, bid, person, value)
        bid.perform("close_evaluation", by=found.coordinator)
    answer = client(found.coordinator).get(f"/workspace/calls/{found.call.pk}/calibration/")
    mild, strict = answer.context["evaluators"]
    assert (mild["count"], mild["mean"], mild["against"], mild["effect"]) == (3, 80.0, "+20.0", "+7.5")
    assert strict["against"] == "\N{MINUS SIGN}20.0"
    assert answer.content.decode().count('role="img"') == 2
    assert {str(bid.score) for bid in found.bids} == {"70.00"}
    for person in (found.observer, found.evaluators[0], make.staff("lead", make.programme())):
        assert client(person).get(f"/workspace/calls/{found.call.pk}/calibration/").status_code == 404


def test_a_call_without_evaluations_says_so():
    found = scene(bids=0)
    page = client(found.coordinator)
    assert (
        "No evaluation is submitted yet." in page.get(f"/workspace/calls/{found.call.pk}/calibration/").content.decode()
    )
    assert "No application is here." in page.get(f"/workspace/calls/{found.call.pk}/evaluation/").content.decode()


@pytest.mark.parametrize("bids", [1, 3])
def test_the_pages_cost_the_same_however_many(bids):
    found = scene(bids=bids)
    for bid in found.bids:
        judged(found, bid, found.evaluators[0], 8)
    page, costs = client(found.coordinator), []
    call = f"/workspace/calls/{found.call.pk}"
    for at in (f"{call}/evaluation/", f"{call}/calibration/", f"{found.bids[0].get_absolute_url()}close_evaluation/"):
        page.get(at)
        with CaptureQueriesContext(connection) as queries:
            assert page.get(at).status_code == 200
        costs.append(len(queries))
    assert costs == [10, 8, 9]
