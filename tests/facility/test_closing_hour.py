"""The closing hour by HTTP, page and API: a second late, sent twice, two accounts on one draft; the clock is set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import zoneinfo

import pytest
import time_machine
from django.test import Client

from facility.application import Application
from facility.registry.grants import grant
from facility.workflow import tasks
from facility.workflow.steps import SYSTEM
from facility.workflow.trail import Entry, Notice
from tests import factories as make

pytestmark = pytest.mark.django_db
BRUSSELS, ATHENS = zoneinfo.ZoneInfo("Europe/Brussels"), zoneinfo.ZoneInfo("Europe/Athens")
SECOND = dt.timedelta(seconds=1)
OPENED = dt.datetime(2027, 1, 11, 9, 0, tzinfo=dt.UTC)


class Scene:
    """A call that closes at 17:00 of a winter day in a zone, and a complete draft."""

    def __init__(self, zone: zoneinfo.ZoneInfo = BRUSSELS) -> None:
        self.closes_at = dt.datetime(2027, 2, 1, 17, 0, tzinfo=zone)
        with time_machine.travel(OPENED, tick=False):
            programme = make.programme()
            self.lead, self.coordinator = (make.staff(role, programme) for role in ("lead", "coordinator"))
            self.call = make.call(programme, self.coordinator, closes_at=self.closes_at, zone=str(zone))
            self.cluster = make.cluster()
            self.manager = make.manager_of(self.cluster)
            self.application = make.draft(self.call, self.manager, self.cluster)

    def client(self, person=None) -> Client:
        client = Client()
        client.force_login(person or self.manager)
        return client

    def send(self, by_api: bool, client: Client, key: str = "aa"):
        """Submits by the page or by the API."""
        if by_api:
            at = f"/api/applications/{self.application.pk}/perform/submit/"
            head = {"Idempotency-Key": key, "If-Match": "*"}
            return client.post(at, "{}", content_type="application/json", headers=head)
        at = f"/workspace/applications/{self.application.pk}/submit/"
        return client.post(at, {"_version": self.application.version, "_token": key})

    def state(self) -> str:
        return Application.objects.get(pk=self.application.pk).state

    def submissions(self) -> int:
        return Entry.objects.filter(record_id=self.application.pk, step="submit").count()


@pytest.fixture
def scene():
    return Scene()


@pytest.mark.parametrize("by_api", [False, True])
@pytest.mark.parametrize("is_relay_late", [False, True])
@pytest.mark.parametrize(("off", "expected"), [(-SECOND, "submitted"), (dt.timedelta(), "draft"), (SECOND, "draft")])
def test_one_second_late_is_late_whatever_the_relay_does(scene, by_api, is_relay_late, off, expected):
    with time_machine.travel(scene.closes_at + off, tick=False):
        if not is_relay_late:
            tasks.tick()
        answer = scene.send(by_api, scene.client())
        assert scene.state() == expected
        if expected == "draft":
            assert answer.status_code == 409
            assert "1 February 2027, 17:00 (Europe/Brussels)" in answer.content.decode()
            assert scene.submissions() == 0 and not Notice.objects.filter(key__contains="was received").exists()
        else:
            assert answer.status_code in {200, 302}


def test_control_without_the_look_at_the_closing_time_a_late_one_gets_in(scene, monkeypatch):
    steps = dict(Application.steps())
    guards = tuple(one for one in steps["submit"].guards if one.__name__ != "is_before_closing")
    steps["submit"] = dataclasses.replace(steps["submit"], guards=guards)
    monkeypatch.setattr(Application, "_steps", steps)
    with time_machine.travel(scene.closes_at + SECOND, tick=False):
        scene.send(True, scene.client())
        assert scene.state() == "submitted"


def test_the_hour_is_that_of_the_zone_of_the_call_and_not_of_the_office():
    scene = Scene(ATHENS)  # 17:00 in Athens is 16:00 in Brussels
    with time_machine.travel(dt.datetime(2027, 2, 1, 16, 0, 1, tzinfo=BRUSSELS), tick=False):
        answer = scene.send(True, scene.client())
        assert answer.status_code == 409 and "17:00 (Europe/Athens)" in answer.content.decode()
        assert scene.state() == "draft"
    with time_machine.travel(dt.datetime(2027, 2, 1, 15, 59, 59, tzinfo=BRUSSELS), tick=False):
        assert scene.send(True, scene.client()).status_code == 200


def test_what_the_clock_of_the_browser_says_counts_for_nothing(scene):
    with time_machine.travel(scene.closes_at + SECOND, tick=False):
        client = scene.client()
        client.defaults["HTTP_DATE"] = "Mon, 01 Feb 2027 15:00:00 GMT"
        assert scene.send(True, client).status_code == 409


def test_a_page_opened_in_time_and_sent_late_is_late_and_says_so(scene):
    at = f"/workspace/applications/{scene.application.pk}/submit/"
    with time_machine.travel(scene.closes_at - dt.timedelta(minutes=20), tick=False) as clock:
        client = scene.client()
        page = client.get(at).content.decode()
        token = re.search(r'name="_token" value="(\w+)"', page)[1]
        clock.move_to(scene.closes_at + SECOND)
        answer = client.post(at, {"_version": scene.application.version, "_token": token})
        assert answer.status_code == 409 and scene.state() == "draft"


def test_after_an_extension_the_new_hour_counts_to_the_second(scene):
    later = scene.closes_at + dt.timedelta(days=2)
    with time_machine.travel(scene.closes_at - SECOND, tick=False) as clock:
        scene.call.perform("extend", by=scene.lead, closes_at=later.isoformat(), reason="The network was down.")
        clock.move_to(scene.closes_at + SECOND)
        tasks.tick()
        clock.move_to(later - SECOND)
        assert scene.send(True, scene.client()).status_code == 200


@pytest.mark.parametrize("by_api", [False, True])
def test_sent_twice_is_one_submission_with_one_number_and_one_receipt(scene, by_api):
    with time_machine.travel(scene.closes_at - dt.timedelta(hours=1), tick=False):
        client = scene.client()
        answers = [scene.send(by_api, client, "same") for _ in range(2)]
        assert {one.status_code for one in answers} <= {200, 302}
        if by_api:
            assert answers[0].content == answers[1].content
        else:
            assert answers[0]["Location"] == answers[1]["Location"]
        assert scene.submissions() == 1
        received = Notice.objects.filter(record_id=scene.application.pk, key__contains="was received")
        assert received.count() == 1


def test_control_two_pages_are_two_acts_and_the_second_is_refused(scene):
    """Without the key that makes them one act, the state still keeps the second out; the receipt stays the first."""
    with time_machine.travel(scene.closes_at - dt.timedelta(hours=1), tick=False):
        client = scene.client()
        assert scene.send(True, client, "one").status_code == 200
        receipt = Application.objects.get(pk=scene.application.pk).receipt
        assert scene.send(True, client, "two").status_code == 409
        assert Application.objects.get(pk=scene.application.pk).receipt == receipt
        assert scene.submissions() == 1


def test_two_accounts_of_one_cluster_may_both_submit_and_one_does(scene):
    colleague = make.person()
    grant(colleague, "manager", "cluster", scene.cluster.pk, by=SYSTEM)
    with time_machine.travel(scene.closes_at - dt.timedelta(hours=1), tick=False):
        people = enumerate((scene.manager, colleague))
        answers = [scene.send(True, scene.client(one), f"key{n}").status_code for n, one in people]
        assert sorted(answers) == [200, 409]
        assert scene.submissions() == 1


def test_what_a_colleague_saved_in_between_is_never_overwritten_unseen(scene):
    """Two accounts have the same draft open by the API; the second must name the version that it has seen."""
    colleague = make.person()
    grant(colleague, "manager", "cluster", scene.cluster.pk, by=SYSTEM)
    at = f"/api/applications/{scene.application.pk}/perform/edit/"
    body = {
        "call": str(scene.call.pk),
        "lead_cluster": str(scene.cluster.pk),
        "title_text": "Greener members",
        "motivation": "Members ask for it.",
        "context": "Colleague.",
        "strategic_focus": 4,
        "partners": [],
        "needs": [{"area": "energy-efficiency", "text": "Less."}],
    }
    with time_machine.travel(scene.closes_at - dt.timedelta(hours=1), tick=False):
        seen = scene.client().get(f"/api/applications/{scene.application.pk}/")["ETag"]
        head = {"If-Match": seen}
        first = scene.client(colleague).post(at, body, content_type="application/json", headers=head)
        assert first.status_code == 200, first.content
        late = body | {"context": "Late."}
        second = scene.client().post(at, late, content_type="application/json", headers=head)
        assert second.status_code == 412
        assert Application.objects.get(pk=scene.application.pk).context == "Colleague."
