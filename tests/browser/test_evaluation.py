"""Eligibility and evaluation in the browser: the queue of checklists, the preview, a blind review, scoring by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from facility.evaluation import Evaluation
from facility.registry.evaluator import EvaluatorProfile
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.browser
WIDTHS = (1280, 390)
BIDS = [
    ("Valle del Papel", "ES", "Less water in paper", "We measure three mills and share the figures with all members."),
    ("Sjømat Nord", "NO", "Cold stores without loss", "Eleven cold stores lose heat; nobody knows how much."),
    ("Cluster Liège Verre", "BE", "Glass that comes back", "Old bottles travel 400 km to be melted; we want a loop."),
    ("Bergische Klingen", "DE", "Steel ground dry", "Grinding without oil needs a trial that no firm can pay alone."),
]
FACTS = {"members_count": 41, "smes_count": 33}


def call_with(scene, states, **fields):
    """A call of the scene's programme with applications of these states, in order."""
    coordinator = scene.person("coordinator")
    call = make.call(scene.records["call"].programme, coordinator, places=10, **fields)
    made = []
    for (name, country, title, why), state in zip(BIDS, states, strict=False):
        cluster = make.cluster(country, name=f"{name} {call.pk.hex[-4:]}", sector="Industry", **FACTS)
        manager = make.manager_of(cluster)
        bid = make.draft(call, manager, cluster, title_text=title, motivation=why).perform("submit", by=manager)
        if state == "eligible":
            bid.perform("declare_eligible", by=coordinator, answers=make.MET if cluster.is_in_eu() else make.OUTSIDE)
        made.append(bid)
    return call, made


def judges(scene, count):
    programme = scene.records["call"].programme
    people = [make.staff("evaluator", programme) for _ in range(count)]
    for at, person in enumerate(people):
        person.name = ["Ilse Groen", "Marek Wójcik", "Dolores Quint", "Aino Lahti"][at]
        person.save()
        values = {"languages": ["en", "de"][: at % 2 + 1], "areas": ["energy-efficiency"], "limit": 12}
        EvaluatorProfile().perform("describe", by=SYSTEM, person=person, programme=programme, **values)
    return people


def pictures(visit, person, address, name):
    """The page at both widths, without a fault and without anything wider than the window."""
    for width in WIDTHS:
        one = visit(person, width=width)
        page = one.open(address)
        one.saved(f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width}"
        assert one.faults == []


