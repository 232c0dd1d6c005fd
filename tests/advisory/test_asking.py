"""Who is asked and what is told: later runs, advisors who would not read it, zones, links, notices, evidence."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone, translation

from advisory.assignment import Assignment
from facility.workflow.steps import Blocked
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory.test_offers import run_with_runner_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(programme, people):
    return matching.projects(programme, people, [{"text": "Kilns burn gas."}])[0]


def fresh(record):
    return type(record).objects.get(pk=record.pk)


@pytest.mark.row("F07")
def test_a_runner_up_waits_while_a_later_run_proposes_somebody_else(programme, coordinator, project, client):
    first, second, third = (matching.pooled(programme, coordinator) for _one in range(3))
    one = run_with_runner_up(programme, coordinator, project, first, second)
    for name, by, data in (
        ("approve", coordinator, {}),
        ("offer", coordinator, {}),
        ("decline", first.person, {"reason": "No."}),
    ):
        one.perform(name, by=by, **data)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=1)):
        later = run_with_runner_up(programme, coordinator, project, third, second)
    said = f"A later match run proposes {third} for this place; discard that proposal first."
    client.force_login(coordinator)
    page = client.get(one.get_absolute_url()).content.decode()
    assert said in page and "Can be asked now." not in page
    with pytest.raises(Blocked) as refused:
        one.perform("offer_next", by=coordinator)
    assert refused.value.sentences == [said]
    later.perform("discard", by=coordinator, reason="Too far away.")
    assert "Can be asked now." in client.get(one.get_absolute_url()).content.decode()
    fresh(one).perform("offer_next", by=coordinator)
    assert Assignment.objects.get(advisor=second).state == "offered"


@pytest.mark.row("F11")
def test_nobody_is_asked_who_would_not_read_it(programme, coordinator, project):
    advisor, second = (matching.pooled(programme, coordinator) for _one in range(2))
    one = run_with_runner_up(programme, coordinator, project, advisor, second)
    one.perform("approve", by=coordinator)
    person, address = advisor.person, advisor.person.email

    def has(email, is_active):
        person.email, person.is_active = email, is_active
        person.save()

    unread = [
        ((None, True), f"{advisor} has no e-mail address and would not read the offer."),
        ((address, False), f"The account of {advisor} is closed; the offer would not be read."),
    ]
    for state, step in (("approved", "offer"), ("offered", "offer_again")):
        for values, said in unread:
            has(*values)
            with pytest.raises(Blocked) as refused:
                fresh(one).perform(step, by=coordinator)
            assert (fresh(one).state, refused.value.sentences) == (state, [said])
        has(address, True)
        fresh(one).perform(step, by=coordinator)
    fresh(one).perform("decline", by=person, reason="No.")
    second.person.is_active = False
    second.person.save()
    with pytest.raises(Blocked, match=f"The account of {second} is closed"):
        fresh(one).perform("offer_next", by=coordinator)


def test_the_day_on_which_an_offer_ended_is_that_of_the_programme(programme, coordinator, project):
    offer = matching.offered(project, matching.pooled(programme, coordinator), coordinator)
    offer.lapses_at = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)  # half past midnight in Brussels
    assert offer.is_in_time() == ["The offer ended on 1 June 2026."]


def test_an_observer_is_shown_no_way_that_ends_in_a_refusal(programme, coordinator, project, client):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.accepted(project, advisor, coordinator)
    shown = {
        "accepted": ("Draft the agreement", {coordinator, advisor.person}),
        "withdrawn": ("Run a match for this place", {coordinator}),
    }
    for state, (link, people) in shown.items():
        if state == "withdrawn":
            offer.perform("withdraw", by=coordinator, reason="The cluster was late.")
        for person in (make.staff("observer", programme), coordinator, advisor.person):
            client.force_login(person)
            assert (link in client.get(offer.get_absolute_url()).content.decode()) is (person in people)


def test_managers_are_told_who_works_with_them(programme, coordinator, project):
    manager = matching.head_of(project)
    opened = Notice.objects.filter(to=manager, record_id=project.pk).get()
    assert opened.text() == f"Your project {project.name} is open; advisors are looked for next."
    advisor = matching.pooled(programme, coordinator)
    matching.active(project, advisor, coordinator)
    told = Notice.objects.filter(to=manager, record_type="advisory.assignment").get()
    assert told.text() == f"{advisor.person.name} advises {project.name} from now on."
    with translation.override("nl"):
        assert told.text() == f"{advisor.person.name} adviseert {project.name} vanaf nu."
        assert "hierna worden adviseurs gezocht" in opened.text()


def test_with_an_advisor_who_is_erased_the_evidence_of_the_score_goes(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator, text="Kilns of potteries burn gas.")
    matching.requested(programme, coordinator, kinds=["business"])
    assert matching.run("advisory.run_match") == ["done"]
    one = Assignment.objects.get()
    before = one.parts
    assert any(part["evidence"] for part in before)
    one.perform("discard", by=coordinator, reason="Gone.")
    advisor.perform("erase", by=coordinator, sure=True)
    left = fresh(one)
    assert left.parts == [part | {"evidence": []} for part in before]  # names, values and points stay
    assert left.why_part({})["rows"] == [[part["name"], part["points"], ""] for part in before]
