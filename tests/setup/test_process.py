"""The runner of the Procfile: all processes start, and one signal ends all of them and the servers."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config.embedded import Servers
from config.process import commands

PROCFILE = """
one: python -c "import os, time; print('one', os.getpid(), flush=True); time.sleep(60)"
two: sh -c 'echo two $$ $REDIS_URL; sleep 60'
"""


def begin(project: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return subprocess.Popen(
        [sys.executable, "-m", "config.process", *arguments],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_everything(number: signal.Signals, small_project: Path) -> None:
    (small_project / "Procfile").write_text(PROCFILE)
    process = begin(small_project)
    assert process.stdout.readline().startswith("The workspace: http://127.0.0.1:8000/workspace/")
    said = ""
    while not {"one", "two"} <= {line.split(" ")[0] for line in said.splitlines()}:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert Servers(small_project / ".local").addresses()["REDIS_URL"] in said
    postgres = (small_project / ".local/postgres/cluster/postmaster.pid").read_text().split()[0]
    numbers = [int(postgres), *(int(number) for number in re.findall(r"^(?:one|two) (\d+)", said, re.MULTILINE))]
    assert len(numbers) == 3
    processes = [psutil.Process(number) for number in numbers]
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_when_one_ends_all_end(small_project: Path) -> None:
    (small_project / "Procfile").write_text("one: sleep 60\ntwo: sh -c 'exit 3'\n")
    process = begin(small_project)
    _, complaint = process.communicate(timeout=30)
    assert complaint == "The process “two” ended by itself (3).\n"
    assert process.returncode == 3


def test_one_process_alone_becomes_its_command(small_project: Path) -> None:
    (small_project / "Procfile").write_text('one: python -c "import os; print(os.getpid())"\n')
    process = begin(small_project, "one")
    assert process.communicate(timeout=30) == (f"{process.pid}\n", "")
    assert not (small_project / ".local").exists()


def test_the_procfile_names_the_four_processes() -> None:
    assert list(commands()) == ["web", "worker", "relay", "embedder"]
