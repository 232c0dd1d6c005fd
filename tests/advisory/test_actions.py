"""Actions: tied to a need, with form, place in the toolkit, owner and date, and done only with proof."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from advisory.action import Action
from facility.workflow import tasks
from facility.workflow.clock import Timer
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


@pytest.mark.row("F12")
def test_an_action_without_a_need_or_with_anothers_is_refused():
    case, other = support.cases(2)
    for one in (case, other):
        support.kicked_off(one)
        support.agreed(one)
    for need in ("", str(other.project.needs.first().pk)):
        with pytest.raises(Invalid) as refused:
            support.action(case, need=need)
        assert list(refused.value.errors) == ["need"]
    made = support.action(case)
    assert made.project == made.need.project == case.project


@pytest.mark.row("F15", "F16")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("forms", []),
        ("forms", ["lecture"]),
        ("cells", ["green.innovation.cooking"]),
        ("cells", []),
        ("mode", "none"),
        ("aim", ""),
        ("owner", ""),
        ("due_on", ""),
    ],
)
def test_what_an_action_must_say(field, value):
    case = support.case("planning")
    with pytest.raises(Invalid) as refused:
        support.action(case, **{field: value})
    assert list(refused.value.errors) == [field]


def test_the_owner_works_on_the_project():
    case = support.case("planning")
    with pytest.raises(Invalid):
        support.action(case, owner=str(make.person().pk))
    made = support.action(case, owner=str(case.manager.pk))
    assert case.manager.notices.filter(key__startswith="An action is yours").exists()
    assert made.owner == case.manager


@pytest.mark.row("F15")
def test_done_requires_a_session_or_a_document():
    case = support.case("in_support")
    proven_by_session, proven_by_document = support.action(case), support.action(case)
    for one in (proven_by_session, proven_by_document):
        one.perform("begin", by=case.adviser)
        with pytest.raises(Blocked) as refused:
            one.perform("finish", by=case.adviser)
        assert refused.value.sentences == ["Log a session for this action, or attach the document that proves it."]
    session = support.session(case, actions=[str(proven_by_session.pk)])
    assert session.cells == [support.CELL]
    proven_by_session.perform("finish", by=case.adviser)
    proven_by_document.perform("prove", by=case.adviser, document=str(support.document(case).pk))
    proven_by_document.perform("finish", by=case.adviser)
    assert set(
        Action.objects.filter(pk__in=[proven_by_session.pk, proven_by_document.pk]).values_list("state", flat=True)
    ) == {"done"}


@pytest.mark.row("F15")
def test_a_disputed_session_proves_nothing():
    case = support.case("in_support")
    action = support.action(case)
    action.perform("begin", by=case.adviser)
    support.session(case, actions=[str(action.pk)]).perform("dispute", by=case.manager, wrong="not_held", reason="No.")
    with pytest.raises(Blocked):
        action.perform("finish", by=case.adviser)


def test_a_document_of_another_project_proves_nothing():
    case, other = support.cases(2)
    support.kicked_off(case)
    support.agreed(case)
    action = support.action(case)
    with pytest.raises(Invalid):
        action.perform("prove", by=case.adviser, document=str(support.document(other).pk))


def test_dropping_needs_a_reason_and_rests_while_the_project_does():
    case = support.case("planning")
    action = support.action(case)
    with pytest.raises(Invalid):
        action.perform("drop", by=case.adviser)
    case.project.perform("pause", by=case.coordinator, reason="Summer.")
    with pytest.raises(Blocked) as refused:
        action.perform("begin", by=case.adviser)
    assert refused.value.sentences == ["The project is not running."]
    action.perform("drop", by=case.adviser, reason="Too dear.")
    assert action.state == "dropped"


def test_managers_read_and_strangers_do_not_know():
    case, other = support.cases(2)
    support.kicked_off(case)
    support.agreed(case)
    action = support.action(case)
    with pytest.raises(NotAllowed):
        action.perform("begin", by=case.manager)
    with pytest.raises(NotFound):
        action.perform("begin", by=other.adviser)


def test_an_overdue_action_is_told_to_its_owner_once():
    case = support.case("planning")
    action = support.action(case, due_on=timezone.now().date() + dt.timedelta(days=10))
    assert Timer.objects.get(record_id=action.pk).due_at.date() == action.due_on
    with time_machine.travel(timezone.now() + dt.timedelta(days=11), tick=False):
        for _time in range(4):
            tasks.tick()
    told = Notice.objects.filter(record_id=action.pk, to=case.adviser).values_list("key", flat=True)
    assert sum(key.startswith("Overdue") for key in told) == 1


@pytest.mark.parametrize("path", ["/workspace/actions/", "/api/actions/"])
def test_lists_take_as_many_statements_for_three_as_for_one(client, path):
    case = support.case("planning")
    support.action(case)
    client.force_login(case.coordinator)
    one = matching.statements(client, path)
    for _number in range(2):
        support.action(case)
    assert matching.statements(client, path) == one
