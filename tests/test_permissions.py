"""Who may: every step of every record, from every source, for everybody. A step without a row here fails the suite.

The row names the people of `tests/world.py` who may take the step; nobody else may, from no state.
"""

from __future__ import annotations

import pytest
from django.db import transaction

from facility.call import Call
from facility.registry.organisation import Organisation
from facility.workflow import door
from facility.workflow.engine import all_records
from facility.workflow.steps import NotAllowed, NotFound, PastTheDoor, Who
from tests.matrix import MAY
from tests.world import World, build
from webinars.webinar import Webinar

STEPS = [
    (model._meta.label_lower, name)
    for model in all_records()
    for name in model.steps()
    if model._meta.app_label != "tests"
]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    """One world for all rows; it is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = build()
        yield made
        transaction.set_rollback(True)


def allowed(record, name, person) -> bool:
    """Whether the door lets the person as far as the guards and the form."""
    step = type(record).step(name)
    if step.creates():
        return type(record)._base_manager.filter(pk=record.pk).filter(step.who.q(person)).exists()
    try:
        with transaction.atomic():
            record.perform(name, by=person)
            transaction.set_rollback(True)
    except (NotAllowed, NotFound):
        return False
    except Exception:  # the permission is asked first: whatever comes after it was let in
        return True
    return True


def test_the_matrix_has_a_row_for_every_step_and_no_other():
    assert sorted(STEPS) == sorted(MAY)


@pytest.mark.row("F03")
@pytest.mark.parametrize(("label", "name"), STEPS)
def test_only_listed_people_may_take_the_step(world, label, name, django_db_blocker):
    record = world.records[label]
    step = type(record).step(name)
    with django_db_blocker.unblock():
        for source in step.sources:
            with transaction.atomic():
                if type(record).has_states() and not step.creates():
                    type(record)._base_manager.filter(pk=record.pk).update(**in_state(record, source))
                fresh = type(record)._base_manager.get(pk=record.pk)
                may = {who for who, person in world.people.items() if allowed(fresh, name, person)}
                transaction.set_rollback(True)
            assert may == MAY[label, name], f"{label}.{name} from {source}"


def call_of(record):
    """The call of the record's programme."""
    return Call.objects.filter(programme_id=getattr(record, "programme_id", None)).values_list("pk", flat=True).first()


def in_state(record, source):
    """The columns of a state, as far as the table demands that they go together."""
    goes_with = {
        "facility.application": {"place": 1 if source == "selected" else None},
        "facility.asked": {
            "number": 1 if source == "published" else None,
            "published_at": getattr(record, "asked_at", None) if source == "published" else None,
        },
        "advisory.project": {"final_note": "It is done."},
        "advisory.assignment": {"has_signed_terms": source != "accepted"},
        "advisory.agreement": dict.fromkeys(("advisor_has_signed", "manager_has_signed"), source != "open"),
        "advisory.need": {"end_status": "open"},
        "advisory.supportsession": {"confirmed_by_id": getattr(record, "logged_by_id", None)},
        "webinars.registration": {"minutes": 1 if source == "attended" else None},
        # Announced, it is one that everybody may come to.
        "webinars.webinar": {"kind": "information", "call_id": call_of(record)} if source == "announced" else {},
        "webinars.topic": {
            "webinar_id": Webinar.objects.values_list("pk", flat=True).first(),
            "merged_into_id": record.pk,
        },
    }
    return {"state": source} | goes_with.get(record._meta.label_lower, {})


def test_control_a_rule_that_lets_everybody_in_is_noticed(world, monkeypatch, django_db_blocker):
    """Shows that the test above looks: with the rule broken the set of people differs."""
    from facility.roles import signed_in

    record = world.records["facility.call"]
    broken = dict(type(record).steps())
    import dataclasses

    broken["publish"] = dataclasses.replace(broken["publish"], who=signed_in)
    monkeypatch.setattr(type(record), "_steps", broken)
    with django_db_blocker.unblock(), transaction.atomic():
        type(record)._base_manager.filter(pk=record.pk).update(state="draft")
        may = {who for who, person in world.people.items() if allowed(record, "publish", person)}
        transaction.set_rollback(True)
    assert may != MAY["facility.call", "publish"]


def makes_a_firm(world, who):
    """An organisation: made as a consequence of other steps, and by some people as a step of its own."""
    values = {"name": "Own", "kind": "firm", "size": "small", "cluster": world.records["facility.cluster"]}
    with transaction.atomic():
        Organisation().perform("create", by=world.people[who], **values)
        transaction.set_rollback(True)


def test_what_may_follow_from_other_steps_asks_for_permission_when_taken_first(world, django_db_blocker):
    with django_db_blocker.unblock():
        makes_a_firm(world, "manager")
        with pytest.raises(NotAllowed):
            makes_a_firm(world, "nobody")


def test_control_taken_for_a_consequence_it_asks_for_none(world, django_db_blocker, monkeypatch):
    monkeypatch.setattr(door._Run, "__post_init__", lambda self: setattr(self, "is_consequence", True))
    with django_db_blocker.unblock():
        makes_a_firm(world, "nobody")


@pytest.mark.parametrize(("label", "name"), STEPS)
def test_a_forged_call_past_the_door_raises(world, label, name, django_db_blocker):
    record = world.records[label]
    with pytest.raises(PastTheDoor), django_db_blocker.unblock():
        getattr(record, name)(by=world.people["lead"])


def test_every_rule_has_a_name():
    for model in all_records():
        for step in model.steps().values():
            assert isinstance(step.who, Who) and all(step.who.names())
