"""Reads the whole trail and says whether it holds."""

from __future__ import annotations

import json
import sys
from argparse import FileType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from facility.workflow import seals, trail
from facility.workflow.engine import all_records


class Command(BaseCommand):
    help = "Checks every chain of the trail, its details, versions and seals; names the first bad row of each record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--export", action="store_true", help="print the seals, one JSON object a line, and stop")
        parser.add_argument("--against", type=FileType(), help="a file with seals that were kept outside")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            for one in seals.Seal.objects.order_by("until"):
                self.stdout.write(json.dumps(one.line()))
            return
        count = trail.Entry.objects.count()
        faults = trail.verify(all_records(), lambda read: self.say(f"{read:,} of {count:,} entries read"))
        if options["against"]:
            faults += seals.faults_against(options["against"])
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"The trail does not hold: {len(faults)} faults in {count} entries.")
        self.stdout.write(f"The trail holds: {count} entries.")

    def say(self, text: str) -> None:
        """Progress, apart from the findings."""
        self.stderr.write(text)
        sys.stderr.flush()
