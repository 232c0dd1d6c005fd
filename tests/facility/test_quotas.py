"""The rules of a call, applied by its selection: quotas, labels, equal scores; the simulator; the reserve list."""

import dataclasses
import datetime as dt
import time
from decimal import Decimal

import lxml.html
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from facility.application import Application
from facility.quotas import Line, Pool
from facility.registry.label import Label
from facility.selection import Selection
from facility.workflow import clock
from facility.workflow.steps import SYSTEM, Blocked, Invalid
from tests import factories as make
from tests.facility.making_selection import after_closing, approved, crowd, scene

pytestmark = pytest.mark.django_db
RULES = {"quotas": [], "tie_rule": "received", "label_weight": 0, "review_days": 14}


def drafted(**rules):
    call, lead, coordinator, evaluator = scene(places=2, open_now=False)
    call.perform("set_quotas", by=coordinator, **RULES | rules)
    call.perform("publish", by=coordinator)
    call.perform("open", by=SYSTEM)
    return call, lead, coordinator, evaluator


def proposed(call, coordinator, **rules):
    if call.state == "open":
        call.perform("close", by=SYSTEM)
    made = Selection().perform("create", by=coordinator, call=call)
    if rules:
        made.perform("set_quotas", by=coordinator, **with_rules(call, **rules))
    return made.perform("propose", by=coordinator, overrides=[])


def with_rules(call, **rules):
    kept = {"places": call.places, "minimum_score": 50, "reserve_places": 5, "reason": "Tried."}
    return {name: value for name, value in (RULES | kept | rules).items() if name != "review_days"}


def outcomes(selection):
    return [(line.application.number, line.outcome) for line in selection.lines.order_by("rank")]


def test_a_call_s_quotas_are_copied_and_hold():
    call, _lead, coordinator, _evaluator = drafted(quotas=[{"kind": "country", "value": "es", "at_most": 1}])
    with after_closing(call):
        crowd(call, 10)  # 001 and 009 are from Spain
        rows = Application.objects.filter(call=call)
        selection = proposed(call, coordinator)
        assert [str(limit) for limit in selection.limits()] == ["Spain: at most 1."]
        chosen = selection.lines.filter(outcome="selected").values_list("application__lead_cluster__country", flat=True)
    assert rows.count() == 10
    assert sorted(chosen) == ["ES", "IT"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"kind": "country", "value": "Spain", "at_most": 1}, "quotas[0].value"),
        ({"kind": "label", "value": "platinum", "at_most": 1}, "quotas[0].value"),
        ({"kind": "ecosystem", "value": "no such", "at_most": 1}, "quotas[0].value"),
        ({"kind": "country", "value": "ES"}, "quotas[0].at_most"),
        ({"kind": "country", "value": "ES", "at_least": 3, "at_most": 1}, "quotas[0].at_most"),
        ({"kind": "country", "at_least": 1}, "quotas[0].at_least"),
    ],
)
def test_a_quota_that_says_nothing_is_refused_by_row_and_field(row, field):
    call, _lead, coordinator, _evaluator = scene(open_now=False)
    with pytest.raises(Invalid) as refused:
        call.perform("set_quotas", by=coordinator, **RULES | {"quotas": [row]})
    assert list(refused.value.errors) == [field]


def test_the_criterion_that_decides_equal_scores_must_be_one_of_the_call():
    call, _lead, coordinator, _evaluator = scene(open_now=False)
    with pytest.raises(Invalid) as refused:
        call.perform("set_quotas", by=coordinator, **RULES | {"tie_rule": "criterion", "tie_criterion": "Beauty"})
    assert refused.value.errors["tie_criterion"] == ["Give one of the criteria of the call: Relevance, Capacity."]


def test_rules_cannot_be_set_once_the_call_is_open():
    call, _lead, coordinator, _evaluator = scene()
    with pytest.raises(Blocked):
        call.perform("set_quotas", by=coordinator, **RULES)


def test_equal_scores_by_the_named_criterion():
    call, _lead, coordinator, evaluator = drafted(tie_rule="criterion", tie_criterion="Capacity")
    with after_closing(call, -1):
        for relevance, capacity in ((8, 5), (6, 8)):
            judged(call, coordinator, evaluator, relevance, capacity)
    with after_closing(call):
        selection = proposed(call, coordinator)
        assert {line.score for line in selection.lines.all()} == {Decimal("68.00")}
        assert [line.application.number for line in selection.lines.order_by("rank")] == ["002", "001"]


