"""Days: what an approval, an agreement and a lower budget may take of those that advisor and project have."""

from __future__ import annotations

import pytest

from advisory.assignment import Assignment
from advisory.checks import days_left_of, days_left_on
from advisory.forms.support import EditProject, ProjectTerms
from advisory.matchrun import MatchRun
from facility.workflow.engine import perform_many
from facility.workflow.steps import Blocked, Invalid
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(programme, people):
    return matching.projects(programme, people, [{}])[0]


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def available(advisor, by, days):
    """The advisor gives this many days in all."""
    advisor = fresh(advisor)
    rest = {name: getattr(advisor, name) for name in ("kind", "areas", "languages", "countries", "capacity")}
    return advisor.perform("edit", by=by, **rest, days=days)


def wanting(programme, project, by, days, kind="business", **fields):
    """A proposal that asks for this many days."""
    advisor = matching.pooled(programme, by, kind=kind, **fields)
    values = {"project": project, "advisor": advisor, "kind": kind, "reason": "Knows it.", "days": days}
    return Assignment().perform("propose", by=by, **values)


# -- the approval


@pytest.mark.row("F07")
def test_a_proposal_whose_days_no_longer_fit_is_approved_with_fewer(programme, coordinator, project, client):
    first = wanting(programme, project, coordinator, 15)
    second = wanting(programme, project, coordinator, 15, "sustainability")
    first.perform("approve", by=coordinator)
    said = f"{project.name} has 5 of 20 days left; this assignment asks for %d."
    client.force_login(coordinator)
    address = f"{second.get_absolute_url()}approve/"
    page = client.get(address).content.decode()
    assert said % 15 in page and 'type="submit">Approve' in page  # told beside the field, and nothing bars the way

    answer = client.post(address, {"_version": second.version, "days": "6", "reason": ""})
    assert answer.status_code == 400 and said % 6 in answer.content.decode()
    assert 'type="submit">Approve' in answer.content.decode()
    with pytest.raises(Invalid) as refused:
        fresh(second).perform("approve", by=coordinator, days=6)
    assert refused.value.errors == {"days": [said % 6]}
    assert client.post(address, {"_version": second.version, "days": "5", "reason": ""}).status_code == 302
    assert (fresh(second).state, fresh(second).days) == ("approved", 5)
    assert days_left_on(project) == 0


def test_an_approval_that_names_no_days_is_asked_for_those_of_the_proposal(programme, coordinator, project):
    pair = [wanting(programme, project, coordinator, 15, kind) for kind in ("business", "sustainability")]
    with pytest.raises(Blocked, match=f"{project.name} has 5 of 20 days left; this assignment asks for 15"):
        perform_many(pair, "approve", by=coordinator)
    assert {fresh(one).state for one in pair} == {"proposed"}


def test_the_days_of_the_advisor_count_as_they_are_entered(programme, coordinator, project):
    one = wanting(programme, project, coordinator, 10)
    available(one.advisor, coordinator, 4)
    with pytest.raises(Invalid) as refused:
        fresh(one).perform("approve", by=coordinator, days=5)
    assert refused.value.errors == {"days": [f"{one.advisor} has 4 of 4 days left; this project asks for 5."]}
    assert fresh(one).perform("approve", by=coordinator, days=4).days == 4


@pytest.mark.row("F07")
def test_a_run_after_a_replacement_proposes_the_days_that_are_left():
    case = support.case("in_support")
    support.session(case, contact_hours="24", preparation_hours="8")  # four days
    work = case.project.assignments.get()
    work.perform("replace", by=case.coordinator, reason="Ill.")
    matching.pooled(case.project.programme, case.coordinator)
    run = matching.requested(case.project.programme, case.coordinator, kinds=["business"])
    assert matching.run("advisory.run_match") == ["done"]

    (told,) = MatchRun.objects.get(pk=run.pk).inputs["projects"]
    assert days_left_on(case.project) == 16 and told["days"] == 8  # half of what is left, as by hand
    (proposal,) = run.assignments.all()
    assert proposal.perform("approve", by=case.coordinator).days == 8
    matching.pooled(case.project.programme, case.coordinator, kind="sustainability")
    second = matching.requested(case.project.programme, case.coordinator, kinds=["sustainability"])
    matching.run("advisory.run_match")
    (told,) = MatchRun.objects.get(pk=second.pk).inputs["projects"]
    assert told["days"] == 8  # all the rest


# -- the agreement


def revised(agreement, by, days):
    kept = {"targets": agreement.targets, "deliverables": agreement.deliverables}
    return fresh(agreement).perform("revise", by=by, days=days, **kept)


def test_days_that_were_promised_are_not_asked_again(programme, coordinator, project):
    one = matching.accepted(project, matching.pooled(programme, coordinator), coordinator)
    available(one.advisor, coordinator, 0)
    assert days_left_of(fresh(one.advisor)) == -10
    agreement = matching.drafted(one, coordinator)
    assert (agreement.days, fresh(one).days) == (10, 10)
    with pytest.raises(Invalid) as refused:
        revised(agreement, coordinator, 11)
    assert refused.value.errors == {"days": [f"{one.advisor} has 0 days left."]}
    assert revised(agreement, coordinator, 10).days == 10
    revised(agreement, coordinator, 8)
    assert fresh(one).days == 8


def test_a_revision_asks_the_assignment_also_for_days_that_it_has(programme, coordinator, project):
    work = matching.active(project, matching.pooled(programme, coordinator), coordinator)
    work.perform("complete", by=coordinator)
    with pytest.raises(Blocked, match="this is Completed"):
        revised(work.agreement, coordinator, work.days)
    assert fresh(work.agreement).state == "signed"


# -- the budget


def edited(project, by, days_budget):
    project = fresh(project)
    kept = {name: getattr(project, name) for name in ("name", "starts_on", "ends_on", "firms_targeted", "deliverables")}
    return project.perform("edit", by=by, days_budget=days_budget, **kept)


def test_the_budget_is_not_lowered_below_the_days_spoken_for(programme, coordinator, project, monkeypatch):
    one = matching.accepted(project, matching.pooled(programme, coordinator), coordinator)
    with pytest.raises(Invalid) as refused:
        edited(project, coordinator, 9)
    said = "10 days are spoken for by the advisors of the project; the budget cannot be lower."
    assert refused.value.errors == {"days_budget": [said]}
    assert edited(project, coordinator, 10).days_budget == 10
    # One that was lowered before this was asked: other particulars can be changed, and days be given back.
    with monkeypatch.context() as before:
        before.setattr(EditProject, "clean", ProjectTerms.clean)
        edited(project, coordinator, 7)
    assert edited(project, coordinator, 7).days_budget == 7
    agreement = matching.drafted(one, coordinator)
    revised(agreement, coordinator, 9)
    assert fresh(one).days == 9 and edited(project, coordinator, 8).days_budget == 8
