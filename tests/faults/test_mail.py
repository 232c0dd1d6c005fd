"""Every notice is mailed, under its one Message-ID, however often the relay or the server of mail fails."""

from __future__ import annotations

import datetime as dt
import random
import time
import uuid
from typing import Any

import pytest
from django.db import connection

from config import process
from facility.workflow import clock, jobs, tasks, trail
from facility.workflow.clock import Timer
from facility.workflow.engine import perform_many
from facility.workflow.jobs import Job
from facility.workflow.trail import Entry, Notice
from tests.advisory import making_support as support
from tests.errands.models import Errand
from tests.faults.plant import amount, script, until
from tests.faults.post import Post, post
from tests.workflow import making

pytestmark = pytest.mark.faults
NOTICES, KILLS, TIMERS = 1000, 40, 200
# The window in which a kill doubles a mail: the server has it, the relay does not know yet.
WINDOW = 0.02
RELAY = process.commands()["relay"]
MARKED_FIRST = """
from facility.workflow import clock, tasks
from facility.workflow.trail import Notice
for notice in Notice.objects.filter(mailed_at=None):
    Notice.objects.filter(pk=notice.pk).update(mailed_at=clock.now())
    tasks.message_for(notice).send()
"""
WITHOUT_LOCKS = script("""
from django.core.management import call_command
from django.db.models import QuerySet
from facility.workflow.management.commands import relay
relay.held = lambda *of: True
QuerySet.select_for_update = lambda self, **options: self
call_command("relay")
""")


def notices(number: int) -> list[Notice]:
    """So many notices that wait to be mailed, to two people in turn."""
    giver, runner = making.people()
    one = making.errand(giver, runner)
    return Notice.objects.bulk_create(
        notice
        for at in range(number)
        for notice in trail.notices(one, [(giver, runner)[at % 2]], "Number %(number)d.", {"number": at})
    )


def is_mailed() -> bool:
    return not Notice.objects.filter(mailed_at=None, mail_after__isnull=False).exists()


def ids(made: list[Notice]) -> set[str]:
    """The Message-IDs that the notices have for ever."""
    return {tasks.message_for(one).extra_headers["Message-ID"] for one in made}


def kill_again_and_again(processes: Any, sink: Post, command: str, kills: int, done: Any) -> int:
    """Starts a process and kills it after the next few mails, so many times; answers how often it was killed."""
    choose, killed = random.Random(11), 0
    for _ in range(kills):
        before = len(sink.mails)
        processes.start("mailer", command)
        until(lambda: done() or len(sink.mails) > before, 60, 0.01)  # noqa: B023
        time.sleep(choose.uniform(0, 0.4))
        killed += not done()
        processes.kill("mailer")
    return killed


def test_every_notice_is_mailed_while_the_relay_is_killed(processes, figure):
    with post(seconds_before_thanks=WINDOW) as sink:
        processes.environment["EMAIL_URL"] = sink.url
        made = notices(amount(NOTICES))
        killed = kill_again_and_again(processes, sink, RELAY, amount(KILLS), is_mailed)
        processes.start("relay")
        until(is_mailed, 120)
    lost, doubled = len(ids(made) - set(sink.ids())), len(sink.ids()) - len(set(sink.ids()))
    figure(f"mails lost of {len(made)}, {killed} kills of the relay", lost, "0", met=lost == 0)
    figure("mails that came twice, under the same Message-ID", doubled, f"at most {killed}", met=doubled <= killed)
    assert killed > 0
    assert set(sink.ids()) == ids(made)
    assert doubled <= killed


def test_control_what_is_marked_before_it_is_sent_gets_lost(processes):
    with post(seconds_before_greeting=WINDOW) as sink:
        processes.environment["EMAIL_URL"] = sink.url
        made = notices(200)
        kill_again_and_again(processes, sink, script(MARKED_FIRST), 10, is_mailed)
        processes.start("mailer", script(MARKED_FIRST)).wait()
    assert is_mailed()
    assert len(set(sink.ids())) < len(made)


