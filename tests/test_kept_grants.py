"""Grants that are read once per request say of every row what the database itself says."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from facility.asked import own_question
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.roles import held, office
from facility.workflow import door, roles
from facility.workflow.engine import all_records
from facility.workflow.steps import NOBODY, NotAllowed, NotFound, Who
from tests import factories as make
from tests.world import World, build

MODELS = [model for model in all_records() if model._meta.app_label != "tests"]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock(), transaction.atomic():
        made = build()
        yield made
        transaction.set_rollback(True)


def told(model, person):
    """Of every row: whether the person sees it, which face, and which steps are theirs."""
    rows = model.objects.with_faces(person).with_offers(person)
    seen = set(model.objects.visible_to(person).values_list("pk", flat=True))
    waits = set(model.objects.waiting_on(person).values_list("pk", flat=True))
    steps = [f"_may_{name}" for name, step in model.steps().items() if not step.creates()]
    return {
        row.pk: (row.pk in seen, row.pk in waits, row.face, *(name for name in steps if getattr(row, name)))
        for row in rows
    }


def differences(world, model):
    found = {}
    for name, person in world.people.items():
        anew = told(model, person)
        with roles.keeping():
            if told(model, person) != anew:
                found[name] = anew
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_kept_grants_say_what_the_database_says(world, model, django_db_blocker):
    with django_db_blocker.unblock():
        assert differences(world, model) == {}


def test_control_a_rule_that_names_too_few_roles_is_found(world, django_db_blocker, monkeypatch):
    model = next(one for one in MODELS if one.__name__ == "Application")
    careless = Who("office", office.q, frozenset({"lead"}))
    monkeypatch.setattr(type(model.objects.none()), "waiting_on", lambda rows, person: rows.filter(careless.q(person)))
    with django_db_blocker.unblock():
        assert set(differences(world, model)) == {"coordinator"}


def leaves(who: Who) -> list[Who]:
    return [one for part in who.parts for one in leaves(part)] if who.parts else [who]


def asks_of_rows(model, who: Who, person) -> bool:
    """Whether the rule has to look at rows for somebody who holds no role at all."""
    try:
        model.objects.filter(who.rule(person)).query.sql_with_params()
    except EmptyResultSet:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_a_rule_of_roles_is_nobody_s_without_a_role(model):
    """A rule that also reads the record would shut out whoever has no role (any more): such a one is `by_record`."""
    everybody = [model.visible(), *(step.who for step in model.steps().values())]
    found = {id(one.rule): one for each in everybody for one in leaves(each) if one.roles}.values()
    with roles.keeping():
        person = make.person()
        assert {who.name: asks_of_rows(model, who, person) for who in found} == {
            who.name: who.by_record for who in found
        }


@pytest.mark.django_db
def test_whoever_lost_the_role_keeps_what_the_record_itself_gives():
    person = make.person()
    with roles.keeping():
        assert office.q(person) is NOBODY
        assert own_question.q(person) is not NOBODY


@pytest.mark.django_db
def test_a_request_reads_the_grants_once_and_knows_a_role_that_it_gives():
    programme = make.programme()
    person, lead = make.person(), make.staff("lead", programme)
    with roles.keeping():
        with CaptureQueriesContext(connection) as queries:
            assert held(person, "coordinator") == [] and not person.roles_held() and held(person, "lead") == []
        assert len(queries) == 1
        given = {"role": "coordinator", "scope_type": "programme", "scope_key": str(programme.pk)}
        made = Grant().perform("give", by=lead, person=person, programme=programme, **given)
        assert Person.objects.get(pk=person.pk).roles_held() == {"coordinator"}
        assert held(person, "coordinator") == [programme.pk]
        made.perform("revoke", by=lead, reason="Left the office.")
        assert held(person, "coordinator") == []


def published_after_the_role_ended():
    """A request that has read the grants, whose role ends elsewhere, and that then takes a step."""
    programme = make.programme()
    coordinator, lead = make.staff("coordinator", programme), make.staff("lead", programme)
    call = make.call(programme, coordinator, open_now=False)
    with roles.keeping():
        assert coordinator.roles_held() == {"coordinator"}
        with roles.asked_anew():  # as in another process
            Grant.objects.get(person=coordinator).perform("revoke", by=lead, reason="Left the office.")
        return call.perform("publish", by=coordinator)


@pytest.mark.django_db
def test_the_door_asks_anew_when_a_role_ends_in_the_middle_of_a_request():
    with pytest.raises((NotAllowed, NotFound)):
        published_after_the_role_ended()


@pytest.mark.django_db
def test_control_a_door_that_goes_by_kept_grants_lets_it_pass(monkeypatch):
    monkeypatch.setattr(door.roles, "asked_anew", nullcontext)
    monkeypatch.setattr(door.roles, "forget", lambda: None)
    assert published_after_the_role_ended().state == "announced"
