"""Match runs: proposals at the proven optimum, with reasons, never against a conflict, and pins that hold."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.db import connection

from advisory.assignment import Assignment
from advisory.matchrun import MatchRun
from advisory.tasks import matching as tasks
from facility.registry.conflicts import Conflict
from facility.workflow import trail
from facility.workflow.jobs import Job
from facility.workflow.steps import Blocked, Invalid, NotFound
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db
ENERGY, WATER, WASTE = "energy-efficiency", "water-use", "waste-management"


def fresh(run):
    return MatchRun.objects.get(pk=run.pk)


@pytest.fixture
def field(programme, people, coordinator):
    """Six advisors and three projects; texts without a common word, so that areas alone decide."""
    partner = make.cluster("PT")
    asked = [{"areas": [ENERGY]}, {"areas": [WATER], "partners": [partner]}, {"areas": [WASTE, ENERGY]}]
    projects = matching.projects(programme, people, asked)
    areas = {
        "b1": ("business", [ENERGY, WATER]),
        "b2": ("business", [WATER]),
        "b3": ("business", [WASTE]),
        "s1": ("sustainability", [ENERGY]),
        "s2": ("sustainability", [WATER]),
        "s3": ("sustainability", [WASTE]),
    }
    advisors = {
        name: matching.pooled(programme, coordinator, kind=kind, areas=own, capacity=1, text="Zzyzx")
        for name, (kind, own) in areas.items()
    }
    tie = {"person": advisors["b2"].person_id, "cluster": partner.pk, "kind": "personal"}
    Conflict().perform("declare", by=coordinator, **tie)
    return advisors, projects


def pairs(run, advisors, projects):
    names = {str(one.pk): name for name, one in advisors.items()}
    places = {str(one.pk): at for at, one in enumerate(projects)}
    return {(names[one["advisor"]["id"]], places[one["project"]["id"]]) for one in fresh(run).result["pairs"]}


def test_the_optimum_of_six_advisors_and_three_projects(programme, coordinator, field):
    # Share of a project's areas: b1 1, 1, 1/3; b2 0, barred, 0; b3 0, 0, 2/3; s1 1, 0, 1/3; s2 0, 1, 0; s3 0, 0, 2/3.
    # With b1 on project 1 the weakest project has 1 (project 0); every other place of b1 leaves one below that.
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    assert matching.run("advisory.run_match") == ["done"]

    run = fresh(run)
    assert (run.state, run.result["status"]) == ("done", "proven")
    best = {("b2", 0), ("b1", 1), ("b3", 2), ("s1", 0), ("s2", 1), ("s3", 2)}
    assert pairs(run, advisors, projects) == best
    # Beside areas and languages: the country (half a point, all know Spain) and exactly the kind (half a point). A
    # weight of 1 is 10 points, and 30 a place stand for the average of words and meaning.
    assert run.result["min"] == pytest.approx((1 + 2 * (0.95 + 1)) * 10 + 2 * 30, abs=0.01)
    assert run.result["sum"] == pytest.approx((13 / 3 + 6 * (0.95 + 1)) * 10 + 6 * 30, abs=0.01)
    made = {(one.advisor_id, one.project_id): one for one in run.assignments.all()}
    assert {one.state for one in made.values()} == {"proposed"}
    best_pair = made[advisors["b1"].pk, projects[1].pk]
    assert float(best_pair.score) == round((3 + 1 + 0.95 + 1) * 10, 1)
    assert sum(part["points"] for part in best_pair.parts) == pytest.approx(float(best_pair.score), abs=0.05)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify([MatchRun, Assignment]) == []


def test_the_record_explains_itself_by_names(programme, coordinator, field):
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    run = fresh(run)

    barred = [(one["advisor"], one["why"], one.get("cluster", "")) for one in run.inputs["barred"]]
    assert barred == [(str(advisors["b2"].pk), "conflict", Conflict.objects.get().cluster.name)]
    pair = next(one for one in run.result["pairs"] if one["advisor"]["id"] == str(advisors["s3"].pk))
    assert pair["advisor"]["label"] == advisors["s3"].person.name
    assert pair["project"]["label"] == projects[2].name
    assert pair["quotes"] == [{"part": "areas", "text": "area as it stands", "place": "line 7"}]
    assert {part["name"]: part["evidence"] for part in pair["parts"]}["areas"] == [WASTE]
    kept = json.dumps([run.inputs, run.result], sort_keys=True, ensure_ascii=False)
    assert run.checksum == hashlib.sha256(kept.encode()).hexdigest()


def test_the_runner_up_and_the_loss(programme, people, coordinator):
    matching.projects(programme, people, [{"areas": [ENERGY, WATER]}])
    best = matching.pooled(programme, coordinator, areas=[ENERGY, WATER], text="Zzyzx")
    second = matching.pooled(programme, coordinator, areas=[ENERGY], text="Zzyzx")
    run = matching.requested(programme, coordinator, kinds=["business"])
    matching.run("advisory.run_match")

    (pair,) = fresh(run).result["pairs"]
    assert pair["advisor"]["id"] == str(best.pk)
    assert pair["runner_up"] == {"id": str(second.pk), "label": second.person.name}
    assert pair["loss"] == round(10 / 3, 1)  # the second area weighs half the first, a third of the whole


def test_meaning_and_words_take_part_once_the_cvs_are_indexed(programme, people, coordinator):
    text = "We want to save water in our breweries and reuse waste water."
    matching.projects(programme, people, [{"areas": [WATER], "text": text}])
    water = matching.pooled(
        programme, coordinator, areas=[WATER], text="Water audits and reuse of waste water in breweries."
    )
    matching.pooled(programme, coordinator, areas=[ENERGY], text="Financial controlling of retail chains.")
    assert matching.run("advisory.embed_cv") == ["done", "done"]
    run = matching.requested(programme, coordinator, kinds=["business"])
    matching.run("advisory.run_match")

    run = fresh(run)
    (pair,) = run.result["pairs"]
    assert pair["advisor"]["id"] == str(water.pk)
    assert run.result["without_vector"] == 0
    parts = {part["name"]: part for part in pair["parts"]}
    assert parts["meaning"]["value"] > 0
    assert {"waste", "breweries"} <= set(parts["words"]["evidence"])
    assert Job.objects.get(name="advisory.run_match").total == 3


def test_pins_and_forbids_hold_and_replace_the_proposals(programme, coordinator, field, client):
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    client.force_login(coordinator)
    address = f"/workspace/match-runs/{run.pk}/"
    pin = f"{advisors['b1'].pk}:{projects[0].pk}"
    assert client.post(address, {"pin": pin, "_token": "a"}).status_code == 302
    assert client.post(address, {"pin": pin, "_token": "a"}).status_code == 302  # the same act
    assert fresh(run).state == "requested"
    matching.run("advisory.run_match")
    assert ("b1", 0) in pairs(run, advisors, projects)
    forbid = f"{advisors['s2'].pk}:{projects[1].pk}"
    client.post(address, {"forbid": forbid})
    matching.run("advisory.run_match")

    found = pairs(run, advisors, projects)
    assert ("b1", 0) in found
    assert ("s2", 1) not in found
    live = {(one.advisor_id, one.project_id) for one in run.assignments.filter(state="proposed")}
    assert live == {(advisors[name].pk, projects[at].pk) for name, at in found}
    assert run.assignments.filter(state="discarded").count() == 12
    page = client.get(address).content.decode()
    assert page.count('name="free"') == 2
    client.post(address, {"free": forbid})
    client.post(address, {"free": pin})
    assert (fresh(run).pins, fresh(run).forbids) == ([pin], [])  # the second came while the run was under way


@pytest.mark.row("F07")
def test_whoever_was_pinned_over_the_ranking_is_approved_with_a_reason(programme, coordinator, field, client):
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    run = fresh(run)
    run.perform("adjust", by=coordinator, pin=f"{advisors['b1'].pk}:{projects[0].pk}")
    matching.run("advisory.run_match")
    pinned = run.assignments.get(advisor=advisors["b1"], project=projects[0], state="proposed")
    with pytest.raises(Invalid) as refused:
        pinned.perform("approve", by=coordinator)
    assert "by a pin. Say why." in refused.value.errors["reason"][0]
    client.force_login(coordinator)
    assert "by a pin. Say why." in client.get(f"{pinned.get_absolute_url()}approve/").content.decode()
    pinned.perform("approve", by=coordinator, reason="Knows the region.")
    assert (pinned.state, pinned.reason) == ("approved", "Knows the region.")
    run.assignments.filter(state="proposed").first().perform("approve", by=coordinator)


def test_an_approved_pair_stays_and_the_next_run_fills_the_rest(programme, coordinator, field):
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    kept = run.assignments.get(advisor=advisors["s1"])
    kept.perform("approve", by=coordinator)
    run = fresh(run)
    run.perform("adjust", by=coordinator, pin=f"{advisors['s1'].pk}:{projects[0].pk}")
    matching.run("advisory.run_match")

    assert fresh(run).state == "done"
    assert len(fresh(run).result["pairs"]) == 5
    assert Assignment.objects.get(pk=kept.pk).state == "approved"


def test_somebody_who_declined_is_not_proposed_again(programme, people, coordinator):
    (project,) = matching.projects(programme, people, [{}])
    best = matching.pooled(programme, coordinator, text="Zzyzx")
    other = matching.pooled(programme, coordinator, areas=[WASTE], text="Zzyzx")
    matching.offered(project, best, coordinator).perform("decline", by=best.person, reason="No time.")
    run = matching.requested(programme, coordinator, kinds=["business"])
    matching.run("advisory.run_match")

    assert [pair["advisor"]["id"] for pair in fresh(run).result["pairs"]] == [str(other.pk)]


def test_a_run_without_a_solution_fails_with_its_reason_and_can_be_tried_again(programme, people, coordinator):
    (project,) = matching.projects(programme, people, [{}])
    tied = matching.pooled(programme, coordinator)
    Conflict().perform(
        "declare", by=coordinator, person=tied.person_id, cluster=project.application.lead_cluster_id, kind="other"
    )
    run = matching.requested(programme, coordinator, kinds=["business"])
    matching.run("advisory.run_match")
    run = fresh(run)

    assert run.state == "failed"
    assert project.name in run.why
    assert not Assignment.objects.exists()
    matching.pooled(programme, coordinator)
    run.perform("retry", by=coordinator)
    matching.run("advisory.run_match")
    assert fresh(run).state == "done"


def test_an_empty_pool_says_so(programme, people, coordinator):
    matching.projects(programme, people, [{}])
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")

    assert fresh(run).why == "The pool has no advisor with a place left."


def test_a_run_taken_up_after_a_break_goes_on_and_one_that_breaks_thrice_fails(
    programme, coordinator, field, monkeypatch
):
    run = matching.requested(programme, coordinator)
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "texts_of", lambda run: 1 / 0)
        assert matching.run("advisory.run_match") == ["again"]
    frozen = fresh(run).inputs
    assert fresh(run).state == "running"
    assert matching.run("advisory.run_match") == ["done"]
    assert fresh(run).inputs == frozen

    second = matching.requested(programme, coordinator)
    monkeypatch.setattr(tasks, "texts_of", lambda run: 1 / 0)
    assert [matching.run("advisory.run_match") for _try in range(3)] == [["again"], ["again"], ["parked"]]
    assert fresh(second).why.startswith("The run broke off three times.")


def test_a_run_is_for_projects_that_lack_somebody(programme, people, coordinator):
    with pytest.raises(Invalid) as refused:
        matching.requested(programme, coordinator)
    assert refused.value.errors == {"projects": ["No project of this programme lacks an advisor of these kinds."]}


def test_pairs_that_the_run_does_not_know_are_refused(programme, coordinator, field):
    run = matching.requested(programme, coordinator)
    with pytest.raises(Blocked):
        run.perform("adjust", by=coordinator, pin="a:b")
    matching.run("advisory.run_match")
    run = fresh(run)
    for given in ({}, {"pin": "a:b"}, {"free": "a:b"}, {"pin": "a:b", "forbid": "a:b"}):
        with pytest.raises(Invalid):
            run.perform("adjust", by=coordinator, **given)


def test_runs_are_for_the_office(programme, coordinator, field, client):
    advisors, projects = field
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    strangers = [advisors["b1"].person, projects[0].managers().get(), make.staff("coordinator", make.programme())]
    for stranger in strangers:
        with pytest.raises(NotFound):
            fresh(run).perform("adjust", by=stranger, pin="a:b")
        client.force_login(stranger)
        assert client.get(f"/workspace/match-runs/{run.pk}/").status_code == 404
        assert client.get(f"/api/match-runs/{run.pk}/").status_code == 404
        assert client.post(f"/workspace/match-runs/{run.pk}/", {"pin": "a:b"}).status_code == 404


def test_the_page_shows_progress_then_proof_and_reasons(programme, coordinator, field, client):
    advisors, _projects = field
    run = matching.requested(programme, coordinator)
    address = f"/workspace/match-runs/{run.pk}/"
    client.force_login(coordinator)
    assert "?live=1" in client.get(address).content.decode()
    assert client.get(f"{address}?live=1").content.decode() == "The run waits for its turn."
    matching.run("advisory.run_match")

    page = client.get(address).content.decode()
    assert "Proven: no other assignment" in page
    assert page.count('name="pin"') == 6
    assert advisors["b2"].person.name in page
    assert "area as it stands" in page
    assert "compared by their words only" in page
    done = client.get(f"{address}?live=1")
    assert (done.content, done["HX-Refresh"]) == (b"", "true")


@pytest.mark.row("F11")
def test_context_and_training_needs_stand_beside_each_proposed_pair(programme, coordinator, field, client):
    run = matching.requested(programme, coordinator)
    matching.run("advisory.run_match")
    client.force_login(coordinator)
    page = client.get(f"/workspace/match-runs/{run.pk}/").content.decode()

    for text in ("A mature cluster of a textile region.", "Reading an energy bill."):
        assert page.count(text) == 6


@pytest.mark.parametrize("count", [1, 3])
def test_lists_and_pages_cost_the_same_at_any_size(programme, people, coordinator, client, count):
    matching.projects(programme, people, [{}] * count)
    for _one in range(count):
        matching.pooled(programme, coordinator)
        run = matching.requested(programme, coordinator, kinds=["business"])
        matching.run("advisory.run_match")
    client.force_login(coordinator)

    assert matching.statements(client, "/workspace/match-runs/") == 5
    assert matching.statements(client, "/api/match-runs/") == 4
    assert matching.statements(client, f"/workspace/match-runs/{run.pk}/") == 6


@pytest.mark.row("F07")
def test_once_the_needs_are_agreed_a_run_goes_by_their_order():
    """A replacement is looked for in the order that the three voices signed, not in the applicant's."""
    one = support.case("planning")
    named = list(one.assessment.standing().order_by("rank"))
    assert len(named) > 1 and one.project.application.needs.exists()
    Assignment.objects.get(project=one.project).perform("replace", by=one.coordinator, reason="Moves on.", handover="")
    matching.requested(one.project.programme, one.coordinator, kinds=["business"])
    matching.run("advisory.run_match")
    (told,) = MatchRun.objects.get().inputs["projects"]
    assert [(ask["text"], ask["weight"]) for ask in told["asks"][1:]] == [
        (need.text, round(1 / need.rank, 3)) for need in named
    ]
    assert list(told["areas"]) == list(dict.fromkeys(need.area for need in reversed(named)))
