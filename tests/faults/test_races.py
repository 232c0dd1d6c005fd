"""Two people at the same instant: real threads, real commits (pytest -m faults; a part of every run of the suite)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import re
import secrets
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
import structlog
import time_machine
from django.db import OperationalError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from advisory.assignment import Assignment
from advisory.checks import LIVE
from advisory.project import Project
from config import process
from facility.application import Application
from facility.evaluation import Evaluation
from facility.registry.organisation import Organisation
from facility.registry.people import Token
from facility.selection import Selection
from facility.workflow import api, door
from facility.workflow.engine import by_plural, perform_many
from facility.workflow.jobs import Job
from facility.workflow.once import Once
from facility.workflow.steps import SYSTEM, Refused
from facility.workflow.trail import Entry, Notice
from reporting.trajectory import Trajectory
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support
from tests.faults.plant import addresses, amount, script
from tests.reporting import making as reporting
from tests.webinars import making as webinars

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("committed")]

LOST_UPDATES, RELEASES, PAIRS, UNIQUE, DEADLOCKS, CRASHES = 50, 8, 15, 5, 5, 3
POSTS, DIED = 50, 9
LONG = 5  # seconds in which a step comes to its guards on any machine; a control waits for that


# -- what the families share


def in_thread(act):
    """Runs it and answers its result or the refusal; anything else is a fault and comes out of the test."""
    try:
        return act()
    except Refused as refused:
        return refused
    finally:
        connections.close_all()


def together(*acts):
    """All of them at one instant, each in a thread with a connection of its own."""
    gate = threading.Barrier(len(acts))

    def act_at_the_gate(act):
        connection.ensure_connection()
        gate.wait(20)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(lambda act: in_thread(lambda: act_at_the_gate(act)), acts))


def before_commit(first, second, pause=0.3):
    """`second` begins when `first` is done; `first` commits when `second` is through, or waits in vain for a lock.

    pause: seconds that `second` has, where nothing holds it, to come to its guards before it is taken to wait.
    """
    is_done, is_through = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                answer = first()
                is_done.set()
                is_through.wait(pause)
            return answer
        finally:
            is_done.set()

    def follow():
        is_done.wait(10)
        try:
            return second()
        finally:
            is_through.set()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(in_thread, (hold, follow)))


def fresh(record):
    """The record as it is now."""
    return type(record)._base_manager.get(pk=record.pk)


def step(record, name, by, /, **data):
    """A step on a fresh copy, to be taken later by somebody."""
    return lambda: fresh(record).perform(name, by=by, **data)


def done(answers):
    """Those that were not refused."""
    return [one for one in answers if not isinstance(one, Refused)]


def refused(answers):
    """The sentences of those that were."""
    return [str(one) for one in answers if isinstance(one, Refused)]


def changed(monkeypatch, model, name, **changes):
    """The step as it would be without what guards it."""
    steps = dict(model.steps())
    steps[name] = dataclasses.replace(steps[name], **changes)
    monkeypatch.setattr(model, "_steps", steps)


def is_whole(record):
    """As many entries as the version says, numbered without a gap."""
    numbers = Entry.objects.filter(record_id=record.pk).order_by("number").values_list("number", flat=True)
    return list(numbers) == list(range(1, fresh(record).version + 1))


class Api:
    """A person at the API."""

    def __init__(self, person):
        self.head = {"Authorization": f"Bearer {Token.make(person, 'races')}"}

    def post(self, path, body, **head):
        client = Client(raise_request_exception=False)
        return client.post(path, json.dumps(body), content_type="application/json", headers=self.head | head)


def signed_in(person):
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def hidden(answer, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, name
    return found[1]


@pytest.fixture
def office(committed):
    """Programme, lead and two coordinators."""
    programme = make.programme()
    return (programme, *(make.staff(role, programme) for role in ("lead", "coordinator", "coordinator")))


# -- lost updates


def profile(cluster, name):
    """The form of a cluster's profile."""
    return {"name": name, "lang": "en", "country": "ES", "sector": "textiles", "members_count": 40, "smes_count": 30}


def test_of_two_who_save_the_same_form_one_is_told_and_sees_both_versions(office, figure):
    cluster, clients = make.cluster(), [signed_in(person) for person in office[2:]]
    page = f"/workspace/clusters/{cluster.pk}/edit/"
    rounds = amount(LOST_UPDATES)
    for turn in range(rounds):
        names = [f"Cluster of {who} in turn {turn}" for who in ("Ada", "Bea")]
        seen = {"_version": str(fresh(cluster).version)}
        bodies = [profile(cluster, name) | seen | {"_token": secrets.token_hex(12)} for name in names]
        answers = together(*(partial(c.post, page, b) for c, b in zip(clients, bodies, strict=True)))
        assert sorted(one.status_code for one in answers) == [302, 409]
        lost = next(at for at, one in enumerate(answers) if one.status_code == 409)
        text = answers[lost].content.decode()
        assert names[0] in text and names[1] in text
        assert fresh(cluster).name == names[1 - lost]
    assert fresh(cluster).version == 1 + rounds and is_whole(cluster)
    figure("two save the same form: one success, one conflict with both versions", rounds, f"{rounds} of {rounds}")


