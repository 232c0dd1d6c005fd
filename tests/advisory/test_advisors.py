"""Advisors: from candidate to the pool and out of it, and who sees what of them."""

from __future__ import annotations

import pytest
from django.db import connection

from advisory.advisor import Advisor
from advisory.speaking import speaks_one_of, working_languages
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant
from facility.roles import in_force
from facility.workflow import trail
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


def test_a_candidate_comes_to_the_pool_and_leaves_it(programme, coordinator):
    advisor = matching.pooled(programme, coordinator)

    assert advisor.state == "pool"
    scopes = set(in_force().filter(person=advisor.person, role="advisor").values_list("scope_type", "scope_key"))
    assert scopes == {("advisor", advisor.pk), ("programme", programme.pk)}
    advisor.perform("suspend", by=coordinator, reason="On leave.")
    advisor.perform("reinstate", by=coordinator)
    advisor.perform("retire", by=coordinator, reason="Moved on.")
    assert advisor.state == "retired"
    assert list(in_force().filter(person=advisor.person, role="advisor").values_list("scope_type", flat=True)) == [
        "advisor"
    ]
    assert Grant.objects.filter(person=advisor.person, scope_type="programme", until_at__isnull=False).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify([Advisor, Grant]) == []


def test_admission_says_everything_that_is_missing(programme, coordinator):
    advisor = matching.candidate(programme, coordinator)
    advisor.perform("shortlist", by=coordinator)

    with pytest.raises(Blocked) as refused:
        advisor.perform("admit", by=coordinator)
    assert refused.value.sentences == [
        "Confirm a CV before you admit the advisor.",
        "The advisor has not consented to the keeping of the CV.",
        "The declaration of interests is missing.",
    ]


def test_a_declined_candidate_is_told_and_the_reason_stays_inside(programme, coordinator):
    advisor = matching.candidate(programme, coordinator)
    advisor.perform("decline", by=coordinator, reason="No experience with clusters.")

    assert advisor.reason_text == "No experience with clusters."
    notice = Notice.objects.get(to=advisor.person)
    assert "not admitted" in notice.key
    assert "experience" not in str(notice.params)


def test_nobody_retires_with_work_under_way(programme):
    people = matching.office(programme)
    advisor = matching.pooled(programme, people[1])
    (project,) = matching.projects(programme, people, [{}])
    matching.active(project, advisor, people[1])

    with pytest.raises(Blocked) as refused:
        advisor.perform("retire", by=people[1], reason="Moved on.")
    assert refused.value.sentences == ["Complete or replace the advisor's running assignments first: 1."]


def test_nobody_is_entered_twice_and_a_known_person_keeps_the_account(programme, coordinator):
    known = make.person("Known Person")
    advisor = matching.candidate(programme, coordinator, email=known.email.upper(), name="Other Spelling")

    assert advisor.person == known
    with pytest.raises(Invalid) as refused:
        matching.candidate(programme, coordinator, email=known.email)
    assert refused.value.errors == {"email": ["An advisor with this address is known in this programme."]}


def test_ties_enter_the_register_of_conflicts_once(programme, coordinator):
    advisor = matching.candidate(programme, coordinator)
    cluster = make.cluster()
    for _again in range(2):
        tie = [{"cluster": cluster.pk, "kind": "employment"}]
        advisor.perform("declare_interests", by=advisor.person, consent=True, interests="One tie.", clusters=tie)

    assert list(Conflict.objects.values_list("person", "cluster")) == [(advisor.person_id, cluster.pk)]


def test_strangers_do_not_know_the_advisor_and_the_advisor_does_not_decide(programme, coordinator):
    advisor = matching.candidate(programme, coordinator)
    other = matching.candidate(programme, coordinator)
    elsewhere = make.staff("coordinator", make.programme())

    for stranger in (other.person, elsewhere, make.person()):
        assert not Advisor.objects.visible_to(stranger).filter(pk=advisor.pk).exists()
        with pytest.raises(NotFound):
            advisor.perform("shortlist", by=stranger)
    with pytest.raises(NotAllowed):
        advisor.perform("shortlist", by=advisor.person)
    with pytest.raises(NotAllowed):
        matching.candidate(programme, SYSTEM).perform("edit", by=make.staff("observer", programme))


@pytest.mark.row("F08")
def test_contact_and_reasons_are_cut_by_face(programme, client):
    people = matching.office(programme)
    advisor = matching.pooled(programme, people[1])
    (project,) = matching.projects(programme, people, [{}])
    matching.active(project, advisor, people[1])
    manager = project.managers().get()
    email = advisor.person.email

    seen = {}
    for name, person in (("office", people[1]), ("self", advisor.person), ("fellow", manager)):
        client.force_login(person)
        pages = [
            f"/workspace/advisors/{advisor.pk}/",
            f"/api/advisors/{advisor.pk}/",
            "/workspace/advisors/",
            "/workspace/advisors/?as=csv",
            "/api/advisors/",
        ]
        answers = [client.get(page) for page in pages]
        assert [answer.status_code for answer in answers] == [200] * 5
        seen[name] = "".join(answer.getvalue().decode() for answer in answers)
    assert email in seen["office"]
    assert email in seen["self"]
    assert advisor.person.name in seen["fellow"]
    assert "Business advisor" in seen["fellow"]
    for secret in (email, "energy-efficiency", "Maximising energy efficiency"):
        assert secret not in seen["fellow"]
    assert "Maximising energy efficiency" in seen["self"]
    for word, finds in ((advisor.person.name, 1), ("energy-efficiency", 0), ("ES", 0)):
        assert len(client.get("/api/advisors/", {"search": word}).json()["results"]) == finds
    assert "Admit to the pool" in seen["self"]
    assert "Admit to the pool" not in seen["fellow"]
    members = client.get(f"/api/advisors/{advisor.pk}/").json()
    assert set(members) == {"id", "version", "state", "name", "kind", "steps"}


def test_the_office_searches_by_area_and_filters_by_kind(programme, coordinator, client):
    water = matching.candidate(programme, coordinator, areas=["water-use"])
    matching.candidate(programme, coordinator, kind="sustainability")
    client.force_login(coordinator)

    found = client.get("/api/advisors/?search=water-use").json()["results"]
    assert [one["id"] for one in found] == [str(water.pk)]
    assert len(client.get("/api/advisors/?kind=sustainability").json()["results"]) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_lists_and_pages_cost_the_same_at_any_size(programme, coordinator, client, count):
    made = [matching.pooled(programme, coordinator) for _one in range(count)]
    for _one in range(count - 1):
        matching.received(programme, coordinator, made[0])
    client.force_login(coordinator)

    assert matching.statements(client, "/workspace/advisors/") == 5
    assert matching.statements(client, "/api/advisors/") == 4
    assert matching.statements(client, f"/workspace/advisors/{made[0].pk}/") == 12


def test_working_languages():
    assert working_languages("BE") == ["nl", "fr", "de", "en"]
    assert working_languages("IE") == ["en", "ga"]
    assert speaks_one_of([{"code": "nl", "cefr": "B1"}], ["nl", "en"])
    assert speaks_one_of([{"code": "nl", "cefr": None}], ["nl"])
    assert not speaks_one_of([{"code": "nl", "cefr": "A2"}, {"code": "fr", "cefr": "C2"}], ["nl", "en"])
