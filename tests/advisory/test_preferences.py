"""Exclusions and wishes: who may say them, who reads the reason, and that the match run goes by them."""

from __future__ import annotations

import pytest

from advisory.preference import Preference
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from tests import factories as make
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    programme = make.programme()
    people = matching.office(programme)
    projects = matching.projects(programme, people, [{}, {}])
    return programme, people[1], projects


def frozen(programme, by):
    run = matching.requested(programme, by)
    run.perform("start", by=SYSTEM)
    return run.inputs


def said(by, **fields):
    values = {"kind": "exclusion", "side": "advisor", "reason": "A quarrel of old."} | fields
    return Preference().perform("state_preference", by=by, **values)


def test_an_advisor_excludes_a_cluster_and_no_run_proposes_the_pair(scene):
    programme, coordinator, (one, other) = scene
    advisor = matching.pooled(programme, coordinator)
    cluster = str(one.application.lead_cluster_id)
    made = said(advisor.person, programme=str(programme.pk), cluster=cluster)
    assert (made.advisor_id, made.named) == (advisor.pk, advisor.person.name)
    told = frozen(programme, coordinator)
    pair = {"advisor": str(advisor.pk), "project": str(one.pk)}
    assert [row for row in told["barred"] if row["why"] == "excluded"] == [pair | {"why": "excluded"}]
    assert "quarrel" not in str(told)
    wanted = matching.proposed(one, advisor, coordinator)
    with pytest.raises(Blocked) as refused:
        wanted.perform("approve", by=coordinator)
    assert refused.value.sentences == ["Advisor or cluster have asked not to be put together."]
    made.perform("take_back", by=advisor.person)
    assert wanted.perform("approve", by=coordinator).state == "approved"
    assert matching.proposed(other, advisor, coordinator).state == "proposed"


def test_a_manager_wishes_for_somebody_by_name_and_learns_nothing(scene, client):
    programme, coordinator, (one, _other) = scene
    manager, advisor = matching.head_of(one), matching.pooled(programme, coordinator, name="Ada Rowe")
    made = [matching.preferred(one, manager, named, "wish") for named in ("ada rowe", "Nobody Here")]
    wish = {"advisor": str(advisor.pk), "project": str(one.pk), "side": "manager"}
    assert frozen(programme, coordinator)["wishes"] == [wish]
    client.force_login(manager)
    shown = [client.get(f"/api/preferences/{record.pk}/").json() for record in made]
    assert set(shown[0]) == set(shown[1]) and not {"advisor", "reason"} & set(shown[0])
    client.force_login(coordinator)
    assert client.get(f"/api/preferences/{made[0].pk}/").json()["reason"] == "We have worked together."
    for stranger in (advisor.person, make.person(), make.manager_of(make.cluster())):
        assert not Preference.objects.visible_to(stranger).exists()
        with pytest.raises(NotFound):
            made[0].perform("take_back", by=stranger)


def test_nobody_speaks_for_somebody_else(scene):
    programme, coordinator, (one, other) = scene
    manager, advisor = matching.head_of(one), matching.pooled(programme, coordinator)
    foreign = {"programme": str(programme.pk), "cluster": str(other.application.lead_cluster_id)}
    with pytest.raises((Invalid, NotAllowed)):
        said(manager, side="manager", named="Ada Rowe", **foreign)
    with pytest.raises((Invalid, NotAllowed)):
        said(manager, side="advisor", **foreign)
    with pytest.raises((Invalid, NotAllowed)):
        said(advisor.person, side="manager", **foreign)
    by_office = said(coordinator, advisor=str(advisor.pk), **foreign)  # on behalf, by mail or on the phone
    assert by_office.advisor_id == advisor.pk


def test_control_without_the_exclusions_the_pair_is_free(scene, monkeypatch):
    """Shows that the first test looks: with the exclusions left out of the run, nothing bars the pair."""
    from advisory import barred

    programme, coordinator, (one, _other) = scene
    advisor = matching.pooled(programme, coordinator)
    said(advisor.person, programme=str(programme.pk), cluster=str(one.application.lead_cluster_id))
    monkeypatch.setattr(barred, "preferred", lambda *args: [])
    assert frozen(programme, coordinator)["barred"] == []
