"""The evaluator's review: the declaration first, then the application beside the criteria, drafts, and the queue."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from facility.evaluation import Evaluation
from facility.registry.grants import Grant
from facility.workflow.clock import Timer
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotFound
from tests import factories as make

pytestmark = pytest.mark.django_db
SECRET = "A motivation that nobody reads before the declaration"


@pytest.fixture
def bids():
    """A call with two eligible applications, both assigned to one evaluator."""
    programme = make.programme()
    coordinator, evaluator = make.staff("coordinator", programme), make.staff("evaluator", programme)
    call = make.call(programme, coordinator)
    found = []
    for country in ("ES", "IT"):
        cluster = make.cluster(country)
        manager = make.manager_of(cluster)
        bid = make.draft(call, manager, cluster, motivation=SECRET)
        bid.perform("submit", by=manager)
        bid.perform("declare_eligible", by=coordinator, answers=make.MET)
        found.append(Evaluation().perform("assign", by=coordinator, application=bid, evaluator=evaluator))
    return found


def address(evaluation, step=""):
    return f"/workspace/evaluations/{evaluation.pk}/{f'{step}/' if step else ''}"


def posted(evaluation, values, comment="", **more):
    data = {"comment": comment, "scores-TOTAL_FORMS": len(values), "_version": evaluation.version, **more}
    for at, (criterion, value) in enumerate(
        zip(evaluation.application.call.criteria.order_by("order"), values, strict=True)
    ):
        given, said = value if isinstance(value, tuple) else (value, "Because.")
        data |= {f"scores-{at}-criterion": str(criterion.pk), f"scores-{at}-value": given, f"scores-{at}-comment": said}
    return data


def test_before_the_declaration_the_evaluator_sees_names_only(client, bids):
    first, _second = bids
    client.force_login(first.evaluator)
    html = client.get(address(first)).content.decode()

    assert first.application.lead_cluster.name in html
    assert "Before you read" in html
    assert SECRET not in html
    assert client.get(f"/workspace/applications/{first.application_id}/").status_code == 404
    assert client.get(f"/api/applications/{first.application_id}/").status_code == 404


def test_after_it_the_application_stands_beside_the_criteria(client, bids):
    first, _second = bids
    client.force_login(first.evaluator)
    answer = client.post(address(first, "accept"), {"_version": first.version})
    html = client.get(answer["Location"]).content.decode()

    assert answer["Location"] == address(first)
    assert SECRET in html
    assert html.count('type="radio"') == 2 * 11, "two criteria, from 0 to 10"
    assert client.get(f"/workspace/applications/{first.application_id}/").status_code == 200


def test_who_steps_back_reads_no_more(client, bids):
    first, second = bids
    client.force_login(first.evaluator)
    first.perform("accept", by=first.evaluator)
    answer = client.post(address(first, "recuse"), {"kind": "personal", "reason": "My sister works there."})

    assert answer["Location"] == address(second), "on to the next in the queue"
    assert client.get(f"/workspace/applications/{first.application_id}/").status_code == 404
    assert not Grant.objects.filter(scope_type="application", scope_key=first.application_id, until_at=None).exists()


def test_a_draft_keeps_what_is_there_and_leads_to_the_next(client, bids):
    first, second = bids
    first.perform("accept", by=first.evaluator)
    client.force_login(first.evaluator)
    answer = client.post(address(first, "save_draft"), posted(first, ["7", ("", "Still to weigh.")]))

    assert answer["Location"] == address(second)
    first.refresh_from_db()
    assert first.state == "in_progress"
    assert first.total is None
    kept = list(first.scores.order_by("criterion__order").values_list("value", "comment"))
    assert kept == [(Decimal("7.00"), "Because."), (None, "Still to weigh.")]
    html = client.get(address(first)).content.decode()
    assert 'name="scores-0-value" value="7.00" checked' in html
    assert "1 of 2 given" in html
    assert "42 of 60 points so far" in html
    assert "Still to weigh." in html


def test_a_draft_does_not_set_the_clock_back(bids):
    first, _second = bids
    first.perform("accept", by=first.evaluator)
    due = Timer.objects.get(record_id=first.pk).due_at
    with time_machine.travel(timezone.now() + dt.timedelta(days=3), tick=False):
        first.perform("save_draft", by=first.evaluator, scores=[], comment="Begun.")

    assert Timer.objects.get(record_id=first.pk).due_at == due


def test_only_whole_evaluations_are_submitted_and_nothing_typed_is_lost(client, bids):
    first, second = bids
    first.perform("accept", by=first.evaluator)
    client.force_login(first.evaluator)
    refused = client.post(
        address(first, "submit"), posted(first, ["7", ("", "Still to weigh.")], comment="Well written.")
    )
    html = refused.content.decode()

    assert refused.status_code == 400
    assert SECRET in html, "the application stays beside the form"
    assert "Scores, row 2: Score" in html
    assert "Still to weigh." in html
    assert "Well written." in html
    done = client.post(address(first, "submit"), posted(first, ["7", "5"], comment="Well written."))
    assert done["Location"] == address(second)
    first.refresh_from_db()
    assert (first.state, first.total) == ("submitted", Decimal("62.00"))


def test_after_the_last_one_the_queue_is_shown_as_done(client, bids):
    client.force_login(bids[0].evaluator)
    for one in bids:
        one.perform("accept", by=one.evaluator)
        answer = client.post(address(one, "submit"), posted(one, ["8", "8"], comment="Sound."))

    assert answer["Location"] == "/workspace/"
    assert "2 of 2 submitted" in client.get("/workspace/").content.decode()


def test_a_score_between_whole_numbers_stays_what_it_was(client, bids):
    first, _second = bids
    first.perform("accept", by=first.evaluator)
    criteria = first.application.call.criteria.order_by("order")
    first.perform("save_draft", by=first.evaluator, scores=[{"criterion": criteria[0].pk, "value": "7.5"}])
    client.force_login(first.evaluator)

    assert 'name="scores-0-value" value="7.50" checked' in client.get(address(first)).content.decode()


@pytest.mark.parametrize("value", ["10.01", "-1", "eleven"])
def test_a_draft_takes_no_score_off_the_scale(bids, value):
    first, _second = bids
    first.perform("accept", by=first.evaluator)
    criterion = first.application.call.criteria.first()

    with pytest.raises(Invalid) as refused:
        first.perform("save_draft", by=first.evaluator, scores=[{"criterion": criterion.pk, "value": value}])
    assert list(refused.value.errors) == ["scores[0].value"]


def test_a_draft_is_written_by_its_evaluator_and_only_while_in_progress(bids):
    first, _second = bids
    stranger = make.staff("evaluator", first.programme)
    with pytest.raises(NotFound):
        first.perform("save_draft", by=stranger, scores=[], comment="")
    with pytest.raises(Blocked):
        first.perform("save_draft", by=first.evaluator, scores=[], comment="")


def test_the_office_sees_facts_and_no_form_to_score(client, bids):
    first, _second = bids
    client.force_login(make.staff("coordinator", first.programme))
    html = client.get(address(first)).content.decode()

    assert "Before you read" not in html
    assert 'type="radio"' not in html


def test_the_review_asks_the_same_number_of_questions_however_long_the_queue(client, bids, django_assert_num_queries):
    first, _second = bids
    first.perform("accept", by=first.evaluator)
    client.force_login(first.evaluator)
    with django_assert_num_queries(QUERIES):
        client.get(address(first))
    for _ in range(2):
        cluster = make.cluster()
        manager, coordinator = make.manager_of(cluster), make.staff("coordinator", first.programme)
        bid = make.draft(first.application.call, manager, cluster)
        bid.perform("submit", by=manager)
        bid.perform("declare_eligible", by=coordinator, answers=make.MET)
        Evaluation().perform("assign", by=coordinator, application=bid, evaluator=first.evaluator)
    with django_assert_num_queries(QUERIES):
        client.get(address(first))


QUERIES = 14


def test_office_and_evaluator_read_the_answers_to_the_questions_of_the_call(client):
    programme = make.programme()
    coordinator, evaluator = make.staff("coordinator", programme), make.staff("evaluator", programme)
    points = [{"name": "Relevance", "weight": 100, "guidance": "", "points": "5 said, and not shown how"}]
    call = make.call(programme, coordinator, open_now=False, criteria=points)
    asked = {"key": "why", "kind": "text", "label": {"en": "Why now?"}}
    sections = [{"key": "plan", "title": {"en": "Your plan"}, "intro": {}, "questions": [asked]}]
    call.perform("write_questions", by=coordinator, sections=sections)
    call.perform("publish", by=coordinator).perform("open", by=SYSTEM)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    bid = make.draft(call, manager, cluster)
    make.typed(bid, manager, q_why="Steam leaks every winter.")
    bid.perform("submit", by=manager)
    client.force_login(coordinator)
    office = client.get(f"/workspace/applications/{bid.pk}/check_eligibility/").content.decode()
    bid.perform("declare_eligible", by=coordinator, answers=make.MET)
    made = Evaluation().perform("assign", by=coordinator, application=bid, evaluator=evaluator)
    client.force_login(evaluator)
    before = client.get(address(made)).content.decode()
    made.perform("accept", by=evaluator)
    after = client.get(address(made)).content.decode()

    assert "Why now?" in office and "Steam leaks every winter." in office
    assert "Steam leaks every winter." not in before
    assert "Why now?" in after and "Steam leaks every winter." in after
    assert "said, and not shown how" in after
