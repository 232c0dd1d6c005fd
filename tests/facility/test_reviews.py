"""After the release: a review within its days, decided by another lead, and the way on when it changes a decision."""

import datetime as dt
import zoneinfo

import pytest
import time_machine
from django.test import Client

from facility.application import Application
from facility.evaluation import Evaluation
from facility.letter import Decision, Kind, Letter, drafted
from facility.workflow.steps import Blocked, Invalid
from tests import factories as make
from tests.facility.making_selection import after_closing, approved, crowd, scene

pytestmark = pytest.mark.django_db
BRUSSELS = zoneinfo.ZoneInfo("Europe/Brussels")


def fresh(one):
    return Application.objects.get(pk=one.pk)


def asked(one):
    one = fresh(one)
    return one.perform("request_review", by=one.managers().get(), reason="Look again.")


@pytest.fixture
def decided():
    """One selected, two on the reserve list, two rejected for want of a reserve place; another lead is at hand."""
    call, lead, coordinator, _evaluator = scene(places=1, reserve_places=2, minimum_score=50)
    with after_closing(call):
        bids = crowd(call, 5, scores=[90, 80, 70, 60, 55])
        approved(call, coordinator, lead).perform("release", by=lead)
        yield call, make.staff("lead", call.programme), lead, bids


@pytest.mark.parametrize("released", [(2027, 3, 20, 10, 0), (2027, 10, 25, 10, 0), (2027, 6, 1, 10, 0)])
def test_the_days_of_a_review_end_at_the_same_time_of_day_over_daylight_saving(released):
    """In 2027 the clocks change on 28 March and on 31 October (Directive 2000/84/EC)."""
    at = dt.datetime(*released, tzinfo=BRUSSELS)
    with time_machine.travel(at - dt.timedelta(days=40), tick=False):
        call, lead, coordinator, _evaluator = scene(places=1, reserve_places=0)
    with time_machine.travel(at, tick=False):
        bids = crowd(call, 2)
        approved(call, coordinator, lead).perform("release", by=lead)
        bid = fresh(bids[1])
        until = bid.review_until()
        assert until.astimezone(BRUSSELS) == at + dt.timedelta(days=14)
        assert until.astimezone(BRUSSELS).hour == 10
    with time_machine.travel(until - dt.timedelta(seconds=1), tick=False):
        assert bid.is_in_time_for_review() is True
    with time_machine.travel(until, tick=False):
        with pytest.raises(Blocked) as refused:
            asked(bid)
        assert refused.value.sentences[0].startswith("A review could be asked for until")
        assert "10:00 (Europe/Brussels)" in refused.value.sentences[0]
        assert fresh(bid).review_open_until().startswith("over since")


def test_control_days_of_24_hours_end_at_another_time_of_day(monkeypatch):
    from facility.workflow import clock

    monkeypatch.setattr(clock, "days_later", lambda instant, days, zone: instant + dt.timedelta(days=days))
    with pytest.raises(AssertionError):
        test_the_days_of_a_review_end_at_the_same_time_of_day_over_daylight_saving((2027, 3, 20, 10, 0))


def test_the_page_shows_the_clock_and_the_letter_names_the_same_instant(decided):
    _call, _other, _lead, bids = decided
    bid = fresh(bids[3])
    client = Client()
    client.force_login(bid.managers().get())
    shown = client.get(f"/workspace/applications/{bid.pk}/").content.decode()
    assert bid.review_open_until() in shown
    assert bid.review_open_until() in Letter.objects.get(application=bid).body


def test_a_review_can_be_asked_for_once(decided):
    _call, other, _lead, bids = decided
    bid = asked(bids[3])
    bid.perform("uphold_rejection", by=other, reason="The scores are right.")
    with pytest.raises(Blocked) as refused:
        asked(bid)
    assert refused.value.sentences == ["A review can be asked for once."]
    (said,) = Letter.objects.filter(application=bid, kind="upheld")
    assert "The scores are right." in said.body and said.sent_at is not None


def test_who_took_the_decision_does_not_review_it_while_there_is_another_lead(decided):
    _call, other, lead, bids = decided
    bid = asked(bids[3])
    for step in ("uphold_rejection", "overturn"):
        with pytest.raises(Invalid) as refused:
            bid.perform(step, by=lead, reason="I was right.")
        assert refused.value.errors[""] == ["You took the decision that is under review; another lead looks at it."]
    assert bid.perform("overturn", by=other, reason="They were wrong.").state == "reserve"


def test_a_lead_alone_reviews_all_the_same():
    call, lead, coordinator, _evaluator = scene(places=1, reserve_places=0)
    with after_closing(call):
        bids = crowd(call, 2)
        approved(call, coordinator, lead).perform("release", by=lead)
        assert asked(bids[1]).perform("uphold_rejection", by=lead, reason="It stands.").state == "rejected"


