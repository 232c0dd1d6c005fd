"""Eligibility: answered point by point beside what is known, decided by people, with reasons that are borne out."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from facility import eligibility
from facility.eligibility import EligibilityAnswer
from facility.forms.eligibility import DeclareEligible
from facility.workflow.steps import Blocked, Invalid
from tests import factories as make
from tests.facility.judging import client, scene, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def found():
    return scene(bids=0)


def answers(**changed):
    return [{"point": row["point"], **changed.get(row["point"], {"answer": "yes"})} for row in make.MET]


def test_answers_are_saved_step_by_step_and_decide_nothing(found):
    bid = submitted(found)
    bid.perform("check_eligibility", by=found.coordinator, answers=[{"point": "complete", "answer": "yes"}])
    bid.perform("check_eligibility", by=found.lead, answers=[{"point": "once", "answer": "no", "reason": "Twice."}])

    assert bid.state == "submitted"
    assert {key: row["answer"] for key, row in eligibility.answers_of(bid).items()} == {"complete": "yes", "once": "no"}
    shown = client(found.coordinator).get(f"/api/applications/{bid.pk}/").json()["eligibility"]
    assert shown[1] == {"point": "once", "answer": "no", "reason": "Twice."}


@pytest.mark.parametrize("left", range(5))
def test_it_is_eligible_only_when_every_point_is_answered(found, left):
    bid = submitted(found)
    given = [row for at, row in enumerate(make.MET) if at != left]
    with pytest.raises(Invalid) as refused:
        bid.perform("declare_eligible", by=found.coordinator, answers=given)
    assert "Not answered yet" in refused.value.errors["answers"][0]
    bid.perform("check_eligibility", by=found.coordinator, answers=[make.MET[left]])
    assert bid.perform("declare_eligible", by=found.coordinator, answers=given).state == "eligible"


def test_a_no_stands_in_the_way_until_it_is_waived_with_a_reason(found):
    bid = submitted(found)
    for wrong in ({"answer": "no"}, {"answer": "waived"}, {"answer": "waived", "reason": "  "}):
        with pytest.raises(Invalid):
            bid.perform("declare_eligible", by=found.coordinator, answers=answers(registered=wrong))
    waived = {"answer": "waived", "reason": "The register was closed in that week."}
    bid.perform("declare_eligible", by=found.coordinator, answers=answers(registered=waived))
    assert bid.state == "eligible"


def test_control_without_the_check_of_the_form_an_unchecked_one_gets_through(found, monkeypatch):
    monkeypatch.setattr(DeclareEligible, "clean", lambda self: self.cleaned_data)
    assert submitted(found).perform("declare_eligible", by=found.coordinator, answers=[]).state == "eligible"


def test_the_database_takes_no_waiver_without_a_reason(found):
    bid = submitted(found)
    with pytest.raises(IntegrityError), transaction.atomic():
        EligibilityAnswer.objects.bulk_create([EligibilityAnswer(application=bid, point="once", answer="waived")])


def test_it_is_turned_down_for_a_reason_that_the_checklist_bears_out(found):
    bid = submitted(found, "TN")
    told = {"reason_code": "not_eu", "reason": "Tunisia is no Member State."}
    with pytest.raises(Invalid) as refused:
        bid.perform("declare_ineligible", by=found.coordinator, answers=make.MET, **told)
    assert list(refused.value.errors) == ["reason_code"]
    no = answers(established={"answer": "no"})
    with pytest.raises(Invalid):
        bid.perform("declare_ineligible", by=found.coordinator, answers=no, **told | {"reason_code": "double"})
    assert bid.perform("declare_ineligible", by=found.coordinator, answers=no, **told).state == "ineligible"
    page = client(bid.managers().get()).get(bid.get_absolute_url()).content.decode()
    assert "the lead cluster is not established in a Member State" in page
    assert "Tunisia is no Member State." in page


@pytest.mark.row("E11")
def test_a_partner_from_tunisia_is_fine_and_a_lead_is_refused(found):
    tunis = make.cluster("TN")
    with_partner = submitted(found, "ES", partners=[{"cluster": str(tunis.pk)}])
    as_lead = submitted(found, "TN")
    known, refused = eligibility.facts_of(with_partner)["established"], eligibility.facts_of(as_lead)["established"]

    assert known.holds and "Partners may come from elsewhere; here from Tunisia." in known.said
    assert not refused.holds and "Tunisia is not a Member State." in refused.said
    assert with_partner.perform("declare_eligible", by=found.coordinator, answers=make.MET).state == "eligible"
    with pytest.raises(Invalid, match="Tunisia is not a Member State"):
        as_lead.perform("declare_eligible", by=found.coordinator, answers=make.MET)
    no = answers(established={"answer": "no"})
    said = {"reason_code": "not_eu", "reason": "Not established in the Union."}
    assert as_lead.perform("declare_ineligible", by=found.coordinator, answers=no, **said).state == "ineligible"


def test_what_is_known_stands_beside_the_points_and_answers_none(found):
    bid = submitted(found)
    submitted(found, partners=[{"cluster": str(bid.lead_cluster_id)}])
    facts = eligibility.facts_of(bid)
    assert facts["complete"].holds
    assert not facts["registered"].holds and "4 not known" in facts["registered"].said
    assert facts["once"].holds and "is a partner in 002" in facts["once"].said
    assert not eligibility.answers_of(bid)
    html = client(found.coordinator).get(f"{bid.get_absolute_url()}check_eligibility/").content.decode()
    assert "Spain is a Member State." in html
    assert " checked" not in html, "nothing is answered by the system"
    bid.signed_version = None
    assert not eligibility.facts_of(bid)["complete"].holds


def test_a_call_has_its_own_points(found):
    call = make.call(found.programme, found.coordinator, open_now=False)
    points = [
        {"text": "At least ten members", "reason_code": "other", "fact": ""},
        {"text": "Seat in the Union", "reason_code": "not_eu", "fact": "established"},
    ]
    call.perform("write_checklist", by=found.coordinator, points=points)
    assert [str(point.text) for point in eligibility.points_of(call)] == ["At least ten members", "Seat in the Union"]
    with pytest.raises(Invalid):
        call.perform("write_checklist", by=found.coordinator, points=[*points, points[1]])
    call.perform("publish", by=found.coordinator)
    call.perform("write_checklist", by=found.coordinator, points=[])
    assert eligibility.points_of(call) == eligibility.STANDARD
    with pytest.raises(Blocked):
        found.call.perform("write_checklist", by=found.coordinator, points=points)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ([{"point": "nowhere", "answer": "yes"}], "answers"),
        ([make.MET[0], make.MET[0]], "answers"),
        ([{"point": "once", "answer": "perhaps"}], "answers[0].answer"),
        ([{"point": "once", "answer": "waived"}], "answers[0].reason"),
        ("yes", "answers"),
    ],
)
def test_bad_answers_are_named_by_their_place(found, given, path):
    with pytest.raises(Invalid) as refused:
        submitted(found).perform("check_eligibility", by=found.coordinator, answers=given)
    assert path in refused.value.errors


def test_save_and_next_goes_through_the_queue(found):
    first, second, third = submitted(found), submitted(found, "IT"), submitted(found, "PT")
    page = client(found.coordinator)
    at = f"/workspace/applications/{first.pk}/check_eligibility/"
    posted = {"answers-TOTAL_FORMS": 5, "_version": first.version}
    for row, answer in enumerate(make.MET):
        posted |= {f"answers-{row}-point": answer["point"], f"answers-{row}-answer": "yes"}
    answer = page.post(at, posted)
    assert answer["Location"] == f"/workspace/applications/{second.pk}/check_eligibility/"
    first.refresh_from_db()
    assert first.state == "submitted" and len(eligibility.answers_of(first)) == 5
    answer = page.post(f"/workspace/applications/{third.pk}/declare_eligible/", posted | {"_version": third.version})
    assert answer["Location"] == f"/workspace/applications/{first.pk}/check_eligibility/"
    refused = page.post(f"/workspace/applications/{second.pk}/declare_eligible/", {"answers-TOTAL_FORMS": 0})
    assert refused.status_code == 400
    assert "Not answered yet" in refused.content.decode()
    queue = page.get(f"/workspace/calls/{found.call.pk}/eligibility/").content.decode()
    assert "1 of 3 decided" in queue and "5 of 5" in queue


def test_two_who_answer_at_once_see_both(found):
    bid = submitted(found)
    page = client(found.coordinator)
    row = {"answers-TOTAL_FORMS": 1, "answers-0-point": "once", "answers-0-answer": "yes", "_version": bid.version}
    assert page.post(f"{bid.get_absolute_url()}check_eligibility/", row).status_code == 302
    assert page.post(f"{bid.get_absolute_url()}check_eligibility/", row).status_code == 409


@pytest.mark.parametrize("bids", [1, 3])
def test_the_queue_and_the_checklist_cost_the_same_however_many(found, bids):
    made = [submitted(found) for _ in range(bids)]
    page = client(found.coordinator)
    costs = []
    for at in (f"/workspace/calls/{found.call.pk}/eligibility/", f"{made[0].get_absolute_url()}check_eligibility/"):
        page.get(at)
        with CaptureQueriesContext(connection) as asked:
            assert page.get(at).status_code == 200
        costs.append(len(asked))
    assert costs == [7, 21]


def test_nobody_else_reads_the_checklist(found):
    bid = submitted(found)
    for person in (found.evaluators[0], make.staff("coordinator", make.programme()), make.person()):
        assert client(person).get(f"/workspace/calls/{found.call.pk}/eligibility/").status_code == 404
        assert client(person).get(f"{bid.get_absolute_url()}check_eligibility/").status_code == 404
    assert client(found.observer).get(f"{bid.get_absolute_url()}check_eligibility/").status_code == 403
    assert "eligibility" not in client(bid.managers().get()).get(f"/api/applications/{bid.pk}/").json()
