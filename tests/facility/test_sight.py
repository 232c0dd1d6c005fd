"""What each face may read on pages, in lists, in forms and by the order of a list."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from facility.application import Application
from facility.call import Call
from facility.registry.conflicts import Conflict
from facility.registry.documents import Document
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.workflow.engine import by_plural
from facility.workflow.steps import SYSTEM, Invalid
from facility.workflow.trail import Detail
from tests import factories as make
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def scene():
    """A programme with its staff, a coordinator of another one, and somebody without any role."""

    programme = make.programme()
    staff = {role: make.staff(role, programme) for role in ("lead", "coordinator", "observer")}
    foreign = make.staff("coordinator", make.programme())
    return SimpleNamespace(programme=programme, **staff, foreign=foreign, nobody=make.person())


def on_the_public_list(scene):
    """An application with its manager, selected and released."""
    call = make.call(scene.programme, scene.coordinator)
    application = make.evaluated(call, scene.coordinator, make.staff("evaluator", scene.programme))
    with time_machine.travel(call.closes_at, tick=False):
        call.perform("close", by=SYSTEM)
    make.released(call, scene.coordinator, scene.lead)
    return Application.objects.get(pk=application.pk), application.managers().get()


# -- columns and facts


def test_pages_show_no_column_that_the_shape_gives_to_others_only(scene):
    application, manager = on_the_public_list(scene)
    page = f"/workspace/applications/{application.pk}/"
    reads = {}
    for name, person in (("staff", scene.coordinator), ("manager", manager), ("nobody", scene.nobody)):
        facts = [fact["value"] for fact in signed_in(person).get(page).context["facts"]]
        parts = [str(part["title"]) for part in signed_in(person).get(page).context["parts"]]
        row = signed_in(person).get("/workspace/applications/").context["rows"][0]
        reads[name] = (
            application.motivation in facts,
            "Needs" in parts,
            row["facts"][-2]["value"] != "",  # submitted
            row["facts"][-1]["value"] != "",  # score
        )
    assert reads == {
        "staff": (True, True, True, True),
        "manager": (True, True, True, False),
        "nobody": (False, False, False, False),
    }


def test_the_order_of_a_list_tells_no_score(scene):
    _application, manager = on_the_public_list(scene)

    def found(client, **query):
        return len(client.get("/api/applications/", query).json()["results"])

    for client in (Client(), signed_in(manager)):
        assert found(client) == found(client, ordering="number") == 1
        assert found(client, ordering="-score") == 0
    assert found(signed_in(scene.lead), ordering="-score") == 1


def test_a_draft_call_is_the_programme_s_own(scene):
    make.call(scene.programme, scene.coordinator, open_now=False)
    assert not Call.objects.visible_to(scene.nobody).exists()
    assert not Call.objects.visible_to(scene.foreign).exists()
    assert Call.objects.visible_to(scene.coordinator).exists()


# -- documents


def test_documents_are_read_in_their_programme_and_cvs_by_the_office_only(scene):
    cv = matching.received(scene.programme, scene.coordinator).document
    assert cv.audience == "cv"
    paper = received(scene.lead, programme=str(scene.programme.pk))
    seen = {
        name: set(Document.objects.visible_to(getattr(scene, name)))
        for name in ("lead", "coordinator", "observer", "foreign", "nobody")
    }
    assert seen["lead"] == seen["coordinator"] == {cv, paper}
    assert seen["observer"] == {paper}
    assert seen["foreign"] == seen["nobody"] == set()


def received(by, **data):
    file = SimpleUploadedFile("note.txt", b"A note.")
    return Document().perform("receive", by=by, files={"file": file}, **{"audience": "owner", **data})


def test_files_are_put_before_others_only_where_one_works(scene):
    with pytest.raises(Invalid):
        received(scene.nobody, programme=str(scene.programme.pk), audience="programme")
    with pytest.raises(Invalid):
        received(scene.foreign, programme=str(scene.programme.pk), audience="programme")
    with pytest.raises(Invalid):
        received(scene.lead, programme=str(scene.programme.pk), audience="cv")
    assert received(scene.lead, programme=str(scene.programme.pk), audience="programme").state == "received"


# -- people in forms


def test_the_form_of_conflicts_offers_no_list_of_all_people(scene):
    evaluator = make.staff("evaluator", scene.programme)
    names = {
        person: {one.pk for one in Conflict().form_for(Conflict.step("declare"), by=person).fields["person"].queryset}
        for person in (evaluator, scene.coordinator, scene.foreign)
    }
    assert names[evaluator] == {evaluator.pk}
    assert evaluator.pk in names[scene.coordinator] and evaluator.pk not in names[scene.foreign]


@pytest.mark.parametrize(
    ("records", "step"),
    [
        ("grants", "give"),
        ("advisors", "create"),
        ("evaluations", "assign"),
        ("match-runs", "request"),
        ("calls", "create"),
    ],
)
def test_a_form_is_shown_only_to_whoever_could_take_its_step(scene, records, step):
    page = f"/workspace/{records}/new/{step}/"
    assert signed_in(scene.nobody).get(page).status_code == 403
    assert signed_in(scene.coordinator).get(page).status_code == 200
    assert by_plural(records).step(step).creates()


# -- grants


def give(by, programme, **data):
    values = {"role": "evaluator", "scope_type": "programme", "programme": str(programme.pk), **data}
    return Grant().perform("give", by=by, **values)


def test_nobody_gives_themselves_a_role(scene):
    for who in ({"person": str(scene.coordinator.pk)}, {"email": scene.coordinator.email.upper(), "name": "I"}):
        with pytest.raises(Invalid) as refused:
            give(scene.coordinator, scene.programme, **who)
        assert "person" in refused.value.errors


def test_a_role_is_given_for_what_belongs_to_the_programme(scene):
    other = make.programme()
    call = make.call(other, make.staff("coordinator", other))
    application = make.draft(call, make.manager_of(cluster := make.cluster("ES")), cluster)
    assert isinstance(application, Application)
    friend = make.person()
    for scope, record in (("application", application), ("call", call)):
        with pytest.raises(Invalid) as refused:
            give(scene.coordinator, scene.programme, person=str(friend.pk), scope_type=scope, scope_key=str(record.pk))
        assert "scope_key" in refused.value.errors


def test_a_refused_grant_makes_no_account(scene):
    with pytest.raises(Invalid):
        give(scene.nobody, scene.programme, email="new@example.org", name="New")
    form = Grant().form_for(
        Grant.step("give"),
        by=scene.coordinator,
        raw={"email": "new@example.org", "name": "New", "role": "evaluator", "scope_type": "programme"}
        | {"programme": str(scene.programme.pk)},
    )
    with CaptureQueriesContext(connection) as asked:
        assert form.is_valid()
    assert not [one for one in asked if one["sql"].startswith("INSERT")]
    assert not Person.objects.filter(email="new@example.org").exists()
    made = give(scene.coordinator, scene.programme, email="New@example.org", name="New")
    assert made.person.email == "new@example.org"


def test_the_trail_of_a_grant_holds_no_address(scene):
    made = give(scene.coordinator, scene.programme, email="new@example.org", name="New")
    assert "example.org" not in str(Detail.objects.get(entry__record_id=made.pk).changes)


def test_what_is_there_is_refused_in_words(scene):
    friend, cluster = make.person(), make.cluster("ES")
    give(scene.coordinator, scene.programme, person=str(friend.pk))
    with pytest.raises(Invalid) as refused:
        give(scene.coordinator, scene.programme, person=str(friend.pk))
    assert "role" in refused.value.errors
    tie = {"person": str(friend.pk), "cluster": str(cluster.pk), "kind": "other"}
    Conflict().perform("declare", by=scene.coordinator, **tie)
    with pytest.raises(Invalid) as refused:
        Conflict().perform("declare", by=friend, **tie)
    assert "cluster" in refused.value.errors
