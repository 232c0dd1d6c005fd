"""Runs the processes of the Procfile: all of them on this machine until Ctrl-C (`make run`), or one of them alone.

python -m config.process            every process, with the embedded servers where no others are named
python -m config.process worker     becomes that process (containers)
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from config import embedded

ROOT = Path(__file__).resolve().parent.parent
ACCESS = ROOT / ".local" / "demo" / "access.json"
# Time for a request or a job to end by itself; an unfinished job is rung for again.
GRACE_SECONDS = 15
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """A signal asked for the end."""


def commands() -> dict[str, str]:
    """The command of each process, by name, as the Procfile has it."""
    return dict(re.findall(r"^(\w+): *(.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


def environment() -> dict[str, str]:
    """This process's environment, with the programs of its own Python first in the path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def arguments(command: str) -> list[str]:
    """How to run a line of the Procfile: the shell fills in variables, then becomes the program."""
    return ["/bin/sh", "-c", f"exec {command}"]


def sign_ins() -> str:
    """The people of the demo and their passwords, one a line."""
    if not ACCESS.exists():
        return ""
    people = json.loads(ACCESS.read_text())["people"]
    return "\n".join(f"  {person['role']:<24} {person['email']:<40} {person['password']}" for person in people)


def become(name: str) -> None:
    """Be the process of that name; does not return."""
    embedded.use(start=False)
    os.chdir(ROOT)
    os.execve("/bin/sh", arguments(commands()[name]), environment())  # noqa: S606


def run_all() -> int:
    """Run every process until a signal or until one of them ends; answers the exit status."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _end)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands().items():
            # Each in a session of its own, so that Ctrl-C reaches only this process, which ends them in order.
            processes[name] = subprocess.Popen(  # noqa: S603
                arguments(command), cwd=ROOT, env=environment(), start_new_session=True
            )
        while True:
            for name, process in processes.items():
                if process.poll() is not None:
                    print(f"The process “{name}” ended by itself ({process.returncode}).", file=sys.stderr)
                    return process.returncode or 1
            time.sleep(0.2)
    except Ended:
        return 0
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _end_all(list(processes.values()))


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended


def _end_all(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also what a process left behind
        process.wait()


def main() -> int:
    if names := sys.argv[1:]:
        become(names[0])
    port = os.environ.setdefault("PORT", "8000")
    address = os.environ.setdefault("BASE_URL", f"http://127.0.0.1:{port}")
    lease = embedded.use()
    try:
        print(f"The workspace: {address}/workspace/  (Ctrl-C stops it)\n{sign_ins()}", flush=True)
        return run_all()
    finally:
        embedded.stop(lease)


if __name__ == "__main__":
    sys.exit(main())
