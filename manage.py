#!/usr/bin/env python
"""The project's commands. Where the environment names no database or Redis, the embedded servers serve them."""

import os
import signal
import sys
from types import FrameType

from django.core.management import execute_from_command_line

from config import embedded

WITHOUT_SERVERS = {
    "",
    "check_translations",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "read_cv",
    "score_texts",
    "solve_assignment",
    "spectacular",
    "version",
    "workflow_docs",
}


def needs_servers(arguments: list[str]) -> bool:
    """Whether the command reaches a database or Redis at all."""
    command, *options = arguments or [""]
    if command.startswith("-") or command in WITHOUT_SERVERS or {"-h", "--help"} & set(options):
        return False
    if command == "check":
        return "--database" in options
    return not (command == "import_attendance" and "--dry-run" in options)


def leave(number: int, frame: FrameType | None) -> None:
    """A signal ends the command like an error would, so that the servers are stopped on the way out."""
    sys.exit(128 + number)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, leave)
    try:
        lease = embedded.use(start=needs_servers(sys.argv[1:]))
    except embedded.EmbeddedError as error:
        sys.exit(str(error))
    try:
        execute_from_command_line(sys.argv)
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        embedded.stop(lease)


if __name__ == "__main__":
    main()
