"""The relay: rings for jobs, ticks the timers, mails notices, seals the trail."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections, connection

from facility.workflow import jobs, tasks

LOCK = 7_205_001  # one relay ticks and mails at a time; any number may ring
SEAL_EVERY = 3600
log = structlog.get_logger()


class Command(BaseCommand):
    help = "Rings for due jobs, ticks the timers, mails notices and seals the trail, until it is told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")
        parser.add_argument("--pause", type=float, default=0.5, help="seconds between rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        sealed = 0.0
        while True:
            try:
                close_old_connections()
                done = jobs.ring(tasks.send)
                if held():
                    done += tasks.tick() + tasks.mail()
                    if time.monotonic() - sealed > SEAL_EVERY:
                        tasks.seal()
                        sealed = time.monotonic()
            except Error as error:
                log.warning("relay_database_away", error=type(error).__name__)
                connection.close()
                done = 0
            if options["once"]:
                return
            if stop.wait(0 if done else options["pause"]):
                return


def held() -> bool:
    """Whether this relay is the one that ticks; the lock goes with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])
