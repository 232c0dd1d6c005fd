"""Runs every process of the Procfile on this machine until Ctrl-C (`make run`)."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from honcho.environ import parse_procfile
from honcho.manager import Manager

from config import embedded

ROOT = Path(__file__).resolve().parent.parent
ACCESS = ROOT / ".local" / "demo" / "access.json"


def commands() -> dict[str, str]:
    """The command of each process, by name, as the Procfile has it."""
    return dict(parse_procfile((ROOT / "Procfile").read_text()).processes)


def environment() -> dict[str, str]:
    """This process's environment, with the programs of its own Python first in the path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def sign_ins() -> str:
    """The people of the demo and their passwords, one a line."""
    if not ACCESS.exists():
        return ""
    people = json.loads(ACCESS.read_text())["people"]
    return "\n".join(f"  {person['role']:<24} {person['email']:<40} {person['password']}" for person in people)


def main() -> int:
    port = os.environ.setdefault("PORT", "8000")
    address = os.environ.setdefault("BASE_URL", f"http://127.0.0.1:{port}")
    lease = embedded.use()
    try:
        manager = Manager()
        for name, command in commands().items():
            manager.add_process(name, command, env=environment(), cwd=str(ROOT))
        # A closed terminal ends the processes as well; each has a session of its own and would live on.
        signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
        print(f"The workspace: {address}/workspace/  (Ctrl-C stops it)\n{sign_ins()}", flush=True)
        manager.loop()
        return 0 if manager.returncode == 128 + signal.SIGINT else manager.returncode or 0
    finally:
        embedded.stop(lease)


if __name__ == "__main__":
    sys.exit(main())