def test_who_was_rejected_and_is_right_comes_onto_the_reserve_list_where_the_score_says(decided):
    call, other, _lead, bids = decided
    asked(bids[3]).perform("overturn", by=other, reason="There was a mistake.")
    second = fresh(bids[1])
    second.perform("withdraw", by=second.managers().get(), reason="No staff.")
    asked(bids[4]).perform("overturn", by=other, reason="Here too.")

    positions = dict(Application.objects.filter(call=call, state="reserve").values_list("number", "reserve_position"))
    assert positions == {"003": 2, "004": 3, "005": 4}
    (said,) = Letter.objects.filter(application=bids[3], kind="overturned")
    assert "on the reserve list at position 3" in said.body


def test_those_below_move_down_and_are_told():
    call, lead, coordinator, _evaluator = scene(places=1, reserve_places=5)
    with after_closing(call):
        bids = crowd(call, 4, scores=[90, 80, 70, 60])
        out = [{"application": str(bids[1].pk), "decision": "out", "reason": "Double funding."}]
        approved(call, coordinator, lead, out).perform("release", by=lead)
        other = make.staff("lead", call.programme)
        asked(bids[1]).perform("overturn", by=other, reason="There is no double funding.")

        assert [fresh(bid).reserve_position for bid in bids] == [None, 1, 2, 3]
        told = Letter.objects.filter(kind="moved").order_by("position").values_list("application__number", "position")
        assert list(told) == [("003", 2), ("004", 3)]


def not_eligible(call, coordinator):
    cluster = make.cluster()
    made = make.draft(call, make.manager_of(cluster), cluster)
    made.perform("submit", by=made.managers().get())
    return made.perform("declare_ineligible", by=coordinator, answers=make.UNMET, reason_code="other", reason="No.")


@pytest.mark.parametrize(("value", "state", "position"), [(8, "reserve", 2), (4, "rejected", None)])
def test_who_was_not_eligible_and_is_right_after_the_release_is_evaluated_and_decided(value, state, position):
    call, lead, coordinator, evaluator = scene(places=1, reserve_places=5, minimum_score=50)
    late = not_eligible(call, coordinator)
    with after_closing(call, -19):
        crowd(call, 3, scores=[95, 90, 60])
    with after_closing(call, 1):
        approved(call, coordinator, lead).perform("release", by=lead)
    with after_closing(call, -12):
        one = asked(late)
    with after_closing(call, 2):
        one.perform("overturn", by=lead, reason="It was registered.")
        assert one.state == "eligible"
        judged = Evaluation().perform("assign", by=coordinator, application=one, evaluator=evaluator)
        judged.perform("accept", by=evaluator)
        judged.perform("submit", by=evaluator, scores=make.scores(call, value), comment="Sound.")
        one = fresh(one).perform("close_evaluation", by=coordinator)
        one.perform("decide_late", by=lead, reason="After the review of eligibility.")
        assert (one.state, one.reserve_position) == (state, position)
        assert Letter.objects.filter(application=one, kind=state, sent_at__isnull=False).count() == 1
        selected = Application.objects.filter(call=call, state="selected")
        assert [row.number for row in selected] == ["001"]


def test_before_the_release_nobody_is_decided_past_the_selection():
    call, lead, coordinator, evaluator = scene()
    bid = make.evaluated(call, coordinator, evaluator)
    with pytest.raises(Blocked) as refused:
        bid.perform("decide_late", by=lead, reason="Now.")
    assert refused.value.sentences == ["Release the selection of the call first."]


def test_where_every_lead_took_part_in_the_decision_one_of_them_reviews_it():
    call, lead, coordinator, _evaluator = scene(places=1, reserve_places=0)
    other = make.staff("lead", call.programme)
    with after_closing(call):
        bids = crowd(call, 2)
        approved(call, coordinator, lead).perform("release", by=other)
        assert asked(bids[1]).perform("uphold_rejection", by=lead, reason="It stands.").state == "rejected"


def test_another_review_of_an_application_without_a_score_stands_in_nobody_s_way():
    call, lead, coordinator, _evaluator = scene(places=1, reserve_places=0, minimum_score=50)
    late = not_eligible(call, coordinator)
    with after_closing(call, 1):
        bids = crowd(call, 2, scores=[95, 90])
        approved(call, coordinator, lead).perform("release", by=lead)
    with after_closing(call, -12):
        assert asked(late).state == "under_review"
    with after_closing(call, 2):
        assert asked(bids[1]).perform("overturn", by=lead, reason="A sum was wrong.").reserve_position == 1


def test_no_letter_promises_a_second_review(decided):
    _call, _other, _lead, bids = decided
    bid = fresh(bids[4])
    once = drafted(bid.call, [Decision(bid, Kind.REJECTED, reasons=lambda: "Below the minimum.")])[0]
    bid.before_review = "ineligible"
    again = drafted(bid.call, [Decision(bid, Kind.REJECTED, reasons=lambda: "Below the minimum.")])[0]

    assert "{review_until}" in once.body and "{review_until}" not in again.body
