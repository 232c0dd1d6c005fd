"""Assigning evaluators to a whole call: previewed with reasons, asked in one step, topped up without moving anybody."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.assigning_pages import Desk, language_of
from facility.evaluation import Evaluation
from facility.registry.conflicts import Conflict
from facility.registry.evaluator import EvaluatorProfile
from facility.workflow import tasks
from facility.workflow.clock import Timer
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice, verify
from tests import factories as make
from tests.facility.judging import asked, client, eligible, judged, profile, scene

pytestmark = pytest.mark.django_db
SPANISH = "Los miembros piden ayuda para gastar menos agua en el teñido de los tejidos y no saben por dónde empezar."


def pairs_of(plan):
    return [{"application": pair.paper, "evaluator": pair.reader} for pair in plan.pairs]


def ask(found, third=""):
    pairs = pairs_of(Desk(found.call, third).plan())
    found.call.perform("assign_evaluators", by=found.coordinator, pairs=pairs)
    return pairs


def table(found):
    rows = Evaluation.objects.filter(application__call=found.call).exclude(state="recused")
    return {(str(one.application_id), str(one.evaluator_id)) for one in rows}


def test_one_step_asks_everybody_and_tells_each_once():
    found = scene(evaluators=4, bids=6, evaluations_required=2)
    pairs = ask(found)
    assert len(pairs) == 12 and table(found) == {(one["application"], one["evaluator"]) for one in pairs}
    for person in found.evaluators:
        assert Evaluation.objects.filter(evaluator=person).count() == 3
        (told,) = Notice.objects.filter(to=person, record_type="facility.call")
        assert told.params == {"call": found.call.title_text, "number": 3}
        assert client(person).get(told.link).status_code == 200
    assert Timer.objects.filter(record_type="facility.evaluation").count() == 12
    assert verify(all_records()) == []


def cost(bids):
    found = scene(evaluators=4, bids=bids, evaluations_required=2)
    pairs = pairs_of(Desk(found.call).plan())
    with CaptureQueriesContext(connection) as queries:
        found.call.perform("assign_evaluators", by=found.coordinator, pairs=pairs)
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_pairs():
    assert cost(3) == cost(9)


def test_control_asked_one_by_one_it_would_grow(monkeypatch):
    def one_by_one(call, pairs, *, by):
        for pair in pairs:
            Evaluation(programme=call.programme, **pair).perform("ask", by=by)

    monkeypatch.setattr(Evaluation, "ask_all", staticmethod(one_by_one))
    assert cost(3) < cost(9)


def test_a_second_run_tops_up_and_moves_nobody():
    found = scene(evaluators=4, bids=3, evaluations_required=2)
    ask(found)
    before = table(found)
    found.bids.append(eligible(found))
    gone = Evaluation.objects.first()
    gone.perform("recuse", by=gone.evaluator, kind="personal", reason="My sister works there.")
    kept = table(found)
    pairs = ask(found)

    assert kept < before and len(pairs) == 3
    assert kept < table(found)
    assert str(gone.evaluator_id) not in {
        one["evaluator"] for one in pairs if one["application"] == str(gone.application_id)
    }
    with pytest.raises(Invalid):
        ask(found)  # nothing is left to ask


def test_a_third_evaluation_is_asked_for_one_application_while_it_is_eligible():
    found = scene(evaluators=3, bids=2, evaluations_required=2)
    for person, value in zip(found.evaluators[:2], (9, 4), strict=True):
        judged(found, found.bids[0], person, value)
    page = client(found.coordinator)
    side = page.get(f"{found.bids[0].get_absolute_url()}close_evaluation/").content.decode()
    third = f"/workspace/calls/{found.call.pk}/assign_evaluators/?third={found.bids[0].pk}"
    assert third in side
    pairs = ask(found, str(found.bids[0].pk))
    assert sum(one["application"] == str(found.bids[0].pk) for one in pairs) == 1
    assert {"application": str(found.bids[0].pk), "evaluator": str(found.evaluators[2].pk)} in pairs


def test_languages_and_expertise_decide_where_loads_allow():
    found = scene(evaluators=2, bids=0)
    spanish = eligible(found, motivation=SPANISH, context=SPANISH)
    english = eligible(found)
    profile(found, found.evaluators[0], languages=["es"], areas=["energy-efficiency"])
    profile(found, found.evaluators[1], languages=["en"], areas=["waste-management"])
    given = {pair.paper: pair for pair in Desk(found.call).plan().pairs}
    assert given[str(spanish.pk)].reader == str(found.evaluators[0].pk)
    assert given[str(english.pk)].reader == str(found.evaluators[1].pk)
    html = client(found.coordinator).get(f"/workspace/calls/{found.call.pk}/assign_evaluators/").content.decode()
    assert "reads Spanish; areas in common: Increasing energy efficiency" in html or "reads Spanish; areas in" in html
    assert "no area in common" in html and "number 1 of at most 20" in html


def test_languages_are_told_from_texts():
    assert language_of(SPANISH) == "es"
    assert language_of("Members ask for help with water and energy, and they want to measure first.") == "en"
    assert language_of("  ") == ""


def test_what_cannot_be_covered_is_said_with_its_reasons():
    found = scene(evaluators=2, bids=1, evaluations_required=2)
    tie = {"person": str(found.evaluators[0].pk), "cluster": str(found.bids[0].lead_cluster_id), "kind": "other"}
    Conflict().perform("declare", by=SYSTEM, note="", **tie)
    profile(found, found.evaluators[1], limit=0)
    html = client(found.coordinator).get(f"/workspace/calls/{found.call.pk}/assign_evaluators/").content.decode()
    assert "Application 001 lacks 2 evaluations: of 2 evaluators 1 are tied to its clusters" in html
    assert "1 can take no more" in html and "Nobody can be asked." in html


def test_the_preview_writes_nothing_and_its_post_asks(client):
    found = scene(evaluators=3, bids=2, evaluations_required=1)
    client.force_login(found.coordinator)
    at = f"/workspace/calls/{found.call.pk}/assign_evaluators/"
    html = client.get(at).content.decode()
    assert "Ask for 2 evaluations" in html and not Evaluation.objects.exists()
    posted = {"pairs-TOTAL_FORMS": 2}
    for row, pair in enumerate(pairs_of(Desk(found.call).plan())):
        posted |= {f"pairs-{row}-application": pair["application"], f"pairs-{row}-evaluator": pair["evaluator"]}
    assert client.post(at, posted | {"pairs-1-DELETE": "1"})["Location"].endswith("/evaluation/")
    assert Evaluation.objects.count() == 1, "a pair that is ticked away is not asked"
    refused = client.post(at, posted)
    assert refused.status_code == 400 and "is asked already" in refused.content.decode()
    assert Evaluation.objects.count() == 1, "all or nothing"


def test_it_is_all_or_nothing_and_each_fault_is_named():
    found = scene(evaluators=2, bids=1)
    stranger, elsewhere = make.staff("evaluator", make.programme()), scene(evaluators=0, bids=1).bids[0]
    good = {"application": str(found.bids[0].pk), "evaluator": str(found.evaluators[0].pk)}
    pairs = [good, good | {"evaluator": str(stranger.pk)}, good | {"application": str(elsewhere.pk)}, good]
    with pytest.raises(Invalid) as refused:
        found.call.perform("assign_evaluators", by=found.coordinator, pairs=pairs)
    assert list(refused.value.errors) == ["pairs[1].evaluator", "pairs[2].application", "pairs[3].evaluator"]
    assert not Evaluation.objects.exists()
    with pytest.raises((NotAllowed, NotFound)):
        found.call.perform("assign_evaluators", by=found.evaluators[0], pairs=[good])


@pytest.mark.parametrize("bids", [1, 3])
def test_the_preview_costs_the_same_however_many(bids):
    found = scene(evaluators=3, bids=bids)
    page = client(found.coordinator)
    at = f"/workspace/calls/{found.call.pk}/assign_evaluators/"
    page.get(at)
    with CaptureQueriesContext(connection) as queries:
        assert page.get(at).status_code == 200
    assert len(queries) == 12


# -- profiles


def test_a_profile_is_described_by_the_evaluator_or_the_office_once_per_programme():
    found = scene(evaluators=2, bids=0)
    own, other = found.evaluators
    values = {"person": str(own.pk), "programme": str(found.programme.pk), "limit": 5, "languages": ["pl"]}
    made = EvaluatorProfile().perform("describe", by=own, **values)
    assert made.limit == 5
    with pytest.raises(Invalid, match="already"):
        EvaluatorProfile().perform("describe", by=found.coordinator, **values)
    with pytest.raises(Invalid):
        EvaluatorProfile().perform("describe", by=other, **values)
    with pytest.raises(Invalid, match="languages"):
        EvaluatorProfile().perform("describe", by=other, **values | {"person": str(other.pk), "languages": ["xx"]})
    assert not EvaluatorProfile.objects.visible_to(other).exists()
    assert EvaluatorProfile.objects.visible_to(found.observer).exists()
    assert not EvaluatorProfile.objects.visible_to(make.staff("lead", make.programme())).exists()
    page = client(own).get(made.get_absolute_url()).content.decode()
    assert "polski" in page


# -- reminders


def test_an_evaluator_is_reminded_before_the_due_date_and_told_after_it():
    found = scene(evaluators=1, bids=1)
    made = asked(found, found.bids[0], found.evaluators[0], begun=False)
    due = Timer.objects.get(record_id=made.pk).due_at
    reminders = Notice.objects.filter(to=found.evaluators[0], record_id=made.pk, key__contains="Reminder")
    for days, expected in ((-3, 0), (-2, 1), (-1, 1)):
        with time_machine.travel(due + dt.timedelta(days=days, minutes=1), tick=False):
            tasks.tick()
        assert reminders.count() == expected
    with time_machine.travel(due + dt.timedelta(minutes=1), tick=False):
        tasks.tick()
    assert Notice.objects.filter(to=found.evaluators[0], record_id=made.pk, key__startswith="Overdue").count() == 1
    with time_machine.travel(due + dt.timedelta(days=7, minutes=1), tick=False):
        tasks.tick()
    assert Notice.objects.filter(to=found.lead, record_id=made.pk, key__contains="overdue").count() == 1
    assert due - timezone.now() > dt.timedelta(days=13)


def test_of_a_submitted_evaluation_nobody_is_reminded():
    found = scene(evaluators=1, bids=1)
    judged(found, found.bids[0], found.evaluators[0], 8)
    assert not Timer.objects.filter(record_type="facility.evaluation").exists()
    with pytest.raises(Blocked):
        Evaluation.objects.get().perform("accept", by=found.evaluators[0])