def judged(call, coordinator, evaluator, relevance, capacity):
    from facility.evaluation import Evaluation

    lead = make.cluster()
    manager = make.manager_of(lead)
    one = make.draft(call, manager, lead)
    one.perform("submit", by=manager)
    one.perform("declare_eligible", by=coordinator, answers=make.MET)
    judged = Evaluation().perform("assign", by=coordinator, application=one, evaluator=evaluator)
    judged.perform("accept", by=evaluator)
    first, second = call.criteria.order_by("order")
    scores = [
        {"criterion": first.pk, "value": relevance, "comment": "Fine."},
        {"criterion": second.pk, "value": capacity, "comment": "Fine."},
    ]
    judged.perform("submit", by=evaluator, scores=scores, comment="Sound.")
    return one.perform("close_evaluation", by=coordinator)


@pytest.mark.row("G03")
def test_a_label_adds_its_weight_and_weight_0_changes_no_ranking():
    rankings = {}
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        bids = crowd(call, 4, scores=[Decimal(80), Decimal(79), Decimal(78), Decimal(77)])
        rankings["without labels"] = outcomes(proposed(call, coordinator))
        held(bids[3].lead_cluster, "gold")
        held(bids[2].lead_cluster, "bronze")
        rankings["weight 0"] = outcomes(proposed(call, coordinator))
        weighted = proposed(call, coordinator, label_weight=6)
        rankings["weight 6"] = [number for number, _outcome in outcomes(weighted)]
        top = weighted.lines.get(rank=1)

    assert rankings["without labels"] == rankings["weight 0"]
    assert rankings["weight 6"] == ["004", "001", "003", "002"]
    assert (top.score, top.points, top.label) == (Decimal(77), Decimal(83), "gold")


def held(cluster, level, *, until_days=300):
    """A confirmed label of a month ago."""
    day = clock.today()
    Label().perform(
        "record",
        by=SYSTEM,
        cluster=cluster,
        level=level,
        awarded_on=day - dt.timedelta(days=30),
        valid_until=day + dt.timedelta(days=until_days),
        issuer="ESCA",
    )


@pytest.mark.row("G03")
def test_a_label_that_has_expired_on_the_closing_day_does_not_count():
    call, *_people = drafted()
    with after_closing(call):
        bids = crowd(call, 2)
    held(bids[0].lead_cluster, "gold", until_days=5)
    held(bids[1].lead_cluster, "silver")
    with after_closing(call):
        levels = Pool(call, "evaluated").levels
    assert [levels[str(bid.pk)] for bid in bids] == ["", "silver"]


def test_a_quota_on_the_label():
    call, _lead, coordinator, _evaluator = drafted(quotas=[{"kind": "label", "value": "gold", "at_least": 1}])
    with after_closing(call):
        bids = crowd(call, 4)
        held(bids[3].lead_cluster, "gold")
        selection = proposed(call, coordinator)
    assert [number for number, outcome in outcomes(selection) if outcome == "selected"] == ["001", "004"]


def test_changed_rules_need_a_reason_never_add_places_and_ask_for_a_new_ranking():
    call, lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 3)
        selection = proposed(call, coordinator)
        with pytest.raises(Invalid) as refused:
            selection.perform("set_quotas", by=coordinator, **with_rules(call, places=3, reason=""))
        assert set(refused.value.errors) == {"places", "reason"}
        selection.perform("set_quotas", by=coordinator, **with_rules(call, places=1))
        assert (selection.state, selection.lines.count(), selection.checksum) == ("draft", 0, "")
        with pytest.raises(Blocked):
            selection.perform("approve", by=lead)
        selection.perform("propose", by=coordinator, overrides=[])
    assert [outcome for _number, outcome in outcomes(selection)] == ["selected", "reserve", "reserve"]


def test_the_checksum_changes_with_the_ranking_and_with_the_rules():
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 3)
        one, same = proposed(call, coordinator), proposed(call, coordinator)
        other = proposed(call, coordinator, places=1)
    assert one.checksum == same.checksum == one.digest()
    assert len(one.checksum) == 64 and one.checksum != other.checksum


# -- the reserve list