def test_whoever_was_told_can_send_the_same_page_again(office):
    """Both versions were shown; sending again is a decision, and is taken."""
    cluster, clients = make.cluster(), [signed_in(person) for person in office[2:]]
    page = f"/workspace/clusters/{cluster.pk}/edit/"
    for turn in range(amount(PAIRS)):
        seen = {"_version": str(fresh(cluster).version)}
        names = [f"{who} {turn}" for who in ("Ada", "Bea")]
        bodies = [profile(cluster, name) | seen | {"_token": secrets.token_hex(12)} for name in names]
        answers = together(*(partial(c.post, page, b) for c, b in zip(clients, bodies, strict=True)))
        lost = next(at for at, one in enumerate(answers) if one.status_code == 409)
        again = bodies[lost] | {name: hidden(answers[lost], name) for name in ("_version", "_token")}
        assert clients[lost].post(page, again).status_code == 302
        assert fresh(cluster).name == bodies[lost]["name"]


def test_of_two_who_save_the_same_version_by_the_api_one_gets_412(office, figure):
    cluster, apis = make.cluster(), [Api(person) for person in office[2:]]
    path = f"/api/clusters/{cluster.pk}/perform/edit/"
    assert apis[0].post(path, profile(cluster, "Without a version")).status_code == 428
    rounds = amount(LOST_UPDATES)
    for turn in range(rounds):
        match = {"If-Match": f'"{fresh(cluster).version}"'}
        names = [f"{who} {turn}" for who in ("Ada", "Bea")]
        asked = [partial(a.post, path, profile(cluster, n), **match) for a, n in zip(apis, names, strict=True)]
        answers = together(*asked)
        assert sorted(one.status_code for one in answers) == [200, 412]
        kept = next(at for at, one in enumerate(answers) if one.status_code == 200)
        assert answers[kept].json()["name"] == fresh(cluster).name == names[kept]
        assert answers[1 - kept].json()["version"] == fresh(cluster).version
    assert is_whole(cluster)
    figure("two save the same version by the API: 200 and 412", rounds, f"{rounds} of {rounds}")


def test_control_without_the_version_an_update_is_lost(office):
    cluster, apis = make.cluster(), [Api(person) for person in office[2:]]
    path = f"/api/clusters/{cluster.pk}/perform/edit/"
    asked = [partial(a.post, path, profile(cluster, n), **{"If-Match": "*"}) for a, n in zip(apis, "AB", strict=True)]
    answers = together(*asked)
    assert [one.status_code for one in answers] == [200, 200]


# -- double submits


FIRM = {"name": "Twice Ltd", "kind": "firm", "size": "small", "country": "ES"}


def posts(person, key, body=FIRM, times=POSTS):
    """The same post many times at one instant."""
    sender = Api(person)
    return together(*[lambda: sender.post("/api/organisations/", body, **{"Idempotency-Key": key})] * times)


def test_50_posts_with_one_key_are_one_record_with_one_answer(office, figure):
    answers = posts(office[2], "key-1")
    assert {one.status_code for one in answers} == {201}
    assert len({(one.content, one["ETag"], one["Location"]) for one in answers}) == 1
    assert Organisation.objects.count() == 1 and Once.objects.count() == 1
    changed_body = Api(office[2]).post("/api/organisations/", FIRM | {"name": "Other"}, **{"Idempotency-Key": "key-1"})
    assert changed_body.status_code == 422
    assert Organisation.objects.count() == 1
    assert len(posts(office[3], "key-1", times=2)) == 2  # the key of another person is another key
    assert Organisation.objects.count() == 2
    figure("records made by 50 posts with one key", 1, "1")


def test_bodies_that_differ_under_one_key_are_one_record_and_422(office):
    sender = Api(office[2])
    for turn in range(amount(PAIRS)):
        bodies = [FIRM | {"name": f"Firm {turn} {at}"} for at in range(4)]
        key = {"Idempotency-Key": f"key-{turn}"}
        answers = together(*(partial(sender.post, "/api/organisations/", body, **key) for body in bodies))
        assert Counter(one.status_code for one in answers) == {201: 1, 422: 3}
        assert Organisation.objects.filter(name__startswith=f"Firm {turn} ").count() == 1


def test_control_a_key_that_is_looked_up_before_it_is_noted_makes_several(office, monkeypatch):
    have_looked = threading.Barrier(2)

    def looked_up(person, key, body, act):
        found = Once.objects.filter(person=person, key=key).first()
        have_looked.wait(20)
        if found:
            return found.status, found.answer, True
        status, answer = act()
        Once.objects.bulk_create(
            [Once(person=person, key=key, fingerprint=body, status=status, answer=answer, at=timezone.now())],
            ignore_conflicts=True,
        )
        return status, answer, False

    monkeypatch.setattr(api, "once", looked_up)
    posts(office[2], "key-1", times=2)
    assert Organisation.objects.count() == 2


