"""The door: one way in, and nothing written when it stays shut."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from facility.workflow import trail
from facility.workflow.clock import Timer
from facility.workflow.engine import Record, all_records, perform_many
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound, PastTheDoor, Stale
from tests import factories
from tests.errands.models import Errand, Stop
from tests.workflow import making

database = pytest.mark.django_db


def entries(record):
    return list(trail.Entry.objects.filter(record_id=record.pk).order_by("number"))


def immediate():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@database
def test_a_step_changes_records_notifies_and_queues():
    giver, runner = making.people()
    errand = making.errand(giver, runner, stops=[{"place": "Baker", "minutes": 5}])
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    immediate()
    assert errand.state == "done" and errand.version == 3
    assert [(e.step, e.from_state, e.to_state, e.actor) for e in entries(errand)] == [
        ("give", "new", "given", giver),
        ("begin", "given", "running", runner),
        ("finish", "running", "done", runner),
    ]
    notice = trail.Notice.objects.get(to=giver)
    assert notice.text() == "The errand fetch bread is done."
    assert Job.objects.get(record_id=errand.pk).name == "tests.thank"
    assert trail.verify(all_records()) == []


@database
def test_the_caller_holds_what_was_written():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    again = Errand.objects.get(pk=errand.pk)
    again.perform("begin", by=runner)
    assert again.state == "running" and again.version == 2


@database
def test_a_step_past_the_door_raises():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    with pytest.raises(PastTheDoor):
        errand.begin(by=runner)
    with pytest.raises(PastTheDoor):
        errand.save()
    with pytest.raises(PastTheDoor):
        errand.delete()
    with pytest.raises(PastTheDoor):
        Errand.objects.filter(pk=errand.pk).update(what="forged")
    with pytest.raises(PastTheDoor):
        Errand.objects.all().delete()
    with pytest.raises(PastTheDoor):
        Stop(errand=errand, order=1, place="x", minutes=1).save()
    assert Errand.objects.get(pk=errand.pk).state == "given"


@database
def test_the_database_refuses_a_state_that_no_step_made():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    immediate()
    for sql in (
        "UPDATE tests_errand SET state = 'done' WHERE id = %s",
        "UPDATE tests_errand SET state = 'done', version = version + 1 WHERE id = %s",
        "UPDATE tests_errand SET what = 'forged' WHERE id = %s",
    ):
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT s")
            with pytest.raises(IntegrityError):
                cursor.execute(sql, [errand.pk])
            cursor.execute("ROLLBACK TO s")


def test_control_without_the_trigger_the_forged_state_stands(committed, owner):
    """Shows that the refusal above comes from the trigger and from nothing else."""
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    owner.execute("ALTER TABLE tests_errand DISABLE TRIGGER workflow_version")
    try:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tests_errand SET state = 'done' WHERE id = %s", [errand.pk])
        assert Errand.objects.get(pk=errand.pk).state == "done"
    finally:
        owner.execute("ALTER TABLE tests_errand ENABLE TRIGGER workflow_version")


@database
def test_refusals_write_nothing():
    giver, runner = making.people()
    stranger = factories.person()
    errand = making.errand(giver, runner, what="fetch bread in the rain")
    before = trail.Entry.objects.count()
    with pytest.raises(Blocked) as blocked:
        errand.perform("begin", by=runner)
    assert blocked.value.sentences == ["Take an umbrella first."]
    with pytest.raises(Blocked, match="possible only from Running"):
        errand.perform("finish", by=runner)
    with pytest.raises(NotAllowed):
        errand.perform("begin", by=giver)
    with pytest.raises(NotFound):
        errand.perform("begin", by=stranger)
    with pytest.raises(NotFound):
        errand.perform("begin", by=SYSTEM)
    with pytest.raises(Stale):
        errand.perform("edit", by=giver, expected=7, what="else")
    with pytest.raises(Invalid) as invalid:
        errand.perform("edit", by=giver, what="", colour="red")
    assert set(invalid.value.errors) == {"what", ""}
    assert trail.Entry.objects.count() == before
    assert Errand.objects.get(pk=errand.pk).version == 1


@database
def test_nested_rows_name_their_errors_by_path():
    giver, runner = making.people()
    with pytest.raises(Invalid) as invalid:
        making.errand(giver, runner, stops=[{"place": "Baker", "minutes": 5}, {"place": "", "minutes": 0, "x": 1}])
    assert set(invalid.value.errors) == {"stops[1].place", "stops[1].minutes", "stops[1].x"}
    with pytest.raises(Invalid) as invalid:
        making.errand(giver, runner, stops=[{"place": "a", "minutes": 1}] * 4)
    assert set(invalid.value.errors) == {"stops"}
    assert Errand.objects.count() == 0


@database
def test_many_in_a_constant_number_of_statements(django_assert_num_queries):
    giver, runner = making.people()
    few = [making.errand(giver, runner) for _ in range(3)]
    many = [making.errand(giver, runner) for _ in range(30)]
    with django_assert_num_queries(8):
        perform_many(few, "begin", by=runner)
    with django_assert_num_queries(8):
        perform_many(many, "begin", by=runner)
    assert {e.state for e in Errand.objects.all()} == {"running"}
    immediate()


@database
def test_all_or_none():
    giver, runner = making.people()
    good, bad = making.errand(giver, runner), making.errand(giver, runner, what="rain")
    with pytest.raises(Blocked):
        perform_many([good, bad], "begin", by=runner)
    assert {e.state for e in Errand.objects.all()} == {"given"}


@database
def test_one_step_costs_few_statements(django_assert_num_queries):
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    with django_assert_num_queries(8):  # savepoint, lock, update, entry, detail, timers away and new, release
        errand.perform("begin", by=runner)


@database
def test_children_carry_their_cause():
    giver, runner = making.people()
    parent = making.errand(giver, runner)
    child = making.errand(giver, runner, parent=str(parent.pk))
    for one in (parent, child):
        one.perform("begin", by=runner)
    parent.perform("finish", by=runner)
    caused = entries(child)[-1]
    assert caused.step == "finish"
    assert caused.caused_by_id == entries(parent)[-1].pk


@database
def test_offers_and_waiting_follow_from_the_same_rules():
    giver, runner = making.people()
    stranger = factories.person()
    errand = making.errand(giver, runner, what="rain")
    assert [(o.step.name, o.blocked_by) for o in errand.steps_for(runner)] == [("begin", ("Take an umbrella first.",))]
    assert [o.step.name for o in errand.steps_for(giver)] == ["edit"]
    assert errand.steps_for(stranger) == []
    assert list(Errand.objects.waiting_on(runner)) == [errand]
    assert list(Errand.objects.waiting_on(giver)) == []
    assert list(Errand.objects.visible_to(stranger)) == []
    assert list(Errand.objects.visible_to(None)) == []


@database
def test_timers_come_and_go_with_the_state():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    assert Timer.objects.filter(record_id=errand.pk, state="given").count() == 1
    errand.perform("begin", by=runner)
    assert [t.state for t in Timer.objects.filter(record_id=errand.pk)] == ["running"]
    errand.perform("finish", by=runner)
    assert not Timer.objects.filter(record_id=errand.pk).exists()


def test_every_source_is_listed():
    for model in all_records():
        for step in model.steps().values():
            assert "*" not in step.sources and "+" not in step.sources, f"{model.__name__}.{step.name}"


def test_every_record_has_a_plural_of_its_own():
    plurals = [model.records for model in all_records()]
    assert all(plurals) and len(set(plurals)) == len(plurals)
    assert all(issubclass(model, Record) for model in all_records())
