"""Timers: a reminder, an overdue mark, an escalation, each once; steps that the system takes at their time."""

from __future__ import annotations

import datetime as dt
import smtplib

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone

from facility.workflow import clock, tasks
from facility.workflow.clock import Timer
from facility.workflow.trail import Entry, Notice
from tests.errands.models import Errand
from tests.workflow import making

pytestmark = pytest.mark.django_db


def keys(person) -> list[str]:
    return [n.key.split(":")[0] for n in Notice.objects.filter(to=person).order_by("id")]


def ticks(days: float) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(days=days), tick=False):
        tasks.tick()
        tasks.tick()


def test_reminded_once_overdue_once_escalated_once():
    giver, runner = making.people()
    making.errand(giver, runner)  # due after 10 days, reminder 2 before, escalation 7 after
    for day in (7.9, 8.1, 9, 10.1, 12, 16.9, 17.1, 30):
        ticks(day)
    assert keys(runner) == ["Reminder", "Overdue"]
    assert keys(giver) == ["“%(title)s” is overdue; please look after it."]


def test_a_relay_away_for_days_does_not_remind_late():
    giver, runner = making.people()
    making.errand(giver, runner)
    ticks(11)
    ticks(11.1)
    assert keys(runner) == ["Overdue"]


def test_nothing_after_the_state_is_left():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    ticks(40)
    assert "Reminder" not in keys(runner)


def test_the_system_takes_its_step_at_its_time_and_says_so():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    Timer.objects.create(
        record_type="tests.errand",
        record_id=errand.pk,
        state="given",
        step="lapse",
        due_at=timezone.now() + dt.timedelta(days=3),
        next_at=timezone.now() + dt.timedelta(days=3),
    )
    ticks(2.9)
    assert Errand.objects.get().state == "given"
    ticks(3.1)
    assert Errand.objects.get().state == "lapsed"
    last = Entry.objects.filter(record_id=errand.pk).latest("number")
    assert last.actor is None and last.role == "system"


def test_a_refused_step_is_tried_again_and_told_once():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    soon = timezone.now() + dt.timedelta(days=1)
    common = {"record_type": "tests.errand", "record_id": errand.pk, "state": "given", "due_at": soon, "next_at": soon}
    Timer.objects.create(step="finish", **common)  # possible only from "running"
    for hours in (24.1, 24.5, 25.2, 26.3):
        ticks(hours / 24)
    assert keys(giver) == ["“%(title)s” could not go on by itself"]
    Timer.objects.filter(step="finish").update(step="lapse")
    ticks(2)
    assert Errand.objects.get().state == "lapsed"


def test_clocks_that_rested_with_their_programme_go_on_when_its_end_is_moved(monkeypatch):
    giver, runner = making.people()
    making.errand(giver, runner)
    monkeypatch.setattr(Errand, "clock_stopped", lambda self: True)
    ticks(11)
    assert keys(runner) == []
    monkeypatch.setattr(Errand, "clock_stopped", lambda self: False)
    ticks(11.5)
    assert keys(runner) == []
    ticks(12.1)
    assert keys(runner) == ["Overdue"]


def test_mail_once_with_one_message_id():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    assert tasks.mail() == 1
    assert tasks.mail() == 0
    sent = mail.outbox[0]
    notice = Notice.objects.get(to=giver)
    assert sent.to == [giver.email] and sent.extra_headers["Message-ID"].startswith(f"<{notice.pk}@")
    assert "The errand fetch bread is done." in sent.body


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"nobody")}), True),
        (smtplib.SMTPRecipientsRefused({"a@example.org": (450, b"busy")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPAuthenticationError(535, b"the password has run out"), False),
        (smtplib.SMTPSenderRefused(553, b"not you", "facility@example.org"), False),
        (ConnectionRefusedError(), False),
        (KeyError("title"), False),
    ],
)
def test_only_what_is_refused_for_this_address_is_given_up(monkeypatch, error, is_final):
    """An error of the whole server, such as a password that has run out, must not strike out everybody's mail."""

    def refuse(self):
        raise error

    giver, runner = making.people()
    errand = making.errand(giver, runner)
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    monkeypatch.setattr(EmailMessage, "send", refuse)
    assert tasks.mail() == 0
    assert (Notice.objects.get(to=giver).mail_after is None) == is_final
    monkeypatch.undo()
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=16), tick=False):
        assert tasks.mail() == (not is_final)


def test_only_the_demo_sets_the_clock(settings, tmp_path):
    with pytest.raises(RuntimeError):
        clock.set_demo(timezone.now())
    settings.DEMO_CLOCK = str(tmp_path / "clock")
    clock.set_demo(dt.datetime(2021, 3, 5, 17, 0, tzinfo=dt.UTC))
    assert clock.now() == dt.datetime(2021, 3, 5, 17, 0, tzinfo=dt.UTC)
