"""Nothing slips in: a member that a step's form does not have is refused, and nothing has changed then."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client

from facility.registry.grants import Role
from facility.workflow.engine import all_records
from facility.workflow.trail import Entry
from tests.world import World, build

MODELS = [model for model in all_records() if model.records and model._meta.app_label != "tests"]
EVERY_ROLE = frozenset(Role.values)
# What only the system or another step takes has no address.
STEPS = [
    (model, name)
    for model in MODELS
    for name, step in model.steps().items()
    if not step.quiet and step.who.could(EVERY_ROLE)
]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    """One world for all steps; it is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = build()
        yield made
        transaction.set_rollback(True)


def whoever_may(world, record, step):
    """Somebody of the world who may take the step on this record, in some state."""
    for person in world.people.values():
        if getattr(person, "pk", None) and type(record)._base_manager.filter(step.who.q(person), pk=record.pk).exists():
            return person
    return None


@pytest.mark.parametrize(("model", "name"), STEPS, ids=[f"{m._meta.label_lower}.{name}" for m, name in STEPS])
def test_no_column_can_be_set_beside_the_form(world, model, name, django_db_blocker):
    step = model.step(name)
    with django_db_blocker.unblock(), transaction.atomic():
        record = world.records[model._meta.label_lower]
        if not step.creates() and record.state not in step.sources:
            model._base_manager.filter(pk=record.pk).update(**goes_with(model, step.sources[0]))
        person = whoever_may(world, record, step)
        assert person is not None
        client = Client()
        client.force_login(person)
        own = {field for field in (record.form_for(step, by=person) or type("No", (), {"fields": {}})).fields}
        columns = [f.attname for f in model._meta.concrete_fields] + [f.name for f in model._meta.fields]
        others = sorted(set(columns) - own)
        entries = Entry.objects.count()
        before = model._base_manager.filter(pk=record.pk).values().get()
        where = f"/api/{model.records}/" if step.creates() else f"/api/{model.records}/{record.pk}/perform/{name}/"
        answer = client.post(
            where, dict.fromkeys(others, "slipped in"), content_type="application/json", HTTP_IF_MATCH="*"
        )
        assert answer.status_code in {400, 409}, answer.content
        said = answer.content.decode() if answer.status_code == 400 else by_form(record, step, person, others)
        assert [word for word in others if word not in said] == []
        assert Entry.objects.count() == entries
        assert model._base_manager.filter(pk=record.pk).values().get() == before
        transaction.set_rollback(True)


def by_form(record, step, person, others):
    """What the form says where a guard speaks first."""
    form = record.form_for(step, by=person, raw=dict.fromkeys(others, "slipped in"))
    return str(form.flat_errors()) if form else str(others)  # without a form the door itself takes nothing


def goes_with(model, state):
    from tests.test_permissions import in_state

    return in_state(model.objects.first(), state)
