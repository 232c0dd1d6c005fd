"""Stories: nothing is public that a cluster named in it has not approved."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from facility.workflow.steps import Blocked, NotAllowed, NotFound
from reporting.story import SuccessStory
from tests import factories as make
from tests.advisory import making_matching
from tests.reporting import making

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


@pytest.fixture
def scene():
    """A coordinator, a project of a Polish and a Portuguese cluster, and their managers."""
    programme = make.programme()
    office = making_matching.office(programme)
    partner = make.cluster("PT")
    other = make.manager_of(partner)
    project = making_matching.projects(programme, office, [{"country": "PL", "partners": [partner]}])[0]
    lead = project.application.lead_cluster
    return office[1], project, lead, partner, project.application.managers().get(), other


def in_review(scene, **fields):
    coordinator, project, lead, partner, *_ = scene
    story = making.story(project, coordinator, [lead, partner], **fields)
    return story.perform("request_approval", by=coordinator)


def test_each_cluster_named_must_approve(scene):
    coordinator, _project, _lead, partner, manager, other = scene
    story = in_review(scene)

    with pytest.raises(Blocked):
        story.perform("publish", by=coordinator, place="", link="")
    story.perform("approve", by=manager)
    assert story.state == "in_review"
    with pytest.raises(NotAllowed):
        story.perform("approve", by=manager)
    story.perform("approve", by=other)
    assert story.state == "approved"
    assert story.clusters.get(cluster=partner).approved_by == other


def test_others_cannot_approve(scene):
    coordinator, *_ = scene
    story = in_review(scene)
    stranger = make.manager_of(make.cluster("ES"))

    with pytest.raises(NotAllowed):
        story.perform("approve", by=coordinator)
    with pytest.raises(NotFound):
        story.perform("approve", by=stranger)


def test_who_manages_both_clusters_signs_once_for_both(scene):
    _coordinator, _project, lead, partner, _manager, _other = scene
    both = make.person("Both", ("manager", "cluster", lead), ("manager", "cluster", partner))
    story = in_review(scene)

    story.perform("approve", by=both)

    assert story.state == "approved"


def test_one_story_of_two_clusters_of_two_countries_with_a_partner(scene):
    coordinator, _project, lead, partner, manager, other = scene
    story = in_review(scene)
    story.perform("approve", by=manager)
    story.perform("approve", by=other)
    story.perform("publish", by=coordinator, place="ECCP", link="https://example.org/story")

    assert SuccessStory.objects.visible_to(NOBODY).count() == 1
    assert {one.cluster for one in story.clusters.all()} == {lead, partner}
    assert [one.name for one in story.partners.all()] == ["Mabbett"]


def test_a_change_voids_the_approvals(scene):
    coordinator, _project, _lead, _partner, manager, other = scene
    story = in_review(scene)
    story.perform("approve", by=manager)

    story.perform("send_back", by=other, reason="The figure is wrong.")

    assert story.state == "draft"
    assert not story.clusters.filter(approved_by__isnull=False).exists()
    story.perform("request_approval", by=coordinator)
    story.perform("approve", by=other)
    assert story.state == "in_review"


def test_nobody_is_quoted_without_consent(scene):
    coordinator, _project, _lead, _partner, manager, other = scene
    quote = {"text": "Nobody asked me.", "lang": "en", "speaker": "Engineer", "has_consent": False}
    story = in_review(scene, quotes=[quote])
    story.perform("approve", by=manager)
    story.perform("approve", by=other)

    with pytest.raises(Blocked, match="Nobody asked me"):
        story.perform("publish", by=coordinator, place="", link="")


def test_the_public_reads_it_only_while_it_is_published(scene, client):
    coordinator, _project, lead, _partner, manager, other = scene
    story = in_review(scene)
    addresses = [f"/stories/{story.pk}/", f"/api/stories/{story.pk}/"]
    assert [client.get(one).status_code for one in addresses] == [404, 404]

    story.perform("approve", by=manager)
    story.perform("approve", by=other)
    story.perform("publish", by=coordinator, place="ECCP", link="")
    pages = [client.get(one) for one in addresses]
    assert all(lead.name in one.content.decode() for one in pages)
    assert "approvals" not in pages[1].json()

    story.perform("withdraw", by=manager, reason="We have changed our mind.")
    assert [client.get(one).status_code for one in addresses] == [404, 404]


def test_the_workspace_shows_it_with_its_steps(scene, client):
    coordinator, _project, _lead, _partner, manager, _other = scene
    story = in_review(scene)
    client.force_login(manager)

    page = client.get(f"/workspace/stories/{story.pk}/").content.decode()

    assert "Approve" in page
    assert "We asked first." in page
    client.force_login(coordinator)
    assert client.get("/workspace/stories/").status_code == 200
    assert client.get("/workspace/stories/new/create/").status_code == 200
