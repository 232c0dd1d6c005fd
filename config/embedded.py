"""PostgreSQL and Valkey without an installation: servers from Python packages, with their data in `.local/`.

For the demo, development and tests. Both listen on unix sockets only, which nobody but the user who started them can
reach. A killed process or server loses nothing that was acknowledged; a power cut may, since the files are not
flushed to disk: whoever runs a real programme sets DATABASE_URL and REDIS_URL to servers of their own.

Several processes may use the servers at once. Each holds a shared lock while it does; the last one to go stops them,
unless they were asked to stay (`python -m config.embedded start`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.servers import APPLICATION, DATABASE, OWNER, EmbeddedError, Postgres, Valkey, own_folder

__all__ = ["EmbeddedError", "Servers", "addresses", "start", "stop", "use"]

LOCAL = Path(__file__).resolve().parent.parent / ".local"
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "full_page_writes": "off",
}


@dataclass
class Lease:
    """One process's use of the servers. Keep it until `stop`; losing it (a kill) counts as having stopped."""

    lock: IO[str]
    process: int
    started: tuple[str, ...]


class Servers:
    """The two embedded servers with their data in one folder (`home`)."""

    def __init__(self, home: Path = LOCAL) -> None:
        self.home = home.resolve()
        self.sockets = _socket_folder(self.home)
        self._stay = self.home / "embedded.stay"
        self._valkey_socket = str(self.sockets / "valkey.sock")
        self.postgres = Postgres(
            self.home,
            host=str(self.sockets),
            settings=POSTGRES_SETTINGS | {"unix_socket_directories": str(self.sockets)},
        )
        self.valkey = Valkey(
            self.home,
            reach={"unix_socket_path": self._valkey_socket},
            settings={"port": "0", "unixsocket": self._valkey_socket, "unixsocketperm": "700"},
        )

    def addresses(self) -> dict[str, str]:
        """DATABASE_URL, MIGRATE_DATABASE_URL and REDIS_URL of the servers, whether they run or not."""
        return {
            "DATABASE_URL": f"postgresql://{APPLICATION}@/{DATABASE}?host={self.sockets}",
            "MIGRATE_DATABASE_URL": f"postgresql://{OWNER}@/{DATABASE}?host={self.sockets}",
            "REDIS_URL": f"redis+socket://{self._valkey_socket}",
        }

    def start(self) -> Lease:
        """Start what does not run, and hold it for this process. Several processes may call this at once.

        Raises:
            EmbeddedError: a server does not start, or may not keep its data here.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with self._exclusive(), ExitStack() as undo:
            lock = undo.enter_context(self._users_lock())
            fcntl.flock(lock, fcntl.LOCK_SH)
            started = []
            if not self.postgres.answers() and not self.postgres.recovers():
                own_folder(self.sockets, self.postgres.user())
                self.postgres.start()
                started.append("PostgreSQL")
            self.postgres.prepare()
            if not self.valkey.answers():
                self.valkey.start()
                started.append("Valkey")
            undo.pop_all()
        return Lease(lock, os.getpid(), tuple(started))

    def stop(self, lease: Lease) -> bool:
        """Give the lease back; the last process to do so stops the servers. Answers whether they were stopped."""
        if lease.process != os.getpid():
            return False  # a forked child: the lease is its parent's
        with self._exclusive():
            lease.lock.close()
            with self._users_lock() as lock:
                if self._stay.exists() or not _is_free(lock):
                    return False
                self._stop_both()
        return True

    def keep(self) -> None:
        """Start the servers and let them run until `drop`."""
        lease = self.start()
        self._stay.touch()
        self.stop(lease)

    def drop(self) -> bool:
        """Stop the servers unless a process still uses them. Answers whether they are stopped."""
        if not self.home.exists():
            return True
        with self._exclusive(), self._users_lock() as lock:
            self._stay.unlink(missing_ok=True)
            if not _is_free(lock):
                return False
            self._stop_both()
        return True

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self.home / "embedded.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _users_lock(self) -> IO[str]:
        return (self.home / "embedded.users").open("w")

    def _stop_both(self) -> None:
        if self.valkey.answers():
            self.valkey.stop()
        if self.postgres.answers():
            self.postgres.stop()


def use(servers: Servers | None = None, *, start: bool = True) -> Lease | None:
    """Point the environment at the embedded servers where it names no other, and start them if asked to.

    Sets DATABASE_URL, MIGRATE_DATABASE_URL and REDIS_URL, and EMBEDDED=1 where the database is the embedded one.
    Answers the lease for `stop`, or None when nothing was started.
    """
    servers = servers or Servers()
    addresses = servers.addresses()
    if "DATABASE_URL" in os.environ:
        addresses = {"REDIS_URL": addresses["REDIS_URL"]}
    else:
        os.environ.setdefault("EMBEDDED", "1")
    missing = {name: address for name, address in addresses.items() if name not in os.environ}
    os.environ.update(missing)
    return servers.start() if start and missing else None


def addresses() -> dict[str, str]:
    """Addresses of the project's own embedded servers; starts nothing."""
    return Servers().addresses()


def start() -> Lease:
    """Start the project's own embedded servers where they do not run; the lease says what was started."""
    return Servers().start()


def stop(lease: Lease | None) -> None:
    """Give a lease back; None is allowed, so that the answer of `use` can be passed on."""
    if lease:
        Servers().stop(lease)


def _socket_folder(home: Path) -> Path:
    """A unix socket's path has room for 107 bytes, and plain letters spare every address its quoting."""
    folder = home / "run"
    if re.fullmatch(r"[\w./-]{1,80}", str(folder), re.ASCII):
        return folder
    return Path("/tmp") / f"facility-{os.geteuid()}-{hashlib.sha256(bytes(home)).hexdigest()[:12]}"  # noqa: S108


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """`start`: start the servers and let them stay; `stop`: stop them; `addresses`: print the addresses."""
    match arguments:
        case ["start"]:
            Servers().keep()
        case ["stop"]:
            if not Servers().drop():
                print("Another process still uses the embedded servers.", file=sys.stderr)
                return 1
        case ["addresses"]:
            print("\n".join(f"{name}={address}" for name, address in addresses().items()))
        case _:
            print("Usage: python -m config.embedded start | stop | addresses", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
