"""Criteria of a call: their scale, what its points mean, and the points that are needed."""

from decimal import Decimal

import pytest

from facility.evaluation import Evaluation
from facility.workflow.steps import Invalid
from tests import factories as make

pytestmark = pytest.mark.django_db


def criterion(**more):
    return {"name": "Relevance", "weight": 100, "guidance": "", **more}


@pytest.fixture
def office():
    programme = make.programme()
    return programme, make.staff("coordinator", programme)


def judged(programme, coordinator, **fields):
    """An evaluation that has begun, in a call with these fields."""
    call = make.call(programme, coordinator, **fields)
    lead = make.cluster()
    manager, evaluator = make.manager_of(lead), make.staff("evaluator", programme)
    application = make.draft(call, manager, lead)
    application.perform("submit", by=manager)
    application.perform("declare_eligible", by=coordinator, answers=make.MET)
    made = Evaluation().perform("assign", by=coordinator, application=application, evaluator=evaluator)
    return made.perform("accept", by=evaluator), evaluator, call


def test_a_call_without_a_scale_of_its_own_is_scored_from_0_to_10(office):
    call = make.call(*office)

    assert call.scale == 10
    assert [(one.threshold, one.points) for one in call.criteria.all()] == [(None, []), (None, [])]


def test_full_points_on_any_scale_make_a_score_of_100(office):
    made, evaluator, call = judged(*office, scale=5)
    made.perform("submit", by=evaluator, scores=make.scores(call, 5), comment="Sound.")

    assert made.total == Decimal(100)


def test_more_points_than_the_scale_has_are_refused(office):
    made, evaluator, call = judged(*office, scale=5)
    with pytest.raises(Invalid, match="from 0 to 5"):
        made.perform("submit", by=evaluator, scores=make.scores(call, 6), comment="Sound.")


def test_the_review_offers_the_points_of_the_scale(office, client):
    made, evaluator, _call = judged(*office, scale=3)
    client.force_login(evaluator)
    html = client.get(made.get_absolute_url()).content.decode()

    assert 'name="scores-0-value" value="3"' in html
    assert 'name="scores-0-value" value="4"' not in html


def test_what_the_points_mean_is_written_in_lines_and_read_in_order(office):
    call = make.call(
        *office, criteria=[criterion(points="10: excellent\n\n0 – nothing said\r\n5 sufficient", threshold="4.5")]
    )

    (one,) = call.criteria.all()
    assert one.points == [
        {"points": 0, "means": "nothing said"},
        {"points": 5, "means": "sufficient"},
        {"points": 10, "means": "excellent"},
    ]
    assert one.threshold == Decimal("4.5")


@pytest.mark.parametrize(
    ("more", "path", "says"),
    [
        ({"points": "good"}, "criteria[0].points", "Begin each line with a point"),
        ({"points": "5 good\n5 better"}, "criteria[0].points", "stands here twice"),
        ({"points": "8 good"}, "criteria", "nothing lies above the highest score, which is 5"),
        ({"threshold": 6}, "criteria", "nothing lies above the highest score, which is 5"),
        ({"threshold": -1}, "criteria[0].threshold", "greater than or equal to 0"),
    ],
)
def test_points_off_the_scale_are_named(office, more, path, says):
    with pytest.raises(Invalid) as refused:
        make.call(*office, open_now=False, scale=5, criteria=[criterion(**more)])

    assert says in " ".join(refused.value.errors[path])


def test_editing_offers_the_lines_as_they_were_written(office, client):
    programme, coordinator = office
    call = make.call(programme, coordinator, open_now=False, criteria=[criterion(points="0 nothing\n5 sufficient")])
    client.force_login(coordinator)

    assert "0 nothing\n5 sufficient</textarea>" in client.get(f"{call.get_absolute_url()}edit/").content.decode()
