"""Trajectories: an entry that is not released is nowhere in any public answer."""

from __future__ import annotations

import pytest

from facility.workflow.steps import Blocked, Invalid, NotAllowed
from tests import factories as make
from tests.advisory import making_matching
from tests.reporting import making

pytestmark = pytest.mark.django_db
SECRET, OPEN = "Quarrel with the landlord", "First workshop held"


@pytest.fixture
def scene():
    """A coordinator, a manager, and a published trajectory with one released entry and one that is not."""
    programme = make.programme()
    office = making_matching.office(programme)
    project = making_matching.projects(programme, office, [{}])[0]
    told = making.trajectory(project, office[1])
    making.entry(told, office[1], OPEN, is_released=True)
    making.entry(told, office[1], SECRET)
    told.perform("publish", by=office[1])
    return office[1], project.managers().get(), told


def public_answers(client, told):
    pages = ["/", f"/trajectories/{told.pk}/", f"/api/trajectories/{told.pk}/", "/api/trajectories/", "/toolkit/"]
    pages += [f"/p/{told.programme.slug}/", "/api/trajectories/?search=Quarrel"]
    return {page: client.get(page).content.decode() for page in pages}


def test_an_unreleased_entry_is_nowhere_in_public(scene, client):
    _coordinator, _manager, told = scene

    answers = public_answers(client, told)

    assert not [page for page, text in answers.items() if SECRET in text]
    assert OPEN in answers[f"/trajectories/{told.pk}/"]
    assert OPEN in answers[f"/api/trajectories/{told.pk}/"]


def test_a_signed_in_stranger_reads_what_the_public_reads(scene, client):
    _coordinator, _manager, told = scene
    client.force_login(make.manager_of(make.cluster("FR")))

    pages = [f"/workspace/trajectories/{told.pk}/", f"/api/trajectories/{told.pk}/"]
    texts = [client.get(page).content.decode() for page in pages]

    assert all(OPEN in text and SECRET not in text for text in texts)


def test_those_of_the_project_read_all_of_it(scene, client):
    _coordinator, manager, told = scene
    client.force_login(manager)

    pages = [f"/workspace/trajectories/{told.pk}/", f"/api/trajectories/{told.pk}/"]

    assert all(SECRET in client.get(page).content.decode() for page in pages)


def test_release_and_hold_back(scene, client):
    coordinator, manager, told = scene
    entry = told.entries.get(title=SECRET)
    with pytest.raises(NotAllowed):
        told.perform("release_entry", by=manager, entry=str(entry.pk))
    told.perform("release_entry", by=coordinator, entry=str(entry.pk))
    assert SECRET in public_answers(client, told)[f"/trajectories/{told.pk}/"]

    told.perform("hold_entry", by=manager, entry=str(entry.pk), reason="Not yet.")

    assert not [page for page, text in public_answers(client, told).items() if SECRET in text]


def test_an_entry_of_another_trajectory_cannot_be_released(scene):
    coordinator, _manager, told = scene
    programme = make.programme()
    office = making_matching.office(programme)
    other = making.trajectory(making_matching.projects(programme, office, [{}])[0], office[1])
    strange = making.entry(other, office[1], "Elsewhere")

    with pytest.raises(Invalid):
        told.perform("release_entry", by=coordinator, entry=str(strange.pk))


def test_nothing_is_published_before_something_is_released():
    programme = make.programme()
    office = making_matching.office(programme)
    told = making.trajectory(making_matching.projects(programme, office, [{}])[0], office[1])
    making.entry(told, office[1], SECRET)

    with pytest.raises(Blocked):
        told.perform("publish", by=office[1])


def test_taken_off_the_public_pages(scene, client):
    coordinator, _manager, told = scene
    told.perform("withdraw", by=coordinator, reason="A mistake.")

    assert client.get(f"/trajectories/{told.pk}/").status_code == 404
    assert client.get(f"/api/trajectories/{told.pk}/").status_code == 404