def test_a_form_sent_50_times_is_one_act(office, figure):
    client = signed_in(office[2])
    page = "/workspace/organisations/new/create/"
    body = FIRM | {"_token": hidden(client.get(page), "_token")}
    cookies = client.cookies

    def send():
        own = Client(raise_request_exception=False)
        own.cookies = cookies
        return own.post(page, body)

    answers = together(*[send] * POSTS)
    assert {(one.status_code, one.get("Location")) for one in answers} == {
        (302, Organisation.objects.get().get_absolute_url())
    }
    assert Entry.objects.filter(record_type="facility.organisation").count() == 1
    assert client.post(page, body | {"name": "Other"}).status_code == 422
    assert Organisation.objects.count() == 1
    figure("records made by a form sent 50 times", 1, "1")


DIES = """
import os
from django.test import Client
from facility.workflow import api, once
def die(*args, **more): os._exit({died})
{fault}
Client(SERVER_NAME="localhost").post("/api/organisations/", {body!r}, content_type="application/json", headers={head!r})
os._exit(0)
"""
AFTER_COMMIT = "api.reverse = die"  # the answer is being made
BEFORE_COMMIT = "once.Once.objects.filter = die"  # the record is written, its key is being completed


def dies_in(fault, head):
    """A process of its own that posts and is gone in the middle of it."""
    code = DIES.format(fault=fault, died=DIED, body=json.dumps(FIRM), head=head)
    gone = subprocess.run(
        process.arguments(script(code)), check=False, cwd=process.ROOT, env=process.environment() | addresses()
    )
    return gone.returncode


def test_a_crash_after_the_commit_is_repeated_with_the_same_answer(office, figure):
    sender, rounds = Api(office[2]), amount(CRASHES)
    for turn in range(rounds):
        key = {"Idempotency-Key": f"key-{turn}"}
        assert dies_in(AFTER_COMMIT, sender.head | key) == DIED
        assert Organisation.objects.count() == turn + 1
        made = Organisation.objects.latest("id")
        again = [sender.post("/api/organisations/", FIRM, **key) for _ in range(2)]
        assert {(one.status_code, one.json()["id"]) for one in again} == {(201, str(made.pk))}
        assert again[0].content == again[1].content
        assert Organisation.objects.count() == turn + 1 and is_whole(made)
    figure("crashes after the commit, repeated with the same answer", rounds, f"{rounds} of {rounds}")


def test_a_crash_before_the_commit_leaves_neither_key_nor_record(office, figure):
    sender, rounds = Api(office[2]), amount(CRASHES)
    for turn in range(rounds):
        key = {"Idempotency-Key": f"key-{turn}"}
        before = Entry.objects.count()
        assert dies_in(BEFORE_COMMIT, sender.head | key) == DIED
        assert (Organisation.objects.count(), Once.objects.count(), Entry.objects.count()) == (turn, turn, before)
        assert sender.post("/api/organisations/", FIRM, **key).status_code == 201
        assert Organisation.objects.count() == turn + 1
    figure("crashes before the commit, nothing left", rounds, f"{rounds} of {rounds}")


# -- selections


@dataclasses.dataclass
class Ranked:
    """A closed call whose ranking is approved, and one application that was found eligible only after that."""

    call: object
    selection: Selection
    applications: list[Application]
    late: Application


def ranked(office, count=3, places=1, with_late=False):
    programme, lead, coordinator, _second = office
    evaluator = make.staff("evaluator", programme)
    call = make.call(programme, coordinator, places=places)
    found = [make.evaluated(call, coordinator, evaluator, value=9 - at) for at in range(count)]
    late = turned_down(call, coordinator) if with_late else None
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
    selection = Selection().perform("create", by=coordinator, call=call)
    selection.perform("propose", by=coordinator, overrides=[])
    selection.perform("approve", by=lead)
    if late:
        overturned(late, office, evaluator)
    return Ranked(call, selection, found, late)


def turned_down(call, coordinator):
    cluster = make.cluster()
    made = make.draft(call, make.manager_of(cluster), cluster)
    made.perform("submit", by=made.managers().get())
    return made.perform("declare_ineligible", by=coordinator, answers=make.UNMET, reason_code="other", reason="No.")


def overturned(one, office, evaluator):
    """Eligible after a review, and judged: only the evaluation is still to be closed."""
    _programme, lead, coordinator, _second = office
    one.perform("request_review", by=one.managers().get(), reason="Look again.")
    one.perform("overturn", by=lead, reason="It was right.")
    judged = Evaluation().perform("assign", by=coordinator, application=one, evaluator=evaluator)
    judged.perform("accept", by=evaluator)
    judged.perform("submit", by=evaluator, scores=make.scores(one.call, 10), comment="Sound.")


def test_two_releases_at_once_are_one_and_each_manager_is_told_once(office, figure):
    rounds = amount(RELEASES)
    leads = [office[1], make.staff("lead", office[0])]
    for _turn in range(rounds):
        one = ranked(office)
        answers = together(*(step(one.selection, "release", lead) for lead in leads))
        assert len(done(answers)) == 1 and all(refused(answers))
        assert sorted(fresh(a).state for a in one.applications) == ["rejected", "reserve", "selected"] or Counter(
            fresh(a).state for a in one.applications
        ) == {"selected": 1, "reserve": 2}
        for application in one.applications:
            assert is_whole(application)
            told = Notice.objects.filter(record_id=application.pk, key__contains="elected").count()
            listed = Notice.objects.filter(record_id=application.pk, key__contains="reserve list").count()
            assert told + listed == 1
        assert Entry.objects.filter(record_id=one.selection.pk, step="release").count() == 1
    figure("two releases at once: one, each manager told once", rounds, f"{rounds} of {rounds}")


