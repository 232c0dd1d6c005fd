"""Offers: what they name, the link that answers them once, who is next, who leads, and how many days are left."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from advisory.assignment import Assignment
from advisory.checks import days_left_of, days_left_on
from advisory.ledger import figures_of
from advisory.terms import STANDARD
from facility.instruments.link import Link, Tries
from facility.instruments.signature import Signature
from facility.registry.conflicts import Conflict
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(programme, people):
    return matching.projects(programme, people, [{"text": "Kilns burn gas."}])[0]


@pytest.fixture(autouse=True)
def _nobody_tried_before(monkeypatch):
    """The limit of tries has a test of its own."""
    monkeypatch.setattr(Tries, "rate", "500/min")


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def mailed(person):
    """The path of the link in the last mail to somebody."""
    body = next(one.body for one in reversed(mail.outbox) if one.to == [person.email])
    return re.search(r"https?://[^/]+(/o/[\w-]+/)", body)[1]


@pytest.mark.row("F11")
def test_an_offer_is_read_and_accepted_by_its_link_without_signing_in(programme, people, coordinator, project):
    matching.terms(programme, people[0], "You log what you do.")
    advisor = matching.pooled(programme, coordinator)
    advisor.person.language = "nl"
    advisor.person.save()
    offer = matching.offered(project, advisor, coordinator)
    matching.terms(programme, people[0], "Other words, written later.")
    assert matching.run("advisory.mail_offer") == ["done"]
    assert mail.outbox[-1].to == [advisor.person.email]
    ends = offer.lapses_at.astimezone(programme.tz())
    assert f"{ends:%H:%M} (Europe/Brussels)" in mail.outbox[-1].body
    path, visitor = mailed(advisor.person), Client()

    page = visitor.get(path).content.decode()
    assert "Kilns burn gas." in page and "Reading an energy bill." in page  # needs and training needs
    assert "NL: You log what you do." in page and "written later" not in page
    for _again in range(2):  # looking answers nothing
        assert visitor.get(path).status_code == 200
    assert fresh(offer).state == "offered"
    answer = visitor.post(path, {"step": "accept", "has_signed_terms": "on", "has_declared_interests": "on"})
    assert answer.status_code == 302
    offer = fresh(offer)
    assert (offer.state, offer.terms_number, offer.has_signed_terms) == ("accepted", 1, True)
    signature = Signature.objects.get(signed__record_id=offer.pk)
    assert (signature.person_id, signature.signed.text) == (advisor.person_id, "NL: You log what you do.")
    assert "Geaccepteerd" in visitor.get(path).content.decode() or "Accepted" in visitor.get(path).content.decode()
    assert visitor.post(path, {"step": "decline", "reason": "No."}).status_code == 410
    assert fresh(offer).state == "accepted"


def test_an_offer_is_declined_by_its_link_with_a_reason(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.offered(project, advisor, coordinator)
    assert fresh(offer).terms_number == 0 and STANDARD[:20] in Signature.signed.field.related_model.objects.get().text
    matching.run("advisory.mail_offer")
    path, visitor = mailed(advisor.person), Client()

    assert visitor.post(path, {"step": "decline", "reason": ""}).status_code == 400
    assert fresh(offer).state == "offered"
    assert visitor.post(path, {"step": "decline", "reason": "No time before May."}).status_code == 302
    assert (fresh(offer).state, fresh(offer).reason) == ("declined", "No time before May.")
    told = Notice.objects.filter(to=coordinator, record_id=offer.pk).get()
    assert "No time" not in str(told.params)


def test_a_link_ends_with_the_offer_the_next_link_and_the_conflict(programme, coordinator, project):
    advisor = matching.pooled(programme, coordinator)
    offer = matching.offered(project, advisor, coordinator)
    matching.run("advisory.mail_offer")
    first = mailed(advisor.person)
    offer.perform("offer_again", by=coordinator)
    matching.run("advisory.mail_offer")
    second, visitor = mailed(advisor.person), Client()
    assert first != second and visitor.get(first).status_code == 404
    assert Notice.objects.filter(to=advisor.person, record_id=offer.pk).count() == 1
    assert visitor.get("/o/nonsense/").status_code == 404
    cluster = project.application.lead_cluster
    Conflict().perform("declare", by=coordinator, person=advisor.person_id, cluster=cluster.pk, kind="employment")
    page = visitor.get(second).content.decode()
    assert "conflict of interest" in page and "Reading an energy bill." not in page
    answer = visitor.post(second, {"step": "accept", "has_signed_terms": "on", "has_declared_interests": "on"})
    assert answer.status_code == 409 and fresh(offer).state == "offered"
    with time_machine.travel(timezone.now() + dt.timedelta(days=8), tick=False):
        assert visitor.get(second).status_code == 404  # it ends with its day
    assert not Link.objects.filter(sha256__in=[first, second]).exists()


def test_a_link_answers_once(programme, coordinator, project):
    offer = matching.offered(project, matching.pooled(programme, coordinator), coordinator)
    link = Link.find(Link.make(offer.advisor.person, offer, "accept"))
    link.take({})
    with pytest.raises(NotFound, match="has been used"):
        link.take({})


def test_control_a_link_that_is_not_used_up_comes_to_the_door_again(programme, coordinator, project, monkeypatch):
    """Shows that the test above looks: with the use taken away, only the state of the offer stands in the way."""
    offer = matching.offered(project, matching.pooled(programme, coordinator), coordinator)
    link = Link.find(Link.make(offer.advisor.person, offer, "accept"))
    monkeypatch.setattr(Link, "spend", lambda self, act: act())
    link.take({})
    with pytest.raises(Blocked, match="is possible only from"):
        link.take({})
    assert Link.objects.get(pk=link.pk).used_at is None


def run_with_runner_up(programme, coordinator, project, first, second):
    """A finished match run that proposes the first advisor, with the second as runner-up."""
    run = matching.requested(programme, coordinator, kinds=["business"])
    run.perform("start", by=make.SYSTEM)
    pair = {
        "advisor": {"id": str(first.pk), "label": str(first), "languages": []},
        "project": {"id": str(project.pk), "label": project.name, "lang": "", "country": "ES"},
        "kind": "business",
        "points": 61.5,
        "parts": [],
        "quotes": [],
        "runner_up": {"id": str(second.pk), "label": str(second)},
        "loss": 2.5,
    }
    result = {"status": "proven", "reasons": [], "pairs": [pair], "without_vector": 0}
    run.perform("finish", by=make.SYSTEM, result=result)
    return run.assignments.get()


@pytest.mark.row("F07")
def test_who_is_next_is_checked_again_and_asked_in_one_click(programme, coordinator, project, client):
    first, second = (matching.pooled(programme, coordinator) for _one in range(2))
    one = run_with_runner_up(programme, coordinator, project, first, second)
    one.perform("approve", by=coordinator)
    one.perform("offer", by=coordinator)
    one.perform("decline", by=first.person, reason="No.")
    client.force_login(coordinator)
    page = client.get(one.get_absolute_url()).content.decode()
    assert "Who is next" in page and str(second) in page and "Can be asked now." in page

    second.perform("suspend", by=coordinator, reason="On leave.")
    page = client.get(one.get_absolute_url()).content.decode()
    assert f"{second} is not in the pool." in page
    with pytest.raises(Blocked, match="is not in the pool"):
        one.perform("offer_next", by=coordinator)
    second.perform("reinstate", by=coordinator)
    answer = client.post(f"{one.get_absolute_url()}offer_next/", {"_version": fresh(one).version})
    successor = Assignment.objects.get(advisor=second)
    assert answer.url == successor.get_absolute_url()
    assert (successor.state, successor.predecessor_id, successor.days) == ("offered", one.pk, one.days)
    with pytest.raises(Blocked, match="is on the project already: Offered"):
        fresh(one).perform("offer_next", by=coordinator)  # a second click
    successor.perform("decline", by=second.person, reason="No.")
    with pytest.raises(Blocked, match="was asked for this project before"):
        fresh(one).perform("offer_next", by=coordinator)
    with pytest.raises(Blocked, match="names nobody else"):
        successor.perform("offer_next", by=coordinator)


@pytest.mark.row("F07")
def test_an_approval_that_passes_over_the_match_run_needs_a_reason(programme, coordinator, project):
    first, second = (matching.pooled(programme, coordinator) for _one in range(2))
    older = run_with_runner_up(programme, coordinator, project, second, first)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=1)):
        newer = run_with_runner_up(programme, coordinator, project, first, second)
    with pytest.raises(Invalid) as refused:
        older.perform("approve", by=coordinator)
    said = f"The match run proposes {first} for this place. Say why you take {second}."
    assert refused.value.errors == {"reason": [said]}
    assert newer.form_for(newer.step("approve"), by=coordinator, raw={}).is_valid()  # the proposal itself needs none
    older.perform("approve", by=coordinator, reason="Knows the valley.")
    assert (fresh(older).state, fresh(older).reason) == ("approved", "Knows the valley.")


def test_one_advisor_leads_and_the_lead_can_be_handed_on(programme, coordinator, project):
    green = matching.active(
        project, matching.pooled(programme, coordinator, kind="sustainability"), coordinator, "sustainability"
    )
    assert fresh(green).is_lead  # alone on the project
    business = matching.accepted(project, matching.pooled(programme, coordinator), coordinator)
    assert not fresh(business).is_lead
    business.perform("make_lead", by=coordinator)
    assert (fresh(business).is_lead, fresh(green).is_lead) == (True, False)
    with pytest.raises(Blocked, match="leads the project already"):
        business.perform("make_lead", by=coordinator)
    with pytest.raises(NotAllowed):
        fresh(green).perform("make_lead", by=green.advisor.person)
    business.perform("withdraw", by=coordinator, reason="The cluster was late.")
    told = Notice.objects.filter(to=business.advisor.person, record_id=business.pk).latest("id")
    assert told.params["reason"] == "The cluster was late."


def test_of_both_kinds_approved_together_the_business_advisor_leads(programme, coordinator, project):
    from facility.workflow.engine import perform_many

    kinds = ("sustainability", "business")
    pair = [
        matching.proposed(project, matching.pooled(programme, coordinator, kind=kind), coordinator, kind)
        for kind in kinds
    ]
    perform_many(pair, "approve", by=coordinator)
    assert [fresh(one).is_lead for one in pair] == [False, True]


def test_days_of_advisor_and_project_are_counted(programme, people, coordinator):
    project, elsewhere = matching.projects(programme, people, [{}, {}])
    advisor = matching.pooled(programme, coordinator)
    advisor = fresh(advisor)
    rest = {name: getattr(advisor, name) for name in ("kind", "areas", "languages", "countries", "capacity")}
    advisor.perform("edit", by=coordinator, **rest, days=15)
    first = matching.active(project, advisor, coordinator)
    assert first.days == 10  # half of the project's twenty
    assert (days_left_of(fresh(advisor)), days_left_on(project)) == (5, 10)
    second = matching.proposed(elsewhere, advisor, coordinator)
    with pytest.raises(Blocked) as refused:
        second.perform("approve", by=coordinator)
    assert refused.value.sentences == [f"{advisor} has 5 of 15 days left; this project asks for 10."]

    agreement = first.agreement
    values = {"targets": agreement.targets, "deliverables": agreement.deliverables}
    for days, said in ((16, f"{advisor} has 15 days left."), (21, "The project has 20 of 20 days left.")):
        with pytest.raises(Invalid) as wrong:
            agreement.perform("revise", by=coordinator, days=days, **values)
        assert said in wrong.value.errors["days"]
    late = [{"text": "Late", "due_on": project.ends_on + dt.timedelta(days=1)}]
    with pytest.raises(Invalid) as wrong:
        agreement.perform("revise", by=coordinator, days=5, targets="T", deliverables=late)
    assert "is due outside the project" in wrong.value.errors["deliverables"][0]
    agreement.perform("revise", by=coordinator, days=5, **values)
    assert (fresh(agreement).state, fresh(first).days, days_left_of(fresh(advisor))) == ("open", 5, 10)
    assert fresh(second).perform("approve", by=coordinator).state == "approved"


def test_a_successor_gets_the_days_that_are_left_the_note_and_the_open_actions(client):
    case = support.case("in_support")
    support.session(case, contact_hours="12", preparation_hours="4")
    open_one = case.project.actions.get()
    work = case.project.assignments.get()
    work.perform("replace", by=case.coordinator, reason="Ill.", handover="Ask the plant manager about the dryers.")
    assert days_left_on(case.project) == 18  # two days were worked
    assert fresh(work.agreement).state == "ended"
    assert not type(case.project).objects.visible_to(case.adviser).exists()
    second = matching.pooled(case.project.programme, case.coordinator)
    offer = matching.offered(case.project, second, case.coordinator)
    assert (offer.predecessor_id, offer.is_lead, offer.days) == (work.pk, True, 9)
    client.force_login(second.person)
    assert "Ask the plant manager about the dryers." in client.get(offer.get_absolute_url()).content.decode()
    offer.perform("accept", by=second.person, has_signed_terms=True, has_declared_interests=True)
    matching.signed(offer, case.coordinator)
    offer.perform("start", by=case.coordinator)
    assert fresh(open_one).owner_id == second.person_id
    page = client.get(case.project.get_absolute_url()).content.decode()
    assert open_one.title_text in page and "Three audits done." in page
    told = figures_of(case.project)
    assert (told.days_committed, told.lead_advisor) == (9, second.person.name)


def test_an_advisor_finds_what_is_in_hand_on_one_page(programme, people, coordinator, client):
    made = matching.projects(programme, people, [{}] * 3)
    advisor = matching.pooled(programme, coordinator, capacity=9)
    offer = matching.offered(made[0], advisor, coordinator)
    waiting = matching.accepted(made[1], advisor, coordinator)
    matching.proposed(made[2], advisor, coordinator)  # not told yet
    client.force_login(advisor.person)
    few = matching.statements(client, "/workspace/my-assignments/")
    page = client.get("/workspace/my-assignments/").content.decode()
    assert "Accept" in page and "Decline" in page and "Waits on you" in page
    assert offer.project.name in page and waiting.project.name in page and made[2].name not in page
    agreement = matching.drafted(waiting, advisor.person)
    assert f"{agreement.get_absolute_url()}sign/" in client.get("/workspace/my-assignments/").content.decode()
    matching.sign(agreement, matching.head_of(made[1]), advisor.person)
    waiting.perform("start", by=coordinator)
    page = client.get("/workspace/my-assignments/").content.decode()
    assert "0 of 10 days used, 10 left" in page and f"/workspace/projects/{made[1].pk}/" in page
    matching.active(made[2], advisor, coordinator)
    assert matching.statements(client, "/workspace/my-assignments/") == few
    for stranger, code in ((make.person(), 404), (matching.pooled(programme, coordinator).person, 200)):
        client.force_login(stranger)
        answer = client.get("/workspace/my-assignments/")
        assert answer.status_code == code
        assert made[1].name not in answer.content.decode()


@pytest.mark.row("F08")
def test_foreign_assignments_and_agreements_are_unknown(programme, people, coordinator, client):
    mine, theirs = matching.projects(programme, people, [{}, {}])
    advisor, other = (matching.pooled(programme, coordinator) for _one in range(2))
    matching.active(mine, advisor, coordinator)
    foreign = matching.active(theirs, other, coordinator)
    for person in (advisor.person, matching.head_of(mine)):
        client.force_login(person)
        for record in (foreign, foreign.agreement, theirs):
            assert client.get(f"/workspace/{record.records}/{record.pk}/").status_code == 404
            assert client.get(f"/api/{record.records}/{record.pk}/").status_code == 404
        sent = client.post(f"/api/agreements/{foreign.agreement.pk}/perform/sign/", {}, content_type="application/json")
        assert sent.status_code == 404


def test_why_somebody_was_chosen_is_for_the_office_and_why_it_ended_is_told(programme, coordinator, project, client):
    offer = matching.offered(project, matching.pooled(programme, coordinator), coordinator)
    client.force_login(offer.advisor.person)
    assert client.get(f"/api/assignments/{offer.pk}/").json()["reason"] == ""
    assert "Knows the trade." not in client.get(offer.get_absolute_url()).content.decode()
    offer.perform("withdraw", by=coordinator, reason="The cluster was late.")
    assert client.get(f"/api/assignments/{offer.pk}/").json()["reason"] == "The cluster was late."
    client.force_login(coordinator)
    assert client.get(f"/api/assignments/{offer.pk}/").json()["reason"] == "The cluster was late."
