"""Conflicts that come up later: whoever is tied is flagged at once, the office is told, and reading ends."""

from __future__ import annotations

import pytest

from advisory import watch
from advisory.assignment import Assignment
from advisory.checks import LIVE
from advisory.project import Project
from advisory.session import SupportSession
from facility.registry import conflicts
from facility.registry.conflicts import Conflict
from facility.registry.organisation import Organisation
from facility.roles import in_force
from facility.workflow.steps import SYSTEM, Blocked, NotAllowed, NotFound
from facility.workflow.tasks import keep_house
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def sight(person):
    return in_force().filter(person=person, role="advisor", scope_type__in=["project", "application"]).count()


@pytest.fixture
def scene():
    """An advisor with an assignment in every state that stands, on a project each."""
    programme = make.programme()
    people = matching.office(programme)
    advisor = matching.pooled(programme, people[1], capacity=9)
    projects = matching.projects(programme, people, [{}] * 4)
    by = people[1]
    approved = matching.proposed(projects[0], advisor, by).perform("approve", by=by)
    made = [
        approved,
        matching.offered(projects[1], advisor, by),
        matching.accepted(projects[2], advisor, by),
        matching.active(projects[3], advisor, by),
    ]
    assert tuple(one.state for one in made) == LIVE
    return advisor, by, made


def tie(advisor, project, by):
    cluster = project.application.lead_cluster_id
    return Conflict().perform("declare", by=by, person=advisor.person_id, cluster=cluster, kind="employment")


def test_a_declared_conflict_flags_whatever_stands_and_says_what_to_do(scene, client):
    advisor, coordinator, made = scene
    client.force_login(advisor.person)
    work = made[3]
    address = f"/workspace/projects/{work.project_id}/"
    assert client.get(address).status_code == 200
    for one in made:
        tie(advisor, one.project, coordinator)

    assert all(fresh(one).conflicted_at for one in made)
    told = [Notice.objects.filter(to=coordinator, record_id=one.pk).latest("id").text() for one in made]
    endings = ["Discard the approval.", "Withdraw the offer.", "Withdraw the offer.", "Replace the advisor."]
    assert [said.endswith(end) for said, end in zip(told, endings, strict=True)] == [True] * 4
    assert sight(advisor.person) == 0
    assert not Project.objects.visible_to(advisor.person).exists()
    assert [client.get(one).status_code for one in (address, f"/api/projects/{work.project_id}/")] == [404, 404]
    page = client.get(made[1].get_absolute_url()).content.decode()
    assert "A conflict of interest stands" in page and "Reading an energy bill." not in page
    for one, step, person in (
        (made[0], "offer", coordinator),
        (made[1], "accept", advisor.person),
        (made[2], "start", coordinator),
    ):
        with pytest.raises(Blocked, match="conflict of interest"):
            fresh(one).perform(step, by=person)
    with pytest.raises(Blocked, match="conflict of interest"):
        matching.sign(matching.drafted(made[2], coordinator), advisor.person)


def test_across_a_conflict_an_advisor_neither_reads_nor_writes_an_agreement(scene, client):
    advisor, coordinator, made = scene
    waiting, work = made[2], made[3]
    drafted = matching.drafted(waiting, coordinator)
    client.force_login(advisor.person)
    for one in (drafted, work.agreement):
        assert client.get(one.get_absolute_url()).status_code == 200
    assert drafted.get_absolute_url() in client.get(waiting.get_absolute_url()).content.decode()
    assert f"{drafted.get_absolute_url()}sign/" in client.get("/workspace/my-assignments/").content.decode()
    for one in made:
        tie(advisor, one.project, coordinator)

    for one in (drafted, work.agreement):
        for address in (one.get_absolute_url(), f"{one.get_absolute_url()}revise/", f"/api/agreements/{one.pk}/"):
            assert client.get(address).status_code == 404
        values = {"targets": "T", "days": one.days, "deliverables": one.deliverables}
        with pytest.raises(NotFound):
            fresh(one).perform("revise", by=advisor.person, **values)
    assert client.get("/api/agreements/").json()["results"] == []
    for address in (waiting.get_absolute_url(), "/workspace/my-assignments/"):
        assert drafted.get_absolute_url() not in client.get(address).content.decode()
    client.force_login(coordinator)
    assert drafted.get_absolute_url() in client.get(waiting.get_absolute_url()).content.decode()