def test_the_next_fits_all_quotas_and_whoever_is_skipped_reads_why():
    quotas = [{"kind": "country", "value": "ES", "at_most": 1}]
    call, lead, coordinator, _evaluator = drafted(quotas=quotas)
    with after_closing(call):
        bids = crowd(call, 10, scores=[90, 88, 70, 69, 68, 67, 66, 65, 89, 60])  # 001 and 009: Spain
        approved(call, coordinator, lead).perform("release", by=lead)
        states = dict(Application.objects.filter(call=call).values_list("number", "state"))
        assert [n for n, state in states.items() if state == "selected"] == ["001", "002"]
        first, spain, third = (Application.objects.get(pk=bids[at].pk) for at in (1, 8, 2))
        first.perform("decline", by=first.managers().get(), reason="No staff.")
        line = Line(call)
        assert (line.free, line.promotion.id) == (1, str(third.pk))
        assert line.why_not(spain.pk) == ["Displaced by the cap: Spain, 1 of 1."]
        with pytest.raises(Blocked) as refused:
            spain.perform("promote", by=lead)
        assert refused.value.sentences == ["Displaced by the cap: Spain, 1 of 1."]
        client = Client()
        client.force_login(lead)
        selection = Selection.objects.get(call=call)
        page = client.get(f"/workspace/selections/{selection.pk}/").content.decode()
        assert f"Promote {third.title()}" in page and "Displaced by the cap: Spain" in page
        assert third.managers().get().name in page  # the letter that leaves with it
        client.post(f"/workspace/applications/{third.pk}/promote/", {"_version": third.version})
    assert Application.objects.get(pk=third.pk).state == "selected"


def test_control_without_the_order_of_the_reserve_list_whoever_is_skipped_gets_in(monkeypatch):
    """Shows that the refusal above comes from the order: the same course without its guard."""
    steps = dict(Application.steps())
    kept = tuple(one for one in steps["promote"].guards if one.__name__ != "is_next_in_line")
    assert len(kept) < len(steps["promote"].guards)
    steps["promote"] = dataclasses.replace(steps["promote"], guards=kept)
    monkeypatch.setattr(Application, "_steps", steps)
    call, lead, coordinator, _evaluator = drafted(quotas=[{"kind": "country", "value": "ES", "at_most": 1}])
    with after_closing(call):
        bids = crowd(call, 10, scores=[90, 88, 70, 69, 68, 67, 66, 65, 89, 60])
        approved(call, coordinator, lead).perform("release", by=lead)
        first, spain = (Application.objects.get(pk=bids[at].pk) for at in (1, 8))
        first.perform("decline", by=first.managers().get(), reason="No staff.")
        assert spain.perform("promote", by=lead).state == "selected"


# -- the simulator


def simulated(client, selection, **query):
    return client.get(f"/workspace/selections/{selection.pk}/simulator/", query)


SET = {"b-places": 2, "b-minimum_score": 50, "b-reserve_places": 5, "b-tie_rule": "received", "b-label_weight": 0}


def test_the_simulator_shows_who_comes_in_for_whom_and_writes_nothing():
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 10)
        selection = proposed(call, coordinator)
        client = Client()
        client.force_login(coordinator)
        rows = {
            "b-quotas-TOTAL_FORMS": 1,
            "b-quotas-0-kind": "country",
            "b-quotas-0-value": "IT",
            "b-quotas-0-at_most": 0,
        }
        overrides = {
            "b-overrides-TOTAL_FORMS": 1,
            "b-overrides-0-application": "010",
            "b-overrides-0-decision": "in",
            "b-overrides-0-reason": "The only one of its region.",
        }
        before = Selection.objects.get(pk=selection.pk).version
        page = simulated(client, selection, **SET, **rows)
        said = page.content.decode()
        assert page.status_code == 200
        assert "(003) comes in for" in said and "Displaced by the cap: Italy, 0 of 0." in said
        assert "Take over the rules of B" in said
        with_override = simulated(client, selection, **SET, **overrides).content.decode()
        assert "In by override: The only one of its region." in with_override
        assert Selection.objects.get(pk=selection.pk).version == before


