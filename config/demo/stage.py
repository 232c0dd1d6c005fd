"""The stage of the demo: its clock, its processes, its people, and waiting for what the worker does."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import os
import signal
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection

from config.demo.facts import DemoPerson
from config.process import arguments, commands, environment
from facility.registry.grants import grant
from facility.registry.people import Person
from facility.workflow import clock
from facility.workflow.clock import Timer
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM

ZONE = zoneinfo.ZoneInfo("Europe/Brussels")
PASSWORD = "green transition demo"  # noqa: S105 (printed with every sign-in of the demo)
PROCESSES = ("worker", "relay")
PATIENCE = 300


class DemoFailed(Exception):
    """The demo cannot go on; the sentence says why."""


class Stage:
    """What every act of the demo uses: `on(day)` sets the date, `settle()` waits for jobs and timers."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.people: dict[str, Person] = {}
        self.hash = make_password(PASSWORD)  # one for all, since each costs a fifth of a second
        self.kept: dict[str, Any] = {}
        self.agenda: list[tuple[dt.datetime, int, Callable[[], None]]] = []
        self.counter = itertools.count()

    def on(self, day: dt.date | str, hour: int = 9, minute: int = 0) -> None:
        """Sets the demo's clock to an hour of a day in Brussels."""
        if isinstance(day, str):
            day = dt.date.fromisoformat(day)
        clock.set_demo(dt.datetime.combine(day, dt.time(hour, minute), ZONE))

    def plan(self, day: dt.date | str, act: Callable[[], None], hour: int = 10, minute: int = 0) -> None:
        """Something that happens at an hour of a day; `run` takes all of it in the order of time."""
        if isinstance(day, str):
            day = dt.date.fromisoformat(day)
        when = dt.datetime.combine(day, dt.time(hour, minute), ZONE)
        heapq.heappush(self.agenda, (when, next(self.counter), act))

    def run(self, until: dt.date = dt.date.max) -> None:
        """Lets everything planned before a day happen, also what is planned on the way."""
        while self.agenda and self.agenda[0][0].date() < until:
            when, _number, act = heapq.heappop(self.agenda)
            clock.set_demo(when)
            act()

    def settle(self) -> None:
        """Waits until no job is open and no timer is due; parked jobs end the demo with their reason."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            parked = Job.objects.filter(state=Job.State.PARKED).first()
            if parked:
                raise DemoFailed(f"The job {parked.name} is parked: {parked.reason}")
            instant = clock.now()
            jobs = Job.objects.filter(state__in=["waiting", "running"], due_at__lte=instant).count()
            if not jobs and not Timer.objects.filter(next_at__lte=instant).exists():
                return
            time.sleep(0.1)
        raise DemoFailed("The worker did not finish its jobs in time.")

    def person(self, who: DemoPerson, **fields: Any) -> Person:
        """The person of the demo, made at the first call."""
        if who.email not in self.people:
            made = Person.objects.known_or_new(who.email, who.name, language=who.lang, is_demo=True, **fields)
            made.password = self.hash
            made.save(update_fields=["password"])
            self.people[who.email] = made
        return self.people[who.email]

    def give(self, person: Person, role: str, scope: str, record: Any, programme: Any = None) -> None:
        """A role for a person."""
        grant(person, role, scope, record.pk, by=SYSTEM, programme=programme)


@contextmanager
def processes(say: Callable[[str], None]) -> Iterator[None]:
    """Worker and relay as in the Procfile, for as long as the demo plays; ended by their own process ids."""
    log = settings.DATA_ROOT / "demo" / "processes.log"
    running = []
    with log.open("ab") as out:
        for name in PROCESSES:
            running.append(
                subprocess.Popen(  # noqa: S603
                    arguments(commands()[name]),
                    cwd=settings.BASE_DIR,
                    env=environment() | {"WORKER_PROCESSES": "2"},
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            )
        try:
            yield
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def fresh_database(say: Callable[[str], None]) -> None:
    """Empties the database and makes its tables anew, as its owner."""
    import psycopg
    from environ import Env

    owner = Env.db_url_config(settings.MIGRATE_DATABASE_URL)
    params = connection.get_connection_params()
    connection.close()
    with psycopg.connect(
        host=params.get("host"),
        port=params.get("port"),
        dbname=params["dbname"],
        user=owner["USER"],
        password=owner["PASSWORD"] or None,
        autocommit=True,
    ) as raw:
        raw.execute(
            "DO $$ DECLARE one record; BEGIN FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tableowner = current_user LOOP EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', one.tablename); "
            "END LOOP; END $$"
        )
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=settings.BASE_DIR, check=True)


@dataclass
class Now:
    """The stage with the second programme on it and a clock that counts from the machine's day."""

    stage: Stage
    today: dt.date
    programme: Any = None

    def on(self, days: int, hour: int = 10) -> dt.date:
        """Sets the clock to so many days from today."""
        day = self.today + dt.timedelta(days=days)
        self.stage.on(day, hour)
        return day

    def at(self, days: int, hour: int) -> dt.datetime:
        """An instant so many days from today."""
        return dt.datetime.combine(self.today + dt.timedelta(days=days), dt.time(hour), ZONE)