def test_across_a_conflict_an_advisor_drafts_no_agreement(scene):
    advisor, coordinator, made = scene
    tie(advisor, made[2].project, coordinator)
    with pytest.raises(NotAllowed):
        matching.drafted(made[2], advisor.person)
    assert matching.drafted(made[2], coordinator).state == "open"


def test_control_without_the_follower_the_advisor_reads_on(scene, monkeypatch):
    """Shows that the test above looks: with the flag taken away, grants stand as they stood."""
    advisor, coordinator, made = scene
    monkeypatch.setattr(conflicts, "_followers", [])
    tie(advisor, made[3].project, coordinator)
    assert fresh(made[3]).conflicted_at is None and sight(advisor.person) == 2


def test_an_employer_in_a_newly_confirmed_cv_counts_at_once(scene):
    advisor, coordinator, made = scene
    cluster = made[3].project.application.lead_cluster
    cv = matching.received(advisor.programme, coordinator, advisor)
    matching.run("facility.scan_document")
    cv.perform("read", by=SYSTEM, reading=matching.reading(advisor))
    entries = [one for one in matching.entries(cv) if one["name"] != "employment"]
    job = {"name": "employment", "value": f"Adviser | {cluster.name.upper()} | 2010 | 2014 | ES"}
    assert fresh(made[3]).conflicted_at is None  # what is not confirmed is no fact
    cv.perform("confirm", by=coordinator, entries=[*entries, job])
    assert fresh(made[3]).conflicted_at is not None
    assert [fresh(one).conflicted_at for one in made[:3]] == [None] * 3


def test_what_others_changed_is_swept_up_and_a_conflict_that_is_gone_is_cleared(scene):
    advisor, _coordinator, made = scene
    work = made[3]
    head = matching.head_of(work.project)
    cluster = work.project.application.lead_cluster
    firm = Organisation().perform(
        "create", by=head, name="ACME", kind="firm", size="small", country="ES", cluster=str(cluster.pk)
    )
    assert fresh(work).conflicted_at is None  # the CV names Acme; nobody was asked yet
    assert not Project.objects.visible_to(advisor.person).exists()  # but reading has ended
    assert not SupportSession.objects.visible_to(advisor.person).exists()
    keep_house()
    assert fresh(work).conflicted_at is not None and sight(advisor.person) == 0
    Organisation.objects.get(pk=firm.pk).perform("leave", by=head, left_on=work.project.starts_on)
    stays = Organisation.objects.filter(pk=firm.pk, cluster=cluster.pk).exists()
    keep_house()
    assert (fresh(work).conflicted_at is None) is not stays
    assert sight(advisor.person) == (0 if stays else 2)


def test_a_partner_that_joins_the_project_counts(scene):
    advisor, coordinator, made = scene
    partner = make.cluster("PT")
    Conflict().perform("declare", by=coordinator, person=advisor.person_id, cluster=partner.pk, kind="ownership")
    assert not Assignment.objects.filter(conflicted_at__isnull=False).exists()
    made[3].project.perform("add_partner", by=coordinator, cluster=str(partner.pk))
    assert fresh(made[3]).conflicted_at is not None
    assert watch.tied_now().count() == 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_look_for_conflicts_costs_the_same_at_any_number(count, django_assert_num_queries):
    support.cases(count)
    with django_assert_num_queries(2):
        assert watch.flag_the_tied(by=SYSTEM) == 0