def test_two_selections_of_one_call_are_not_both_released(office):
    for _turn in range(amount(RELEASES)):
        one = ranked(office, count=2)
        other = Selection().perform("create", by=office[2], call=one.call)
        other.perform("propose", by=office[2], overrides=[])
        other.perform("approve", by=office[1])
        answers = together(step(one.selection, "release", office[1]), step(other, "release", office[1]))
        assert len(done(answers)) == 1 and all(refused(answers))
        assert Selection.objects.filter(call=one.call, state="released").count() == 1
        assert Application.objects.filter(call=one.call, state="evaluated").count() == 0


def test_two_selections_without_any_application_are_not_both_released(office):
    """Nothing but the unique constraint stands between these two."""
    for _turn in range(amount(RELEASES)):
        one = ranked(office, count=0)
        other = Selection().perform("create", by=office[2], call=one.call)
        other.perform("propose", by=office[2], overrides=[])
        other.perform("approve", by=office[1])
        answers = together(step(one.selection, "release", office[1]), step(other, "release", office[1]))
        assert len(done(answers)) == 1 and all(refused(answers))


def left_out(one):
    """Released, and an application stands evaluated without an outcome."""
    return fresh(one.selection).state == "released" and fresh(one.late).state == "evaluated"


def test_a_release_leaves_out_nobody_whose_evaluation_is_closed_meanwhile(office, figure):
    rounds = amount(RELEASES)
    for _turn in range(rounds):
        one = ranked(office, count=1, with_late=True)
        answers = together(
            step(one.selection, "release", office[1]), step(one.late, "close_evaluation", office[2], spread_note="")
        )
        assert not left_out(one)
        assert len(refused(answers)) == 1 and fresh(one.late).state == "evaluated"
    figure("applications left out by a release at the moment of a late close_evaluation", 0, "0")


def test_a_release_and_a_late_evaluation_hold_however_they_interleave(office):
    for release_first in (True, False):
        one = ranked(office, count=1, with_late=True)
        acts = [
            step(one.selection, "release", office[1]),
            step(one.late, "close_evaluation", office[2], spread_note=""),
        ]
        before_commit(*(acts if release_first else acts[::-1]))
        assert not left_out(one)


def test_control_a_release_that_counts_the_evaluated_alone_leaves_somebody_out(office, monkeypatch):
    guards = tuple(check for check in Selection.step("release").guards if check.__name__ != "has_all_evaluated")
    changed(monkeypatch, Selection, "release", guards=guards)
    one = ranked(office, count=1, with_late=True)
    acts = step(one.selection, "release", office[1]), step(one.late, "close_evaluation", office[2], spread_note="")
    before_commit(*acts, pause=LONG)
    assert left_out(one)


def test_a_release_and_a_withdrawal_are_not_both_for_the_same_application(office):
    seen = Counter()
    for _turn in range(amount(RELEASES)):
        one = ranked(office, count=2)
        first = one.applications[0]
        answers = together(
            step(one.selection, "release", office[1]), step(first, "withdraw", first.managers().get(), reason="No.")
        )
        states = (fresh(one.selection).state, fresh(first).state)
        assert states in {("released", "selected"), ("approved", "withdrawn")}
        assert len(done(answers)) == 1 and all(refused(answers))
        seen[states] += 1
    assert sum(seen.values()) == amount(RELEASES)


def test_a_proposal_holds_against_a_withdrawal(office):
    """The ranking is made from one look at the applications; whoever goes meanwhile makes it out of date."""
    for _turn in range(amount(RELEASES)):
        one = ranked(office, count=3)
        one.selection.perform("send_back", by=office[1], reason="Again.")
        last = one.applications[-1]
        together(
            step(one.selection, "propose", office[2], overrides=[]),
            step(last, "withdraw", last.managers().get(), reason="No."),
        )
        assert fresh(last).state == "withdrawn"
        listed = fresh(one.selection).lines.filter(application=last).exists()
        approved = in_thread(step(one.selection, "approve", office[1]))
        assert isinstance(approved, Refused) == listed


def test_control_a_withdrawal_that_does_not_lock_the_call_slips_into_a_release(office, monkeypatch):
    changed(monkeypatch, Application, "withdraw", locks="")
    changed(monkeypatch, Selection, "release", locks="")
    one = ranked(office, count=2)
    first = one.applications[0]
    checked, gone = threading.Event(), threading.Event()
    lines = Selection.release.__wrapped__

    def slow(self, **data):
        checked.set()
        gone.wait(5)
        return lines(self, **data)

    slow.step = Selection.release.step
    monkeypatch.setattr(Selection, "release", slow)

    def withdraw():
        checked.wait(5)
        try:
            return step(first, "withdraw", first.managers().get(), reason="No.")()
        finally:
            connections.close_all()
            gone.set()

    released, withdrawn = together(step(one.selection, "release", office[1]), withdraw)
    # The release had passed its guards; only the door of the application itself still stops it, in the middle.
    assert not isinstance(withdrawn, Refused)
    assert "possible only from" in str(released)


