"""Input that cannot be is refused by naming its field; a conflict can be answered on the page itself."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories as make
from tests.errands.models import Errand
from tests.workflow import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    """(client of a coordinator, programme)"""
    programme = make.programme()
    client = Client()
    client.force_login(make.staff("coordinator", programme))
    return client, programme


def refused(client, records, **values):
    answer = client.post(f"/api/{records}/", values, content_type="application/json")
    assert answer.status_code == 400, answer.content
    return answer.json()["errors"]


CLUSTER = {"name": "Green", "lang": "en", "country": "ES", "sector": "textiles", "members_count": 4, "smes_count": 3}


@pytest.mark.parametrize("name", ["members_count", "smes_count"])
def test_a_number_that_its_column_cannot_hold(office, name):
    assert name in refused(office[0], "clusters", **CLUSTER | {name: 10**12})


@pytest.mark.parametrize("value", [True, 20270131, 1.5])
def test_a_date_that_is_no_text(office, value):
    client, programme = office
    assert "opens_at" in refused(client, "calls", programme=str(programme.pk), opens_at=value)


@pytest.mark.parametrize(
    "values",
    [
        {"role": "lead", "scope_type": "programme"},
        {"role": "manager", "scope_type": "cluster"},
        {"role": "advisor", "scope_type": "project"},
    ],
)
def test_a_role_that_one_may_not_give_or_that_is_for_nothing(office, values):
    client, programme = office
    values |= {"programme": str(programme.pk), "email": "new@example.org", "name": "New One"}
    assert set(refused(client, "grants", **values)) <= {"role", "scope_key"}


def test_after_a_conflict_the_page_can_be_sent_again():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    client = Client()
    client.force_login(giver)
    errand.perform("edit", by=giver, what="milk")
    address = f"/workspace/errands/{errand.pk}/edit/"
    answer = client.post(address, {"what": "bread", "_version": errand.version - 1, "_token": "a1"})
    assert answer.status_code == 409 and "milk" in answer.content.decode()
    again = {"what": "bread", **answer.context["hidden"]}
    assert client.post(address, again).status_code == 302
    assert Errand.objects.get().what == "bread"
