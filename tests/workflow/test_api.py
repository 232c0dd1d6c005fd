"""The generic API, on a workflow that exists only here."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from facility.registry.people import Token
from tests import factories
from tests.errands.models import Errand
from tests.workflow import making

pytestmark = pytest.mark.django_db


class Api:
    """A client with a token."""

    def __init__(self, person=None, scope="write"):
        self.client = Client()
        self.head = {"Authorization": f"Bearer {Token.make(person, 'test', scope=scope)}"} if person else {}

    def get(self, path, **head):
        return self.client.get(path, headers=self.head | head)

    def post(self, path, body=None, **head):
        return self.client.post(path, json.dumps(body or {}), content_type="application/json", headers=self.head | head)


def address(errand, step=""):
    return f"/api/errands/{errand.pk}/" + (f"perform/{step}/" if step else "")


def test_a_record_is_made_read_and_moved():
    giver, runner = making.people()
    api = Api(giver)
    made = api.post(
        "/api/errands/", {"runner": str(runner.pk), "what": "bread", "stops": [{"place": "Baker", "minutes": 5}]}
    )
    assert made.status_code == 201, made.content
    assert made.json()["stops"] == [{"place": "Baker", "minutes": 5}]
    assert made["ETag"] == '"1"'
    errand = Errand.objects.get()
    assert made["Location"].endswith(address(errand))
    seen = Api(runner).get(address(errand)).json()
    assert [(s["name"], s["blocked_by"]) for s in seen["steps"]] == [("begin", [])]
    moved = Api(runner).post(address(errand, "begin"))
    assert moved.status_code == 200 and moved.json()["state"] == "running"


def test_faces_cut_by_field():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    assert "note" in Api(giver).get(address(errand)).json()
    assert "note" not in Api(runner).get(address(errand)).json()
    assert Api().get(address(errand)).json()["state"] == "done"


def test_refusals_are_problem_details():
    giver, runner = making.people()
    stranger = factories.person()
    errand = making.errand(giver, runner, what="rain")
    expected = [
        (Api().post(address(errand, "begin")), 401),
        (Api(stranger).get(address(errand)), 404),
        (Api(stranger).post(address(errand, "begin")), 404),
        (Api(giver).post(address(errand, "begin")), 403),
        (Api(runner).post(address(errand, "begin")), 409),
        (Api(giver).post(address(errand, "edit"), {"what": "x"}), 428),
        (Api(giver).post(address(errand, "edit"), {"what": "x"}, **{"If-Match": '"9"'}), 412),
        (Api(giver).post(address(errand, "edit"), {"what": ""}, **{"If-Match": '"1"'}), 400),
        (Api(giver).post(address(errand, "edit"), {"what": "x", "state": "done"}, **{"If-Match": '"1"'}), 400),
        (Api(giver).get("/api/errands/?ordering=secret"), 400),
        (Api(giver).get("/api/nothing/"), 404),
        (Api(giver, scope="read").post(address(errand, "edit"), {"what": "x"}), 403),
    ]
    for answer, status in expected:
        assert answer.status_code == status, answer.content
        body = answer.json()
        assert answer["Content-Type"] == "application/problem+json"
        assert body["status"] == status and body["detail"] and body["request_id"] == answer["X-Request-Id"]
    assert expected[4][0].json()["blocked_by"] == ["Take an umbrella first."]
    assert expected[8][0].json()["errors"] == {"": ["There is no field “state” here."]}
    assert Errand.objects.get().version == 1


def test_an_edit_with_the_version_it_has_read():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    api = Api(giver)
    done = api.post(address(errand, "edit"), {"what": "cake"}, **{"If-Match": '"1"'})
    assert done.status_code == 200 and done.json()["what"] == "cake" and done["ETag"] == '"2"'
    assert api.post(address(errand, "edit"), {"what": "pie"}, **{"If-Match": '"1"'}).status_code == 412


def test_one_key_is_one_act():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    api = Api(runner)
    first = api.post(address(errand, "begin"), **{"Idempotency-Key": "k1"})
    again = api.post(address(errand, "begin"), **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert Errand.objects.get().version == 2
    other = Api(giver).post("/api/errands/", {"runner": str(runner.pk), "what": "a"}, **{"Idempotency-Key": "k2"})
    changed = Api(giver).post("/api/errands/", {"runner": str(runner.pk), "what": "b"}, **{"Idempotency-Key": "k2"})
    assert (other.status_code, changed.status_code) == (201, 422)
    assert Errand.objects.count() == 2


def test_a_refused_act_leaves_its_key_free():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    api = Api(runner)
    assert api.post(address(errand, "finish"), **{"Idempotency-Key": "k"}).status_code == 409
    errand.perform("begin", by=runner)
    assert api.post(address(errand, "finish"), **{"Idempotency-Key": "k"}).status_code == 200


def test_pages_by_key_and_filters():
    giver, runner = making.people()
    made = [making.errand(giver, runner, what=f"errand {n}") for n in range(5)]
    made[0].perform("begin", by=runner)
    api = Api(giver)
    first = api.get("/api/errands/?page_size=2").json()
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()
    seen = [row["what"] for page in (first, second, third) for row in page["results"]]
    assert seen == [f"errand {n}" for n in (4, 3, 2, 1, 0)] and third["next"] is None
    assert [r["what"] for r in api.get("/api/errands/?state=running").json()["results"]] == ["errand 0"]
    assert [r["what"] for r in api.get("/api/errands/?search=3").json()["results"]] == ["errand 3"]


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_and_details_cost_the_same_at_any_size(rows, django_assert_num_queries):
    giver, runner = making.people()
    made = [making.errand(giver, runner, stops=[{"place": "a", "minutes": 1}] * rows) for _ in range(rows)]
    api = Api(giver)
    with django_assert_num_queries(2):  # token, rows
        api.get("/api/errands/")
    with django_assert_num_queries(3):  # token, record, steps
        api.get(address(made[0]))


def test_the_schema_describes_every_step():
    schema = json.loads(Client().get("/api/schema/?format=json").content)
    assert schema["openapi"].startswith("3.1")
    path = schema["paths"]["/api/errands/{id}/perform/edit/"]["post"]
    assert path["requestBody"]["content"]["application/json"]["schema"]["required"] == ["what"]
    assert "/api/applications/{id}/perform/submit/" in schema["paths"]