# -- places


def released(office, count=4, places=2):
    one = ranked(office, count=count, places=places)
    one.selection.perform("release", by=office[1])
    return one


def by_state(one):
    return Counter(Application.objects.filter(call=one.call).values_list("state", flat=True))


def test_the_last_place_goes_to_one_however_many_ask_for_it(office):
    leads = [office[1], *(make.staff("lead", office[0]) for _ in range(3))]
    for _turn in range(amount(RELEASES)):
        one = released(office)
        one.applications[0] = fresh(one.applications[0])
        one.applications[0].perform("decline", by=one.applications[0].managers().get(), reason="No.")
        reserves = list(Application.objects.filter(call=one.call, state="reserve").order_by("reserve_position"))
        asked = list(zip(leads, itertools.cycle(reserves), strict=False))
        answers = together(*(step(reserve, "promote", lead) for lead, reserve in asked))
        assert len(done(answers)) == 1 and all(refused(answers))
        assert by_state(one) == {"selected": 2, "reserve": 1, "declined": 1}
        assert fresh(reserves[0]).state == "selected" and is_whole(reserves[0])
        assert Notice.objects.filter(record_id=reserves[0].pk, key__contains="became free").count() == 1


def test_a_promotion_and_a_withdrawal_of_the_same_reserve_are_one_act(office):
    for _turn in range(amount(RELEASES)):
        one = released(office)
        one.applications[0] = fresh(one.applications[0])
        one.applications[0].perform("decline", by=one.applications[0].managers().get(), reason="No.")
        first = Application.objects.filter(call=one.call, state="reserve").order_by("reserve_position").first()
        answers = together(
            step(first, "promote", office[1]), step(first, "withdraw", first.managers().get(), reason="No.")
        )
        assert len(done(answers)) == 1
        now = fresh(first)
        assert (now.state, now.place is None, now.reserve_position) in {
            ("selected", False, None),
            ("withdrawn", True, None),
        }
        assert is_whole(first)


def test_a_decline_and_a_promotion_leave_no_place_sold_twice(office):
    for _turn in range(amount(RELEASES)):
        one = released(office)
        going = fresh(one.applications[0])
        first = Application.objects.filter(call=one.call, state="reserve").order_by("reserve_position").first()
        answers = together(
            step(going, "decline", going.managers().get(), reason="No."), step(first, "promote", office[1])
        )
        assert fresh(going).state == "declined"
        assert by_state(one)["selected"] == (2 if len(done(answers)) == 2 else 1)


# -- assignments


@pytest.fixture
def pool(office):
    """(office, one opened project, a maker of advisors)."""
    programme, lead, coordinator, _second = office
    people = (lead, coordinator, make.staff("evaluator", programme))
    return people, lambda count=1: matching.projects(programme, people, [{}] * count), programme


def assignment_in(state, project, advisor, by, kind="business"):
    """An assignment, taken as far as asked."""
    made = matching.proposed(project, advisor, by, kind)
    signed = {"has_signed_terms": True, "has_declared_interests": True}
    for until, name, person, data in (
        ("approved", "approve", by, {}),
        ("offered", "offer", by, {}),
        ("accepted", "accept", advisor.person, signed),
        ("active", "start", by, {}),
    ):
        if made.state == state:
            break
        made.perform(name, by=person, **data)
        if name == "accept":
            matching.signed(made, by)
        assert made.state == until
    return made


NO = {"reason": "No."}
AGREED = {"has_signed_terms": True, "has_declared_interests": True}
RIVALS = [
    ("offered", ("accept", "adviser", AGREED), ("lapse", "system", {})),
    ("offered", ("decline", "adviser", NO), ("lapse", "system", {})),
    ("offered", ("accept", "adviser", AGREED), ("decline", "adviser", NO)),
    ("offered", ("accept", "adviser", AGREED), ("withdraw", "office", NO)),
    ("accepted", ("start", "office", {}), ("withdraw", "office", NO)),
    ("active", ("replace", "office", NO), ("complete", "office", {})),
    ("active", ("replace", "office", NO), ("replace", "office", NO)),
    ("approved", ("offer", "office", {}), ("discard", "office", NO)),
    ("proposed", ("approve", "office", {}), ("discard", "office", NO)),
    ("accepted", ("start", "office", {}), ("start", "office", {})),
]


