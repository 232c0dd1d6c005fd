"""Assignments: from proposal to completion, who may, and that nobody works where they have an interest."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.project import Project
from facility.registry.conflicts import Conflict
from facility.roles import in_force
from facility.workflow import clock, trail
from facility.workflow.engine import perform_many
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.tasks import tick
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db
ENGLISH = {"code": "en", "cefr": "C1"}


@pytest.fixture
def project(programme, people):
    return matching.projects(programme, people, [{}])[0]


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def sight(person):
    return set(
        in_force()
        .filter(person=person, role="advisor", scope_type__in=["project", "application"])
        .values_list("scope_key", flat=True)
    )


@pytest.mark.row("F08")
def test_the_start_matches_the_project_and_gives_sight_of_it(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.offered(project, advisor, coordinator)
    matching.run("advisory.mail_offer")
    assert Notice.objects.filter(to=advisor.person, record_id=offer.pk).count() == 1
    assert not Project.objects.visible_to(advisor.person).exists()

    offer.perform("accept", by=advisor.person, has_signed_terms=True, has_declared_interests=True)
    matching.signed(offer, coordinator)
    offer.perform("start", by=coordinator)
    assert fresh(project).state == "matched"
    assert sight(advisor.person) == {project.pk, project.application_id}
    assert list(Project.objects.visible_to(advisor.person)) == [project]
    second = matching.pooled(programme, coordinator, kind="sustainability")
    matching.active(project, second, coordinator, "sustainability")  # the project is matched already
    offer.perform("complete", by=coordinator)
    assert sight(advisor.person) == {project.pk, project.application_id}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify([Assignment, Project, Advisor]) == []


@pytest.mark.row("F08")
def test_an_advisor_sees_own_assignments_and_projects_only(programme, people, coordinator, client):
    mine, theirs = matching.projects(programme, people, [{}, {}])
    advisor, other = (matching.pooled(programme, coordinator) for _one in range(2))
    own, foreign = matching.active(mine, advisor, coordinator), matching.active(theirs, other, coordinator)
    quiet = matching.proposed(theirs, advisor, coordinator, "business")

    client.force_login(advisor.person)
    for records, one, stranger in (
        ("assignments", own, foreign),
        ("projects", mine, theirs),
        ("advisors", advisor, other),
    ):
        assert client.get(f"/api/{records}/{one.pk}/").status_code == 200
        assert client.get(f"/api/{records}/{stranger.pk}/").status_code == 404
        assert client.get(f"/workspace/{records}/{stranger.pk}/").status_code == 404
        assert [row["id"] for row in client.get(f"/api/{records}/").json()["results"]] == [str(one.pk)]
    assert client.get(f"/api/assignments/{quiet.pk}/").status_code == 404  # told with the offer, not before
    for step in ("accept", "decline", "sign", "complete"):
        answer = client.post(f"/api/assignments/{foreign.pk}/perform/{step}/", {}, content_type="application/json")
        assert answer.status_code == 404
    with pytest.raises(NotAllowed):
        own.perform("complete", by=advisor.person)
    assert not {"score", "parts", "match_run"} & set(client.get(f"/api/assignments/{own.pk}/").json())


def test_a_manager_meets_the_advisor_who_is_at_work_and_no_offer(programme, coordinator, project, client):
    advisor, declining = (matching.pooled(programme, coordinator) for _one in range(2))
    offer = matching.offered(project, declining, coordinator)
    manager = project.managers().get()
    client.force_login(manager)
    assert client.get(f"/api/assignments/{offer.pk}/").status_code == 404
    offer.perform("decline", by=declining.person, reason="My mother is ill.")
    work = matching.active(project, advisor, coordinator)

    members = client.get(f"/api/assignments/{work.pk}/").json()
    own = {"id", "version", "state", "project", "advisor", "kind", "is_lead", "started_at", "steps"}
    assert set(members) == own
    assert members["advisor"]["name"] == advisor.person.name
    assert client.get("/api/assignments/").json()["results"][0]["id"] == str(work.pk)
    assert "mother" not in client.get("/workspace/assignments/").content.decode()


def test_approval_says_everything_that_speaks_against_it(programme, people, coordinator):
    project, elsewhere = matching.projects(programme, people, [{}, {}])
    advisor = matching.pooled(programme, coordinator, capacity=1)
    other = matching.pooled(programme, coordinator)
    wanted = matching.proposed(project, advisor, coordinator)
    matching.active(elsewhere, advisor, coordinator)
    matching.offered(project, other, coordinator)
    cluster = project.application.lead_cluster
    Conflict().perform("declare", by=coordinator, person=advisor.person_id, cluster=cluster.pk, kind="employment")
    rest = {"kind": "business", "areas": [], "countries": [], "capacity": 1}
    fresh(advisor).perform(
        "edit", by=coordinator, languages=[{"code": "fi", "cefr": "C2"}, {"code": "es", "cefr": "A2"}], **rest
    )
    fresh(advisor).perform("suspend", by=coordinator, reason="On leave.")
    project.perform("pause", by=coordinator, reason="Summer.")

    with pytest.raises(Blocked) as refused:
        wanted.perform("approve", by=coordinator)
    assert refused.value.sentences == [
        f"{advisor} is not in the pool.",
        f"{advisor} has a conflict of interest with {cluster}.",
        f"{advisor} has 1 projects and takes 1 at once.",
        f"{advisor} speaks none of es, en at B1 or better.",
        f"{other} is on the project already: Offered.",
        f"{project.name} is Paused.",
    ]


def test_a_conflict_found_later_stops_offer_answer_and_start(programme, people, coordinator):
    partner = make.cluster("PT")
    (project,) = matching.projects(programme, people, [{"partners": [partner]}])
    advisors = [matching.pooled(programme, coordinator) for _one in range(3)]
    waits = matching.proposed(project, advisors[0], coordinator)
    waits.perform("approve", by=coordinator)
    tie = {"cluster": partner.pk, "kind": "ownership"}
    Conflict().perform("declare", by=coordinator, person=advisors[0].person_id, **tie)
    said = f"{advisors[0]} has a conflict of interest with {partner}."

    with pytest.raises(Blocked, match=said):
        waits.perform("offer", by=coordinator)
    waits.perform("discard", by=coordinator, reason="A conflict was found.")
    offer = matching.offered(project, advisors[1], coordinator)
    offer.perform("accept", by=advisors[1].person, has_signed_terms=True, has_declared_interests=True)
    Conflict().perform("declare", by=advisors[1].person, person=advisors[1].person_id, **tie)
    with pytest.raises(Blocked, match="conflict of interest"):
        offer.perform("start", by=coordinator)
    assert sight(advisors[1].person) == set()
    with pytest.raises(Invalid) as refused:
        matching.proposed(project, advisors[0], coordinator)
    assert refused.value.errors == {"advisor": [said]}


@pytest.mark.row("F07")
def test_the_start_waits_for_every_signature(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.offered(project, advisor, coordinator)
    offer.perform("accept", by=advisor.person)

    with pytest.raises(Blocked) as refused:
        offer.perform("start", by=coordinator)
    assert refused.value.sentences == [
        "The advisor has not signed the terms.",
        "The advisor has not declared interests for this project.",
        "There is no agreement of targets, days and deliverables yet; draft it first.",
    ]
    assert list(Assignment.objects.waiting_on(advisor.person)) == [offer]
    with pytest.raises(Invalid):
        offer.perform("sign", by=advisor.person, has_signed_terms=True)
    offer.perform("sign", by=advisor.person, has_signed_terms=True, has_declared_interests=True)
    assert not Assignment.objects.waiting_on(advisor.person).exists()
    agreement = matching.drafted(offer, coordinator)
    with pytest.raises(Blocked) as refused:
        offer.perform("start", by=coordinator)
    said = "has not signed the agreement of targets, days and deliverables."
    assert refused.value.sentences == [f"The advisor {said}", f"The cluster manager {said}"]
    matching.sign(agreement, advisor.person)
    with pytest.raises(Blocked, match=f"^The cluster manager {said}$"):
        offer.perform("start", by=coordinator)
    assert fresh(project).state == "opened"  # no support without a confirmed match
    matching.sign(agreement, matching.head_of(project))
    assert offer.perform("start", by=coordinator).state == "active"


def test_a_replaced_advisor_loses_sight_and_the_place_is_free(programme, coordinator, project):
    first, second = (matching.pooled(programme, coordinator) for _one in range(2))
    work = matching.active(project, first, coordinator)
    work.perform("replace", by=coordinator, reason="The chemistry was wrong.")

    assert sight(first.person) == set()
    assert not Project.objects.visible_to(first.person).exists()
    assert Assignment.objects.visible_to(first.person).get().reason == "The chemistry was wrong."
    told = Notice.objects.filter(record_id=work.pk, key__contains="any more")
    assert {notice.to_id for notice in told} == {first.person_id, project.managers().get().pk}
    assert matching.active(project, second, coordinator).state == "active"


def test_an_offer_lapses_by_the_programmes_clock_after_a_reminder(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.offered(project, advisor, coordinator)
    matching.run("advisory.mail_offer")
    begun = timezone.now()
    assert set(clock.Timer.objects.filter(record_id=offer.pk).values_list("step", flat=True)) == {"", "lapse"}

    with time_machine.travel(begun + dt.timedelta(days=5, hours=1), tick=False):
        assert tick() == 1
    assert fresh(offer).state == "offered"
    assert Notice.objects.filter(to=advisor.person, record_id=offer.pk).count() == 2
    with time_machine.travel(begun + dt.timedelta(days=7, minutes=1), tick=False):
        with pytest.raises(Blocked, match=r"The offer ended on \d+ \w+ \d{4}\."):
            offer.perform("accept", by=advisor.person)
        tick()
        assert fresh(offer).state == "lapsed"
    assert Notice.objects.filter(to=coordinator, key__contains="lapsed").count() == 1
    assert matching.offered(project, advisor, coordinator).state == "offered"


def test_a_proposal_by_hand_needs_a_reason_a_fitting_kind_and_the_same_pool(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    elsewhere = make.programme()
    stranger = matching.pooled(elsewhere, make.staff("coordinator", elsewhere))

    def errors(**given):
        values = {"project": project, "advisor": advisor, "kind": "business", "reason": "Knows it."} | given
        with pytest.raises(Invalid) as refused:
            Assignment().perform("propose", by=coordinator, **values)
        return refused.value.errors

    assert errors(reason="") == {"reason": ["This field is required."]}
    assert errors(kind="sustainability") == {"kind": [f"{advisor} is a Business advisor."]}
    assert list(errors(advisor=stranger)) == ["advisor"]
    with pytest.raises(Invalid) as refused:
        Assignment().perform(
            "propose", by=SYSTEM, project=project, advisor=stranger, kind="business", reason="Knows it."
        )
    assert refused.value.errors == {"advisor": [f"{stranger} is in the pool of another programme."]}


def test_the_database_holds_one_advisor_of_a_kind_per_project(programme, coordinator, project):
    first, second = (matching.pooled(programme, coordinator) for _one in range(2))
    matching.active(project, first, coordinator)
    wanted = matching.proposed(project, second, coordinator)

    with pytest.raises(IntegrityError, match="one_advisor_of_a_kind_per_project"), transaction.atomic():
        Assignment._base_manager.filter(pk=wanted.pk).update(state="approved")


def test_approvals_at_once_do_not_exceed_the_capacity(programme, people, coordinator):
    projects = matching.projects(programme, people, [{}, {}])
    advisor = matching.pooled(programme, coordinator, capacity=1)
    wanted = [matching.proposed(one, advisor, coordinator) for one in projects]

    with pytest.raises(Blocked, match="has 1 projects and takes 1 at once"):
        perform_many(wanted, "approve", by=coordinator)
    assert {fresh(one).state for one in wanted} == {"proposed"}


def test_strangers_get_nothing(programme, coordinator, project):
    offer = matching.offered(project, matching.pooled(programme, coordinator), coordinator)
    strangers = [make.person(), make.staff("coordinator", make.programme()), make.manager_of(make.cluster())]

    for stranger in strangers:
        assert not Assignment.objects.visible_to(stranger).exists()
        with pytest.raises(NotFound):
            offer.perform("accept", by=stranger)
    with pytest.raises(NotAllowed):
        offer.perform("lapse", by=coordinator)
    with pytest.raises(NotAllowed):
        offer.perform("accept", by=make.staff("observer", programme))


@pytest.mark.parametrize("count", [1, 3])
def test_lists_and_pages_cost_the_same_at_any_size(programme, people, coordinator, client, count):
    made = [
        matching.active(one, matching.pooled(programme, coordinator), coordinator)
        for one in matching.projects(programme, people, [{}] * count)
    ]
    for person in (coordinator, made[0].advisor.person):
        client.force_login(person)
        assert matching.statements(client, "/workspace/assignments/") == 6
        assert matching.statements(client, "/api/assignments/") == 4
        assert matching.statements(client, f"/workspace/assignments/{made[0].pk}/") == 7
