"""Runs a command on servers like those of a data centre: TCP, passwords, everything flushed to disk.

python -m config.separate make test

The embedded servers (config/embedded.py) listen on unix sockets, believe whoever reaches them, and do not wait for
the disk. These ask every role for its password (scram-sha-256), wait for the disk, and listen on ports of loopback;
Redis is the machine's own where it is installed. They are made anew each time, with new passwords, and are gone
afterwards; the settings stay those of a machine of one's own (EMBEDDED=1), so that only the servers differ.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from config.servers import APPLICATION, DATABASE, OWNER, SUPERUSER, EmbeddedError, Postgres, Valkey

HOME = Path(__file__).resolve().parent.parent / ".local" / "separate"
HOST = "127.0.0.1"
# Below those that the system lends to clients: one of these could take the port of a server that restarts.
PORTS = range(20_000, 32_000)
POSTGRES_SETTINGS = {"listen_addresses": HOST, "unix_socket_directories": "", "password_encryption": "scram-sha-256"}


class Separate:
    """A PostgreSQL and a Redis over TCP in a folder of their own, with new passwords."""

    def __init__(self, home: Path = HOME) -> None:
        self.home = home.resolve()
        self.passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, APPLICATION, "redis")}
        port, self.redis_port = free_ports(2)
        self.postgres = Postgres(
            self.home,
            host=HOST,
            port=port,
            settings=POSTGRES_SETTINGS | {"port": str(port)},
            passwords=self.passwords,
        )
        self.redis = Valkey(
            self.home / "redis",
            reach={"host": HOST, "port": self.redis_port, "password": self.passwords["redis"]},
            settings={"bind": HOST, "port": str(self.redis_port), "requirepass": self.passwords["redis"]},
            program=shutil.which("redis-server") or "",
        )

    def addresses(self) -> dict[str, str]:
        """DATABASE_URL, MIGRATE_DATABASE_URL and REDIS_URL of the servers."""
        where = f"{HOST}:{self.postgres.port}/{DATABASE}"
        return {
            "DATABASE_URL": f"postgresql://{APPLICATION}:{self.passwords[APPLICATION]}@{where}",
            "MIGRATE_DATABASE_URL": f"postgresql://{OWNER}:{self.passwords[OWNER]}@{where}",
            "REDIS_URL": f"redis://:{self.passwords['redis']}@{HOST}:{self.redis_port}",
        }

    @contextmanager
    def running(self) -> Iterator[Separate]:
        """Makes and starts both, and stops and removes them afterwards.

        Raises:
            EmbeddedError: a server does not start, or another process has its servers in this folder.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EmbeddedError(f"Another process has its servers in {self.home}.") from None
            self._remove()  # what a killed process has left
            try:
                self.redis.folder.mkdir(mode=0o700)
                self.postgres.start()
                self.postgres.prepare()
                self.redis.start()
                yield self
            finally:
                try:
                    if self.redis.answers():
                        self.redis.stop()
                    if self.postgres.answers():
                        self.postgres.stop()
                finally:
                    self._remove()

    def _remove(self) -> None:
        """Kills what still works in the folders, then removes them: nothing in them is worth keeping."""
        folders = {str(self.postgres.cluster), str(self.redis.folder)}
        left = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] in folders]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)
        for folder in (self.postgres.data, self.redis.folder):
            shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """So many ports of loopback that nobody listens on."""
    found: list[int] = []
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise EmbeddedError(f"No port of {HOST} is free.")


def run(command: list[str], environment: dict[str, str]) -> int:
    """Runs the command to its end, also where Ctrl-C or a signal asks for it; answers its exit status."""
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    _on_signals(pass_on)
    # The terminal has sent it to the command too, which decides what becomes of it.
    signal.signal(signal.SIGINT, lambda *_: None)
    status = process.wait()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _on_signals(signal.SIG_IGN)
    return status if status >= 0 else 128 - status


def _on_signals(act: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, act)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main(command: list[str]) -> int:
    if not command:
        print("Usage: python -m config.separate COMMAND …", file=sys.stderr)
        return 2
    _on_signals(_leave)
    servers = Separate()
    try:
        with servers.running():
            print(
                f"PostgreSQL on {HOST}:{servers.postgres.port}, {Path(servers.redis.program).name} on "
                f"{HOST}:{servers.redis_port}, with passwords",
                file=sys.stderr,
            )
            # What the command leaves, such as the demo's report, is kept apart from that of the embedded servers.
            own = {"EMBEDDED": "1", "DATA_ROOT": str(servers.home / "data")}
            return run(command, os.environ | own | servers.addresses())
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