@pytest.mark.parametrize("rivals", RIVALS, ids=lambda one: f"{one[0]}: {one[1][0]} or {one[2][0]}")
def test_of_two_rival_steps_on_an_assignment_one_is_taken(pool, office, rivals):
    """Where one leads on to the other (approve, then discard) both may be; a state is never left twice."""
    state, *pair = rivals
    (_lead, coordinator, _evaluator), projects, programme = pool
    rounds = amount(PAIRS)
    (project,), advisor = projects(), matching.pooled(programme, coordinator, capacity=9)
    who = {"adviser": advisor.person, "system": SYSTEM, "office": coordinator}
    follows = {("approve", "discard"), ("accept", "withdraw")}
    for _turn in range(rounds):
        one = assignment_in(state, project, advisor, coordinator)
        answers = together(*(step(one, name, who[by], **data) for name, by, data in pair))
        taken = len(done(answers))
        assert taken == 1 or (tuple(name for name, *_ in pair) in follows and taken == 2)
        left = Entry.objects.filter(record_id=one.pk, from_state=state).exclude(to_state=state).count()
        assert left == 1 and is_whole(one)
        end(fresh(one), advisor, coordinator)
    assert not Assignment.objects.filter(project=project, state__in=LIVE).exists()


def end(one, advisor, by):
    """Frees the place for the next round."""
    for state, name, person in (
        ("approved", "discard", by),
        ("offered", "decline", advisor.person),
        ("accepted", "withdraw", by),
        ("active", "replace", by),
    ):
        if one.state == state:
            one.perform(name, by=person, **NO)


def test_two_advisors_of_one_kind_are_not_both_approved_for_a_project(pool):
    (_lead, coordinator, _evaluator), projects, programme = pool
    (project,) = projects()
    advisors = [matching.pooled(programme, coordinator) for _ in range(2)]
    for _turn in range(amount(PAIRS)):
        pair = [matching.proposed(project, advisor, coordinator) for advisor in advisors]
        answers = together(*(step(one, "approve", coordinator) for one in pair))
        assert len(done(answers)) == 1
        assert all("on the project already" in said for said in refused(answers))
        for one in pair:
            fresh(one).perform("discard", by=coordinator, **NO)


def test_two_advisors_of_different_kinds_start_at_once_and_the_project_is_matched_once(pool):
    (_lead, coordinator, _evaluator), projects, programme = pool
    pair = [matching.pooled(programme, coordinator, kind=kind, capacity=20) for kind in ("business", "sustainability")]
    for project in projects(amount(RELEASES)):
        ready = [
            assignment_in("accepted", project, advisor, coordinator, kind)
            for advisor, kind in zip(pair, ("business", "sustainability"), strict=True)
        ]
        answers = together(*(step(one, "start", coordinator) for one in ready))
        assert refused(answers) == []
        assert Project.objects.get(pk=project.pk).state == "matched"
        assert Entry.objects.filter(record_id=project.pk, step="match").count() == 1
        for one in ready:
            fresh(one).perform("replace", by=coordinator, **NO)


def test_control_without_the_lock_the_second_to_start_trips_over_the_match_of_the_first(pool, monkeypatch):
    (_lead, coordinator, _evaluator), projects, programme = pool
    (project,) = projects()
    changed(monkeypatch, Assignment, "start", locks="")
    ready = [
        assignment_in("accepted", project, matching.pooled(programme, coordinator, kind=kind), coordinator, kind)
        for kind in ("business", "sustainability")
    ]
    answers = before_commit(*(step(one, "start", coordinator) for one in ready), pause=LONG)
    assert "“Match” is possible only from" in str(answers[1])


def starts_while_stopped(pool, project, kind="business", pause=0.3):
    """An advisor starts on a project that is being stopped at that moment."""
    (lead, coordinator, _evaluator), _projects, programme = pool
    advisor = matching.pooled(programme, coordinator)
    one = assignment_in("accepted", project, advisor, coordinator, kind)
    answers = before_commit(step(project, "stop", lead, reason="No."), step(one, "start", coordinator), pause)
    return one, answers


def test_nobody_starts_on_a_project_that_is_stopped_at_that_moment(pool):
    (project,) = pool[1]()
    one, (_stopped, started) = starts_while_stopped(pool, project)
    assert fresh(project).state == "stopped" and fresh(one).state == "withdrawn"
    assert isinstance(started, Refused)


def test_control_a_start_and_a_stop_that_lock_nothing_in_common_leave_one_at_work(pool, monkeypatch):
    (project,) = pool[1]()
    matching.active(project, matching.pooled(pool[2], pool[0][1], kind="sustainability"), pool[0][1], "sustainability")
    changed(monkeypatch, Assignment, "start", locks="")
    monkeypatch.setattr(Project, "end_assignments", lambda self, by: None)  # which asks for its lock too
    one, _answers = starts_while_stopped(pool, project, pause=LONG)
    assert (fresh(project).state, fresh(one).state) == ("stopped", "active")


# -- deadlocks and locks that somebody holds


def deadlocked(records, by, names):
    """Two outer transactions that lock the records in opposite orders; how often each was tried."""
    gate, tries = threading.Barrier(2), []

    def act(order, name):
        def once():
            tries.append(name)
            order[0].perform("edit", by=by, **profile(order[0], f"{name} {order[0].pk}"))
            if tries.count(name) == 1:
                gate.wait(10)
            order[1].perform("edit", by=by, **profile(order[1], f"{name} {order[1].pk}"))

        return door.retrying(once)

    one, other = records
    answers = together(
        lambda: act([fresh(one), fresh(other)], names[0]), lambda: act([fresh(other), fresh(one)], names[1])
    )
    return answers, tries


