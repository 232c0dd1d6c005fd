"""The relay: rings for jobs, ticks the timers and seals the trail; beside it, mails notices."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from facility.workflow import jobs, tasks

NOW_AND_THEN: dict[Callable[[], Any], int] = {tasks.seal: 3600, tasks.keep_house: 24 * 3600}
LONGEST_PAUSE = 5.0
log = structlog.get_logger()


class Command(BaseCommand):
    help = "Rings for due jobs, ticks the timers, mails notices and seals the trail, until it is told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")
        parser.add_argument("--pause", type=float, default=0.5, help="seconds between rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        rounds = (Clockwork(), mail)
        if options["once"]:
            for one in rounds:
                one()
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        # Mailing has a thread of its own: a mail server that hangs holds up neither jobs nor clocks.
        loops = [Loop(one, options["pause"], stop) for one in rounds]
        for loop in loops:
            loop.start()
        stop.wait()
        for loop in loops:
            loop.join()
        if any(loop.broken for loop in loops):
            raise CommandError("The relay broke; its log says where.")


class Loop(threading.Thread):
    """Does rounds until it is told to stop; a database that is away is waited for."""

    def __init__(self, work: Callable[[], int], pause: float, stop: threading.Event) -> None:
        super().__init__()
        self.work, self.pause, self.stop = work, pause, stop
        self.away, self.broken = 0, False

    def run(self) -> None:
        """Ends the whole relay when a round breaks: whoever supervises it starts it anew."""
        try:
            while not self.stop.wait(self.round()):
                pass
        except Exception:
            self.broken = True
            log.exception("relay_broke")
        finally:
            connection.close()
            self.stop.set()

    def round(self) -> float:
        """One round; answers how long to wait for the next."""
        try:
            close_old_connections()
            done = self.work()
        except (OperationalError, InterfaceError) as error:
            if not self.away:
                log.warning("relay_database_away", error=type(error).__name__)
            self.away += 1
            connection.close()
            return min(self.pause * self.away, LONGEST_PAUSE)
        if self.away:
            log.info("relay_database_back", rounds=self.away)
            self.away = 0
        return 0 if done else self.pause


class Clockwork:
    """Rings and ticks; now and then seals and keeps house."""

    def __init__(self) -> None:
        self.next = dict.fromkeys(NOW_AND_THEN, 0.0)

    def __call__(self) -> int:
        done = jobs.ring(tasks.send)
        if held(tasks.TICKS):
            done += tasks.tick()
            for act, every in NOW_AND_THEN.items():
                if time.monotonic() >= self.next[act]:
                    act()
                    self.next[act] = time.monotonic() + every
        return done


def mail() -> int:
    """Mails what waits."""
    return tasks.mail() if held(tasks.MAILS) else 0


def held(lock: int) -> bool:
    """Whether this relay is the one that does it; the lock goes with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])