def test_a_server_of_mail_that_was_away_gets_everything(processes, figure, settings, tmp_path):
    settings.DEMO_CLOCK = processes.environment["DEMO_CLOCK"] = str(tmp_path / "clock")
    with post() as sink:
        port = sink.port
    processes.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
    made = notices(amount(200))
    processes.start("relay")
    until(lambda: "mail_failed" in processes.said("relay"), 30)
    assert not Notice.objects.filter(mailed_at__isnull=False).exists()
    with post(port) as sink:
        clock.set_demo(clock.now() + jobs.LATER + dt.timedelta(minutes=1))
        until(is_mailed, 60)
    figure("mails that arrive after the server of mail was away", len(sink.mails), f"{len(made)}")
    assert sorted(sink.ids()) == sorted(ids(made))


def test_the_mail_of_a_job_arrives_after_the_server_of_mail_was_away(processes, settings, tmp_path):
    """A session is logged meanwhile; the manager is asked to confirm it by a mail with a link, which a job sends."""
    settings.DEMO_CLOCK = processes.environment["DEMO_CLOCK"] = str(tmp_path / "clock")
    one = support.case("in_support")
    with post() as sink:
        port = sink.port
    processes.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
    support.session(one)
    processes.start("relay")
    processes.start("worker")
    until(lambda: "job_failed" in processes.said("worker"), 60)
    time.sleep(15)  # it is away for longer than a hiccup
    asked = Job.objects.filter(name="advisory.ask_confirmation")
    assert asked.get().state == Job.State.WAITING
    with post(port) as sink:
        clock.set_demo(clock.now() + jobs.LATER + dt.timedelta(minutes=1))
        until(lambda: asked.get().state == Job.State.DONE, 60)
    session = asked.get().record()
    key = uuid.uuid5(session.pk, f"{session.version} {one.manager.pk}")
    assert sum(str(key) in sent for sent in sink.ids()) == 1


def test_a_server_of_mail_that_says_nothing_holds_nobody_else_up(processes, figure):
    with post() as sink:
        sink.is_silent = True
        processes.environment["EMAIL_URL"] = sink.url
        notices(20)
        processes.start("relay")
        until(lambda: sink.kept_waiting > 0, 30)
        giver, runner = making.people()
        errand = making.errand(giver, runner).perform("begin", by=runner)
        errand.perform("finish", by=runner)
        waited = until(lambda: Job.objects.filter(rung_at__isnull=False).exists(), 90)
        figure("a job waits while the server of mail hangs", round(waited, 1), "5 s", "s", waited <= 5)
        assert waited <= 5


def backends() -> int:
    """How many connections the test's database has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def overdue(number: int) -> list[Errand]:
    """Errands for which nobody has set out in time; half of them the system ends by itself."""
    giver, runner = making.people()
    made = perform_many([Errand() for _ in range(number)], "give", by=giver, runner=runner, what="bread", stops=[])
    past = clock.now() - dt.timedelta(hours=1)
    half = [one.pk for one in made[::2]]
    Timer.objects.filter(record_id__in=half).update(step="lapse")
    Timer.objects.update(due_at=past, next_at=past, escalate_at=None)
    return made


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control_without_locks"])
def test_two_relays_act_once_also_when_one_is_killed_in_the_middle(processes, figure, guarded):
    command, count = (RELAY if guarded else WITHOUT_LOCKS), max(amount(TIMERS), 80)
    with post() as sink:
        sink.seconds_before_thanks = 0.1  # so that both are at work at the same time
        processes.environment["EMAIL_URL"] = sink.url
        alone = backends()
        for name in ("one", "two"):
            processes.start(name, command)
        until(lambda: backends() >= alone + 4, 60)  # each has a loop for clocks and one for mails
        overdue(count)
        until(lambda: len(sink.mails) > count // 8, 60)
        if guarded:
            processes.kill("one")
        until(lambda: not Timer.objects.filter(next_at__isnull=False).exists() and is_mailed(), 120)
        time.sleep(1)
    reminded = Notice.objects.filter(key__startswith="Overdue").count()
    lapsed = Entry.objects.filter(step="lapse").count()
    twice = len(sink.ids()) - len(set(sink.ids()))
    if guarded:
        doubled = reminded + lapsed - count
        figure("timers that acted twice under two relays, one killed", doubled, "0", met=doubled == 0)
        figure("mails that came twice under two relays, one killed", twice, "at most 1", met=twice <= 1)
        assert (reminded, lapsed) == (count // 2, count // 2)
        assert twice <= 1
    else:
        assert reminded + twice > count // 2 + 1
