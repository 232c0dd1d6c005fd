"""The embedded servers: one pair serves many processes, and the last to go stops it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.database import EXTENSIONS
from config.embedded import EmbeddedError, Servers

ROOT = Path(__file__).resolve().parents[2]
# Another process that uses the servers, says so, and goes when its input ends.
USER = """
import sys
from pathlib import Path
from config.embedded import Servers
servers = Servers(Path(sys.argv[1]))
lease = servers.start()
print(",".join(lease.started) or "nothing", flush=True)
sys.stdin.read()
print("stopped" if servers.stop(lease) else "left running", flush=True)
"""


def other_process(servers: Servers) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(servers.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def both_answer(servers: Servers) -> tuple[bool, bool]:
    return servers.postgres.answers(), servers.valkey.answers()


def test_the_first_starts_them_and_the_last_stops_them(servers: Servers) -> None:
    first = servers.start()
    assert first.started == ("PostgreSQL", "Valkey")
    second = servers.start()
    assert second.started == ()
    assert servers.stop(first) is False
    assert both_answer(servers) == (True, True)
    assert servers.stop(second) is True
    assert both_answer(servers) == (False, False)


def test_processes_that_start_at_once_share_one_pair(servers: Servers) -> None:
    processes = [other_process(servers) for _ in range(4)]
    started = sorted(process.stdout.readline().strip() for process in processes)
    assert started == ["PostgreSQL,Valkey", "nothing", "nothing", "nothing"]
    endings = [process.communicate()[0].strip() for process in processes]
    assert endings == ["left running"] * 3 + ["stopped"]
    assert both_answer(servers) == (False, False)


def test_a_killed_process_counts_as_gone(servers: Servers) -> None:
    killed = other_process(servers)
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    assert both_answer(servers) == (True, True)
    lease = servers.start()
    assert lease.started == ()
    assert servers.stop(lease) is True


def test_servers_asked_to_stay_stay(servers: Servers) -> None:
    servers.keep()
    servers.stop(servers.start())
    assert both_answer(servers) == (True, True)
    lease = servers.start()
    assert servers.drop() is False
    servers.stop(lease)
    assert both_answer(servers) == (False, False)


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(servers: Servers) -> None:
    lease = servers.start()
    with psycopg.connect(servers.addresses()["MIGRATE_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    pid = int((servers.postgres.cluster / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    servers.valkey.stop()
    second = servers.start()
    assert second.started == ("PostgreSQL", "Valkey")
    with psycopg.connect(servers.addresses()["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    servers.stop(lease)
    servers.stop(second)


def test_a_process_number_used_again_does_not_keep_the_server_from_starting(servers: Servers) -> None:
    servers.stop(servers.start())
    # What a restart of the machine leaves: the dead server's file, and its number given to another program.
    (servers.postgres.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n")
    lease = servers.start()
    assert lease.started == ("PostgreSQL", "Valkey")
    servers.stop(lease)


def test_test_databases_are_born_ready(servers: Servers) -> None:
    lease = servers.start()
    owner, application = servers.addresses()["MIGRATE_DATABASE_URL"], servers.addresses()["DATABASE_URL"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_facility")
    with psycopg.connect(owner, dbname="test_facility") as connection:
        there = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
        assert set(EXTENSIONS) <= there
        connection.execute("CREATE TABLE item (id serial, place vector(3))")
    with psycopg.connect(application, dbname="test_facility", autocommit=True) as connection:
        assert connection.execute("INSERT INTO item (place) VALUES ('[1,2,3]') RETURNING id").fetchone() == (1,)
        for forbidden in ("CREATE TABLE own (id int)", "TRUNCATE item", "DROP TABLE item", "CREATE DATABASE own"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)
    servers.stop(lease)


def test_nobody_else_reaches_the_servers(servers: Servers) -> None:
    lease = servers.start()
    assert servers.sockets.stat().st_mode & 0o077 == 0
    with servers.postgres.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert servers.valkey.client().config_get("port") == {"port": "0"}
    servers.stop(lease)


def test_a_deep_or_strange_folder_gets_short_and_plain_sockets(tmp_path: Path) -> None:
    plain = Servers(Path("/srv/facility/.local"))
    assert plain.sockets == Path("/srv/facility/.local/run")
    for folder in (Path("/srv", "x" * 100), Path("/srv/a folder, with: signs?")):
        servers = Servers(folder / ".local")
        assert len(str(servers.sockets / ".s.PGSQL.5432")) < 100
        assert " " not in servers.addresses()["DATABASE_URL"]
        assert servers.sockets != Servers(folder / "other" / ".local").sockets


def test_a_folder_somebody_else_laid_in_the_way_is_refused(servers: Servers, tmp_path: Path) -> None:
    servers.sockets.symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        servers.start()
    servers.sockets.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_as_root_a_closed_folder_is_named(servers: Servers) -> None:
    servers.home.chmod(0o700)
    with pytest.raises(EmbeddedError, match=f"may not enter {servers.home}"):
        servers.start()


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, servers: Servers) -> None:
    for name in ("DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL", "EMBEDDED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@database/facility")
    assert embedded.use(servers, start=False) is None
    assert os.environ["DATABASE_URL"] == "postgresql://app@database/facility"
    assert os.environ["REDIS_URL"] == servers.addresses()["REDIS_URL"]
    assert "MIGRATE_DATABASE_URL" not in os.environ
    assert "EMBEDDED" not in os.environ
    monkeypatch.delenv("DATABASE_URL")
    embedded.use(servers, start=False)
    assert {name: os.environ[name] for name in servers.addresses()} == servers.addresses()
    assert os.environ["EMBEDDED"] == "1"