def test_the_checklist_is_answered_and_leads_to_the_next(visit, scene):
    call, (first, second, _third) = call_with(scene, ["submitted"] * 3)
    office = visit(scene.person("coordinator"))
    page = office.open(f"/workspace/calls/{call.pk}/eligibility/")
    page.get_by_role("link", name="Check the next one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first.lead_cluster.name)
    expect(page.get_by_text("Spain is a Member State.")).to_be_visible()
    for answer in page.get_by_role("radio", name="Yes").all():
        answer.locator("..").click()
    page.get_by_role("button", name="Eligible and next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(second.lead_cluster.name)
    expect(page.get_by_text("Norway is not a Member State.")).to_be_visible()
    page.get_by_role("button", name="Eligible and next").click()
    expect(page.get_by_role("alert")).to_be_focused()
    office.faults = [one for one in office.faults if "400" not in one]
    pictures(visit, scene.person("coordinator"), f"{second.get_absolute_url()}check_eligibility/", "eligibility")
    pictures(visit, scene.person("coordinator"), f"/workspace/calls/{call.pk}/eligibility/", "eligibility-queue")
    first.refresh_from_db()
    assert first.state == "eligible"
    assert office.faults == []


def test_the_plan_is_looked_at_and_then_asked(visit, scene):
    call, bids = call_with(scene, ["eligible"] * 4, evaluations_required=2)
    judges(scene, 3)
    where = f"/workspace/calls/{call.pk}/assign_evaluators/"
    pictures(visit, scene.person("coordinator"), where, "assigning")
    office = visit(scene.person("coordinator"))
    page = office.open(where)
    assert not Evaluation.objects.filter(application__call=call).exists()
    page.get_by_role("button", name="Ask for 8 evaluations").click()
    page.wait_for_url("**/evaluation/")
    assert Evaluation.objects.filter(application__in=bids).count() == 8
    pictures(visit, scene.person("coordinator"), f"/workspace/calls/{call.pk}/evaluation/", "evaluation-progress")
    assert office.faults == []


def test_a_blind_review_is_scored_by_keys_and_nothing_typed_is_lost(visit, scene):
    call, bids = call_with(scene, ["eligible"] * 2, is_blind=True)
    (person,) = judges(scene, 1)
    pairs = [{"application": str(bid.pk), "evaluator": str(person.pk)} for bid in bids]
    call.perform("assign_evaluators", by=scene.person("coordinator"), pairs=pairs)
    first, second = Evaluation.objects.filter(evaluator=person).order_by("application__number")
    pictures(visit, person, first.get_absolute_url(), "blind-before")
    one = visit(person)
    page = one.open(first.get_absolute_url())
    page.get_by_role("link", name="Look through the clusters of this call").click()
    one.saved("blind-declaration-1280")
    page.get_by_role("button", name="Declare interests").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you read")
    page.get_by_role("button", name="So it is: open it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Application {bids[0].number}")
    assert not [name for bid in bids for name in (bid.lead_cluster.name, "Spain", "Norway") if name in page.content()]
    for key in ("j", "k", "8", "j", "0"):
        page.keyboard.press(key)
    assert [each.input_value() for each in page.locator("input[type=radio]:checked").all()] == ["8", "10"]
    page.get_by_label("Comment on Relevance").fill("Eleven firms signed, 3 of them small.")
    assert page.get_by_label("Comment on Relevance").input_value().endswith("small.")
    page.reload()
    expect(page.get_by_text("Kept in this browser, not sent yet")).to_be_visible()
    assert page.get_by_label("Comment on Relevance").input_value().endswith("small.")
    one.saved("blind-review-1280")
    page.locator("input[type=radio]:checked").first.focus()
    page.keyboard.press("s")
    page.wait_for_load_state("load")
    expect(page.get_by_text("2 of 2 given")).to_be_visible()
    expect(page.get_by_text("Kept in this browser")).to_have_count(0)
    kept = {str(row.value) for row in first.scores.all()}
    assert kept == {"8.00", "10.00"}
    page.keyboard.press("n")
    page.wait_for_url(f"**{second.get_absolute_url()}")
    page.keyboard.press("Tab")
    pictures(visit, person, first.get_absolute_url(), "blind-review")
    assert one.faults == []


def test_without_script_the_review_is_saved_by_its_buttons(visit, scene):
    call, bids = call_with(scene, ["eligible"])
    (person,) = judges(scene, 1)
    made = Evaluation().perform("assign", by=scene.person("coordinator"), application=bids[0], evaluator=person)
    made.perform("accept", by=person)
    one = visit(person, script=False)
    page = one.open(made.get_absolute_url())
    page.get_by_role("radio", name="7").first.check(force=True)
    page.get_by_role("button", name="Save and stay").click()
    expect(page.get_by_text("1 of 2 given")).to_be_visible()
    assert call.pk and one.faults == []


def test_scores_side_by_side_and_how_evaluators_compare(visit, scene):
    call, bids = call_with(scene, ["eligible"] * 3)
    people = judges(scene, 3)
    values = [(9, 4, 7), (8, 6, 7), (9, 7, 5)]
    for bid, given in zip(bids, values, strict=True):
        for person, value in zip(people, given, strict=True):
            made = Evaluation().perform("assign", by=scene.person("coordinator"), application=bid, evaluator=person)
            made.perform("accept", by=person)
            made.perform("submit", by=person, scores=make.scores(call, value), comment="Read in full.")
    pictures(visit, scene.person("coordinator"), f"{bids[0].get_absolute_url()}close_evaluation/", "scores")
    pictures(visit, scene.person("coordinator"), f"/workspace/calls/{call.pk}/calibration/", "calibration")
    pictures(visit, scene.person("coordinator"), f"/workspace/calls/{call.pk}/evaluation/", "progress")
