"""Servers over TCP with passwords: they ask everybody for one, the application is not the owner, and they go again."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import embedded
from config.separate import HOST, PORTS, Separate, free_ports
from config.servers import APPLICATION, DATABASE, OWNER, SUPERUSER, EmbeddedError

ROOT = Path(__file__).resolve().parents[2]
TELL = "import json, os; print(json.dumps({n: v for n, v in os.environ.items() if n.endswith('_URL')}), flush=True)"
Begin = Callable[..., subprocess.Popen[str]]
WAIT = f"{TELL}; import time; time.sleep(60)"


@pytest.fixture(scope="module")
def separate() -> Iterator[Separate]:
    """The two servers with a migrated database."""
    embedded.LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=embedded.LOCAL))
    folder.chmod(0o755)
    with Separate(folder).running() as servers:
        environment = os.environ | servers.addresses() | {"EMBEDDED": "1"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)
        yield servers
    shutil.rmtree(folder)


def strangers(servers: Separate) -> set[str]:
    """The roles that are let in with a wrong password, or with none."""
    found = set()
    for role in (SUPERUSER, OWNER, APPLICATION):
        for password in ("wrong", None):
            try:
                psycopg.connect(
                    host=HOST, port=servers.postgres.port, dbname=DATABASE, user=role, password=password
                ).close()
                found.add(role)
            except psycopg.OperationalError as error:
                if not re.search(r"password authentication failed|no password supplied", str(error)):
                    raise
    return found


def test_every_role_is_asked_for_its_password(separate: Separate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert strangers(separate) == set()
    with separate.postgres.connect() as connection:
        ways = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert ways == [("scram-sha-256",)]
        kept = dict(connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin"))
    assert set(kept) == {SUPERUSER, OWNER, APPLICATION}
    assert all(value.startswith("SCRAM-SHA-256$") for value in kept.values())


def test_control_one_trusting_line_lets_strangers_in(separate: Separate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    rules = separate.postgres.cluster / "pg_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"host all all {HOST}/32 trust\n{before}")
        separate.postgres.restart()
        assert strangers(separate) == {SUPERUSER, OWNER, APPLICATION}
    finally:
        rules.write_text(before)
        separate.postgres.restart()
    assert strangers(separate) == set()


def test_what_is_acknowledged_is_on_the_disk(separate: Separate) -> None:
    with separate.postgres.connect() as connection:
        wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
        wanted |= {"listen_addresses": HOST, "unix_socket_directories": ""}
        names = list(wanted)
        rows = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [names])
        assert dict(rows.fetchall()) == wanted


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE facility_application ADD COLUMN own int",
        "ALTER TABLE facility_application DISABLE TRIGGER USER",
        "ALTER TABLE workflow_entry OWNER TO facility_app",
        "UPDATE workflow_entry SET step = 'other'",
        "DELETE FROM workflow_entry",
        "TRUNCATE workflow_entry, workflow_detail",
        "DELETE FROM facility_application",
        "DROP TABLE facility_application",
        "CREATE TABLE own (id int)",
        "CREATE DATABASE own",
        "SET ROLE facility_owner",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_is_not_the_owner(separate: Separate, statement: str) -> None:
    address = separate.addresses()["DATABASE_URL"]
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(address, autocommit=True) as connection, refused:
        connection.execute(statement)


def test_control_the_owner_may(separate: Separate) -> None:
    """The statements are sound: what the application is refused, the owner can do."""
    with psycopg.connect(separate.addresses()["MIGRATE_DATABASE_URL"]) as connection:
        connection.execute("ALTER TABLE facility_application ADD COLUMN own int")
        connection.execute("ALTER TABLE facility_application DISABLE TRIGGER USER")
        connection.execute("DELETE FROM facility_application")
        connection.rollback()


def test_redis_asks_for_its_password(separate: Separate) -> None:
    reach, once = {"host": HOST, "port": separate.redis_port}, Retry(NoBackoff(), 0)
    with pytest.raises(redis.AuthenticationError, match="client already authenticated"):
        redis.Redis(**reach, retry=once).ping()
    with pytest.raises(redis.AuthenticationError, match="invalid username-password pair"):
        redis.Redis(**reach, retry=once, password="wrong").ping()
    assert redis.Redis.from_url(separate.addresses()["REDIS_URL"]).ping()


def test_passwords_are_new_and_nobody_else_reads_them(separate: Separate, room: Path) -> None:
    assert not set(separate.passwords.values()) & set(Separate(room).passwords.values())
    told = " ".join(" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    kept = b"".join(path.read_bytes() for path in separate.home.glob("*.log")).decode(errors="replace")
    for password in separate.passwords.values():
        assert password not in told
        assert password not in kept
    assert not (separate.postgres.data / "password").exists()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_what_was_acknowledged_and_the_address(separate: Separate, mode: str) -> None:
    address = separate.addresses()["MIGRATE_DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE kept_{mode} AS SELECT generate_series(1, 100) AS id")
        separate.postgres.restart(mode)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(address) as connection:
        assert connection.execute(f"SELECT count(*) FROM kept_{mode}").fetchone() == (100,)


def test_without_redis_valkey_serves_over_tcp(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(room))
    servers = Separate(room)
    assert Path(servers.redis.program).name == "valkey-server"
    with servers.running():
        assert redis.Redis.from_url(servers.addresses()["REDIS_URL"]).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(host=HOST, port=servers.redis_port, retry=Retry(NoBackoff(), 0)).ping()


def test_two_at_once_need_two_folders(separate: Separate) -> None:
    with (
        pytest.raises(EmbeddedError, match="Another process has its servers in"),
        Separate(separate.home).running(),
    ):
        pass
    assert separate.postgres.answers()


def test_ports_are_not_those_that_clients_get() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, second = free_ports(2)
    assert first != second
    assert {first, second} <= set(PORTS)
    assert max(PORTS) < lowest


# The script


@pytest.fixture
def begin(small_project: Path) -> Iterator[Begin]:
    """Starts the script in a session of its own, as a terminal would."""
    with ExitStack() as begun:

        def start(*command: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.separate", *command],
                cwd=small_project,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            begun.enter_context(process)
            begun.callback(process.kill)
            return process

        yield start


def at_work(project: Path) -> list[psutil.Process]:
    """The processes of both servers."""
    inside = str(project / ".local" / "separate")
    return [one for one in psutil.process_iter(["cwd"]) if (one.info["cwd"] or "").startswith(inside)]


def test_a_command_gets_the_addresses_and_its_status_is_told(begin: Begin, small_project: Path) -> None:
    told = "import psycopg, sys; psycopg.connect(os.environ['DATABASE_URL']).close(); sys.exit(7)"
    process = begin(sys.executable, "-c", f"{TELL}; print(os.environ['EMBEDDED'], os.environ['DATA_ROOT']); {told}")
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 7
    addresses = json.loads(said.splitlines()[0])
    assert said.splitlines()[1] == f"1 {small_project}/.local/separate/data"
    assert set(addresses) >= {"DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL"}
    assert re.match(rf"PostgreSQL on {HOST}:\d+, (redis|valkey)-server on {HOST}:\d+, with passwords\n$", complaint)
    assert at_work(small_project) == []
    assert sorted(path.name for path in (small_project / ".local/separate").iterdir() if path.is_dir()) == []
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(addresses["DATABASE_URL"])


def test_a_command_that_does_not_exist_leaves_nothing(begin: Begin, small_project: Path) -> None:
    process = begin("no-such-command")
    _said, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint.splitlines()[-1]) == (127, "no-such-command: No such file or directory")
    assert at_work(small_project) == []


def test_without_a_command_it_says_how(begin: Begin) -> None:
    process = begin()
    assert process.communicate(timeout=60) == ("", "Usage: python -m config.separate COMMAND …\n")
    assert process.returncode == 2


@pytest.mark.parametrize("ending", ["command killed", "terminated", "hung up", "Ctrl-C"])
def test_whatever_ends_it_the_servers_stop(ending: str, begin: Begin, small_project: Path) -> None:
    process = begin(sys.executable, "-c", WAIT)
    assert "DATABASE_URL" in process.stdout.readline()
    servers = at_work(small_project)
    assert {"postgres"} < {one.name() for one in servers}
    (command,) = psutil.Process(process.pid).children()
    if ending == "command killed":
        command.kill()
    elif ending == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM if ending == "terminated" else signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == {"command killed": 137, "terminated": 143, "hung up": 129, "Ctrl-C": 130}[ending]
    assert psutil.wait_procs([command, *servers], timeout=10)[1] == []


def test_what_a_killed_script_has_left_goes_with_the_next(begin: Begin, small_project: Path) -> None:
    killed = begin(sys.executable, "-c", WAIT)
    assert "DATABASE_URL" in killed.stdout.readline()
    (command,) = psutil.Process(killed.pid).children()
    left = at_work(small_project)
    killed.kill()
    command.kill()
    killed.communicate(timeout=30)
    time.sleep(0.2)
    assert all(one.is_running() for one in left if one.name() in {"redis-server", "valkey-server"})
    following = begin(sys.executable, "-c", TELL)
    following.communicate(timeout=60)
    assert following.returncode == 0
    assert psutil.wait_procs(left, timeout=10)[1] == []
