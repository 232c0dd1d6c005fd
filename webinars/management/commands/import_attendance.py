"""`manage.py import_attendance`: read an attendance report, show it, and keep it for a webinar."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webinars.attendance import ACCEPTED, Refused, read

REFUSED = 2


class Command(BaseCommand):
    help = "Reads an attendance report of Teams, Zoom, Webex or a plain CSV."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--webinar", help="The webinar whose attendance this is.")
        parser.add_argument("--zone", help="Time zone of the exporter's clock, such as Europe/Brussels.")
        parser.add_argument("--dry-run", action="store_true", help="Only show what the file says.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            raise CommandError("Attendance is kept through the webinar's page; use --dry-run to see what a file says.")
        try:
            found = read(options["file"].read_bytes(), options["file"].name, options["zone"])
        except OSError as error:
            raise CommandError(f"{options['file'].name} cannot be opened: {error.strerror}.") from error
        except Refused as error:
            answer = {"error": str(error), "accepted": list(ACCEPTED)}
            self.stdout.write(json.dumps(answer, ensure_ascii=False) if options["json"] else str(error))
            sys.exit(REFUSED)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
            return
        for person in found.people:
            self.stdout.write(f"{person.name} <{person.email}> {person.minutes} min")
        for warning in found.warnings:
            self.stderr.write(warning)
