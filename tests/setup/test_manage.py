"""manage.py starts the embedded servers for the commands that need them, and stops them whatever happens."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from django.core.management import get_commands

from manage import WITHOUT_SERVERS, needs_servers


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], False),
        (["help"], False),
        (["--version"], False),
        (["migrate"], True),
        (["migrate", "--help"], False),
        (["check"], False),
        (["check", "--deploy"], False),
        (["check", "--database", "default"], True),
        (["import_attendance", "report.csv", "--dry-run", "--json"], False),
        (["import_attendance", "report.csv", "--webinar", "1"], True),
        (["read_cv", "cv.pdf"], False),
        (["solve_assignment"], False),
        (["relay"], True),
    ],
)
def test_only_commands_that_need_them_start_the_servers(arguments: list[str], expected: bool) -> None:
    assert needs_servers(arguments) is expected


def test_a_command_without_servers_exists() -> None:
    """A renamed command would silently start them."""
    assert set(get_commands()) >= WITHOUT_SERVERS - {"", "help", "version"}


WAIT = "import time; print('under way', flush=True); time.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_servers_too(number: signal.Signals, small_project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "--command", WAIT],
        cwd=small_project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "under way\n"
    postgres = psutil.Process(int((small_project / ".local/postgres/cluster/postmaster.pid").read_text().split()[0]))
    assert postgres.name() == "postgres"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert psutil.wait_procs([postgres], timeout=10) == ([postgres], [])