def test_the_form_as_the_page_shows_it_can_be_sent():
    call, _lead, coordinator, _evaluator = drafted(quotas=[{"kind": "country", "value": "ES", "at_most": 1}])
    with after_closing(call):
        crowd(call, 3)
        selection = proposed(call, coordinator)
        client = Client()
        client.force_login(coordinator)
        tree = lxml.html.fromstring(simulated(client, selection).content)
        (form,) = [one for one in tree.forms if one.get("id") == "sets"]
        said = simulated(client, selection, **dict(form.form_values())).content.decode()
    assert "Under set B" in said
    assert "to mend" not in said


def test_contradicting_rules_are_named_as_the_smallest_set():
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 8)
        selection = proposed(call, coordinator)
        client = Client()
        client.force_login(coordinator)
        rows = {"b-quotas-TOTAL_FORMS": 2}
        for at, (country, n) in enumerate((("ES", 2), ("PT", 1))):
            rows |= {f"b-quotas-{at}-kind": "country", f"b-quotas-{at}-value": country, f"b-quotas-{at}-at_least": n}
        said = simulated(client, selection, **SET, **rows).content.decode()
    assert "The rules of set B cannot all hold" in said
    assert "At least 2: Spain." in said and "At least 1: Portugal." not in said.split("The ranking was made")[0]


def test_what_is_wrong_in_a_set_is_said_at_its_field():
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 2)
        selection = proposed(call, coordinator)
        client = Client()
        client.force_login(coordinator)
        wrong = SET | {"b-places": 99, "b-overrides-TOTAL_FORMS": 1, "b-overrides-0-application": "999"}
        wrong |= {"b-overrides-0-decision": "in", "b-overrides-0-reason": "Why not."}
        page = simulated(client, selection, **wrong)
    assert page.status_code == 200
    assert "The call has 2 places." in page.content.decode()
    assert "No evaluated application has the number 999." in page.content.decode()


def test_the_simulator_costs_the_same_for_4_and_for_100_and_answers_quickly(record_property):
    counts, took = [], 0.0
    for number in (4, 100):
        call, _lead, coordinator, _evaluator = drafted()
        with after_closing(call):
            crowd(call, number)
            selection = proposed(call, coordinator)
            client = Client()
            client.force_login(coordinator)
            with CaptureQueriesContext(connection) as caught:
                start = time.perf_counter()
                simulated(client, selection, **SET, all="1")
                took = time.perf_counter() - start
            counts.append(len(caught))
    record_property("seconds for 100", took)
    print(f"simulator of 100: {took:.2f} s, {counts} statements")
    assert counts[0] == counts[1], counts
    assert took < 5


def test_the_simulator_is_for_those_who_see_the_ranking():
    call, _lead, coordinator, evaluator = drafted()
    with after_closing(call):
        selection = proposed(call, coordinator)
        observer = make.staff("observer", call.programme)
        for person, status in ((coordinator, 200), (observer, 200), (evaluator, 404)):
            client = Client()
            client.force_login(person)
            assert simulated(client, selection).status_code == status
    assert Client().get(f"/workspace/selections/{selection.pk}/simulator/").status_code == 302


def test_the_steps_are_filled_with_what_was_tried():
    call, _lead, coordinator, _evaluator = drafted()
    with after_closing(call):
        crowd(call, 3)
        selection = proposed(call, coordinator)
        client = Client()
        client.force_login(coordinator)
        query = SET | {"b-places": 1, "set": "b"}
        page = client.get(f"/workspace/selections/{selection.pk}/set_quotas/", query).content.decode()
    assert 'name="places" value="1"' in page


def test_an_application_below_the_points_needed_on_a_criterion_is_not_selected_whatever_its_sum():
    criteria = [
        {"name": "Relevance", "weight": 60, "guidance": "", "threshold": 6},
        {"name": "Capacity", "weight": 40, "guidance": ""},
    ]
    call, _lead, coordinator, evaluator = scene(places=1, minimum_score=0, criteria=criteria)
    weak = make.evaluated(call, coordinator, evaluator, value={"Relevance": 5, "Capacity": 10})
    sound = make.evaluated(call, coordinator, evaluator, value={"Relevance": 6, "Capacity": 6})
    assert weak.score > sound.score
    with after_closing(call):
        selection = proposed(call, coordinator)

        assert [line.application for line in selection.lines.filter(outcome="selected")] == [sound]
        line = selection.lines.get(application=weak)
        assert (line.outcome, line.reasons[0]["code"]) == ("rejected", "below_threshold")
        assert "5.00 points on “Relevance”; 6.00 are needed to pass." in line.to_applicant("")