def test_a_deadlock_is_tried_again_and_both_acts_are_done(office, figure):
    rounds, retried = amount(DEADLOCKS), 0
    for turn in range(rounds):
        records = [make.cluster(), make.cluster()]
        with structlog.testing.capture_logs() as logs:
            answers, tries = deadlocked(records, office[2], (f"Ada {turn}", f"Bea {turn}"))
        assert refused(answers) == [] and len(tries) > 2
        retried += len(tries) - 2
        assert any(line["event"] == "door_retry" and line["sqlstate"] == "40P01" for line in logs)
        assert [fresh(one).version for one in records] == [3, 3] and all(map(is_whole, records))
    figure("deadlocks provoked, both acts done", rounds, f"{rounds} of {rounds}")


def test_control_without_retries_a_deadlock_is_a_fault(office, monkeypatch):
    monkeypatch.setattr(door, "RETRIES", 0)
    with pytest.raises(OperationalError, match="deadlock detected"):
        deadlocked([make.cluster(), make.cluster()], office[2], ("Ada", "Bea"))


def test_many_records_at_once_are_locked_in_one_order_and_never_deadlock(office):
    firms = [Organisation().perform("create", by=SYSTEM, **FIRM, cluster=None) for _ in range(20)]
    rounds = amount(PAIRS)
    with structlog.testing.capture_logs() as logs:
        for turn in range(rounds):
            orders = ((firms, FIRM | {"name": f"Ada {turn}"}), (firms[::-1], FIRM | {"name": f"Bea {turn}"}))
            asked = [
                partial(perform_many, [*map(fresh, order)], "edit", by=office[2], **data) for order, data in orders
            ]
            assert refused(together(*asked)) == []
            assert len({fresh(one).name for one in firms}) == 1
    assert [line for line in logs if line["event"] == "door_retry"] == []
    assert {fresh(one).version for one in firms} == {1 + 2 * rounds}


@contextmanager
def held(record, seconds=None):
    """The row is locked by somebody else, for so long or until the end of the block."""
    is_locked, is_over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            type(record)._base_manager.select_for_update().get(pk=record.pk)
            is_locked.set()
            is_over.wait(seconds)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(in_thread, hold)
        assert is_locked.wait(10)
        try:
            yield
        finally:
            is_over.set()
            holding.result()


