"""The end of a project: what becomes of its assignments, offers, proposals and agreements."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from advisory.assignment import Assignment
from advisory.checks import spoken_for
from advisory.ledger import figures_of
from advisory.tasks import matching as tasks
from advisory.told import records_of
from facility.instruments.link import Link
from facility.workflow.engine import Record
from facility.workflow.steps import Blocked
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def second(case, state):
    """Another advisor on the same project, as far as asked; None of them has begun."""
    advisor = matching.pooled(case.project.programme, case.coordinator, kind="sustainability")
    made = matching.proposed(case.project, advisor, case.coordinator, "sustainability")
    steps = {
        "approved": lambda: made.perform("approve", by=case.coordinator),
        "offered": lambda: made.perform("offer", by=case.coordinator),
        "accepted": lambda: made.perform("accept", by=advisor.person),
    }
    for name, go in steps.items():
        if made.state != state:
            go()
            assert made.state == name
    return made


def closed(case):
    """The case, from wrapping up to its end."""
    project = case.project
    support.session(case, "approved")
    project.perform("record_lesson", by=case.manager, area="energy-efficiency", text="Begin with an audit.")
    for need in project.needs.all():
        need.perform("set_outcome", by=case.adviser, end_status="eased", end_reason="Two halls are insulated.")
    project.perform("hand_over_roadmap", by=case.adviser, roadmap=str(support.document(case).pk))
    project.perform("write_note", by=case.adviser, final_note="It went well.")
    project.perform("approve_note", by=case.manager)
    project.perform("close", by=case.coordinator)


ENDS = [
    ("proposed", "discarded"),
    ("approved", "discarded"),
    ("offered", "withdrawn"),
    ("accepted", "withdrawn"),
]


@pytest.mark.row("F08")
@pytest.mark.parametrize(("state", "end"), ENDS)
def test_with_a_stopped_project_every_assignment_ends(state, end):
    case = support.case("matched")
    work, other = case.project.assignments.get(), second(case, state)
    case.project.perform("stop", by=case.lead, reason="Bankrupt.")

    assert (fresh(work).state, fresh(other).state) == ("completed", end)
    assert fresh(other).reason == "The project was stopped."
    assert not Assignment.objects.filter(state__in=["proposed", "approved", "offered", "accepted", "active"]).exists()
    told = Notice.objects.filter(to=other.advisor.person, record_id=other.pk, key__contains="withdrawn")
    assert [one.params["reason"] for one in told] == (["The project was stopped."] if end == "withdrawn" else [])


def test_of_a_project_that_was_stopped_only_the_days_worked_count():
    """They were promised to a project that is no more; nor was it seen through."""
    case = support.case("in_support")
    work, advisor = case.project.assignments.get(), fresh(case.advisor)
    support.session(case, "approved")
    hours = sum(one.contact_hours + one.preparation_hours for one in case.project.sessions.all())
    assert work.days > hours / 8 > 0
    case.project.perform("stop", by=case.lead, reason="Bankrupt.")
    assert spoken_for("advisor", [advisor.pk]) == {advisor.pk: hours / 8}
    assert spoken_for("project", [case.project.pk]) == {case.project.pk: hours / 8}
    assert records_of([case.adviser.pk])[case.adviser.pk]["completed"] == 0


def test_the_reason_is_in_the_language_of_whom_it_is_for():
    case = support.case("matched")
    other = second(case, "offered")
    type(other.advisor.person).objects.filter(pk=other.advisor.person_id).update(language="nl")
    with translation.override("de"):
        case.project.perform("stop", by=case.lead, reason="Bankrott.")
    assert fresh(other).reason == "Het project is gestopt."


@pytest.mark.row("F07")
def test_a_run_that_ends_after_the_project_proposes_nobody_for_it(monkeypatch):
    programme = make.programme()
    people = matching.office(programme)
    project, other = matching.projects(programme, people, [{}, {}])
    for _one in range(2):
        matching.pooled(programme, people[1])
    matching.requested(programme, people[1], kinds=["business"])
    spread = tasks.spread_of

    def stopped_meanwhile(*given):
        fresh(project).perform("stop", by=people[0], reason="Bankrupt.")
        return spread(*given)

    monkeypatch.setattr(tasks, "spread_of", stopped_meanwhile)
    assert matching.run("advisory.run_match") == ["done"]
    assert [one.project for one in Assignment.objects.filter(state="proposed")] == [other]


@pytest.mark.row("F08", "F10")
def test_with_a_closed_project_the_work_is_done_and_the_agreement_stays():
    case = support.case("in_support")
    work, other = case.project.assignments.get(), second(case, "accepted")
    unsigned = matching.drafted(other, case.coordinator)
    case.project.perform("wrap_up", by=case.coordinator)
    closed(case)

    assert (fresh(work).state, fresh(work.agreement).state) == ("completed", "signed")
    assert (fresh(other).state, fresh(other).reason) == ("withdrawn", "The project was closed.")
    assert fresh(unsigned).state == "ended"
    assert type(case.project).objects.visible_to(case.adviser).exists()  # the advisor keeps sight of it
    assert figures_of(case.project).lead_advisor == case.adviser.name  # and is still named
    client = Client()
    client.force_login(case.manager)
    assert case.adviser.name in client.get("/workspace/").content.decode()
    told = client.get(f"/api/projects/{case.project.pk}/").json()["advisors"]
    assert [one["name"] for one in told] == [case.adviser.name]


def test_a_project_that_rests_keeps_its_assignments():
    case = support.case("matched")
    other = second(case, "offered")
    case.project.perform("pause", by=case.coordinator, reason="Summer.")
    assert [fresh(one).state for one in (case.project.assignments.get(kind="business"), other)] == ["active", "offered"]
    assert fresh(other).perform("accept", by=other.advisor.person).state == "accepted"


def test_an_agreement_that_nobody_signed_ends_with_the_assignment():
    case = support.case("matched")
    work = case.project.assignments.get()
    agreement = work.agreement
    values = {"targets": "Ten firms.", "days": agreement.days, "deliverables": agreement.deliverables}
    agreement.perform("revise", by=case.coordinator, **values)
    assert fresh(agreement).state == "open"
    work.perform("complete", by=case.coordinator)
    assert fresh(agreement).state == "ended"


def test_nobody_takes_on_a_project_that_is_over(monkeypatch):
    case = support.case("matched")
    other = second(case, "offered")
    monkeypatch.setattr(type(case.project), "after_step", Record.after_step)  # an offer from before this was seen to
    case.project.perform("stop", by=case.lead, reason="Bankrupt.")
    said = f"{case.project.name} is over; nothing is left to take on."
    with pytest.raises(Blocked) as refused:
        fresh(other).perform("accept", by=other.advisor.person)
    assert refused.value.sentences == [said]
    page = Client().get(f"/o/{Link.make(other.advisor.person, other, 'accept')}/").content.decode()
    assert said in page and "Yes, I take it on" not in page
    assert fresh(other).perform("decline", by=other.advisor.person, reason="It is over.").state == "declined"
