"""Conflicts of interest: by whatever they come, from then on nothing is read, and what was scored counts no more."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Exists, Q

from facility import bid as bids_module
from facility import tasks
from facility.application import Application
from facility.bid import ApplicationPartner
from facility.evaluation import Evaluation
from facility.registry.cluster import Cluster
from facility.registry.conflicts import Conflict, ties_of
from facility.registry.grants import Grant, grant
from facility.registry.organisation import Organisation
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice, verify
from tests import factories as make
from tests.facility.judging import asked, client, eligible, judged, profile, scene

pytestmark = pytest.mark.django_db


def declare(by, person, **tie):
    keys = {name: str(one.pk) for name, one in tie.items()}
    return Conflict().perform("declare", by=by, person=str(person.pk), kind="employment", note="", **keys)


def by_cluster(found, bid, person):
    declare(found.coordinator, person, cluster=bid.lead_cluster)


def by_partner(found, bid, person):
    declare(found.coordinator, person, cluster=bid.partners.get().cluster)


def by_organisation(found, bid, person):
    values = {"name": "Spinning Mill", "kind": "firm", "country": "ES", "cluster": bid.lead_cluster}
    declare(found.coordinator, person, organisation=Organisation().perform("create", by=SYSTEM, **values))


def by_other_person(found, bid, person):
    declare(found.coordinator, person, other=bid.managers().get())


def by_employer(found, bid, person):
    house = {"name": bid.lead_cluster.name.upper(), "kind": "employment"}
    profile(found, person, employers=[house])


def by_employer_among_the_members(found, bid, person):
    values = {"name": "Spinning Mill", "kind": "firm", "country": "ES", "cluster": bid.lead_cluster}
    Organisation().perform("create", by=SYSTEM, **values)
    profile(found, person, employers=[{"name": "spinning mill", "kind": "employment"}])


def by_managing(found, bid, person):
    grant(person, "manager", "cluster", bid.partners.get().cluster_id, by=SYSTEM)
    tasks.take_off_the_tied()


WAYS = [
    by_cluster,
    by_partner,
    by_organisation,
    by_other_person,
    by_employer,
    by_employer_among_the_members,
]


@pytest.fixture
def found():
    made = scene(bids=0)
    made.bids = [eligible(made, partners=[{"cluster": str(make.cluster("PT").pk)}]), eligible(made, "IT")]
    return made


def seen(person, bid):
    """What the person can read of an application, over every channel."""
    page, evaluation = client(person), bid.evaluations.filter(evaluator=person).first()
    key, secret = str(bid.pk), bid.motivation
    channels = {
        "page": page.get(bid.get_absolute_url()).status_code == 200,
        "API": page.get(f"/api/applications/{key}/").status_code == 200,
        "list": key in page.get("/workspace/applications/").content.decode(),
        "API list": key in page.get("/api/applications/").content.decode(),
        "search": key in page.get("/workspace/search/", {"q": bid.lead_cluster.name}).content.decode(),
        "evaluations": key in page.get("/api/evaluations/").content.decode(),
        "home": str(evaluation.pk) in page.get("/workspace/").content.decode(),
    }
    for name, at in (("evaluation page", "/workspace"), ("evaluation API", "/api")):
        answer = page.get(f"{at}/evaluations/{evaluation.pk}/")
        channels[name] = answer.status_code == 200 and secret in answer.content.decode()
    return {name for name, is_there in channels.items() if is_there}


ALL = {"page", "API", "list", "API list", "search", "evaluations", "home", "evaluation page", "evaluation API"}


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_from_the_moment_it_stands_nothing_is_read_and_the_evaluation_ends(found, way):
    bid, person = found.bids[0], found.evaluators[0]
    made = asked(found, bid, person)
    assert seen(person, bid) == ALL
    way(found, bid, person)

    assert seen(person, bid) == set()
    made.refresh_from_db()
    assert made.state == "recused"
    assert not Grant.objects.filter(scope_key=bid.pk, person=person, until_at=None).exists()
    told = Notice.objects.filter(to=found.lead, record_id=made.pk)
    assert [(one.params["number"], one.link) for one in told] == [
        (bid.number, f"/workspace/calls/{found.call.pk}/assign_evaluators/")
    ]
    for step, data in (("save_draft", {"scores": [], "comment": ""}), ("accept", {})):
        with pytest.raises((Blocked, NotFound)):
            made.perform(step, by=person, **data)


def test_reading_is_blocked_before_anybody_takes_the_evaluator_off(found):
    """A partner that joins, a role that is given: no step of the register, and yet nothing is read from then on."""
    bid, person = found.bids[1], found.evaluators[0]
    made = asked(found, bid, person)
    tied = make.cluster("FR")
    declare(found.coordinator, person, cluster=tied)
    assert seen(person, bid) == ALL
    ApplicationPartner.objects.bulk_create([ApplicationPartner(application=bid, cluster=tied)])
    assert seen(person, bid) == set()
    made.refresh_from_db()
    assert made.state == "in_progress"
    with pytest.raises(Blocked):
        made.perform("submit", by=person, scores=make.scores(found.call, 8), comment="Sound.")
    assert tasks.take_off_the_tied() == 1
    made.refresh_from_db()
    assert made.state == "recused"
    assert tasks.take_off_the_tied() == 0


def test_whoever_manages_a_partner_is_tied(found):
    bid, person = found.bids[0], found.evaluators[0]
    made = asked(found, bid, person)
    by_managing(found, bid, person)
    made.refresh_from_db()
    assert made.state == "recused"
    assert ties_of([person])[person.pk] == {bid.partners.get().cluster_id}


def test_control_without_the_rule_a_tied_evaluator_reads_on(found, monkeypatch):
    """Shows that the tests above look: with no cluster tied, every channel still answers."""
    bid, person = found.bids[0], found.evaluators[0]
    asked(found, bid, person)
    monkeypatch.setattr(bids_module, "tied_clusters", lambda one: Cluster.objects.none())
    by_cluster(found, bid, person)
    assert seen(person, bid) == ALL


def test_control_without_the_check_at_reading_the_sweep_alone_comes_late(found, monkeypatch):
    bid, person = found.bids[1], found.evaluators[0]
    asked(found, bid, person)
    tied = make.cluster("FR")
    declare(found.coordinator, person, cluster=tied)
    from facility import evaluation

    monkeypatch.setattr(evaluation, "tied_to_it", lambda one: Q(Exists(Cluster.objects.none())))
    ApplicationPartner.objects.bulk_create([ApplicationPartner(application=bid, cluster=tied)])
    assert "evaluation page" in seen(person, bid)


def test_a_conflicted_score_stays_in_the_trail_and_leaves_the_score(found):
    bid = found.bids[0]
    first, second = (judged(found, bid, person, value) for person, value in zip(found.evaluators, (9, 5), strict=True))
    bid.perform("close_evaluation", by=found.coordinator, spread_note="Two houses, two views.")
    bid.refresh_from_db()
    assert bid.score == Decimal(70)
    by_cluster(found, bid, found.evaluators[0])
    bid.refresh_from_db()
    first.refresh_from_db()

    assert (bid.state, bid.score, first.state, first.total) == ("eligible", None, "recused", Decimal(90))
    assert first.scores.count() == 2
    bid.perform("close_evaluation", by=found.coordinator)
    assert (bid.score, bid.spread) == (Decimal(50), 0)
    page = client(second.evaluator)
    assert page.get(f"/workspace/evaluations/{first.pk}/").status_code == 404, "what is out of the score is not shown"
    assert verify(all_records()) == []


def test_a_tied_total_never_counts_even_before_it_is_taken_off(found):
    bid = found.bids[1]
    judged(found, bid, found.evaluators[0], 9)
    tied = make.cluster("FR")
    declare(found.coordinator, found.evaluators[0], cluster=tied)
    ApplicationPartner.objects.bulk_create([ApplicationPartner(application=bid, cluster=tied)])
    with pytest.raises(Blocked, match="0 of 1"):
        bid.perform("close_evaluation", by=found.coordinator)


def test_who_steps_back_is_replaced_and_not_asked_again(found):
    bid, person = found.bids[0], found.evaluators[0]
    made = asked(found, bid, person, begun=False)
    made.perform("recuse", by=person, kind="personal", reason="My sister works there.")
    assert Conflict.objects.get().kind == "personal"
    with pytest.raises(Invalid):
        asked(found, bid, person)
    assert asked(found, bid, found.evaluators[1]).state == "in_progress"


def test_nobody_is_assigned_against_a_tie_by_hand_or_by_plan(found):
    bid, person = found.bids[0], found.evaluators[0]
    by_organisation(found, bid, person)
    with pytest.raises(Invalid, match="conflict of interest"):
        asked(found, bid, person)
    with pytest.raises(Invalid) as refused:
        found.call.perform(
            "assign_evaluators",
            by=found.coordinator,
            pairs=[{"application": str(bid.pk), "evaluator": str(person.pk)}],
        )
    assert list(refused.value.errors) == ["pairs[0].evaluator"]
    assert not Evaluation.objects.exists()


def test_the_register_is_read_by_the_staff_of_the_persons_programmes_only(found):
    by_cluster(found, found.bids[0], found.evaluators[0])
    elsewhere = make.programme()
    foreign = [make.staff(role, elsewhere) for role in ("lead", "coordinator", "observer")]
    for person in (found.lead, found.coordinator, found.observer, found.evaluators[0]):
        assert Conflict.objects.visible_to(person).exists()
    for person in (*foreign, found.evaluators[1], make.person()):
        assert not Conflict.objects.visible_to(person).exists()
        assert client(person).get(Conflict.objects.get().get_absolute_url()).status_code == 404
    with pytest.raises((NotAllowed, Invalid)):
        declare(foreign[0], found.evaluators[0], cluster=make.cluster())
    Grant.objects.get(person=found.evaluators[0], scope_type="programme").perform(
        "revoke", by=found.lead, reason="The evaluation is over."
    )
    assert Conflict.objects.visible_to(found.coordinator).exists(), "also when the person has left"


@pytest.mark.parametrize("named", [{}, {"cluster", "organisation"}])
def test_a_conflict_is_with_one_thing(found, named):
    firm = Organisation().perform("create", by=SYSTEM, name="Mill", kind="firm", country="ES")
    things = {"cluster": found.bids[0].lead_cluster, "organisation": firm}
    with pytest.raises(Invalid) as refused:
        declare(found.coordinator, found.evaluators[0], **{name: things[name] for name in named})
    assert list(refused.value.errors) == ["cluster"]


def test_an_evaluator_sees_no_list_of_people_and_firms(found):
    form = Conflict().form_for(Conflict.step("declare"), by=found.evaluators[0])
    assert not form.fields["other"].queryset.exists()
    assert not form.fields["organisation"].queryset.exists()


def test_one_rule_serves_one_person_and_many(found):
    for way in (by_cluster, by_organisation, by_other_person):
        way(found, found.bids[0], found.evaluators[0])
    by_employer(found, found.bids[1], found.evaluators[1])
    many = ties_of(found.evaluators)
    assert many == {
        found.evaluators[0].pk: {found.bids[0].lead_cluster_id},
        found.evaluators[1].pk: {found.bids[1].lead_cluster_id},
    }
    for person in found.evaluators:
        tied = set(Application.objects.filter(Q(bids_module.tied(person))).values_list("lead_cluster_id", flat=True))
        assert tied == many[person.pk]
