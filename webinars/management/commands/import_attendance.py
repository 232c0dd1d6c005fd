"""`manage.py import_attendance`: read an attendance report, show it, and keep it for a webinar."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand, CommandError, CommandParser

from facility.workflow.steps import SYSTEM
from facility.workflow.steps import Refused as StepRefused
from webinars.attendance import ACCEPTED, Refused, read

REFUSED = 2


class Command(BaseCommand):
    help = "Reads an attendance report of Teams, Zoom, Webex or a plain CSV."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--webinar", help="The webinar whose attendance this is, by its id.")
        parser.add_argument("--zone", help="Time zone of the exporter's clock, such as Europe/Brussels.")
        parser.add_argument("--dry-run", action="store_true", help="Only show what the file says.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"] and not options["webinar"]:
            raise CommandError("Say with --webinar whose attendance it is, or use --dry-run to see what the file says.")
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file'].name} cannot be opened: {error.strerror}.") from error
        try:
            found = read(data, options["file"].name, options["zone"])
        except Refused as error:
            answer = {"error": str(error), "accepted": list(ACCEPTED)}
            self.stdout.write(json.dumps(answer, ensure_ascii=False) if options["json"] else str(error))
            sys.exit(REFUSED)
        if not options["dry_run"]:
            self.keep(options["webinar"], options["file"].name, data, found.as_json(), as_json=options["json"])
            return
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
            return
        for person in found.people:
            self.stdout.write(f"{person.name} <{person.email}> {person.minutes} min")
        for warning in found.warnings:
            self.stderr.write(warning)

    def keep(self, key: str, name: str, data: bytes, reading: dict[str, Any], *, as_json: bool) -> None:
        """Takes the step that the webinar's page takes, and says what became of it."""
        from webinars.webinar import Webinar

        try:
            webinar = Webinar.objects.get(pk=key)
            summary = webinar.reconciled(reading).as_json()
            webinar.perform(
                "import_attendance", by=SYSTEM, files={"file": SimpleUploadedFile(name, data)}, has_guests=True
            )
        except (Webinar.DoesNotExist, ValidationError) as error:
            raise CommandError(f"There is no webinar {key}.") from error
        except StepRefused as error:
            raise CommandError(str(error)) from error
        answer = {
            "webinar": str(webinar.pk),
            "present": webinar.present_count,
            "guests": webinar.guests_count,
            **summary,
        }
        if as_json:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        taken = f"{webinar.present_count} took part, {webinar.guests_count} of them as guests"
        self.stdout.write(f"{taken}; {summary['absent']} did not come.")
        for one in summary["unmatched"]:
            self.stdout.write(f"matches no registration: {one['name']} {one['minutes']} min")
        for warning in summary["warnings"]:
            self.stderr.write(warning)
