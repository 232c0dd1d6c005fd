"""The course of a project, from a selected application to the roadmap."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from advisory.ledger import counts_by_form, figures_of, ledger, reach
from advisory.project import Project, open_for
from advisory.web import support as pages
from facility.application import Application
from facility.instruments.signature import Signature
from facility.registry.documents import Document
from facility.workflow import trail
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


def blocked(record, name, by, **data):
    """The sentences that stop a step."""
    with pytest.raises(Blocked) as refused:
        record.perform(name, by=by, **data)
    return refused.value.sentences


@pytest.mark.row("F10", "F13")
def test_from_opening_to_closing():
    case = support.case("wrapping_up")
    project = case.project
    support.session(case, "approved")
    project.perform("record_lesson", by=case.manager, area="energy-efficiency", text="Begin with an audit.")
    for need in project.needs.all():
        need.perform("set_outcome", by=case.adviser, end_status="eased", end_reason="Two halls are insulated.")
    project.perform("hand_over_roadmap", by=case.adviser, roadmap=str(support.document(case).pk))
    project.perform("write_note", by=case.adviser, final_note="It went well.")
    project.perform("approve_note", by=case.manager)
    project.perform("close", by=case.coordinator)
    assert case.again().state == "closed"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify(all_records()) == []


@pytest.mark.row("F10")
def test_closing_says_everything_that_is_missing():
    case = support.case("wrapping_up")
    first, second = case.project.needs.order_by("rank")
    assert blocked(case.project, "close", case.coordinator) == [
        "Approve at least one session before you close.",
        "Record at least one lesson before you close.",
        f"Record what became of the need “{first.text}”.",
        f"Record what became of the need “{second.text}”.",
        "Hand over the roadmap before you close.",
        "Write the final note; the cluster manager approves it then.",
    ]
    case.project.perform("write_note", by=case.adviser, final_note="It went well.")
    session = support.session(case, "confirmed")
    said = blocked(case.project, "close", case.coordinator)
    assert "The cluster manager must approve the final note." in said
    assert f"The session of {session.day_in_words()} is Confirmed; approve or settle it first." in said


def test_a_note_that_changes_is_approved_anew_and_only_by_the_lead_cluster():
    case = support.case("wrapping_up")
    with pytest.raises(NotAllowed):  # nothing is written yet
        case.project.perform("approve_note", by=case.manager)
    case.project.perform("write_note", by=case.adviser, final_note="It went well.")
    with pytest.raises(NotAllowed):
        case.project.perform("approve_note", by=case.adviser)
    case.project.perform("approve_note", by=case.manager)
    assert case.again().note_approved_at
    case.project.perform("write_note", by=case.coordinator, final_note="It went very well.")
    assert case.again().note_approved_at is None


@pytest.mark.row("F12")
def test_a_plan_is_approved_with_actions_and_both_signatures_only():
    case = support.case("planning")
    agreement = case.project.agreements.get()
    support.renewed(case, targets="Six firms.")
    assert blocked(case.project, "approve_plan", case.coordinator) == [
        "Plan at least one action.",
        "The advisor has not signed the agreement of targets, days and deliverables.",
        "The cluster manager has not signed the agreement of targets, days and deliverables.",
    ]
    support.action(case)
    agreement = type(agreement).objects.get(pk=agreement.pk)
    matching.sign(agreement, case.manager)
    for person in (case.manager, case.coordinator):  # once is enough
        with pytest.raises(NotAllowed):
            matching.sign(agreement, person)
    assert blocked(case.project, "approve_plan", case.coordinator) == [
        "The advisor has not signed the agreement of targets, days and deliverables."
    ]
    matching.sign(agreement, case.adviser)
    case.project.perform("approve_plan", by=case.coordinator)
    assert case.again().state == "in_support"


def test_signatures_fall_away_when_the_terms_change():
    case = support.case("planning")
    support.action(case)
    terms = {"name": case.project.name, "starts_on": case.project.starts_on, "ends_on": case.project.ends_on}
    agreement = case.project.agreements.get()
    same = {"firms_targeted": case.project.firms_targeted, "deliverables": "A plan."}
    case.project.perform("edit", by=case.coordinator, **terms, days_budget=25, **same)
    assert type(agreement).objects.get().state == "signed"  # its text says nothing of these
    case.project.perform("edit", by=case.coordinator, **terms, days_budget=25, **same | {"firms_targeted": 9})
    agreement = type(agreement).objects.get()
    assert (agreement.state, agreement.text_number) == ("open", 2)
    assert "Firms to be reached by the project: 9." in agreement.text
    assert Signature.objects.filter(signed__record_id=agreement.pk, signed__number=1).count() == 2
    case.project.perform("edit", by=case.coordinator, **terms, days_budget=25, **same)
    agreement = type(agreement).objects.get()
    assert (agreement.state, agreement.text_number) == ("open", 3)


def test_a_plan_waits_while_the_needs_are_open_again_or_an_action_lost_its_need():
    case = support.case("planning")
    action = support.action(case)
    case.assessment.perform("reopen", by=case.coordinator, reason="Prices rose.")
    action.need.perform("withdraw", by=case.adviser, reason="Said twice.")
    assert blocked(case.project, "approve_plan", case.coordinator) == [
        "The three voices must agree on the order of needs first.",
        f"The need behind the action “{action.title_text}” was withdrawn; drop the action or plan it anew.",
    ]


def test_the_first_meeting_is_not_in_the_future_and_opens_the_needs():
    case = support.case("matched")
    tomorrow = timezone.now().date() + dt.timedelta(days=2)
    with pytest.raises(Invalid) as refused:
        case.project.perform("kick_off", by=case.coordinator, held_on=tomorrow)
    assert refused.value.errors == {"held_on": ["This day has not come yet."]}
    support.kicked_off(case)
    assert (case.project.state, case.assessment.state) == ("assessing", "open")
    assert {"advisor", "manager"} == {grant.role for grant in case.adviser.grants.filter(scope_key=case.project.pk)} | {
        grant.role for grant in case.manager.grants.filter(scope_key=case.project.pk)
    }


def test_an_application_has_one_project_and_only_a_selected_one():
    case = support.case("matched")
    today = timezone.now().date()
    terms = {"starts_on": today, "ends_on": today, "days_budget": 20, "firms_targeted": 0, "deliverables": ""}
    with pytest.raises(Invalid) as refused:
        Project().perform("open", by=case.coordinator, application=str(case.project.application_id), **terms)
    assert refused.value.errors == {"application": ["Choose an application that is selected and has no project yet."]}


def test_projects_are_opened_for_all_selected_applications_or_for_none():
    programme = make.programme()
    people = matching.office(programme)
    projects = matching.projects(programme, people, [{}, {}])
    taken = Application.objects.filter(project__in=projects)
    today = timezone.now().date()
    terms = {"starts_on": today, "ends_on": today, "days_budget": 20, "firms_targeted": 0, "deliverables": ""}
    fresh = selected(programme, people)
    with pytest.raises(Invalid):
        open_for([fresh, *taken], by=people[1], **terms)
    assert Project.objects.filter(programme=programme).count() == 2
    (made,) = open_for([fresh], by=people[1], **terms)
    assert made.name == fresh.lead_cluster.name
    manager = support.cluster_manager(fresh.lead_cluster)
    assert manager.notices.filter(key__startswith="Your project").exists()
    assert Project.objects.visible_to(manager).get() == made


def selected(programme, people):
    """A selected application that has no project."""
    lead, coordinator, evaluator = people
    call = make.call(programme, coordinator, places=1, minimum_score=0)
    one = make.evaluated(call, coordinator, evaluator)
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
        make.released(call, coordinator, lead)
    return Application.objects.get(pk=one.pk)


@pytest.mark.parametrize("state", ["matched", "in_support"])
def test_a_pause_ends_where_it_began(state):
    case = support.case(state)
    case.project.perform("pause", by=case.coordinator, reason="Summer.")
    assert case.again().state == "paused"
    case.project.perform("resume", by=case.coordinator)
    assert case.again().state == state


def test_only_the_lead_stops_a_project_with_a_reason():
    case = support.case("matched")
    with pytest.raises(NotAllowed):
        case.project.perform("stop", by=case.coordinator, reason="Bankrupt.")
    with pytest.raises(Invalid):
        case.project.perform("stop", by=case.lead)
    case.project.perform("stop", by=case.lead, reason="Bankrupt.")
    assert case.again().state == "stopped"


def test_a_foreign_project_is_not_there_for_advisors_and_managers(client):
    mine, other = support.cases(2)
    for person in (mine.adviser, mine.manager):
        client.force_login(person)
        assert client.get(mine.project.get_absolute_url()).status_code == 200
        assert client.get(other.project.get_absolute_url()).status_code == 404
        assert client.get(f"/api/projects/{other.project.pk}/").status_code == 404
        with pytest.raises(NotFound):
            other.project.perform("record_lesson", by=person, area="", text="x")


@pytest.mark.row("F02")
def test_reached_counts_only_firms_with_a_held_session_each_once():
    case = support.case("in_support")
    small, large = case.firms
    support.session(case, firms=[str(small.pk)])
    support.session(case, "approved", firms=[str(small.pk), str(large.pk)])
    disputed = support.session(case, firms=[str(support.firm(case.project.lead_cluster).pk)])
    disputed.perform("dispute", by=case.manager, wrong="not_held", reason="Nobody came.")
    cluster = case.project.lead_cluster
    assert reach(case.project) == {
        "members": cluster.members_count,
        "smes": cluster.smes_count,
        "targeted": case.project.firms_targeted,
        "reached": 2,
        "smes_reached": 1,
    }
    assert figures_of(case.project).firms_reached == 2


@pytest.mark.row("F16")
def test_forms_are_counted_with_zeros_and_without_what_was_not_held():
    case = support.case("in_support")
    support.session(case, form="workshop")
    support.session(case, form="one_to_one")
    support.session(case, form="workshop").perform("dispute", by=case.manager, wrong="day", reason="Another day.")
    assert counts_by_form(case.project) == {
        "one_to_one": 1,
        "workshop": 1,
        "online_webinar": 0,
        "guidance_document": 0,
        "direct_consultancy": 0,
    }


def test_the_ledger_adds_up():
    case = support.case("in_support")
    support.session(case, contact_hours="6", preparation_hours="2")
    support.session(case, "confirmed", contact_hours="4", preparation_hours="0")
    support.session(case, "approved", contact_hours="12", preparation_hours="4")
    assert ledger(figures_of(case.project)) == {
        "budgeted": Decimal(20),
        "logged": Decimal(1),
        "confirmed": Decimal("0.5"),
        "approved": Decimal(2),
        "left": Decimal("16.5"),
    }


@pytest.mark.row("F17")
def test_a_document_of_a_project_is_shown_there_and_hidden_from_others(client):
    mine, other = support.cases(2)
    made = support.document(mine, "guide-on-heat.txt")
    client.force_login(mine.manager)
    assert "guide-on-heat.txt" in client.get(mine.project.get_absolute_url()).content.decode()
    assert list(Document.objects.visible_to(other.manager)) == []
    client.force_login(other.manager)
    assert client.get(made.get_absolute_url()).status_code == 404
    assert "guide-on-heat.txt" not in client.get(other.project.get_absolute_url()).content.decode()


def test_the_project_file_shows_each_part_to_each_voice(client):
    case = support.case("in_support")
    support.session(case)
    case.project.perform("record_lesson", by=case.adviser, area="", text="Begin with an audit.")
    for person in (case.adviser, case.manager, case.coordinator):
        client.force_login(person)
        page = client.get(case.project.get_absolute_url()).content.decode()
        for words in ("Begin with an audit.", "Three audits done.", "Ledger of days", "Forms of support", "Signed"):
            assert words in page
    assert "Start wrapping up" in page


@pytest.mark.parametrize("path", ["/workspace/projects/", "/api/projects/"])
def test_lists_take_as_many_statements_for_three_as_for_one(client, path):
    programme = make.programme()
    coordinator = support.cases(1, programme)[0].coordinator
    client.force_login(coordinator)
    one = matching.statements(client, path)
    case = support.cases(2, programme)[0]
    client.force_login(case.coordinator)
    assert matching.statements(client, path) == one


def test_the_project_file_takes_as_many_statements_for_more_rows(client):
    case = support.case("in_support")
    support.session(case)
    client.force_login(case.coordinator)
    few = matching.statements(client, case.project.get_absolute_url())
    for _number in range(3):
        support.session(case, firms=[str(firm.pk) for firm in case.firms])
        support.action(case)
        support.document(case)
        case.project.perform("record_lesson", by=case.adviser, area="", text="Begin with an audit.")
    assert matching.statements(client, case.project.get_absolute_url()) == few
    assert few == 23


@pytest.mark.row("F10")
def test_another_app_adds_its_strand_to_the_project_file(client, monkeypatch):
    case = support.cases(1)[0]
    monkeypatch.setattr(pages, "_tables", [])

    @pages.project_table
    def webinars(project, person):
        rows = [["Synergies in packaging", str(person)]]
        return {
            "id": "webinars",
            "title": f"Webinars of {project}",
            "columns": ["What", "Who"],
            "rows": rows,
            "empty": "",
        }

    client.force_login(case.manager)
    page = client.get(case.project.get_absolute_url()).content.decode()
    assert f"Webinars of {case.project.name}" in page
    assert "Synergies in packaging" in page
