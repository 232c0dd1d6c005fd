"""The generic web: list, page, step, without script."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests import factories
from tests.errands.models import Errand
from tests.workflow import making

pytestmark = pytest.mark.django_db


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(errand, step="") -> str:
    return f"/workspace/errands/{errand.pk}/" + (f"{step}/" if step else "")


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, name
    return found[1]


def test_list_and_page_show_the_one_step():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    client = signed_in(runner)
    assert "fetch bread" in client.get("/workspace/errands/").content.decode()
    text = client.get(page(errand)).content.decode()
    assert "Begin" in text and "On its way" in text and "Give errand" in text


def test_a_step_by_post_is_one_act():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    client = signed_in(runner)
    text = client.get(page(errand, "begin")).content.decode()
    body = {name: hidden(text, name) for name in ("_version", "_token")}
    first = client.post(page(errand, "begin"), body)
    again = client.post(page(errand, "begin"), body)
    assert (first.status_code, again.status_code) == (302, 302)
    assert Errand.objects.get().version == 2


def test_nothing_typed_is_lost_and_the_error_names_its_field():
    giver, runner = making.people()
    client = signed_in(giver)
    body = {
        "runner": str(runner.pk),
        "what": "",
        "stops-TOTAL_FORMS": "2",
        "stops-0-place": "Baker",
        "stops-0-minutes": "0",
    }
    making.errand(giver, runner)
    answer = client.post("/workspace/errands/new/give/", body)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'value="Baker"' in text and "This field is required." in text and "greater than or equal to 1" in text
    assert Errand.objects.count() == 1
    more = client.post("/workspace/errands/new/give/", body | {"add-stops": "1"})
    assert more.status_code == 200 and "stops-1-place" in more.content.decode()


def test_a_stale_page_shows_both_versions():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    client = signed_in(giver)
    old = client.get(page(errand, "edit")).content.decode()
    errand.perform("edit", by=giver, what="their cake")
    answer = client.post(page(errand, "edit"), {"what": "my pie", "_version": hidden(old, "_version"), "_token": "t"})
    text = answer.content.decode()
    assert answer.status_code == 409 and "their cake" in text and "my pie" in text
    assert Errand.objects.get().what == "their cake"


def test_a_blocked_step_says_why_and_is_refused_by_the_server():
    giver, runner = making.people()
    errand = making.errand(giver, runner, what="rain")
    client = signed_in(runner)
    assert "Take an umbrella first." in client.get(page(errand)).content.decode()
    answer = client.post(page(errand, "begin"), {})
    assert answer.status_code == 409 and "Take an umbrella first." in answer.content.decode()


def test_what_may_not_be_seen_is_not_there():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    stranger = signed_in(factories.person())
    assert stranger.get(page(errand)).status_code == 404
    assert stranger.get(page(errand, "begin")).status_code == 404
    assert stranger.post(page(errand, "begin")).status_code == 404
    assert "fetch bread" not in stranger.get("/workspace/errands/").content.decode()
    assert signed_in(giver).get(page(errand, "begin")).status_code == 403
    assert Client().get(page(errand)).status_code == 302
    assert stranger.get("/workspace/nothing/").status_code == 404
    assert signed_in(giver).get(page(errand, "nothing")).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_pages_cost_the_same_at_any_size(rows, django_assert_num_queries):
    giver, runner = making.people()
    made = [making.errand(giver, runner) for _ in range(rows)]
    client = signed_in(runner)
    client.get("/workspace/errands/")
    with django_assert_num_queries(5):  # session, person, rows, roles, unread notices
        client.get("/workspace/errands/")
    with django_assert_num_queries(7):  # session, person, record, timeline, due, roles, unread notices
        client.get(page(made[0]))