def impatient(act, limit="150ms"):
    """With a shorter limit on locks than production has, so that the test need not wait for it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{limit}'")
    try:
        return act()
    finally:
        connections.close_all()


def test_a_lock_that_is_soon_free_is_waited_for_and_the_act_is_done(office):
    cluster = make.cluster()
    for turn in range(amount(DEADLOCKS)):
        with held(cluster, 0.25), structlog.testing.capture_logs() as logs:
            made = impatient(step(cluster, "edit", office[2], **profile(cluster, f"Ada {turn}")))
        assert made.version == turn + 2
        assert {line["sqlstate"] for line in logs if line["event"] == "door_retry"} == {"55P03"}
    assert is_whole(cluster)


def test_a_lock_that_stays_is_503_after_three_retries_and_never_500(office, figure):
    cluster = make.cluster()
    before, page = fresh(cluster).name, f"/workspace/clusters/{cluster.pk}/edit/"
    client, sender = signed_in(office[2]), Api(office[2])
    seen = client.get(page)
    body = profile(cluster, "Ada") | {"_version": hidden(seen, "_version"), "_token": hidden(seen, "_token")}
    path, head = f"/api/clusters/{cluster.pk}/perform/edit/", {"If-Match": '"1"', "Idempotency-Key": "key-1"}
    with held(cluster), structlog.testing.capture_logs() as logs:
        by_form = impatient(lambda: client.post(page, body))
        by_api = impatient(lambda: sender.post(path, profile(cluster, "Ada"), **head))
    assert (by_form.status_code, by_api.status_code) == (503, 503)
    assert by_api["Content-Type"] == "application/problem+json" and by_api.json()["detail"]
    assert sum(line["event"] == "door_retry" for line in logs) == 2 * door.RETRIES
    assert (fresh(cluster).version, fresh(cluster).name, Once.objects.count()) == (1, before, 0)
    assert sender.post(path, profile(cluster, "Ada"), **head).status_code == 200  # the same request, later
    figure("answer while a lock stays held", 503, "503, never 500", met=True)


# -- the same new thing, entered by two at one instant


@dataclasses.dataclass
class House:
    """A programme with a project, an open call and an application to judge, two coordinators and two managers."""

    case: support.Case
    coordinators: list
    managers: list
    call: object
    eligible: Application
    turns: itertools.count


@pytest.fixture
def house(committed):
    case = support.case("assessing", areas=["energy-efficiency"])
    call = make.call(case.project.programme, case.coordinator)
    cluster = make.cluster()
    eligible = make.draft(call, make.manager_of(cluster), cluster)
    eligible.perform("submit", by=eligible.managers().get())
    eligible.perform("declare_eligible", by=case.coordinator, answers=make.MET)
    return House(
        case,
        [case.coordinator, case.second],
        [make.person(), make.person()],
        call,
        eligible,
        itertools.count(1),
    )


def new_cluster(house):
    return "clusters", profile(None, f"Only one {next(house.turns)}"), house.coordinators


def new_application(house):
    cluster = make.cluster()
    for manager in house.managers:
        make.grant(manager, "manager", "cluster", cluster.pk, by=SYSTEM)
    body = {"call": str(house.call.pk), "lead_cluster": str(cluster.pk), "title_text": "Bid", "partners": []}
    return "applications", body | {"needs": []}, house.managers


def new_conflict(house):
    body = {"person": str(house.case.adviser.pk), "cluster": str(make.cluster().pk), "kind": "other", "note": ""}
    return "conflicts", body, house.coordinators


def new_grant(house):
    programme, person = str(house.call.programme_id), str(make.person().pk)
    body = {"person": person, "role": "evaluator", "programme": programme, "scope_type": "programme"}
    return "grants", body, house.coordinators


def new_person(house):
    """The same address for the first time, from two sides."""
    body = {"email": f"new{next(house.turns)}@example.org", "name": "New Comer", "role": "evaluator"}
    return "grants", body | {"programme": str(house.call.programme_id), "scope_type": "programme"}, house.coordinators


def new_advisor(house):
    body = {
        "programme": str(house.call.programme_id),
        "name": "Only One",
        "email": f"only{next(house.turns)}@example.org",
        "kind": "business",
        "areas": [],
        "languages": [],
        "countries": [],
        "capacity": 1,
    }
    return "advisors", body, house.coordinators


def new_webinar(house):
    body = {
        "programme": str(house.call.programme_id),
        "order": 100 + next(house.turns),
        "title_text": "Only one",
        "month": "2021-09",
        "zone": "Europe/Brussels",
        "agenda": [],
    }
    return "webinars", body, house.coordinators


def new_evaluation(house):
    evaluator = make.staff("evaluator", house.call.programme)
    return "evaluations", {"application": str(house.eligible.pk), "evaluator": str(evaluator.pk)}, house.coordinators


NEW_THINGS = [
    new_cluster,
    new_application,
    new_conflict,
    new_grant,
    new_person,
    new_advisor,
    new_webinar,
    new_evaluation,
]


def test_of_two_who_enter_the_same_new_thing_one_is_told_in_a_sentence(house, figure):
    rounds = amount(UNIQUE)
    for make_one in NEW_THINGS * rounds:
        records, body, people = make_one(house)
        model = by_plural(records)
        before = model.objects.count()
        answers = together(*(partial(Api(person).post, f"/api/{records}/", body) for person in people))
        status = sorted(one.status_code for one in answers)
        assert status in ([201, 400], [201, 409]), (make_one.__name__, [one.content for one in answers])
        told = next(one for one in answers if one.status_code != 201).json()
        assert told["detail"].strip(" ;:")
        assert model.objects.count() == before + 1, make_one.__name__
    figure("the same new thing by two: one made, the other told", rounds * len(NEW_THINGS), "all")


def test_what_there_can_be_once_for_a_project_is_opened_once(house):
    for one in support.cases(amount(UNIQUE)):
        body = {"project": str(one.project.pk)}
        answers = together(*(partial(Api(p).post, "/api/trajectories/", body) for p in (one.coordinator, one.second)))
        assert sorted(a.status_code for a in answers) in ([201, 400], [201, 409])
        assert Trajectory.objects.get(project=one.project).version == 1


def test_two_reports_asked_for_at_once_are_two_versions(house):
    for turn in range(amount(UNIQUE)):
        asked = [partial(reporting.requested, house.call.programme, person) for person in house.coordinators]
        numbers = sorted(one.number for one in done(together(*asked)))
        assert numbers == [2 * turn + 1, 2 * turn + 2]


def test_two_who_announce_a_webinar_queue_its_invitations_once(house):
    case = house.case
    of = webinars.House(case.project.programme, case.lead, case.coordinator, case.project, case.manager, case.adviser)
    for order in range(1, amount(UNIQUE) + 1):
        webinar = webinars.webinar(of, order)
        answers = together(*(step(webinar, "announce", person, reason="") for person in house.coordinators))
        assert len(done(answers)) == 1 and all(refused(answers))
        assert Job.objects.filter(record_id=webinar.pk).count() == 1


def test_the_last_place_of_a_webinar_is_taken_once_and_handed_on_once(house):
    case = house.case
    of = webinars.House(case.project.programme, case.lead, case.coordinator, case.project, case.manager, case.adviser)
    people = [webinars.joins(case.project) for _ in range(4)]
    for order in range(1, amount(UNIQUE) + 1):
        webinar = webinars.announced(of, order, capacity=2)
        places = [webinars.registration(webinar, person) for person in people]
        assert refused(together(*(step(one, "register", one.person) for one in places))) == []
        states = Counter(fresh(one).state for one in places)
        assert states == {"registered": 2, "waitlisted": 2}
        going = [one for one in places if fresh(one).state == "registered"]
        together(*(step(one, "cancel", one.person) for one in going))
        assert Counter(fresh(one).state for one in places) == {"cancelled": 2, "registered": 2}
        assert all(is_whole(one) for one in places)
