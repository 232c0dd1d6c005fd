"""The runner of the Procfile: all processes start, and one signal ends all of them and the servers."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config.process import commands

PROCFILE = """
one: python -c "print('one up', flush=True); import time; time.sleep(60)"
two: sh -c 'echo two $REDIS_URL; sleep 60'
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_one_signal_ends_everything(number: signal.Signals, status: int, small_project: Path) -> None:
    (small_project / "Procfile").write_text(PROCFILE)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.process"], cwd=small_project, env=environment, stdout=subprocess.PIPE, text=True
    )
    said = ""
    while "one up" not in said or "two redis+socket://" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    postgres = int((small_project / ".local/postgres/cluster/postmaster.pid").read_text().split()[0])
    numbers = [postgres, *(int(number) for number in re.findall(r"started \(pid=(\d+)\)", said))]
    assert len(numbers) == 3
    processes = [psutil.Process(number) for number in numbers]
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_the_procfile_names_the_four_processes() -> None:
    assert list(commands()) == ["web", "worker", "relay", "embedder"]
