"""Clocks: each reminder once and at its hour, over both changes of daylight saving and with wrong machine clocks."""

from __future__ import annotations

import datetime as dt
import subprocess
import zoneinfo

import pytest
import time_machine

from facility.workflow import clock, tasks
from facility.workflow.trail import Entry, Notice
from tests import factories as make
from tests.errands.models import Errand
from tests.faults.plant import amount, script
from tests.workflow import making

pytestmark = pytest.mark.faults
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
# Half an hour's change in the last: the days of the change differ as well.
ZONES = ("Europe/Brussels", "Europe/Lisbon", "Europe/Athens", "Australia/Lord_Howe")
CHANGES = (dt.date(2021, 3, 28), dt.date(2021, 10, 31), dt.date(2021, 4, 4), dt.date(2021, 10, 3))


def local(day: dt.date, hour: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """An hour of a day in a zone, in UTC; skipped hours and those that come twice as `days_later` reads them."""
    return dt.datetime.combine(day, dt.time(hour, 30), zone).astimezone(dt.UTC)


def told(errand: Errand) -> dict[str, list[dt.datetime]]:
    """When which kind of notice came."""
    found: dict[str, list[dt.datetime]] = {}
    for one in Notice.objects.filter(record_id=errand.pk).order_by("created_at"):
        found.setdefault(one.key.split(":")[0], []).append(one.created_at)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ZONES)
def test_each_reminder_once_at_the_hour_it_is_due(monkeypatch, figure, name, change):
    """Due ten days after 02:30, the hour that a change skips or doubles, with every day from the change on."""
    zone = zoneinfo.ZoneInfo(name)
    monkeypatch.setattr(Errand, "tz", lambda self: zone)
    wrong = 0
    for before in range(1, 20, 1 if amount(10) > 1 else 5):
        given = change - dt.timedelta(days=before)
        if local(given, 2, zone).astimezone(zone).hour != 2:
            continue  # nothing is given in an hour that is skipped
        with time_machine.travel(local(given, 2, zone), tick=False):
            errand = making.errand(*making.people())
        for half_hours in range(48 * 19):
            instant = local(given, 2, zone) + half_hours * HOUR / 2
            if not clock.Timer.objects.filter(next_at__lte=instant).exists():
                continue
            with time_machine.travel(instant, tick=False):
                tasks.tick()
                tasks.tick()
        due = [local(given + dt.timedelta(days=days), 2, zone) for days in (8, 10, 17)]
        wrong += sum(times != [at] for times, at in zip(told(errand).values(), due, strict=True))
    figure(f"reminders at a wrong instant or not once, {name} {change:%d %B}", wrong, "0", met=not wrong)
    assert not wrong


@pytest.mark.django_db
def test_control_days_of_24_hours_are_an_hour_off(monkeypatch):
    zone, given = zoneinfo.ZoneInfo(ZONES[0]), CHANGES[0] - 5 * DAY
    monkeypatch.setattr(Errand, "tz", lambda self: zone)
    monkeypatch.setattr(clock, "days_later", lambda instant, days, zone: instant + days * DAY)
    with time_machine.travel(local(given, 2, zone), tick=False):
        making.errand(*making.people())
    assert clock.Timer.objects.get(step="").due_at - local(given + 10 * DAY, 2, zone) == HOUR


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES[:2])
@pytest.mark.parametrize("name", [*ZONES[:3], "Europe/Helsinki"])
def test_a_call_opens_and_closes_once_at_its_very_second(name, change):
    zone = zoneinfo.ZoneInfo(name)
    opens, closes = local(change - DAY, 2, zone), local(change, 18, zone)
    with time_machine.travel(opens - DAY, tick=False):
        programme = make.programme()
        coordinator = make.staff("coordinator", programme)
        call = make.call(programme, coordinator, open_now=False, opens_at=opens, closes_at=closes, zone=name)
        call.perform("publish", by=coordinator)
    seen = []
    for instant in (opens, closes):
        for seconds in (-1, 0, 1, 3600):
            with time_machine.travel(instant + dt.timedelta(seconds=seconds), tick=False):
                tasks.tick()
                call.refresh_from_db()
                seen.append(call.state)
    assert seen == ["announced", "open", "open", "open", "open", "closed", "closed", "closed"]
    taken = Entry.objects.filter(record_id=call.pk, step__in=["open", "close"]).order_by("number")
    assert [entry.effective_at for entry in taken] == [opens, closes]


@pytest.mark.django_db
def test_a_relay_down_for_a_day_makes_up_for_it_once():
    """Timers of every phase fall due while nothing ticks; then each acts once and nothing is said twice."""
    begun = dt.datetime(2021, 6, 1, 9, tzinfo=dt.UTC)
    errands = []
    for hours in range(0, 24, 2):  # the reminder of each falls into the day without a relay
        with time_machine.travel(begun + hours * HOUR, tick=False):
            errands.append(making.errand(*making.people()))
    for days in (
        7.9,
        9.05,
        9.1,
        10.9,
        11.1,
        18.1,
        18.2,
    ):  # reminders are due on the day after 8, the rest while it runs
        with time_machine.travel(begun + days * DAY, tick=False):
            tasks.tick()
    for errand in errands:
        assert {kind: len(times) for kind, times in told(errand).items()} == {
            "Reminder": 1,
            "Overdue": 1,
            "“%(title)s” is overdue; please look after it.": 1,
        }


def relay_with_clock_off_by(plant, hours: float, **environment: str) -> None:
    """One round of a relay on a machine whose clock is wrong."""
    code = (
        "import time, time_machine\n"
        f"time_machine.travel(time.time() + {hours * 3600}).start()\n"
        "from django.core.management import call_command\n"
        "call_command('relay', once=True)"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script(code)],
        env=plant.environment | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def timed(due: dt.timedelta) -> Errand:
    """An errand that lapses after a while."""
    errand = making.errand(*making.people())
    instant = clock.now() + due
    common = {"record_type": "tests.errand", "record_id": errand.pk, "state": "given"}
    clock.Timer.objects.create(**common, step="lapse", due_at=instant, next_at=instant)
    return errand


@pytest.mark.parametrize("hours", [-30, -2, 2, 30])
def test_a_machine_with_a_wrong_clock_acts_at_the_right_instant(processes, figure, hours):
    now, later = timed(-dt.timedelta(minutes=1)), timed(dt.timedelta(hours=1))
    relay_with_clock_off_by(processes, hours, DATABASE_CLOCK="1")
    states = [Errand.objects.get(pk=one.pk).state for one in (now, later)]
    entry = Entry.objects.get(record_id=now.pk, step="lapse")
    off = abs((entry.effective_at - entry.at).total_seconds())
    figure(f"seconds off, clock of the machine {hours:+} h", off, "under 1", "s", off < 1)
    assert states == ["lapsed", "given"] and off < 1


def test_control_by_its_own_clock_it_acts_too_early(processes):
    later = timed(dt.timedelta(hours=1))
    relay_with_clock_off_by(processes, 2, DATABASE_CLOCK="0")
    assert Errand.objects.get(pk=later.pk).state == "lapsed"
