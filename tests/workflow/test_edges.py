"""What goes wrong at the edges of the kernel: a try that is rolled back, a timer or a mail that breaks, odd input."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import smtplib

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import OperationalError, connection
from django.test import Client
from psycopg.errors import DeadlockDetected

from facility.workflow import clock, door, jobs, seals, tasks
from facility.workflow.clock import Timer
from facility.workflow.engine import perform_many
from facility.workflow.jobs import Job
from facility.workflow.seals import Seal
from facility.workflow.steps import Blocked
from facility.workflow.trail import Entry, Notice
from tests import factories
from tests.errands.models import Errand
from tests.workflow import making


def test_a_new_record_survives_a_deadlock(committed, monkeypatch):
    giver, runner = making.people()
    keep, tries = door._Run.keep, []

    def at_first_a_deadlock(self, *args):
        keep(self, *args)
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()

    monkeypatch.setattr(door._Run, "keep", at_first_a_deadlock)
    made = making.errand(giver, runner)
    assert len(tries) == 2
    assert (made.version, made.state, Errand.objects.count()) == (1, "given", 1)


def test_what_another_has_just_entered_is_said_in_words(committed, monkeypatch):
    """The same key given twice stands for any unique value: no fault, but a refusal."""
    giver, runner = making.people()
    known = making.errand(giver, runner)
    tries = []

    def the_same_key(self, errand):
        tries.append(1)
        Errand._base_manager.bulk_create([Errand(pk=known.pk, giver=giver, runner=runner, what="again")])

    monkeypatch.setattr(door._Run, "check_possible", the_same_key)
    with pytest.raises(Blocked, match="there already"):
        making.errand(giver, runner)
    assert len(tries) == 2 and Errand.objects.count() == 1


@pytest.mark.django_db
def test_each_child_names_its_own_parent():
    giver, runner = making.people()
    parents = [making.errand(giver, runner, f"parent {n}") for n in range(2)]
    children = [making.errand(giver, runner, f"child {n}", parent=str(one.pk)) for n, one in enumerate(parents)]
    perform_many([*parents, *children], "begin", by=runner)
    perform_many([Errand.objects.get(pk=one.pk) for one in parents], "finish", by=runner)
    for parent, child in zip(parents, children, strict=True):
        entry = Entry.objects.get(record_id=child.pk, step="finish")
        assert entry.caused_by == Entry.objects.get(record_id=parent.pk, step="finish")


@pytest.mark.django_db
def test_nobody_is_told_the_same_thing_twice(monkeypatch):
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    told = Errand.tell
    monkeypatch.setattr(Errand, "tell", lambda self, to, key, **more: told(self, [to, to], key, **more))
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    assert Notice.objects.filter(to=giver, record_id=errand.pk).count() == 1


@pytest.mark.django_db
def test_a_timer_that_breaks_holds_up_no_other(monkeypatch):
    giver, runner = making.people()
    broken, sound = making.errand(giver, runner, "broken"), making.errand(giver, runner, "sound")
    long_ago = clock.now() - dt.timedelta(days=1)
    for errand, at in ((broken, long_ago), (sound, clock.now())):
        Timer.objects.filter(record_id=errand.pk).delete()
        Timer.objects.create(
            record_type=errand._meta.label_lower,
            record_id=errand.pk,
            state="given",
            step="lapse",
            due_at=at,
            next_at=at,
        )
    perform = Errand.perform

    def breaks(self, name, **more):
        if self.pk == broken.pk:
            raise ZeroDivisionError
        return perform(self, name, **more)

    monkeypatch.setattr(Errand, "perform", breaks)
    tasks.tick()
    assert Errand.objects.get(pk=sound.pk).state == "lapsed"
    assert Timer.objects.get(record_id=broken.pk).next_at > clock.now()


class Refusing(EmailBackend):
    """A mail server that knows no such address."""

    def send_messages(self, messages):
        if any("nobody@" in address for one in messages for address in one.to):
            raise smtplib.SMTPRecipientsRefused({})
        return super().send_messages(messages)


@pytest.mark.django_db
def test_a_mail_that_is_refused_holds_up_no_other_and_waits(settings):
    settings.EMAIL_BACKEND = "tests.workflow.test_edges.Refusing"
    errand = making.errand(*making.people())
    lost = factories.person()
    lost.email = "nobody@example.org"
    lost.save()
    gone = factories.person()
    gone.is_active = False
    gone.save()
    for person in (lost, gone, errand.giver):
        Notice.objects.create(
            to=person, record_type="tests.errand", record_id=errand.pk, key="x", created_at=clock.now(),
            mail_after=clock.now(),
        )  # fmt: skip
    assert tasks.mail() == 1
    assert [one.to for one in mail.outbox] == [[errand.giver.email]]
    waits = Notice.objects.get(to=lost)
    assert waits.mailed_at is None and waits.mail_after > clock.now()
    assert Notice.objects.get(to=gone).mailed_at is None


@pytest.mark.django_db
def test_a_job_whose_last_word_breaks_is_parked_all_the_same(monkeypatch):
    errand = making.errand(*making.people())
    made = Job.about(errand, "tests.useless")
    made.save()

    def breaks(work):
        raise ZeroDivisionError

    handler = jobs.handler_of("tests.useless")
    monkeypatch.setitem(jobs._handlers, "tests.useless", dataclasses.replace(handler, gives_up=breaks))
    assert jobs.run(str(made.pk)) == "parked"
    assert Job.objects.get(pk=made.pk).state == "parked"


def test_a_late_commit_of_an_early_entry_breaks_no_seal(committed):
    """The seal leaves out what is so young that an older key may still come."""
    giver, runner = making.people()
    making.errand(giver, runner)
    assert tasks.seal() is None
    assert seals.seal(clock.actual()) is not None
    assert Seal.objects.count() == 1


# -- odd input


@pytest.fixture
def giver(db):
    giver, runner = making.people()
    making.errand(giver, runner)
    return giver


def signed_in(person):
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.mark.parametrize("position", ["garbage", "\x00", "999999999999999999999"])
@pytest.mark.parametrize("where", ["/api/errands/", "/workspace/errands/", "/workspace/inbox/"])
def test_a_forged_cursor_is_no_fault(giver, where, position):
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    for given in (cursor, "%%%", "é"):
        answer = signed_in(giver).get(where, {"cursor": given})
        assert answer.status_code in {200, 404}, given


def test_odd_tokens_and_versions_are_no_fault(giver):
    errand = Errand.objects.get()
    for token, version in (("a\x00b", "1"), ("ab", "²"), ("ab", "9" * 5000)):
        posted = {"what": "milk", "_token": token, "_version": version}
        answer = signed_in(giver).post(f"/workspace/errands/{errand.pk}/edit/", posted)
        assert answer.status_code < 500, (token, version[:10])


def test_whether_a_record_exists_is_not_told_by_its_precondition(giver):
    stranger = signed_in(factories.person())
    errand = Errand.objects.get()
    there = stranger.post(f"/api/errands/{errand.pk}/perform/edit/", "{}", content_type="application/json")
    nowhere = stranger.post(f"/api/errands/{giver.pk}/perform/edit/", "{}", content_type="application/json")
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert json.loads(there.content)["detail"] == json.loads(nowhere.content)["detail"]


def test_the_public_and_outsiders_read_no_inside_of_the_timeline(giver):
    errand = Errand.objects.get()
    errand.perform("begin", by=errand.runner)
    errand.perform("finish", by=errand.runner)
    page = signed_in(factories.person()).get(f"/workspace/errands/{errand.pk}/")
    assert page.context["title"] == errand.what and page.context["timeline"] == []
    assert len(signed_in(errand.giver).get(f"/workspace/errands/{errand.pk}/").context["timeline"]) == 3


@pytest.mark.django_db
def test_a_database_that_is_away_before_any_view_is_503(giver, monkeypatch):
    from django.contrib.sessions.backends.db import SessionStore

    def gone(self):
        raise OperationalError("the connection is lost")

    client = signed_in(giver)
    monkeypatch.setattr(SessionStore, "load", gone)
    for where, kind in (("/workspace/", "text/html"), ("/api/errands/", "application/problem+json")):
        answer = client.get(where)
        assert answer.status_code == 503 and answer["Content-Type"].startswith(kind), where
    assert connection.is_usable()
